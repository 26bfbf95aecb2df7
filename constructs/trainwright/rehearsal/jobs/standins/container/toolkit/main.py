"""The container's program ``train`` (trainer.py and entry_point.py of the toolkit)."""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import socket
import sys
import time
import traceback
from pathlib import Path

from . import launchers, process, source
from .algorithm_mode import train as train_algorithm
from .environment import BASE, Environment, log, read
from .errors import CalledProcessError, ClientError, OldCalledProcessError

FORMAT = "%(asctime)s %(name)-12s %(levelname)-8s %(message)s"
#: Whose containers show nothing of the script's errors in the failure (capture_error is False there).
_SILENT = ("sklearn", "xgboost")
_RESOLVED_SECONDS = 15 * 60.0


def main(framework: str, uri: str) -> int:
    """Train as the framework's container does; the exit code, which is 1 for a script that fails."""
    # a container's first process without a handler: whatever happens, the script does not hear SIGTERM
    signal.signal(signal.SIGTERM, lambda *_: None)
    environment: Environment | None = None
    try:
        environment = read()
        logging.basicConfig(format=FORMAT, level=environment.log_level, stream=sys.stderr)
        _introduce(framework, uri)
        _train(framework, environment)
    except ClientError as error:
        return _fail(str(error), 1)
    except Exception as error:  # noqa: BLE001 - the toolkit calls everything else a framework error
        begin = "framework error" if framework == "xgboost" else "Framework Error"
        return _fail(f"{begin}: \n{traceback.format_exc()}\n{error}", _exit_code(error))
    log.info("Reporting training SUCCESS")
    (environment.base / "output" / "success").touch()
    return 0


def _introduce(framework: str, uri: str) -> None:
    said = f"Stand-in for {uri}: the training toolkit's behaviour, on this machine's Python {sys.version.split()[0]}"
    log.warning("%s. %s and CUDA are what this machine has, not what the image has.", said, _TITLES[framework])
    log.info("Imported framework %s", os.environ.get("SAGEMAKER_TRAINING_MODULE", "").partition(":")[0])


_TITLES = {
    **{"pytorch": "PyTorch", "tensorflow": "TensorFlow", "mxnet": "MXNet"},
    **{"sklearn": "scikit-learn", "xgboost": "XGBoost"},
}


def _train(framework: str, environment: Environment) -> None:
    if framework == "xgboost" and environment.user_entry_point is None:
        log.info("Running XGBoost Sagemaker in algorithm mode")
        train_algorithm(environment)
        return
    log.info("Invoking user training script.")
    capture = framework not in _SILENT
    if environment.framework_parameters.get("sagemaker_toolkit_native_launcher_enabled"):
        capture = False
    source.fetch(environment)
    source.install(environment, source.check_name(environment.user_entry_point), capture=capture)
    _put_variables(framework, environment)
    _wait_for_hosts(environment)
    started = launchers.launch(framework, environment)
    _log_invocation(started.command, environment)
    if capture:
        _warn_of_shells(environment)
    error = OldCalledProcessError if framework == "xgboost" else CalledProcessError
    process.run(started.command, environment.code, capture=capture, per_host=started.per_host, error=error)


def _put_variables(framework: str, environment: Environment) -> None:
    own = {
        "SAGEMAKER_JOB_NAME": str(environment.hyperparameters.get("sagemaker_job_name", "")),
        "CURRENT_HOST": environment.current_host,
        "SAGEMAKER_REGION": str(environment.hyperparameters.get("sagemaker_region") or ""),
        "PYTHONPATH": ":".join(sys.path),
    }
    os.environ.update({**own, **environment.env_vars(), **launchers.variables(framework, environment)})


def _wait_for_hosts(environment: Environment) -> None:
    """Until every host's name resolves; where hosts have no names of their own (SAGEMAKER_BASE_DIR), not at all."""
    end = time.monotonic() + _RESOLVED_SECONDS
    for host in environment.hosts if BASE not in environment.variables else ():
        while not _resolves(host) and time.monotonic() < end:
            time.sleep(0.2)


def _resolves(host: str) -> bool:
    try:
        socket.gethostbyname(host)
    except OSError:
        return False
    return True


def _log_invocation(command: list[str], environment: Environment) -> None:
    variables = environment.env_vars()
    log.info(
        "Invoking user script\n\nTraining Env:\n\n%s\n\nEnvironment variables:\n\n%s\n\n"
        "Invoking script with the following command:\n\n%s\n\n",
        json.dumps(json.loads(variables["SM_TRAINING_ENV"]), indent=4),
        "\n".join(f"{name}={value}" for name, value in variables.items()),
        " ".join(command),
    )


def _warn_of_shells(environment: Environment) -> None:
    """The toolkit before 5.1.4 joins the words of the command line with blanks and gives them to a shell."""
    odd = [word for word in environment.cmd_args() if word and shlex.quote(word) != word]
    if odd:
        log.warning("Stand-in: an image whose sagemaker-training is older than 5.1.4 lets a shell read %s", odd)


def _fail(message: str, code: int) -> int:
    """Tell the log and, where the script has not done so itself, the failure file."""
    output = Path(os.environ.get(BASE, "/opt/ml")) / "output"
    failure = output / "failure"
    if failure.exists():
        log.info("Failure file exists. Skipping creation....")
    else:
        failure.write_text(message)
    log.error("Reporting training FAILURE")
    log.error(message)
    if code:
        log.error("Encountered exit_code %s", code)
    return code


def _exit_code(error: Exception) -> int:
    try:
        return int(getattr(error, "errno", None) or 1)
    except (TypeError, ValueError):
        return 1
