"""What becomes of each member of CreateTrainingJob here: played, only reported, or refused.

What is refused has its sentence in `validation.NOT_PLAYED` and in the rules for channels there. A test holds the three
against botocore's model, so that a member that AWS adds is decided on and not silently taken.
"""

from __future__ import annotations

#: Has the effect that it has on AWS, as far as the account has what it is about.
PLAYED = frozenset(
    {
        "AlgorithmSpecification.ContainerArguments",
        "AlgorithmSpecification.ContainerEntrypoint",
        "AlgorithmSpecification.MetricDefinitions",
        "AlgorithmSpecification.TrainingImage",
        "AlgorithmSpecification.TrainingInputMode",
        "CheckpointConfig",
        "DebugHookConfig",
        "EnableManagedSpotTraining",
        "EnableNetworkIsolation",
        "Environment",
        "HyperParameters",
        "InputDataConfig.ChannelName",
        "InputDataConfig.CompressionType",
        "InputDataConfig.ContentType",
        "InputDataConfig.DataSource.S3DataSource.AttributeNames",
        "InputDataConfig.DataSource.S3DataSource.InstanceGroupNames",
        "InputDataConfig.DataSource.S3DataSource.S3DataDistributionType",
        "InputDataConfig.DataSource.S3DataSource.S3DataType",
        "InputDataConfig.DataSource.S3DataSource.S3Uri",
        "InputDataConfig.InputMode",
        "InputDataConfig.RecordWrapperType",
        "InputDataConfig.ShuffleConfig",
        "OutputDataConfig",
        "ProfilerConfig",
        "ProfilerRuleConfigurations",
        "ResourceConfig.InstanceCount",
        "ResourceConfig.InstanceGroups",
        "ResourceConfig.InstancePreferences.InstanceCount",
        "ResourceConfig.InstancePreferences.InstanceType",
        "ResourceConfig.InstanceType",
        "ResourceConfig.KeepAlivePeriodInSeconds",
        "ResourceConfig.VolumeKmsKeyId",
        "RetryStrategy",
        "RoleArn",
        "StoppingCondition.MaxRuntimeInSeconds",
        "StoppingCondition.MaxWaitTimeInSeconds",
        "Tags",
        "TensorBoardOutputConfig",
        "TrainingJobName",
    }
)
#: Accepted and repeated by DescribeTrainingJob; there is nothing here for it to act on.
REPORTED = frozenset(
    {
        "AlgorithmSpecification.EnableSageMakerMetricsTimeSeries",
        "AlgorithmSpecification.TrainingImageConfig",
        "EnableInterContainerTrafficEncryption",
        "ExperimentConfig",
        "InfraCheckConfig",
        "RemoteDebugConfig",
        "ResourceConfig.VolumeSizeInGB",
        "SessionChainingConfig",
        "StoppingCondition.MaxPendingTimeInSeconds",
        "VpcConfig",
    }
)
#: Refused as AWS refuses it, with the sources beside the rules in `validation`.
REFUSED_BY_AWS = frozenset(
    {
        "ResourceConfig.SelectedInstanceCount",
        "ResourceConfig.SelectedInstanceType",
    }
)
