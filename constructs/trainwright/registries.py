"""AWS's own ECR registries: the accounts that hold SageMaker's framework containers and built-in algorithms, by region.

The accounts are those of the runtime's image table, which is made from AWS's SDK; they differ from region to region and
from image to image. A registry is granted whole: all of its repositories are AWS's, open to every account to pull.
"""

import json
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from trainwright.capabilities import PULL
from trainwright.permissions import Allow
from trainwright_runtime import images

KINDS = ("framework", "algorithm")
_TABLE = Path(images.__file__).with_name("data") / "images.json"
# SageMaker itself pulls what evaluates the debugger's and the profiler's rules, never the job's role.
_PULLED_BY_SAGEMAKER = {"debugger", "detailed-profiler"}
_ONLY_ALGORITHMS = set(images.ALGORITHMS) - set(images.FRAMEWORKS)


def pulls(scope: Construct, kinds: list[str]) -> list[Allow]:
    """Pulling AWS's images of these kinds, in the stack's own region: SageMaker takes an image from no other."""
    if not kinds:
        return []
    stack = cdk.Stack.of(scope)
    known = not cdk.Token.is_unresolved(stack.region)
    found = _here(stack.region, kinds) if known else _wherever(stack, kinds)
    registries = [f"arn:{stack.partition}:ecr:{stack.region}:{account}:repository/*" for account in found]
    why = (
        f"AWS's own registries of SageMaker's {' and '.join(kinds)} images in this region, by account: every "
        "repository there is AWS's and open to every account; which image a run names is Prepare's to check."
    )
    return [Allow(PULL, registries, sid="PullAwsImages", why=why)] if registries else []


def accounts(kind: str) -> dict[str, list[str]]:
    """Region -> the accounts that hold AWS's training images of a kind there."""
    table = _table()
    every = set(table["families"]) - _PULLED_BY_SAGEMAKER
    families = every & set(images.ALGORITHMS) if kind == "algorithm" else every - _ONLY_ALGORITHMS
    used = {image["registries"] for family in families for image in table["families"][family]["images"]}
    found: dict[str, set[str]] = {}
    for registry in used:
        for region, account in table["registries"][registry].items():
            found.setdefault(region, set()).add(account)
    return {region: sorted(there) for region, there in sorted(found.items())}


def _here(region: str, kinds: list[str]) -> list[str]:
    return sorted({account for kind in kinds for account in accounts(kind).get(region, [])})


def _wherever(stack: cdk.Stack, kinds: list[str]) -> list[str]:
    """One account for each column of a mapping by region. Regions with fewer registries repeat their first account."""
    rows = {region: _here(region, kinds) for region in sorted({region for kind in kinds for region in accounts(kind)})}
    columns = [f"A{number}" for number in range(max(len(row) for row in rows.values()))]
    name = f"Aws{''.join(kind.title() for kind in kinds)}Images"
    mapping = stack.node.try_find_child(name)
    if not isinstance(mapping, cdk.CfnMapping):
        filled = {region: _filled(row, columns) for region, row in rows.items()}
        mapping = cdk.CfnMapping(stack, name, mapping=filled)
    return [mapping.find_in_map(cdk.Aws.REGION, column) for column in columns]


def _filled(row: list[str], columns: list[str]) -> dict[str, str]:
    return dict(zip_longest(columns, row, fillvalue=row[0]))


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table
