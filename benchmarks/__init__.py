"""Benchmarks of this API against a lower limit and two peers."""
