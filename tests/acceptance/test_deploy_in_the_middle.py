"""A deploy while a run is under way: that run ends on the Lambda version it began with, the next takes the new one."""

import json
import shutil
from pathlib import Path

import pytest

import trainwright_runtime

MARK = "rehearsed-change"


@pytest.fixture
def changed_runtime(tmp_path):
    """A copy of the runtime whose reports carry a mark: code of the functions that a user could see the change of."""
    package = Path(trainwright_runtime.__file__).parent
    copy = tmp_path / package.name
    shutil.copytree(package, copy, ignore=shutil.ignore_patterns("__pycache__"))
    handler = copy / "handlers" / "report.py"
    handler.write_text(
        handler.read_text()
        + f"""

_unmarked = handler


def handler(event, context):
    answer = _unmarked(event, context)
    answer["output"]["mark"] = {MARK!r}
    return answer
"""
    )
    return str(tmp_path)


def test_a_run_under_way_ends_on_its_old_version_and_the_next_takes_the_new(platform, changed_runtime):
    before = platform.start(seconds=25)
    platform.training(before)
    try:
        platform.deploy(python_path=changed_runtime)
        assert platform.execution(before)["status"] == "RUNNING", "the deploy took longer than the run it should hit"
        after = platform.start()
        old, new = platform.finish(before), platform.finish(after)
    finally:
        platform.deploy()
    assert (old["status"], new["status"]) == ("SUCCEEDED", "SUCCEEDED")
    assert "mark" not in json.loads(old["output"])
    assert json.loads(new["output"])["mark"] == MARK
    assert versions(platform, before).isdisjoint(versions(platform, after))


def versions(platform, arn):
    scheduled = [
        event["taskScheduledEventDetails"] for event in platform.history(arn) if "taskScheduledEventDetails" in event
    ]
    parameters = [json.loads(task["parameters"]) for task in scheduled if task["resourceType"] == "lambda"]
    return {task["FunctionName"] for task in parameters}
