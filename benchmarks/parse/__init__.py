"""Text to numbers: the ways a line can be written."""
