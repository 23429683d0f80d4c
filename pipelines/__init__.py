"""Bronze, silver, gold, and the whole loop in order."""
