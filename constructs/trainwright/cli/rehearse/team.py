"""How a deployed team is found: by what its stack wrote to Parameter Store, never by guessing at bucket names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from trainwright import names
from trainwright.cli.errors import StepFailed
from trainwright.cli.rehearse.account import Account


@dataclass(frozen=True)
class Team:
    """The parts of a team that a person needs."""

    name: str
    state_machine_arn: str
    data_bucket: str
    artifacts_bucket: str
    checkpoints_bucket: str
    reports_bucket: str
    runs_table: str
    log_group: str


def find_team(account: Account, wanted: str | None) -> Team:
    """The team `wanted`, or the only one, or the one named `default`; StepFailed names those there are."""
    found = {team.name: team for team in map(_team, _parameters(account))}
    if not found:
        raise StepFailed(
            f"the deployed app left no team under {names.TEAMS} in Parameter Store",
            "Give it a TrainingPlatform or a TrainingTeam.",
        )
    name = wanted or (next(iter(found)) if len(found) == 1 else names.DEFAULT_TEAM)
    if name not in found:
        raise StepFailed(
            f"team: {name} is not deployed; there are {', '.join(sorted(found))}", "Choose one with --team."
        )
    return found[name]


def _parameters(account: Account) -> list[str]:
    """A team's own parameter lies directly under the prefix; its policy one level below is left out."""
    pages = account.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=names.TEAMS, Recursive=False)
    return [parameter["Value"] for page in pages for parameter in page["Parameters"]]


def _team(text: str) -> Team:
    value: dict[str, Any] = json.loads(text)
    return Team(
        name=value["team"],
        **{name: value[name] for name in Team.__dataclass_fields__ if name != "name"},
    )
