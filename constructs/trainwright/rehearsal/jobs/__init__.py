"""The training engine: what SageMaker does with a training job, with processes of this machine as instances."""
