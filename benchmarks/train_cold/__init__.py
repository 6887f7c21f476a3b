"""Training from an empty table to over 20 million features."""
