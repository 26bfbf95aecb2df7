"""Run records, read from the team's table: what the platform itself says about a run."""

from __future__ import annotations

from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from trainwright.cli.aws import Aws
from trainwright.cli.teams import Team
from trainwright_runtime.facts import run_id

Record = dict[str, Any]


def of_run(aws: Aws, team: Team, run: str) -> Record | None:
    """The record of a run by its id; None where there is none."""
    answer = aws.client("dynamodb").get_item(TableName=team.runs_table, Key={"run": {"S": run}}, ConsistentRead=True)
    item = answer.get("Item")
    return {name: _plain(TypeDeserializer().deserialize(value)) for name, value in item.items()} if item else None


def of_execution(aws: Aws, team: Team, execution: dict[str, Any]) -> Record | None:
    """The record of an execution's run, from what DescribeExecution or ListExecutions says of it."""
    return of_run(aws, team, run_id(execution["executionArn"], execution["startDate"], team.name))


def _plain(value: Any) -> Any:
    """DynamoDB's numbers, which are Decimals, as JSON's."""
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if type(value).__name__ == "Decimal":
        return int(value) if value == int(value) else float(value)
    return value
