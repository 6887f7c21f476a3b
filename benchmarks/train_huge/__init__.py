"""Training from an empty table to 100 million features."""
