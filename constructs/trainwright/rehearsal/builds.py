"""CodeBuild, as far as it makes training images: S3 source, Dockerfile, push to ECR, with the project's own role.

No Docker runs. The source's folder is what the image's address stands for afterwards: its files become the image's
layer, its Dockerfile the image's configuration, and the digest is that of the manifest that is really pushed.
"""

from __future__ import annotations

import io
import logging
import shutil
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from trainwright.rehearsal import facade, oci
from trainwright.rehearsal.buildspec import BuildspecError, docker_build
from trainwright.rehearsal.jobs.images import Image, ImageError, Reference, parse_reference, read_image
from trainwright.rehearsal.jobs.registry import FolderRegistry
from trainwright.rehearsal.jobs.rights import PULL_ACTIONS

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

SERVICE = "codebuild.amazonaws.com"
EVENT = "CodeBuild Build State Change"
_log = logging.getLogger(__name__)


class BuildFailure(Exception):
    """A phase failed; ``code`` is CodeBuild's status code of the phase's context."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Phase:
    """One entry of a build's ``phases``."""

    kind: str
    start: float
    end: float | None = None
    status: str | None = None
    context: list[dict[str, str]] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        """As BatchGetBuilds has it."""
        described: dict[str, Any] = {"phaseType": self.kind, "startTime": _datetime(self.start)}
        if self.end is not None:
            described |= {"endTime": _datetime(self.end), "durationInSeconds": round(self.end - self.start)}
        if self.status:
            described["phaseStatus"] = self.status
        return {**described, "contexts": self.context} if self.context else described

    def describe_in_event(self) -> dict[str, Any]:
        """As the event has it."""
        text = [f"{item['statusCode']}: {item['message']}" for item in self.context]
        described: dict[str, Any] = {
            "phase-type": self.kind,
            "phase-context": text,
            "start-time": _event_time(self.start),
        }
        if self.end is not None:
            described |= {"end-time": _event_time(self.end), "duration-in-seconds": round(self.end - self.start)}
        return {**described, "phase-status": self.status} if self.status else described


@dataclass
class Build:
    """One build: what it was asked for and how far it is. Times are seconds since the epoch."""

    project: Mapping[str, Any]
    number: int
    variables: list[dict[str, str]]
    source: dict[str, Any]
    initiator: str
    id: str = ""
    created: float = field(default_factory=time.time)
    ended: float | None = None
    status: str = "IN_PROGRESS"
    phases: list[Phase] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    stopped: threading.Event = field(default_factory=threading.Event, repr=False)

    def __post_init__(self) -> None:
        self.id = self.id or f"{self.name}:{uuid.uuid4()}"

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.project["name"])

    @property
    def role(self) -> str:
        """The project's service role."""
        return str(self.project["serviceRole"])

    @property
    def arn(self) -> str:
        """The build's ARN: the project's with ``build/<id>``."""
        return str(self.project["arn"]).rpartition("project/")[0] + f"build/{self.id}"

    @property
    def log_group(self) -> str:
        """The log group that the project names, or CodeBuild's own."""
        configured = self.project.get("logsConfig", {}).get("cloudWatchLogs", {}).get("groupName")
        return configured or f"/aws/codebuild/{self.name}"

    @property
    def log_stream(self) -> str:
        """The part of the build's identifier after the project."""
        return self.id.partition(":")[2]

    @property
    def environment(self) -> dict[str, str]:
        """Plain variables by name, the overrides of StartBuild last."""
        return {item["name"]: item["value"] for item in self.variables if item.get("type", "PLAINTEXT") == "PLAINTEXT"}

    def describe(self) -> dict[str, Any]:
        """As StartBuild and BatchGetBuilds have it."""
        with self.lock:
            environment = {**self.project["environment"], "environmentVariables": self.variables}
            described = {
                "id": self.id,
                "arn": self.arn,
                "buildNumber": self.number,
                "startTime": _datetime(self.created),
                "endTime": _datetime(self.ended),
                "currentPhase": self.phases[-1].kind if self.phases else "SUBMITTED",
                "buildStatus": self.status,
                "buildComplete": self.ended is not None,
                "projectName": self.name,
                "phases": [phase.describe() for phase in self.phases],
                "source": self.source,
                "artifacts": {"location": ""},
                "cache": self.project.get("cache", {"type": "NO_CACHE"}),
                "environment": environment,
                "serviceRole": self.role,
                "logs": {"groupName": self.log_group, "streamName": self.log_stream},
                "timeoutInMinutes": self.project.get("timeoutInMinutes") or 60,
                "queuedTimeoutInMinutes": self.project.get("queuedTimeoutInMinutes") or 480,
                "initiator": self.initiator,
                "encryptionKey": self.project.get("encryptionKey"),
            }
        return {name: value for name, value in described.items() if value is not None}

    def event_detail(self) -> dict[str, Any]:
        """As https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications-ref.html has it."""
        with self.lock:
            last = self.phases[-1]
            return {
                "build-status": self.status,
                "project-name": self.name,
                "build-id": self.arn,
                "additional-information": self._additional(),
                "current-phase": last.kind,
                "current-phase-context": f"[{', '.join(last.describe_in_event()['phase-context'])}]",
                "version": "1",
            }

    def _additional(self) -> dict[str, Any]:
        environment = self.project["environment"]
        return {
            "artifact": {"location": ""},
            "environment": {
                "image": environment.get("image"),
                "privileged-mode": environment.get("privilegedMode", False),
                "compute-type": environment.get("computeType"),
                "type": environment.get("type"),
                "environment-variables": self.variables,
            },
            "timeout-in-minutes": self.project.get("timeoutInMinutes") or 60,
            "build-complete": self.ended is not None,
            "build-number": self.number,
            "initiator": self.initiator,
            "build-start-time": _event_time(self.created),
            "source": {name: self.source[name] for name in ("type", "location") if name in self.source},
            "logs": {"group-name": self.log_group, "stream-name": self.log_stream},
            "phases": [phase.describe_in_event() for phase in self.phases],
        }


class BuildRun:
    """Takes one build through its phases, on a thread of its own."""

    def __init__(self, build: Build, folder: Path, registry: FolderRegistry) -> None:
        self.build, self._registry = build, registry
        self._folder = folder / build.log_stream
        self._source = self._folder / "src"

    def start(self) -> None:
        """Return at once; the phase SUBMITTED is over, QUEUED has begun."""
        with self._phase("SUBMITTED"):
            pass
        threading.Thread(target=self._run, name=f"build-{self.build.id}", daemon=True).start()

    def _run(self) -> None:
        self._tell()
        status = "SUCCEEDED"
        try:
            self._go_through()
        except BuildFailure as failure:
            self._say(f"Phase context status code: {failure.code} Message: {failure}")
            status = "STOPPED" if self.build.stopped.is_set() else "FAILED"
        except Exception:  # noqa: BLE001 - whatever it is, the build must have an end
            _log.exception("build %s", self.build.id)
            status = "FAULT"
        self._finish(status)

    def _go_through(self) -> None:
        for waits in ("QUEUED", "PROVISIONING"):
            with self._phase(waits):
                pass
        with self._phase("DOWNLOAD_SOURCE"):
            self._download()
        with self._phase("INSTALL"):
            pass
        with self._phase("PRE_BUILD"):
            ecr = self._log_in()
        with self._phase("BUILD"):
            image = self._build_image()
            self._registry.put(self._push(ecr, image), image)
        with self._phase("POST_BUILD"):
            pass
        with self._phase("UPLOAD_ARTIFACTS"):
            pass

    def _finish(self, status: str) -> None:
        with self._phase("FINALIZING"):
            shutil.rmtree(self._folder, ignore_errors=True)
        with self.build.lock:
            self.build.ended = time.time()
            self.build.status = status
            self.build.phases.append(Phase("COMPLETED", self.build.ended))
        self._tell()

    # --- phases ---

    def _download(self) -> None:
        location = self.build.source.get("location", "")
        bucket, _, key = location.removeprefix("arn:aws:s3:::").partition("/")
        if self.build.source.get("type") != "S3" or not key:
            raise BuildFailure("CLIENT_ERROR", f"the rehearsal builds from a zip file in S3, not from {location!r}")
        s3 = self._client("s3")
        try:
            content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise BuildFailure("CLIENT_ERROR", f"{_words(error)} for primary source and source version") from error
        try:
            unpack(content, self._source)
        except zipfile.BadZipFile as error:
            raise BuildFailure("CLIENT_ERROR", f"source {location} is not a zip file: {error}") from error

    def _log_in(self) -> ECRClient:
        ecr: ECRClient = self._client("ecr")
        with _as_command("docker login"):
            ecr.get_authorization_token()
        self._say("Login Succeeded")
        return ecr

    def _build_image(self) -> Image:
        """Read what ``docker build`` would read; the images that it is made FROM must be allowed to the role."""
        try:
            asked = docker_build(self.build.source.get("buildspec", ""), self.build.environment)
            image = read_image(self._source / asked.context, asked.dockerfile or "Dockerfile", asked.build_args)
            image.lay(self._folder / "check", real=False)
            for base in filter(None, map(parse_reference, image.bases)):
                self._may_pull(base)
        except (BuildspecError, ImageError, OSError, facade.PermissionDenied) as error:
            raise _command_failed("docker build", error) from error
        self._say(f"Successfully built {self.build.environment.get('IMAGE_TAG', '')}")
        return image

    def _may_pull(self, base: Reference) -> None:
        for action in PULL_ACTIONS:
            self._may(action, base.repository_arn)

    def _push(self, ecr: ECRClient, image: Image) -> str:
        variables = self.build.environment
        missing = [name for name in ("REPOSITORY_URI", "IMAGE_TAG") if not variables.get(name)]
        if missing:
            raise _command_failed("docker push", f"environment variables are missing: {', '.join(missing)}")
        target = f"{variables['REPOSITORY_URI']}:{variables['IMAGE_TAG']}"
        reference = parse_reference(target)
        if reference is None or not reference.tag:
            raise _command_failed("docker push", f"{target} is no address in ECR")
        with _as_command("docker push"):
            digest = oci.push(ecr, reference.repository, reference.tag, image)
        self._say(f"{reference.tag}: digest: {digest}")
        return digest

    # --- the service role ---

    def _client(self, service: str) -> Any:
        """Acts as the project's service role."""
        return facade.client(
            service, role_arn=self.build.role, service_principal=SERVICE, session_name=self._session_name
        )

    def _may(self, action: str, resource: str) -> None:
        facade.authorize(self.build.role, action, resource, service_principal=SERVICE, session_name=self._session_name)

    @property
    def _session_name(self) -> str:
        return f"AWSCodeBuild-{self.build.log_stream}"

    # --- what others see ---

    @contextmanager
    def _phase(self, kind: str) -> Iterator[None]:
        phase = Phase(kind, time.time())
        with self.build.lock:
            self.build.phases.append(phase)
        self._say(f"Entering phase {kind}")
        status = "FAILED"
        try:
            self._go_on_unless_stopped(kind)
            yield
            status = "SUCCEEDED"
        except BuildFailure as failure:
            phase.context = [{"statusCode": failure.code, "message": str(failure)}]
            raise
        finally:
            with self.build.lock:
                phase.end, phase.status = time.time(), status
            self._say(f"Phase complete: {kind} State: {status}")

    def _go_on_unless_stopped(self, kind: str) -> None:
        if self.build.stopped.is_set() and kind != "FINALIZING":
            raise BuildFailure("CLIENT_ERROR", "build was stopped")

    def _say(self, text: str) -> None:
        group, stream = self.build.log_group, self.build.log_stream
        target = f"arn:aws:logs:{facade.region()}:{facade.account_id()}:log-group:{group}:log-stream:{stream}"
        try:
            self._may("logs:PutLogEvents", target)
        except facade.PermissionDenied as denied:
            _log.warning("the build runs without a log: %s", denied)
            return
        line = f"[Container] {datetime.now(UTC):%Y/%m/%d %H:%M:%S} {text}"
        facade.put_log_lines(group, stream, [(int(time.time() * 1000), line)])

    def _tell(self) -> None:
        try:
            facade.put_event("aws.codebuild", EVENT, self.build.event_detail(), [self.build.arn])
        except Exception:  # noqa: BLE001 - a target that fails must not hold up the build
            _log.exception("the event of build %s", self.build.id)


class Builds:
    """All builds of the account."""

    def __init__(self, folder: Path, registry: FolderRegistry) -> None:
        self._folder, self._registry = folder, registry
        self._builds: dict[str, Build] = {}
        self._lock = threading.Lock()

    def start(self, project: Mapping[str, Any], overrides: Mapping[str, Any], initiator: str) -> Build:
        """StartBuild with the request's ``...Override`` members."""
        with self._lock:
            number = 1 + sum(build.name == project["name"] for build in self._builds.values())
            source = {**project["source"], **_source_overrides(overrides)}
            variables = merge_variables(
                project["environment"].get("environmentVariables", ()),
                overrides.get("environmentVariablesOverride", ()),
            )
            build = Build(dict(project), number, variables, source, initiator)
            self._builds[build.id] = build
        BuildRun(build, self._folder, self._registry).start()
        return build

    def find(self, identifier: str) -> Build | None:
        """By identifier or ARN."""
        return self._builds.get(identifier.rpartition("build/")[2])

    def of(self, project: str | None = None) -> list[Build]:
        """All builds, or a project's, newest first."""
        builds = [build for build in self._builds.values() if project in (None, build.name)]
        return sorted(builds, key=lambda build: build.created, reverse=True)


def merge_variables(
    configured: Sequence[Mapping[str, str]], overrides: Sequence[Mapping[str, str]]
) -> list[dict[str, str]]:
    """A project's variables with those of StartBuild in the place of their namesakes."""
    merged = {item["name"]: {"type": "PLAINTEXT", **item} for item in (*configured, *overrides)}
    return list(merged.values())


def _source_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    names = {"sourceTypeOverride": "type", "sourceLocationOverride": "location", "buildspecOverride": "buildspec"}
    return {name: overrides[override] for override, name in names.items() if overrides.get(override)}


def unpack(content: bytes, folder: Path) -> None:
    """Unpack a zip file with the modes that it records; entries that lead out of the folder are refused."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder))
            mode = entry.external_attr >> 16 & 0o777
            if mode and path.is_file():
                path.chmod(mode | 0o600)


@contextmanager
def _as_command(command: str) -> Iterator[None]:
    """AWS's refusals come out of the buildspec's commands as their errors."""
    try:
        yield
    except ClientError as error:
        raise _command_failed(command, _words(error)) from error


def _command_failed(command: str, reason: object) -> BuildFailure:
    return BuildFailure("COMMAND_EXECUTION_ERROR", f"Error while executing command: {command}. Reason: {reason}")


def _words(error: ClientError) -> str:
    return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"


def _datetime(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _event_time(seconds: float) -> str:
    """Sep 1, 2017 4:12:29 PM"""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%b} {moment.day}, {moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p}"
