"""The wheel carries the project's loose files in trainwright/_project, laid out as in the checkout.

Hatch's `sources` moves folders only; this moves the files. An editable install needs none of it: it has the checkout.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = ("app.py", "cdk.json", "package.json", "package-lock.json", "lambdas/layer-requirements.txt")


class ProjectFiles(BuildHookInterface):
    """Named in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"] |= {name: f"trainwright/_project/{name}" for name in FILES}
