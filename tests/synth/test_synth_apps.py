"""The example apps as wholes: what is in which stack, and that nothing ties the stacks together."""

import json

import pytest


@pytest.mark.parametrize("app", ["app", "minimal", "teams"])
def test_template_is_as_reviewed(app, synthesised, tools, snapshot):
    text = "\n".join(f"{name}\n{tools.masked(t)}" for name, t in synthesised(app).templates.items())
    assert text == snapshot


def test_app_makes_a_platform_stack_and_one_stack_a_team(synthesised):
    assert list(synthesised("app").templates) == ["training-platform", "training-research"]


def test_platform_without_teams_makes_one_named_default(synthesised):
    (template,) = synthesised("minimal").templates.values()
    names = [r["Properties"]["Name"] for r in template["Resources"].values() if r["Type"] == "AWS::SSM::Parameter"]
    assert "/trainwright/teams/default" in names
    assert "/trainwright/teams/default/policy" in names


def test_platform_with_teams_makes_no_default_team(synthesised):
    for app in ("app", "teams"):
        assert not any("/trainwright/teams/default" in json.dumps(t) for t in synthesised(app).templates.values())


def test_stacks_neither_export_nor_import(every_template):
    for name, template in every_template.items():
        assert "Fn::ImportValue" not in json.dumps(template), name
        assert "Export" not in json.dumps(template.get("Outputs", {})), name


def test_the_library_makes_no_output(every_template):
    made = {name: list(template["Outputs"]) for name, template in every_template.items() if template.get("Outputs")}
    assert made == {"app/training-platform": ["QuotaWarnings"]}  # by app.py itself


def test_team_stack_is_deployed_after_the_platform(synthesised):
    artifacts = synthesised("app").manifest["artifacts"]
    assert "training-platform" in artifacts["training-research"]["dependencies"]


def test_team_reads_the_platform_from_parameter_store(synthesised):
    parameters = synthesised("teams").templates["training-vision"]["Parameters"].values()
    read = {p["Default"] for p in parameters} - {"/cdk-bootstrap/hnb659fds/version"}
    published = {
        r["Properties"]["Name"]
        for r in synthesised("teams").templates["training-shared"]["Resources"].values()
        if r["Type"] == "AWS::SSM::Parameter"
    }
    assert read <= published
    assert read == {f"/trainwright/platform/{item}" for item in ("repositories", "subnets", "vpc", "encryption-key")}


def test_nothing_is_named_but_parameters_and_the_state_machine_logs(every_template):
    naming = {"BucketName", "FunctionName", "RoleName", "TableName", "RepositoryName", "StateMachineName", "TopicName"}
    for name, template in every_template.items():
        for key, resource in template["Resources"].items():
            if (
                resource["Type"] in ("AWS::Lambda::Version", "AWS::Lambda::Permission")
                or "Custom::" in resource["Type"]
            ):
                continue  # there FunctionName and RepositoryName refer to something
            assert not naming & resource.get("Properties", {}).keys(), f"{name}: {key}"


def test_no_arn_spells_a_partition(every_template):
    for name, template in every_template.items():
        assert "arn:aws:" not in json.dumps(template), name


def test_no_function_is_node_and_no_log_group_takes_sagemakers_name(every_template):
    for name, template in every_template.items():
        for key, resource in template["Resources"].items():
            if resource["Type"] == "AWS::Lambda::Function":
                assert resource["Properties"]["Runtime"] == "python3.13", f"{name}: {key}"
            if resource["Type"] == "AWS::Logs::LogGroup":
                assert "/aws/sagemaker" not in json.dumps(resource), f"{name}: {key}"


def test_tags_of_the_app_reach_the_default_team(tmp_path):
    import aws_cdk as cdk

    from trainwright import TrainingPlatform

    app = cdk.App(outdir=str(tmp_path))
    TrainingPlatform(cdk.Stack(app, "Training"), "Platform")
    cdk.Tags.of(app).add("cost-centre", "4711")
    template = app.synth().get_stack_by_name("Training").template
    buckets = [r for r in template["Resources"].values() if r["Type"] == "AWS::S3::Bucket"]
    assert buckets
    assert all({"Key": "cost-centre", "Value": "4711"} in b["Properties"]["Tags"] for b in buckets)


def test_default_team_can_be_asked_for_and_is_made_once(tmp_path):
    import aws_cdk as cdk

    from trainwright import TrainingPlatform

    app = cdk.App(outdir=str(tmp_path))
    platform = TrainingPlatform(cdk.Stack(app, "Training"), "Platform")
    assert platform.default_team is platform.default_team
    app.synth()
    assert [team.name for team in platform.teams] == ["default"]


def test_fifty_teams_fit(tmp_path):
    import aws_cdk as cdk

    from trainwright import TeamPolicy, TrainingPlatform, TrainingTeam

    app = cdk.App(outdir=str(tmp_path))
    platform = TrainingPlatform(cdk.Stack(app, "platform"), "Platform")
    for number in range(50):
        policy = TeamPolicy(team=f"team{number}")
        TrainingTeam(cdk.Stack(app, f"team-{number}"), "Team", platform=platform, policy=policy)
    templates = [stack.template for stack in app.synth().stacks]
    assert len(templates) == 51
    assert max(len(t["Resources"]) for t in templates) < 400


def test_image_added_after_a_team_can_be_pulled_by_it(tmp_path):
    import aws_cdk as cdk

    from trainwright import TeamPolicy, TrainingImage, TrainingPlatform, TrainingTeam

    app = cdk.App(outdir=str(tmp_path))
    stack = cdk.Stack(app, "platform")
    platform = TrainingPlatform(stack, "Platform")
    TrainingTeam(stack, "Inside", platform=platform, policy=TeamPolicy(team="inside"))
    TrainingTeam(cdk.Stack(app, "outside"), "Team", platform=platform, policy=TeamPolicy(team="outside"))
    platform.add_image("late", TrainingImage.from_uri("111122223333.dkr.ecr.eu-west-1.amazonaws.com/late:1"))
    template = app.synth().get_stack_by_name("platform").template
    late = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":ecr:eu-west-1:111122223333:repository/late"]]}
    published = [
        r["Properties"]["Value"]
        for r in template["Resources"].values()
        if r.get("Properties", {}).get("Name") == "/trainwright/platform/repositories"
    ]
    assert published == [late]
    assert json.dumps(late) in json.dumps(template["Resources"][_execution_role(template)])


def _execution_role(template):
    return next(key for key in template["Resources"] if "ExecutionRole" in key)
