"""A hundred runs that start at the same moment against money for ten: exactly ten have it."""

from __future__ import annotations

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from trainwright_runtime import record as records
from trainwright_runtime.facts import Run
from trainwright_runtime.handlers import ledger
from trainwright_runtime.handlers.store import Store
from trainwright_runtime.policy import TeamPolicy
from trainwright_runtime.problems import Problem
from trainwright_runtime.rungs import Bounds, Plan, Rung

STARTED = "2026-11-21T04:22:12.345Z"
COST = {"status": "Completed", "cost_usd": 1.5, "training_seconds": 3600, "warm_pool": None}

# Each of two updates waits for the other between its condition and its change: only where one has to end before the
# next begins does one of them wait in vain.
TWO_AT_ONCE = """
import contextlib, os, threading, boto3
os.environ.update(AWS_DEFAULT_REGION="us-east-1", AWS_ACCESS_KEY_ID="t", AWS_SECRET_ACCESS_KEY="t")
from moto import mock_aws
from moto.dynamodb import models
{mend}
both, execute = threading.Barrier(2), models.UpdateExpressionExecutor.execute
def wait(self, *node):
    with contextlib.suppress(threading.BrokenBarrierError):
        node or both.wait(2)
    return execute(self, *node)
done = []
def update(name):
    with contextlib.suppress(table.exceptions.ConditionalCheckFailedException):
        table.update_item(TableName="t", Key={{"run": {{"S": "x"}}}}, UpdateExpression="SET taken = :name",
            ConditionExpression="attribute_not_exists(taken)", ExpressionAttributeValues={{":name": {{"S": name}}}})
        done.append(name)
with mock_aws():
    table = boto3.client("dynamodb")
    key = dict(KeySchema=[dict(AttributeName="run", KeyType="HASH")],
        AttributeDefinitions=[dict(AttributeName="run", AttributeType="S")])
    table.create_table(TableName="t", BillingMode="PAY_PER_REQUEST", **key)
    table.put_item(TableName="t", Item={{"run": {{"S": "x"}}}})
    models.UpdateExpressionExecutor.execute = wait
    threads = [threading.Thread(target=update, args=(name,)) for name in "ab"]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
print(len(done))
"""
MEND = "from trainwright.rehearsal.mends import dynamodb; dynamodb.MENDS[0].apply()"


@pytest.mark.parametrize(("mend", "taken"), [("", "2"), (MEND, "1")], ids=["plain moto", "mended"])
def test_of_two_updates_on_one_condition_one_is_made(mend, taken):
    program = TWO_AT_ONCE.format(mend=mend)
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == taken, done.stderr


@pytest.fixture
def store(account):
    """A team's runs in a table of the account's, without its buckets."""
    table, name = account.client("dynamodb"), f"runs-{uuid.uuid4().hex[:8]}"
    table.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    buckets = SimpleNamespace(reports_bucket="none", checkpoints_bucket="none")
    yield Store(SimpleNamespace(dynamodb=table), SimpleNamespace(runs_table=name, deployment=buckets))
    table.delete_table(TableName=name)


def planned(number):
    rung = Rung("spot", "ml.g5.xlarge", "sync", 7.0, True, {})
    bounds = Bounds(3600, 0, 0, None, 0, None, 10)
    return Plan(Run(f"vision-{number:010}", "vision", "digits"), (rung,), bounds)


def test_a_hundred_starts_against_money_for_ten_start_ten(store):
    """Each twice, as Lambda may call; then the ten end, each twice too, and the month is what they cost."""
    policy = TeamPolicy.from_data({"team": "vision", "budget": {"monthly_usd": 70}})

    def reserve(number):
        return number, ledger.reserve(planned(number % 100), policy, STARTED, store)

    with ThreadPoolExecutor(25) as threads:
        answers = list(threads.map(reserve, range(200)))
    begun = {number % 100: money for number, money in answers if not isinstance(money, Problem)}
    refused = {number % 100 for number, money in answers if isinstance(money, Problem)}
    assert len(begun) == 10
    assert not begun.keys() & refused, "both calls for a run are answered alike"
    assert store.record("money:2026-11")["committed"] == 70_000_000

    def settle(number):
        item = records.new(planned(number).run, "arn", STARTED, STARTED) | {"money": begun[number]}
        return ledger.settle({**item, "attempts": {"1": {**COST, "number": 1}}}, store)

    with ThreadPoolExecutor(20) as threads:
        list(threads.map(settle, [*begun, *begun]))
    assert store.record("money:2026-11") == {"run": "money:2026-11", "committed": 15_000_000}
