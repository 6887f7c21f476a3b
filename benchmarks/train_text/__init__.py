"""Whole processes, text to saved model: each `*_peer` has a Peer, a subclass of common.Peer."""
