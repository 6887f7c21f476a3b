"""Requests of a ranking server, through the library that it embeds."""
