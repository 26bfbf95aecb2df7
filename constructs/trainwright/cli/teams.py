"""How a deployed team is found: by what its stack wrote to Parameter Store, never by guessing at bucket names."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from trainwright import names
from trainwright.cli.errors import BadInput
from trainwright_runtime.facts import Deployment
from trainwright_runtime.policy import PolicyError, TeamPolicy


@dataclass(frozen=True)
class Team:
    """The parts of a team that a person needs. Of one that an older version deployed, network and key are not known."""

    name: str
    state_machine_arn: str
    data_bucket: str
    artifacts_bucket: str
    checkpoints_bucket: str
    reports_bucket: str
    runs_table: str
    log_group: str
    execution_role_arn: str
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    kms_key_arn: str | None = None

    @property
    def region(self) -> str:
        """Where it is deployed: arn:aws:states:REGION:..."""
        return self.state_machine_arn.split(":")[3]

    @property
    def deployment(self) -> Deployment:
        """As the check and the plan of a run need it."""
        return Deployment(
            team=self.name,
            data_bucket=self.data_bucket,
            artifacts_bucket=self.artifacts_bucket,
            checkpoints_bucket=self.checkpoints_bucket,
            reports_bucket=self.reports_bucket,
            execution_role_arn=self.execution_role_arn,
            region=self.region,
            subnets=self.subnets,
            security_groups=self.security_groups,
            kms_key_arn=self.kms_key_arn,
            log_group=self.log_group,
        )

    def execution_arn(self, name: str) -> str:
        """Of an execution of that name."""
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def find(ssm: Any, wanted: str | None) -> Team:
    """The team `wanted`, or the only one there is; BadInput lists those there are. `ssm` is boto3's client."""
    if wanted:
        text = _parameter(ssm, names.team(wanted))
        if text is None:
            raise BadInput(f"--team {wanted}: no team of this name is deployed in {ssm.meta.region_name}")
        return read(text)
    found = {team.name: team for team in everyone(ssm)}
    if not found:
        raise BadInput(f"no team is deployed in {ssm.meta.region_name}: is this the right region and account?")
    if len(found) > 1:
        raise BadInput(f"there is more than one team: {', '.join(sorted(found))}. Choose one with --team.")
    return next(iter(found.values()))


def everyone(ssm: Any) -> list[Team]:
    """Every deployed team. A team's own parameter lies directly under the prefix; its policy, one level below, is left
    out.
    """
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=names.TEAMS, Recursive=False)
    return [read(parameter["Value"]) for page in pages for parameter in page["Parameters"]]


def policy(ssm: Any, team: Team) -> TeamPolicy:
    """What the team's runs are checked against, exactly what Prepare will read."""
    parameter = names.team_policy(team.name)
    text = _parameter(ssm, parameter)
    if text is None:
        raise BadInput(f"the parameter {parameter}, the team's policy, does not exist. Deploy the team again.")
    try:
        return TeamPolicy.from_data(json.loads(text), parameter)
    except (ValueError, PolicyError) as error:
        problem = f"the parameter {parameter} holds no policy that this version reads; use the version that deployed it"
        raise BadInput(f"{problem}: {error}") from error


def read(text: str) -> Team:
    """A team from its parameter's text."""
    value: dict[str, Any] = json.loads(text)
    known = {each.name: value[each.name] for each in fields(Team) if each.name in value}
    lists = {name: tuple(entry) for name, entry in known.items() if isinstance(entry, list)}
    return Team(**{**known, **lists, "name": value["team"]})


def _parameter(ssm: Any, name: str) -> str | None:
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        return None
