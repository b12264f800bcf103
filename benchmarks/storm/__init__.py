"""What becomes of Placement when many write at once: ``python -m benchmarks.storm --help``."""
