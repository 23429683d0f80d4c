"""Feature views, one module each; see features/feature_view.py."""
