"""Parts of known requests, put together at random: a plan or problems, never another exception, and every plan passes
the API's own model."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright_runtime import prices
from trainwright_runtime.handlers.api_model import check_request, refusals
from trainwright_runtime.plan import cannot_start, plan, previews
from trainwright_runtime.problems import readable_list
from trainwright_runtime.request import Checked, canonical, check
from trainwright_runtime.site import Site
from trainwright_runtime.spec import SAMPLE_FACTS


def beside(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCUMENTS = [
    *beside("test_mutants").EXAMPLES.values(),
    *({"name": "p", **request} for request in beside("test_parity").REQUESTS.values()),
    *(row.document for row in beside("refusals").ROWS),
]


def parts(documents):
    """Every section that any document has, by name; `compute`, `inputs` and the like also setting by setting."""
    found = {}
    for document in documents:
        for name, value in document.items():
            found.setdefault(name, []).append(value)
    return found


PARTS = parts(DOCUMENTS)
UNIONS = ("compute", "limits", "network", "inputs", "checkpoints", "profiler", "debugger")


def sections(name):
    whole = st.sampled_from(PARTS[name])
    settings_of = [value for value in PARTS[name] if isinstance(value, dict)]
    if name not in UNIONS or not settings_of:
        return whole
    return whole | st.lists(st.sampled_from(settings_of), min_size=2, max_size=3).map(
        lambda several: {key: value for each in several for key, value in each.items()}
    )


REQUESTS = st.fixed_dictionaries(
    {"name": st.just("recombined"), "compute": sections("compute")},
    optional={name: sections(name) for name in sorted(PARTS) if name not in ("name", "compute")},
)
SITES = st.builds(
    Site,
    region=st.sampled_from(["us-east-1", "eu-west-1", "ap-southeast-3", "cn-north-1"]),
    subnets=st.sampled_from([(), ("subnet-1",)]),
)


@given(REQUESTS, SITES)
@settings(max_examples=500, deadline=None)
def test_any_request_gives_a_plan_that_the_api_takes_or_problems(data, site):
    result = check(data, None, None, site)
    if isinstance(result, Checked):
        facts = replace(SAMPLE_FACTS, prices=prices.listed(result.resolved.all_instance_types))
        planned = plan(result.resolved, facts)
        attempts = previews(planned)
        assert attempts or cannot_start(planned), "no start, and nothing is said of it"
        for request in (attempt["request"] for attempt in attempts):
            found = [problem for problem in refusals(request) if problem.code != "TW302"]
            assert not found, [problem.sentence() for problem in found]
            assert json.loads(json.dumps(request)) == request
    else:
        assert readable_list(result)


@given(REQUESTS)
@settings(max_examples=300, deadline=None)
def test_the_long_names_mean_the_same(data):
    result = check(data, None, check_request)
    if isinstance(result, Checked):
        long = canonical(result)
        again = check(json.loads(json.dumps(long)), None, check_request)
        assert isinstance(again, Checked), (long, [problem.sentence() for problem in again])
        first, second = plan(result.resolved, SAMPLE_FACTS), plan(again.resolved, SAMPLE_FACTS)
        assert first == second
