"""The CEFR levels, from the lowest to the highest."""

LEVELS = ("A1", "A2", "B1", "B2", "C1", "C2")
