"""`trainwright import` promises a run request that renders the same: it is rendered, and compared with what the SDK v2
sent, block by block, but for what belongs to the platform (addresses, names, role, tags)."""

import json
from pathlib import Path

import pytest

from trainwright.cli.sdk.estimator import import_estimator
from trainwright.cli.sdk.mending import mended
from trainwright_runtime import images
from trainwright_runtime.facts import Deployment, RunFacts
from trainwright_runtime.fields import image_is_uri
from trainwright_runtime.job import named, render
from trainwright_runtime.request import Checked, check
from trainwright_runtime.site import Site
from trainwright_runtime.spec import SAMPLE_DEPLOYMENT, SAMPLE_FACTS, first_spec

RECORDINGS = sorted((Path(__file__).parent / "v2" / "recordings").glob("*.json"))
SOURCE = "s3://source/sourcedir.tar.gz"
BLOCKS = (
    "AlgorithmSpecification",
    "HyperParameters",
    "InputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableManagedSpotTraining",
    "Environment",
    "VpcConfig",
    "RetryStrategy",
    "InfraCheckConfig",
    "DebugHookConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "ExperimentConfig",
    "RemoteDebugConfig",
    "SessionChainingConfig",
    "EnableInterContainerTrafficEncryption",
    "EnableNetworkIsolation",
)
DIFFERENT = {
    # the SDK ignores these keys in silence; they are understood as meant
    "s002_flat_smddp_key_silently_ignored": {"HyperParameters"},
    "s002_flat_smp_key_silently_ignored": {"HyperParameters"},
    # smp_v1 needs MPI, which the recorded call forgot
    "s000_pytorch_smp_v1_partitions": {"HyperParameters"},
    # AWS refuses a waiting time without spot
    "max_wait_without_spot": {"StoppingCondition"},
    # AWS takes no volume key for local storage
    "misc_options": {"ResourceConfig"},
    # the SDK's default model_dir, a place below the job's own prefix
    "tensorflow_mwms": {"HyperParameters"},
    # the rule's name holds the time
    "profiler_detailed": {"ProfilerRuleConfigurations"},
}


def rendered(recording):
    imported, problems = mended(import_estimator(recording), recording["region"])
    assert not problems, [problem.sentence() for problem in problems]
    run = json.loads(json.dumps(imported.run))
    if "source_code" in run:
        run["source_code"]["source_dir"] = SOURCE
    checked = check(run, site=Site(recording["region"]))
    assert isinstance(checked, Checked), [problem.sentence() for problem in checked]
    deployment = Deployment(**vars(SAMPLE_DEPLOYMENT) | {"region": recording["region"]})
    image = checked.resolved.image
    facts = RunFacts(SAMPLE_FACTS.run, deployment, image if image and image_is_uri(image) else None)
    return named(render(first_spec(checked.resolved, facts)), recording["request"]["TrainingJobName"], 1)


def comparable(request):
    """The request without addresses of the platform's, and what is the same to AWS written the same way."""
    blocks = {name: json.loads(json.dumps(request[name])) for name in BLOCKS if name in request}
    if "sagemaker_submit_directory" in blocks.get("HyperParameters", {}):
        blocks["HyperParameters"]["sagemaker_submit_directory"] = "(an archive)"
    for name in ("DebugHookConfig", "ProfilerConfig"):
        blocks.get(name, {}).pop("S3OutputPath", None)
    blocks["EnableManagedSpotTraining"] = blocks.get("EnableManagedSpotTraining", False)
    for name in ("HyperParameters", "Environment"):
        blocks.setdefault(name, {})
    for channel in blocks.get("InputDataConfig", []):
        if channel["ChannelName"] == "code":
            channel["DataSource"]["S3DataSource"]["S3Uri"] = "(an archive)"
    return blocks


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_what_is_imported_renders_as_the_sdk_sent_it(path):
    recording = json.loads(path.read_text(encoding="utf-8"))
    expected, answered = comparable(recording["request"]), comparable(rendered(recording))
    differing = {name for name in BLOCKS if expected.get(name) != answered.get(name)}
    assert differing == DIFFERENT.get(path.stem, set()), {
        name: (expected.get(name), answered.get(name)) for name in differing
    }


def test_algorithms_are_told_by_their_images():
    assert images.family_of(images.algorithm_image("xgboost", "1.7-1", region="us-west-2", instance_type="ml.m5.large"))
