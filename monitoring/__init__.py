"""Monitoring: drift, realised performance, data quality, the dashboard."""
