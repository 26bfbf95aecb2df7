"""Puts single files of the project into the wheel: hatchling's `sources` maps folders only.

An editable install gets none of them: there, `trainwright.project` finds the checkout itself.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = ("app.py", "cdk.json", "package.json", "package-lock.json", "lambdas/layer-requirements.txt")


class ProjectFiles(BuildHookInterface[Any]):
    """Found by hatchling through `[tool.hatch.build.targets.wheel.hooks.custom]`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"] |= {name: f"trainwright/_project/{name}" for name in FILES}
