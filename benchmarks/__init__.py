"""What the guard costs, measured: ``python -m benchmarks --help``."""
