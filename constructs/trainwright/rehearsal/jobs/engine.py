"""Runs training jobs: one thread a job takes it from Starting to its end, as SageMaker would.

Waiting is done in ``select`` and on events. The account's other parts see a job only through its description and
through the events that it emits on each change of status.
"""

from __future__ import annotations

import functools
import logging
import os
import resource
import shutil
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainwright.rehearsal import facade
from trainwright.rehearsal.faults import PROGRESS_FOLLOWS_SECONDS, SpotInterruption, parse_faults
from trainwright.rehearsal.jobs import artifacts, channels, container, rights, validation
from trainwright.rehearsal.jobs.checkpoints import Progress, Synchroniser
from trainwright.rehearsal.jobs.credentials import CredentialsServer
from trainwright.rehearsal.jobs.host import Host, isolation
from trainwright.rehearsal.jobs.images import Image, ImageError, parse_reference, read_image
from trainwright.rehearsal.jobs.job import EVENT, TrainingJob
from trainwright.rehearsal.jobs.logs import LogStream
from trainwright.rehearsal.jobs.pipes import Pipe, lay_pipes
from trainwright.rehearsal.jobs.registry import FolderRegistry
from trainwright.rehearsal.jobs.s3 import ClientFault, Store, Uri
from trainwright.rehearsal.jobs.statuses import DOWNLOADING_IMAGE, PREPARING, Secondary
from trainwright.rehearsal.jobs.supervision import Asked, Bell, Limits, Outcome, Supervision

#: How long instances take to be there; AWS takes minutes.
START_SECONDS = float(os.environ.get("TRAINWRIGHT_START_SECONDS", "0.2"))
INTERNAL_ERROR = "InternalServerError: We encountered an internal error.  Please try again."
_log = logging.getLogger(__name__)


@dataclass
class _Armed:
    """A fault that one job can still meet."""

    fault: SpotInterruption
    left: int


@dataclass
class Crew:
    """The hosts of one stretch between two interruptions, with what belongs to each."""

    hosts: list[Host]
    image: Image
    logs: list[LogStream] = field(default_factory=list)
    synchronisers: list[Synchroniser] = field(default_factory=list)
    side_outputs: list[Synchroniser] = field(default_factory=list)
    pipes: list[Pipe] = field(default_factory=list)

    @property
    def progress(self) -> Progress:
        """What the furthest host has in S3."""
        all_of_them = [synchroniser.progress for synchroniser in self.synchronisers]
        return max(all_of_them, key=lambda progress: (progress.step or 0, progress.checkpoints), default=Progress())

    def stop_synchronising(self, *, finish: bool) -> None:
        """Stop all uploads that go on while the job runs; ``finish``: after a last one."""
        for synchroniser in (*self.synchronisers, *self.side_outputs):
            synchroniser.stop(finish=finish)

    @property
    def input_fault(self) -> Exception | None:
        """Why a channel could not be sent to its end, if one could not."""
        return next((pipe.fault for pipe in self.pipes if pipe.fault), None)

    def kill(self) -> None:
        """End the processes of all hosts at once."""
        for host in self.hosts:
            host.kill()

    def stop_feeding(self) -> None:
        """Stop the pipes of all hosts, which have no processes any more."""
        for pipe in self.pipes:
            pipe.stop()

    def destroy(self) -> None:
        """Nothing of the hosts stays."""
        self.stop_synchronising(finish=False)
        for host in self.hosts:
            host.end()
        self.stop_feeding()
        for host in self.hosts:
            host.destroy()


class JobRun:
    """One job on its way; ``start`` returns at once."""

    def __init__(self, job: TrainingJob, engine: Engine) -> None:
        self.job, self._engine = job, engine
        self.bell = Bell()
        self._armed = [_Armed(fault, fault.times) for fault in engine.interruptions] if job.is_spot else []
        self._rounds = 0
        self._last_stream = 0
        self._crew: Crew | None = None

    def start(self) -> None:
        """Begin, on a thread of its own (which must outlive the processes: they die with it)."""
        threading.Thread(target=self._run, name=f"job-{self.job.name}", daemon=True).start()

    # --- from Starting to the end ---

    def _run(self) -> None:
        self._tell()
        try:
            end, reason = self._until_end()
        except (ClientFault, ImageError) as fault:
            end, reason = Secondary.FAILED, str(fault)
        except Exception:  # noqa: BLE001 - whatever it is, the job must have an end
            _log.exception("training job %s", self.job.name)
            end, reason = Secondary.FAILED, INTERNAL_ERROR
        finally:
            self._discard_crew()
        self.job.failure_reason = reason
        self._enter(end)
        self.bell.close()
        self._engine.forget(self)

    def _until_end(self) -> tuple[Secondary, str | None]:
        while True:
            asked = self._wait_for_instances()
            if asked:
                return self._ended_early(asked)
            crew = self._crew = self._prepare()
            if self.bell.asked:
                return self._ended_early(self.bell.asked)
            outcome = self._train(crew)
            if not outcome.interrupted:
                return self._conclude(crew, outcome)
            self._enter(Secondary.INTERRUPTED)
            self._discard_crew()
            self._enter(Secondary.STARTING)

    def _wait_for_instances(self) -> Asked | None:
        deadline = self._limits().wait
        left = START_SECONDS if deadline is None else min(START_SECONDS, deadline - time.time())
        asked = self.bell.wait(left)
        if asked is None and deadline is not None and time.time() >= deadline:
            asked = Asked.WAIT
        self._say(PREPARING)
        return asked

    def _ended_early(self, asked: Asked) -> tuple[Secondary, str | None]:
        if asked is Asked.SHUTDOWN:
            return Secondary.FAILED, INTERNAL_ERROR
        self._enter(Secondary.STOPPING)
        return asked.value, None

    def _limits(self) -> Limits:
        now, job = time.time(), self.job
        used = job.timeline.seconds_on_instances(now)
        return Limits(now + job.max_runtime - used, None if job.max_wait is None else job.created + job.max_wait)

    # --- Downloading ---

    def _prepare(self) -> Crew:
        self._enter(Secondary.DOWNLOADING)
        self._rounds += 1
        request = self.job.request
        volume_key = request["ResourceConfig"].get("VolumeKmsKeyId")
        if volume_key:
            rights.check_key(self.job.role, volume_key, "kms:CreateGrant", "ClientError: ")
        store = rights.store(self.job.role)
        folder = self._engine.folder / self.job.name / str(self._rounds)
        hosts = [Host(folder / name, name, isolation()) for name in self.job.host_names]
        crew = Crew(hosts, Image(folder))
        try:
            self._fill(crew, store, request)
        except BaseException:
            crew.destroy()
            raise
        return crew

    def _fill(self, crew: Crew, store: Store, request: Mapping[str, Any]) -> None:
        config = request.get("CheckpointConfig")
        path = container.checkpoint_path(request) if config else None
        for number, host in enumerate(crew.hosts):
            container.write_config(host.ml, self.job, host.name, path)
            self._bring_input(crew, store, number)
            if config and path:
                synchroniser = Synchroniser(store, Uri.parse(config["S3Uri"]), host.path(path), self.bell.ring)
                crew.synchronisers.append(synchroniser)
                synchroniser.restore()
            for folder, uri in container.side_outputs(self.job).items():
                uploader = Synchroniser(store, uri, host.path(folder), self.bell.ring, marks=False)
                crew.side_outputs.append(uploader)
        self._say(DOWNLOADING_IMAGE)
        crew.image = self._engine.pull(self.job)
        for host in crew.hosts:
            host.install(crew.image, facade.config().python, self.job.host_names)

    def _bring_input(self, crew: Crew, store: Store, number: int) -> None:
        wanted, mode = self.job.channels, self.job.input_mode
        data, hosts = crew.hosts[number].ml / "input" / "data", len(crew.hosts)
        channels.download(store, wanted, data, mode=mode, host=number, hosts=hosts)
        crew.pipes += lay_pipes(store, wanted, data, mode=mode, host=number, hosts=hosts, on_fault=crew.kill)

    # --- Training ---

    def _train(self, crew: Crew) -> Outcome:
        self._enter(Secondary.TRAINING)
        began = time.time()
        isolated = bool(self.job.request.get("EnableNetworkIsolation"))
        address = None if isolated else self._engine.credentials.open(self.job.role)
        try:
            self._start_hosts(crew, address, network=not isolated)
            return self._supervise(crew, began)
        finally:
            if address:
                self._engine.credentials.close(address)

    def _start_hosts(self, crew: Crew, address: str | None, *, network: bool) -> None:
        algorithm = self.job.request["AlgorithmSpecification"]
        argv = crew.image.argv(algorithm.get("ContainerEntrypoint"), algorithm.get("ContainerArguments"))
        variables = container.environment(self.job, facade.region(), facade.endpoint(), address)
        read_only = channels.read_only(self.job.channels, self.job.input_mode)
        stamp = self._last_stream = max(int(time.time()), self._last_stream + 1)
        for host in crew.hosts:
            stream = f"{self.job.name}/{host.name}-{stamp}"
            crew.logs.append(LogStream(stream, rights.log_put(self.job.role, stream), self.job.metrics))
            host.start(crew.image, argv, variables, network=network, read_only=read_only)
        for synchroniser in (*crew.synchronisers, *crew.side_outputs):
            synchroniser.start()
        for pipe in crew.pipes:
            pipe.start()

    def _supervise(self, crew: Crew, began: float) -> Outcome:
        supervision = Supervision(
            hosts=list(zip(crew.hosts, crew.logs, strict=True)),
            bell=self.bell,
            limits=self._limits(),
            interruption_due=functools.partial(self._interruption_due, crew, began),
            on_stopping=functools.partial(self._enter, Secondary.STOPPING),
        )
        outcome = supervision.run()
        crew.stop_feeding()
        if outcome.interrupted:
            self._met(crew, began)
        crew.stop_synchronising(finish=not outcome.interrupted)
        return outcome

    def _interruption_due(self, crew: Crew, began: float) -> float | None:
        if self._due(crew, began):
            return 0.0
        now, since = time.time(), crew.progress.since
        moments = [began + item.fault.seconds for item in self._armed if item.left and item.fault.seconds is not None]
        if since is not None and crew.progress.total is None:
            moments.append(since + PROGRESS_FOLLOWS_SECONDS)
        return min((moment - now for moment in moments if moment > now), default=None)

    def _due(self, crew: Crew, began: float) -> list[_Armed]:
        reached, now = crew.progress, time.time()
        return [
            item
            for item in self._armed
            if item.left
            and item.fault.is_due(
                training_seconds=now - began,
                checkpoint_seconds=None if reached.since is None else now - reached.since,
                step=reached.step,
                total=reached.total,
            )
        ]

    def _met(self, crew: Crew, began: float) -> None:
        for item in self._due(crew, began)[:1]:
            item.left -= 1

    # --- the end ---

    def _conclude(self, crew: Crew, outcome: Outcome) -> tuple[Secondary, str | None]:
        if outcome.asked is Asked.SHUTDOWN:
            return Secondary.FAILED, INTERNAL_ERROR
        self._enter(Secondary.UPLOADING)
        self._upload(crew)
        if outcome.asked is not None:
            return outcome.asked.value, None
        if crew.input_fault:
            raise crew.input_fault
        if outcome.exit_code:
            failures = [host.ml / "output" / "failure" for host in crew.hosts]
            return Secondary.FAILED, artifacts.failure_reason(failures, outcome.exit_code)
        return Secondary.COMPLETED, None

    def _upload(self, crew: Crew) -> None:
        for synchroniser in (*crew.synchronisers, *crew.side_outputs):
            if synchroniser.fault:
                raise synchroniser.fault
        store, target = rights.store(self.job.role), self.job.output
        key = self.job.request["OutputDataConfig"].get("KmsKeyId")
        if key:
            failed = f"ClientError: Artifact upload failed:Unable to upload file to {target} "
            rights.check_key(self.job.role, key, "kms:GenerateDataKey", failed)
        scratch = crew.hosts[0].folder
        for name, inside, compress in (("model", "model", self.job.compresses_model), ("output", "output/data", True)):
            folders = [host.ml / inside for host in crew.hosts]
            artifacts.upload(store, target, folders, name, scratch=scratch, compress=compress, kms_key=key)

    def _discard_crew(self) -> None:
        if self._crew is not None:
            self._crew.destroy()
            self._crew = None
        shutil.rmtree(self._engine.folder / self.job.name, ignore_errors=True)

    # --- what others see ---

    def _enter(self, secondary: Secondary) -> None:
        with self.job.lock:
            self.job.timeline.enter(secondary, time.time())
        self._tell()
        if self.job.timeline.status.is_final:
            self.job.ended.set()

    def _say(self, message: str) -> None:
        with self.job.lock:
            self.job.timeline.say(message)

    def _tell(self) -> None:
        try:
            facade.put_event("aws.sagemaker", EVENT, self.job.event_detail(), [self.job.arn])
        except Exception:  # noqa: BLE001 - a target that fails must not hold up the job
            _log.exception("the event of training job %s", self.job.name)

    def kill(self) -> None:
        """End the processes at once; the account goes down."""
        self.bell.ask(Asked.SHUTDOWN)
        crew = self._crew
        if crew:
            crew.kill()


class Engine:
    """All jobs of the account; one object a server.

    Args:
        folder: where hosts get their folders.
        registry: the folders that were pushed as images.
        images: more images by URI (the server's configuration).
        interruptions: the spot interruptions that each job is to meet.
    """

    def __init__(
        self,
        folder: Path,
        registry: FolderRegistry,
        images: Mapping[str, str],
        interruptions: Sequence[SpotInterruption],
    ) -> None:
        self.folder, self._registry, self._images = folder, registry, images
        self.interruptions = interruptions
        self.credentials = CredentialsServer(_session_credentials)
        self._runs: dict[str, JobRun] = {}
        self._lock = threading.Lock()

    def create(self, request: Mapping[str, Any], arn: str) -> TrainingJob:
        """Check the request as CreateTrainingJob does; `begin` starts the job.

        Raises:
            InvalidRequest: there is no job.
        """
        validation.check(request)
        rights.check_role(request["RoleArn"])
        for channel in request.get("InputDataConfig", ()):
            rights.check_input(request["RoleArn"], channel["DataSource"]["S3DataSource"]["S3Uri"])
        return TrainingJob(request, arn, tags=[dict(tag) for tag in request.get("Tags", ())])

    def begin(self, job: TrainingJob) -> None:
        """Start a job that was created and that the API knows by now."""
        run = JobRun(job, self)
        with self._lock:
            self._runs[job.name] = run
        run.start()

    def stop(self, job: TrainingJob) -> None:
        """StopTrainingJob: Stopping from now on, whatever the job is doing.

        Raises:
            InvalidRequest: the job has ended already.
        """
        with self._lock:
            run = self._runs.get(job.name)
        if run is None or job.timeline.status.is_final:
            raise validation.InvalidRequest(
                f"The request was rejected because the training job is in status {job.timeline.status}."
            )
        run.bell.ask(Asked.STOP)

    def forget(self, run: JobRun) -> None:
        """The job has ended."""
        with self._lock:
            self._runs.pop(run.job.name, None)

    def pull(self, job: TrainingJob) -> Image:
        """The image of the job, after the checks that ECR makes of the execution role.

        Raises:
            ClientFault: AWS's one sentence for an image that is not there or that the role may not pull.
            ImageError: the folder behind the image cannot be run.
        """
        uri = job.request["AlgorithmSpecification"]["TrainingImage"]
        reference = parse_reference(uri)
        if reference:
            rights.check_pull(job.role, reference)
        try:
            if uri in self._images:
                return read_image(Path(self._images[uri]))
            image = self._registry.read(reference, job.role) if reference else None
        except ImageError as error:
            raise ImageError(f"ClientError: The rehearsal cannot run image {uri}: {error}") from error
        if image is None:
            raise ClientFault(rights.PULL_FAILED)
        return image

    def shut_down(self) -> None:
        """End every job and every process of theirs."""
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.kill()
        deadline = time.monotonic() + 1.5
        for run in runs:
            run.job.ended.wait(timeout=max(0.0, deadline - time.monotonic()))
        self.credentials.stop()


def _session_credentials(role: str) -> dict[str, str]:
    return facade.credentials(role, rights.SERVICE, rights.SESSION)


@functools.cache
def engine() -> Engine:
    """The engine of this process's account, made when it is first needed."""
    config = facade.config()
    interruptions = parse_faults(config.faults).spot_interruptions
    made = Engine(facade.root() / "hosts", FolderRegistry(facade.root() / "images"), config.images, interruptions)
    facade.on_stop(made.shut_down)
    return made


def _allow_many_files() -> None:
    """A running job holds half a dozen descriptors; the usual soft limit of 1,024 would end at two hundred jobs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(65536, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def prepare() -> None:
    """Find out how hosts are kept apart here, and say what that loses, before the first job."""
    _allow_many_files()
    facade.set_namespaces(isolation().namespaces)
    for sentence in isolation().lost:
        facade.lose_guarantee(sentence)
    engine()
