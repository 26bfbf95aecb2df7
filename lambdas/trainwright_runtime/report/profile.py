"""What the profiler said of a run's attempts, in the report: one status, the findings of all of them, the worst
first."""

from collections.abc import Iterator, Mapping
from typing import Any

from trainwright_runtime.report.clean import mapping, mappings, number
from trainwright_runtime.report.sources import Sources

_WORST_FIRST = ("high", "medium", "low")
_NOT_READ = "what the profiler wrote has not been read yet"


def profile(sources: Sources) -> dict[str, Any]:
    """The `profile` of report.json: what is pending and missing, the rules that AWS evaluated, a summary of each host
    of the last attempt that has one."""
    known = [(number, mapping(sources.profiles[number])) for number in sorted(sources.profiles)]
    pending = list(_said(known, "pending"))
    if not known and profiled(sources.sent):
        pending.append(_NOT_READ)
    summaries = [mapping(each.get("summary")) for _, each in known if each.get("summary")]
    from_ = [each["source"] for _, each in known if isinstance(each.get("source"), str)]
    return {
        "status": _status([each.get("status") for _, each in known], pending),
        "pending": pending,
        "missing": list(_said(known, "missing")),
        "rules": [{"attempt": number, **rule} for number, each in known for rule in mappings(each.get("rules"))],
        "summary": summaries[-1] if summaries else {},
        "source": from_[-1] if from_ else None,
    }


def profiled(sent: object) -> bool:
    """Whether a CreateTrainingJob request asks for the profiler (ProfilerConfig, API reference)."""
    config = mapping(sent).get("ProfilerConfig")
    return isinstance(config, Mapping) and not config.get("DisableProfiler")


def findings(sources: Sources) -> list[Mapping[str, Any]]:
    """The findings of all attempts, the worst first."""
    found = [each for number in sorted(sources.profiles) for each in _findings(sources.profiles[number])]
    return sorted(found, key=_badness)


def _findings(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return mappings(mapping(document).get("findings"))


def _badness(finding: Mapping[str, Any]) -> tuple[int, float]:
    severity = finding.get("severity")
    rank = _WORST_FIRST.index(severity) if severity in _WORST_FIRST else len(_WORST_FIRST)
    return rank, -(number(finding.get("worth_seconds")) or 0.0)


def _status(each: list[Any], pending: list[str]) -> str:
    if pending or "pending" in each:
        return "pending"
    if not each:
        return "off"
    return "partial" if "partial" in each else "complete"


def _said(known: list[tuple[int, Mapping[str, Any]]], what: str) -> Iterator[str]:
    """The sentences of all attempts, with the attempt's number where there are several."""
    for number_, each in known:
        listed = each.get(what)
        for sentence in listed if isinstance(listed, list) else ():
            yield f"Attempt {number_}: {sentence}" if len(known) > 1 else str(sentence)
