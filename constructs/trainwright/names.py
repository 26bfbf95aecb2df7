"""The names that stacks, Lambda functions and the command line share: Parameter Store, S3. Plain text: no aws_cdk."""

TEAMS = "/trainwright/teams/"
IMAGES = "/trainwright/images/"
PLATFORM = "/trainwright/platform/"
QUOTAS = "/trainwright/quotas/"  # codes of Service Quotas, under <instance type>/<training|spot|warm-pool>
SOURCE = "source/"  # in the data bucket: source archives, each under the hash of its content

RUNS_PAGE = "runs.html"  # in the root of the reports bucket: the table of a team's runs

DEFAULT_IMAGE = "platform"
DEFAULT_TEAM = "default"

# SageMaker writes every training job's logs here; the name is not ours to choose.
# https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
TRAINING_LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def team(name: str) -> str:
    """What the command line reads to find a team: JSON."""
    return f"{TEAMS}{name}"


def team_policy(name: str) -> str:
    """The team policy as JSON, read by Prepare at every run."""
    return f"{TEAMS}{name}/policy"


def image(name: str) -> str:
    """The URI, with its digest, of the platform's image of that name."""
    return f"{IMAGES}{name}"


def platform(item: str) -> str:
    """What team stacks read from the platform when they deploy, for example `repositories`."""
    return f"{PLATFORM}{item}"
