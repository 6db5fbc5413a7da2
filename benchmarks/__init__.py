"""Benchmarks: each measures us and a peer in one run. ``python -m benchmarks.NAME [--quick] [--json]``."""
