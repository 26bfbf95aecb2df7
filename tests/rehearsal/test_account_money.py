"""A hundred runs that start at the same moment against money for ten: exactly ten have it."""

from __future__ import annotations

import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from boto3.dynamodb.types import TypeSerializer

from trainwright_runtime import months

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


def encoded(values):
    return {name: TypeSerializer().serialize(value) for name, value in values.items()}


def test_a_hundred_starts_against_money_for_ten_start_ten(account):
    table, name = account.client("dynamodb"), f"runs-{uuid.uuid4().hex[:8]}"
    table.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "run", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "run", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def reserve(number):
        call = months.reserve(f"vision-{number:010}", "2026-11", 7_000_000, 70_000_000)
        for part in ("Key", "ExpressionAttributeValues"):
            call[part] = encoded(call[part])
        try:
            table.update_item(TableName=name, **call)
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(25) as threads:
        started = sum(threads.map(reserve, range(100)))
    item = table.get_item(TableName=name, Key={"run": {"S": "money:2026-11"}})["Item"]
    table.delete_table(TableName=name)
    assert started == 10
    assert item.pop("committed") == {"N": "70000000"}
    assert item.pop("run") == {"S": "money:2026-11"}
    assert len(item) == 10
