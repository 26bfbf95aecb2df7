"""A fault that is misspelt must not be a fault that silently does not happen."""

import json
import subprocess
import sys

import pytest

from trainwright.rehearsal.faults import FaultsError, SpotInterruption, parse_faults


def test_no_faults_by_default():
    assert parse_faults({}).spot_interruptions == ()


def test_reads_a_spot_interruption():
    [fault] = parse_faults({"spot_interruptions": [{"after": "seconds", "seconds": 2}]}).spot_interruptions
    assert (fault.after, fault.seconds, fault.mode, fault.times) == ("seconds", 2, "hard", 1)


def test_fails_on_a_typo_with_the_nearest_name():
    with pytest.raises(FaultsError) as error:
        parse_faults({"spot_interuptions": []})
    assert "spot_interuptions" in str(error.value)
    assert "did you mean spot_interruptions?" in str(error.value)


def test_says_all_problems_at_once_with_their_paths():
    entry = {"after": "cheeckpoint", "secnds": 1, "times": 0}
    with pytest.raises(FaultsError) as error:
        parse_faults({"spot_interruptions": [entry]})
    text = "\n".join(error.value.problems)
    assert "spot_interruptions[0].secnds: there is no fault field of this name; did you mean seconds?" in text
    assert "spot_interruptions[0].after" in text and "'cheeckpoint'" in text and "'checkpoint'" in text
    assert "spot_interruptions[0].times" in text


@pytest.mark.parametrize(("after", "field"), [("seconds", "seconds"), ("step", "step")])
def test_fails_without_what_it_waits_for(after, field):
    with pytest.raises(FaultsError, match=f"the field {field} is needed"):
        parse_faults({"spot_interruptions": [{"after": after}]})


def test_the_account_does_not_start_with_faults_that_it_does_not_know(tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"root": str(tmp_path / "account"), "faults": {"spot_interuptions": []}}))
    command = [sys.executable, "-m", "trainwright.rehearsal.server", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "did you mean spot_interruptions?" in done.stderr
    assert "Traceback" not in done.stderr


def due(fault, **reached):
    state = {"training_seconds": 0.0, "checkpoint_seconds": None, "step": None, "total": None, **reached}
    return fault.is_due(**state)


def test_after_checkpoint_waits_for_one_in_s3():
    fault = SpotInterruption(after="checkpoint")
    assert not due(fault, training_seconds=1000.0)
    assert not due(fault, checkpoint_seconds=0.1)  # progress.json may be on its way
    assert due(fault, checkpoint_seconds=1.0)


def test_after_checkpoint_waits_for_the_fraction_where_the_total_is_known():
    fault = SpotInterruption(after="checkpoint", fraction=0.25)
    assert not due(fault, checkpoint_seconds=0.0, step=4, total=20)
    assert due(fault, checkpoint_seconds=0.0, step=5, total=20)
    assert not due(fault, checkpoint_seconds=None, step=5, total=20)


def test_after_seconds_and_after_step():
    assert due(SpotInterruption(after="seconds", seconds=1.5), training_seconds=1.5)
    assert not due(SpotInterruption(after="seconds", seconds=1.5), training_seconds=1.4)
    assert due(SpotInterruption(after="step", step=3), step=3)
    assert not due(SpotInterruption(after="step", step=3))
