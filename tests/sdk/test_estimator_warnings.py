"""What AWS would refuse or ignore of an SDK v2 estimator's request, and what was meant, is said in a sentence."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.cli.sdk import SdkRefusal
from trainwright.cli.sdk.estimator import import_estimator, render_estimator
from trainwright.cli.sdk.estimator.signatures import ESTIMATORS

ROLE = "arn:aws:iam::123456789012:role/R"
IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/x:1"
PYTORCH = {
    "entry_point": "train.py",
    "source_dir": "src",
    "framework_version": "2.1.0",
    "py_version": "py310",
    "instance_count": 2,
    "instance_type": "ml.p4d.24xlarge",
}
TRCOMP = {**PYTORCH, "framework_version": "1.13.1", "py_version": "py39", "instance_type": "ml.g5.2xlarge"}
MODEL_PARALLEL = {"smdistributed": {"modelparallel": {"enabled": True, "parameters": {"partitions": 2}}}}


def new(callable_, *positional, **keywords):
    return {"$": callable_, "*": list(positional), **keywords}


def document(estimator="Estimator", inputs="s3://bucket/data", **kwargs):
    own = {"image_uri": IMAGE, "instance_count": 1, "instance_type": "ml.m5.xlarge"} if estimator == "Estimator" else {}
    return {
        "estimator": estimator,
        "region": "us-west-2",
        "kwargs": {"role": ROLE, **own, **kwargs},
        "fit": {"inputs": inputs, "job_name": "job"},
    }


def warnings(*positional, **kwargs):
    return render_estimator(document(*positional, **kwargs)).warnings


def rule(name):
    return new("sagemaker.debugger:ProfilerRule.sagemaker", new(f"smdebug_rulesconfig:{name}"))


WARNED = {
    "max_wait without spot": (document(max_wait=7200), "only supported when EnableManagedSpotTraining is set to true"),
    "spot without max_wait": (document(use_spot_instances=True), "use_spot_instances is on without max_wait"),
    "max_wait below max_run": (
        document(use_spot_instances=True, max_wait=60, max_run=3600),
        "max_wait (60 s) is less than max_run (3600 s)",
    ),
    "spot without checkpoints": (
        document(use_spot_instances=True, max_wait=90000),
        "use_spot_instances is on without checkpoint_s3_uri",
    ),
    "a built-in algorithm on spot": (
        document(image_uri='<retrieve:{"framework": "kmeans"}>', use_spot_instances=True, max_run=3700, max_wait=3800),
        "the most for the built-in algorithm kmeans without checkpoints",
    ),
    "a runtime over 28 days": (document(max_run=29 * 86400), "max_run (2505600 s) is over 28 days"),
    "a checkpoint path alone": (document(checkpoint_local_path="/opt/ml/c"), "checkpoint_local_path is dropped"),
    "keep-alive on spot": (
        document(use_spot_instances=True, max_wait=90000, keep_alive_period_in_seconds=60),
        "keep_alive_period_in_seconds does not go with use_spot_instances",
    ),
    "keep-alive over an hour": (document(keep_alive_period_in_seconds=3601), "is over an hour"),
    "keep-alive over the API's limit": (document(keep_alive_period_in_seconds=21601), "the API's limit of 21600 s"),
    "keep-alive of groups": (
        document(
            instance_count=None,
            instance_type=None,
            instance_groups=[new("sagemaker.instance_group:InstanceGroup", "g", "ml.m5.large", 2)],
            keep_alive_period_in_seconds=60,
        ),
        "keep_alive_period_in_seconds does not go with instance_groups",
    ),
    "a volume key on local storage": (
        document(instance_type="ml.g5.xlarge", volume_kms_key="k"),
        "volume_kms_key: AWS refuses a volume key on ml.g5.xlarge",
    ),
    "a volume on local storage": (
        document(instance_type="ml.g4dn.xlarge", volume_size=90),
        "volume_size is ignored on ml.g4dn.xlarge",
    ),
    "a keyword that nobody reads": (
        document(use_spot_instance=True),
        "use_spot_instance is ignored: the SDK's Estimator has no such keyword and does not say so; did you mean "
        "use_spot_instances?",
    ),
    "a keyword of the SDK v1": (document(train_max_run=60), "train_max_run is called max_run"),
    "an unknown distribution": (
        document("PyTorch", **PYTORCH, distribution={"torch_distribute": {"enabled": True}}),
        "distribution.torch_distribute is ignored by the SDK, which does not say so; did you mean torch_distributed?",
    ),
    "SMDDP on another type": (
        document(
            "PyTorch",
            **{**PYTORCH, "instance_type": "ml.g5.12xlarge"},
            distribution={"smdistributed": {"dataparallel": {"enabled": True}}},
        ),
        "distribution: smddp does not work on ml.g5.12xlarge",
    ),
    "model parallelism without mpi": (
        document(
            "PyTorch", **{**PYTORCH, "framework_version": "1.13.1", "py_version": "py39"}, distribution=MODEL_PARALLEL
        ),
        "modelparallel is on without mpi",
    ),
    "a parameter server for PyTorch": (
        document("PyTorch", **PYTORCH, distribution={"parameter_server": {"enabled": True}}),
        "parameter_server does not start scripts of pytorch",
    ),
    "mpi beside torch_distributed": (
        document("PyTorch", **PYTORCH, distribution={"torch_distributed": {"enabled": True}, "mpi": {"enabled": True}}),
        "distribution.mpi is ignored by the SDK beside torch_distributed",
    ),
    "a distribution that TensorFlow does not read": (
        document(
            "TensorFlow",
            **{**PYTORCH, "framework_version": "2.11.0", "py_version": "py39"},
            distribution={"torch_distributed": {"enabled": True}},
        ),
        "distribution.torch_distributed is ignored: the SDK's TensorFlow estimator does not read it",
    ),
    "the compiler switched off": (
        document("PyTorch", **TRCOMP, compiler_config=new("sagemaker.pytorch:TrainingCompilerConfig", enabled=False)),
        "compiler_config is switched off, and the SDK chooses the Training Compiler's image all the same",
    ),
    "a hook that the SDK drops": (
        document(
            "PyTorch",
            **PYTORCH,
            checkpoint_s3_uri="s3://b/c",
            checkpoint_local_path="/opt/ml/checkpoints",
            debugger_hook_config=True,
        ),
        "debugger_hook_config: the SDK leaves the debugger's hook out beside checkpoints",
    ),
    "a discontinued rule": (document(rules=[rule("StepOutlier")]), "rules: StepOutlier looks at framework profiling"),
    "framework profiling": (
        document(
            "PyTorch",
            **PYTORCH,
            profiler_config=new(
                "sagemaker.debugger:ProfilerConfig",
                framework_profile_params=new("sagemaker.debugger:FrameworkProfile"),
            ),
        ),
        "framework_profile_params is discontinued: no framework metrics will be collected",
    ),
    "the detailed profiler's job": (
        document(
            profiler_config=new("sagemaker.debugger:ProfilerConfig", profile_params=new("sagemaker.debugger:Profiler"))
        ),
        "profile_params adds a processing job on ml.m5.4xlarge",
    ),
    "a file system without a VPC": (
        document(inputs=new("sagemaker.inputs:FileSystemInput", "fs-01234567", "EFS", "/d")),
        "fit.inputs.training: a file system is reached through a VPC only",
    ),
    "FastFile on a manifest": (
        document(
            inputs={
                "m": new(
                    "sagemaker.inputs:TrainingInput", "s3://b/m", s3_data_type="ManifestFile", input_mode="FastFile"
                )
            }
        ),
        "fit.inputs.m: FastFile works with S3Prefix only, not with ManifestFile",
    ),
    "a name of the toolkit's": (
        document("PyTorch", **PYTORCH, hyperparameters={"sagemaker_program": "x.py"}),
        "hyperparameters.sagemaker_program is replaced by the SDK's own",
    ),
    "two encodings": (
        document(entry_point="train.py", hyperparameters={"a": True}),
        "hyperparameters are sent as plain text, because entry_point is given without source_dir",
    ),
    "a value over the API's limit": (
        document(max_retry_attempts=31),
        "max_retry_attempts: AWS refuses RetryStrategy.MaximumRetryAttempts: this is out of range; allowed: 1 to 30",
    ),
    "a value over 2,500 characters": (
        document(hyperparameters={"long": "x" * 2501}),
        "hyperparameters.long: AWS refuses HyperParameters.long: 2501 characters are too many",
    ),
    "a role without its ARN": (document(role="MyRole"), "role is a bare name"),
}


@pytest.mark.parametrize("name", WARNED)
def test_the_author_is_told(name):
    asked, sentence = WARNED[name]
    told = render_estimator(asked).warnings
    assert [warning for warning in told if sentence in warning], told


def test_a_sound_estimator_is_not_warned_of_anything():
    assert warnings("PyTorch", **PYTORCH, distribution={"torch_distributed": {"enabled": True}}) == []
    assert warnings(use_spot_instances=True, max_wait=90000, checkpoint_s3_uri="s3://b/c") == []


def test_a_plain_object_for_compiler_config_is_understood_as_the_sdks_own():
    plain = render_estimator(document("PyTorch", **TRCOMP, compiler_config={"enabled": True, "debug": True}))
    meant = new("sagemaker.pytorch:TrainingCompilerConfig", enabled=True, debug=True)
    assert plain.request == render_estimator(document("PyTorch", **TRCOMP, compiler_config=meant)).request
    assert plain.request["HyperParameters"]["sagemaker_training_compiler_debug_mode"] == "true"
    assert plain.warnings[0].startswith("compiler_config is an object with plain values, which the SDK refuses")


@pytest.mark.parametrize(
    ("kwargs", "framework", "image"),
    [
        ({"framework_version": "2.1.0", "py_version": "py310"}, "PyTorch", "pytorch-training:2.1.0-gpu-py310"),
        ({"framework_version": "2.11.0", "py_version": "py39"}, "TensorFlow", "tensorflow-training:2.11.0-gpu-py39"),
        ({}, "PyTorch", "pytorch-training:2.1.0-gpu-py310"),
    ],
)
def test_a_horovod_estimator_is_understood_as_the_frameworks_own_with_mpi(kwargs, framework, image):
    machine = {name: PYTORCH[name] for name in ("entry_point", "source_dir", "instance_count", "instance_type")}
    horovod = render_estimator(document("Horovod", **machine, **kwargs, processes_per_host=8))
    assert horovod.request["AlgorithmSpecification"]["TrainingImage"].endswith(image)
    assert horovod.request["HyperParameters"]["sagemaker_mpi_enabled"] == "true"
    assert horovod.request["HyperParameters"]["sagemaker_mpi_num_of_processes_per_host"] == "8"
    assert any(f"Horovod is no estimator of the SDK's: it is understood as {framework}" in w for w in horovod.warnings)


# ---- what is refused although, or because, the SDK would go on ------------------------------------------------------


def refusal(asked):
    with pytest.raises(SdkRefusal) as refused:
        render_estimator(asked)
    return {problem.field: problem for problem in refused.value.problems}


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("git_config", {"repo": "https://example.org/r.git"}),
        ("sagemaker_session", {"$": "sagemaker:Session"}),
        ("training_recipe", "training/llama"),
    ],
)
def test_a_keyword_that_cannot_be_carried_is_refused_by_name(keyword, value):
    assert refusal(document("PyTorch", **PYTORCH, **{keyword: value}))[f"kwargs.{keyword}"].code == "TW103"


def test_an_estimator_that_is_not_rendered_is_refused_with_those_that_are():
    problem = refusal({**document(), "estimator": "KMeans"})["estimator"]
    assert problem.code == "TW103"
    assert "PyTorch" in problem.allowed
    assert refusal({**document(), "estimator": "Pytorch"})["estimator"].remedy == "write PyTorch"


def test_every_problem_is_told_at_once():
    broken = document(role=None, instance_count="2", max_run=6.5, output_path=3)
    assert {"kwargs.instance_count", "kwargs.max_run", "kwargs.output_path"} <= set(refusal(broken))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.just("$"), inner, max_size=3),
    max_leaves=6,
)
KEYWORDS = sorted({*ESTIMATORS["PyTorch"], *ESTIMATORS["HuggingFace"], "model_dir", "train_max_run"})


@settings(max_examples=200, deadline=None)
@given(
    estimator=st.sampled_from([*ESTIMATORS, "Horovod"]),
    kwargs=st.dictionaries(st.sampled_from(KEYWORDS), JSON, max_size=3),
    inputs=JSON,
)
def test_whatever_the_document_holds_it_is_rendered_or_refused(estimator, kwargs, inputs):
    asked = document(
        "PyTorch", inputs, **{**PYTORCH, "distribution": {"torch_distributed": {"enabled": True}}, **kwargs}
    )
    for answer in (render_estimator, import_estimator):
        with contextlib.suppress(SdkRefusal):
            answer({**asked, "estimator": estimator})


@pytest.mark.parametrize("broken", [None, [], "x", {}, {"estimator": "PyTorch"}, {"estimator": 3, "kwargs": []}])
def test_what_describes_no_estimator_is_refused(broken):
    assert refusal(broken)


def test_a_tuning_job_is_refused():
    assert refusal({**document(), "tuner": {"max_jobs": 2}})["tuner"].code == "TW103"


def test_an_object_that_the_sdk_does_not_have_is_refused_with_the_near_one():
    hook = new("sagemaker.debugger:DebuggingHookConfig")
    problem = refusal(document(debugger_hook_config=hook))["kwargs.debugger_hook_config"]
    assert problem.remedy == "did you mean DebuggerHookConfig?"


def test_an_argument_that_an_object_does_not_take_is_refused():
    wrong = new("sagemaker.inputs:TrainingInput", "s3://b/c", mode="Pipe")
    assert refusal(document(inputs={"a": wrong}))["fit.inputs.a.mode"].code == "TW102"
