"""What Step Functions does and moto's interpreter of the Amazon States Language does not.

The modules here are the bodies of the mends in ``trainwright.rehearsal.mends.stepfunctions*``: plain functions that are
put in the place of moto's, and nothing that acts when it is imported.
"""
