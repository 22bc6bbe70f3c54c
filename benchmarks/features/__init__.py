"""The tests of features under faults, for kiq and for its rivals: benchmarks/rivals.py runs them."""
