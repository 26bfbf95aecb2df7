"""What a job leaves: /opt/ml/model and /opt/ml/output/data, packed and uploaded.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
"""

from __future__ import annotations

import tarfile
from collections.abc import Sequence
from pathlib import Path

from trainwright.rehearsal.jobs.s3 import Store, Uri
from trainwright.rehearsal.jobs.volumes import UPLOAD_FAILED, full_disk_fails

#: Text of the failure file that becomes part of FailureReason, and FailureReason's own limit in the API.
FAILURE_CHARACTERS = 1024


def upload(
    store: Store,
    target: Uri,
    folders: Sequence[Path],
    name: str,
    *,
    scratch: Path,
    compress: bool = True,
    kms_key: str | None = None,
) -> bool:
    """Pack all hosts' folders into ``<target>/<name>.tar.gz``, or with ``compress=False`` below ``<target>/<name>/``.

    Returns whether there was anything; an empty folder leaves no object.

    Raises:
        ClientFault: "Artifact upload failed".
    """
    files = {str(path.relative_to(folder)): path for folder in folders for path in _files(folder)}
    if not files:
        return False
    if not compress:
        for relative, path in sorted(files.items()):
            with path.open("rb") as file:
                store.upload(file, target.below(name).below(relative), kms_key=kms_key)
        return True
    archive = scratch / f"{name}.tar.gz"
    with full_disk_fails(UPLOAD_FAILED), tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for relative, path in sorted(files.items()):
            tar.add(path, relative, recursive=False)
    with archive.open("rb") as file:
        store.upload(file, target.below(archive.name), kms_key=kms_key)
    return True


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() or path.is_symlink()]


def failure_reason(failures: Sequence[Path], exit_code: int, client_error: int | None = None) -> str:
    """``AlgorithmError: <failure file>, exit code: N``; without a failure file the text between is empty.

    Recorded in that form: "AlgorithmError: , exit code: 1". The API's limit for FailureReason is 1,024 characters. Of
    several hosts the one that wrote first is heard: the others fail because it is gone. An image of AWS's whose exit
    code is ``client_error`` fails with ClientError in place of AlgorithmError (kubeflow/pipelines, issue 1370); in its
    failure file stands "Customer Error: " (aws/sagemaker-rl-container, exceptions.py).
    """
    written = sorted((path for path in failures if path.is_file()), key=lambda path: path.stat().st_mtime_ns)
    texts = (path.read_text(errors="replace").strip() for path in written)
    text = next(filter(None, texts), "")
    is_clients = exit_code == client_error
    begin, end = "ClientError: " if is_clients else "AlgorithmError: ", f", exit code: {exit_code}"
    text = text.removeprefix("Customer Error: ") if is_clients else text
    return f"{begin}{text[: FAILURE_CHARACTERS - len(begin) - len(end)]}{end}"
