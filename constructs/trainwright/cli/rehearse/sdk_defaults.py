"""What keeps the SageMaker Python SDKs with an embedded account, where they do not follow AWS_ENDPOINT_URL.

Both SDKs ask STS at an address of their own for the account's number when they need the default bucket's name, and send
telemetry to AWS; a file of defaults answers the first and ends the second
(https://sagemaker.readthedocs.io/en/stable/overview.html#configuring-and-using-defaults-with-the-sagemaker-python-sdk).
"""

from __future__ import annotations

import json
from pathlib import Path

VARIABLE = "SAGEMAKER_USER_CONFIG_OVERRIDE"


def write(folder: Path, region: str, account_id: str) -> dict[str, str]:
    """Write the file into the folder; returns the variable that leads the SDKs to it."""
    modules = {
        "TelemetryOptOut": True,
        "Session": {"DefaultS3Bucket": f"sagemaker-{region}-{account_id}"},
    }
    file = folder / "sagemaker.yaml"
    # JSON is YAML too.
    defaults = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": modules}}}
    file.write_text(json.dumps(defaults, indent=2) + "\n", encoding="utf-8")
    return {VARIABLE: str(file.resolve())}
