"""Silver: typed, one row a key, bad rows in quarantine."""
