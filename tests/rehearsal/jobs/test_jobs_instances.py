"""Which hosts a job has, what resourceconfig.json says of them, and which channels they get."""

import pytest

from trainwright.rehearsal.jobs import channels
from trainwright.rehearsal.jobs.container import resource_config
from trainwright.rehearsal.jobs.instances import HOMOGENEOUS, groups_of, hosts_of
from trainwright.rehearsal.jobs.job import TrainingJob
from trainwright.rehearsal.jobs.validation import InvalidRequest, check

EQUAL = {"InstanceType": "ml.m5.large", "InstanceCount": 4, "VolumeSizeInGB": 5}
DATA = {"InstanceGroupName": "data", "InstanceType": "ml.c5.xlarge", "InstanceCount": 2}
MODEL = {"InstanceGroupName": "model", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1}
MIXED = {"InstanceGroups": [DATA, MODEL], "VolumeSizeInGB": 5}


def request(resources, *wanted, **changes):
    made = {
        "TrainingJobName": "mixed",
        "RoleArn": "arn:aws:iam::123456789012:role/train",
        "AlgorithmSpecification": {"TrainingImage": "image:1", "TrainingInputMode": "File"},
        "InputDataConfig": list(wanted),
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/out"},
        "ResourceConfig": resources,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **changes,
    }
    return {name: value for name, value in made.items() if value != []}


def channel(name, *groups, **source):
    where = {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/{name}/", **source}
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": {**where, **({"InstanceGroupNames": list(groups)} if groups else {})}},
    }


def job(resources, *wanted, **changes):
    return TrainingJob(request(resources, *wanted, **changes), "arn")


def refusal(resources, *wanted, **changes):
    with pytest.raises(InvalidRequest) as error:
        check(request(resources, *wanted, **changes))
    return str(error.value)


def test_hosts_are_numbered_through_all_groups():
    made = job(MIXED)
    assert made.host_names == ["algo-1", "algo-2", "algo-3"]
    assert sorted(host.group for host in made.hosts) == ["data", "data", "model"]
    assert {host.instance_type for host in made.hosts if host.group == "model"} == {"ml.g5.xlarge"}
    assert made.demand == {"ml.c5.xlarge": 2, "ml.g5.xlarge": 1}


def test_numbers_follow_neither_the_groups_nor_a_groups_list():
    named = [groups_of(f"job-{number}", MIXED) for number in range(20)]
    assert any(groups[0].hosts != ("algo-1", "algo-2") for groups in named)
    equal = [groups_of(f"job-{number}", EQUAL)[0].hosts for number in range(20)]
    assert any(list(hosts) != sorted(hosts) for hosts in equal)


def test_the_same_job_gets_the_same_hosts_again():
    assert groups_of("one", MIXED) == groups_of("one", MIXED)


def test_more_than_nine_hosts_are_in_the_order_of_their_numbers():
    names = [host.name for host in hosts_of(groups_of("many", {**EQUAL, "InstanceCount": 11}))]
    assert names == [f"algo-{number}" for number in range(1, 12)]


def test_the_resource_config_of_equal_hosts_has_one_group():
    made = job(EQUAL)
    config = resource_config(made, made.hosts[2])
    (group,) = config.pop("instance_groups")
    assert config == {
        "current_host": "algo-3",
        "current_instance_type": "ml.m5.large",
        "current_group_name": HOMOGENEOUS,
        "hosts": ["algo-1", "algo-2", "algo-3", "algo-4"],
        "network_interface_name": "eth0",
    }
    assert group.pop("hosts") == list(made.groups[0].hosts)
    assert group == {"instance_group_name": HOMOGENEOUS, "instance_type": "ml.m5.large"}


def test_the_resource_config_says_in_which_group_a_host_is():
    made = job(MIXED)
    model = next(host for host in made.hosts if host.group == "model")
    config = resource_config(made, model)
    assert (config["current_group_name"], config["current_instance_type"]) == ("model", "ml.g5.xlarge")
    assert config["instance_groups"][1] == {
        "instance_group_name": "model",
        "instance_type": "ml.g5.xlarge",
        "hosts": [model.name],
    }


def test_a_channel_goes_to_the_hosts_of_its_groups_and_is_shared_among_them():
    wanted = [channel("both"), channel("shards", "data"), channel("labels", "model")]
    made = job(MIXED, *wanted)
    data = [host for host in made.hosts if host.group == "data"]
    model = next(host for host in made.hosts if host.group == "model")

    def portions(host):
        return {
            item["ChannelName"]: (at, among)
            for items, at, among in channels.portions(wanted, made.hosts, host)
            for item in items
        }

    numbers = {host.name: at for at, host in enumerate(made.hosts)}
    assert [portions(host) for host in data] == [
        {"both": (numbers[host.name], 3), "shards": (at, 2)} for at, host in enumerate(data)
    ]
    assert portions(model) == {"both": (numbers[model.name], 3), "labels": (0, 1)}


def test_groups_are_accepted():
    check(request(MIXED, channel("train", "data", "model")))


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({**MIXED, "InstanceGroups": [DATA, {**MODEL, "InstanceGroupName": "data"}]}, "Duplicate instance group name"),
        ({**MIXED, "InstanceCount": 3}, "InstanceCount is mutually exclusive with InstanceGroups"),
        ({**MIXED, "InstanceType": "ml.m5.large"}, "Exactly one of InstanceType, InstanceGroups"),
        ({**MIXED, "KeepAlivePeriodInSeconds": 60}, "KeepAlivePeriodInSeconds is not supported with InstanceGroups"),
        ({"InstanceGroups": [DATA, MODEL]}, "VolumeSizeInGB is required for instance type ml.c5.xlarge"),
        ({**MIXED, "VolumeKmsKeyId": "key"}, "VolumeKmsKeyId cannot be specified with instance type ml.g5.xlarge"),
        ({**MIXED, "InstanceGroups": [DATA] * 6}, "Member must have length less than or equal to 5"),
    ],
)
def test_refuses_groups_that_do_not_go_together(resources, message):
    assert message in refusal(resources)


@pytest.mark.parametrize("resources", [MIXED, EQUAL])
def test_refuses_a_channel_for_a_group_that_is_not_there(resources):
    assert "InstanceGroupNames of channel train: 'tests' is not one of" in refusal(resources, channel("train", "tests"))
