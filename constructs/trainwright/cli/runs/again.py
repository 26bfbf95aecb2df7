"""`trainwright run --again RUN`: what an earlier run asked for, as its team's reports bucket keeps it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from botocore.exceptions import ClientError

from trainwright.cli.aws import Aws, code, in_words
from trainwright.cli.errors import BadInput
from trainwright.cli.teams import Team
from trainwright.cli.yaml import Document
from trainwright_runtime.policy import TEAM_NAME
from trainwright_runtime.spec import run_prefix

RUN_ID = re.compile(rf"(?P<team>{TEAM_NAME.pattern})-[0-9a-f]{{10}}", re.ASCII)


@dataclass(frozen=True)
class Again:
    """The run, by its id."""

    run: str

    @property
    def team(self) -> str:
        """The team whose run it is; BadInput where this is no run's id."""
        match = RUN_ID.fullmatch(self.run)
        if match is None:
            raise BadInput(
                f"--again {self.run}: this is no run's id, such as vision-0123456789; `trainwright list` shows them"
            )
        return match["team"]


def document(aws: Aws, team: Team, wanted: Again) -> Document:
    """The request that the run was started with, whole; BadInput where the team has no such run."""
    key = f"{run_prefix(wanted.run)}request.json"
    with in_words("Nothing was started."):
        try:
            content = aws.client("s3").get_object(Bucket=team.reports_bucket, Key=key)["Body"].read()
        except ClientError as error:
            if code(error) == "NoSuchKey":
                raise BadInput(_no_such_run(wanted, team)) from error
            raise
    return Document(f"s3://{team.reports_bucket}/{key}", json.loads(content))


def _no_such_run(wanted: Again, team: Team) -> str:
    return f"--again {wanted.run}: team {team.name} has no such run; `trainwright list` shows what there is"
