"""The SageMaker SDKs as their users run them, each in its own environment: nothing of them is patched."""

import json
import os
from pathlib import Path

import pytest

pytestmark = [pytest.mark.more, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[3]


def interpreter(version):
    named = os.environ.get(f"TRAINWRIGHT_SDK_{version.upper()}")
    found = Path(named) if named else ROOT / ".sdk" / version / "bin" / "python"
    if not found.is_file():
        pytest.skip(f"the SDK {version} is not installed at {found}: fit() and train() were not tried with it")
    return found


def ran(account, version, program, *words):
    done = account.run(interpreter(version), account.programs / program, account.role, *words)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def test_v2_fits_on_spot_through_an_interruption_and_reads_its_model(account):
    told, said = ran(account, "v2", "sdk_v2.py", account.image)
    job = account.client("sagemaker").describe_training_job(TrainingJobName=told["job"])
    statuses = [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
    assert "Interrupted" in statuses and statuses[-1] == "Completed"
    assert told["model"]["data"] == ["digits.csv"]
    assert told["model"]["parameters"] == {"epochs": "6", "seconds": "0.5"}
    assert told["model"]["resumed"] > 0
    assert told["model_data"] == job["ModelArtifacts"]["S3ModelArtifacts"]
    assert "starting after epoch 0" in said and "epoch 6 loss=0.1667" in said
    seconds, billable = job["TrainingTimeInSeconds"], job["BillableTimeInSeconds"]
    assert billable < seconds and f"Managed Spot Training savings: {(1 - billable / seconds) * 100:.1f}%" in said


def test_v2_fits_in_script_mode_on_an_image_of_aws_own(account):
    told, said = ran(account, "v2", "sdk_v2_pytorch.py")
    assert told["image"] == "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1-cpu-py310"
    assert told["model"] == {"epochs": 3, "helper": "beside it", "hosts": ["algo-1"]}
    assert "script mode on algo-1" in said


def test_v3_trains_in_script_mode_and_reads_its_model(account):
    told, _ = ran(account, "v3", "sdk_v3.py", account.image)
    assert told["status"] == "Completed"
    assert told["model"] == {"data": ["digits.csv"], "parameters": {"epochs": 2, "rate": 0.5}}


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_a_job_that_fails_is_an_error_with_its_reason(account, version):
    name = f"fails-{version}"
    account.client("sagemaker").create_training_job(**account.request(name, HyperParameters={"epochs": "many"}))
    waits = {
        "v2": f"import sagemaker; sagemaker.Session().wait_for_job({name!r}, poll=1)",
        "v3": f"from sagemaker.core.resources import TrainingJob as T; T.get({name!r}).wait(poll=1, logs=False)",
    }
    done = account.run(interpreter(version), "-c", waits[version])
    assert done.returncode != 0
    assert "AlgorithmError" in "".join((done.stdout + done.stderr).split())
