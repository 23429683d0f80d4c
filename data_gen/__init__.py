"""Synthetic students who leave by a known hazard, what their app sends, and the export of the app's own file."""
