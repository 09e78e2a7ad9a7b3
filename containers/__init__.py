"""Serving containers that keep SageMaker's container contract."""
