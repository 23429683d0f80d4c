"""What was known of each student's days, the feature views and labels made from it, and the feature store."""
