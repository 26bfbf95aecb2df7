"""Which of AWS's images has a stand-in, and where AWS has it."""

import importlib.util
import json
from pathlib import Path

import pytest

from trainwright.rehearsal.jobs import standins
from trainwright.rehearsal.jobs.images import ImageError, read_image
from trainwright.rehearsal.jobs.standins import registries
from trainwright.rehearsal.jobs.standins.families import FAMILIES

OWN = "123456789012"
PYTORCH = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.8.0-cpu-py312-ubuntu22.04-sagemaker"
KMEANS = "382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1"


def find(uri, region="us-east-1"):
    return standins.find(uri, OWN, region)


def test_a_deep_learning_container_is_started_as_its_entry_point():
    image = find(PYTORCH)
    words = image.argv(None, None)
    assert words[0] == "python" and words[-4:] == ["toolkit", "pytorch", PYTORCH, "train"]
    assert image.environment["SAGEMAKER_TRAINING_MODULE"] == "sagemaker_pytorch_container.training:main"


@pytest.mark.parametrize(
    ("repository", "account", "program"),
    [
        ("tensorflow-training", "763104351884", ["toolkit", "tensorflow"]),
        ("huggingface-pytorch-training", "763104351884", ["toolkit", "pytorch"]),
        ("sagemaker-scikit-learn", "683313688378", ["toolkit", "sklearn"]),
        ("sagemaker-xgboost", "683313688378", ["toolkit", "xgboost"]),
        ("kmeans", "382416733822", ["algorithms", "kmeans"]),
        ("image-classification", "811284229777", ["algorithms", "image-classification"]),
    ],
)
def test_each_kind_of_image_has_its_program(repository, account, program):
    image = find(f"{account}.dkr.ecr.us-east-1.amazonaws.com/{repository}:1")
    assert image.entrypoint[2:4] == program


@pytest.mark.parametrize(
    "uri",
    [
        PYTORCH.replace("763104351884", "763104351885"),
        PYTORCH.replace("us-east-1", "eu-west-1"),
        KMEANS.replace("382416733822", "763104351884"),
        KMEANS.replace("kmeans", "kmean"),
        PYTORCH.replace("763104351884", OWN),
        "docker.io/library/python:3.12",
    ],
)
def test_an_address_at_which_aws_has_no_such_image_has_none(uri):
    assert find(uri) is None
    assert not standins.is_pulled_by_sagemaker(uri, OWN, "us-east-1")


def test_the_accounts_are_those_of_the_region():
    ireland = KMEANS.replace("382416733822.dkr.ecr.us-east-1", "438346466558.dkr.ecr.eu-west-1")
    assert find(ireland, "eu-west-1") is not None
    assert find(KMEANS.replace("us-east-1", "eu-west-1"), "eu-west-1") is None


def test_an_image_that_nothing_stands_in_for_says_what_to_do():
    with pytest.raises(ImageError, match="nothing stands in for AWS's sagemaker-chainer; write --image"):
        find("520713654638.dkr.ecr.us-east-1.amazonaws.com/sagemaker-chainer:5.0.0-cpu-py3")


def test_the_role_needs_no_right_to_pull_a_built_in_algorithm():
    assert standins.is_pulled_by_sagemaker(KMEANS, OWN, "us-east-1")
    assert not standins.is_pulled_by_sagemaker(PYTORCH, OWN, "us-east-1")


def test_a_folder_made_from_a_deep_learning_container_runs_as_it_does(tmp_path):
    lines = [f"FROM {PYTORCH} AS ready", "ENV SAGEMAKER_PROGRAM=train.py LANG=C", "FROM ready", "FROM ready"]
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    image = standins.inherit(read_image(tmp_path))
    assert image.entrypoint == find(PYTORCH).entrypoint and image.folder == tmp_path
    assert image.environment["SAGEMAKER_PROGRAM"] == "train.py" and image.environment["LANG"] == "C"
    assert image.environment["SAGEMAKER_TRAINING_MODULE"] == "sagemaker_pytorch_container.training:main"


@pytest.mark.parametrize("lines", [[f"FROM {PYTORCH}", 'ENTRYPOINT ["python", "x.py"]'], ["FROM python:3.12"]])
def test_a_folder_with_its_own_entry_point_or_another_base_runs_alone(tmp_path, lines):
    (tmp_path / "Dockerfile").write_text("\n".join(lines))
    image = read_image(tmp_path)
    assert standins.inherit(image) is image


def test_every_stand_in_is_for_a_repository_of_awss():
    assert set(FAMILIES) <= set(registries.repositories())


def test_the_maker_keeps_addresses_of_training_images_only(tmp_path):
    path = Path(__file__).parents[3] / "tools" / "make_standin_table.py"
    spec = importlib.util.spec_from_file_location("make_standin_table", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    folder = tmp_path / "sagemaker" / "core" / "image_uri_config"
    folder.mkdir(parents=True)
    one, two = {"us-east-1": "1" * 12}, {"us-east-1": "2" * 12}
    both = {
        "training": {"versions": {"1": {"repository": "a-training", "registries": one}}},
        "inference": {"versions": {"1": {"repository": "a-inference", "registries": two}}},
    }
    nested = {"repository": "b", "registries": two}
    (folder / "a.json").write_text(json.dumps(both))
    (folder / "b.json").write_text(
        json.dumps({"scope": ["training"], "versions": {"1": {"py3": nested, "py2": nested}}})
    )
    for name in ("sagemaker", "sagemaker-core"):
        info = tmp_path / f"{name.replace('-', '_')}-9.9.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.9\n")
    table = json.loads(tool.text(tmp_path))
    assert table["repositories"] == {"a-training": [0], "b": [1]} and table["registries"] == [one, two]


def test_every_training_image_that_the_sdk_answers_is_known():
    """The sample of the SDK's own answers; isolated partitions have other host names, which are not played."""
    sample = json.loads((Path(__file__).parents[2] / "unit" / "data" / "image_uris.json").read_text())
    beside = ("sagemaker-debugger-rules", "detailed-profiler-processing")
    asked = [(uri, given["region"]) for _, given, uri in sample if uri and ".amazonaws.com" in uri]
    answers = {uri: answer(uri, region) for uri, region in asked if not any(name in uri for name in beside)}
    assert [uri for uri, image in answers.items() if image is None] == []
    assert sum(image != "refused" for image in answers.values()) > 150


def answer(uri, region):
    try:
        return find(uri, region)
    except ImageError:
        return "refused"
