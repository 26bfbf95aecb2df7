"""The rehearsal: an AWS account that lives in one process on one machine.

moto, mended where it differs from AWS, serves the APIs; engines beside it run state machines, Lambda functions and
training jobs for real. It plays AWS from botocore's models and AWS's documentation and knows nothing of the platform
that is deployed into it: everything reaches it through synthesised templates and AWS APIs.

Nothing here patches moto on import; only the server process (``python -m trainwright.rehearsal.server``) does.
"""
