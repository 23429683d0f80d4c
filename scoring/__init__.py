"""Scoring: at-risk students with their reasons, and segments."""
