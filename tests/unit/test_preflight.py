"""What preflight concludes from what was seen: inputs that are not there, volumes that are too small, quotas that never
clear."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright_runtime import instances
from trainwright_runtime.preflight import GIB, Place, Seen, gib, inputs, places, regions, room
from trainwright_runtime.problems import Problem
from trainwright_runtime.quotas import Lack, RungNeeds, judge, lacks, parameter, quota_name, ways

ON_ONE = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
TRAIN = Place(("inputs", "train", "s3_uri"), "s3://data/digits/", copied=True)


def channel(name="train", uri="s3://data/digits/", **more):
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    own = {key: more.pop(key) for key in list(more) if key == "InputMode"}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source | more}, **own}


def request(*channels, mode="File", resources=None, hyperparameters=None):
    return {
        "AlgorithmSpecification": {"TrainingInputMode": mode},
        "InputDataConfig": list(channels),
        "ResourceConfig": resources or ON_ONE,
        "HyperParameters": hyperparameters or {},
    }


def test_a_prefix_in_file_mode_is_copied_to_the_volume():
    (place,) = places(request(channel()))
    assert (place.bucket, place.key, place.copied, place.whole, place.hosts) == ("data", "digits/", True, False, 1)


@pytest.mark.parametrize(
    ("asked", "mode"),
    [
        (channel(InputMode="FastFile"), "File"),
        (channel(), "FastFile"),
        (channel(S3DataType="ManifestFile"), "File"),
        (channel(InstanceGroupNames=["a"]), "File"),
    ],
)
def test_what_is_not_copied_to_every_host_asks_nothing_of_the_volume(asked, mode):
    (place,) = places(request(asked, mode=mode))
    assert not place.copied


def test_a_manifest_is_one_object():
    assert places(request(channel(S3DataType="AugmentedManifestFile")))[0].whole


def test_a_sharded_channel_is_divided_by_the_hosts():
    sharded = channel(S3DataDistributionType="ShardedByS3Key")
    (place,) = places(request(sharded, resources=ON_ONE | {"InstanceCount": 4}))
    assert place.hosts == 4


def test_file_systems_data_sets_and_hub_models_are_not_looked_at():
    file_system = {"ChannelName": "shared", "DataSource": {"FileSystemDataSource": {"FileSystemId": "fs-1"}}}
    dataset = {"ChannelName": "set", "DataSource": {"DatasetSource": {"DatasetArn": "arn"}}}
    hub = channel("hub", HubAccessConfig={"HubContentArn": "arn"})
    assert places(request(file_system, dataset, hub)) == []


def test_the_source_of_a_script_is_one_of_the_places():
    (place,) = places(request(hyperparameters={"sagemaker_submit_directory": '"s3://data/source/a.tar.gz"'}))
    assert (place.uri, place.whole, place.leaf) == ("s3://data/source/a.tar.gz", True, ("source_code", "source_dir"))
    assert places(request(hyperparameters={"sagemaker_submit_directory": '"/opt/ml/input/data/code/a"'})) == []
    (place,) = places(request(channel("code", "s3://data/source/a.tar.gz")))
    assert place.leaf == ("source_code", "source_dir")


def test_an_input_without_an_object_is_told_in_its_authors_words():
    document = {"inputs": {"train": "data://digits/"}}
    (problem,) = inputs({TRAIN: Seen()}, document).problems
    assert (problem.code, problem.field) == ("TW304", "inputs.train")
    assert "no object under s3://data/digits/" in problem.problem
    long = {"inputs": {"train": {"s3_uri": "data://digits/"}}}
    assert inputs({TRAIN: Seen()}, long).problems[0].field == "inputs.train.s3_uri"


def test_a_bucket_that_is_not_there_is_told():
    (problem,) = inputs({TRAIN: Seen(bucket=False)}, {}).problems
    assert problem.problem == "there is no bucket data"


def test_what_could_not_be_looked_up_is_a_warning_and_no_problem():
    found = inputs({TRAIN: Seen(trouble="AccessDenied")}, {})
    assert found.problems == []
    assert "AccessDenied" in found.warnings[0]


def test_folder_markers_alone_are_a_warning():
    found = inputs({TRAIN: Seen(objects=2, bytes=0)}, {})
    assert found.problems == []
    assert "empty" in found.warnings[0]


def test_a_bucket_elsewhere_is_told_and_an_unknown_region_is_not():
    there = Place(("inputs", "test", "s3_uri"), "s3://other/x/")
    document = {"inputs": {"train": "data://x/", "test": "s3://other/x/"}}
    found = regions({"data": "us-east-1", "other": None}, [TRAIN, there], "eu-west-1", document)
    assert [problem.field for problem in found] == ["inputs.train"]
    assert (found[0].allowed, "us-east-1" in found[0].problem) == ("a bucket in eu-west-1", True)


def room_for(size, *resources, hosts=1, copied=True, data=None):
    place = Place(("inputs", "train", "s3_uri"), "s3://data/x/", copied=copied, hosts=hosts)
    return room({place: Seen(1, size)}, resources or [ON_ONE], data or {})


def test_data_that_does_not_fit_the_volume_is_told_with_a_volume_that_would():
    found = room_for(40 * GIB)
    (problem,) = found.problems
    assert (problem.code, problem.field) == ("TW305", "compute.volume")
    assert "hold 40 GiB, and the volume of ml.m5.large has 30 GiB" in problem.problem
    assert problem.remedy.startswith("write volume: 50 GB")
    document = {"compute": {"volume_size_in_gb": 30}}
    assert room_for(40 * GIB, data=document).problems[0].field == "compute.volume_size_in_gb"


def test_a_nearly_full_volume_is_a_warning():
    found = room_for(28 * GIB)
    assert found.problems == []
    assert "28 GiB of the 30 GiB" in found.warnings[0]
    assert room_for(20 * GIB).warnings == ()


def test_streamed_and_divided_data_takes_less():
    assert room_for(40 * GIB, copied=False).problems == []
    assert room_for(40 * GIB, hosts=2).problems == []


def test_all_channels_share_the_volume():
    places_ = [Place(("inputs", name, "s3_uri"), f"s3://data/{name}/", copied=True) for name in "ab"]
    found = room({place: Seen(1, 20 * GIB) for place in places_}, [ON_ONE], {})
    assert len(found.problems) == 1


def test_a_type_with_storage_of_its_own_ignores_the_volume():
    local = {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30}
    assert instances.has_local_storage("ml.g5.xlarge")
    assert room_for(200 * 10**9, local).problems == []
    (problem,) = room_for(300 * 10**9, local).problems
    assert problem.field == "compute.instance_type"
    assert "more storage" in problem.remedy


def test_a_type_that_is_not_known_is_not_judged():
    assert room_for(10**15, {"InstanceType": "ml.new9.large", "InstanceCount": 1, "VolumeSizeInGB": 1}).problems == []


def test_every_type_of_the_ladder_must_have_room():
    found = room_for(100 * GIB, ON_ONE | {"VolumeSizeInGB": 200}, ON_ONE | {"InstanceType": "ml.m5.xlarge"})
    assert "ml.m5.xlarge" in found.problems[0].problem


@given(st.integers(0, 10**15))
def test_sizes_read_as_people_write_them(size):
    number, unit = gib(size).split()
    assert unit in ("MiB", "GiB")
    assert abs(float(number) * (GIB if unit == "GiB" else 2**20) - size) <= 0.06 * GIB


def quota_of(**quotas):
    return lambda name, kind: quotas.get(f"{name.split('.')[1]}_{kind}")


def test_names_and_parameters_are_aws_own():
    assert quota_name("ml.g5.xlarge", "warm_pool") == "ml.g5.xlarge for training warm pool usage"
    assert quota_name("ml.g5.xlarge", "spot") == "ml.g5.xlarge for spot training job usage"
    assert (
        parameter("/trainwright/quotas/", "ml.g5.xlarge", "warm_pool") == "/trainwright/quotas/ml.g5.xlarge/warm-pool"
    )


@pytest.mark.parametrize(("quota", "hosts", "lacking"), [(0, 1, True), (3, 4, True), (4, 4, False), (None, 4, False)])
def test_a_quota_below_the_hosts_never_clears(quota, hosts, lacking):
    found = lacks({"InstanceType": "ml.m5.large", "InstanceCount": hosts}, "training", quota_of(m5_training=quota))
    assert found == ([Lack("ml.m5.large", "training", quota, hosts)] if lacking else [])


def test_one_preference_with_a_quota_is_enough():
    resources = {
        "InstanceCount": 2,
        "InstancePreferences": [{"InstanceType": "ml.m5.large"}, {"InstanceType": "ml.c5.xlarge"}],
    }
    assert lacks(resources, "training", quota_of(m5_training=0, c5_training=2)) == []
    assert len(lacks(resources, "training", quota_of(m5_training=0, c5_training=1))) == 2


def test_every_group_needs_its_quota():
    groups = [{"InstanceType": name, "InstanceCount": 2} for name in ("ml.m5.large", "ml.c5.xlarge", "ml.c5.xlarge")]
    (way,) = ways({"InstanceGroups": groups})
    assert way == {"ml.m5.large": 2, "ml.c5.xlarge": 4}
    assert len(lacks({"InstanceGroups": groups}, "training", quota_of(m5_training=9, c5_training=3))) == 1


def test_reserved_and_serverless_machines_are_not_counted():
    assert ways({**ON_ONE, "TrainingPlanArn": "arn"}) == []
    assert ways({}) == []


def test_a_ladder_without_any_quota_is_a_problem_and_with_one_a_warning():
    rungs = [RungNeeds("spot", ON_ONE), RungNeeds("training", ON_ONE)]
    path = ("compute", "instance_type")
    problem = judge(rungs, quota_of(m5_spot=0, m5_training=0), path)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.path) == ("TW306", path)
    assert "spot training job usage is 0" in problem.problem and "ml.m5.large for training job usage" in problem.problem
    (warning,) = judge(rungs, quota_of(m5_spot=0, m5_training=1), path)
    assert warning.startswith("compute.instance_type: the quota ml.m5.large for spot")
    assert judge(rungs, quota_of(), path) == []
