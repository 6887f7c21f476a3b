"""Logistic regression from text: each `*_peer` has `train(path)` with `predict(lines)`."""
