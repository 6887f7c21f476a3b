"""Training on a table that holds every feature: two million of them."""
