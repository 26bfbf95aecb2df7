"""Telling: each notice once, however often a report is written and whoever comes too; and never at a run's expense."""

import dataclasses
import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from team_in_memory import ARN, COMPLETED, FAILED, REGION, REQUEST, assess_event, prepare_event

from trainwright_runtime import claims, months
from trainwright_runtime.claims import Claim
from trainwright_runtime.facts import Run, run_id
from trainwright_runtime.handlers import notify
from trainwright_runtime.handlers.assess import assess
from trainwright_runtime.handlers.prepare import prepare
from trainwright_runtime.handlers.report import report

RUN = run_id(ARN, "2026-11-21T04:22:12Z", "vision")
JOB = f"{RUN}-1"


class Heard:
    """Two topics with a queue each."""

    def __init__(self, team):
        self.team, self.sqs, self.queues = team, team.services._client("sqs", region_name=REGION), {}
        team.services.__dict__["sns"] = self.sns = team.services._client("sns", region_name=REGION)
        topics = {name: self._topic(name) for name in ("notices", "chat")}
        environment = dataclasses.replace(team.environment, notices_topic=topics["notices"], chat_topic=topics["chat"])
        team.environment = environment

    def _topic(self, name):
        topic = self.sns.create_topic(Name=name)["TopicArn"]
        url = self.queues[name] = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return topic

    def by(self, name):
        """What has come since the last time."""
        found = []
        while more := self.sqs.receive_message(QueueUrl=self.queues[name], MaxNumberOfMessages=10).get("Messages"):
            for message in more:
                self.sqs.delete_message(QueueUrl=self.queues[name], ReceiptHandle=message["ReceiptHandle"])
            found += [json.loads(message["Body"]) for message in more]
        return found

    def events(self, name="notices"):
        return [message["MessageAttributes"]["event"]["Value"] for message in self.by(name)]


@pytest.fixture
def heard(team):
    yield Heard(team)
    team.services.__dict__.pop("sns")


def begun(team, request=None):
    step = prepare(prepare_event(request), team.store, team.services, team.environment)
    return Run.from_dict(step["run"])


def ended(team, job_state, run=None):
    run = run or begun(team)
    team.sagemaker.has(JOB, job_state)
    assess(assess_event(run.to_dict()), team.store, team.services, team.environment)
    return reported(team, run)


def reported(team, run):
    return report(run, team.store, team.services, team.environment)


def policy(team, **more):
    team.parameter("/trainwright/teams/vision/policy", json.dumps({"team": "vision", **more}))


def claimed(team, key, what, topic="notices"):
    return (team.store.record(key) or {}).get(claims.attribute(what, topic), {}).get("state")


def test_a_failure_is_told_once_to_both_topics(team, heard):
    ended(team, FAILED)
    reported(team, Run(RUN, "vision", "digits"))
    (told,) = heard.by("notices")
    assert told["Subject"].startswith("[vision] digits failed: ")
    document = json.loads(told["Message"])
    assert (document["event"], document["run"]["id"], document["id"]) == ("failed", RUN, f"{RUN}:failed:0")
    assert document["report"]["html"] == f"s3://the-reports/runs/{RUN}/report.html"
    (chat,) = heard.by("chat")
    assert json.loads(chat["Message"])["metadata"]["threadId"] == RUN
    assert claimed(team, RUN, "failed") == claimed(team, RUN, "failed", "chat") == "told"


def test_a_success_is_told_as_finished(team, heard):
    ended(team, COMPLETED)
    assert heard.events() == ["finished"]


def test_the_policy_says_what_is_sent(team, heard):
    policy(team, notices={"events": ["failed", "refused"]})
    ended(team, COMPLETED)
    assert (heard.events(), heard.events("chat")) == ([], [])


def test_a_refusal_is_told_only_where_the_policy_asks(team, heard):
    for events, told in (({}, []), ({"notices": {"events": ["refused"]}}, ["refused"])):
        policy(team, **events)
        arn = f"{ARN}-{len(told)}"
        step = prepare(prepare_event({"name": "x"}, arn=arn), team.store, team.services, team.environment)
        reported(team, Run.from_dict(step["run"]))
        assert heard.events() == told


def test_findings_are_told_when_they_are_known(team, heard):
    ended(team, COMPLETED)
    found = {"severity": "high", "title": "The GPUs wait", "attempt": 1, "host": None, "measured": "m", "change": "c"}
    written = team.document(RUN, "report.json") | {"findings": [found | {"threshold": "50 %"}]}
    for status, told in (("pending", ["finished"]), ("complete", ["finding"]), ("complete", [])):
        profile = {**written["profile"], "status": status}
        notify.tell({**written, "profile": profile}, team.store, team.services, team.environment)
        assert heard.events() == told


def test_a_redriven_run_ends_again_and_that_is_told_again(team, heard):
    ended(team, FAILED)
    assert heard.events() == ["failed"]
    again = dict(team.store.record(RUN)) | {"redrive": 1}
    team.store.put({"Item": again})
    for _ in range(2):
        notify.tell(team.document(RUN, "report.json"), team.store, team.services, team.environment)
    assert [json.loads(each["Message"])["id"] for each in heard.by("notices")] == [f"{RUN}:failed:1"]


class Broken:
    """SNS that refuses messages for a topic, or dies of something nobody expected."""

    def __init__(self, real, topic="", error=None):
        self.real, self.topic = real, topic
        self.error = error or ClientError({"Error": {"Code": "Throttled", "Message": "m"}}, "Publish")

    def publish(self, *, TopicArn, **arguments):
        if TopicArn.endswith(self.topic):
            raise self.error
        self.real.publish(TopicArn=TopicArn, **arguments)


@pytest.mark.parametrize("error", [None, KeyError("k"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates")])
def test_a_failed_publish_costs_no_run_and_is_made_up_for(team, heard, caplog, error):
    team.services.__dict__["sns"] = Broken(heard.sns, "notices", error)
    with caplog.at_level(logging.WARNING):
        assert ended(team, FAILED)["end"] == "failed"
    assert claimed(team, RUN, "failed") is None
    assert heard.events("chat") == ["failed"]
    assert "surrogates" not in caplog.text
    team.services.__dict__["sns"] = heard.sns
    reported(team, Run(RUN, "vision", "digits"))
    assert (heard.events(), heard.events("chat")) == (["failed"], [])


def test_a_team_without_topics_is_told_nothing(team):
    assert ended(team, FAILED)["end"] == "failed"
    assert claimed(team, RUN, "failed") is None


def test_a_claim_is_taken_over_when_nobody_came_back_to_it(team):
    begun(team)
    first = Claim(RUN, "failed", "notices", 0, datetime(2026, 11, 21, 5, tzinfo=UTC))
    soon = dataclasses.replace(first, moment=first.moment + timedelta(minutes=1))
    later = dataclasses.replace(first, moment=first.moment + claims.PATIENCE)
    assert team.store.update(claims.take(first))
    assert not team.store.update(claims.take(soon))
    assert team.store.update(claims.take(later))
    assert not team.store.update(claims.settle(first))
    assert not team.store.update(claims.give_back(first))
    assert team.store.update(claims.settle(later))
    assert not team.store.update(claims.take(dataclasses.replace(first, moment=first.moment + timedelta(days=9))))
    assert team.store.update(claims.take(dataclasses.replace(first, redrive=1)))


# --- the month ---

MONTH = months.key("2026-11")
CAPPED = {**REQUEST, "limits": {"max_runtime": "30m", "max_cost_usd": 0.05}}


def with_budget(team, usd, **more):
    policy(team, budget={"monthly_usd": usd}, **more)


def started(team, number):
    event = prepare_event(CAPPED, arn=f"{ARN}-{number}")
    return Run.from_dict(prepare(event, team.store, team.services, team.environment)["run"])


def test_the_month_is_told_of_once_at_each_threshold(team, heard):
    with_budget(team, 0.25)
    told = []
    for number in range(5):
        started(team, number)
        told += [json.loads(message["Message"])["month"] for message in heard.by("notices")]
    assert [(each["threshold_percent"], each["committed_usd"]) for each in told] == [(80, 0.2), (100, 0.25)]
    assert told[0]["spent_usd"] == 0
    assert len(heard.by("chat")) == 2


def test_eighty_percent_is_no_news_after_a_hundred(team, heard):
    with_budget(team, 0.05)
    run = started(team, 1)
    assert heard.events() == ["budget"]
    team.store.update(months.settle(run.id, "2026-11", 50_000, 43_000))
    money = team.store.record(run.id)["money"]
    notify._Teller(team.store, team.services, team.environment).month(money, ["budget"])
    assert heard.events() == []


def test_what_a_run_cost_counts_too(team, heard):
    with_budget(team, 10.0, notices={"events": ["budget"]})
    ended(team, COMPLETED)
    assert heard.events() == []
    spent = {"Key": {"run": MONTH}, "UpdateExpression": "SET committed = :c"}
    team.store.update({**spent, "ExpressionAttributeValues": {":c": 8_500_000}, "ReturnValues": "ALL_NEW"})
    reported(team, Run(RUN, "vision", "digits"))
    assert heard.events() == ["budget"]


def test_a_budget_that_nobody_wants_to_hear_of(team, heard):
    with_budget(team, 0.05, notices={"events": []})
    started(team, 1)
    assert heard.events() == []
    assert claimed(team, MONTH, "budget-100") is None
