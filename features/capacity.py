"""What tutors can handle: the shares of the scored students that the bands of risk hold."""

HIGH_PERCENT = 10
MEDIUM_PERCENT = 20
