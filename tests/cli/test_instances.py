"""`trainwright instances`: the short list for a kind of work, as a table and as JSON."""

import json

import pytest

from trainwright.cli import instances
from trainwright.cli.errors import BadInput
from trainwright_runtime.prices import SOURCE
from trainwright_runtime.recommend import WORKLOADS, recommend


def shown(capsys: pytest.CaptureFixture[str], workload: str | None, *, json_: bool = False) -> str:
    assert instances.command(workload, json_) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


@pytest.mark.parametrize("workload", [None, *WORKLOADS])
def test_the_table_fits_100_columns_and_says_where_the_prices_are_from(capsys, workload) -> None:
    out = shown(capsys, workload)
    assert max(map(len, out.splitlines())) <= 100
    assert SOURCE in " ".join(out.split())
    assert "…" not in out, "nothing is cut"


def test_a_workloads_table_has_its_list_in_order_with_price_and_accelerators(capsys) -> None:
    lines = [line.split() for line in shown(capsys, "multi-gpu").splitlines()]
    rows = [words for words in lines if words and words[0].startswith("ml.") and len(words) > 5]
    assert [words[0] for words in rows] == [row.instance.name for row in recommend("multi-gpu")]
    assert rows[0][1:8] == ["7.090", "48", "192", "4", "x", "A10G", "24"]
    assert rows[1][1] == "unknown"


def test_an_old_price_is_marked_and_the_mark_explained(capsys) -> None:
    out = shown(capsys, "multi-gpu")
    assert "113.068*" in out
    assert "*: AWS has lowered" in out
    assert "*" not in shown(capsys, "tuning")


def test_an_unknown_price_is_explained_where_there_is_one(capsys) -> None:
    assert "unknown: " in shown(capsys, "one-gpu")
    assert "unknown" not in shown(capsys, "tuning")


def test_without_a_workload_each_ones_first_choice_is_shown(capsys) -> None:
    out = shown(capsys, None)
    for workload in WORKLOADS:
        assert f"{workload} " in out
        assert recommend(workload)[0].instance.name in out
    assert "trainwright instances --workload prototype|one-gpu|multi-gpu|cpu|tuning" in out


def test_json_is_a_list_of_objects_with_every_key_always(capsys) -> None:
    rows = json.loads(shown(capsys, "one-gpu", json_=True))
    assert [row["instance_type"] for row in rows] == [row.instance.name for row in recommend("one-gpu")]
    assert len({tuple(row) for row in rows}) == 1
    first, second = rows[:2]
    assert (first["usd_per_hour"], first["price_source"]) == (1.515, SOURCE)
    assert (first["accelerators"], first["accelerator"], first["accelerator_memory_gib"]) == (1, "NVIDIA A10G", 24)
    assert (second["usd_per_hour"], second["price_source"]) == (None, None)


def test_json_without_a_workload_has_the_first_choices(capsys) -> None:
    assert [row["workload"] for row in json.loads(shown(capsys, None, json_=True))] == list(WORKLOADS)


def test_fails_when_there_is_no_such_workload(capsys) -> None:
    with pytest.raises(BadInput) as refused:
        instances.command("multigpu", json_=False)
    assert refused.value.exit_code == 2
    assert str(refused.value).startswith("--workload multigpu: no such workload; one of prototype, one-gpu,")
    assert str(refused.value).endswith("did you mean multi-gpu?")
    assert capsys.readouterr().out == ""
