"""A manifest written from a bucket or from a table."""
