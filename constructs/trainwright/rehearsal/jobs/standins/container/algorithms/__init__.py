"""What SageMaker's built-in algorithms check before they train, and nothing of their training."""
