"""CodeBuild: moto's builds succeed by being looked at; here they run (`trainwright.rehearsal.builds`)."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from moto.codebuild import responses
from moto.codebuild.exceptions import InvalidInputException, ResourceNotFoundException
from moto.core.responses import ActionResult

from trainwright.rehearsal import facade
from trainwright.rehearsal.builds import Builds
from trainwright.rehearsal.jobs.registry import FolderRegistry
from trainwright.rehearsal.mends import Mend, replace

_API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_"
_RESPONSE = "moto.codebuild.responses:CodeBuildResponse"


@functools.cache
def builds() -> Builds:
    """The builds of this process's account, made when first needed."""
    return Builds(facade.root() / "builds", FolderRegistry(facade.root() / "images"))


def _asked(response: responses.CodeBuildResponse) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(response.body or "{}")
    return asked


def _project(response: responses.CodeBuildResponse, name: str) -> dict[str, Any]:
    found = response.codebuild_backend.batch_get_projects([name])
    if not found:
        arn = f"arn:{response.partition}:codebuild:{response.region}:{response.current_account}:project/{name}"
        raise ResourceNotFoundException(f"Project cannot be found: {arn}")
    project: dict[str, Any] = found[0]
    return project


def start_build(self: responses.CodeBuildResponse) -> ActionResult:
    """StartBuild: it runs as the project's service role."""
    asked = _asked(self)
    project = _project(self, asked.get("projectName", ""))
    return ActionResult({"build": builds().start(project, asked, initiator="rehearsal").describe()})


def batch_get_builds(self: responses.CodeBuildResponse) -> ActionResult:
    """BatchGetBuilds: looking changes nothing."""
    identifiers = _asked(self).get("ids", [])
    found = {identifier: builds().find(identifier) for identifier in identifiers}
    return ActionResult(
        {
            "builds": [build.describe() for build in found.values() if build],
            "buildsNotFound": [identifier for identifier, build in found.items() if not build],
        }
    )


def stop_build(self: responses.CodeBuildResponse) -> ActionResult:
    """StopBuild: before the next phase begins."""
    identifier = _asked(self).get("id", "")
    build = builds().find(identifier)
    if build is None:
        raise ResourceNotFoundException(f"Build {identifier} does not exist")
    build.stopped.set()
    return ActionResult({"build": build.describe()})


def list_builds(self: responses.CodeBuildResponse) -> ActionResult:
    """ListBuilds: newest first."""
    return ActionResult({"ids": [build.id for build in builds().of()]})


def list_builds_for_project(self: responses.CodeBuildResponse) -> ActionResult:
    """ListBuildsForProject: newest first."""
    project = _project(self, _asked(self).get("projectName", ""))
    return ActionResult({"ids": [build.id for build in builds().of(project["name"])]})


def update_project(self: responses.CodeBuildResponse) -> ActionResult:
    """UpdateProject: members that are given replace what the project has."""
    asked = _asked(self)
    name = asked.pop("name", None)
    if not name:
        raise InvalidInputException("Project name is required")
    project = _project(self, name)
    project.update(asked)
    return ActionResult({"project": project})


def _add_update() -> None:
    setattr(responses.CodeBuildResponse, "update_project", update_project)  # noqa: B010 - not there to mypy


def _replacing(method: Callable[..., Any], sha256: str, operation: str, why: str) -> Mend:
    target = f"{_RESPONSE}.{method.__name__}"

    def apply() -> None:
        replace(target, method)

    name = f"codebuild-{method.__name__.replace('_', '-')}"
    return Mend(name, target, sha256, f"{_API}{operation}.html", why, apply)


MENDS: tuple[Mend, ...] = (
    _replacing(
        start_build,
        "64605611d794cd6c3ee383df5cc8cfbee0853b0b50fff1810fa32efffed2aade",
        "StartBuild",
        "moto runs nothing and ignores the overrides",
    ),
    _replacing(
        batch_get_builds,
        "046241374f0f9038e28aaf87b08e5774ca1ffef668d33fbdeee3811e276ccbcd",
        "BatchGetBuilds",
        "moto makes every build succeed when it is asked for",
    ),
    _replacing(
        stop_build,
        "a37ab21f9121a88bc7cbf40ae9f1000cd014eee1e27b97dfefc0bff2b0e22742",
        "StopBuild",
        "moto knows its own builds only",
    ),
    _replacing(
        list_builds,
        "03eaf9cc527be96ff2e653cd2e011093ba917d484edb88172f670d21213c5c42",
        "ListBuilds",
        "moto knows its own builds only",
    ),
    _replacing(
        list_builds_for_project,
        "d8e7031094568ea2be720843405ab710f1588c48c918fcf6a2058fa7fd7eab61",
        "ListBuildsForProject",
        "moto knows its own builds only",
    ),
    Mend(
        "codebuild-update-project",
        f"{_RESPONSE}.__init__",
        "c1b3854432695631aafbf86aa6c7643ee44b99d9d76f530a63b1a5ef306f4492",
        f"{_API}UpdateProject.html",
        "moto has no UpdateProject",
        _add_update,
    ),
)
