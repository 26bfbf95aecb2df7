"""The diagnosis: the words of AWS and of logs, and the cause they prove. The texts are real ones, shortened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright_runtime.diagnosis import Texts, diagnose
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


def test_what_nothing_proves_is_unknown_and_never_retried():
    diagnosis = of_log("epoch 3", "epoch 4")
    assert (diagnosis.label, diagnosis.retry) == ("unknown", "no_retry")


@given(st.text(), st.text(), st.lists(st.text(), max_size=5), st.sampled_from(Outcome))
def test_no_text_makes_the_diagnosis_raise(reason, cause, tail, outcome):
    diagnosis = diagnose(Texts(reason, "error", cause, tuple(tail)), outcome)
    assert diagnosis.summary
    assert diagnosis.remedy
    assert diagnosis.to_dict(tail)["log_tail"] == tail
