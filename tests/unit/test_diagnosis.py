"""The diagnosis: the words of AWS and of logs, and the cause they prove. The texts are real ones, shortened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright_runtime.diagnosis import Texts, causes, diagnose
from trainwright_runtime.diagnosis.model import Cause
from trainwright_runtime.outcome import Fault, Outcome

FAILED = Outcome.SCRIPT_FAILED
TRACEBACK = (
    "epoch 3 of 12",
    "Traceback (most recent call last):",
    '  File "/opt/ml/code/train.py", line 12, in <module>',
    "    raise ValueError('the labels are empty')",
    "ValueError: the labels are empty",
)


def of_reason(reason, outcome=FAILED):
    return diagnose(Texts(failure_reason=reason), outcome)


def of_log(*lines, reason="AlgorithmError: , exit code: 1"):
    return diagnose(Texts(failure_reason=reason, log_tail=lines), FAILED)


def of_api(text, outcome=Outcome.INVALID):
    return diagnose(Texts(error="SageMaker.AmazonSageMakerException", cause=text), outcome)


def test_a_script_that_raises_is_told_by_its_last_exception():
    diagnosis = of_log(*TRACEBACK)
    assert (diagnosis.label, diagnosis.fault, diagnosis.retry) == ("user_code_exception", Fault.CODE, "no_retry")
    assert "ValueError: the labels are empty" in diagnosis.summary
    assert diagnosis.evidence == "ValueError: the labels are empty"


@pytest.mark.parametrize(
    ("line", "label", "retry"),
    [
        ("RuntimeError: CUDA out of memory. Tried to allocate 7.81 GiB", "gpu_out_of_memory", "no_retry"),
        ("ModuleNotFoundError: No module named 'ignite'", "user_code_import", "no_retry"),
        ("OSError: [Errno 28] No space left on device", "disk_full", "retry_bigger_volume"),
        ("MemoryError: Unable to allocate 12 GiB", "host_out_of_memory", "no_retry"),
        (
            "urllib.error.URLError: <urlopen error [Errno 99] Cannot assign requested address>",
            "network_unreachable",
            "no_retry",
        ),
        ("RuntimeError: CUDA error: uncorrectable ECC error encountered", "hardware_fault", "retry_same"),
        (
            "botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling the GetObject operation",
            "data_access_denied",
            "no_retry",
        ),
        ("[FATAL tini (7)] exec train failed: No such file or directory", "container_start", "no_retry"),
    ],
)
def test_the_log_names_the_cause(line, label, retry):
    diagnosis = of_log(*TRACEBACK[:-1], line)
    assert (diagnosis.label, diagnosis.retry) == (label, retry)
    assert diagnosis.evidence in line


@pytest.mark.parametrize(
    ("reason", "label", "retry"),
    [
        (
            "CapacityError: Unable to provision requested ML compute capacity.",
            "capacity_unavailable",
            "retry_other_capacity",
        ),
        ("InternalServerError: We encountered an internal error.  Please try again.", "internal_error", "retry_same"),
        (
            "InternalServerError: We encountered an internal error - Platform Error: pipe channel",
            "internal_error",
            "no_retry",
        ),
        ("ClientError: Artifact upload failed:Insufficient disk space", "disk_full", "retry_bigger_volume"),
        ("AlgorithmError: , exit code: 137", "host_out_of_memory", "no_retry"),
        ("algorithmerror: exit code: 127\n/usr/bin/env: 'python\\r': No such file", "container_start", "no_retry"),
        ("AlgorithmError: , exit code: 1", "unknown", "no_retry"),
        ("", "unknown", "no_retry"),
    ],
)
def test_the_reason_names_the_cause_where_the_log_does_not(reason, label, retry):
    diagnosis = of_reason(reason)
    assert (diagnosis.label, diagnosis.retry) == (label, retry)


@pytest.mark.parametrize(
    ("text", "label", "retry"),
    [
        (
            "limit 'ml.p3.2xlarge for training job usage' is 0 Instances (ResourceLimitExceeded)",
            "quota_exceeded",
            "retry_same",
        ),
        (
            "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances",
            "quota_exceeded",
            "no_retry",
        ),
        (
            "The account-level service limit 'ml.g5.2xlarge for training job usage' is 2 Inst",
            "quota_exceeded",
            "retry_same",
        ),
        ("Rate exceeded (Error Code: ThrottlingException)", "throttled", "retry_same"),
        ("No S3 objects found under S3 URL (Error Code: ValidationException)", "data_not_found", "no_retry"),
        ("Cannot find repository: x in registry ID (Error Code: ValidationException)", "image_pull", "no_retry"),
        (
            "Could not assume role arn:aws:iam::1:role/x (Error Code: ValidationException)",
            "permission_denied_role",
            "no_retry",
        ),
        ("1 validation error detected (Error Code: ValidationException)", "bad_request", "no_retry"),
    ],
)
def test_a_refusal_names_its_cause(text, label, retry):
    diagnosis = of_api(text)
    assert diagnosis.label == label
    if label != "quota_exceeded" or "account-level" in text:
        assert diagnosis.retry == retry


@pytest.mark.parametrize(
    ("outcome", "label", "fault"),
    [
        (Outcome.OUT_OF_TIME, "runtime_exceeded", Fault.REQUEST),
        (Outcome.NO_SPOT, "spot_wait_exceeded", Fault.CAPACITY),
        (Outcome.STOPPED_BY_PERSON, "stopped_by_user", Fault.PERSON),
        (Outcome.TIMED_OUT, "timed_out", Fault.PLATFORM),
    ],
)
def test_a_stop_needs_no_words(outcome, label, fault):
    diagnosis = diagnose(Texts(), outcome)
    assert (diagnosis.label, diagnosis.fault, diagnosis.evidence) == (label, fault, None)


@pytest.mark.parametrize(
    ("outcome", "label", "retry"),
    [
        (Outcome.OUT_OF_MONEY, "cost_exceeded", "no_retry"),
        (Outcome.NO_MACHINES, "capacity_unavailable", "retry_other_capacity"),
        (Outcome.QUOTA_BUSY, "quota_exceeded", "retry_same"),
        (Outcome.QUOTA_ZERO, "quota_exceeded", "no_retry"),
        (Outcome.THROTTLED, "throttled", "retry_same"),
        (Outcome.SERVICE_UNAVAILABLE, "internal_error", "retry_same"),
        (Outcome.DENIED, "permission_denied_role", "no_retry"),
        (Outcome.INVALID, "bad_request", "no_retry"),
    ],
)
def test_a_refusal_without_words_is_what_the_outcome_says(outcome, label, retry):
    diagnosis = diagnose(Texts(error="Some.Error", cause="no more words"), outcome)
    assert (diagnosis.label, diagnosis.retry, diagnosis.fault) == (label, retry, outcome.fault)


@pytest.mark.parametrize(
    ("metrics", "label"),
    [
        ({"MemoryUtilization": 99.6}, "host_out_of_memory"),
        ({"DiskUtilization": 100.0, "MemoryUtilization": 40.0}, "disk_full"),
        ({"MemoryUtilization": 80.0, "DiskUtilization": 70.0, "GPUMemoryUtilization": 100.0}, "unknown"),
    ],
)
def test_the_metrics_speak_where_the_log_is_silent(metrics, label):
    texts = Texts("AlgorithmError: , exit code: 1", log_tail=("epoch 3", "epoch 4"), metrics=metrics)
    assert diagnose(texts, FAILED).label == label


def test_a_traceback_is_believed_before_the_metrics():
    texts = Texts("AlgorithmError: , exit code: 1", log_tail=TRACEBACK, metrics={"MemoryUtilization": 100.0})
    assert diagnose(texts, FAILED).label == "user_code_exception"


def test_a_full_gpu_explains_what_its_libraries_do_not_say():
    texts = Texts(
        "AlgorithmError: , exit code: 1", log_tail=("RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",)
    )
    assert diagnose(texts, FAILED).label == "hardware_fault"
    full = Texts(texts.failure_reason, log_tail=texts.log_tail, metrics={"GPUMemoryUtilization": 99.9})
    assert diagnose(full, FAILED).label == "gpu_out_of_memory"


def test_a_rank_that_lost_the_others_does_not_hide_why_one_left():
    lost = "torch.distributed.DistBackendError: NCCL error in: ProcessGroupNCCL.cpp:1691, unhandled system error"
    diagnosis = of_log(*TRACEBACK, "[rank1]: Traceback (most recent call last):", f"[rank1]: {lost}")
    assert (diagnosis.label, diagnosis.evidence) == ("user_code_exception", "ValueError: the labels are empty")
    assert of_log(lost).label == "distributed_communication"


def test_what_led_to_an_exception_names_the_cause():
    diagnosis = of_log(
        "requests.exceptions.ConnectionError: Max retries exceeded with url: /bert/config.json",
        "",
        "During handling of the above exception, another exception occurred:",
        "",
        *TRACEBACK[1:-1],
        "OSError: Can't load the model",
    )
    assert diagnosis.label == "network_unreachable"


def test_a_reason_that_is_not_the_scripts_is_believed_before_the_log():
    lost = "paramiko.ssh_exception.NoValidConnectionsError: [Errno None] Unable to connect to port 22 on 10.0.0.2"
    assert of_log(lost).retry == "retry_same"
    diagnosis = of_log(lost, reason="ClientError: Artifact upload failed:Insufficient disk space")
    assert diagnosis.label == "disk_full"


@pytest.mark.parametrize(
    ("limit", "delta", "retry"), [(2, 1, "retry_same"), (2, 2, "retry_same"), (2, 4, "no_retry"), (0, 1, "no_retry")]
)
def test_a_quota_smaller_than_what_is_asked_for_never_clears(limit, delta, retry):
    text = (
        f"The account-level service limit 'ml.g5.xlarge for training job usage' is {limit} Instances, with current "
        f"utilization of 2 Instances and a request delta of {delta} Instances."
    )
    assert of_api(text).retry == retry


@pytest.mark.parametrize(
    "reason",
    [
        'ClientError: Artifact upload failed:API error (400): exec: "train": executable file not found in $PATH',
        "ClientError: Artifact upload failed: python: can't open file '/opt/ml/code/train.py': [Errno 2] No such file",
    ],
)
def test_a_prefix_that_lies_does_not_decide(reason):
    assert of_reason(reason).label == "container_start"


def test_the_sdks_advice_does_not_make_an_internal_error_one_with_words():
    reason = "InternalServerError: We encountered an internal error. Please try again."
    advice = ". Check troubleshooting guide for common errors: https://docs.aws.amazon.com/sagemaker/latest/dg/x.html"
    assert of_reason(f"Error for Training job x: Failed. Reason: {reason}{advice}").retry == "retry_same"
    assert of_reason(f"{reason} The manifest is too large.").retry == "no_retry"


def test_the_description_of_a_job_in_a_cause_is_read_for_its_end():
    cause = '{"TrainingJobName":"x","TrainingJobStatus":"%s","SecondaryStatus":"%s","FailureReason":"%s"}'
    assert of_api(cause % ("Failed", "Failed", "AlgorithmError: , exit code: 137")).label == "host_out_of_memory"
    assert of_api(cause % ("Stopped", "MaxWaitTimeExceeded", ""), Outcome.FAILED).label == "spot_wait_exceeded"
    assert of_api(cause % ("Stopped", "Stopped", ""), Outcome.FAILED).label == "stopped_by_user"


def test_a_request_refused_for_its_limits_is_no_job_that_reached_them():
    text = "An error occurred (ValidationException): the job exceeds the maximum wait time; MaxWaitTimeExceeded"
    assert (of_api(text).label, of_api(text).retry) == ("bad_request", "no_retry")


def test_the_arguments_of_the_script_say_nothing_of_its_failure():
    reason = 'AlgorithmError: ExecuteUserScriptError: Command "/usr/bin/python -m train --on_error ModuleNotFoundError'
    assert of_reason(reason).label == "unknown"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (
            "(ResourceLimitExceeded): The requested resource training-job/ml.p2.xlarge is not available in this region",
            None,
        ),
        ("MaxWaitTimeInSeconds exceeded the maximum allowed value of 2592000", "spot_wait_exceeded"),
        ("The instance hardware does not support bfloat16", "hardware_fault"),
        ("NVRM: Xid (PCI:0000:dc:00): 45, Ch 00000001 caused by previous Xid 13", "hardware_fault"),
        ("An error occurred (500) when calling the CreateTrainingJob operation: Internal Server Error", None),
    ],
)
def test_what_would_fail_again_is_not_retried_for_words_that_sound_like_it(text, label):
    diagnosis = of_reason(text)
    assert diagnosis.retry == "no_retry"
    assert diagnosis.label != label


def test_what_a_client_raises_for_a_failed_job_is_not_the_scripts_exception():
    raised = "FailedStatusError: Encountered unexpected failed state while waiting for TrainingJob. Failure Reason: "
    assert of_reason(f"{raised}ClientError: Data download failed: 403 Forbidden").label == "data_access_denied"
    exited = of_reason("ValueError: Error for Training job x: Failed Reason: AlgorithmError: exit code: 1")
    assert exited.label == "unknown"


def test_what_the_algorithm_refuses_without_a_known_word_is_the_request():
    assert of_reason("ClientError: The given objective needs one more class.").label == "bad_request"
    assert of_reason("ClientError: container exited with code 1").label == "unknown"
    assert of_reason("ClientError: Data download failed: ").label == "unknown"


def test_every_cause_says_what_it_is_and_what_to_do():
    known = [each for each in vars(causes).values() if isinstance(each, Cause)]
    assert len(known) > 25
    assert [each.label for each in known if not (each.summary.endswith(".") and each.remedy.endswith((".", ")")))] == []


def test_what_nothing_proves_is_unknown_and_never_retried():
    diagnosis = of_log("epoch 3", "epoch 4")
    assert (diagnosis.label, diagnosis.retry) == ("unknown", "no_retry")


@given(st.text(), st.text(), st.lists(st.text(), max_size=5), st.sampled_from(Outcome))
def test_no_text_makes_the_diagnosis_raise(reason, cause, tail, outcome):
    diagnosis = diagnose(Texts(reason, "error", cause, tuple(tail)), outcome)
    assert diagnosis.summary
    assert diagnosis.remedy
    assert diagnosis.to_dict(tail)["log_tail"] == tail
