"""What a job shows of its instances: CloudWatch metrics, the profiler's files, its rules and what they find.

https://docs.aws.amazon.com/sagemaker/latest/dg/train-debugger.html; `service` is what the engine calls.
"""
