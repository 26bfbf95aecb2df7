"""One edit away from a good request: the first problem names the edited place, and a sure fix mends it.

A thousand mutants of whole requests, the same each time: misspelt fields, other libraries' names, numbers without
units, values of the wrong type, misspelt values.
"""

import copy
import random
import string

import pytest

from trainwright_runtime.handlers.api_model import check_request
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.request import Checked, check, edited
from trainwright_runtime.units import parse_duration, parse_size_gb

COUNT = 1000
ARN = "arn:aws:{}:eu-west-1:123456789012:{}"

DIGITS = {
    "name": "digits",
    "hyperparameters": {"epochs": 12, "learning_rate": 0.1},
    "inputs": {"train": "data://digits/train/", "validation": "data://digits/validation/"},
    "compute": {"instance_type": "ml.m5.large", "spot": True},
    "limits": {"max_runtime": "30m"},
}
FINETUNE = {
    "name": "ticket-classifier",
    "framework": "pytorch:2.8.0",
    "source_code": {
        "source_dir": "data://source/0123/sourcedir.tar.gz",
        "entry_script": "finetune.py",
        "requirements": "requirements.txt",
    },
    "distributed": "torchrun",
    "precision": "bf16",
    "hyperparameters": {"base_model": "distilbert-base-uncased", "learning_rate": 3e-5},
    "inputs": {"train": {"s3_uri": "data://tickets/train/", "input_mode": "FastFile", "content_type": "text/csv"}},
    "compute": {
        "instance_type": ["ml.g5.12xlarge", "ml.g6.12xlarge"],
        "instance_count": 2,
        "spot": True,
        "fallback": "on_demand",
    },
    "checkpoints": {"every": "10m", "keep": 3},
    "limits": {"max_runtime": "6h", "max_wait": "14h", "max_cost_usd": 90},
    "profiler": True,
}
XGBOOST = {
    "name": "churn",
    "algorithm": "xgboost:1.7-1",
    "hyperparameters": {"objective": "binary:logistic", "eta": 0.08},
    "inputs": {"train": {"s3_uri": "data://churn/train/", "content_type": "text/csv"}},
    "compute": {"instance_type": "ml.m5.2xlarge", "volume": "50 GB", "instance_count": 1},
    "limits": {"max_runtime": "45m"},
    "tags": {"purpose": "churn"},
}
EVERYTHING = {
    "name": "everything",
    "image": "platform",
    "input_mode": "File",
    "inputs": {
        "train": {"s3_uri": "s3://bucket/x/", "s3_data_distribution_type": "ShardedByS3Key", "shuffle_seed": 7},
    },
    "compute": {"instance_type": "ml.p4d.24xlarge", "instance_count": 4, "keep_alive": "20m"},
    "stopping_condition": {"max_runtime_in_seconds": 3600},
    "distributed": {"launcher": "mpi", "process_count_per_node": 8, "mpi_additional_options": ["-x", "NCCL_DEBUG"]},
    "compilation": {"torch_compile": {"backend": "inductor", "mode": "max-autotune"}},
    "health": {"infra_check": True, "retries": 3},
    "debugger": {"collections": {"losses": {"save_interval": 100}}, "rules": ["VanishingGradient"]},
    "profiler": {"interval": "500ms", "rules": ["ProfilerReport", "LowGPUUtilization"]},
    "network": {
        "subnets": ["subnet-1"],
        "security_group_ids": ["sg-1"],
        "enable_inter_container_traffic_encryption": True,
    },
    "output_compression": "none",
    "metrics": {"loss": "loss=(.*)"},
    "tensorboard": {"local_path": "/opt/ml/output/tensorboard"},
    "experiment_config": {"experiment_name": "e", "trial_name": "t"},
    "model_package": ARN.format("sagemaker", "model-package-group/g"),
    "session_tags": True,
    "remote_debug": True,
    "secrets": {"TOKEN": ARN.format("secretsmanager", "secret:token")},
    "environment": {"MODE": "fast"},
}
EXAMPLES = {"digits": DIGITS, "finetune": FINETUNE, "xgboost": XGBOOST, "everything": EVERYTHING}

FREE = {"hyperparameters", "environment", "tags", "inputs", "metrics", "secrets", "collections", "losses"}
"""Sections whose names are the user's own: none is a mistake."""

OLD_NAMES = {
    "spot": ["use_spot_instances", "EnableManagedSpotTraining"],
    "max_runtime": ["max_run", "MaxRuntimeInSeconds"],
    "volume": ["volume_size"],
    "image": ["image_uri"],
    "entry_script": ["entry_point"],
    "instance_type": ["train_instance_type", "InstanceType"],
    "instance_count": ["train_instance_count", "InstanceCount"],
    "distributed": ["distribution"],
    "inputs": ["input_data_config", "channels"],
    "hyperparameters": ["hyper_parameters", "HyperParameters"],
    "environment": ["env"],
    "retries": ["max_retry_attempts"],
    "infra_check": ["enable_infra_check"],
    "name": ["base_job_name"],
}


def checked(document):
    return check(document, None, check_request)


def places(value, path=(), free=False):
    """Every named field that has a meaning of its own, with its value."""
    if not isinstance(value, dict):
        return
    for name, inner in value.items():
        here = (*path, name)
        if not free:
            yield here, inner
        yield from places(inner, here, name in FREE and not (path == () and name == "inputs"))
        if path == () and name == "inputs":
            for channel, settings in inner.items():
                yield from places(settings, (*here, channel))


def fields_of(document):
    found = dict(places(document))
    return {path: value for path, value in found.items() if not (len(path) == 2 and path[0] == "inputs")}


def misspelt(rng, text):
    at = rng.randrange(len(text))
    letter = rng.choice(string.ascii_lowercase)
    kind = rng.choice("drsi") if len(text) > 3 else "i"
    if kind == "d":
        return text[:at] + text[at + 1 :]
    if kind == "r":
        return text[:at] + letter + text[at + 1 :]
    if kind == "s":
        at = min(at, len(text) - 2)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + letter + text[at:]


def put(document, path, value):
    answer = copy.deepcopy(document)
    owner = answer
    for part in path[:-1]:
        owner = owner[part]
    owner[path[-1]] = value
    return answer


def renamed(document, path, name):
    answer = copy.deepcopy(document)
    owner = answer
    for part in path[:-1]:
        owner = owner[part]
    entries = [(name if key == path[-1] else key, value) for key, value in owner.items()]
    owner.clear()
    owner.update(entries)
    return answer


def field_typo(rng, document, path, _value):
    name = misspelt(rng, path[-1])
    return (renamed(document, path, name), (*path[:-1], name)) if name != path[-1] else None


def old_name(rng, document, path, _value):
    names = OLD_NAMES.get(path[-1])
    if not names:
        return None
    name = rng.choice(names)
    return renamed(document, path, name), (*path[:-1], name)


def unit(rng, document, path, value):
    if not isinstance(value, str):
        return None
    if (seconds := parse_duration(value)) is not None:
        return put(
            document, path, rng.choice([f"{seconds // 60} minutes", f"{seconds // 60} min", value.upper()])
        ), path
    if (size := parse_size_gb(value)) is not None:
        return put(document, path, rng.choice([size, f"{size}GiB", f"{size} gigabytes"])), path
    return None


def bare_number(_rng, document, path, value):
    seconds = parse_duration(value) if isinstance(value, str) else None
    return None if seconds is None else (put(document, path, seconds), path)


def wrong_type(rng, document, path, value):
    if isinstance(value, bool):
        return put(document, path, rng.choice(["true", "yes", "True", 1] if value else ["false", "no", 0])), path
    if isinstance(value, int):
        return put(document, path, rng.choice([str(value), float(value)])), path
    if isinstance(value, list) and len(value) == 1 and path[-1] not in ("instance_type", "rules"):
        return put(document, path, value[0]), path
    if isinstance(value, dict) and path[-1] not in FREE and path[-1] not in ("distributed", "compilation"):
        return put(document, path, rng.choice([3, ["x"]])), path
    return None


def value_typo(rng, document, path, value):
    choices = {"instance_type", "input_mode", "s3_data_distribution_type", "precision", "fallback", "launcher", "mode"}
    if path[-1] not in choices or not isinstance(value, str):
        return None
    wrong = misspelt(rng, value)
    return put(document, path, wrong), path


MUTATIONS = [
    field_typo,
    field_typo,
    field_typo,
    old_name,
    old_name,
    unit,
    bare_number,
    wrong_type,
    wrong_type,
    value_typo,
]


def mutants():
    rng = random.Random(20261121)
    made = []
    while len(made) < COUNT:
        name = rng.choice(sorted(EXAMPLES))
        document = EXAMPLES[name]
        path, value = rng.choice(sorted(fields_of(document).items(), key=str))
        mutation = rng.choice(MUTATIONS)
        result = mutation(rng, document, path, value)
        if result is None:
            continue
        mutant, edited_path = result
        found = checked(mutant)
        if isinstance(found, Checked):
            continue  # another good request: the letter case of an address, a free word
        made.append((f"{name} {mutation.__name__} {'.'.join(map(str, edited_path))}", mutant, edited_path, found))
    return made


@pytest.fixture(scope="module")
def refused():
    return mutants()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_examples_are_good_requests(name):
    result = checked(EXAMPLES[name])
    assert isinstance(result, Checked), [problem.sentence() for problem in result]


def names_the_place(problem, path):
    return problem.path == path or (problem.path == path[: len(problem.path)] and len(path) - len(problem.path) <= 1)


def test_the_first_problem_names_the_edited_place(refused):
    missed = [
        (label, [problem.sentence() for problem in found])
        for label, _, path, found in refused
        if not names_the_place(found[0], path)
    ]
    assert len(missed) <= COUNT // 100, missed


def test_most_have_a_sure_fix(refused):
    without = [(label, found[0].sentence()) for label, _, _, found in refused if not found[0].sure]
    assert len(without) <= COUNT // 5, (len(without), without)


def test_a_sure_fix_is_accepted_always(refused):
    left = []
    for label, mutant, _, found in refused:
        for problem in found:
            if problem.sure:
                result = checked(edited(mutant, problem.edit))
                remaining = [] if isinstance(result, Checked) else result
                if len(remaining) >= len(found) or problem.path in [each.path for each in remaining]:
                    left.append((label, problem.sentence(), [each.sentence() for each in remaining]))
    assert not left


def test_a_mutant_with_one_problem_is_whole_again_after_its_sure_fix(refused):
    single = [(mutant, found[0]) for _, mutant, _, found in refused if len(found) == 1 and found[0].sure]
    assert len(single) > COUNT // 2
    assert all(isinstance(checked(edited(mutant, problem.edit)), Checked) for mutant, problem in single)


def test_a_fix_is_not_called_sure_where_it_would_not_help():
    document = {"name": "x", "compute": {"instance_type": "ml.m5.large", "use_spot_instances": True, "spot": False}}
    problem = next(problem for problem in check(document) if problem.path[-1] == "use_spot_instances")
    assert not problem.sure


def test_problems_of_a_policys_making_are_told_as_such():
    policy = TeamPolicy.from_data({"team": "vision", "always": {"limits": {"max_wait": "2h"}}})
    found = check(DIGITS | {"compute": {"instance_type": "ml.m5.large", "spot": False}}, policy)
    assert "set by the team's policy" in found[0].problem
