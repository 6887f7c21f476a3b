"""Throughput of fmtrain beside what else a Python user would run; see README.md."""
