"""The state machine and what surrounds it: versions that stay, logs without data, the rule behind it."""

import json

import pytest


@pytest.fixture(scope="session")
def research(synthesised):
    return synthesised("app").templates["training-research"]


def test_definition_names_published_versions_that_are_kept(research, tools):
    (machine,) = tools.resources(research, "AWS::StepFunctions::StateMachine").values()
    substitutions = dict(machine["Properties"]["DefinitionSubstitutions"])
    assert substitutions.pop("Partition") == {"Ref": "AWS::Partition"}
    assert sorted(substitutions) == [
        *("AssessFunction", "GiveUpFunction", "LaunchFunction", "PrepareFunction", "ReportFunction")
    ]
    for name, reference in substitutions.items():
        version = research["Resources"][reference["Ref"]]
        assert version["Type"] == "AWS::Lambda::Version", name
        assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Retain", "Retain"), name


def test_state_machine_logs_everything_but_data(research, tools):
    (machine,) = tools.resources(research, "AWS::StepFunctions::StateMachine").values()
    logging = machine["Properties"]["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    (destination,) = logging["Destinations"]
    group = research["Resources"][destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]]
    assert group["Properties"]["LogGroupName"]["Fn::Join"][1][0] == "/aws/vendedlogs/states/trainwright-research-"
    assert machine["Properties"]["TracingConfiguration"] == {"Enabled": True}
    assert machine["Properties"]["StateMachineType"] == "STANDARD"


def test_deployed_definition_is_the_pure_functions(research, tools):
    from trainwright.workflow import definition

    (machine,) = tools.resources(research, "AWS::StepFunctions::StateMachine").values()
    assert json.loads(machine["Properties"]["DefinitionString"]) == definition()
    assert definition()["TimeoutSeconds"] < 60 * 86400, "a run must not outlive its checkpoints"


def test_close_hears_of_executions_that_ended_without_a_report(research, tools):
    (machine,) = tools.resources(research, "AWS::StepFunctions::StateMachine")
    assert _rule_for(research, tools, "Close")["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [{"Ref": machine}], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
    }


def test_answer_hears_of_the_teams_jobs_that_have_ended(research, tools):
    """A team's name holds no hyphen, so that the prefix is no other team's."""
    assert _rule_for(research, tools, "Answer")["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker Training Job State Change"],
        "detail": {
            "TrainingJobName": [{"prefix": "research-"}],
            "TrainingJobStatus": ["Completed", "Failed", "Stopped"],
        },
    }


def test_reconcile_comes_every_hour(research, tools):
    assert _rule_for(research, tools, "Reconcile")["ScheduleExpression"] == "rate(1 hour)"


def test_digest_hears_of_training_jobs_and_of_the_jobs_of_their_rules_and_comes_every_hour(research, tools):
    rules = _rules_for(research, tools, "Digest")
    assert sorted(rule.get("ScheduleExpression", "") for rule in rules) == ["", "", "rate(1 hour)"]
    jobs = [rule["EventPattern"] for rule in rules if "EventPattern" in rule]
    ended = ["Completed", "Failed", "Stopped"]
    assert sorted(jobs, key=json.dumps, reverse=True) == [
        {
            "source": ["aws.sagemaker"],
            "detail-type": [f"SageMaker {kind} Job State Change"],
            "detail": {f"{kind}JobName": [{"prefix": "research-"}], f"{kind}JobStatus": ended},
        }
        for kind in ("Training", "Processing")
    ]


def test_digest_has_a_cpu_and_the_time_for_much_to_read(research, tools):
    (digest,) = [
        function["Properties"]
        for function in tools.resources(research, "AWS::Lambda::Function").values()
        if function["Properties"]["Handler"].endswith(".digest.handler")
    ]
    assert (digest["MemorySize"], digest["Timeout"]) == (1769, 900)


def _rule_for(template, tools, function):
    """The one rule whose target is the function, which it may call."""
    (rule,) = _rules_for(template, tools, function)
    return rule


def _rules_for(template, tools, function):
    """The rules whose target is the function, which each of them may call."""
    found = [
        (key, rule["Properties"], target["Arn"]["Fn::GetAtt"][0])
        for key, rule in tools.resources(template, "AWS::Events::Rule").items()
        for target in rule["Properties"]["Targets"]
    ]
    mine = [each for each in found if f"Functions{function}" in each[2]]
    for key, _, name in mine:
        permissions = [
            p["Properties"]
            for p in tools.resources(template, "AWS::Lambda::Permission").values()
            if p["Properties"]["FunctionName"] == {"Fn::GetAtt": [name, "Arn"]}
        ]
        assert {p["Principal"] for p in permissions} == {"events.amazonaws.com"}
        assert {"Fn::GetAtt": [key, "Arn"]} in [p["SourceArn"] for p in permissions]
    return [rule for _, rule, _ in mine]


def test_functions_are_arm64_traced_and_log_to_their_own_group(every_template, tools):
    for name, template in every_template.items():
        groups = set()
        for key, function in tools.resources(template, "AWS::Lambda::Function").items():
            properties = function["Properties"]
            assert properties["Architectures"] == ["arm64"], f"{name}: {key}"
            assert properties["TracingConfig"] == {"Mode": "Active"}, f"{name}: {key}"
            assert properties["Handler"].startswith("trainwright_runtime.handlers."), f"{name}: {key}"
            assert len(properties["Layers"]) == 1, f"{name}: {key}"
            groups.add(properties["LoggingConfig"]["LogGroup"]["Ref"])
        assert len(groups) == len(tools.resources(template, "AWS::Lambda::Function"))


def test_one_code_asset_and_one_layer_serve_all_functions(every_template, tools):
    functions = [f for t in every_template.values() for f in tools.resources(t, "AWS::Lambda::Function").values()]
    layers = [x for t in every_template.values() for x in tools.resources(t, "AWS::Lambda::LayerVersion").values()]
    assert len({json.dumps(f["Properties"]["Code"]) for f in functions}) == 1
    assert len({json.dumps(x["Properties"]["Content"]) for x in layers}) == 1
    assert all(len(tools.resources(t, "AWS::Lambda::LayerVersion")) == 1 for t in every_template.values())


def test_workflow_functions_know_their_team(research, tools):
    wanted = {
        *("TEAM", "DATA_BUCKET", "ARTIFACTS_BUCKET", "CHECKPOINTS_BUCKET", "REPORTS_BUCKET", "RUNS_TABLE"),
        *("EXECUTION_ROLE_ARN", "POLICY_PARAMETER", "IMAGE_PARAMETERS", "VPC_SUBNETS", "VPC_SECURITY_GROUPS"),
        *("KMS_KEY_ARN", "LOG_GROUP", "QUOTA_PARAMETERS", "NOTICES_TOPIC", "CHAT_TOPIC"),
    }
    for key, function in tools.resources(research, "AWS::Lambda::Function").items():
        variables = function["Properties"]["Environment"]["Variables"]
        assert {f"TRAINWRIGHT_{name}" for name in wanted} == variables.keys() - {"POWERTOOLS_SERVICE_NAME"}, key
        assert variables["TRAINWRIGHT_TEAM"] == "research"


def test_team_parameter_says_where_the_team_is(research, tools):
    parameters = tools.resources(research, "AWS::SSM::Parameter").values()
    (team,) = [p["Properties"] for p in parameters if p["Properties"]["Name"] == "/trainwright/teams/research"]
    facts = json.loads("".join(part if isinstance(part, str) else "x" for part in team["Value"]["Fn::Join"][1]))
    assert sorted(facts) == [
        *("account", "artifacts_bucket", "chat_topic", "checkpoints_bucket", "data_bucket", "execution_role_arn"),
        *(
            "kms_key_arn",
            "log_group",
            "notices_topic",
            "policy_parameter",
            "region",
            "reports_bucket",
            "runs_table",
            "schema",
            "security_groups",
        ),
        *("state_machine_arn", "subnets", "team"),
    ]
    assert facts["policy_parameter"] == "/trainwright/teams/research/policy"
    assert (facts["subnets"], facts["security_groups"], facts["kms_key_arn"]) == ([], [], None)


def test_team_parameter_says_in_what_network_and_with_what_key_jobs_run(synthesised, tools):
    """Its parts as CloudFormation would fill them in: the platform's subnets are a list that only it knows."""
    vision = synthesised("teams").templates["training-vision"]
    parameters = tools.resources(vision, "AWS::SSM::Parameter").values()
    (team,) = [p["Properties"] for p in parameters if p["Properties"]["Name"] == "/trainwright/teams/vision"]
    facts = json.loads(_filled_in(team["Value"], vision["Parameters"]))
    assert facts["subnets"] == ["subnet-a", "subnet-b"]
    assert facts["security_groups"] == ["x"]
    assert facts["kms_key_arn"] == "x"


def _filled_in(value, parameters):
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        delimiter, items = value["Fn::Join"]
        if isinstance(items, dict):
            assert parameters[items["Ref"]]["Default"] == "/trainwright/platform/subnets"
            items = ["subnet-a", "subnet-b"]
        return delimiter.join(_filled_in(item, parameters) for item in items)
    return "x"


def test_policy_parameter_reads_back_as_the_policy(research, tools):
    from pathlib import Path

    from trainwright import TeamPolicy

    parameters = tools.resources(research, "AWS::SSM::Parameter").values()
    (text,) = [p["Properties"]["Value"] for p in parameters if p["Properties"]["Name"].endswith("/policy")]
    file = Path(__file__).resolve().parents[2] / "teams/research.yaml"
    assert TeamPolicy.from_data(json.loads(text)) == TeamPolicy.from_file(file)


def test_metrics_and_events_for_operators(synthesised, tools):
    forecast = synthesised("teams").templates["training-forecast"]
    alarms = [alarm["Properties"] for alarm in tools.resources(forecast, "AWS::CloudWatch::Alarm").values()]
    assert {alarm["MetricName"]: alarm["Threshold"] for alarm in alarms}["CostUsd"] == 500
    assert all(len(alarm["AlarmActions"]) == 1 for alarm in alarms)
    rules = tools.resources(forecast, "AWS::Events::Rule")
    (tell,) = [rule for key, rule in rules.items() if "TellOperators" in key]
    assert "FAILED" in tell["Properties"]["EventPattern"]["detail"]["status"]


def test_metrics_and_the_alarm_can_be_sent_on(tmp_path):
    import aws_cdk as cdk
    from aws_cdk import aws_events_targets as targets
    from aws_cdk import aws_sns as sns

    from trainwright import TrainingPlatform

    app = cdk.App(outdir=str(tmp_path))
    stack = cdk.Stack(app, "Training")
    team = TrainingPlatform(stack, "Platform").default_team
    team.on_restarted_from_zero("Tell", targets.SnsTopic(sns.Topic(stack, "Operators")))
    team.metric_cost_usd(period=cdk.Duration.hours(1)).create_alarm(stack, "Dear", threshold=100, evaluation_periods=1)
    found = app.synth().get_stack_by_name("Training").template["Resources"]
    (rule,) = [r["Properties"] for key, r in found.items() if r["Type"] == "AWS::Events::Rule" and "Tell" in key]
    (alarm,) = [key for key, r in found.items() if "RestartedFromZero" in key and r["Type"].endswith("::Alarm")]
    assert rule["EventPattern"] == {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "resources": [{"Fn::GetAtt": [alarm, "Arn"]}],
        "detail": {"state": {"value": ["ALARM"]}},
    }
    (dear,) = [r["Properties"] for key, r in found.items() if key.startswith("Dear")]
    assert (dear["MetricName"], dear["Statistic"], dear["Period"]) == ("CostUsd", "Sum", 3600)
    assert dear["Dimensions"] == [{"Name": "team", "Value": "default"}]
