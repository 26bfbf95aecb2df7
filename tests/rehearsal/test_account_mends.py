"""The registry of mends: another moto is refused by name, and nothing is patched on import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from trainwright.rehearsal import mends


def _mend(target, sha256):
    return mends.Mend("a-name", target, sha256, "https://docs.aws.amazon.com/", "why", lambda: None)


def test_every_mend_fits_the_installed_moto_and_says_why():
    found = mends.collect()
    mends.check(found)
    assert len({mend.name for mend in found}) == len(found)
    for mend in found:
        assert mend.source.startswith("https://"), mend.name
        assert mend.why, mend.name


@pytest.mark.parametrize(
    "target", ["moto.sts.models:STSBackend.assume_role", "moto.sts.models:STSBackend.gone", "moto.nowhere:Nothing"]
)
def test_another_moto_is_refused_and_the_mend_is_named(target):
    with pytest.raises(mends.MendMismatch, match="a-name: moto"):
        mends.check([_mend(target, "0" * 64)])


@pytest.mark.parametrize(
    "target",
    [
        "moto.awslambda.models:LambdaFunction.invoke",
        "moto.s3.models:FakeBucket.get_permission",
        "moto.sts.models:STSBackend",
        "moto.core.responses:BaseResponse._enrich_response",
    ],
)
def test_a_file_reads_as_its_module_does(target):
    module, _, name = target.partition(":")
    read = mends._source_in_file(module, name)
    __import__(module)
    assert mends._live_source(target) == read


def test_importing_trainwright_loads_no_moto():
    program = "import sys, trainwright; assert not [m for m in sys.modules if m.startswith(('moto', 'aws_cdk'))]"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)


def test_importing_the_mends_patches_nothing():
    program = (
        "from moto.sts.models import STSBackend as B; from moto.awslambda.models import LambdaFunction as F;"
        "before = B.assume_role, F.invoke; from trainwright.rehearsal import mends; mends.collect();"
        "assert before == (B.assume_role, F.invoke)"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, timeout=60)
