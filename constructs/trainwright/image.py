"""The image that training jobs run: built in the account from a folder, or one that exists."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from trainwright import assets, project
from trainwright.dockerfile import EcrImage, base_images
from trainwright.functions import FunctionOptions, RuntimeFunction
from trainwright.permissions import NAG, Allow, acknowledge, service_role

_BUILD_TIME = cdk.Duration.minutes(55)  # CloudFormation waits an hour for a custom resource


_NO_ARTIFACTS = "The project has no artifacts to encrypt: its one result is an image, which ECR encrypts at rest."
_NOT_A_REF = "The service role is given by Fn::GetAtt Arn, which holds its path; the rule takes it for a Ref."


@dataclass(frozen=True)
class BoundImage:
    """What the platform makes of an image: its URI, by digest where we build it, and the repository's ARN."""

    uri: str
    repository_arn: str | None


class TrainingImage(ABC):
    """An image for training jobs. Make one with `from_directory`, `from_repository` or `from_uri`."""

    @staticmethod
    def from_directory(
        directory: str,
        *,
        dockerfile: str = "Dockerfile",
        build_args: Mapping[str, str] | None = None,
        repository: ecr.IRepository | None = None,
    ) -> "TrainingImage":
        """An image that CodeBuild builds in the account from a folder with a Dockerfile: no Docker at synth or deploy.

        :param directory: a relative one is looked for from the working directory, then among trainwright's own folders
            (`training_image` is the platform's sample image).
        :param dockerfile: the Dockerfile's name inside the folder.
        :param build_args: `docker build --build-arg`. Left out: the Dockerfile's defaults.
        :param repository: where to push. Left out: a new repository, tags immutable, scanned on push.
        """
        return _ImageFromDirectory(_directory(directory, dockerfile), dockerfile, dict(build_args or {}), repository)

    @staticmethod
    def from_repository(repository: ecr.IRepository, *, tag_or_digest: str) -> "TrainingImage":
        """An image that is already in an ECR repository. A digest (`sha256:...`) stays what it is; a tag may move."""
        return _ImageFromRepository(repository, tag_or_digest)

    @staticmethod
    def from_uri(uri: str) -> "TrainingImage":
        """An image by its full URI, for example an AWS Deep Learning Container. Pulling is granted for an ECR
        registry.
        """
        return _ImageFromUri(uri)

    @abstractmethod
    def bind(self, scope: Construct, name: str, options: FunctionOptions) -> BoundImage:
        """Make what the image needs. Called once, by the platform."""


def _directory(directory: str, dockerfile: str) -> Path:
    tried = [Path(directory).resolve(), project.root() / directory]
    for place in tried:
        if (place / dockerfile).is_file():
            return place
    raise FileNotFoundError(
        f"TrainingImage.from_directory({directory!r}): no {dockerfile} in {' nor in '.join(str(t) for t in tried)}; "
        "give a folder that holds one, or name it with dockerfile="
    )


@dataclass(frozen=True)
class _ImageFromUri(TrainingImage):
    uri: str

    def bind(self, scope: Construct, name: str, options: FunctionOptions) -> BoundImage:
        image = EcrImage.of(self.uri)
        return BoundImage(self.uri, image.arn(cdk.Stack.of(scope).partition) if image else None)


@dataclass(frozen=True)
class _ImageFromRepository(TrainingImage):
    repository: ecr.IRepository
    tag_or_digest: str

    def bind(self, scope: Construct, name: str, options: FunctionOptions) -> BoundImage:
        uri = self.repository.repository_uri_for_tag_or_digest(self.tag_or_digest)
        return BoundImage(uri, self.repository.repository_arn)


@dataclass(frozen=True)
class _ImageFromDirectory(TrainingImage):
    directory: Path
    dockerfile: str
    build_args: dict[str, str] = field(default_factory=dict)
    repository: ecr.IRepository | None = None

    def bind(self, scope: Construct, name: str, options: FunctionOptions) -> BoundImage:
        build = ImageBuild(
            scope,
            f"Image-{name}",
            directory=self.directory,
            dockerfile=self.dockerfile,
            build_args=self.build_args,
            repository=self.repository,
            parameter_name=name,
            options=options,
        )
        return BoundImage(build.image_uri, build.repository.repository_arn)


class ImageBuild(Construct):
    """Repository, CodeBuild project, and the custom resource that builds once for each content of the folder."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        directory: Path,
        dockerfile: str,
        build_args: Mapping[str, str],
        repository: ecr.IRepository | None,
        parameter_name: str,
        options: FunctionOptions,
    ) -> None:
        super().__init__(scope, id)
        self._options = options
        self.repository = repository or self._repository()
        bases = [found for image in base_images(directory / dockerfile, build_args) if (found := EcrImage.of(image))]
        self.source = self._source(directory, [dockerfile, *(f"{k}={v}" for k, v in sorted(build_args.items()))])
        self.project = self._project(dockerfile, build_args, bases)
        self.handler = self._handler()
        self._on_build_end()
        self.resource = self._resource(parameter_name)
        self.image_uri = self.resource.get_att_string("ImageUri")

    def _source(self, directory: Path, identity: list[str]) -> s3_assets.Asset:
        folder = assets.folder(directory, identity)
        custom = cdk.AssetHashType.CUSTOM
        return s3_assets.Asset(self, "Source", path=str(folder.path), asset_hash=folder.hash, asset_hash_type=custom)

    def _repository(self) -> ecr.Repository:
        destroys = self._options.retention.destroys
        return ecr.Repository(
            self,
            "Repository",
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            lifecycle_rules=[ecr.LifecycleRule(description="Keep the newest images", max_image_count=100)],
            empty_on_delete=destroys,
            removal_policy=self._options.retention.removal_policy,
        )

    def _project(self, dockerfile: str, build_args: Mapping[str, str], bases: list[EcrImage]) -> codebuild.CfnProject:
        log_group = logs.LogGroup(
            self,
            "BuildLogs",
            retention=self._options.log_retention,
            removal_policy=self._options.retention.removal_policy,
        )
        role = service_role(
            self,
            "BuildRole",
            service="codebuild.amazonaws.com",
            allows=self._build_permissions(log_group, bases),
            description="Builds and pushes one training image",
            options=self._options.roles,
        )
        commands = build_commands(dockerfile, build_args, [base.registry for base in bases])
        built = codebuild.CfnProject(
            self,
            "Project",
            description="Builds a training image and pushes it under the hash of its folder",
            service_role=role.role_arn,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=codebuild.CfnProject.EnvironmentProperty(
                compute_type="BUILD_GENERAL1_LARGE",  # Deep Learning Containers are 10-20 GB unpacked
                image="aws/codebuild/amazonlinux-x86_64-standard:5.0",
                type="LINUX_CONTAINER",
                privileged_mode=True,  # without it there is no Docker daemon to build with
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(
                        name="REPOSITORY_URI", value=self.repository.repository_uri
                    )
                ],
            ),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=log_group.log_group_name
                )
            ),
            source=codebuild.CfnProject.SourceProperty(
                type="S3",
                location=f"{self.source.s3_bucket_name}/{self.source.s3_object_key}",
                build_spec=json.dumps({"version": "0.2", "phases": {"build": {"commands": commands}}}, indent=1),
            ),
            timeout_in_minutes=_BUILD_TIME.to_minutes(),
        )
        acknowledge(built, f"{NAG}-CB4", _NO_ARTIFACTS)
        if self._options.roles.path not in (None, "/"):
            acknowledge(built, "CloudFormation-Validate::E3050", _NOT_A_REF)
        return built

    def _build_permissions(self, log_group: logs.ILogGroup, bases: list[EcrImage]) -> list[Allow]:
        partition = cdk.Stack.of(self).partition
        pull = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
        push = ["ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage"]
        allows = [
            Allow(
                ["ecr:GetAuthorizationToken"],
                ["*"],
                why="ECR's sign-in names no repository; pull and push are granted by name.",
            ),
            Allow([*pull, *push], [self.repository.repository_arn]),
            Allow(
                ["s3:GetObject", "s3:GetObjectVersion"],
                [self.source.bucket.arn_for_objects(self.source.s3_object_key)],
            ),
            Allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn]),
        ]
        return allows + ([Allow(pull, sorted({base.arn(partition) for base in bases}))] if bases else [])

    def _handler(self) -> RuntimeFunction:
        return RuntimeFunction(
            self,
            "Handler",
            handler="image_build",
            description="Starts a training image's build and tells CloudFormation how it ended",
            allows=[
                Allow(["codebuild:StartBuild", "codebuild:BatchGetBuilds"], [self.project.attr_arn]),
                Allow(["ecr:DescribeImages"], [self.repository.repository_arn]),
            ],
            environment={},
            timeout=cdk.Duration.minutes(1),
            options=self._options,
        )

    def _on_build_end(self) -> None:
        pattern = events.EventPattern(
            source=["aws.codebuild"],
            detail_type=["CodeBuild Build State Change"],
            detail={
                "project-name": [self.project.ref],
                "build-status": ["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"],
            },
        )
        rule = events.Rule(self, "BuildEnded", description="A training image's build ended", event_pattern=pattern)
        rule.add_target(targets.LambdaFunction(self.handler.function))

    def _resource(self, parameter_name: str) -> cdk.CustomResource:
        resource = cdk.CustomResource(
            self,
            "Resource",
            resource_type="Custom::TrainwrightImageBuild",
            service_token=self.handler.arn,
            service_timeout=cdk.Duration.hours(1),
            properties={
                "ProjectName": self.project.ref,
                "RepositoryName": self.repository.repository_name,
                "RepositoryUri": self.repository.repository_uri,
                "ImageTag": self.source.asset_hash,
                "ParameterName": parameter_name,
            },
        )
        # Without the rule and its permission in place a quick build's end would reach nobody.
        resource.node.add_dependency(self.node.find_child("BuildEnded"))
        return resource


def build_commands(dockerfile: str, build_args: Mapping[str, str], registries: list[str]) -> list[str]:
    """What CodeBuild runs: sign in to each registry in its own region, build for SageMaker's machines, push.

    The first command that fails ends the phase, so nothing is pushed after a build that failed.
    """
    own = "${REPOSITORY_URI%%/*}"
    arguments = "".join(f" --build-arg {_quoted(f'{k}={v}')}" for k, v in sorted(build_args.items()))
    tag = '"$REPOSITORY_URI:$IMAGE_TAG"'
    return [
        *(_sign_in(registry, registry.split(".")[3]) for registry in sorted(set(registries))),
        _sign_in(own, "$AWS_REGION"),
        f"docker build --platform linux/amd64 --provenance=false -f {_quoted(dockerfile)}{arguments} -t {tag} .",
        f"docker push {tag}",
    ]


def _sign_in(registry: str, region: str) -> str:
    return f'aws ecr get-login-password --region "{region}" | docker login --username AWS --password-stdin "{registry}"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
