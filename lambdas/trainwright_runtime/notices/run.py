"""The notice of a run: what happened, whose turn it is, what to do, what it cost, where to look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trainwright_runtime import summary
from trainwright_runtime.notices.chatting import chat_document
from trainwright_runtime.notices.document import Document, Notice, Place, document, picked
from trainwright_runtime.notices.events import Event, serious
from trainwright_runtime.notices.texts import plain, shown, subject

Report = Mapping[str, Any]

FAULTS = {
    "nobody": "nobody's",
    "code": "the training code's",
    "data": "the data's",
    "request": "the run request's",
    "person": "a person's doing",
    "capacity": "AWS had no capacity",
    "account": "the account's quotas or rights: tell the platform team",
    "platform": "the platform's: tell the platform team",
    "aws": "AWS's",
    "unknown": "not known",
}
"""Whose turn it is, in words for a mail, by the diagnosis' fault (outcome.Fault)."""

_ENDS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "STOPPED": "was stopped", "REFUSED": "was refused"}
_IN_JSON, _IN_MAIL = 20, 10
"""Findings that a notice lists; the page has them all."""
_FINDING = ("rule", "title", "attempt", "host", "device", "severity", "measured", "value", "threshold", "start")
_FINDING_TOO = ("end", "change", "worth_seconds", "source", "documentation")
_FINDING_SAID = ("title", "attempt", "host", "measured", "threshold", "change")
_COST = ("usd", "on_demand_usd", "saved_usd", "cap_usd", "complete")


def of_run(report: Report, event: Event, place: Place, at: str, redrive: int = 0) -> Notice:
    """The notice of one event of a run's report. `at` is the moment that it is made (ISO text), `redrive` the
    execution's redrive count, which makes a second end a notice of its own."""
    return _Run(report, event, place).notice(at, redrive)


class _Run:
    def __init__(self, report: Report, event: Event, place: Place) -> None:
        self._report, self._event, self._place = report, event, place
        self._diagnosis: Mapping[str, Any] | None = report["diagnosis"]
        self._findings = serious(report) if event == "finding" else ()

    def notice(self, at: str, redrive: int) -> Notice:
        report, id = self._report, f"{self._report['run']}:{self._event}:{redrive}"
        line, fault = subject(f"[{report['team']}] {self._headline()}"), self._fault()
        parts = self._parts() | {"fault": fault}
        found = document(self._event, id, report["team"], at, subject=line, verdict=report["verdict"], **parts)
        return Notice(
            self._event,
            id,
            report["team"],
            line,
            "\n".join(self._mail()),
            found,
            self._chat(id),
            status=report["status"],
            fault=fault,
        )

    def _fault(self) -> str | None:
        return (self._diagnosis or {}).get("fault") if self._event != "finding" else None

    def _headline(self) -> str:
        """`digits failed: The training script raised ...`"""
        if self._event == "finding":
            count, worst = len(self._findings), plain(self._findings[0].get("title") or "")
            return f"{self._name()}: {count} finding{'' if count == 1 else 's'}: {worst}"
        said = self._diagnosis["summary"] if self._diagnosis else ""
        return f"{self._name()} {_ENDS[self._report['status']]}{f': {plain(said)}' if said else ''}"

    def _name(self) -> str:
        return plain(self._report["name"] or "", 63) or str(self._report["run"])

    # --- for programs ---

    def _parts(self) -> Document:
        report, place = self._report, self._place
        findings = [picked(each, (*_FINDING, *_FINDING_TOO)) for each in self._findings[:_IN_JSON]]
        return {
            "run": self._identity(),
            "diagnosis": picked(self._diagnosis, ("label", "fault", "summary", "remedy")),
            "cost": picked(report["cost"], _COST),
            "headline": picked(report["headline"], ("name", "value", "previous", "change")),
            "goodput": (report["goodput"] or {}).get("share"),
            "advice": picked(report["advice"], ("change", "why", "worth_usd", "worth_seconds", "from")),
            "findings": findings,
            "report": {"html": place.html_uri, "json": place.json_uri},
            "command": self._command(),
            "links": self._links(),
        }

    def _identity(self) -> Document | None:
        names = ("name", "status", "execution_arn", "started_at", "ended_at", "seconds")
        jobs = [row["job_arn"] for row in self._report["attempts"] if row["job_arn"]]
        known = picked(self._report, names) or {}
        return {"id": self._report["run"], **known, "attempts": len(jobs), "last_job_arn": jobs[-1] if jobs else None}

    def _command(self) -> str | None:
        return plain(self._report["command"] or "", 1000) or None

    def _links(self) -> list[dict[str, str]]:
        return [{"title": plain(link["title"], 100), "url": str(link["url"])} for link in self._report["links"]]

    # --- for people ---

    def _mail(self) -> Iterator[str]:
        yield shown(self._headline(), 300)
        yield ""
        yield from self._what()
        yield ""
        yield from self._advice()
        yield from self._where()
        yield ""
        yield "--"
        yield f"Run {self._report['run']} of team {self._report['team']}. The team's policy says what is sent: notices."

    def _what(self) -> Iterator[str]:
        report, diagnosis = self._report, self._diagnosis
        if self._event == "finding":
            yield from self._found()
            return
        yield shown(report["verdict"])
        if diagnosis:
            yield f"Whose: {FAULTS.get(diagnosis['fault'], 'not known')} ({shown(diagnosis['label'], 100)})"
            yield f"What to do: {shown(diagnosis['remedy'], 1000)}"
        for problem in report["problems"][:_IN_MAIL]:
            yield f"- {shown(problem['field'], 200)}: {shown(problem['problem'])}"
        yield summary.cost_words(report["cost"], report["attempts"])

    def _found(self) -> Iterator[str]:
        for finding in self._findings[:_IN_MAIL]:
            said = {name: shown("" if finding.get(name) is None else finding[name], 500) for name in _FINDING_SAID}
            host = f", {said['host']}" if said["host"] else ""
            yield f"- {said['title']} ({finding['severity']}, attempt {said['attempt']}{host})"
            yield f"  Measured: {said['measured']}; threshold: {said['threshold']}"
            yield f"  Change: {said['change']}"
        if (more := len(self._findings) - _IN_MAIL) > 0:
            yield f"- and {more} more, on the page"

    def _advice(self) -> Iterator[str]:
        advice = self._report["advice"] or {}
        change, why = shown(advice.get("change") or ""), shown(advice.get("why") or "")
        if change and self._event != "finding":
            yield f"The change worth most: {change}"
            yield from ([f"  because: {why}"] if why else [])
            yield ""

    def _where(self) -> Iterator[str]:
        yield f"Page: {self._place.html_uri}"
        yield from (f"{link['title']}: {link['url']}" for link in self._links())
        if (command := self._command()) and self._event != "finding":
            yield f"Run it again: {shown(command, 1000)}"

    def _chat(self, id: str) -> Document:
        report, diagnosis, finding = self._report, self._diagnosis, self._event == "finding"
        lines = [line for line in self._what() if line]
        advice = (report["advice"] or {}).get("change")
        remedy = diagnosis["remedy"] if diagnosis else None
        steps = [each.get("change") for each in self._findings[:3]] if finding else [remedy, advice]
        return chat_document(
            self._event,
            id=id,
            thread=report["run"],
            title=self._headline(),
            lines=lines,
            steps=[step for step in steps if step],
            links=self._links(),
            keywords=[report["team"], report["status"]],
            resources=[report["execution_arn"], *_jobs(report)],
            context={"run": report["run"], "team": report["team"], "status": report["status"], "fault": self._fault()},
        )


def _jobs(report: Report) -> Sequence[str]:
    return [row["job_arn"] for row in report["attempts"][-1:] if row["job_arn"]]
