"""Measurements of this product on this machine; `python -m benchmarks` runs them all."""
