"""The as-of grid and labels, feature groups, the feature store."""
