"""Which of the deployed teams rehearses."""

from __future__ import annotations

from trainwright import names
from trainwright.cli import teams
from trainwright.cli.errors import StepFailed
from trainwright.cli.rehearse.account import Account
from trainwright.cli.teams import Team

__all__ = ["Team", "find_team"]


def find_team(account: Account, wanted: str | None) -> Team:
    """The team `wanted`, or the only one, or the one named `default`; StepFailed names those there are."""
    found = {team.name: team for team in teams.everyone(account.client("ssm"))}
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
