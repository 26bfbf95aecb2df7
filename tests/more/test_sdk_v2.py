"""Estimators against the SDK v2 itself, its HTTP cut off: the same request for every case, or a refusal for a refusal.

Needs the SDK in an environment of its own, for it asks for other packages than the tests do:
`python -m venv .sdk/v2 && .sdk/v2/bin/pip install -r tools/requirements-sdk-v2.txt`, or its Python's path in
TRAINWRIGHT_SDK_V2.
"""

import importlib.util
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from trainwright.cli.sdk import SdkRefusal
from trainwright.cli.sdk.estimator import render_estimator

pytestmark = pytest.mark.more

DRAWN = int(os.environ.get("TRAINWRIGHT_SDK_CASES", "200"))


def _sdk():
    """sdk/v2/sdk.py, which is no package's."""
    spec = importlib.util.spec_from_file_location("sdk_v2", Path(__file__).parent / "sdk" / "v2" / "sdk.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SDK = _sdk()


@pytest.fixture(scope="module", autouse=True)
def _has_the_sdk():
    if SDK.interpreter() is None:
        pytest.skip("the SDK v2 is not installed: see tools/requirements-sdk-v2.txt and TRAINWRIGHT_SDK_V2")


def ours(document):
    try:
        return {"request": SDK.comparable(render_estimator(document).request)}
    except SdkRefusal as refusal:
        return {"refused": str(refusal)}


def differences(documents):
    """What differs, case by case; both refusing counts as the same."""
    found = {}
    for document, answer in zip(documents, SDK.answers(documents), strict=True):
        theirs, mine = SDK.compared(answer), ours(document)
        if ("request" in theirs) != ("request" in mine):
            found[document["case"]] = {"sdk": answer.get("error", "sent"), "ours": mine.get("refused", "sent")}
        elif "request" in theirs:
            members = sorted(theirs["request"].keys() | mine["request"].keys())
            pairs = {name: (theirs["request"].get(name), mine["request"].get(name)) for name in members}
            if differing := {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}:
                found[document["case"]] = differing
    return found


def test_every_named_case_is_answered_as_the_sdk_answers_it():
    documents = SDK.named()
    assert len(documents) >= 250
    assert differences(documents) == {}


def test_as_many_drawn_cases_as_wanted_are_answered_as_the_sdk_answers_them():
    documents = [SDK.with_name(f"drawn_{index}", drawn) for index, drawn in enumerate(SDK.cases().drawn(DRAWN))]
    kinds = Counter("sent" if "request" in ours(document) else "refused" for document in documents)
    assert min(kinds["sent"], kinds["refused"]) > DRAWN / 5
    assert differences(documents) == {}


def test_the_recorded_answers_are_still_the_sdks():
    documents = SDK.named()
    fresh = [
        {**document, **SDK.compared(answer)} for document, answer in zip(documents, SDK.answers(documents), strict=True)
    ]
    recorded = json.loads(SDK.RECORDED.read_text(encoding="utf-8"))
    assert recorded == json.loads(json.dumps(fresh)), "python tests/more/sdk/v2/sdk.py records them anew"
