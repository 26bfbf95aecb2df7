"""The team policy: what it allows, fills in and insists on, and how it is refused when it contradicts itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from trainwright_runtime.images import debugger_rules_image
from trainwright_runtime.policy import PolicyError, TeamPolicy
from trainwright_runtime.request import Checked, check
from trainwright_runtime.site import Site

POLICY = """
team: vision
time_zone: Europe/Berlin
allow:
  instance_types: [ml.m5.*, ml.g5.xlarge]
  max_instance_count: 4
  max_runtime: 12h
  images: [platform]
  data: [data://, "s3://acme-shared/calendars/"]
default:
  compute: {instance_type: ml.m5.large, spot: true}
  tags: {purpose: research}
always:
  tags: {cost-centre: 4711}
  environment: {REGION_OF_RECORD: EU}
"""


def run(**fields):
    return {"name": "digits", **fields}


def policy(text=POLICY):
    return TeamPolicy.from_text(text, "teams/vision.yaml")


def problems_of(text):
    with pytest.raises(PolicyError) as raised:
        TeamPolicy.from_text(text, "teams/vision.yaml")
    assert str(raised.value).startswith("teams/vision.yaml: ")
    return {problem.field: problem.sentence() for problem in raised.value.problems}


def test_a_file_is_read_as_yaml_1_2(tmp_path):
    file = tmp_path / "vision.yaml"
    file.write_text(POLICY, encoding="utf-8")
    assert TeamPolicy.from_file(file) == policy()


def test_the_canonical_form_reads_back_the_same():
    dumped = policy().model_dump(mode="json")
    assert dumped["allow"]["max_runtime"] == "12h"
    assert TeamPolicy.from_data(dumped) == policy()


def test_a_policy_of_nothing_but_a_team_allows_the_usual():
    allow = TeamPolicy(team="default").allow
    assert allow.instance_types == ["ml.*"]
    assert allow.data == ["data://"]
    assert allow.max_runtime.total_seconds() == 5 * 86_400
    result = check(run(compute={"instance_type": "ml.m5.large"}), TeamPolicy(team="default"))
    assert isinstance(result, Checked)


def test_each_field_says_who_set_it():
    result = check(run(compute={"instance_count": 2}, tags={"mine": "1"}), policy())
    assert isinstance(result, Checked)
    assert result.provenance["compute.instance_count"] == "run"
    assert result.provenance["compute.instance_type"] == "policy"
    assert result.provenance["compute.volume_size_in_gb"] == "default"
    assert result.provenance["tags.cost-centre"] == "policy"
    assert result.resolved.below("tags") == {"purpose": "research", "mine": "1", "cost-centre": "4711"}
    assert result.resolved.spot


def test_the_run_wins_over_a_default_and_loses_to_always():
    result = check(run(compute={"spot": False}, tags={"purpose": "test", "cost-centre": "1"}), policy())
    assert isinstance(result, Checked)
    assert result.resolved.spot is False
    assert result.resolved.below("tags")["purpose"] == "test"
    assert result.resolved.below("tags")["cost-centre"] == "4711"
    assert result.provenance["tags.cost-centre"] == "policy"
    assert result.warnings == ("tags.cost-centre: the team's policy always sets 4711; the run's own value is not used",)


@pytest.mark.parametrize(
    ("fields", "field", "allowed"),
    [
        ({"compute": {"instance_type": "ml.p4d.24xlarge"}}, "compute.instance_type", "ml.m5.*, ml.g5.xlarge"),
        ({"compute": {"instance_count": 5}}, "compute.instance_count", "up to 4"),
        ({"limits": {"max_runtime": "13h"}}, "limits.max_runtime", "up to 12h"),
        (
            {"stopping_condition": {"max_runtime_in_seconds": 50_000}},
            "stopping_condition.max_runtime_in_seconds",
            "up to 12h",
        ),
        ({"image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/x:1"}, "image", "platform"),
        ({"inputs": {"t": "s3://elsewhere/x/"}}, "inputs.t", "data://, s3://acme-shared/calendars/"),
        ({"inputs": {"t": {"s3_uri": "s3://acme-shared/calendars-of-others/"}}}, "inputs.t.s3_uri", "data://"),
    ],
)
def test_what_is_not_allowed_is_refused_where_it_stands(fields, field, allowed):
    found = {problem.field: problem for problem in check(run(**fields), policy())}
    assert found[field].code == "TW201"
    assert allowed in found[field].allowed


def test_what_is_allowed_passes():
    fields = {"inputs": {"a": "s3://acme-shared/calendars/2026/", "b": "plain/", "c": "data://x/"}, "image": "forecast"}
    assert isinstance(check(run(**fields), policy()), Checked)


def test_a_policy_may_name_images_and_uri_patterns():
    text = 'team: a\nallow: {images: [forecast, "123456789012.dkr.ecr.*.amazonaws.com/team/*"]}'
    compute = {"instance_type": "ml.m5.large"}
    uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/{}:1"
    assert isinstance(check(run(image="forecast", compute=compute), policy(text)), Checked)
    assert isinstance(check(run(image=uri.format("team/x"), compute=compute), policy(text)), Checked)
    assert isinstance(check(run(image=uri.format("other/x"), compute=compute), policy(text)), list)
    assert isinstance(check(run(compute=compute), policy(text)), list)  # the silent default is not allowed either


def test_the_longest_runtime_bounds_the_silent_one():
    result = check(run(), policy())
    assert isinstance(result, Checked)
    assert result.resolved.max_runtime == 12 * 3600


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("team: a-b", "team", "no hyphen"),
        ("allow: {}", "team", "missing"),
        ("team: a\nallow: {instance_types: []}", "allow.instance_types", "allows nothing"),
        ("team: a\nallow: {data: []}", "allow.data", "allows nothing"),
        ("team: a\nallow: {data: ['s3://acme']}", "allow.data", "end it in /"),
        ("team: a\nallow: {instance_types: [m5.large]}", "allow.instance_types", "no instance type"),
        ("team: a\nallow: {max_runtime: 12}", "allow.max_runtime", "write 12h"),
        (
            "team: a\nallow: {instance_types: [ml.m5.*]}\ndefault: {compute: {instance_type: ml.p3.2xlarge}}",
            "default.compute.instance_type",
            "outside allow",
        ),
        (
            "team: a\nallow: {max_runtime: 1h}\nalways: {limits: {max_runtime: 2h}}",
            "always.limits.max_runtime",
            "outside allow",
        ),
        ("team: a\nalways: {inputs: {x: 's3://other/'}}", "always.inputs.x", "outside allow"),
        ("team: a\ndefault: {tags: {k: 1}}\nalways: {tags: {k: 2}}", "default.tags.k", "both set this"),
        (
            "team: a\ndefault: {compute: {spot: true}}\nalways: {compute: {enable_managed_spot_training: false}}",
            "default.compute.spot",
            "both set this",
        ),
        ("team: a\nalways: {compute: {spot: false}, limits: {max_wait: 2h}}", "always.limits.max_wait", "spot off"),
        (
            "team: a\nalways: {limits: {max_runtime: 2h, max_wait: 1h}}",
            "always.limits.max_wait",
            "below max_runtime",
        ),
        ("team: a\nalways: {tags: {'aws:x': 1}}", "always.tags.aws:x", "reserved"),
        ("team: a\ncapabilities: {write: ['s3://acme']}", "capabilities.write", "end it in /"),
        ("team: a\ncapabilities: {efs: [efs-1]}", "capabilities.efs[0]", "does not take"),
        ("team: a\nbudget: {monthly_usd: 0}", "budget.monthly_usd", "greater than 0"),
        ("team: a\nbudget: {spot_price: 1.5}", "budget.spot_price", "less than or equal to 1"),
        ("team: a\nbudget: {max_cost_usd: 50, monthly_usd: 40}", "budget.max_cost_usd", "a month has 40 USD"),
        (
            "team: a\nbudget: {max_cost_usd: 5}\ndefault: {limits: {max_cost_usd: 6}}",
            "default.limits.max_cost_usd",
            "outside allow",
        ),
        (
            "team: a\nallow: {fallback: false}\nalways: {compute: {fallback: on_demand}}",
            "always.compute.fallback",
            "outside allow",
        ),
        (
            "team: a\nwarm_pool: {instance_type: ml.g5.xlarge, instances: 1}",
            "warm_pool",
            "no run may keep machines",
        ),
        (
            "team: a\nallow: {instance_types: [ml.m5.*]}\ncapabilities: {keep_alive: 1h}\n"
            "warm_pool: {instance_type: ml.g5.xlarge, instances: 1}",
            "warm_pool.instance_type",
            "none could use the pool",
        ),
        ("team: a\nwarm_pool: {instances: 1}", "warm_pool.instance_type", "missing"),
        ("team: a\nrecovery: {queue: 12}", "recovery.queue", "write 12h"),
        ("team: a\nrecovery: {max_volume: 100}", "recovery.max_volume", "without its unit"),
        ("team: a\nrecovery: {internal_errors: 31}", "recovery.internal_errors", "less than or equal to 30"),
        ("team: a\nrecovery: {lanch: sync}", "recovery.lanch", "did you mean launch?"),
        ("team: a\nalways: {overrides: {X: 1}}", "always.overrides.X", "outside allow"),
        ("team: a\ndefault: {remote_debug: true}", "default.remote_debug", "not provisioned for team a"),
        ("team: a\nalow: {}", "alow", "did you mean allow?"),
        (
            "team: a\ndefault: {compute: {instace_type: x}}",
            "default.compute.instace_type",
            "did you mean instance_type?",
        ),
        ("team: a\ntime_zone: Mars/Olympus", "time_zone", "no time zone"),
        ("[1, 2]", "(the document)", "no policy"),
        ("team: [", "(the document)", "no YAML"),
    ],
)
def test_fails_when_a_policy_contradicts_itself(text, field, words):
    assert words in problems_of(text)[field]


def test_several_problems_are_told_at_once():
    found = problems_of("team: A\nallow: {instance_types: []}\nbudget: 3")
    assert set(found) == {"team", "allow.instance_types", "budget"}


def test_a_policy_made_by_hand_checks_itself():
    with pytest.raises(ValidationError, match="outside allow"):
        TeamPolicy(team="a", allow={"max_instance_count": 1}, default={"compute": {"instance_count": 2}})


def test_what_a_policy_does_not_say_of_money_and_recovery_has_a_default():
    silent = TeamPolicy(team="a")
    assert (silent.budget.max_cost_usd, silent.budget.monthly_usd, silent.budget.spot_price) == (None, None, 0.4)
    assert silent.warm_pool is None
    assert silent.allow.fallback
    recovery = silent.recovery
    assert (recovery.internal_errors, recovery.queue.total_seconds(), recovery.max_volume) == (3, 12 * 3600, 1024)
    assert (recovery.bigger_volume, recovery.launch, recovery.on_demand) == (True, "sync", "ladder")
    assert (recovery.infra_check, recovery.retries) == (None, None)


def test_money_warm_pool_and_recovery_are_read_and_written_the_same():
    text = """
team: a
capabilities: {keep_alive: 1h}
budget: {max_cost_usd: 25, monthly_usd: 400, spot_price: 0.3}
warm_pool: {instance_type: ml.g5.xlarge, instances: 2, keep_after_stop: true, without_quota: refuse}
recovery: {internal_errors: 0, queue: 0s, bigger_volume: false, max_volume: 2 TB, launch: callback,
  on_demand: preferences, infra_check: true, retries: 5}
"""
    read = policy(text)
    assert read.recovery.queue.total_seconds() == 0
    assert read.recovery.max_volume == 2048
    assert TeamPolicy.from_data(read.model_dump(mode="json")) == read


def test_the_policys_cap_holds_where_a_run_names_none():
    text = "team: a\nbudget: {max_cost_usd: 25}"
    gpu = {"instance_type": "ml.g5.xlarge"}
    silent = check(run(compute=gpu), policy(text))
    assert (silent.resolved.get("limits", "max_cost_usd"), silent.provenance["limits.max_cost_usd"]) == (25, "policy")
    lower = check(run(compute=gpu, limits={"max_cost_usd": 7}), policy(text))
    assert (lower.resolved.get("limits", "max_cost_usd"), lower.provenance["limits.max_cost_usd"]) == (7, "run")


def test_health_of_accelerated_types_is_filled_where_a_run_is_silent():
    text = "team: a\nrecovery: {infra_check: true, retries: 5}"
    health = [("infra_check_config", "enable_infra_check"), ("retry_strategy", "maximum_retry_attempts")]

    def filled(**fields):
        result = check(run(**fields), policy(text))
        return [result.resolved.get(*leaf) for leaf in health]

    assert filled(compute={"instance_type": "ml.g5.xlarge"}) == [True, 5]
    assert filled(compute={"instance_type": "ml.g5.xlarge"}, health={"infra_check": False, "retries": 1}) == [False, 1]
    assert filled(compute={"instance_type": "ml.m5.large"}) == [None, None]


NAMES = ["team", "allow", "default", "always", "compute", "tags", "images", "x"]
NAMES += ["budget", "warm_pool", "recovery", "queue", "monthly_usd", "max_cost_usd"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(NAMES),
                inner,
                max_size=4,
            )
        ),
        max_leaves=10,
    )
)
@settings(max_examples=200, deadline=None)
def test_any_data_is_a_policy_or_a_policy_error(data):
    try:
        assert TeamPolicy.from_data(data).team
    except PolicyError as error:
        assert error.problems


def test_awss_own_evaluator_of_rules_is_no_image_of_anybodys():
    text = "team: a\nallow: {images: [platform]}"
    rule = {"rule_configuration_name": "r", "rule_evaluator_image": debugger_rules_image("eu-west-1")}
    gpu = {"instance_type": "ml.g5.xlarge"}
    assert isinstance(check(run(compute=gpu, debugger=True, debug_rule_configurations=[rule]), policy(text)), Checked)


def test_hub_content_of_awss_own_is_anybodys():
    hub = {"dataset_arn": "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/DataSet/d"}
    assert isinstance(
        check(run(compute={"instance_type": "ml.m5.large"}, inputs={"t": hub}), policy("team: a")), Checked
    )


def test_the_teams_own_network_needs_no_capability():
    network = {"subnets": ["subnet-own", "subnet-other"], "security_group_ids": ["sg-own"]}
    data = run(compute={"instance_type": "ml.m5.large"}, network=network)
    site = Site(subnets=("subnet-own",), security_groups=("sg-own",))
    found = check(data, TeamPolicy(team="vision"), site=site)
    assert [problem.field for problem in found] == ["network.subnets"]
    assert "capabilities.vpc.subnets: [subnet-other]" in found[0].problem
    allowed = {"vpc": {"subnets": ["subnet-other"]}}
    assert isinstance(
        check(data, TeamPolicy.from_data({"team": "vision", "capabilities": allowed}), site=site), Checked
    )


def test_notices_have_addresses_and_events():
    notices = TeamPolicy.from_data({"team": "vision"}).notices
    assert (notices.email, notices.events) == ([], ["failed", "finished", "budget", "finding"])
    said = {"email": ["a+b@mail.example.com"], "events": ["failed", "refused", "failed"]}
    policy = TeamPolicy.from_data({"team": "vision", "notices": said})
    assert policy.notices.events == ["failed", "refused"]
    assert TeamPolicy.from_data(policy.model_dump(mode="json")) == policy


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"email": ["team"]}, "'team' is no e-mail address"),
        ({"email": ["a@example.com\nBcc: b@example.com"]}, "is no e-mail address"),
        ({"email": ["a@example.com, b@example.com"]}, "is no e-mail address"),
        ({"email": ["a@example.com", "A@Example.com"]}, "an address is listed twice"),
        ({"email": [f"a{number}@example.com" for number in range(101)]}, "101 addresses are given"),
        ({"events": ["failure"]}, "this is none of the choices"),
        ({"emails": []}, "did you mean email"),
    ],
)
def test_fails_when_notices_cannot_be_sent(said, problem):
    with pytest.raises(PolicyError, match=problem):
        TeamPolicy.from_data({"team": "vision", "notices": said})
