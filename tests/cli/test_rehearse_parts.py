"""Parts of a rehearsal that need no account."""

import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

from trainwright.cli.errors import BadInput, StepFailed
from trainwright.cli.processes import Processes
from trainwright.cli.rehearse import job, runs, synth
from trainwright.cli.rehearse.outcome import Outcome


def archive(path: Path, **members: tarfile.TarInfo | bytes) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name.replace("__", "/"))
            data = content if isinstance(content, bytes) else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def test_a_model_is_unpacked_with_its_folders(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.tar.gz", **{"model.joblib": b"weights", "code__net.py": b"x = 1"})
    assert runs.unpack(path, tmp_path / "model") == 2
    assert (tmp_path / "model/code/net.py").read_bytes() == b"x = 1"


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "a/../../outside"])
def test_a_model_writes_nowhere_else(name: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "model.tar.gz", **{name: b"no", "good": b"yes"})
    assert runs.unpack(path, tmp_path / "in" / "model") == 1
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == ["model.tar.gz", "good"]


def test_a_link_in_a_model_is_not_followed(tmp_path: Path) -> None:
    path = archive(tmp_path / "model.tar.gz", first=link("up", ".."), **{"up__outside": b"no"})
    runs.unpack(path, tmp_path / "model")
    assert (tmp_path / "model" / "up" / "outside").read_bytes() == b"no"
    assert not (tmp_path / "model" / "up").is_symlink()


def score(tmp_path: Path, source: str) -> dict[str, float]:
    (tmp_path / "score.py").write_text(source)
    with Processes() as processes:
        return runs.score(
            tmp_path / "score.py", Path(sys.executable), processes, model=tmp_path, data=tmp_path, log=tmp_path / "log"
        )


def test_a_score_scripts_last_line_is_its_metrics(tmp_path: Path) -> None:
    assert score(tmp_path, "print('loading'); print('{\"accuracy\": 0.5, \"images\": 3}')") == {
        "accuracy": 0.5,
        "images": 3,
    }


@pytest.mark.parametrize("printed", ["", "print('0.97')", "print([1])", 'print(\'{"a": "b"}\')'])
def test_fails_when_a_score_script_prints_no_metrics(printed: str, tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="printed no metrics"):
        score(tmp_path, printed)


def test_fails_when_a_score_script_raises_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="exit code 1") as failed:
        score(tmp_path, "raise KeyError('label')")
    assert failed.value.details[-1] == "KeyError: 'label'"


@pytest.mark.parametrize(
    ("interruptions", "checkpoints", "said"),
    [
        (0, 0, "it would start from zero after every interruption"),
        (0, 3, "ended before it could be interrupted"),
        (1, 3, "started from zero although there were checkpoints"),
    ],
)
def test_a_run_that_did_not_resume_is_told_why(interruptions: int, checkpoints: int, said: str) -> None:
    failure = job._no_resume(interruptions, checkpoints)
    assert said in failure.why and failure.remedy


def test_the_summary_has_every_key_and_no_other() -> None:
    attempt = dict.fromkeys(["number", "job_arn", "job_name", "capacity", "status", "interruptions", "log"])
    attempt |= dict.fromkeys(["resumed_from_step", "training_seconds", "billable_seconds", "cost_usd"], 3)
    outcome = Outcome(attempts=[attempt])
    summary = outcome.summary()
    assert set(summary) == {"execution", "attempts", "model", "report", "seconds"}
    assert "number" not in summary["attempts"][0] and summary["attempts"][0]["resumed_from_step"] == 3
    json.dumps(summary)


def assembly(folder: Path, *environments: str) -> synth.App:
    artifacts = {}
    for number, environment in enumerate(environments):
        (folder / f"{number}.json").write_text('{"Resources": {"A": {}}}')
        properties = {"templateFile": f"{number}.json"}
        artifacts[f"s{number}"] = {
            "type": "aws:cloudformation:stack",
            "environment": environment,
            "properties": properties,
        }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    return synth.App("python app.py", folder, {}, None)


def test_an_app_that_names_its_account_and_region_gets_them(tmp_path: Path) -> None:
    app = assembly(tmp_path, "aws://111122223333/eu-west-1", "aws://unknown-account/unknown-region")
    assert synth._read(tmp_path, app).environment == ("111122223333", "eu-west-1")


def test_an_app_that_names_only_a_region_gets_that(tmp_path: Path) -> None:
    app = assembly(tmp_path, "aws://unknown-account/eu-west-1")
    assert synth._read(tmp_path, app).environment == (synth.ACCOUNT_ID, "eu-west-1")


def test_fails_when_an_app_deploys_to_two_regions(tmp_path: Path) -> None:
    app = assembly(tmp_path, "aws://1/eu-west-1", "aws://1/us-east-1")
    with pytest.raises(StepFailed, match="1 in eu-west-1, 1 in us-east-1"):
        synth._read(tmp_path, app)


def test_fails_when_an_app_needs_lookups_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"missing": [{"key": "vpc-provider:ml"}]}')
    with pytest.raises(StepFailed, match="vpc-provider:ml") as failed:
        synth._read(tmp_path, synth.App("python app.py", tmp_path, {}, None))
    assert "cdk.context.json" in failed.value.remedy


@pytest.mark.parametrize(
    ("settings", "command"),
    [('{"app": "python infra/main.py"}', "python infra/main.py"), ("{}", "python app.py"), (None, "python app.py")],
)
def test_the_app_is_run_as_cdk_json_says(settings: str | None, command: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").touch()
    if settings:
        (tmp_path / "cdk.json").write_text(settings)
    assert synth.find_app(tmp_path).command == command


def test_an_empty_folder_gets_the_app_that_comes_with_trainwright(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = synth.find_app(None)
    assert app.folder == tmp_path and app.file and app.file.name == "app.py"
    with pytest.raises(BadInput, match="no cdk"):
        synth.find_app(tmp_path)
