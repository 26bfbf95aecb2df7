"""What `render_trainer` warns of: what AWS refuses or ignores, and what ends the job before the script starts."""

import pytest

from trainwright.cli.sdk.trainer import render_trainer

IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/my-algo:1"
SOURCE = {"$": "sagemaker.train.configs:SourceCode", "source_dir": "src", "entry_script": "train.py"}


def config(name, /, **keywords):
    return {"$": f"sagemaker.train.configs:{name}", **keywords}


def compute(**keywords):
    return {"compute": config("Compute", **keywords)}


def stopping(**keywords):
    return {"stopping_condition": config("StoppingCondition", **keywords)}


def inputs(*channels):
    return {"fit": {"input_data_config": list(channels)}}


def channel(name="train", kind="S3Prefix", groups=None, **keywords):
    source = config("S3DataSource", s3_data_type=kind, s3_uri="s3://b/x/")
    source |= {"instance_group_names": groups} if groups else {}
    return config("Channel", channel_name=name, data_source=config("DataSource", s3_data_source=source), **keywords)


def launcher(name, **keywords):
    return {"distributed": {"$": f"sagemaker.train.distributed:{name}", **keywords}, "source_code": SOURCE}


def warnings(fit=None, **kwargs):
    kwargs = {"training_image": IMAGE, "role": "arn:aws:iam::123456789012:role/R", **kwargs}
    return render_trainer({"region": "us-west-2", "kwargs": kwargs, "fit": fit or {}}).warnings


SPOT = compute(enable_managed_spot_training=True)
WAIT = stopping(max_runtime_in_seconds=3600, max_wait_time_in_seconds=7200)
CHECKPOINTS = {"checkpoint_config": config("CheckpointConfig", s3_uri="s3://b/c/")}
EFS = config(
    "FileSystemDataSource",
    file_system_id="fs-0123456789abcdef0",
    file_system_access_mode="ro",
    file_system_type="EFS",
    directory_path="/d",
)
GROUPS = [
    config("InstanceGroup", instance_type="ml.m5.large", instance_count=1, instance_group_name=name)
    for name in ("a", "b")
]
TRAIN = config("InputData", channel_name="train", data_source="s3://b/x/")


def test_what_is_right_is_not_warned_of():
    assert warnings(**SPOT, **WAIT, **CHECKPOINTS, source_code=SOURCE, **inputs(TRAIN)) == []
    assert warnings(**compute(keep_alive_period_in_seconds=3600), hyperparameters={"a.b": "it's"}) == []


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        (SPOT | CHECKPOINTS, "stopping_condition.max_wait_time_in_seconds", "missing"),
        (SPOT | WAIT, "compute.enable_managed_spot_training", "starts the training over"),
        (SPOT | WAIT, "stopping_condition.max_wait_time_in_seconds", "3600 seconds where they keep no checkpoints"),
        (WAIT, "stopping_condition.max_wait_time_in_seconds", "refuses it where"),
        (
            SPOT | CHECKPOINTS | stopping(max_runtime_in_seconds=3600, max_wait_time_in_seconds=60),
            "stopping_condition.max_wait_time_in_seconds",
            "60 is less than",
        ),
        (
            SPOT | CHECKPOINTS | stopping(max_wait_time_in_seconds=7200),
            "stopping_condition.max_wait_time_in_seconds",
            "7200 is less than the longest training time, 86400",
        ),
        (stopping(max_pending_time_in_seconds=3600), "stopping_condition.max_runtime_in_seconds", "86400"),
        (stopping(max_runtime_in_seconds=2_419_201), "stopping_condition.max_runtime_in_seconds", "28 days"),
        (
            compute(keep_alive_period_in_seconds=60, enable_managed_spot_training=True),
            "compute.keep_alive_period_in_seconds",
            "on-demand",
        ),
        (compute(keep_alive_period_in_seconds=3601), "compute.keep_alive_period_in_seconds", "3600 seconds"),
        (compute(keep_alive_period_in_seconds=99999), "compute.keep_alive_period_in_seconds", "3600 seconds"),
        (
            compute(keep_alive_period_in_seconds=60, instance_groups=GROUPS),
            "compute.keep_alive_period_in_seconds",
            "heterogeneous",
        ),
        (compute(instance_groups=GROUPS, instance_type="ml.m5.large"), "compute.instance_type", "beside"),
        (compute(instance_type="ml.m5.larg"), "compute.instance_type", "SageMaker does not have this"),
        (compute(instance_type="ml.g5.xlarge", volume_kms_key_id="k"), "compute.volume_kms_key_id", "ml.g5.xlarge"),
        (compute(instance_type="ml.g5.xlarge", volume_size_in_gb=99), "compute.volume_size_in_gb", "ignores"),
        ({"checkpoint_config": config("CheckpointConfig")}, "checkpoint_config.s3_uri", "never sees"),
        (
            {"training_input_mode": "FastFile", **inputs(TRAIN)},
            "training_input_mode",
            "FastFile has no effect on channels for which the SDK sends InputMode File (train)",
        ),
        (launcher("MPI") | compute(instance_count=2), "distributed", "other 1 idle"),
        (
            launcher("Torchrun") | {"source_code": SOURCE | {"command": "python x.py"}},
            "distributed",
            "ignored",
        ),
        ({"source_code": SOURCE | {"command": "a"}}, "source_code.entry_script", "ignored"),
        ({"source_code": SOURCE | {"command": "a\nb"}}, "source_code.command", "lines"),
        ({"source_code": SOURCE | {"command": "a"}, "hyperparameters": {"x": 1}}, "hyperparameters", "SM_HPS"),
        ({"source_code": SOURCE | {"args": ["x"]}}, "source_code.args", "ignored"),
        (
            {
                "source_code": SOURCE | {"requirements": "r.txt"},
                "networking": config("Networking", enable_network_isolation=True),
            },
            "source_code.requirements",
            "package index",
        ),
        ({"source_code": SOURCE, **inputs(channel("my-data"))}, "input_data_config.my-data", "SM_CHANNEL_MY-DATA"),
        ({"source_code": SOURCE, "hyperparameters": {"a.b": 1}}, "hyperparameters.a.b", "shell variable"),
        ({"source_code": SOURCE, "hyperparameters": {"x": ["it's"]}}, "hyperparameters.x", "single quote"),
        (launcher("MPI", mpi_additional_options=["-x", "A='b'"]), "distributed.mpi_additional_options", "quote"),
        ({"source_code": SOURCE, **inputs(channel("code"))}, "input_data_config.code", "SDK's own channel"),
        (inputs(TRAIN, TRAIN), "input_data_config.train", "more than once"),
        (inputs(config("InputData", channel_name="t", data_source=EFS)), "input_data_config.t", "VPC"),
        (inputs(channel(kind="ManifestFile", input_mode="FastFile")), "input_data_config.train", "S3 prefixes only"),
        (inputs(channel(kind="AugmentedManifestFile")), "input_data_config.train", "Pipe mode only"),
        (inputs(channel(compression_type="Gzip")), "input_data_config.train.compression_type", "Pipe mode only"),
        (inputs(channel(input_mode="Fast")), "input_data_config.train.input_mode", "does not have this"),
        (inputs(channel("x" * 65)), f"input_data_config.{'x' * 65}.channel_name", "too many"),
        (inputs(config("InputData", channel_name="t", data_source="data/t.csv")), "input_data_config.t", "a file"),
        (inputs(config("InputData", channel_name="t", data_source="data/t")), "input_data_config.t", "a folder"),
        (
            compute(instance_groups=GROUPS) | inputs(channel(groups=["c"])),
            "input_data_config.train",
            "no instance group c",
        ),
        (
            compute(instance_groups=GROUPS) | inputs(channel("t", groups=["a"]), TRAIN),
            "input_data_config",
            "all channels",
        ),
        ({"base_job_name": "n" * 50}, "base_job_name", "cut to 63"),
        ({"base_job_name": "a.b"}, "base_job_name", "has not the form"),
        ({"hyperparameters": {"x": "y" * 2501}}, "hyperparameters.x", "2501 characters are too many"),
        ({"environment": {"X": "y" * 513}}, "environment.X", "513 characters"),
        ({"environment": {"X-Y": "1"}}, "environment.X-Y", "form"),
        ({"hyperparameters": {f"h{n}": n for n in range(101)}}, "hyperparameters", "101 entries"),
        ({"local_container_root": "/tmp"}, "local_container_root", "no effect"),
        ({"fit": {"dry_run": True}}, "dry_run", "sends nothing"),
    ],
)
def test_a_warning_names_the_field_and_says_what_happens(given, field, words):
    found = warnings(**given)
    assert any(text.startswith(f"{field}: ") and words in text for text in found), found


def test_names_that_only_the_sdks_drivers_choke_on_are_fine_without_a_script():
    assert warnings(hyperparameters={"a.b": "it's"}, **inputs(channel("my-data"))) == []
