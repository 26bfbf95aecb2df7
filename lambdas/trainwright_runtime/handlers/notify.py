"""Telling people and programs: each notice once, through two topics, and never at a run's expense.

A notice is claimed in the record (or in the month's item) before it is sent, a claim for each topic. A failed publish
gives its claim back; one that nobody came back to may be taken over after some minutes. So a notice is lost or sent
twice only where a function dies in the moment between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainwright_runtime import claims, months, notices
from trainwright_runtime.handlers.aws import Services
from trainwright_runtime.handlers.environment import Environment
from trainwright_runtime.handlers.store import Store, now
from trainwright_runtime.handlers.telemetry import logger
from trainwright_runtime.notices import Month, Notice, Place
from trainwright_runtime.policy import TeamPolicy

Report = Mapping[str, Any]


def tell(report: Report, store: Store, clients: Services, environment: Environment) -> None:
    """Send what a written report gives to hear of, and what its month does. As often as one likes, and whatever
    fails: it is said in the log, without the texts."""
    _guarded("run", lambda: _Teller(store, clients, environment).run(report))


def tell_month(
    policy: TeamPolicy, money: Mapping[str, Any] | None, store: Store, clients: Services, environment: Environment
) -> None:
    """The same for the month that a run has just set money aside in."""
    teller = _Teller(store, clients, environment)
    _guarded("month", lambda: teller.month(money, policy.notices.events))


def _guarded(what: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001  no notice is worth a run
        logger.warning("no notice", extra={"of": what, "error": type(error).__name__})


@dataclass(frozen=True)
class _Topic:
    name: str
    arn: str
    arguments: Callable[[Notice], dict[str, Any]]


@dataclass(frozen=True)
class _Teller:
    store: Store
    clients: Services
    environment: Environment

    def run(self, report: Report) -> None:
        """What the run's report gives to hear of, then its month."""
        record = self.store.existing(report["run"])
        wanted = self._events(report["run"])
        for event in notices.of_report(report):
            if event in wanted:
                self._once(report["run"], event, self._of_run(report, event, record["redrive"]), record["redrive"])
        self.month(record["money"], wanted)

    def month(self, money: Mapping[str, Any] | None, wanted: Iterable[str]) -> None:
        """The threshold that the month has passed, unless a higher one was told."""
        if "budget" not in wanted or not (money or {}).get("monthly_usd") or not list(self._topics()):
            return
        assert money is not None  # noqa: S101  it has a limit
        key = months.key(money["month"])
        item = self.store.record(key)
        month = Month.of(self.environment.deployment.team, money, item)
        passed = notices.threshold(month) if month else None
        if month is None or passed is None or _told_already(item or {}, passed):
            return
        self._once(key, f"budget-{passed}", lambda: notices.of_month(month, passed, now()))

    def _events(self, run: str) -> Iterable[str]:
        """What the run's policy sends; the usual, where Prepare never came to keep the policy."""
        policy = self.store.document(run, "policy.json")
        said = policy.get("notices") if isinstance(policy, Mapping) else None
        return said["events"] if said else notices.DEFAULT_EVENTS

    def _of_run(self, report: Report, event: notices.Event, redrive: int) -> Callable[[], Notice]:
        uri = self.store.uri
        place = Place(uri(report["run"], "report.html"), uri(report["run"], "report.json"))
        return lambda: notices.of_run(report, event, place, now(), redrive)

    def _topics(self) -> Iterator[_Topic]:
        found = (("notices", self.environment.notices_topic, notices.message),)
        chat = (("chat", self.environment.chat_topic, notices.chat_message),)
        yield from (_Topic(name, arn, arguments) for name, arn, arguments in (*found, *chat) if arn)

    def _once(self, key: str, what: str, made: Callable[[], Notice], redrive: int = 0) -> None:
        """To each topic that nobody has sent it to yet; one that fails does not keep it from the other."""
        for topic in self._topics():
            _guarded(what, lambda topic=topic: self._claimed(key, what, made, topic, redrive))  # type: ignore[misc]

    def _claimed(self, key: str, what: str, made: Callable[[], Notice], topic: _Topic, redrive: int) -> None:
        claim = claims.Claim(key, what, topic.name, redrive, datetime.fromisoformat(now()))
        if self.store.update(claims.take(claim)) is None:
            return
        try:
            self.clients.sns.publish(TopicArn=topic.arn, **topic.arguments(made()))
        except Exception:
            self.store.update(claims.give_back(claim))
            raise
        self.store.update(claims.settle(claim))
        logger.info("told", extra={"notice": what, "topic": topic.name})


def _told_already(item: Mapping[str, Any], passed: int) -> bool:
    higher = [each for each in notices.THRESHOLDS if each > passed]
    return any(claims.attribute(f"budget-{each}", "notices") in item for each in higher)
