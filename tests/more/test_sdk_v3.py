"""The SDK v3 itself, with HTTP cut off, beside `render_trainer`: every request field by field, every refusal too.

`TRAINWRIGHT_SDK_V3_RECORD=1` writes what the SDK did with the written cases (and some random ones) into
tests/sdk/v3/cases.json, which tests/sdk/test_trainer.py reads without the SDK.
"""

import json
import os
import runpy
import subprocess
from pathlib import Path

import pytest

from trainwright.cli.sdk import SdkRefusal
from trainwright.cli.sdk.trainer import render_trainer

pytestmark = pytest.mark.more

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "sdk" / "v3"
CASES = runpy.run_path(str(HERE / "cases.py"))
RECORDED = ROOT / "tests" / "sdk" / "v3" / "cases.json"
RANDOM = int(os.environ.get("TRAINWRIGHT_SDK_CASES", "60"))
RECORDED_RANDOM = 60
SEED = 20260101


def interpreter():
    python = Path(os.environ.get("TRAINWRIGHT_SDK_V3", ROOT / ".sdk" / "v3" / "bin" / "python"))
    if not python.is_file():
        pytest.skip(
            f"there is no SDK v3 at {python}: make an environment from tools/requirements-sdk-v3.txt and name its"
            " python in TRAINWRIGHT_SDK_V3"
        )
    return python


def sent_by_the_sdk(documents):
    result = subprocess.run(
        [interpreter(), HERE / "sender.py"], input=json.dumps(documents), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout)


def rendered(document):
    try:
        return render_trainer(document).request
    except SdkRefusal:
        return None


@pytest.fixture(scope="module")
def compared():
    documents = [*CASES["written"](), *CASES["generated"](RANDOM, SEED)]
    return list(zip(documents, sent_by_the_sdk(documents), strict=True))


@pytest.mark.timeout(900)
def test_every_case_is_what_the_sdk_does(compared):
    different = {
        document["case"]: {"sdk": sdk, "here": here}
        for document, sdk in compared
        if (here := rendered(document)) != sdk.get("request")
    }
    print(f"{len(compared)} cases, {sum('error' in sdk for _, sdk in compared)} of them refused by the SDK")
    assert different == {}
    if os.environ.get("TRAINWRIGHT_SDK_V3_RECORD"):
        record(compared[: len(CASES["written"]()) + RECORDED_RANDOM])


def record(compared):
    lines = (json.dumps(document | sdk, ensure_ascii=False) for document, sdk in compared)
    RECORDED.write_text("[\n" + ",\n".join(lines) + "\n]\n")


@pytest.mark.timeout(300)
def test_what_is_recorded_is_what_the_sdk_does_today():
    recorded = [entry for entry in json.loads(RECORDED.read_text()) if "request" in entry][::10]
    answers = sent_by_the_sdk(recorded)
    assert [answer.get("request") for answer in answers] == [entry["request"] for entry in recorded]


def test_the_recordings_that_came_from_elsewhere_are_what_the_sdk_does():
    recordings = [json.loads(file.read_text()) for file in sorted((RECORDED.parent / "recordings").glob("*.json"))]
    answers = sent_by_the_sdk(recordings)
    assert [answer.get("request") for answer in answers] == [entry["request"] for entry in recordings]
