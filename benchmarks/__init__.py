"""The benchmark suite: `python -m benchmarks --help`, or `make bench`.

Every figure is a comparison: its contenders run in turn, round after round, so that what else the machine does falls on
all of them alike. What counts is the ratio of their medians.
"""
