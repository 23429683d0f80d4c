"""Segment and dropout models: search, training, tests, promotion and rollback."""
