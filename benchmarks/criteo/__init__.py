"""Criteo's sample from raw rows: what features, and what leaves, do to the AUC."""
