"""Metrics, alarms and the dashboard: what the tables say is what the templates hold."""

import importlib.util
import json
import re
import sys
from itertools import combinations
from pathlib import Path

import pytest

from trainwright_runtime.run_metrics import METRICS

ROOT = Path(__file__).resolve().parents[2]
WIDGET_KEYS = {"type", "x", "y", "width", "height", "properties"}
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
METRIC_PROPERTIES = {
    *("annotations", "legend", "liveData", "metrics", "period", "region", "setPeriodToTimeRange", "stacked", "stat"),
    *("title", "view", "yAxis", "sparkline"),
}
RENDERING = {"label", "period", "stat", "id", "visible", "expression", "color", "yAxis", "region"}
NAMES = {metric.name for metric in METRICS}


@pytest.fixture(scope="session")
def unwritten(tmp_path_factory):
    """`unwritten(alarms=...)`: a stack with a platform and its one team, not synthesised yet, and the team."""

    def made(*, on_platform=None, **team_props):
        import aws_cdk as cdk

        from trainwright import TeamPolicy, TrainingPlatform, TrainingTeam

        stack = cdk.Stack(cdk.App(outdir=str(tmp_path_factory.mktemp("monitoring"))), "Training")
        platform = TrainingPlatform(stack, "Platform", **on_platform or {})
        policy = TeamPolicy.from_data({"team": "vision"})
        return stack, TrainingTeam(stack, "Team", platform=platform, policy=policy, **team_props)

    return made


@pytest.fixture(scope="session")
def one_stack(unwritten):
    """`one_stack(lambda team: ..., alarms=...)`: the resources of a platform and its one team."""

    def made(change=lambda team: None, **props):
        stack, team = unwritten(**props)
        change(team)
        return stack.node.root.synth().get_stack_by_name("Training").template["Resources"]

    return made


@pytest.fixture(scope="session")
def plain(one_stack):
    return one_stack()


def of_type(resources, kind):
    return {key: each["Properties"] for key, each in resources.items() if each["Type"] == kind}


def alarms(resources):
    """The team's alarms by the last part of their logical ids, such as `FailedRuns`."""
    found = of_type(resources, "AWS::CloudWatch::Alarm")
    return {re.search(r"Alarms([A-Za-z]+?)[0-9A-F]{8}$", key)[1]: alarm for key, alarm in found.items()}


# --- alarms ---


def test_every_team_has_the_alarms_of_the_table(plain):
    from trainwright import DEFAULT_ALARMS

    found = alarms(plain)
    assert {name.lower() for name in found} == {name.replace("_", "") for name in DEFAULT_ALARMS}
    for alarm in found.values():
        assert alarm["TreatMissingData"] == "notBreaching", "no run is no reason for an alarm"
        assert "vision" in alarm["AlarmDescription"]
        assert "{" not in alarm["AlarmDescription"]
        assert len(alarm["AlarmDescription"]) <= 1024
        assert "AlarmActions" not in alarm


def test_alarm_on_training_that_was_thrown_away(plain):
    alarm = alarms(plain)["RestartedFromZero"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Trainwright", "RestartedFromZero")
    assert alarm["Dimensions"] == [{"Name": "team", "Value": "vision"}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Sum", 300, 1)


def test_alarm_on_lost_work_adds_up_a_day(plain):
    alarm = alarms(plain)["LostWork"]
    assert (alarm["Statistic"], alarm["Period"]) == ("Sum", 86400)
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (4 * 3600, "GreaterThanOrEqualToThreshold")


def test_alarms_on_functions_watch_the_teams_own(plain):
    for name, part in (("CloseErrors", "FunctionsClose"), ("ReportErrors", "FunctionsReport")):
        alarm = alarms(plain)[name]
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
        [dimension] = alarm["Dimensions"]
        assert part in dimension["Value"]["Ref"]


def test_an_alarm_has_another_threshold_or_is_left_out_or_added(one_stack):
    import aws_cdk as cdk

    from trainwright import DEFAULT_ALARMS, AlarmThreshold

    dear = AlarmThreshold(
        metric="CostUsd", statistic="Sum", period=cdk.Duration.days(1), threshold=500, description="dear {team}"
    )
    changes = {"failed_runs": DEFAULT_ALARMS["failed_runs"].but(threshold=10), "lost_work": None, "dear_day": dear}
    found = alarms(one_stack(alarms=changes))
    assert len(found) == len(DEFAULT_ALARMS)
    assert found["FailedRuns"]["Threshold"] == 10
    assert found["FailedRuns"]["AlarmDescription"].startswith("10 runs of team vision or more failed within 1 h.")
    assert "LostWork" not in found
    assert (found["DearDay"]["MetricName"], found["DearDay"]["AlarmDescription"]) == ("CostUsd", "dear vision")


def test_a_platform_may_do_without_any(one_stack):
    from trainwright import DEFAULT_ALARMS

    resources = one_stack(alarms=dict.fromkeys(DEFAULT_ALARMS), on_platform={"dashboard": False})
    assert [each["Type"] for each in resources.values() if each["Type"].startswith("AWS::CloudWatch")] == []


def row(**changes):
    import aws_cdk as cdk

    from trainwright import AlarmThreshold

    said = {"metric": "CostUsd", "statistic": "Sum", "period": cdk.Duration.hours(1), "threshold": 1}
    return AlarmThreshold(**{**said, "description": "d", **changes})


def test_fails_when_a_threshold_cannot_be(unwritten):
    import aws_cdk as cdk

    with pytest.raises(ValueError, match="no metric 'CostsUsd' of runs"):
        row(metric="CostsUsd")
    with pytest.raises(ValueError, match="watches 'Errors', not 'CostUsd'"):
        row(function="close")
    with pytest.raises(ValueError, match="cover 691200 seconds"):
        row(period=cdk.Duration.days(1), evaluation_periods=8)
    with pytest.raises(ValueError, match="takes a day"):
        row(period=cdk.Duration.minutes(5), evaluation_periods=289)
    with pytest.raises(ValueError, match="no alarm failed_run to do without"):
        unwritten(alarms={"failed_run": None})


def test_alarms_go_to_a_topic_that_takes_them_from_cloudwatch(one_stack):
    def change(team):
        from aws_cdk import aws_kms as kms
        from aws_cdk import aws_sns as sns

        key = kms.Key(team, "TopicKey")
        team.send_alarms(sns.Topic(team, "Operators", enforce_ssl=True, master_key=key))

    resources = one_stack(change)
    [topic] = [key for key in of_type(resources, "AWS::SNS::Topic") if "Operators" in key]
    assert all(alarm["AlarmActions"] == [{"Ref": topic}] for alarm in alarms(resources).values())
    policies = of_type(resources, "AWS::SNS::TopicPolicy").values()
    [policy] = [each for each in policies if each["Topics"] == [{"Ref": topic}]]
    [allow] = [each for each in policy["PolicyDocument"]["Statement"] if each["Effect"] == "Allow"]
    assert (allow["Action"], allow["Principal"]) == ("sns:Publish", {"Service": "cloudwatch.amazonaws.com"})
    assert allow["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    [key] = [each for name, each in of_type(resources, "AWS::KMS::Key").items() if "TopicKey" in name]
    [use] = [each for each in key["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
    assert use["Action"] == ["kms:Decrypt", "kms:GenerateDataKey*"]


def test_some_alarms_go_somewhere_else(unwritten):
    from aws_cdk import aws_sns as sns

    stack, team = unwritten()
    topic = sns.Topic(stack, "Money")
    team.send_alarms(topic, ["budget_used"])
    arns = {name: stack.resolve(alarm.node.default_child.alarm_actions) for name, alarm in team.alarms.items()}
    assert {name: found for name, found in arns.items() if found} == {"budget_used": [stack.resolve(topic.topic_arn)]}
    with pytest.raises(ValueError, match="has no alarm 'budget'; it has restarted_from_zero"):
        team.send_alarms(topic, ["budget"])


def test_a_rule_hears_of_all_alarms_or_of_those_it_names(one_stack):
    def change(team):
        from aws_cdk import aws_events_targets as targets
        from aws_cdk import aws_sqs as sqs

        queue = targets.SqsQueue(sqs.Queue(team, "Queue"))
        team.on_alarm("Any", queue)
        team.on_restarted_from_zero("Zero", queue)
        team.on_succeeded("Good", queue)

    resources = one_stack(change)
    patterns = {key: rule.get("EventPattern") for key, rule in of_type(resources, "AWS::Events::Rule").items()}
    [any_alarm] = [pattern for key, pattern in patterns.items() if "TeamAny" in key]
    keys = of_type(resources, "AWS::CloudWatch::Alarm")
    assert any_alarm == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "resources": [{"Fn::GetAtt": [key, "Arn"]} for key in keys],
        "detail": {"state": {"value": ["ALARM"]}},
    }
    [zero] = [pattern for key, pattern in patterns.items() if "TeamZero" in key]
    [alarm] = [key for key in keys if "RestartedFromZero" in key]
    assert zero["resources"] == [{"Fn::GetAtt": [alarm, "Arn"]}]
    [good] = [pattern for key, pattern in patterns.items() if "Good" in key]
    assert good["detail"]["status"] == ["SUCCEEDED"]


# --- metrics ---


def test_each_metric_of_the_table_has_a_method_or_is_taken_by_its_name(unwritten):
    import aws_cdk as cdk

    _, team = unwritten()
    named = [name for name in dir(team) if name.startswith("metric_")]
    found = {name: getattr(team, name)(period=cdk.Duration.hours(2)) for name in named}
    assert {metric.period.to_hours() for metric in found.values()} == {2}
    seen = {name: metric.metric_name for name, metric in found.items()}
    own = {"metric_succeeded": "ExecutionsSucceeded", "metric_failed": "ExecutionsFailed"}
    assert own.items() <= seen.items()
    assert set(seen.values()) - set(own.values()) == NAMES - {"SucceededCount", "FailedCount"}
    assert team.metric("GoodputPercent").statistic == "Average"
    with pytest.raises(ValueError, match="no metric 'Goodput' of runs"):
        team.metric("Goodput")


# --- the dashboard ---


def joined(value):
    """The text of a property, with `eu-west-1` for what CloudFormation fills in."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else "eu-west-1" for part in value["Fn::Join"][1])


@pytest.fixture(scope="session")
def body(plain):
    [dashboard] = of_type(plain, "AWS::CloudWatch::Dashboard").values()
    return json.loads(joined(dashboard["DashboardBody"]))


def entries(body):
    """Every line of every chart: a metric with its dimension, or an expression, as [parts, rendering]."""
    for widget in body["widgets"]:
        for line in widget["properties"].get("metrics", []):
            yield (
                [part for part in line if isinstance(part, str)],
                next((part for part in line if isinstance(part, dict)), {}),
            )


def test_there_is_one_dashboard_a_platform(synthesised, tools):
    for name, template in synthesised("app").templates.items():
        dashboards = tools.resources(template, "AWS::CloudWatch::Dashboard")
        assert len(dashboards) == (name == "training-platform")


def test_widgets_are_of_the_documented_form(body):
    assert body["start"] == "-P28D"
    for widget in body["widgets"]:
        assert widget.keys() == WIDGET_KEYS
        assert widget["type"] in ("metric", "text")
        if widget["type"] == "text":
            assert widget["properties"].keys() <= {"markdown", "background"}
            continue
        said = widget["properties"]
        assert said.keys() <= METRIC_PROPERTIES
        assert said["region"] == "eu-west-1"
        assert said["view"] in ("timeSeries", "singleValue")
        assert said.get("period", 86400) % 60 == 0


def test_widgets_neither_overlap_nor_leave_the_grid(body):
    def fields(widget):
        return {
            (widget["x"] + right, widget["y"] + down)
            for right in range(widget["width"])
            for down in range(widget["height"])
        }

    placed = [fields(widget) for widget in body["widgets"]]
    assert all(x < 24 for widget in placed for x, _ in widget)
    assert not [1 for one, other in combinations(placed, 2) if one & other]


def test_lines_are_metrics_that_runs_write_of_the_team_that_is_chosen(body):
    shown = set()
    for parts, rendering in entries(body):
        assert rendering.keys() <= RENDERING
        if "expression" in rendering:
            assert parts == []
            continue
        namespace, name, dimension, value = parts
        assert (namespace, dimension, value) == ("Trainwright", "team", "vision")
        shown.add(name)
    assert shown == NAMES, "each metric of the table is on the dashboard"


def test_expressions_use_what_their_chart_has(body):
    search = re.compile(r"SEARCH\('\{Trainwright,team\} MetricName=\"(\w+)\"', '(Sum|Average|Maximum)', 86400\)")
    seen = 0
    for widget in body["widgets"]:
        lines = widget["properties"].get("metrics", [])
        said = [part for line in lines for part in line if isinstance(part, dict)]
        ids = {each["id"] for each in said if "id" in each}
        for expression in [each["expression"] for each in said if "expression" in each]:
            seen += 1
            if found := search.fullmatch(expression):
                assert found[1] in NAMES
            else:
                assert set(re.findall(r"[a-z_]+", expression)) <= ids
    assert seen == 3


def test_the_team_is_chosen_from_those_that_have_metrics(body):
    [variable] = body["variables"]
    assert (variable["type"], variable["property"], variable["inputType"]) == ("property", "team", "select")
    assert variable["populateFrom"] == "team"
    assert re.fullmatch(r'\{Trainwright,team\} MetricName="(\w+)"', variable["search"])[1] in NAMES
    assert variable["defaultValue"] == "vision"


def test_the_default_teams_dashboard_shows_the_default_team(build, tools):
    [dashboard] = tools.resources(build("plain"), "AWS::CloudWatch::Dashboard").values()
    [variable] = json.loads(joined(dashboard["Properties"]["DashboardBody"]))["variables"]
    assert variable["defaultValue"] == "default"


def test_lines_of_alarms_are_the_tables(body):
    from trainwright import DEFAULT_ALARMS

    drawn = {
        widget["properties"]["title"]: each["value"]
        for widget in body["widgets"]
        for each in widget["properties"].get("annotations", {}).get("horizontal", [])
    }
    assert drawn == {
        "Longest wait in a run": DEFAULT_ALARMS["queue_time"].threshold,
        "Training done again": DEFAULT_ALARMS["lost_work"].threshold,
        "Share of the month's budget": DEFAULT_ALARMS["budget_used"].threshold,
    }


# --- what it costs while nobody trains ---


def test_every_type_in_the_platforms_and_teams_stacks_has_a_price(synthesised):
    prices = price_at_rest()
    found = {**synthesised("app").templates, **synthesised("teams").templates}
    for name in ("training-platform", "training-research", "training-vision", "training-forecast"):
        assert prices.bill(found[name]).unknown == {}, f"{name}: add them to tools/price_at_rest.py"


def test_a_team_with_its_key_and_the_platform_stay_below_their_aims(synthesised):
    prices, found = price_at_rest(), synthesised("app").templates
    assert prices.bill(found["training-research"]).total + prices.KEY.usd < prices.TEAM_AIM
    assert prices.bill(found["training-platform"]).total < prices.PLATFORM_AIM


def price_at_rest():
    spec = importlib.util.spec_from_file_location("price_at_rest", ROOT / "tools/price_at_rest.py")
    module = sys.modules["price_at_rest"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_on_monitoring_is_current():
    spec = importlib.util.spec_from_file_location("monitoring_page", ROOT / "tools/monitoring_page.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    text = tool.PAGE.read_text(encoding="utf-8")
    assert text == tool.page(text), "python tools/monitoring_page.py"
    for part in tool.PARTS:
        assert f"<!-- made: {part} -->" in text
