"""An account loads EC2 and Batch only for whoever calls them."""

import subprocess
import sys

PROGRAM = """
import sys
from trainwright.rehearsal import lightly
lightly.import_lightly()
import moto.stepfunctions.parser.models
import moto.ssm.models
assert not {"moto.batch", "moto.ec2", "moto.ec2.models"} & set(sys.modules)
assert moto.ssm.models.ec2_backends["123456789012"]["us-east-1"].all_reservations() == []
import moto.batch.models
from moto.ec2 import ec2_backends
assert moto.ssm.models.ec2_backends["123456789012"] is ec2_backends["123456789012"]
assert moto.batch.models.batch_backends is not None
lightly.import_lightly()
assert sys.modules["moto.ec2"].ec2_backends is ec2_backends
"""


def test_what_every_account_needs_loads_without_ec2_and_ec2_when_it_is_asked_for():
    subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM], check=True, timeout=60)


def test_an_open_account_answers_for_batch_and_ec2(account):
    assert account.client("batch").describe_compute_environments()["computeEnvironments"] == []
    assert account.client("ec2").describe_vpcs()["Vpcs"]
    assert account.client("ssm").list_commands()["Commands"] == []
