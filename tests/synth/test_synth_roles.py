"""What each role may do: no more than its work, fenced to its team, and the team policy in the conditions."""

import json

import pytest


@pytest.fixture(scope="session")
def research(synthesised):
    return synthesised("app").templates["training-research"]


@pytest.fixture(scope="session")
def vision(synthesised):
    return synthesised("teams").templates["training-vision"]


def test_workflow_role_may_do_exactly_this(research, tools):
    assert tools.actions(tools.role_named(research, "WorkflowRole")) == {
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:StopTrainingJob",
        "sagemaker:AddTags",
        "sagemaker:ListTags",
        "iam:PassRole",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
        "lambda:InvokeFunction",
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    }


RECORD = {"dynamodb:GetItem", "dynamodb:UpdateItem"}
SETTLE = {*RECORD, "s3:PutObject", "s3:GetObject", "s3:ListBucket"}
LOOK = {
    *("logs:DescribeLogStreams", "logs:GetLogEvents", "cloudwatch:GetMetricData"),
    *("sagemaker:DescribeTrainingJob", "sagemaker:ListTags"),
}
TELL = "sns:Publish"
ANSWER = {"states:SendTaskSuccess", "states:SendTaskFailure"}
FUNCTIONS = {
    "Prepare": {
        *(*RECORD, "dynamodb:PutItem", "ssm:GetParameter", "s3:PutObject", "s3:ListBucket"),
        *("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "pricing:GetProducts"),
        *("servicequotas:GetServiceQuota", "servicequotas:GetAWSDefaultServiceQuota"),
        *("servicequotas:ListServiceQuotas", "servicequotas:ListAWSDefaultServiceQuotas"),
        TELL,
    },
    "Launch": {
        *(*RECORD, "sagemaker:CreateTrainingJob", "sagemaker:AddTags", "sagemaker:ListTags", "iam:PassRole"),
        *("sagemaker:DescribeTrainingJob", *ANSWER),
    },
    "Assess": {*SETTLE, *LOOK, "sagemaker:StopTrainingJob"},
    "Report": {
        *(*SETTLE, "dynamodb:PutItem", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob"),
        *("sagemaker:UpdateTrainingJob", "cloudwatch:GetMetricData", TELL),
    },
    "GiveUp": {*RECORD, "s3:GetObject", "s3:ListBucket", *ANSWER},
    "Answer": {"dynamodb:GetItem", "states:SendTaskSuccess"},
    "Close": {
        *(*SETTLE, *LOOK, "dynamodb:PutItem", "sagemaker:StopTrainingJob", "sagemaker:UpdateTrainingJob"),
        *("states:DescribeExecution", TELL),
    },
    "Reconcile": {TELL, *SETTLE, "dynamodb:PutItem", "cloudwatch:GetMetricData", "sagemaker:DescribeTrainingJob"},
    "Digest": {
        *(TELL, *SETTLE, "dynamodb:PutItem", "cloudwatch:GetMetricData"),
        *("sagemaker:DescribeTrainingJob", "sagemaker:DescribeProcessingJob"),
    },
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_may_do_exactly_this(research, tools, function):
    every = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    role, given = tools.given(research, f"{function}Role")
    assert tools.actions(role) | {action for statement in given for action in statement["Action"]} == (
        FUNCTIONS[function] | every
    )


def test_every_function_of_the_team_is_named_here(research, tools):
    handlers = {f["Properties"]["Handler"].split(".")[-2] for f in tools.resources(research, FUNCTION).values()}
    assert handlers == {"give_up" if name == "GiveUp" else name.lower() for name in FUNCTIONS}


FUNCTION = "AWS::Lambda::Function"


@pytest.mark.parametrize("function", ["Launch", "GiveUp", "Answer"])
def test_task_tokens_of_the_own_state_machine_are_answered_and_of_no_other(research, tools, function):
    (machine,) = tools.resources(research, "AWS::StepFunctions::StateMachine")
    _, (statement,) = tools.given(research, f"{function}Role")
    assert statement["Resource"] == [{"Ref": machine}]


def test_launch_may_create_what_the_state_machine_may_and_nothing_else(research, vision, tools):
    for template in (research, vision):
        roles = [tools.role_named(template, part) for part in ("WorkflowRole", "LaunchRole")]
        for action in ("sagemaker:CreateTrainingJob", "iam:PassRole"):
            first, second = (tools.allowing(role, action) for role in roles)
            assert first == second


@pytest.mark.parametrize("function", ["Report", "Close"])
def test_warm_pool_can_be_ended_and_not_prolonged(research, tools, function):
    statement = tools.allowing(tools.role_named(research, f"{function}Role"), "sagemaker:UpdateTrainingJob")
    assert statement["Action"] == ["sagemaker:UpdateTrainingJob"], "conditions hold for the whole statement"
    assert statement["Condition"] == {
        "NumericLessThanEqualsIfExists": {"sagemaker:KeepAlivePeriod": "0"},
        "BoolIfExists": {"sagemaker:EnableRemoteDebug": "false"},
    }


def test_prepare_looks_at_the_data_that_the_policy_allows_and_reads_none_of_it(vision, tools):
    role = tools.role_named(vision, "PrepareRole")
    listed = json.dumps(tools.allowing(role, "s3:ListBucket")["Resource"])
    assert "StorageData" in listed and ":s3:::acme-shared-images" in listed
    assert "s3:GetObject" not in tools.actions(role)


def test_prepare_looks_at_the_images_that_a_job_may_pull(synthesised, research, vision, tools):
    (minimal,) = synthesised("minimal").templates.values()
    for template in (research, vision, minimal):
        places = [
            {s["Sid"].removeprefix(verb): s["Resource"] for s in tools.statements(role) if action in s["Action"]}
            for verb, role, action in (
                ("Pull", tools.role_named(template, "ExecutionRole"), "ecr:BatchCheckLayerAvailability"),
                ("LookAt", tools.role_named(template, "PrepareRole"), "ecr:BatchGetImage"),
            )
        ]
        assert places[0] == places[1]


@pytest.mark.parametrize(
    ("role", "work"),
    [
        ("LogRetentionHandlerRole", {"logs:CreateLogGroup", "logs:PutRetentionPolicy"}),
        ("ImageplatformHandlerRole", {"codebuild:StartBuild", "codebuild:BatchGetBuilds", "ecr:DescribeImages"}),
    ],
)
def test_custom_resource_role_may_do_exactly_this(synthesised, tools, role, work):
    every = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    found = tools.role_named(synthesised("app").templates["training-platform"], role)
    assert tools.actions(found) == work | every


def test_execution_role_reaches_its_own_storage_only(research, tools):
    role = tools.role_named(research, "ExecutionRole")
    reached = [json.dumps(r) for s in tools.statements(role) if s["Action"][0].startswith("s3:") for r in s["Resource"]]
    assert reached
    assert all("TeamStorage" in arn for arn in reached)


def test_execution_role_writes_below_runs_only(research, tools):
    for action in ("s3:PutObject", "s3:DeleteObject"):
        statements = [s for s in tools.statements(tools.role_named(research, "ExecutionRole")) if action in s["Action"]]
        for resource in (resource for statement in statements for resource in statement["Resource"]):
            assert resource["Fn::Join"][1][-1].startswith("/runs/*")
            assert "StorageData" not in json.dumps(resource)


def test_every_wildcard_resource_is_one_that_aws_cannot_narrow(every_template, tools):
    known = {
        *("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
        *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"),
        *(
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:DescribeResourcePolicies",
            "logs:DescribeLogGroups",
        ),
        *("ecr:GetAuthorizationToken", "cloudwatch:PutMetricData", "pricing:GetProducts"),
        "cloudwatch:GetMetricData",
        *("servicequotas:GetAWSDefaultServiceQuota", "servicequotas:ListServiceQuotas"),
        *("servicequotas:ListAWSDefaultServiceQuotas", "servicequotas:ListRequestedServiceQuotaChangeHistory"),
        *("ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"),
        *("ec2:DeleteNetworkInterfacePermission", "ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces"),
        *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
    }
    for name, template in every_template.items():
        for key, role in tools.resources(template, "AWS::IAM::Role").items():
            for statement in tools.statements(role):
                if "*" in statement["Resource"]:
                    assert set(statement["Action"]) <= known, f"{name}: {key}"


def test_no_action_is_a_wildcard(every_template, tools):
    for template in every_template.values():
        for role in tools.resources(template, "AWS::IAM::Role").values():
            assert not any("*" in action for action in tools.actions(role))


def test_no_managed_policy_is_attached(every_template, tools):
    for template in every_template.values():
        assert not any(
            "ManagedPolicyArns" in r["Properties"] for r in tools.resources(template, "AWS::IAM::Role").values()
        )


def test_jobs_are_fenced_by_the_team_name(research, tools):
    for part in ("WorkflowRole", *(f"{name}Role" for name in FUNCTIONS)):
        for statement in tools.statements(tools.role_named(research, part)):
            if any(action.startswith("sagemaker:") for action in statement["Action"]):
                (resource,) = statement["Resource"]
                kind = "processing" if statement["Action"] == ["sagemaker:DescribeProcessingJob"] else "training"
                assert resource["Fn::Join"][1][-1] == f":{kind}-job/research-*"


def test_job_must_be_one_that_the_team_policy_allows(research, tools):
    statement = tools.allowing(tools.role_named(research, "WorkflowRole"), "sagemaker:CreateTrainingJob")
    assert statement["Action"] == ["sagemaker:CreateTrainingJob"], "conditions hold for the whole statement"
    assert statement["Condition"] == {
        "ForAllValues:StringLike": {"sagemaker:InstanceTypes": ["ml.m5.*", "ml.c5.*", "ml.g5.*"]},
        "Null": {
            "sagemaker:InstanceTypes": "false",
            "sagemaker:FileSystemId": "true",
            "sagemaker:OutputKmsKey": "true",
            "sagemaker:VolumeKmsKey": "true",
            "sagemaker:VpcSubnets": "true",
            "sagemaker:VpcSecurityGroupIds": "true",
        },
        "NumericLessThanEquals": {"sagemaker:MaxRuntimeInSeconds": "86400"},
        "NumericLessThanEqualsIfExists": {"sagemaker:KeepAlivePeriod": "0"},
        "BoolIfExists": {"sagemaker:EnableRemoteDebug": "false"},
    }


def test_job_in_a_vpc_must_use_the_teams_network_and_key(vision, tools):
    condition = tools.allowing(tools.role_named(vision, "WorkflowRole"), "sagemaker:CreateTrainingJob")["Condition"]
    (group,) = tools.resources(vision, "AWS::EC2::SecurityGroup")
    networks = condition["ForAllValues:StringEquals"]
    assert networks["sagemaker:VpcSecurityGroupIds"] == [{"Fn::GetAtt": [group, "GroupId"]}]
    assert _default(vision, networks["sagemaker:VpcSubnets"]) == "/trainwright/platform/subnets"
    for key in ("sagemaker:VpcSubnets", "sagemaker:VpcSecurityGroupIds"):
        assert condition["Null"][key] == "false", "ForAllValues is true of a key that is absent"
    key = "/trainwright/platform/encryption-key"
    for operator, name in (("ArnEquals", "OutputKmsKey"), ("ArnEqualsIfExists", "VolumeKmsKey")):
        assert [_default(vision, allowed) for allowed in condition[operator][f"sagemaker:{name}"]] == [key]


def _default(template, reference):
    return template["Parameters"][reference["Ref"]]["Default"]


def test_functions_know_the_network_that_the_role_insists_on(vision, tools):
    functions = tools.resources(vision, "AWS::Lambda::Function")
    (prepare,) = [f for key, f in functions.items() if "Prepare" in key]
    variables = prepare["Properties"]["Environment"]["Variables"]
    (group,) = tools.resources(vision, "AWS::EC2::SecurityGroup")
    assert variables["TRAINWRIGHT_VPC_SECURITY_GROUPS"] == {"Fn::GetAtt": [group, "GroupId"]}
    separator, subnets = variables["TRAINWRIGHT_VPC_SUBNETS"]["Fn::Join"]
    assert (separator, _default(vision, subnets)) == (",", "/trainwright/platform/subnets")


def test_only_sagemaker_is_given_the_execution_role(research, tools):
    statement = tools.allowing(tools.role_named(research, "WorkflowRole"), "iam:PassRole")
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    (resource,) = statement["Resource"]
    assert "ExecutionRole" in resource["Fn::GetAtt"][0]


def test_workflow_may_invoke_any_version_and_only_versions(research, tools):
    statement = tools.allowing(tools.role_named(research, "WorkflowRole"), "lambda:InvokeFunction")
    assert sorted(r["Fn::Join"][1][0]["Fn::GetAtt"][0][len("TeamFunctions") :][:6] for r in statement["Resource"]) == [
        *("Assess", "GiveUp", "Launch", "Prepar", "Report")
    ]
    assert {r["Fn::Join"][1][1] for r in statement["Resource"]} == {":*"}


def test_images_are_pulled_from_where_the_policy_says(synthesised, research, vision, tools):
    def pulled(template):
        statements = tools.statements(tools.role_named(template, "ExecutionRole"))
        return {s["Sid"]: s["Resource"] for s in statements if "ecr:BatchGetImage" in s["Action"]}

    assert _default(research, pulled(research)["PullPlatformImages"][0]) == "/trainwright/platform/repositories"
    assert pulled(research).keys() == {"PullPlatformImages"}
    (allowed,) = pulled(vision)["PullAllowedImages"]
    assert allowed["Fn::Join"][1][-1] == ":ecr:eu-west-1:763104351884:repository/pytorch-training*"
    (default,) = synthesised("minimal").templates.values()
    (anywhere,) = pulled(default)["PullAnyImage"]
    assert anywhere["Fn::Join"][1][-1] == ":ecr:*:*:repository/*"


def test_data_is_read_from_where_the_policy_says(synthesised, vision, tools):
    forecast = synthesised("teams").templates["training-forecast"]
    statements = tools.statements(tools.role_named(forecast, "ExecutionRole"))
    read = [resource for s in statements if "s3:GetObject" in s["Action"] for resource in s["Resource"]]
    own = [r["Fn::Join"][1][1] for r in read if "StorageData" in json.dumps(r)]
    assert own == ["/sales/*", "/calendar/*", "/source/*"], "the source archives are every run's to read"
    others = [json.dumps(s) for s in tools.statements(tools.role_named(vision, "ExecutionRole"))]
    assert any(":s3:::acme-shared-images/labelled/*" in s and "s3:GetObject" in s for s in others)


def test_key_rights_let_services_attach_volumes_and_nobody_else(build, tools):
    role = tools.role_named(build("kms"), "ExecutionRole")
    grant = tools.allowing(role, "kms:CreateGrant")
    assert grant["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    assert {"kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey"} <= tools.actions(role)


def test_functions_may_use_the_key(build, tools):
    for function in (f"{name}Role" for name in FUNCTIONS):
        assert {"kms:Decrypt", "kms:GenerateDataKey"} <= tools.actions(tools.role_named(build("kms"), function))


def test_people_get_what_their_grants_say(synthesised, tools):
    policies = tools.resources(synthesised("teams").templates["training-vision"], "AWS::IAM::Policy").values()
    (policy,) = [each for each in policies if each["Properties"]["Roles"] == ["vision-scientists"]]
    allowed = set()
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        allowed |= set(statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
    assert allowed == {
        *("ssm:GetParameter", "ssm:GetParametersByPath", "dynamodb:GetItem", "dynamodb:Query"),
        *("states:StartExecution", "states:StopExecution", "states:ListExecutions", "states:RedriveExecution"),
        *("states:DescribeExecution", "states:GetExecutionHistory", "sagemaker:DescribeTrainingJob"),
        *("logs:GetLogEvents", "logs:DescribeLogStreams", "kms:Decrypt", "kms:GenerateDataKey"),
        *("s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
        "s3:AbortMultipartUpload",
    }


FIND = {"ssm:GetParameter", "ssm:GetParametersByPath"}
FOLLOW = {
    *("states:ListExecutions", "states:DescribeExecution", "states:GetExecutionHistory", "dynamodb:GetItem"),
    *("dynamodb:Query", "sagemaker:DescribeTrainingJob", "s3:GetObject", "s3:ListBucket"),
    *("logs:GetLogEvents", "logs:DescribeLogStreams"),
}


@pytest.mark.parametrize(
    ("grant", "given"),
    [
        (
            "grant_start",
            {
                *(*FIND, *FOLLOW, "states:StartExecution", "states:RedriveExecution", "s3:PutObject"),
                "s3:AbortMultipartUpload",
            },
        ),
        ("grant_watch", {*FIND, *FOLLOW}),
        (
            "grant_stop",
            {
                *(*FIND, "states:StopExecution", "states:DescribeExecution", "states:ListExecutions"),
                *("dynamodb:GetItem", "dynamodb:Query"),
            },
        ),
        ("grant_read_reports", {*FIND, "s3:GetObject", "s3:ListBucket"}),
        (
            "grant_upload_data",
            {
                *(*FIND, "s3:ListBucket", "s3:GetBucketLocation", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
                "s3:AbortMultipartUpload",
            },
        ),
    ],
)
def test_one_grant_gives_nothing_of_the_others(granted, grant, given):
    assert {action for statement in granted(grant) for action in statement["Action"]} == given


@pytest.fixture
def granted(tmp_path):
    """The statements of a role that was given one grant of the default team."""
    import aws_cdk as cdk
    from aws_cdk import aws_iam as iam

    from trainwright import TrainingPlatform

    def build(grant):
        app = cdk.App(outdir=str(tmp_path / grant))
        stack = cdk.Stack(app, "Training")
        team = TrainingPlatform(stack, "Platform").default_team
        getattr(team, grant)(iam.Role(stack, "People", assumed_by=iam.AccountRootPrincipal())).assert_success()
        template = app.synth().get_stack_by_name("Training").template
        policies = [
            r for key, r in template["Resources"].items() if r["Type"] == "AWS::IAM::Policy" and "People" in key
        ]
        (policy,) = policies
        found = policy["Properties"]["PolicyDocument"]["Statement"]
        return [statement | {key: _listed(statement[key]) for key in ("Action", "Resource")} for statement in found]

    return build


def _listed(value):
    return value if isinstance(value, list) else [value]


def test_who_starts_runs_writes_source_archives_and_no_other_data(granted):
    (written,) = [s["Resource"] for s in granted("grant_start") if "s3:PutObject" in s["Action"]]
    (data,) = [resource["Fn::Join"][1] for resource in written]
    assert "StorageData" in data[0]["Fn::GetAtt"][0]
    assert data[1] == "/source/*"


@pytest.mark.parametrize("grant", ["grant_start", "grant_watch"])
def test_who_follows_runs_reads_progress_and_reports_and_no_checkpoints(granted, grant):
    read = [r["Fn::Join"][1] for s in granted(grant) if "s3:GetObject" in s["Action"] for r in s["Resource"]]
    below = [(bucket["Fn::GetAtt"][0], key) for bucket, key in read]
    assert [key for bucket, key in below if "StorageCheckpoints" in bucket] == ["/runs/*/progress.json"]
    assert [key for bucket, key in below if "StorageReports" in bucket] == ["/runs/*", "/runs.html"]


def test_who_may_start_finds_every_team_by_path_and_reads_one(granted):
    statements = granted("grant_start")
    (by_path,) = [s["Resource"] for s in statements if "ssm:GetParametersByPath" in s["Action"]]
    (by_name,) = [s["Resource"] for s in statements if "ssm:GetParameter" in s["Action"]]
    assert [arn["Fn::Join"][1][-1] for arn in by_path] == [
        ":parameter/trainwright/teams",
        ":parameter/trainwright/teams/",
    ]
    assert [arn["Fn::Join"][1][-1] for arn in by_name] == [
        ":parameter/trainwright/teams/default",
        ":parameter/trainwright/teams/default/policy",
    ]


def test_job_writes_what_its_profiler_leaves_and_no_report(research, tools):
    """The training process has the role's rights: were a report its to write, it could say what it likes of itself."""
    statements = [
        (statement, resource)
        for statement in tools.statements(tools.role_named(research, "ExecutionRole"))
        for resource in statement["Resource"]
        if "StorageReports" in json.dumps(resource)
    ]
    written = {r["Fn::Join"][1][1] for s, r in statements if "s3:PutObject" in s["Action"]}
    assert written == {"/runs/*/profiler-output/*", "/runs/*/rule-output/*"}
    read = {r["Fn::Join"][1][1] for s, r in statements if "s3:GetObject" in s["Action"]}
    assert read == {"/runs/*/profiler-output/*"}
    (listed,) = [s for s, r in statements if "s3:ListBucket" in s["Action"]]
    assert listed["Condition"]["StringLike"] == {"s3:prefix": ["runs/*/profiler-output/*", "runs/*/rule-output/*"]}
    assert not [s for s, _ in statements if "s3:DeleteObject" in s["Action"]]


def test_digest_reads_rules_findings_of_the_artifacts_and_nothing_else_there(research, tools):
    role = tools.role_named(research, "DigestRole")
    read = [
        resource["Fn::Join"][1][1]
        for statement in tools.statements(role)
        for resource in statement["Resource"]
        if "s3:GetObject" in statement["Action"] and "StorageArtifacts" in json.dumps(resource)
    ]
    assert read == ["/runs/*/rule-output/*"]
    jobs = tools.allowing(role, "sagemaker:DescribeProcessingJob")["Resource"]
    assert json.dumps(jobs).endswith(':processing-job/research-*"]]}]')


@pytest.mark.parametrize("function", ["Assess", "Prepare", "Report", "Close", "Reconcile", "Digest"])
def test_the_page_of_all_runs_is_written_by_what_publishes_reports(research, tools, function):
    written = {
        resource["Fn::Join"][1][-1]
        for statement in tools.statements(tools.role_named(research, f"{function}Role"))
        for resource in statement["Resource"]
        if "s3:PutObject" in statement["Action"]
    }
    publishes = function not in ("Assess", "Prepare")
    assert written == ({"/runs/*", "/runs.html"} if publishes else {"/runs/*"})
