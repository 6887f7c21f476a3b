"""Scoring as a server does it: libfmscore, from Python.

>>> from fmtrain.serving import Scorer
>>> with Scorer("model.fms") as scorer:
...     print(scorer.score([{"ad": 3}, {"ad": 4}], user={"age": 24}).scores)
"""
