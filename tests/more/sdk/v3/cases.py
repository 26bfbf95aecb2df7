"""Documents for the SDK v3: written ones, a few for each argument, and seeded random combinations."""

import random

ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-training:2.6.0-gpu-py312-cu126-ubuntu22.04-sagemaker"
PLAN = "arn:aws:sagemaker:us-west-2:123456789012:training-plan/plan"
S3 = "s3://bucket/train/"


def config(name, /, **keywords):
    return {"$": f"sagemaker.train.configs:{name}", **keywords}


def shape(name, /, **keywords):
    return {"$": f"sagemaker.core.shapes:{name}", **keywords}


def launcher(name, /, **keywords):
    return {"$": f"sagemaker.train.distributed:{name}", **keywords}


SOURCE = config("SourceCode", source_dir="src", entry_script="train.py")
TRAIN = config("InputData", channel_name="train", data_source=S3)


def case(name, *, fit=None, region="us-west-2", calls=None, image=IMAGE, role=ROLE, **kwargs):
    given = {"training_image": image, "role": role, **kwargs}
    document = {
        "case": name,
        "region": region,
        "estimator": "ModelTrainer",
        "kwargs": {key: value for key, value in given.items() if value is not _LEFT_OUT},
        "fit": {"input_data_config": [TRAIN]} if fit is None else fit,
    }
    return document | ({"with": calls} if calls else {})


_LEFT_OUT = object()


def group(name, kind="ml.c5.xlarge", count=1):
    return config("InstanceGroup", instance_type=kind, instance_count=count, instance_group_name=name)


def preference(kind, **keywords):
    return shape("InstancePreference", instance_type=kind, **keywords)


def s3(uri=S3, kind="S3Prefix", **keywords):
    return config("S3DataSource", s3_data_type=kind, s3_uri=uri, **keywords)


def channel(name, source, **keywords):
    return config("Channel", channel_name=name, data_source=source, **keywords)


def s3_channel(name, uri=S3, **keywords):
    return channel(name, config("DataSource", s3_data_source=s3(uri)), **keywords)


EFS = config(
    "FileSystemDataSource",
    file_system_id="fs-0123456789abcdef0",
    file_system_access_mode="ro",
    file_system_type="EFS",
    directory_path="/data",
)
VPC = config("Networking", subnets=["subnet-1"], security_group_ids=["sg-1"])


def _image_and_names():
    yield case("bare", fit={})
    yield case("no_fit_inputs", fit={"input_data_config": []})
    yield case("base_name", base_job_name="my_base_name", source_code=SOURCE)
    yield case("long_base_name", base_job_name="n" * 60, source_code=SOURCE)
    yield case("empty_base_name", base_job_name="", source_code=SOURCE)
    yield case("image_digest", image="123456789012.dkr.ecr.us-west-2.amazonaws.com/team/my_algo@sha256:" + "a" * 64)
    yield case("image_short", image="busybox")
    yield case("other_region", region="eu-west-1", source_code=SOURCE)
    yield case("china", region="cn-north-1")
    yield case("algorithm_name", image=_LEFT_OUT, algorithm_name="my-algorithm")
    arn = "arn:aws:sagemaker:us-west-2:123456789012:algorithm/my-algorithm"
    yield case("algorithm_arn", image=_LEFT_OUT, algorithm_name=arn)
    yield case("image_and_algorithm", algorithm_name="my-algorithm")
    yield case("neither_image_nor_algorithm", image=_LEFT_OUT)
    yield case("role_name", role="MyRole")
    yield case(
        "input_prefix",
        input_s3_key_prefix="pipelines/p1",
        source_code=SOURCE,
        checkpoint_config=config("CheckpointConfig"),
    )
    session = {"default_bucket": "my-bucket", "default_bucket_prefix": "team/a"}
    session = {"$": "sagemaker.core.helper.session_helper:Session", **session}
    yield case("session", sagemaker_session=session, source_code=SOURCE, checkpoint_config=config("CheckpointConfig"))
    yield case("session_bucket", sagemaker_session={**session, "default_bucket_prefix": None}, source_code=SOURCE)
    auth = config(
        "TrainingRepositoryAuthConfig",
        training_repository_credentials_provider_arn="arn:aws:lambda:us-west-2:123456789012:function:f",
    )
    yield case(
        "image_config",
        training_image_config=config(
            "TrainingImageConfig", training_repository_access_mode="Vpc", training_repository_auth_config=auth
        ),
        networking=VPC,
    )
    yield case("image_config_bare", training_image_config={"training_repository_access_mode": "Platform"})


def _source():
    yield case(
        "requirements",
        source_code=config(
            "SourceCode", source_dir="src/", entry_script="main/train.py", requirements="requirements.txt"
        ),
    )
    yield case("shell_script", source_code=config("SourceCode", source_dir="./src", entry_script="run.sh"))
    yield case("other_script", source_code=config("SourceCode", source_dir="src", entry_script="run.pl"))
    yield case(
        "torchrun_other_script",
        source_code=config("SourceCode", source_dir="src", entry_script="run.pl"),
        distributed=launcher("Torchrun"),
    )
    yield case("s3_source", source_code=config("SourceCode", source_dir="s3://bucket/code/", entry_script="train.py"))
    yield case(
        "s3_source_no_slash", source_code=config("SourceCode", source_dir="s3://bucket/code", entry_script="train.py")
    )
    yield case(
        "s3_tarball", source_code=config("SourceCode", source_dir="s3://bucket/code.tar.gz", entry_script="train.py")
    )
    yield case(
        "local_tarball", source_code=config("SourceCode", source_dir="build/code.tar.gz", entry_script="train.py")
    )
    yield case(
        "s3_command_no_slash", source_code=config("SourceCode", source_dir="s3://bucket/code", command="python x.py")
    )
    yield case("command_without_dir", source_code=config("SourceCode", command="python -c 'print(1)'"))
    yield case("entry_without_dir", source_code=config("SourceCode", entry_script="train.py"))
    yield case("nothing_to_start", source_code=config("SourceCode", source_dir="src"))
    yield case("source_as_mapping", source_code={"source_dir": "src", "entry_script": "train.py"})
    yield case(
        "ignore_patterns",
        source_code=config("SourceCode", source_dir="src", entry_script="train.py", ignore_patterns=["*.csv"]),
    )
    yield case(
        "command_and_entry",
        source_code=config(
            "SourceCode", source_dir="src", entry_script="train.py", command="python a.py", args=[1, 2.5, "x"]
        ),
    )
    yield case("args_of_wrong_type", source_code=config("SourceCode", source_dir="src", command="a", args=[["x"]]))
    yield case(
        "core_module",
        source_code={
            "$": "sagemaker.core.training.configs:SourceCode",
            "source_dir": "src",
            "entry_script": "train.py",
        },
    )
    yield case("source_unknown_argument", source_code=config("SourceCode", source_dir="src", entrypoint="train.py"))


def _hyperparameters():
    values = {
        "text": "adam",
        "quoted": '"adam"',
        "whole": 3,
        "small": 1e-05,
        "yes": True,
        "none": None,
        "list": [1, "a", None],
        "map": {"k": 0.5, "n": {"x": True}},
        "unicode": "ä",
        "unicode_list": ["ä"],
        "empty": "",
    }
    yield case("hyperparameter_types", hyperparameters=values, source_code=SOURCE)
    yield case("hyperparameter_types_no_source", hyperparameters=values)
    yield case("hyperparameters_none", hyperparameters=None)
    yield case("hyperparameters_empty_text", hyperparameters="")
    yield case("hyperparameters_list", hyperparameters=["a"])
    yield case(
        "mp_parameters_won_by_smp",
        hyperparameters={"mp_parameters": "x"},
        source_code=SOURCE,
        distributed=launcher("Torchrun", smp=launcher("SMP", tensor_parallel_degree=2)),
    )


def _distributed():
    smp = launcher("SMP", hybrid_shard_degree=4, sm_activation_offloading=True, random_seed=7, allow_empty_shards=False)
    yield case("torchrun_processes", source_code=SOURCE, distributed=launcher("Torchrun", process_count_per_node=8))
    yield case("smp", source_code=SOURCE, distributed=launcher("Torchrun", smp=smp))
    yield case("smp_empty", source_code=SOURCE, distributed=launcher("Torchrun", smp=launcher("SMP")))
    yield case("smp_mapping", source_code=SOURCE, distributed=launcher("Torchrun", smp={"tensor_parallel_degree": 4}))
    yield case(
        "mpi",
        source_code=SOURCE,
        distributed=launcher("MPI", process_count_per_node=8, mpi_additional_options=["-x", "A=1"]),
        compute=config("Compute", instance_type="ml.p4d.24xlarge", instance_count=2),
    )
    yield case("mpi_options_as_text", source_code=SOURCE, distributed=launcher("MPI", mpi_additional_options="-x A"))
    yield case("distributed_without_source", distributed=launcher("Torchrun"))
    yield case(
        "distributed_command_only",
        source_code=config("SourceCode", source_dir="src", command="a"),
        distributed=launcher("MPI"),
    )
    yield case(
        "distributed_command_and_entry",
        source_code=config("SourceCode", source_dir="src", command="a", entry_script="t.py"),
        distributed=launcher("MPI"),
    )
    yield case("distributed_mapping", source_code=SOURCE, distributed={"process_count_per_node": 2})
    yield case("smp_unknown", source_code=SOURCE, distributed=launcher("Torchrun", smp=launcher("SMP", partitions=2)))
    yield case("process_count_text", source_code=SOURCE, distributed=launcher("Torchrun", process_count_per_node="8"))


def _compute():
    yield case("compute_empty", compute=config("Compute"))
    yield case("compute_mapping", compute={"instance_type": "ml.g5.xlarge", "instance_count": 2})
    yield case("compute_volume", compute=config("Compute", volume_size_in_gb=200, volume_kms_key_id="key-1"))
    yield case("compute_volume_none", compute=config("Compute", volume_size_in_gb=None))
    yield case("compute_count_text", compute=config("Compute", instance_count="2"))
    yield case("compute_count_fraction", compute=config("Compute", instance_count=1.5))
    yield case("compute_type_number", compute=config("Compute", instance_type=5))
    yield case("compute_unknown", compute=config("Compute", instance_typ="ml.m5.large"))
    yield case("spot_false", compute=config("Compute", enable_managed_spot_training=False))
    yield case("spot_text", compute=config("Compute", enable_managed_spot_training="true"))
    yield case("spot_without_wait", compute=config("Compute", enable_managed_spot_training=True))
    yield case("keep_alive_zero", compute=config("Compute", keep_alive_period_in_seconds=0))
    yield case(
        "keep_alive_spot",
        compute=config("Compute", keep_alive_period_in_seconds=7200, enable_managed_spot_training=True),
    )
    yield case(
        "groups_and_type",
        compute=config("Compute", instance_type="ml.m5.large", instance_count=1, instance_groups=[group("a")]),
    )
    yield case(
        "groups_mapping",
        compute={
            "instance_groups": [{"instance_type": "ml.m5.large", "instance_count": 2, "instance_group_name": "a"}]
        },
    )
    yield case("groups_empty", compute=config("Compute", instance_groups=[]))
    yield case(
        "group_incomplete",
        compute=config("Compute", instance_groups=[config("InstanceGroup", instance_type="ml.m5.large")]),
    )
    two = [preference("ml.g5.xlarge"), preference("ml.g6.xlarge")]
    yield case("preferences", compute=config("Compute", instance_preferences=two, instance_count=1))
    yield case(
        "preferences_own_counts",
        compute=config(
            "Compute",
            instance_preferences=[
                preference("ml.g5.xlarge", instance_count=2),
                preference("ml.g5.2xlarge", instance_count=1, training_plan_arns=[PLAN]),
            ],
        ),
    )
    yield case("preferences_no_count", compute=config("Compute", instance_preferences=two))
    yield case(
        "preferences_both_counts",
        compute=config(
            "Compute", instance_count=1, instance_preferences=[preference("ml.g5.xlarge", instance_count=2)]
        ),
    )
    yield case(
        "preferences_spot",
        compute=config("Compute", instance_preferences=two, instance_count=1, enable_managed_spot_training=True),
    )
    yield case(
        "preferences_spot_false",
        compute=config("Compute", instance_preferences=two, instance_count=1, enable_managed_spot_training=False),
    )
    yield case(
        "preferences_type",
        compute=config("Compute", instance_preferences=two, instance_type="ml.g5.xlarge", instance_count=1),
    )
    yield case(
        "preferences_doubled", compute=config("Compute", instance_preferences=[two[0], two[0]], instance_count=1)
    )
    yield case(
        "preferences_two_plans",
        compute=config(
            "Compute",
            instance_preferences=[preference("ml.g5.xlarge", training_plan_arns=[PLAN])],
            instance_count=1,
            training_plan_arn=PLAN,
        ),
    )
    yield case(
        "preferences_mapping",
        compute={"instance_preferences": [{"instance_type": "ml.g5.xlarge", "instance_count": 2}]},
    )
    yield case(
        "training_plan",
        compute=config("Compute", instance_type="ml.p5.48xlarge", instance_count=1, training_plan_arn=PLAN),
    )
    specification = shape("PlacementSpecification", instance_count=1, ultra_server_id="ultra-1")
    yield case(
        "placement",
        compute=config(
            "Compute",
            instance_placement_config=shape(
                "InstancePlacementConfig", enable_multiple_jobs=True, placement_specifications=[specification]
            ),
        ),
    )
    yield case(
        "placement_flag_only",
        compute=config(
            "Compute", instance_placement_config=shape("InstancePlacementConfig", enable_multiple_jobs=True)
        ),
    )
    yield case(
        "placement_specifications_only",
        compute=config(
            "Compute",
            instance_placement_config=shape("InstancePlacementConfig", placement_specifications=[specification]),
        ),
    )
    bare = shape("PlacementSpecification", instance_count=1)
    yield case(
        "placement_without_server",
        compute=config(
            "Compute",
            instance_placement_config=shape(
                "InstancePlacementConfig", enable_multiple_jobs=False, placement_specifications=[bare]
            ),
        ),
    )
    yield case(
        "selected_type", compute=config("Compute", selected_instance_type="ml.m5.large", selected_instance_count=1)
    )
    yield case("resource_config_object", compute=shape("ResourceConfig", instance_type="ml.m5.large"))


def _stopping():
    yield case(
        "stopping_all",
        stopping_condition=config(
            "StoppingCondition",
            max_runtime_in_seconds=7200,
            max_wait_time_in_seconds=9000,
            max_pending_time_in_seconds=3600,
        ),
    )
    yield case(
        "stopping_wait_only",
        stopping_condition=config("StoppingCondition", max_wait_time_in_seconds=7200),
        compute=config("Compute", enable_managed_spot_training=True),
    )
    yield case("stopping_empty", stopping_condition=config("StoppingCondition"))
    yield case("stopping_none", stopping_condition=config("StoppingCondition", max_runtime_in_seconds=None))
    yield case("stopping_zero", stopping_condition=config("StoppingCondition", max_runtime_in_seconds=0))
    yield case("stopping_mapping", stopping_condition={"max_runtime_in_seconds": 60})
    yield case(
        "stopping_pending_short",
        stopping_condition=config("StoppingCondition", max_runtime_in_seconds=60, max_pending_time_in_seconds=60),
    )
    yield case(
        "stopping_pending_long",
        stopping_condition=config("StoppingCondition", max_runtime_in_seconds=60, max_pending_time_in_seconds=9999999),
    )


def _inputs():
    yield case(
        "inputs_trainer_level",
        input_data_config=[
            config("InputData", channel_name="a", data_source="s3://b/a"),
            config("InputData", channel_name="b", data_source="s3://b/b"),
        ],
        fit={
            "input_data_config": [
                config("InputData", channel_name="b", data_source="s3://b/other"),
                config("InputData", channel_name="c", data_source="s3://b/c"),
            ]
        },
    )
    yield case("inputs_trainer_only", input_data_config=[TRAIN], fit={})
    yield case(
        "inputs_local_folder",
        fit={"input_data_config": [config("InputData", channel_name="train", data_source="data/train")]},
        source_code=SOURCE,
    )
    yield case(
        "inputs_local_file",
        fit={
            "input_data_config": [
                config("InputData", channel_name="train", data_source="data/train.csv", content_type="text/csv")
            ]
        },
    )
    yield case(
        "inputs_s3_source",
        fit={
            "input_data_config": [
                config(
                    "InputData",
                    channel_name="train",
                    data_source=s3(kind="ManifestFile", s3_data_distribution_type="ShardedByS3Key"),
                    content_type="text/csv",
                )
            ]
        },
    )
    yield case(
        "inputs_s3_source_bare",
        fit={"input_data_config": [config("InputData", channel_name="train", data_source=s3())]},
        training_input_mode="FastFile",
    )
    yield case(
        "inputs_efs",
        fit={"input_data_config": [config("InputData", channel_name="train", data_source=EFS)]},
        networking=VPC,
    )
    yield case(
        "inputs_efs_channel",
        fit={
            "input_data_config": [
                channel("train", config("DataSource", file_system_data_source=EFS), input_mode="File")
            ]
        },
        networking=VPC,
    )
    full = {
        "content_type": "text/csv",
        "compression_type": "Gzip",
        "record_wrapper_type": "RecordIO",
        "input_mode": "Pipe",
        "shuffle_config": config("ShuffleConfig", seed=3),
    }
    yield case("inputs_channel_full", fit={"input_data_config": [s3_channel("train", **full)]})
    yield case(
        "inputs_seed_zero",
        fit={"input_data_config": [s3_channel("train", shuffle_config=config("ShuffleConfig", seed=0))]},
    )
    yield case("inputs_channel_bare", fit={"input_data_config": [s3_channel("train")]})
    manifest = s3(kind="AugmentedManifestFile", attribute_names=["source-ref", "label"])
    yield case(
        "inputs_augmented",
        fit={
            "input_data_config": [
                channel(
                    "train",
                    config("DataSource", s3_data_source=manifest),
                    input_mode="Pipe",
                    record_wrapper_type="RecordIO",
                )
            ]
        },
    )
    model = s3(
        model_access_config=config("ModelAccessConfig", accept_eula=True),
        hub_access_config=config(
            "HubAccessConfig", hub_content_arn="arn:aws:sagemaker:us-west-2:aws:hub-content/h/Model/m/1"
        ),
    )
    yield case(
        "inputs_model_access", fit={"input_data_config": [channel("model", config("DataSource", s3_data_source=model))]}
    )
    refused = s3(model_access_config=config("ModelAccessConfig", accept_eula=False))
    yield case(
        "inputs_eula_false", fit={"input_data_config": [channel("model", config("DataSource", s3_data_source=refused))]}
    )
    data_set = config(
        "DatasetSource", dataset_arn="arn:aws:sagemaker:us-west-2:123456789012:hub-content/h/DataSet/d/1.0.0"
    )
    yield case(
        "inputs_data_set", fit={"input_data_config": [channel("train", config("DataSource", dataset_source=data_set))]}
    )
    yield case(
        "inputs_data_set_input_data",
        fit={"input_data_config": [config("InputData", channel_name="train", data_source=data_set)]},
    )
    yield case("inputs_fast_file_trainer_level", training_input_mode="FastFile", source_code=SOURCE)
    yield case("inputs_mode_none", training_input_mode=None)
    yield case("inputs_mode_empty", training_input_mode="")
    yield case("inputs_mapping", fit={"input_data_config": [{"channel_name": "train", "data_source": S3}]})
    yield case(
        "inputs_mapping_channel",
        fit={
            "input_data_config": [
                {
                    "channel_name": "train",
                    "data_source": {"s3_data_source": {"s3_data_type": "S3Prefix", "s3_uri": S3}},
                    "input_mode": "FastFile",
                }
            ]
        },
    )
    yield case(
        "inputs_mapping_s3",
        fit={
            "input_data_config": [{"channel_name": "train", "data_source": {"s3_data_type": "S3Prefix", "s3_uri": S3}}]
        },
    )
    yield case("inputs_no_name", fit={"input_data_config": [config("InputData", data_source=S3)]})
    yield case("inputs_no_source", fit={"input_data_config": [config("InputData", channel_name="train")]})
    yield case("inputs_plain_mapping", fit={"input_data_config": {"train": S3}})
    yield case("inputs_two_of_a_name", fit={"input_data_config": [TRAIN, TRAIN]})
    yield case("inputs_called_code", fit={"input_data_config": [s3_channel("code")]}, source_code=SOURCE)
    grouped = s3(instance_group_names=["a"])
    groups = config("Compute", instance_groups=[group("a"), group("b")])
    yield case(
        "inputs_groups",
        compute=groups,
        source_code=SOURCE,
        fit={
            "input_data_config": [
                config("InputData", channel_name="train", data_source=grouped),
                TRAIN | {"channel_name": "other"},
            ]
        },
    )
    yield case(
        "inputs_groups_channel",
        compute=groups,
        source_code=SOURCE,
        fit={"input_data_config": [channel("train", config("DataSource", s3_data_source=grouped))]},
    )
    yield case("inputs_groups_none", compute=groups, source_code=SOURCE)
    yield case("inputs_data_source_empty", fit={"input_data_config": [channel("train", config("DataSource"))]})
    yield case("fit_unknown", fit={"inputs": [TRAIN]})
    yield case("fit_flags", fit={"input_data_config": [TRAIN], "wait": False, "logs": False})


def _output_and_checkpoints():
    yield case("output_path", output_data_config=config("OutputDataConfig", s3_output_path="s3://out/x"))
    yield case(
        "output_none", output_data_config=config("OutputDataConfig", compression_type="NONE", kms_key_id="key-1")
    )
    yield case("output_core", output_data_config=shape("OutputDataConfig", s3_output_path="s3://out/x"))
    yield case("output_core_without_path", output_data_config=shape("OutputDataConfig", kms_key_id="k"))
    yield case("output_mapping", output_data_config={"s3_output_path": "s3://out/x"})
    yield case("output_mapping_without_path", output_data_config={"kms_key_id": "k"})
    yield case("checkpoint_default", checkpoint_config=config("CheckpointConfig"), base_job_name="a_b")
    yield case("checkpoint_path", checkpoint_config=config("CheckpointConfig", local_path="/opt/ml/ck"))
    yield case(
        "checkpoint_path_none", checkpoint_config=config("CheckpointConfig", s3_uri="s3://b/c/", local_path=None)
    )
    yield case("checkpoint_core", checkpoint_config=shape("CheckpointConfig", s3_uri="s3://b/c/"))
    yield case("checkpoint_mapping", checkpoint_config={"s3_uri": "s3://b/c/"})
    yield case("checkpoint_mapping_bare", checkpoint_config={})
    yield case("checkpoint_method", calls=[["with_checkpoint_config", []]])
    yield case(
        "checkpoint_method_wins",
        checkpoint_config=config("CheckpointConfig", s3_uri="s3://b/c/"),
        calls=[["with_checkpoint_config", [config("CheckpointConfig", s3_uri="s3://b/d/")]]],
    )


def _methods():
    yield case("retry", calls=[["with_retry_strategy", [config("RetryStrategy", maximum_retry_attempts=3)]]])
    yield case("retry_zero", calls=[["with_retry_strategy", [config("RetryStrategy", maximum_retry_attempts=0)]]])
    yield case("retry_many", calls=[["with_retry_strategy", [config("RetryStrategy", maximum_retry_attempts=31)]]])
    yield case("retry_mapping", calls=[["with_retry_strategy", [{"maximum_retry_attempts": 3}]]])
    yield case("retry_none", calls=[["with_retry_strategy", [None]]])
    yield case("retry_missing", calls=[["with_retry_strategy", []]])
    yield case("infra", calls=[["with_infra_check_config", []]])
    yield case(
        "infra_false", calls=[["with_infra_check_config", [config("InfraCheckConfig", enable_infra_check=False)]]]
    )
    yield case("infra_empty", calls=[["with_infra_check_config", [config("InfraCheckConfig")]]])
    yield case("chaining", calls=[["with_session_chaining_config", []]])
    yield case(
        "remote_debug", calls=[["with_remote_debug_config", [config("RemoteDebugConfig", enable_remote_debug=True)]]]
    )
    yield case("remote_debug_none", calls=[["with_remote_debug_config", [None]]])
    yield case("remote_debug_missing", calls=[["with_remote_debug_config", []]])
    yield case("tensorboard", calls=[["with_tensorboard_output_config", []]])
    yield case(
        "tensorboard_path",
        calls=[
            [
                "with_tensorboard_output_config",
                [config("TensorBoardOutputConfig", s3_output_path="s3://t/b", local_path="/opt/tb")],
            ]
        ],
    )
    yield case(
        "tensorboard_core",
        calls=[["with_tensorboard_output_config", [shape("TensorBoardOutputConfig", s3_output_path="s3://t/b")]]],
    )
    yield case("tensorboard_mapping", calls=[["with_tensorboard_output_config", [{"s3_output_path": "s3://t/b"}]]])
    metrics = [config("MetricDefinition", name="loss", regex="loss=(.*?);"), {"name": "acc", "regex": "acc=(.*)"}]
    yield case("metrics", calls=[["with_metric_definitions", [metrics]]])
    yield case("metrics_empty", calls=[["with_metric_definitions", [[]]]])
    yield case("metrics_pascal", calls=[["with_metric_definitions", [[{"Name": "acc", "Regex": "acc=(.*)"}]]]])
    yield case(
        "all_methods",
        source_code=SOURCE,
        calls=[
            ["with_retry_strategy", [config("RetryStrategy", maximum_retry_attempts=2)]],
            ["with_infra_check_config", []],
            ["with_session_chaining_config", []],
            ["with_remote_debug_config", [None]],
            ["with_tensorboard_output_config", []],
            ["with_checkpoint_config", []],
            ["with_metric_definitions", [metrics]],
        ],
    )


def _rest():
    yield case("network", networking=VPC)
    yield case(
        "network_isolated",
        networking=config("Networking", enable_network_isolation=True, enable_inter_container_traffic_encryption=False),
    )
    yield case("network_subnets_only", networking=config("Networking", subnets=["subnet-1"]))
    yield case("network_empty_lists", networking=config("Networking", subnets=[], security_group_ids=[]))
    yield case("environment", environment={"A": "1", "B": ""})
    yield case("environment_number", environment={"A": 1})
    yield case("environment_empty", environment={})
    yield case("environment_none", environment=None)
    yield case("tags", tags=[config("Tag", key="team", value="vision"), {"key": "stage", "value": ""}])
    yield case("tags_empty", tags=[])
    yield case("tags_pascal", tags=[{"Key": "team", "Value": "vision"}])
    group_arn = "arn:aws:sagemaker:us-west-2:123456789012:model-package-group/g"
    yield case("model_package", model_package_config=shape("ModelPackageConfig", model_package_group_arn=group_arn))
    source = "arn:aws:sagemaker:us-west-2:123456789012:model-package/g/1"
    yield case(
        "model_package_source",
        model_package_config={"model_package_group_arn": group_arn, "source_model_package_arn": source},
    )
    yield case("mode_named", training_mode={"$": "sagemaker.train.model_trainer:Mode", "*": ["SAGEMAKER_TRAINING_JOB"]})
    yield case("mode_text", training_mode="SAGEMAKER_TRAINING_JOB")
    yield case("mode_wrong", training_mode="SOMEWHERE")
    yield case("local_root", local_container_root="/tmp/x")
    yield case("profiler", profiler_config={"x": 1})
    yield case("v2_names", instance_type="ml.m5.large", use_spot_instances=True)
    yield case("unknown_method", calls=[["with_profiler", []]])


def written():
    """Every written case."""
    parts = (_image_and_names, _source, _hyperparameters, _distributed, _compute, _stopping, _inputs)
    parts += (_output_and_checkpoints, _methods, _rest)
    return [document for part in parts for document in part()]


# --- random combinations -------------------------------------------------------------------------------------------


def generated(count, seed):
    """`count` combinations of arguments; mostly ones that the SDK takes."""
    chance = random.Random(seed)
    return [_combination(chance, f"generated_{seed}_{number}") for number in range(count)]


def _combination(chance, name):
    def maybe(odds, make):
        return make() if chance.random() < odds else _LEFT_OUT

    kwargs = {
        "base_job_name": maybe(0.4, lambda: chance.choice(["run", "my_run", "Team-A", "x" * 55])),
        "input_s3_key_prefix": maybe(0.2, lambda: chance.choice(["p", "a/b", ""])),
        "source_code": maybe(0.7, lambda: _some_source(chance)),
        "compute": maybe(0.8, lambda: _some_compute(chance)),
        "stopping_condition": maybe(0.6, lambda: _some_stopping(chance)),
        "networking": maybe(0.4, lambda: _some_network(chance)),
        "hyperparameters": maybe(0.7, lambda: _some_hyperparameters(chance)),
        "environment": maybe(0.4, lambda: {"LEVEL": chance.choice(["1", "", "a b"])}),
        "tags": maybe(0.4, lambda: [config("Tag", key="k", value="v")]),
        "training_input_mode": maybe(0.4, lambda: chance.choice(["File", "FastFile", "Pipe"])),
        "output_data_config": maybe(0.4, lambda: _some_output(chance)),
        "checkpoint_config": maybe(0.4, lambda: _some_checkpoints(chance)),
        "input_data_config": maybe(0.3, lambda: _some_inputs(chance)),
        "model_package_config": maybe(
            0.1,
            lambda: shape(
                "ModelPackageConfig",
                model_package_group_arn="arn:aws:sagemaker:us-west-2:123456789012:model-package-group/g",
            ),
        ),
    }
    if kwargs["source_code"] is not _LEFT_OUT or chance.random() < 0.05:
        kwargs["distributed"] = maybe(0.5, lambda: _some_launcher(chance))
    fit = {} if chance.random() < 0.2 else {"input_data_config": _some_inputs(chance)}
    region = chance.choice(["us-west-2", "us-west-2", "eu-central-1", "ap-south-1"])
    calls = _some_calls(chance)
    return case(name, fit=fit, region=region, calls=calls, **kwargs)


def _pick(chance, options, odds=0.5):
    """Some of the options, each by its odds, with one of its values."""
    return {name: chance.choice(values) for name, values in options.items() if chance.random() < odds}


def _some_source(chance):
    folder = chance.choice(
        ["src", "./src/", "a/b.tar.gz", "s3://bucket/code/", "s3://bucket/c.tar.gz", "s3://bucket/c/"]
    )
    keywords = _pick(chance, {"entry_script": ["train.py", "a/run.sh"], "requirements": ["requirements.txt"]}, 0.93)
    extra = _pick(
        chance, {"command": ["python x.py", "a  b\nc"], "args": [["x", 1]], "ignore_patterns": [["*.md"], None]}, 0.25
    )
    return config("SourceCode", source_dir=folder, **keywords, **extra)


def _some_launcher(chance):
    if chance.random() < 0.4:
        return launcher(
            "MPI", **_pick(chance, {"process_count_per_node": [1, 8], "mpi_additional_options": [["-x", "A=1"], []]})
        )
    smp = launcher(
        "SMP",
        **_pick(chance, {"tensor_parallel_degree": [2], "random_seed": [0, 7], "allow_empty_shards": [True, False]}),
    )
    return launcher("Torchrun", **_pick(chance, {"process_count_per_node": [1, 8], "smp": [smp, None]}))


def _some_compute(chance):
    kind = chance.random()
    if kind < 0.15:
        groups = [group(name, count=chance.choice([1, 2])) for name in ("a", "b")[: chance.choice([1, 2])]]
        return config("Compute", instance_groups=groups, **_pick(chance, {"volume_size_in_gb": [50]}))
    if kind < 0.3:
        entries = [preference("ml.g5.xlarge"), preference("ml.g6.xlarge")][: chance.choice([1, 2])]
        return config("Compute", instance_preferences=entries, **_pick(chance, {"instance_count": [1, 2]}, 0.9))
    options = {
        "instance_type": ["ml.m5.xlarge", "ml.p4d.24xlarge", "ml.g5.12xlarge"],
        "instance_count": [1, 2, 16],
        "volume_size_in_gb": [1, 500, None],
        "volume_kms_key_id": ["key-1", "alias/x"],
        "keep_alive_period_in_seconds": [0, 600, 3600, 10000],
        "enable_managed_spot_training": [True, False, None],
        "training_plan_arn": [PLAN],
        "instance_placement_config": [shape("InstancePlacementConfig", enable_multiple_jobs=True)],
    }
    return config("Compute", **_pick(chance, options, 0.45))


def _some_stopping(chance):
    options = {
        "max_runtime_in_seconds": [1, 3600, 90000, None],
        "max_wait_time_in_seconds": [60, 7200, None],
        "max_pending_time_in_seconds": [1800, 7200],
    }
    return config("StoppingCondition", **_pick(chance, options, 0.6))


def _some_network(chance):
    vpc = {"subnets": ["subnet-1"], "security_group_ids": ["sg-1"]} if chance.random() < 0.6 else {}
    flags = {
        "enable_network_isolation": [True, False],
        "enable_inter_container_traffic_encryption": [True, False],
    }
    return config("Networking", **vpc, **_pick(chance, flags))


def _some_hyperparameters(chance):
    values = [1, 0.1, 1e-8, "text", "it's", "", True, None, [1, "a"], {"a": {"b": None}}, "3", "ü", float("inf")]
    names = ["lr", "lr-rate", "a.b", "Epochs", "x"]
    return {name: chance.choice(values) for name in names if chance.random() < 0.5}


def _some_output(chance):
    options = {
        "s3_output_path": ["s3://out/x", "s3://out"],
        "kms_key_id": ["key-1"],
        "compression_type": ["NONE", "GZIP"],
    }
    return config("OutputDataConfig", **_pick(chance, options))


def _some_checkpoints(chance):
    return config(
        "CheckpointConfig", **_pick(chance, {"s3_uri": ["s3://c/k", "s3://c/k/"], "local_path": ["/opt/ck", None]})
    )


def _some_inputs(chance):
    names = chance.sample(["train", "validation", "test", "my-data"], chance.choice([1, 2, 3]))
    return [_some_input(chance, name) for name in names]


def _some_input(chance, name):
    address = chance.choice(["s3://bucket/x/", "s3://bucket/x", "data/x", "data/x.csv"])
    source = s3(
        **_pick(
            chance,
            {"s3_data_distribution_type": ["ShardedByS3Key", "FullyReplicated"], "instance_group_names": [["a"], []]},
            0.3,
        )
    )
    kind = chance.random()
    if kind < 0.5:
        return config(
            "InputData",
            channel_name=name,
            data_source=address,
            **_pick(chance, {"content_type": ["text/csv", ""]}, 0.3),
        )
    if kind < 0.7:
        return config("InputData", channel_name=name, data_source=chance.choice([source, EFS]))
    options = {
        "content_type": ["text/csv"],
        "input_mode": ["File", "FastFile", "Pipe"],
        "compression_type": ["None", "Gzip"],
        "record_wrapper_type": ["None", "RecordIO"],
        "shuffle_config": [config("ShuffleConfig", seed=0), config("ShuffleConfig", seed=9)],
    }
    return channel(name, config("DataSource", s3_data_source=source), **_pick(chance, options, 0.4))


def _some_calls(chance):
    options = {
        "with_retry_strategy": [[config("RetryStrategy", maximum_retry_attempts=2)], [None]],
        "with_infra_check_config": [[], [config("InfraCheckConfig", enable_infra_check=False)]],
        "with_session_chaining_config": [[], [config("SessionChainingConfig", enable_session_tag_chaining=True)]],
        "with_remote_debug_config": [[None], [config("RemoteDebugConfig", enable_remote_debug=False)]],
        "with_tensorboard_output_config": [[], [config("TensorBoardOutputConfig", local_path="/opt/tb")]],
        "with_checkpoint_config": [[], [config("CheckpointConfig", s3_uri="s3://m/k")]],
        "with_metric_definitions": [[[config("MetricDefinition", name="loss", regex="loss=(.*)")]], [None]],
    }
    return [[name, arguments] for name, arguments in _pick(chance, options, 0.2).items()]
