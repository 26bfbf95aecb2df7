"""The account's process: ``python -m trainwright.rehearsal.server --config FILE``.

Prints one line of JSON when it answers, keeps everything else in ``<root>/account.log``, and takes every child with it
when it is told to stop (SIGTERM, SIGINT) or when the process that started it is gone (its standard input closes).
Exit codes: 0 stopped as asked, 2 a configuration that cannot be read, 3 the port is taken, 4 another moto.
"""

from __future__ import annotations

import argparse
import functools
import gc
import json
import logging
import os
import signal
import socket
import stat
import sys
import threading
from pathlib import Path
from typing import Any

from trainwright.rehearsal import clock
from trainwright.rehearsal.clock import starting
from trainwright.rehearsal.config import Config
from trainwright.rehearsal.faults import FaultsError, parse_faults
from trainwright.rehearsal.jobs import mount_namespace

log = logging.getLogger("trainwright.rehearsal")

EXIT_BAD_CONFIG = 2
EXIT_PORT_TAKEN = 3
EXIT_OTHER_MOTO = 4


class Refused(Exception):
    """The account cannot start, and why."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def main(argv: list[str] | None = None) -> int:
    """Run the account until it is told to stop; returns the exit code."""
    stop = threading.Event()
    _stop_on_signals(stop)
    try:
        config = read_config(_arguments(argv).config)
        if parse_faults(config.faults).clock.jump and argv is None:
            starting.fix_hashes()
        listener = bind(config.port)
        ready = start(config, listener)
    except Refused as refused:
        print(refused, file=sys.stderr)  # noqa: T201
        return refused.exit_code
    _announce(ready)
    _watch_parent(stop)
    stop.wait()
    return _shut_down()


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trainwright.rehearsal.server", description="The embedded account.")
    parser.add_argument(
        "--config", type=Path, required=True, help="JSON: port, region, account_id, root, python, faults"
    )
    return parser.parse_args(argv)


def read_config(path: Path) -> Config:
    """Read the configuration file.

    Raises:
        Refused: it is missing, is not a JSON object, or has a key that means nothing here.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{path}: the account's configuration cannot be read: {error}", EXIT_BAD_CONFIG) from error
    allowed = set(Config.__dataclass_fields__)
    if not isinstance(values, dict) or set(values) - allowed or "root" not in values:
        raise Refused(f"{path}: needs an object with root and, if wished, {sorted(allowed)}", EXIT_BAD_CONFIG)
    _check_faults(path, values.get("faults", {}))
    return Config(**{**values, "root": Path(values["root"]).absolute()})


def _check_faults(path: Path, faults: dict[str, Any]) -> None:
    try:
        parse_faults(faults)
    except FaultsError as error:
        raise Refused(f"{path}: the faults cannot be used:\n{error}", EXIT_BAD_CONFIG) from error


def bind(port: int) -> socket.socket:
    """Take the port (0: any free one) on the loopback address.

    Raises:
        Refused: somebody else has it.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise Refused(f"port {port} cannot be used: {error.strerror}; choose another or 0", EXIT_PORT_TAKEN) from error
    listener.listen(512)
    return listener


def start(config: Config, listener: socket.socket) -> dict[str, Any]:
    """Mend moto, serve, start the engines; returns what the ready line says."""
    config.root.mkdir(parents=True, exist_ok=True)
    _log_to(config.root / "account.log")
    _settings(config, listener.getsockname()[1])
    _share_botocore_data()
    faults = parse_faults(config.faults)
    needs_disks = faults.full_disks and faults.fake_jobs is None
    has_disks = not needs_disks or mount_namespace.take()  # before there is any thread
    starting.start(speed=faults.clock.speed, jump=faults.clock.jump, seed=faults.seed)
    from trainwright.rehearsal import facade, lightly  # noqa: PLC0415  (moto reads its settings when it is imported)

    facade.configure(config)
    if not has_disks:
        facade.lose_guarantee(mount_namespace.LOST)
    facade.set_endpoint(f"http://localhost:{listener.getsockname()[1]}")
    lightly.import_lightly()
    _mend()
    _serve(listener)
    _bootstrap()
    facade.run_start_callbacks()
    _collect_rarely()
    return {
        "endpoint": facade.endpoint(),
        "region": config.region,
        "account_id": config.account_id,
        "namespaces": facade.namespaces(),
        "lost_guarantees": facade.lost_guarantees(),
    }


def _collect_rarely() -> None:
    """What is loaded by now stays to the end: looking through it for garbage again and again costs a fifth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _log_to(path: Path) -> None:
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Flask's application is called "moto": at WARNING its tracebacks still come through.
    for name in ("werkzeug", "moto", "botocore", "urllib3", "boto3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


def _settings(config: Config, port: int) -> None:
    """What moto reads from its environment; the host's own AWS settings must not leak into the account."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "MOTO_", "S3_"))]:
        del os.environ[name]
    os.environ.update(
        MOTO_PORT=str(port),
        MOTO_ACCOUNT_ID=config.account_id,
        MOTO_DISABLE_GLOBAL_CORS="true",
        MOTO_IAM_LOAD_MANAGED_POLICIES="true",
        MOTO_ENABLE_ISO_REGIONS="false",
        AWS_EC2_METADATA_DISABLED="true",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        NO_PROXY="localhost,127.0.0.1",
        no_proxy="localhost,127.0.0.1",
    )


def _share_botocore_data() -> None:
    """Read botocore's data files once: moto opens half a dozen sessions, and each would parse endpoints.json again."""
    from botocore import loaders  # noqa: PLC0415

    loaders.create_loader = functools.cache(loaders.create_loader)


def _mend() -> None:
    from trainwright.rehearsal import mends  # noqa: PLC0415

    try:
        mends.apply_all()
    except mends.MendMismatch as mismatch:
        raise Refused(str(mismatch), EXIT_OTHER_MOTO) from mismatch


def _serve(listener: socket.socket) -> None:
    from trainwright.rehearsal import account  # noqa: PLC0415

    server = account.http_server(listener)
    threading.Thread(target=server.serve_forever, name="http", daemon=True).start()


def _bootstrap() -> None:
    from trainwright.rehearsal.bootstrap import bootstrap  # noqa: PLC0415

    bootstrap()


def _announce(ready: dict[str, Any]) -> None:
    """Print the ready line; whatever is printed later, by anyone, goes to the log."""
    print(json.dumps(ready), flush=True)  # noqa: T201
    log_file = os.open(Path(logging.getLogger().handlers[0].baseFilename), os.O_WRONLY | os.O_APPEND)  # type: ignore[attr-defined]
    os.dup2(log_file, 1)
    os.dup2(log_file, 2)


def _stop_on_signals(stop: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())


def _watch_parent(stop: threading.Event) -> None:
    """Stop when the pipe on standard input closes; a terminal or /dev/null there says nothing about a parent."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def wait() -> None:
        while os.read(0, 4096):
            pass
        stop.set()

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _shut_down() -> int:
    from trainwright.rehearsal import facade  # noqa: PLC0415

    clock.current().stop()
    facade.run_stop_callbacks()
    logging.shutdown()
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # threads that still serve somebody must not keep the process
