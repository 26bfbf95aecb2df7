"""The brain of Trainwright: run request -> plan -> CreateTrainingJob, outcome -> decision, and the Lambda handlers
around it.

Everything outside `handlers` is pure: facts, the clock and AWS's answers are passed in, so that tests and the command
line can call it without AWS. Only `handlers` touch boto3.
"""
