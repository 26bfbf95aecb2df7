"""What a team policy's capabilities add to the roles: each one grant, there with it and not without it."""

import json

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from cloudformation_validate import RegoEngine

import trainwright
from trainwright_runtime.policy import Capabilities

HERE = "arn:aws:sagemaker:eu-west-1:111122223333"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/other"
SECRET = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:wandb-*"  # an ARN, no secret
REPOSITORY = "arn:aws:ecr:eu-west-1:444455556666:repository/partner/models"
PLAN = f"{HERE}:training-plan/p5"
EVERYTHING = {
    "vpc": {"subnets": ["subnet-0aaaaaaa"], "security_group_ids": ["sg-0aaaaaaa"]},
    "efs": ["fs-0aaaaaaa", "fs-0bbbbbbb"],
    "fsx": ["fs-0ccccccc"],
    "mlflow": [f"{HERE}:mlflow-tracking-server/shared", f"{HERE}:mlflow-app/app-1234"],
    "model_package": [f"{HERE}:model-package-group/churn", f"{HERE}:model-package-group/vision"],
    "remote_debug": True,
    "session_tags": True,
    "experiments": True,
    "repositories": [REPOSITORY],
    "secrets": [SECRET],
    "keys": [KEY],
    "training_plans": [PLAN],
    "write": ["s3://acme-exports/models/", "s3://acme-archive/"],
    "keep_alive": "1h",
}


def policy(capabilities=None, **more):
    return trainwright.TeamPolicy.from_data({"team": "vision", "capabilities": capabilities or {}, **more})


# --- each capability on its own: the statements, whole ---


def file_system(name):
    return f"arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/{name}"


GRANTS = {
    "efs": {
        "MountEfs": (
            {
                *("elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"),
                *("elasticfilesystem:DescribeFileSystems", "elasticfilesystem:DescribeMountTargets"),
            },
            [file_system("fs-0aaaaaaa"), file_system("fs-0bbbbbbb")],
        )
    },
    "fsx": {"DescribeFsx": ({"fsx:DescribeFileSystems"}, ["*"])},
    "model_package": {
        "RegisterInGroup": (
            {"sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackageGroup"},
            [f"{HERE}:model-package-group/churn", f"{HERE}:model-package-group/vision"],
        ),
        "RegisterModel": (
            {"sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage", "sagemaker:AddTags"},
            [f"{HERE}:model-package/churn/*", f"{HERE}:model-package/vision/*"],
        ),
    },
    "remote_debug": {
        "RemoteDebug": (
            {
                *("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
                *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
            },
            ["*"],
        )
    },
    "experiments": {
        "JoinExperiment": (
            {
                *("sagemaker:DescribeExperiment", "sagemaker:CreateTrial", "sagemaker:DescribeTrial"),
                "sagemaker:AssociateTrialComponent",
            },
            [f"{HERE}:experiment/*", f"{HERE}:experiment-trial/*"],
        ),
        "RecordTrial": (
            {
                *("sagemaker:CreateTrialComponent", "sagemaker:DescribeTrialComponent"),
                *("sagemaker:UpdateTrialComponent", "sagemaker:AssociateTrialComponent", "sagemaker:BatchPutMetrics"),
            },
            [f"{HERE}:experiment-trial-component/vision-*"],
        ),
    },
    "repositories": {
        "PullNamedRepositories": (
            {"ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"},
            [REPOSITORY],
        )
    },
    "secrets": {"ReadSecrets": ({"secretsmanager:GetSecretValue"}, [SECRET])},
    "keys": {
        "UseNamedKeys": (
            {
                *("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"),
                "kms:DescribeKey",
            },
            [KEY],
        ),
        "UseNamedKeysForVolumes": ({"kms:CreateGrant"}, [KEY]),
    },
    "write": {
        "WriteElsewhere": (
            {"s3:PutObject", "s3:AbortMultipartUpload", "s3:GetObject"},
            ["arn:aws:s3:::acme-exports/models/*", "arn:aws:s3:::acme-archive/*"],
        ),
        "ListElsewhere": (
            {"s3:ListBucket", "s3:GetBucketLocation"},
            ["arn:aws:s3:::acme-archive", "arn:aws:s3:::acme-exports"],
        ),
    },
}
NOT_FOR_THE_JOB = {"vpc", "session_tags", "training_plans", "keep_alive"}  # in other places; tested below


@pytest.fixture(scope="module")
def stack():
    import aws_cdk as cdk

    return cdk.Stack(cdk.App(), "Stack", env=cdk.Environment(account="111122223333", region="eu-west-1"))


@pytest.fixture
def granted(stack):
    """The statements that capabilities give to jobs of the team `vision`: sid -> (actions, resources)."""
    from trainwright.capabilities import job_capabilities

    def statements(**capabilities):
        found = job_capabilities(stack, team="vision", capabilities=policy(capabilities).capabilities)
        return {allow.sid: (set(allow.actions), literal(stack.resolve(list(allow.resources)))) for allow in found}

    return statements


def literal(resources):
    """ARNs with the partition filled in, the one thing that a stack with a place leaves open."""
    return [json.loads(json.dumps(arn).replace('{"Ref": "AWS::Partition"}', '"aws"')) for arn in map(joined, resources)]


def joined(value):
    if isinstance(value, dict) and "Fn::Join" in value:
        delimiter, items = value["Fn::Join"]
        return delimiter.join("aws" if item == {"Ref": "AWS::Partition"} else item for item in items)
    return value


@pytest.mark.parametrize("capability", GRANTS)
def test_capability_is_one_grant_and_nothing_else(granted, capability):
    assert granted(**{capability: EVERYTHING[capability]}) == GRANTS[capability]


def test_mlflow_may_be_written_and_not_deleted(granted):
    server, app = EVERYTHING["mlflow"]
    found = granted(mlflow=[server, app])
    assert found.keys() == {"TrackInMlflow", "CallMlflowApp", "FindMlflowServer"}
    actions, resources = found["TrackInMlflow"]
    assert resources == [server, app]
    assert {f"sagemaker-mlflow:{name}" for name in ("CreateRun", "LogBatch", "LogMetric", "SetTag")} <= actions
    assert not [action for action in actions if "Delete" in action or "Registered" in action or "*" in action]
    assert found["CallMlflowApp"] == ({"sagemaker:CallMlflowAppApi", "sagemaker:DescribeMlflowApp"}, [app])
    assert found["FindMlflowServer"] == ({"sagemaker:DescribeMlflowTrackingServer"}, [server])
    assert granted(mlflow=[server]).keys() == {"TrackInMlflow", "FindMlflowServer"}
    assert granted(mlflow=[app]).keys() == {"TrackInMlflow", "CallMlflowApp"}


def test_no_capability_is_no_grant(granted):
    assert granted() == {}


def test_every_capability_is_tested():
    assert {*GRANTS, *NOT_FOR_THE_JOB, "mlflow"} == set(Capabilities.model_fields) == set(EVERYTHING)


# --- whole teams ---


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    """`team("name", policy)`: the template of a team in a stack of its own, cdk-nag over it."""
    import aws_cdk as cdk
    from cdk_nag import AwsSolutionsChecks

    def build(name, team_policy, *, place=None, own_network=False):
        app = cdk.App(outdir=str(tmp_path_factory.mktemp(name)))
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        shared = cdk.Stack(app, "shared", env=place)
        platform = trainwright.TrainingPlatform(shared, "Platform", **(_network_and_key(shared) if own_network else {}))
        trainwright.TrainingTeam(cdk.Stack(app, name, env=place), "Team", platform=platform, policy=team_policy)
        assembly = app.synth()
        report = json.loads(
            (tmp_path_factory.getbasetemp() / assembly.directory / "validation-report.json").read_text()
        )
        return assembly.get_stack_by_name(name).template, report

    return build


def _network_and_key(stack):
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms

    vpc = ec2.Vpc.from_vpc_attributes(
        stack, "Vpc", vpc_id="vpc-1", availability_zones=["a"], private_subnet_ids=["subnet-own"]
    )
    return {"vpc": vpc, "encryption_key": kms.Key.from_key_arn(stack, "Key", KEY.replace("other", "own"))}


@pytest.fixture(scope="module")
def everything(team):
    """Every capability, every kind of image by name, in a place that is known only when it is deployed."""
    allow = {
        "images": ["platform", "framework", "algorithm", "444455556666.dkr.ecr.eu-west-1.amazonaws.com/models*"],
        "data": ["data://sales/", "data://calendar/", "s3://acme-shared/images/"],
    }
    always = {"networking": {"enable_network_isolation": True, "enable_inter_container_traffic_encryption": True}}
    return team("everything", policy(EVERYTHING, allow=allow, always=always), own_network=True)


@pytest.fixture(scope="module")
def nothing(team):
    return team("nothing", policy(allow={"images": ["platform"]}))


SIDS = {sid for grants in GRANTS.values() for sid in grants} | {"TrackInMlflow", "CallMlflowApp", "FindMlflowServer"}


def sids(role, tools):
    return {statement["Sid"] for statement in tools.statements(role) if "Sid" in statement}


def test_execution_role_holds_every_grant_with_everything_on_and_none_without(everything, nothing, tools):
    assert sids(tools.role_named(everything[0], "ExecutionRole"), tools) >= {*SIDS, "JoinVpc", "PullAwsImages"}
    always = {"PullPlatformImages", "WriteProfiles", "JudgeProfiles"}
    assert sids(tools.role_named(nothing[0], "ExecutionRole"), tools) == always


def test_session_tags_are_in_the_trust_policy(everything, nothing, tools):
    def trusted(template):
        role = tools.role_named(template, "ExecutionRole")
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Principal"] == {"Service": "sagemaker.amazonaws.com"}
        return statement["Action"]

    assert trusted(everything[0]) == ["sts:AssumeRole", "sts:TagSession"]
    assert trusted(nothing[0]) == "sts:AssumeRole"


def test_named_vpc_needs_interfaces_also_without_a_vpc_of_the_team(team, nothing, tools):
    named, _ = team("named", policy({"vpc": EVERYTHING["vpc"]}))
    assert "ec2:CreateNetworkInterface" in tools.actions(tools.role_named(named, "ExecutionRole"))
    assert "ec2:CreateNetworkInterface" not in tools.actions(tools.role_named(nothing[0], "ExecutionRole"))


def test_training_plans_are_the_workflow_roles_to_use(everything, nothing, tools):
    creating = [s for s in tools.statements(tools.role_named(everything[0], "WorkflowRole")) if "Sid" in s]
    (plans,) = [s for s in creating if s["Sid"] == "UseTrainingPlans"]
    assert plans["Action"] == ["sagemaker:CreateTrainingJob"]
    plan, capacity = plans["Resource"]
    assert plan == PLAN
    assert capacity["Fn::Join"][1][-1] == ":reserved-capacity/*"
    assert sids(tools.role_named(nothing[0], "WorkflowRole"), tools) == set()
    assert "UseTrainingPlans" not in sids(tools.role_named(everything[0], "ExecutionRole"), tools)


def test_named_network_joins_the_platforms_that_only_deployment_knows(everything, tools):
    """The platform's subnets are a list parameter, to which no item can be added as it is."""
    condition = tools.allowing(_creating(everything[0], tools), "sagemaker:CreateTrainingJob")["Condition"]
    networks = condition["ForAllValues:StringEquals"]
    comma, joined_subnets = networks["sagemaker:VpcSubnets"]["Fn::Split"]
    inner, named = joined_subnets["Fn::Join"][1]
    assert (comma, joined_subnets["Fn::Join"][0], inner["Fn::Join"][0], named) == (",", ",", ",", "subnet-0aaaaaaa")
    parameter = everything[0]["Parameters"][inner["Fn::Join"][1]["Ref"]]
    assert parameter["Default"] == "/trainwright/platform/subnets"
    own, other = networks["sagemaker:VpcSecurityGroupIds"]
    assert (list(own), other) == (["Fn::GetAtt"], "sg-0aaaaaaa")
    assert networks["sagemaker:FileSystemId"] == [*EVERYTHING["efs"], *EVERYTHING["fsx"]]


def _creating(template, tools):
    """The workflow role without its statement on training plans."""
    role = tools.role_named(template, "WorkflowRole")
    (policy,) = role["Properties"]["Policies"]
    kept = [s for s in policy["PolicyDocument"]["Statement"] if s.get("Sid") != "UseTrainingPlans"]
    return {"Properties": {"Policies": [{"PolicyDocument": {"Statement": kept}}]}}


# --- AWS's own images ---


def test_images_of_aws_are_pulled_from_the_registries_of_the_region(team, tools):
    import aws_cdk as cdk

    place = cdk.Environment(account="111122223333", region="eu-west-1")
    both, _ = team("both", policy(allow={"images": ["framework", "algorithm"]}), place=place)
    frameworks, _ = team("frameworks", policy(allow={"images": ["framework"]}), place=place)
    pulled = {name: _registries(template, tools) for name, template in (("both", both), ("frameworks", frameworks))}
    # https://docs.aws.amazon.com/sagemaker/latest/dg-ecr-paths/ecr-eu-west-1.html
    deep_learning, scikit_learn, linear_learner = "763104351884", "141502667606", "438346466558"
    assert {deep_learning, scikit_learn, linear_learner} <= pulled["both"]
    assert {deep_learning, scikit_learn} <= pulled["frameworks"]
    assert linear_learner not in pulled["frameworks"]
    assert "Mappings" not in both


def _registries(template, tools):
    statements = tools.statements(tools.role_named(template, "ExecutionRole"))
    (pull,) = [statement for statement in statements if statement.get("Sid") == "PullAwsImages"]
    assert set(pull["Action"]) == {"ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"}
    for arn in literal(pull["Resource"]):
        assert arn.startswith("arn:aws:ecr:eu-west-1:")
        assert arn.endswith(":repository/*")
    return {arn.split(":")[4] for arn in literal(pull["Resource"])}


def test_registries_of_an_unknown_region_are_looked_up_at_deployment(everything, tools):
    from trainwright.registries import accounts

    statements = tools.statements(tools.role_named(everything[0], "ExecutionRole"))
    (pull,) = [statement for statement in statements if statement.get("Sid") == "PullAwsImages"]
    for region in ("eu-west-1", "cn-north-1", "ap-southeast-7"):
        found = {_looked_up(arn, everything[0]["Mappings"], region) for arn in pull["Resource"]}
        wanted = {account for kind in ("framework", "algorithm") for account in accounts(kind).get(region, [])}
        assert wanted, region
        assert found == {f"{region}:{account}:repository/*" for account in wanted}, region


def _looked_up(arn, mappings, region):
    text = ""
    for part in arn["Fn::Join"][1]:
        if isinstance(part, str):
            text += part
        elif "Fn::FindInMap" in part:
            name, _, column = part["Fn::FindInMap"]
            text += mappings[name][region][column]
        else:
            text += {"AWS::Partition": "aws", "AWS::Region": region}[part["Ref"]]
    return text.removeprefix("arn:aws:ecr:")


def test_rules_images_are_not_the_jobs_to_pull():
    """SageMaker itself pulls what evaluates the debugger's rules (us-east-1: 503895931360)."""
    from trainwright.registries import accounts

    assert not [kind for kind in ("framework", "algorithm") if "503895931360" in accounts(kind)["us-east-1"]]


# --- as wholes ---


def test_no_finding_is_open_with_everything_on(everything, nothing):
    for _, report in (everything, nothing):
        (nag,) = [plugin for plugin in report["pluginReports"] if plugin["pluginName"] == "AwsSolutions"]
        assert (nag["conclusion"], nag["violations"]) == ("success", [])
        for suppressed in nag["suppressedViolations"]:
            assert len(suppressed["reason"].split()) >= 8, suppressed


def test_linters_find_nothing_with_everything_on(everything, tmp_path):
    file = tmp_path / "everything.json"
    file.write_text(json.dumps(everything[0]))
    diagnostics = RegoEngine().validate_template(str(file)).diagnostics
    found = [(d.rule_id, d.message) for d in diagnostics if d.severity.name in ("ERROR", "WARN", "FATAL")]
    # cfn-lint knows every action of AWS
    matches = lint(json.dumps(everything[0]), config=ManualArgs(regions=["eu-west-1"]))
    found += [(m.rule.id, m.message) for m in matches if m.rule.id[0] in "EW"]
    # W3005: see test_synth_templates. W9013 would have no ARN hold an account; a team policy names things by ARN.
    assert [each for each in found if each[0] not in ("W3005", "W9013")] == []


def test_limits_hold_with_everything_on(everything, tools):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, a tenth kept free. What is filled
    in at deployment counts with the length that it may have at most."""
    assert len(everything[0]["Resources"]) < 400
    for key, role in tools.resources(everything[0], "AWS::IAM::Role").items():
        documents = [filled_in(policy["PolicyDocument"]) for policy in role["Properties"]["Policies"]]
        size = sum(len(json.dumps(document, separators=(",", ":"))) for document in documents)
        assert size < 9_216, f"{key}: {size}"


def filled_in(value):
    if isinstance(value, list):
        return [filled_in(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Fn::Join" in value:
        delimiter, items = value["Fn::Join"]
        return delimiter.join(filled_in(item) for item in items) if isinstance(items, list) else filled_in(items)
    if "Fn::GetAtt" in value:
        return f"arn:aws:s3:::{'b' * 63}"  # a bucket's name is longer than the names of other things here
    if "Fn::FindInMap" in value:
        return "1" * 12
    if "Fn::Split" in value:
        return [filled_in(value["Fn::Split"][1])]
    if "Ref" in value:
        pseudo = {"AWS::Partition": "aws-us-gov", "AWS::Region": "ap-southeast-1", "AWS::AccountId": "1" * 12}
        return pseudo.get(value["Ref"], "x" * 80)
    return {key: filled_in(item) for key, item in value.items()}


def test_fails_when_a_policy_names_more_than_a_role_can_hold(team):
    secrets = [f"{SECRET[:-1]}{number:04}-*" for number in range(60)]
    with pytest.raises(ValueError, match=r"ExecutionRole: this role's policy would be about 1\d,\d+ characters"):
        team("toomuch", policy(EVERYTHING | {"secrets": secrets}))


def test_every_pattern_that_a_policy_may_hold_is_answered_for(stack):
    """A wildcard without its reason stops the synthesis."""
    from trainwright.capabilities import job_capabilities, start_capabilities
    from trainwright.permissions import RoleOptions, service_role

    patterns = {
        "mlflow": [f"{HERE}:mlflow-app/*", f"{HERE}:mlflow-tracking-server/*"],
        "model_package": [f"{HERE}:model-package-group/vision-*"],
        "repositories": ["arn:aws:ecr:eu-west-1:444455556666:repository/*"],
        "secrets": [SECRET],
        "keys": ["arn:aws:kms:eu-west-1:111122223333:key/*"],
    }
    capabilities = policy(patterns).capabilities
    allows = [
        *job_capabilities(stack, team="vision", capabilities=capabilities),
        *start_capabilities(stack, capabilities=policy({"training_plans": [PLAN]}).capabilities),
    ]
    service_role(stack, "Role", service="x.amazonaws.com", allows=allows, description="", options=RoleOptions())
