"""The stand-ins' table of registries against the data of AWS's SDK v3."""

import importlib.util
import os
from pathlib import Path

import pytest

from trainwright.rehearsal.jobs.standins import registries

pytestmark = pytest.mark.more
ROOT = Path(__file__).parents[2]


def test_the_table_is_what_the_tool_makes_of_the_sdk_v3() -> None:
    sdk = Path(os.environ.get("TRAINWRIGHT_SDK_V3") or ROOT / ".sdk" / "v3")
    if not sdk.is_dir():
        pytest.skip("no SDK v3: see tools/requirements-sdk-v3.txt")
    spec = importlib.util.spec_from_file_location("make_standin_table", ROOT / "tools" / "make_standin_table.py")
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    (packages,) = sdk.glob("lib/python3*/site-packages")
    assert tool.text(packages) == registries._TABLE.read_text(encoding="utf-8"), "run tools/make_standin_table.py"
