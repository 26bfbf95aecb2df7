"""Each rule of docs/refusals.md: what breaks it is told at its place, with what to do instead."""

import importlib.util
from pathlib import Path

import pytest

from trainwright_runtime.handlers.api_model import check_request
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.request import Checked, check

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("refusals", Path(__file__).with_name("refusals.py"))
refusals = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(refusals)


def policy_of(row):
    return TeamPolicy.from_data(row.policy) if row.policy else None


@pytest.mark.parametrize("row", [row for row in refusals.ROWS if row.fix is not None], ids=lambda row: row.rule)
def test_what_cannot_work_is_refused_with_its_fix(row):
    found = check(row.document, policy_of(row), check_request)
    assert isinstance(found, list), "this was let through"
    told = {problem.field: problem for problem in found}
    assert row.field in told, [problem.sentence() for problem in found]
    problem = told[row.field]
    assert row.says in problem.problem
    assert row.fix in f"{problem.allowed} {problem.remedy}"


@pytest.mark.parametrize("row", [row for row in refusals.ROWS if row.fix is None], ids=lambda row: row.rule)
def test_what_is_likely_a_mistake_is_a_warning(row):
    checked = check(row.document, policy_of(row), check_request)
    assert isinstance(checked, Checked), [problem.sentence() for problem in checked]
    assert any(text.startswith(f"{row.field}: ") and row.says in text for text in checked.warnings), checked.warnings


def test_the_page_is_current():
    assert (ROOT / "docs/refusals.md").read_text(encoding="utf-8") == refusals.page()


@pytest.mark.parametrize(
    "changes",
    [
        {"compute": {"instance_type": "ml.g5.xlarge", "keep_alive": "1h"}},
        {"compute": {"instance_type": ["ml.g5.12xlarge", "ml.g6.12xlarge"], "spot": True, "fallback": "on_demand"}},
        {"algorithm": "xgboost:1.7-1", "compute": refusals.SPOT},
        {"inputs": {"train": refusals.FILES}, "network": refusals.VPC},
        {"inputs": {"train": {"s3_uri": "data://x/", "input_mode": "FastFile"}}},
        {"framework": "pytorch:2.8.0", "source_code": refusals.SCRIPT, "compute": refusals.GPU, "precision": "bf16"},
        {"compute": {"instance_type": ["ml.g5.xlarge", "ml.g5.12xlarge"]}, "checkpoints": {"reshard": True}},
        {"source_code": {"source_dir": refusals.SCRIPT["source_dir"], "command": "make train"}},
        {
            "framework": "tensorflow:2.11.0",
            "source_code": refusals.SCRIPT,
            "compute": {"instance_type": "ml.p3.2xlarge"},
            "compilation": "training_compiler",
        },
        {"framework": "huggingface:4.56.2", "source_code": refusals.SCRIPT, "compute": refusals.GPU},
    ],
    ids=str,
)
def test_what_works_is_let_through(changes):
    result = check({"name": "row", "compute": {"instance_type": "ml.m5.large"}, **changes}, None, check_request)
    assert isinstance(result, Checked), [problem.sentence() for problem in result]
