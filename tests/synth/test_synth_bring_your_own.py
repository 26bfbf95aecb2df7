"""A company that has everything already: its buckets, key, roles, VPC, repository, boundary and role path."""

import json

import pytest

import trainwright

ACCOUNT = "arn:aws:iam::111122223333"


def _import_all(stack):
    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sns as sns

    vpc = ec2.Vpc.from_vpc_attributes(
        stack,
        "Vpc",
        vpc_id="vpc-1",
        availability_zones=["eu-west-1a", "eu-west-1b"],
        private_subnet_ids=["subnet-a", "subnet-b"],
    )
    platform = trainwright.TrainingPlatform(
        stack,
        "Platform",
        image=trainwright.TrainingImage.from_repository(
            ecr.Repository.from_repository_name(stack, "Repository", "models"), tag_or_digest="sha256:" + "b" * 64
        ),
        vpc=vpc,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
        encryption_key=kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/k"),
        permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(stack, "Boundary", f"{ACCOUNT}:policy/boundary"),
        role_path="/training/",
        function_role=iam.Role.from_role_arn(stack, "PlatformFunctions", f"{ACCOUNT}:role/platform-functions"),
    )
    buckets = {f"{name}_bucket": s3.Bucket.from_bucket_name(stack, name, f"acme-{name}") for name in _BUCKETS}
    trainwright.TrainingTeam(
        stack,
        "Team",
        platform=platform,
        policy=trainwright.TeamPolicy(team="vision"),
        **buckets,
        runs_table=dynamodb.Table.from_table_name(stack, "Runs", "acme-runs"),
        execution_role=iam.Role.from_role_arn(stack, "Execution", f"{ACCOUNT}:role/jobs"),
        workflow_role=iam.Role.from_role_arn(stack, "Workflow", f"{ACCOUNT}:role/workflow"),
        function_role=iam.Role.from_role_arn(stack, "Functions", f"{ACCOUNT}:role/functions", mutable=False),
        security_groups=[ec2.SecurityGroup.from_security_group_id(stack, "Group", "sg-1")],
        notices_topic=sns.Topic.from_topic_arn(stack, "Notices", "arn:aws:sns:eu-west-1:111122223333:notices"),
        chat_topic=sns.Topic.from_topic_arn(stack, "Chat", "arn:aws:sns:eu-west-1:111122223333:chat"),
    )


_BUCKETS = ("data", "artifacts", "checkpoints", "reports")


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    import aws_cdk as cdk
    from cdk_nag import AwsSolutionsChecks

    app = cdk.App(outdir=str(tmp_path_factory.mktemp("imported")))
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    env = cdk.Environment(account="111122223333", region="eu-west-1")
    _import_all(cdk.Stack(app, "Training", env=env))
    return app.synth().get_stack_by_name("Training").template


def test_nothing_that_was_brought_is_made(imported):
    made = {resource["Type"] for resource in imported["Resources"].values()}
    assert made == {
        *("AWS::Lambda::Function", "AWS::Lambda::Version", "AWS::Lambda::LayerVersion", "AWS::Lambda::Permission"),
        *("AWS::Logs::LogGroup", "AWS::SSM::Parameter", "AWS::StepFunctions::StateMachine", "AWS::Events::Rule"),
        *("AWS::IAM::Policy", "Custom::TrainwrightLogRetention", "AWS::CloudWatch::Alarm"),
        "AWS::CloudWatch::Dashboard",
    }


def test_imported_roles_are_given_what_they_need(imported):
    policies = [r["Properties"] for r in imported["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
    given = {role: json.dumps(policy) for policy in policies for role in policy["Roles"]}
    assert given.keys() == {"jobs", "workflow", "platform-functions"}
    assert "sagemaker:CreateTrainingJob" in given["workflow"]
    assert "acme-checkpoints/runs/*" in given["jobs"]
    assert "repository/models" in given["jobs"]
    assert "kms:CreateGrant" in given["jobs"]
    assert "ec2:CreateNetworkInterface" in given["jobs"]


def test_role_imported_as_immutable_is_left_alone(imported):
    assert '"functions"' not in json.dumps(
        [r for r in imported["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
    )
    functions = [
        r["Properties"]["Role"] for r in imported["Resources"].values() if r["Type"] == "AWS::Lambda::Function"
    ]
    assert functions.count(f"{ACCOUNT}:role/functions") == 9


def test_functions_are_told_what_was_brought(imported):
    (prepare,) = [
        r["Properties"]["Environment"]["Variables"]
        for key, r in imported["Resources"].items()
        if r["Type"] == "AWS::Lambda::Function" and "Prepare" in key
    ]
    assert prepare["TRAINWRIGHT_DATA_BUCKET"] == "acme-data"
    assert prepare["TRAINWRIGHT_RUNS_TABLE"] == "acme-runs"
    assert prepare["TRAINWRIGHT_NOTICES_TOPIC"] == "arn:aws:sns:eu-west-1:111122223333:notices"
    assert prepare["TRAINWRIGHT_EXECUTION_ROLE_ARN"] == f"{ACCOUNT}:role/jobs"
    assert prepare["TRAINWRIGHT_VPC_SUBNETS"] == "subnet-a,subnet-b"
    assert prepare["TRAINWRIGHT_VPC_SECURITY_GROUPS"] == "sg-1"
    assert prepare["TRAINWRIGHT_KMS_KEY_ARN"] == "arn:aws:kms:eu-west-1:111122223333:key/k"


def test_network_of_imported_vpc_is_in_the_conditions(imported):
    (policy,) = [r for r in imported["Resources"].values() if "workflow" in r.get("Properties", {}).get("Roles", [])]
    (create,) = [
        s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Action"] == "sagemaker:CreateTrainingJob"
    ]
    networks = create["Condition"]["ForAllValues:StringEquals"]
    assert networks == {
        "sagemaker:VpcSubnets": ["subnet-a", "subnet-b"],
        "sagemaker:VpcSecurityGroupIds": ["sg-1"],
    }


@pytest.fixture(scope="module")
def bounded(tmp_path_factory):
    import aws_cdk as cdk
    from aws_cdk import aws_iam as iam

    app = cdk.App(outdir=str(tmp_path_factory.mktemp("bounded")))
    stack = cdk.Stack(app, "platform")
    platform = trainwright.TrainingPlatform(
        stack,
        "Platform",
        image=trainwright.TrainingImage.from_directory("training_image"),
        permissions_boundary=iam.ManagedPolicy.from_managed_policy_name(stack, "Boundary", "boundary"),
        role_path="/training/",
    )
    team = cdk.Stack(app, "team")
    trainwright.TrainingTeam(team, "Team", platform=platform, policy=trainwright.TeamPolicy(team="vision"))
    return [assembled.template for assembled in app.synth().stacks]


def test_boundary_and_path_hold_for_every_role(bounded, tools):
    roles = [role for template in bounded for role in tools.resources(template, "AWS::IAM::Role").values()]
    assert len(roles) == 3 + 11
    for role in roles:
        assert role["Properties"]["Path"] == "/training/"
        assert "policy/boundary" in json.dumps(role["Properties"]["PermissionsBoundary"])


def test_team_may_have_a_key_of_its_own(tmp_path, tools):
    import aws_cdk as cdk
    from aws_cdk import aws_kms as kms

    app = cdk.App(outdir=str(tmp_path))
    stack = cdk.Stack(app, "Training")
    platform = trainwright.TrainingPlatform(stack, "Platform")
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:111122223333:key/own")
    policy = trainwright.TeamPolicy(team="vision")
    trainwright.TrainingTeam(stack, "Team", platform=platform, policy=policy, encryption_key=key)
    template = app.synth().get_stack_by_name("Training").template
    condition = tools.allowing(tools.role_named(template, "WorkflowRole"), "sagemaker:CreateTrainingJob")["Condition"]
    assert condition["ArnEquals"] == {"sagemaker:OutputKmsKey": [key.key_arn]}


@pytest.mark.parametrize("owner", ["imported", "of the app"])
def test_existing_function_role_makes_no_circle(tmp_path, owner):
    """The functions wait for the role's policy, the state machine for the functions, and their rights on the state
    machine for that."""
    import aws_cdk as cdk
    from aws_cdk import aws_iam as iam
    from cloudformation_validate import RegoEngine

    app = cdk.App(outdir=str(tmp_path))
    stack = cdk.Stack(app, "Training")
    principal = iam.ServicePrincipal("lambda.amazonaws.com")
    role = (
        iam.Role.from_role_arn(stack, "Functions", f"{ACCOUNT}:role/functions")
        if owner == "imported"
        else iam.Role(stack, "Functions", assumed_by=principal)
    )
    policy = trainwright.TeamPolicy(team="vision")
    platform = trainwright.TrainingPlatform(stack, "Platform")
    trainwright.TrainingTeam(stack, "Team", platform=platform, policy=policy, function_role=role)
    template = app.synth().get_stack_by_name("Training").template
    file = tmp_path / "template.json"
    file.write_text(json.dumps(template))
    diagnostics = RegoEngine().validate_template(str(file)).diagnostics
    assert [d.message for d in diagnostics if "ircular" in d.message] == []
    policies = [r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
    name = role.role_name if owner == "imported" else {"Ref": stack.get_logical_id(role.node.default_child)}
    given = json.dumps([policy for policy in policies if name in policy["Roles"]])
    assert "states:SendTaskSuccess" in given and "dynamodb:UpdateItem" in given
