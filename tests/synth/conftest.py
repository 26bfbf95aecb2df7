"""Templates, each built once a session. Fresh stacks for every test would take minutes; a cached template takes
none.
"""

import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import trainwright  # points jsii at a node before aws_cdk is imported

os.environ["CDK_VALIDATION"] = "false"  # test_synth_templates validates every template natively, and much faster

ROOT = Path(__file__).resolve().parents[2]
APPS = {"app": ROOT / "app.py", "minimal": ROOT / "examples/minimal/app.py", "teams": ROOT / "examples/teams/app.py"}

# Runs an app as a user does, with cdk-nag added where the app does not add it itself, and keeps what was acknowledged.
RUN_APP = """
import json, os, runpy, sys
import trainwright
import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

def acknowledged(app):
    for node in app.node.find_all():
        for entry in node.node.metadata:
            if entry.type == cdk.Validations.ACKNOWLEDGED_RULES_METADATA_KEY:
                yield [node.node.path, entry.data]

def synth(self, *args, **kwargs):
    if not os.environ.get("HAS_NAG"):
        cdk.Validations.of(self).add_plugins(AwsSolutionsChecks(self))
    assembly = plain(self, *args, **kwargs)
    with open(os.path.join(os.environ["CDK_OUTDIR"], "acknowledged.json"), "w") as file:
        json.dump(list(acknowledged(self)), file)
    return assembly

plain, cdk.App.synth = cdk.App.synth, synth
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@dataclass(frozen=True)
class SynthesisedApp:
    """What one app left in its cdk.out."""

    folder: Path

    @functools.cached_property
    def templates(self) -> dict[str, dict[str, Any]]:
        files = sorted(self.folder.glob("*.template.json"))
        return {file.name.removesuffix(".template.json"): json.loads(file.read_text()) for file in files}

    @functools.cached_property
    def report(self) -> dict[str, Any]:
        return json.loads((self.folder / "validation-report.json").read_text())

    @functools.cached_property
    def acknowledged(self) -> list[Any]:
        return json.loads((self.folder / "acknowledged.json").read_text())

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / "manifest.json").read_text())


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], SynthesisedApp]:
    """`synthesised("minimal")`: the example app of that name, run in an empty directory of its own."""

    @functools.cache
    def run(name: str) -> SynthesisedApp:
        folder = tmp_path_factory.mktemp(name)
        context = json.loads((ROOT / "cdk.json").read_text())["context"]
        environment = os.environ | {
            "CDK_OUTDIR": str(folder / "cdk.out"),
            "CDK_CONTEXT_JSON": json.dumps(context) if name == "app" else "{}",
        }
        environment |= {"HAS_NAG": "1"} if name == "app" else {}
        command = [sys.executable, "-c", RUN_APP, str(APPS[name])]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return SynthesisedApp(folder / "cdk.out")

    return run


@pytest.fixture(scope="session")
def every_template(synthesised: Callable[[str], SynthesisedApp]) -> dict[str, dict[str, Any]]:
    """All templates of all apps, named app/stack."""
    return {f"{app}/{stack}": t for app in APPS for stack, t in synthesised(app).templates.items()}


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """`build("kms")`: the one template of a platform and team in a stack, in one of the ways of `_ways`."""

    @functools.cache
    def built(way: str) -> dict[str, Any]:
        import aws_cdk as cdk

        app = cdk.App(outdir=str(tmp_path_factory.mktemp(way)))
        stack = cdk.Stack(app, "Training")
        _ways()[way](stack)
        return app.synth().get_stack_by_name("Training").template

    return built


def _ways() -> dict[str, Callable[[Any], object]]:
    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms

    image = trainwright.TrainingImage.from_uri("111122223333.dkr.ecr.eu-west-1.amazonaws.com/models@sha256:" + "a" * 64)

    def platform(stack: Any, **props: Any) -> Any:
        return trainwright.TrainingPlatform(stack, "Platform", image=image, **props)

    return {
        "plain": platform,
        "kms": lambda stack: platform(stack, encryption_key=kms.Key(stack, "Key")),
        "destroyed": lambda stack: platform(stack, removal_policy=cdk.RemovalPolicy.DESTROY, allow_data_loss=True),
        "no image": lambda stack: trainwright.TrainingPlatform(stack, "Platform"),
    }


def resources(template: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The template's resources of a type, by logical id."""
    return {key: value for key, value in template["Resources"].items() if value["Type"] == kind}


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a role's inline policies, actions and resources as lists."""
    for policy in role["Properties"].get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            listed = {key: _as_list(statement[key]) for key in ("Action", "Resource")}
            yield statement | listed


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(role: dict[str, Any]) -> set[str]:
    return {action for statement in statements(role) for action in statement["Action"]}


def role_named(template: dict[str, Any], part: str) -> dict[str, Any]:
    """The one role whose logical id holds `part`."""
    (found,) = [role for key, role in resources(template, "AWS::IAM::Role").items() if part in key]
    return found


def allowing(role: dict[str, Any], action: str) -> dict[str, Any]:
    """The one statement that allows an action."""
    (found,) = [statement for statement in statements(role) if action in statement["Action"]]
    return found


def given(template: dict[str, Any], part: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The one role whose logical id holds `part`, and the statements of the policies attached to it."""
    ((name, role),) = [found for found in resources(template, "AWS::IAM::Role").items() if part in found[0]]
    attached = [
        policy["Properties"]
        for policy in resources(template, "AWS::IAM::Policy").values()
        if {"Ref": name} in policy["Properties"]["Roles"]
    ]
    return role, list(statements({"Properties": {"Policies": attached}}))


def masked(template: dict[str, Any]) -> str:
    """A template as text without what changes with every line of Lambda code: asset hashes and version ids."""
    text = json.dumps(template, indent=1, sort_keys=True)
    text = re.sub(r"(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}", r"\1<version>", text)
    return re.sub(r"[0-9a-f]{64}", "<asset>", text)


@pytest.fixture(scope="session")
def tools() -> Any:
    """The helpers above, for tests that cannot import this file (importlib mode has no package here)."""
    return sys.modules[__name__]
