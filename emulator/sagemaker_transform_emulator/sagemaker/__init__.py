"""SageMaker's requests, resources and constraints as values."""
