"""README shows the files that are there and an output that was really printed."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_snippets_are_the_files_they_name() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "readme.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_recorded_output_is_a_whole_rehearsals() -> None:
    text = (ROOT / "README.md").read_text()
    block = re.search(r"<!-- recorded: make rehearse -->\n```\n(.*?)```", text, re.DOTALL)[1]
    steps = [line.split()[1] for line in block.splitlines() if line.startswith("ok ")]
    assert steps == [str(number) for number in range(1, 11)]
