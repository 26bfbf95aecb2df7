"""Links into the AWS console, in the console of the partition and region that the run is in. None is presigned.

AWS documents no address of its console's pages. These have the form that the console itself shows and public projects
use: names of log groups are encoded twice, with `$` in the place of `%`. See docs/unverified.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

Report = Mapping[str, Any]
Link = dict[str, str]

_HOSTS = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def links(report: Report, folder: str | None = None) -> list[Link]:
    """The report's links, `title` and `url`: execution, last job, its log, model, checkpoints, the report's own folder
    (`folder` is its S3 URI) and what AWS's profiler rules wrote. None for a partition whose console is not known."""
    found = console(report["execution_arn"])
    return [] if found is None else [{"title": title, "url": url} for title, url in _links(report, folder, found)]


class Console:
    """The console of one region."""

    def __init__(self, host: str, region: str) -> None:
        self._root, self._region = f"https://{region}.{host}", region

    def page(self, service: str, fragment: str) -> str:
        return f"{self._root}/{service}/home?region={self._region}#{fragment}"

    def execution(self, arn: str) -> str:
        return self.page("states", f"/v2/executions/details/{_quoted(arn)}")

    def job(self, name: str) -> str:
        return self.page("sagemaker", f"/jobs/{_quoted(name)}")

    def log(self, group: str, stream_prefix: str) -> str:
        """The log streams of a job, found by what their names begin with."""
        query = f"$3FlogStreamNameFilter$3D{_twice(stream_prefix)}"
        return self.page("cloudwatch", f"logsV2:log-groups/log-group/{_twice(group)}{query}")

    def s3(self, uri: str) -> str:
        """An object, or what lies under a prefix, which ends with a slash."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        kind = "buckets" if not key or key.endswith("/") else "object"
        return f"{self._root}/s3/{kind}/{_quoted(bucket, '')}?region={self._region}&prefix={_quoted(key, '/')}"


def console(arn: object) -> Console | None:
    """The console of the region that an ARN names; None where the partition has none that is known."""
    parts = arn.split(":") if isinstance(arn, str) else []
    if len(parts) < 6 or parts[1] not in _HOSTS or not parts[3]:
        return None
    return Console(_HOSTS[parts[1]], _quoted(parts[3], ""))


def _links(report: Report, folder: str | None, found: Console) -> Iterator[tuple[str, str]]:
    yield "Execution", found.execution(report["execution_arn"])
    jobs = [row for row in report["attempts"] if row["job_arn"]]
    for row in jobs[-1:]:
        yield "Training job", found.job(row["job_name"])
        yield "Log", found.log(row["log"]["group"], row["log"]["stream_prefix"])
    if report["model"]:
        yield "Model", found.s3(report["model"]["s3_uri"])
    if report["checkpoints"]:
        yield "Checkpoints", found.s3(report["checkpoints"]["s3_uri"])
    if folder:
        yield "Report and documents", found.s3(folder)
    for rule in report["profile"]["rules"]:
        if isinstance(uri := rule.get("report_uri"), str):
            yield f"{rule.get('name')}, attempt {rule['attempt']}", found.s3(uri)


def _quoted(text: str, safe: str = ":") -> str:
    return quote(text, safe=safe, errors="replace")


def _twice(text: str) -> str:
    return _quoted(_quoted(text, ""), "").replace("%", "$")
