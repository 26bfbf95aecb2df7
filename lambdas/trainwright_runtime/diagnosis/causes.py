"""The causes that a diagnosis can name, each with what to do in this platform's words. Several causes may share a
label: the label says what happened, the rest says whose turn it is.
"""

from trainwright_runtime.diagnosis.model import Cause
from trainwright_runtime.outcome import Fault

QUOTA_ZERO = Cause(
    "quota_exceeded",
    Fault.ACCOUNT,
    "The account's quota for this instance type is zero or smaller than what the run asks for: waiting never helps.",
    "Ask the platform team for a quota increase, lower compute.instance_count, or choose another "
    "compute.instance_type.",
)
QUOTA_BUSY = Cause(
    "quota_exceeded",
    Fault.ACCOUNT,
    "The account's quota for this instance type is used up at this moment.",
    "Start again when other jobs have ended, or ask the platform team for a quota increase.",
    "retry_same",
)
THROTTLED = Cause(
    "throttled",
    Fault.AWS,
    "AWS takes no more requests at this moment.",
    "Start the run again in a few minutes.",
    "retry_same",
)
NO_CAPACITY = Cause(
    "capacity_unavailable",
    Fault.CAPACITY,
    "AWS had no machines of this type free.",
    "Start the run again later, give more types in compute.instance_type, or set compute.spot: false.",
    "retry_other_capacity",
)
IMAGE = Cause(
    "image_pull",
    Fault.REQUEST,
    "The training image could not be pulled.",
    "Check that the image exists under exactly this address and region, with a Docker manifest for linux/amd64, and "
    "that the team's execution role may pull it.",
)
KEY = Cause(
    "kms_denied",
    Fault.PLATFORM,
    "A key could not be used.",
    "The execution role needs kms:Decrypt, kms:GenerateDataKey and kms:CreateGrant on the key, and the key's policy "
    "must allow it: tell the platform team.",
)
ROLE = Cause(
    "permission_denied_role",
    Fault.PLATFORM,
    "AWS denied what this job needs, or could not act as its role.",
    "The role must trust sagemaker.amazonaws.com, the workflow role must be allowed to pass it, and it must hold the "
    "right that the words name: tell the platform team.",
)
GPU_MEMORY = Cause(
    "gpu_out_of_memory",
    Fault.CODE,
    "The model and a batch did not fit into the GPU's memory.",
    "Use a smaller batch or sequence, lower precision or gradient checkpointing, or a compute.instance_type with more "
    "GPU memory (`trainwright instances`).",
)
HARDWARE = Cause(
    "hardware_fault",
    Fault.AWS,
    "A machine had a hardware fault.",
    "Start the run again: it gets another machine and goes on from its checkpoint.",
    "retry_same",
)
DISK = Cause(
    "disk_full",
    Fault.REQUEST,
    "The volume was full.",
    "Ask for a larger compute.volume, for instance 100 GB, keep fewer checkpoints, or read the input with FastFile.",
    "retry_bigger_volume",
)
HOST_MEMORY = Cause(
    "host_out_of_memory",
    Fault.CODE,
    "The container ran out of memory.",
    "Load less at once, use fewer data loader workers, or a compute.instance_type with more memory.",
)
CONTAINER = Cause(
    "container_start",
    Fault.REQUEST,
    "The container could not start its command.",
    "Check the image's ENTRYPOINT (exec form, an executable of linux/amd64, LF line endings) and that "
    "source_code.entry_script names a file of source_code.source_dir.",
)
IMPORT = Cause(
    "user_code_import",
    Fault.CODE,
    "The script could not import or install what it needs.",
    "Put the missing package into the training image or into source_code.requirements, with versions that fit.",
)
DATA_DENIED = Cause(
    "data_access_denied",
    Fault.PLATFORM,
    "The job may not read or write objects it needs.",
    "Read from data:// or from what the team's policy allows; else ask the platform team for the prefix. A gated model "
    "of a hub needs its token.",
)
DATA_MISSING = Cause(
    "data_not_found",
    Fault.DATA,
    "There is no data where the request points to.",
    "Check the address under inputs: its prefix must hold at least one object, in the job's region; the script finds a "
    "channel under /opt/ml/input/data/<channel>.",
)
NETWORK = Cause(
    "network_unreachable",
    Fault.CODE,
    "The script wanted something from the network and could not get it.",
    "Put what it downloads into the image or into an input channel (data://...).",
)
HOSTS_LOST = Cause(
    "distributed_communication",
    Fault.UNKNOWN,
    "The hosts of the job lost each other.",
    "Start the run again from its checkpoint; if it happens again, look for a rank that stalls.",
    "retry_same",
)
HOSTS_APART = Cause(
    "distributed_communication",
    Fault.CODE,
    "The processes of the job could not talk to each other.",
    "Check `distributed`, the versions of NCCL, EFA plugin and MPI in the image, and the security group, which must "
    "allow its own members in both directions; look for a rank that failed first.",
)
DATA_FORM = Cause(
    "data_format",
    Fault.DATA,
    "The data is not in the form that the training expects.",
    "Check the objects of the channel: its content_type, the order and number of columns, the label's values, no "
    "header.",
)
BAD_REQUEST = Cause(
    "bad_request",
    Fault.REQUEST,
    "SageMaker or the algorithm refused what was asked for.",
    "The evidence says which setting; correct it in the run request (`trainwright render` shows what is sent).",
)
INTERNAL = Cause(
    "internal_error",
    Fault.AWS,
    "SageMaker had an internal error.",
    "Start the run again; it resumes from its checkpoint.",
    "retry_same",
)
INTERNAL_WITH_WORDS = Cause(
    "internal_error",
    Fault.AWS,
    "SageMaker had an internal error, which may come from the request: the evidence has its words.",
    "Start the run again once; if it fails the same way, the input is the cause.",
)
OUT_OF_TIME = Cause(
    "runtime_exceeded",
    Fault.REQUEST,
    "The training job reached its max_runtime and was stopped.",
    "Raise limits.max_runtime, or make the training shorter; its checkpoints are kept.",
)
NO_SPOT = Cause(
    "spot_wait_exceeded",
    Fault.CAPACITY,
    "Spot capacity did not suffice within max_wait, and the job was stopped.",
    "Raise limits.max_wait, give more types in compute.instance_type, or set compute.spot: false.",
    "retry_other_capacity",
)
STOPPED = Cause(
    "stopped_by_user",
    Fault.PERSON,
    "Somebody stopped the training job.",
    "If nobody of the team did: look in CloudTrail for StopTrainingJob; account clean-up tools stop jobs too.",
)
SCRIPT = Cause(
    "user_code_exception",
    Fault.CODE,
    "The training script failed.",
    "Correct the script: the last log lines show where it failed. Data and checkpoints are kept.",
)
OUT_OF_MONEY = Cause(
    "cost_exceeded",
    Fault.REQUEST,
    "The training job used up what max_cost_usd had left for it.",
    "Raise limits.max_cost_usd, or make the training shorter; its checkpoints are kept.",
)
TIMED_OUT = Cause(
    "timed_out",
    Fault.PLATFORM,
    "The training job did not end in the time it could have taken.",
    "Look at the job in SageMaker: it outlived its own limits.",
)
NAME_IN_USE = Cause(
    "name_in_use",
    Fault.PLATFORM,
    "A training job of this name exists already.",
    "Start the run again: it gets a name of its own.",
)
LOST_TRACK = Cause("lost_track", Fault.PLATFORM, "The training job has not ended yet.", "Look at the job in SageMaker.")
REDRIVEN = Cause(
    "redriven",
    Fault.NOBODY,
    "The execution was redriven.",
    "Nothing: the run goes on from its checkpoint with a new training job.",
)
