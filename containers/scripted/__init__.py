"""A container that behaves as its environment says: for tests, benchmarks and trying things out."""
