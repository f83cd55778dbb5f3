"""Measurements beside a named alternative, in one run; `python -m benchmarks` prints them and writes results.json."""
