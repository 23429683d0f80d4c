"""Bronze: every raw file once, as received."""
