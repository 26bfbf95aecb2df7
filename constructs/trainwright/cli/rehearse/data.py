"""What goes into the data bucket before a run: the sample's digits, or the user's own files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainwright.cli.errors import BadInput

SCHEME = "data://"
_PUT = re.compile(r"data://(?P<prefix>[^=/][^=]*?)/?=(?P<folder>.+)")

# Prefixes of the sample's channels and the objects each is split into.
DIGITS = {"train": 4, "validation": 2}


@dataclass(frozen=True)
class Put:
    """A folder whose files become objects below a prefix of the data bucket."""

    prefix: str
    folder: Path

    def files(self) -> dict[str, Path]:
        """Every file, by the key it gets."""
        inside = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {f"{self.prefix}/{path.relative_to(self.folder).as_posix()}": path for path in inside}


def read_put(text: str) -> Put:
    """``data://sales/=./sample`` as a Put; BadInput says what is wrong with it."""
    match = _PUT.fullmatch(text)
    if not match:
        raise BadInput(f"--put {text}: write data://PREFIX/=FOLDER, for example data://sales/=./sample")
    folder = Path(match["folder"])
    if not folder.is_dir():
        raise BadInput(f"--put {text}: {folder} is not a folder")
    put = Put(match["prefix"], folder)
    if not put.files():
        raise BadInput(f"--put {text}: {folder} holds no files")
    return put


def empty_inputs(request: dict[str, Any], puts: list[Put]) -> list[tuple[str, str]]:
    """The channels, with their prefix in the data bucket, that no put fills: their job could only fail."""
    keys = [key for put in puts for key in put.files()]
    wanted = ((name, data_prefix(source)) for name, source in (request.get("inputs") or {}).items())
    return [(name, prefix) for name, prefix in wanted if prefix and not any(key.startswith(prefix) for key in keys)]


def data_prefix(source: Any) -> str | None:
    """The prefix in the data bucket that an input names; None for any other address."""
    address = source.get("s3_uri") if isinstance(source, dict) else source
    if not isinstance(address, str):
        return None
    if address.startswith(SCHEME):
        return address.removeprefix(SCHEME)
    return None if "://" in address else address


def write_digits(folder: Path) -> None:
    """scikit-learn's handwritten digits (1,797 images of 8 x 8) as CSV files: label and 64 grey values a line.

    One image in five, of every digit alike, is for validation; the split is always the same.
    """
    import numpy as np  # noqa: PLC0415 - a second to import, needed for the sample only
    from sklearn.datasets import load_digits  # noqa: PLC0415
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    images, labels = load_digits(return_X_y=True)
    rows = np.column_stack([labels, images]).astype(int)
    split = train_test_split(rows, test_size=0.2, random_state=0, stratify=labels)
    for (channel, parts), part_rows in zip(DIGITS.items(), split, strict=True):
        (folder / channel).mkdir(parents=True)
        for index, part in enumerate(np.array_split(part_rows, parts)):
            np.savetxt(folder / channel / f"part-{index}.csv", part, fmt="%d", delimiter=",")


def upload(client: Any, bucket: str, put: Put) -> int:
    """Upload every file; answers how many."""
    files = put.files()
    for key, path in files.items():
        client.upload_file(str(path), bucket, key)
    return len(files)
