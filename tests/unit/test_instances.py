"""What is known about instance types, what they cost, and which are recommended."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import botocore
import botocore.session
import pytest

from trainwright_runtime import instances, prices, recommend

ROOT = Path(__file__).parents[2]
DATA = ROOT / "lambdas" / "trainwright_runtime" / "data"


def table() -> dict[str, Any]:
    return json.loads((DATA / "instances.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    pytest.importorskip("moto")
    spec = importlib.util.spec_from_file_location("make_instance_table", ROOT / "tools" / "make_instance_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_training_type_of_the_api_is_in_the_table_and_no_other() -> None:
    model = botocore.session.get_session().get_service_model("sagemaker")
    assert instances.names() == tuple(model.shape_for("TrainingInstanceType").enum)


def test_a_type_of_which_nothing_is_known_has_its_reason_listed() -> None:
    unknown = {name for name in instances.names() if instances.find(name) is None}
    assert unknown == set(table()["unknown"])


@pytest.mark.parametrize(
    ("name", "vcpus", "memory", "accelerators", "accelerator", "each", "storage", "efa", "bf16", "kind"),
    [
        # AWS: Specifications for Amazon EC2 instance types; AWS Neuron, Trn1 and Trn2 architecture
        ("ml.m5.large", 2, 8, 0, None, None, 0, False, None, "cpu"),
        ("ml.c4.xlarge", 4, 7.5, 0, None, None, 0, False, None, "cpu"),
        ("ml.c5n.18xlarge", 72, 192, 0, None, None, 0, True, None, "cpu"),
        ("ml.r5d.large", 2, 16, 0, None, None, 75, False, None, "cpu"),
        ("ml.p2.16xlarge", 64, 732, 16, "NVIDIA K80", 12, 0, False, False, "gpu"),
        ("ml.p3.2xlarge", 8, 61, 1, "NVIDIA V100", 16, 0, False, False, "gpu"),
        ("ml.p3dn.24xlarge", 96, 768, 8, "NVIDIA V100", 32, 1800, True, False, "gpu"),
        ("ml.g4dn.xlarge", 4, 16, 1, "NVIDIA T4", 16, 125, False, False, "gpu"),
        ("ml.g5.12xlarge", 48, 192, 4, "NVIDIA A10G", 24, 3800, True, True, "gpu"),
        ("ml.g6.xlarge", 4, 16, 1, "NVIDIA L4", 24, 250, False, True, "gpu"),
        ("ml.g6e.48xlarge", 192, 1536, 8, "NVIDIA L40S", 48, 7600, True, True, "gpu"),
        ("ml.g7e.2xlarge", 8, 64, 1, "NVIDIA RTX PRO Server 6000", 96, 1900, False, True, "gpu"),
        ("ml.p4d.24xlarge", 96, 1152, 8, "NVIDIA A100", 40, 8000, True, True, "gpu"),
        ("ml.p4de.24xlarge", 96, 1152, 8, "NVIDIA A100", 80, 8000, True, True, "gpu"),
        ("ml.p5.4xlarge", 16, 256, 1, "NVIDIA H100", 80, 3800, True, True, "gpu"),
        ("ml.p5.48xlarge", 192, 2048, 8, "NVIDIA H100", 80, 30400, True, True, "gpu"),
        ("ml.p5en.48xlarge", 192, 2048, 8, "NVIDIA H200", 141, 30400, True, True, "gpu"),
        ("ml.p6-b200.48xlarge", 192, 2048, 8, "NVIDIA B200", 179, 30400, True, True, "gpu"),
        ("ml.p6e-gb200.36xlarge", 144, 960, 4, "NVIDIA B200", 185, 22500, True, True, "gpu"),
        ("ml.trn1.32xlarge", 128, 512, 16, "AWS Trainium", 32, 7600, True, True, "neuron"),
        ("ml.trn2.48xlarge", 192, 2048, 16, "AWS Trainium2", 96, 7600, True, True, "neuron"),
    ],
)
def test_the_table_agrees_with_aws(
    name, vcpus, memory, accelerators, accelerator, each, storage, efa, bf16, kind
) -> None:
    architecture = "arm64" if "gb200" in name else "x86_64"
    assert instances.find(name) == instances.Instance(
        name, vcpus, memory, accelerators, accelerator, each, architecture, storage, efa, bf16, kind
    )


def test_the_facts_of_every_type_hold_together() -> None:
    for name in instances.names():
        known = instances.find(name)
        assert known.vcpus >= 2 and known.memory_gib >= 4, name
        assert known.local_storage_gb >= 0, name
        with_accelerator = (known.accelerators > 0, bool(known.accelerator), bool(known.accelerator_memory_gib))
        assert len({*with_accelerator, known.bf16 is not None, known.kind != "cpu"}) == 1, name


def test_local_storage_is_known_for_known_types_only() -> None:
    assert instances.has_local_storage("ml.g5.xlarge") is True
    assert instances.has_local_storage("ml.m5.xlarge") is False
    assert instances.has_local_storage("ml.m99.xlarge") is None
    assert instances.find("ml.m99.xlarge") is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("g5.xlarge", "ml.g5.xlarge"),
        ("m.m5.xlarge", "ml.m5.xlarge"),
        ("mlm5.xlarge", "ml.m5.xlarge"),
        ("ml.g5.xl", "ml.g5.xlarge"),
        ("g5.2x", "ml.g5.2xlarge"),
        ("ml.g5.12xlarg", "ml.g5.12xlarge"),
        ("ml.m5.xlagre", "ml.m5.xlarge"),
        ("ml.m5.xlqrge", "ml.m5.xlarge"),
        ("ml.m5.xxlarge", "ml.m5.xlarge"),
        ("ML.G5.XLARGE ", "ml.g5.xlarge"),
        ("ml_p6_b200_48xlarge", "ml.p6-b200.48xlarge"),
        ("ml.p4.24xlarge", "ml.p4d.24xlarge"),
        ("ml.tn1.32xlarge", "ml.trn1.32xlarge"),
        ("ml.p4de", "ml.p4de.24xlarge"),
    ],
)
def test_a_mistyped_type_has_one_near_miss(written: str, meant: str) -> None:
    assert instances.near(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "ml.m5.xlarge",  # right
        *("", "ml", "ml.", ".", "gpu", "ml.m5", "p4"),  # several, or nothing
        *("ml.g5.13xlarge", "ml.g55.xlarge", "ml.m9i.xlarge"),  # another number is another machine
        *("ml.m6g.large", "ml.m5d.xlarge", "ml.g5g.xlarge", "ml.trn2u.48xlarge"),  # EC2 has these
        *("ml.g5.xlarge" * 9, "ml." + "m" * 1000 + ".xlarge"),
        *("ml.m4.large", "ml.m5.8xlarge", "ml.m5.metal", "ml.t3.small", "ml.g3.xlarge"),  # and these
    ],
)
def test_no_near_miss_is_guessed(written: str) -> None:
    assert instances.near(written) is None


def test_importing_reads_no_table_and_nothing_heavy() -> None:
    code = (
        "import sys; from trainwright_runtime import instances, prices, recommend;"
        "read = [m._table.cache_info().currsize for m in (instances, prices)];"
        "print(read, sorted({'pydantic', 'boto3', 'importlib.resources', 'difflib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT / "lambdas",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[0, 0] []"


def test_the_tool_makes_the_same_table_again(tool: ModuleType) -> None:
    made_from = table()["about"]["source"]
    if f"moto {tool.moto.__version__}," not in made_from or f"botocore {botocore.__version__}," not in made_from:
        pytest.skip("the table was made from other versions of moto and botocore")
    committed = (DATA / "instances.json").read_text(encoding="utf-8")
    assert tool.text(tool.training_types(), tool.INSTANCE_TYPES) == committed, "run tools/make_instance_table.py"
    assert len(committed) < 30_000


def test_the_tool_invents_nothing_for_a_type_that_no_source_has(tool: ModuleType) -> None:
    made = json.loads(tool.text(["ml.m5.large", "ml.z99.large"], tool.INSTANCE_TYPES))
    assert made["types"]["ml.z99.large"] is None
    assert list(made["unknown"]) == ["ml.z99.large"]


def test_the_tool_refuses_a_gpu_whose_precision_is_not_written_down(tool: ModuleType) -> None:
    described = tool.INSTANCE_TYPES["g5.xlarge"]
    (gpu,) = described["GpuInfo"]["Gpus"]
    newer = described | {"GpuInfo": {"Gpus": [gpu | {"Name": "X900"}]}}
    with pytest.raises(KeyError, match="NVIDIA X900"):
        tool.row("g99.xlarge", {"g99.xlarge": newer})


def test_a_price_is_the_lists_or_none() -> None:
    assert prices.on_demand_usd_per_hour("ml.g5.xlarge") == 1.4084
    assert prices.on_demand_usd_per_hour("ml.p6-b200.48xlarge") is None
    assert prices.on_demand_usd_per_hour("ml.m99.large") is None


def test_the_prices_say_where_they_are_from_and_what_they_do_not_say() -> None:
    about = json.loads((DATA / "prices.json").read_text(encoding="utf-8"))["about"]
    assert (about["source"].split(",")[0], about["licence"]) == ("fmbench 2.1.1", "MIT-0")
    for said in ("fmbench 2.1.1", "MIT-0", "undated", "no region", about["billed"]):
        assert said in prices.SOURCE


def test_the_prices_from_before_awss_reduction_are_marked() -> None:
    assert [name for name in instances.names() if prices.lowered_since(name)] == ["ml.p4d.24xlarge", "ml.p5.48xlarge"]


@pytest.mark.parametrize("workload", recommend.WORKLOADS)
def test_recommended_types_exist_and_suit_the_work(workload: str) -> None:
    advice = recommend.recommend(workload)
    named = [row.instance for row in advice]
    assert 3 <= len(named) == len(set(named)) <= 4
    wanted = {"cpu": {"cpu"}, "one-gpu": {"gpu"}, "multi-gpu": {"gpu"}}.get(workload, {"cpu", "gpu"})
    assert {instance.kind for instance in named} == wanted
    if workload == "one-gpu":
        assert {instance.accelerators for instance in named} == {1}
    assert advice[0].usd_per_hour is not None, "the first choice has a price"
    assert all(0 < len(row.reason) <= 70 for row in advice), "a reason is one line"


def test_what_the_reasons_say_of_numbers_is_true() -> None:
    def price(name: str) -> float:
        return prices.on_demand_usd_per_hour(name)

    def found(name: str) -> instances.Instance:
        return instances.find(name)

    assert 0.45 < price("ml.g4dn.xlarge") / price("ml.g5.xlarge") < 0.55  # "half the price"
    assert not found("ml.g4dn.xlarge").bf16 and found("ml.g5.xlarge").bf16
    assert found("ml.g6e.2xlarge").accelerator_memory_gib == 2 * found("ml.g5.2xlarge").accelerator_memory_gib
    for first, second in (("ml.g5.12xlarge", "ml.g6e.12xlarge"), ("ml.p4d.24xlarge", "ml.p5.48xlarge")):
        assert found(first).accelerators == found(second).accelerators  # "so a ladder"
    assert found("ml.p5.48xlarge").efa
    assert (found("ml.c7i.4xlarge").vcpus, found("ml.r7i.4xlarge").memory_gib) == (16, 128)


def test_first_choices_are_one_for_each_workload() -> None:
    assert [row.workload for row in recommend.first_choices()] == list(recommend.WORKLOADS)
