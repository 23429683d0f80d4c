"""The dashboard: one HTML file that tutors open offline in the morning."""
