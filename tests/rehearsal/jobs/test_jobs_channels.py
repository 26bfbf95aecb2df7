"""Names that objects get in a channel's folder."""

import pytest

from trainwright.rehearsal.jobs.channels import describe, local_name
from trainwright.rehearsal.jobs.s3 import ClientFault


@pytest.mark.parametrize(
    ("prefix", "key", "name"),
    [
        ("data/train/", "data/train/x.csv", "x.csv"),
        ("data/train", "data/train/a/x.csv", "a/x.csv"),
        ("data/tr", "data/train/x.csv", "train/x.csv"),
        ("data/x.csv", "data/x.csv", "x.csv"),
        ("", "data/x.csv", "data/x.csv"),
        ("", "/etc/x.csv", "etc/x.csv"),
    ],
)
def test_the_prefix_is_cut_off_by_whole_folders(prefix, key, name):
    assert local_name(prefix, key) == name


def test_fails_on_double_slashes_as_aws_does():
    with pytest.raises(ClientFault, match="illegal char sub-sequence '//'"):
        local_name("data/", "data//x.csv")


def test_describes_channels_for_inputdataconfig():
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://b/"}
    channels = [
        {"ChannelName": "a", "DataSource": {"S3DataSource": source}},
        {
            "ChannelName": "b",
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "InputMode": "FastFile",
        },
    ]
    assert describe(channels, "File") == {
        "a": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"},
        "b": {
            "ContentType": "text/csv",
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        },
    }
