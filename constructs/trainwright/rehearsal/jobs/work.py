"""What a job does with its instances: hosts with processes, from the download to the upload."""

from __future__ import annotations

import functools
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from trainwright.rehearsal import facade, faults
from trainwright.rehearsal.jobs import artifacts, channels, container, fastfile, pools, rights, volumes
from trainwright.rehearsal.jobs.checkpoints import Progress, Synchroniser
from trainwright.rehearsal.jobs.credentials import CredentialsServer
from trainwright.rehearsal.jobs.fastfile.filesystem import FileSystem
from trainwright.rehearsal.jobs.host import Host, isolation
from trainwright.rehearsal.jobs.images import Image
from trainwright.rehearsal.jobs.instances import HostSpec
from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.logs import LogStream
from trainwright.rehearsal.jobs.network import Network, open_network, outside_ports, shared
from trainwright.rehearsal.jobs.pipes import Pipe, lay_pipes
from trainwright.rehearsal.jobs.profiler import service as profiler
from trainwright.rehearsal.jobs.s3 import Store, Uri
from trainwright.rehearsal.jobs.statuses import DOWNLOADING_IMAGE
from trainwright.rehearsal.jobs.strikes import Strike, Strikes
from trainwright.rehearsal.jobs.supervision import Bell, Limits, Outcome, Supervision


class Work(Protocol):
    """What `JobRun` lets a job do; each stretch is prepare, train and, at its end, upload or discard."""

    def prepare(self) -> None:
        """Download, while the job's status says so.

        Raises:
            ClientFault, ImageError: the job fails with that.
        """

    def train(self, strikes: Strikes, limits: Limits, on_stopping: Callable[[], None]) -> Outcome:
        """Train until the processes end, a limit is reached, somebody asks for it, or a fault strikes."""

    def fault(self) -> Exception | None:
        """What broke beside the processes while they trained; the job fails with it."""

    def failure(self, exit_code: int) -> str:
        """The FailureReason of processes that ended so."""

    def upload(self) -> None:
        """Put model and output into S3.

        Raises:
            ClientFault: the job fails with that.
        """

    def discard(self) -> None:
        """Nothing of this stretch stays; harmless when there is none."""

    def kill(self) -> None:
        """End the processes at once; the account goes down."""


@dataclass(frozen=True)
class Site:
    """What the engine has for all jobs.

    Args:
        folder: where hosts get their folders.
        credentials: the server that gives containers their role's credentials.
        pull: finds what runs for a job's image.
    """

    folder: Path
    credentials: CredentialsServer
    pull: Callable[[TrainingJob], Image]


@dataclass
class Crew:
    """The hosts of one stretch between two interruptions, with what belongs to each."""

    hosts: list[Host]
    image: Image
    logs: list[LogStream] = field(default_factory=list)
    synchronisers: list[Synchroniser] = field(default_factory=list)
    side_outputs: list[Synchroniser] = field(default_factory=list)
    pipes: list[Pipe] = field(default_factory=list)
    network: Network | None = None

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
        if self.network is not None:
            self.network.close()


class RealWork:
    """Processes of this machine.

    Args:
        job: what is asked for.
        site: what the engine has.
        bell: rung when a supervision is to look.
        say: changes the status message.
        cache: the warm pool's folder of cache folders by host, for a job that keeps its instances; else None.
    """

    def __init__(
        self, job: TrainingJob, site: Site, bell: Bell, say: Callable[[str], None], cache: Path | None
    ) -> None:
        self._job, self._site, self._bell, self._say, self._cache = job, site, bell, say, cache
        self._rounds = 0
        self._last_stream = 0
        self._crew: Crew | None = None

    @property
    def _there(self) -> Crew:
        assert self._crew is not None  # noqa: S101 - prepare() is always first
        return self._crew

    # --- Downloading ---

    def prepare(self) -> None:
        """Make the hosts, bring the input, the checkpoints and the image."""
        self._rounds += 1
        request = self._job.request
        volume_key = request["ResourceConfig"].get("VolumeKmsKeyId")
        if volume_key:
            rights.check_key(self._job.role, volume_key, "kms:CreateGrant", "ClientError: ")
        store = rights.store(self._job.role)
        folder = self._site.folder / self._job.name / str(self._rounds)
        crew = self._crew = Crew([self._host(folder / name, name) for name in self._job.host_names], Image(folder))
        self._fill(crew, store, request)

    def _host(self, folder: Path, name: str) -> Host:
        full = volumes.meant(faults.for_job(self._job.facts[self._job.preference]).full_disks, name)
        host = Host(folder, name, isolation(), free_bytes=volumes.free_bytes(full))
        for fault in full:
            faults.note(fault, f"training-job/{self._job.name}/{name}")
        return host

    def _fill(self, crew: Crew, store: Store, request: Mapping[str, Any]) -> None:
        config = request.get("CheckpointConfig")
        path = container.checkpoint_path(request) if config else None
        for host, spec in zip(crew.hosts, self._job.hosts, strict=True):
            container.write_config(host.ml, self._job, host.name, path)
            self._bring_input(crew, store, host, spec)
            if config and path:
                synchroniser = Synchroniser(store, Uri.parse(config["S3Uri"]), host.path(path), self._bell.ring)
                crew.synchronisers.append(synchroniser)
                synchroniser.restore()
            for folder, uri in container.side_outputs(self._job).items():
                uploader = Synchroniser(store, uri, host.path(folder), self._bell.ring, marks=False)
                crew.side_outputs.append(uploader)
            self._bring_cache(host)
        self._say(DOWNLOADING_IMAGE)
        crew.image = self._site.pull(self._job)
        crew.network = self._network()
        for host in crew.hosts:
            host.place = crew.network.place(host.name)
            host.install(crew.image, facade.config().python, self._job.host_names)
            host.limit_disk()

    def _network(self) -> Network:
        """The hosts' network, made when all else is there."""
        names, request = self._job.host_names, self._job.request
        if len(names) == 1 or not isolation().has_networks:
            return shared(names)
        account = (urlsplit(facade.endpoint()).port or 80, self._site.credentials.port)
        outside = outside_ports(request.get("Environment", {}).values())
        isolated = bool(request.get("EnableNetworkIsolation"))
        return open_network(names, isolated=isolated, account=account, outside=outside)

    def _bring_input(self, crew: Crew, store: Store, host: Host, spec: HostSpec) -> None:
        mode, data = self._job.input_mode, host.ml / "input" / "data"
        room = volumes.room(spec.instance_type, self._job.request["ResourceConfig"].get("VolumeSizeInGB"))
        lazy = isolation().is_lazy
        mounted: dict[str, FileSystem] = {}
        for wanted, at, hosts in channels.portions(self._job.channels, self._job.hosts, spec):
            channels.download(store, wanted, data, mode=mode, host=at, hosts=hosts, room=room, is_lazy=lazy)
            if lazy:
                mounted |= fastfile.file_systems(store, wanted, mode=mode, host=at, hosts=hosts)
            crew.pipes += lay_pipes(store, wanted, data, mode=mode, host=at, hosts=hosts, on_fault=crew.kill)
        host.mount(mounted)

    # --- Training ---

    def train(self, strikes: Strikes, limits: Limits, on_stopping: Callable[[], None]) -> Outcome:
        """Start the hosts and watch them."""
        crew = self._there
        isolated = bool(self._job.request.get("EnableNetworkIsolation"))
        address = None if isolated else self._site.credentials.open(self._job.role)
        try:
            self._start_hosts(crew, address, network=not isolated)
            with profiler.watch(self._job, crew.hosts, self._bell):
                return self._supervise(crew, strikes, limits, on_stopping)
        finally:
            if address:
                self._site.credentials.close(address)

    def _start_hosts(self, crew: Crew, address: str | None, *, network: bool) -> None:
        algorithm = self._job.request["AlgorithmSpecification"]
        argv = crew.image.argv(algorithm.get("ContainerEntrypoint"), algorithm.get("ContainerArguments"))
        variables = container.environment(self._job, facade.region(), facade.endpoint(), address)
        stamp = self._last_stream = max(int(time.time()), self._last_stream + 1)
        for host, spec in zip(crew.hosts, self._job.hosts, strict=True):
            read_only = channels.read_only(channels.of_host(self._job.channels, spec), self._job.input_mode)
            stream = f"{self._job.name}/{host.name}-{stamp}"
            crew.logs.append(LogStream(stream, rights.log_put(self._job.role, stream), self._job.metrics))
            host.start(crew.image, argv, variables, network=network, read_only=read_only)
        for synchroniser in (*crew.synchronisers, *crew.side_outputs):
            synchroniser.start()
        for pipe in crew.pipes:
            pipe.start()

    def _supervise(self, crew: Crew, strikes: Strikes, limits: Limits, on_stopping: Callable[[], None]) -> Outcome:
        supervision = Supervision(
            hosts=list(zip(crew.hosts, crew.logs, strict=True)),
            bell=self._bell,
            limits=limits,
            strike_due=functools.partial(self._due, crew, strikes),
            on_stopping=on_stopping,
        )
        outcome = supervision.run()
        crew.stop_feeding()
        crew.stop_synchronising(finish=outcome.strike is None or outcome.strike.grace)
        return outcome

    @staticmethod
    def _due(crew: Crew, strikes: Strikes) -> Strike | float | None:
        return strikes.due(crew.progress, time.time())

    # --- the end ---

    def fault(self) -> Exception | None:
        """Input that could not be sent to its end."""
        return self._there.input_fault

    def failure(self, exit_code: int) -> str:
        """What the hosts' failure files say."""
        failures = [host.ml / "output" / "failure" for host in self._there.hosts]
        return artifacts.failure_reason(failures, exit_code, self._there.image.client_error)

    def upload(self) -> None:
        """Model and output, after the checkpoints, which may have failed already."""
        crew = self._there
        for synchroniser in (*crew.synchronisers, *crew.side_outputs):
            if synchroniser.fault:
                raise synchroniser.fault
        store, target = rights.store(self._job.role), self._job.output
        key = self._job.request["OutputDataConfig"].get("KmsKeyId")
        if key:
            failed = f"ClientError: Artifact upload failed:Unable to upload file to {target} "
            rights.check_key(self._job.role, key, "kms:GenerateDataKey", failed)
        scratch = crew.hosts[0].scratch
        for name, inside, compress in (("model", "model", self._job.compresses_model), ("output", "output/data", True)):
            folders = [host.ml / inside for host in crew.hosts]
            artifacts.upload(store, target, folders, name, scratch=scratch, compress=compress, kms_key=key)

    def discard(self) -> None:
        """The hosts go; what a warm pool keeps of them is moved out first."""
        if self._crew is not None:
            self._keep_cache(self._crew)
            self._crew.destroy()
            self._crew = None
        shutil.rmtree(self._site.folder / self._job.name, ignore_errors=True)

    def kill(self) -> None:
        """End the processes at once."""
        crew = self._crew
        if crew:
            crew.kill()

    # --- the warm pool's persistent cache ---

    def _bring_cache(self, host: Host) -> None:
        if self._cache is None:
            return
        target, kept = host.path(pools.CACHE), self._cache / host.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if kept.is_dir():
            shutil.move(kept, target)
        else:
            target.mkdir(exist_ok=True)

    def _keep_cache(self, crew: Crew) -> None:
        if self._cache is None:
            return
        for host in crew.hosts:
            host.end()
            source = host.path(pools.CACHE)
            if source.is_dir():
                self._cache.mkdir(parents=True, exist_ok=True)
                shutil.rmtree(self._cache / host.name, ignore_errors=True)
                shutil.move(source, self._cache / host.name)
