"""All training jobs of the account: who gets instances, what runs for an image, who is stopped."""

from __future__ import annotations

import functools
import resource
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from trainwright.rehearsal import clock, facade, faults
from trainwright.rehearsal.faults import Faults, JobFaults
from trainwright.rehearsal.jobs import capacity, given_images, pools, rights, standins, updates, validation
from trainwright.rehearsal.jobs.capacity import Fleet
from trainwright.rehearsal.jobs.credentials import CredentialsServer
from trainwright.rehearsal.jobs.fake import FakeWork
from trainwright.rehearsal.jobs.host import isolation
from trainwright.rehearsal.jobs.images import Image, ImageError, Reference, parse_reference, read_image
from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.profiler import service as profiler
from trainwright.rehearsal.jobs.registry import FolderRegistry
from trainwright.rehearsal.jobs.run import JobRun
from trainwright.rehearsal.jobs.s3 import ClientFault
from trainwright.rehearsal.jobs.statuses import Secondary
from trainwright.rehearsal.jobs.supervision import Asked, Bell
from trainwright.rehearsal.jobs.work import RealWork, Site, Work


class Engine:
    """All jobs of the account; one object a server.

    Args:
        folder: where hosts get their folders.
        registry: the folders that were pushed as images.
        images: more images by URI (the server's configuration).
        given: the faults file, which says what instances there are as well.
    """

    def __init__(self, folder: Path, registry: FolderRegistry, images: Mapping[str, str], given: Faults) -> None:
        self.folder, self._registry, self._images, self._given = folder, registry, images, given
        self.credentials = CredentialsServer(_session_credentials)
        self.fleet = Fleet(given)
        self.pools = pools.Pools(self.fleet.keep_warm, self.fleet.release)
        self._runs: dict[str, JobRun] = {}
        self._on_pools: dict[str, pools.Pool] = {}
        self._first_asked: float | None = None
        self._lock = threading.Lock()

    # --- what the API asks for ---

    def create(self, request: Mapping[str, Any], arn: str) -> TrainingJob:
        """Check the request as CreateTrainingJob does; `reserve` gives the job its instances, `begin` starts it.

        Raises:
            InvalidRequest: there is no job.
        """
        validation.check(request)
        rights.check_role(request["RoleArn"])
        for channel in request.get("InputDataConfig", ()):
            rights.check_input(request["RoleArn"], channel["DataSource"]["S3DataSource"]["S3Uri"])
        return TrainingJob(
            request,
            arn,
            created=clock.time(),
            tags=[dict(tag) for tag in request.get("Tags", ())],
            warm_pool=lambda: self.pools.status(str(request["TrainingJobName"]), clock.time()),
        )

    def reserve(self, job: TrainingJob) -> None:
        """Instances of a warm pool that matches, else new ones of the quota; for a job whose name is its own.

        Raises:
            InvalidRequest: the quota has no room.
        """
        now, busy = clock.time(), faults.for_job(job.facts[0]).busy_quotas
        with self._lock:
            self._first_asked = self._first_asked or now
            pool = None if job.is_spot else self.pools.take(job.name, job.request, now)
            if pool:
                self.fleet.move(pool.job, job.name)
                self._on_pools[job.name] = pool
            else:
                self.fleet.take(job.name, job.demand, spot=job.is_spot, busy=busy, now=now - self._first_asked)

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

    def update(self, job: TrainingJob, asked: Mapping[str, Any]) -> None:
        """UpdateTrainingJob.

        Raises:
            InvalidRequest: what is asked for cannot be changed now.
        """
        updates.apply(job, asked, self.pools, clock.time())
        profiler.update(job)

    def check_deletable(self, job: TrainingJob) -> None:
        """DeleteTrainingJob.

        Raises:
            InvalidRequest: the job has not ended, or its warm pool is Available: "must be Terminated or Reused first"
                (https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html); the words are ours.
        """
        if not job.timeline.status.is_final:
            raise validation.InvalidRequest(f"The training job is in status {job.timeline.status}; stop it first.")
        if (job.warm_pool() or {}).get("Status") == pools.PoolStatus.AVAILABLE:
            raise validation.InvalidRequest("The training job has an available warm pool; end it first.")

    def forget(self, run: JobRun) -> None:
        """The job has ended."""
        with self._lock:
            self._runs.pop(run.job.name, None)

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

    # --- what a job on its way asks for ---

    def work_for(self, job: TrainingJob, bell: Bell, say: Callable[[str], None]) -> Work:
        """Processes, or what the faults file has in their place."""
        fake = faults.fake_job(self._given, job.facts[0])
        if fake is not None:
            return FakeWork(job, self.pull, bell, say, fake)
        return RealWork(job, Site(self.folder, self.credentials, self.pull), bell, say, self._cache_of(job))

    def _cache_of(self, job: TrainingJob) -> Path | None:
        """Where a warm pool's cache lies between its jobs; None: the job neither found nor leaves a pool."""
        pool = self._on_pools.get(job.name)
        if pool:
            return pool.cache
        return self.folder / f"{job.name}.warm" if pools.keep_alive(job.request) else None

    def reuses_pool(self, job: TrainingJob) -> bool:
        """Whether the job has the instances of a warm pool, which are there already; begins the job's own pool."""
        taken = self._on_pools.get(job.name)
        return taken is not None and not job.timeline.has_run

    def start_seconds(self, job: TrainingJob, struck: JobFaults) -> float:
        """How long new instances take to come."""
        for fault in struck.slow_starts:
            faults.note(fault, f"training-job/{job.name}")
        return self.fleet.start_seconds(job.instances[0]) + capacity.slower(struck.slow_starts)

    def missing_seconds(self, job: TrainingJob) -> float:
        """How long the job will still wait for its instances; 0: it has them, of InstancePreferences the first that is
        there ("in priority order", API reference, ResourceConfig)."""
        now = clock.time() - (self._first_asked or 0.0)
        left = []
        for number, facts in enumerate(job.facts):
            struck = [fault for fault in faults.for_job(facts).missing_capacity if fault.is_missing(now)]
            if not struck:
                job.preference = number
                return 0.0
            for fault in struck:
                faults.note(fault, f"training-job/{job.name}")
            left.append(capacity.missing_seconds(struck, now))
        return min(left)

    def has_instances(self, job: TrainingJob) -> None:
        """The instances are there: from now on they may become a warm pool."""
        cache = self._cache_of(job)
        if pools.keep_alive(job.request) and cache:
            taken = self._on_pools.get(job.name)
            self.pools.begin(job.name, job.request, clock.time(), cache=cache, taken=taken)

    def give_up_instances(self, job: TrainingJob, end: Secondary, reason: str | None) -> None:
        """The job ends: a warm pool keeps its instances, or they go."""
        kept = job.timeline.has_run and capacity.is_healthy(end, reason) and self.pools.leave(job.name, clock.time())
        if kept:
            return
        self.pools.forget(job.name)
        self.fleet.release(job.name)
        cache = self._cache_of(job)
        if cache:
            shutil.rmtree(cache, ignore_errors=True)

    def pull(self, job: TrainingJob) -> Image:
        """The image of the job, after the checks that ECR makes of the execution role.

        Raises:
            ClientFault: AWS's one sentence for an image that is not there or that the role may not pull.
            ImageError: the folder behind the image cannot be run.
        """
        uri = job.request["AlgorithmSpecification"]["TrainingImage"]
        reference = parse_reference(uri)
        if reference and not standins.is_pulled_by_sagemaker(uri, facade.account_id(), facade.region()):
            rights.check_pull(job.role, reference)
        try:
            image = self._find(uri, reference, job.role)
        except ImageError as error:
            raise ImageError(f"ClientError: The rehearsal cannot run image {uri}: {error}") from error
        if image is None:
            raise ClientFault(rights.PULL_FAILED)
        return image

    def _find(self, uri: str, reference: Reference | None, role: str) -> Image | None:
        if uri in self._images:
            return standins.inherit(read_image(Path(self._images[uri])))
        pushed = self._registry.read(reference, role) if reference else None
        return standins.inherit(pushed) if pushed else standins.find(uri, facade.account_id(), facade.region())


def _session_credentials(role: str) -> dict[str, str]:
    return facade.credentials(role, rights.SERVICE, rights.SESSION)


@functools.cache
def engine() -> Engine:
    """The engine of this process's account, made when it is first needed."""
    images = given_images.by_digest(facade.config().images)
    made = Engine(facade.root() / "hosts", FolderRegistry(facade.root() / "images"), images, faults.active())
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
