"""A container that breaks SageMaker's container contract in one chosen way, for tests of `check` and jobs."""
