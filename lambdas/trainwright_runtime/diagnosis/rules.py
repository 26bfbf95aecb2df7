"""The words that prove a cause. Rules are tried in their order, so what names a cause stands before what only says that
something failed.

Texts of AWS are no contract (SageMaker's guide lists the prefixes AlgorithmError, ClientError, InternalServerError and
nothing more). The rules hold words of real failures, which tests/unit/data/failures.jsonl has with their addresses, and
the words of the same programs (CUDA, NCCL, Open MPI, pip, Docker, S3) for the same causes. Every repetition is bounded:
no text makes a rule slow.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from trainwright_runtime.diagnosis import causes
from trainwright_runtime.diagnosis.model import Cause


@dataclass(frozen=True)
class Rule:
    """Words that prove a cause."""

    cause: Cause
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class Proof:
    """A cause and the place of the words that prove it."""

    cause: Cause
    start: int


def first(rules: Iterable[Rule], text: str) -> Proof | None:
    """The cause of the first rule whose words stand in `text`."""
    for rule in rules:
        if found := rule.pattern.search(text):
            return Proof(_quota_or(rule.cause, text), found.start())
    return None


def _rule(cause: Cause, *words: str) -> Rule:
    return Rule(cause, re.compile("|".join(words), re.IGNORECASE | re.MULTILINE))


_LIMIT = re.compile(r"limit\b.{0,200}?\bis (\d{1,6})\b|limit (?:of|is) (\d{1,6})\b", re.IGNORECASE | re.DOTALL)
_DELTA = re.compile(r"request delta of (\d{1,6})", re.IGNORECASE)


def _quota_or(cause: Cause, text: str) -> Cause:
    """A quota that is smaller than what is asked for never clears."""
    if cause is not causes.QUOTA_BUSY:
        return cause
    limit, delta = _LIMIT.search(text), _DELTA.search(text)
    if limit and int(limit[1] or limit[2]) < (int(delta[1]) if delta else 1):
        return causes.QUOTA_ZERO
    return cause


_MACHINES = r"(?:\binstances?\b|\bml\.|\bEC2\b|\bspot\b|ML compute|availability zone)"
_GPU = r"(?:CUDA|GPU|HIP|HBM|XLA|device)"

VERDICTS = (
    _rule(
        causes.BAD_REQUEST,
        r"(?:requested resource|instance type|\bml\.[\w.]{1,30}).{0,120}\bnot (?:available|supported|offered) in "
        r"(?:this |your |the (?:selected |current |requested |given )?)?region",
    ),
    _rule(
        causes.OUT_OF_TIME,
        r"\bMaxRuntime(?:InSeconds)? (?:was |is )?(?:exceeded|reached)",
        r"\bMaxRuntimeExceeded\b",
        r"\b(?:job|stopped)\b.{0,80}exceed\w{0,4} (?:the |its )?max(?:imum)?[ _](?:allowed )?run(?:ning)?[ _]?time",
    ),
    _rule(
        causes.NO_SPOT,
        r"\bMax(?:imum)?[ _]?Wait(?:ing)?[ _]?(?:Time)?(?:InSeconds)? (?:was |is |has been )?"
        r"(?:exceeded|reached|elapsed)\b(?! (?:the |its )?(?:max|limit|allow|quota))",
        r"(?:exceeded|reached) (?:the |its )?Max[ _]?Wait",
        r"\bMaxWaitTimeExceeded\b",
        r"\b(?:job|stopped)\b.{0,80}exceed\w{0,4} (?:the |its )?max(?:imum)?[ _](?:allowed )?wait(?:ing)?[ _]?time",
        r"spot (?:instances?|capacity) (?:was|were) never (?:launched|found|available|obtained)",
    ),
    _rule(
        causes.QUOTA_BUSY,
        r"\bservice limit '.{1,120}' is \d|with current utilization of \d",
        r"ResourceLimitExceeded",
        r"(?:account|resource)-level service limit",
        r"request a (?:limit|quota) increase",
        r"\bVcpuLimitExceeded",
        r"Max spot instance count exceeded",
    ),
    _rule(
        causes.QUOTA_ZERO,
        r"ServiceQuotaExceeded",
        r"\b(?:Service|Account|Instance)?LimitExceeded(?:Exception)?\b",
        r"(?<!disk )\bquota (?:has been |is |was )?exceeded|exceed\w{0,4} (?:your |the |account )?(?:service )?quota",
    ),
    _rule(
        causes.THROTTLED,
        r"\bSlowDown\b|\b503\b.{0,20}\bSlow Down|(?:503|429).{0,20}\bToo Many Requests.{0,60}amazonaws",
        r"Throttling(?:Exception|Error)?\b",
        r"ThrottledException",
        r"TooManyRequestsException",
        r"\bRate exceeded",
        r"RequestLimitExceeded",
        r"\(SlowDown\)|reduce your request rate",
    ),
    _rule(
        causes.NO_CAPACITY,
        r"\bcapacity (?:is |was )?(?:currently |temporarily )?(?:unavailable|not (?:currently )?available)",
        r"\bspot (?:\w{1,12} ){0,3}(?:preemption|termination|evicted|terminated)",
        r"\bCapacityError",
        r"Insufficient_?\w{0,10}_?Capacity",
        r"Insufficient capacity",
        r"Unable to provision requested (?:ML )?compute",
        r"temporarily unavailable in supported availability zones",
        rf"\b(?:no|not enough|lack of|out of|insufficient) (?:\w{{1,12}} ){{0,2}}capacity\b.{{0,80}}{_MACHINES}",
        rf"{_MACHINES}.{{0,80}}\b(?:no|not enough|lack of|out of|insufficient) (?:\w{{1,12}} ){{0,2}}capacity\b",
        r"do not have sufficient .{0,40} capacity",
        r"SpotMaxPriceTooLow|UnfulfillableCapacity",
        r"\bspot (?:\w{1,12} ){0,3}(?:interrupted|interruption|reclaimed|preempted)",
    ),
)
"""What SageMaker says of the job as a whole, wherever it stands."""

REFUSED = re.compile(r"ValidationException|failed to satisfy constraint")
"""An answer to a request: its words on time and capacity are about the request."""
KILLERS = (
    _rule(
        causes.HARDWARE,
        r"\bCUDA error.{0,120}\bhardware error|peer GPU memory over nvlink|mce: \[Hardware Error\]",
        r"caused by previous Xid (?:48|6[1-4]|74|79|9[245]|1[1-5]\d)\b",
        r"\bXid(?: \(PCI:[\w:.]{1,24}\))?:? (?:6[12]|81|92|1[14]0|14[0-9]|150|15[56])\b",
        r"NVML_ERROR_GPU_IS_LOST|GPU requires reset|double[- ]bit (?:ECC )?error|system not yet initialized",
        r"\b(?:instance|host|node|EC2) (?:\w{1,12} )?(?:hardware (?:fail|fault|error|problem)|impairment|is impaired)",
        r"uncorrectable (?:NVLink|ECC)",
        r"ECC error",
        r"\bXid(?: \(PCI:[\w:.]{1,24}\))?:? (?:48|63|64|74|79|94|95|119|120)\b",
        r"fallen off the bus",
        r"NVLink error",
        r"(?:due to|detected) (?:a )?hardware (?:failure|fault|error)",
        r"GPU is lost",
        r"cudaErrorECCUncorrectable",
        r"(?:node|instance|host|GPU)s? .{0,40}(?:is|are|was|became|marked) unhealthy|(?:node|instance|host|"
        r"GPU) health check failed",
        r"Unable to determine the device handle for GPU",
        r"NEURON_HW_ERR|NRT_EXEC_HW_ERR",
    ),
    _rule(
        causes.GPU_MEMORY,
        r"failed to create cu\w{2,8} handle: .{0,40}(?:resource allocation failed|ALLOC_FAILED|NOT_INITIALIZED)",
        r"CUBLAS_STATUS_NOT_INITIALIZED.{0,20} when calling .?cublasCreate|cublas may be due to OOM",
        r"GPU_\d{1,3}_bfc\W{1,3}ran out of memory|cudaMalloc \w{1,12} failed: out of memory|hipErrorOutOfMemory",
        rf"{_GPU} (?:ran )?out of memory",
        rf"out of (?:{_GPU} )?memory.{{0,40}}\b(?:CUDA|GPU)\b",
        r"torch\.(?:cuda\.)?OutOfMemoryError",
        r"CUDA_ERROR_OUT_OF_MEMORY",
        r"cudaErrorMemoryAllocation",
        r"cudaMalloc failed: out of memory",
        r"(?:CUBLAS|CUDNN|CUSOLVER|CUSPARSE)_STATUS_(?:ALLOC_FAILED|INTERNAL_ERROR_ALLOC)",
        r"OOM when allocating tensor",
        r"ResourceExhaustedError",
        r"RESOURCE_EXHAUSTED: (?:Out of memory|Failed to allocate|OOM)",
        r"Not enough memory to .{0,60}GPU",
        r"No available memory for the cache blocks",
        r"out_of_memory: (?:CUDA|RMM)",
        r"Dst tensor is not copied|\b(?:GPU|CUDA|VRAM) OOM\b|out of (?:VRAM|GPU RAM)",
        r"cuda runtime error \(2\)",
        r"CUDA error: out of memory|cudaErrorOutOfMemory",
    ),
    _rule(
        causes.HOST_MEMORY,
        r"No space left on device.{0,60}/dev/shm|/dev/shm.{0,80}No space left on device",
        r"unable to (?:write to|open) (?:file|shared memory object) <?/torch_",
        r"insufficient shared memory",
        r"out of shared memory",
        r"Bus error",
    ),
    _rule(
        causes.DISK,
        r"no (?:more |free )?disk space|(?:disk|volume|file ?system) (?:space )?(?:is |was )?(?:exhausted|filled up)",
        r"\bEDQUOT\b",
        r"(?:volume|file ?system) (?:is |was )?full\b|insufficient (?:local |free )?storage space",
        r"No space left on device",
        r"insufficient disk space",
        r"not enough (?:free )?disk space",
        r"disk (?:quota exceeded|is full|full\b)",
        r"received a failed archive status",
        r"r[au]n(?:ning)? out of (?:disk|storage)|lack of (?:disk|storage) space",
        r"\bENOSPC\b|\[Errno 28\]|os error 28\b",
        r"out of disk|not enough space on",
        r"PytorchStreamWriter failed|enforce fail at inline_container\.cc",
    ),
    _rule(
        causes.HOST_MEMORY,
        r"\bline \d{1,6}:\s{1,8}\d{1,8} Killed\b|low on resource: ?\[?memory|\bevicted\b.{0,80}\bmemory\b",
        r"\b(?:exit|return|status|code)\w{0,4}\b(?:[ \w]{0,20}\b(?:code|status))?['\" :=(]{1,4}(?:137|-9)\b",
        r"\b(?:Array)?MemoryError\b",
        r"Cannot allocate memory",
        r"std::bad_alloc",
        r"(?<!GPU )(?<!CUDA )ran out of memory",
        r"\bout of (?:system |host |physical )?memory\b",
        r"\boom[ -]?kill|forcibly killed|memory limit (?:was )?exceeded",
        r"insufficient (?:system |host |physical )?memory",
        r"exceed\w{0,4} (?:the |its )?(?:available |container )?memory(?: limit)?\b",
        r"\bfailed with -9\b",
        r"\bOOMKilled\b",
        r"OutOfMemoryError: (?!CUDA)",
        r"Java heap space",
        r"DefaultCPUAllocator: (?:can't|not enough)",
        r"Unable to allocate [\d.]{1,12} [KMGT]iB",
        r"instance type with more memory",
        r"killed by signal: Killed",
        r"exit ?code:? ['\"]?(?:137|-9)\b",
        r"(?:return|exit) ?(?:code|status)s? (?:of )?(?:137|-9)\b|exit(?:ed)? with (?:code|status):? ?(?:137|-9)\b",
        r"exitcode:? ?(?:137|-9)\b",
        r"Signals\.SIGKILL",
        r"\(SIGKILL\)",
        r"(?:killed|terminated|exited|interrupted) (?:by|on|with|due to) (?:SIGKILL|signal:? \(?(?:9\b|SIGKILL))",
        r"signal:? 9 ?\(",
        r"return code ?[=:] ?(?:-9|137)\b",
        r"running low on memory|excessive memory usage|KilledWorker",
        r"^Killed['\"]?$",
    ),
)
"""What ends a process whatever it was doing, and makes everything else fail after it."""

RULES = (
    _rule(causes.HARDWARE, r"CUDNN_STATUS_(?:INTERNAL_ERROR|EXECUTION_FAILED)"),
    _rule(
        causes.KEY,
        r"customer master key",
        r"\bkms:(?:Decrypt|GenerateDataKey|CreateGrant|Encrypt|DescribeKey|ReEncrypt)",
        r"\bKMS\.?(?:Exception|AccessDenied|NotFound|Disabled|InvalidState|KMSInvalid)",
        r"KMS ?key.{0,120}(?:denied|disabled|not exist|cannot|can't|unable|permission|deletion|not found|"
        r"not authorized|"
        r"access|invalid state)",
        r"(?:denied|unable|cannot|not authorized|permission).{0,80}\bKMS ?key",
        r"\bKMS\b.{0,80}(?:denied|disabled|does not exist|not authorized)",
        r"AccessDenied.{0,80}\b(?:Decrypt|GenerateDataKey|CreateGrant) operation",
    ),
    _rule(
        causes.IMAGE,
        r"repository with name .{1,200} does not exist|name unknown: The repository|InvalidImageDigest",
        r"no matching manifest for linux|image .{0,120}(?:is too large|exceeds the maximum .{0,20}size)",
        r"Cannot pull (?:\w{1,12} )?container",
        r"Cannot find (?:the )?(?:repository|requested image|image)",
        r"Invalid training image|valid Amazon Elastic Container Registry path",
        r"Access denied for (?:repository|registry)",
        r"\becr:(?:BatchGetImage|GetDownloadUrlForLayer|BatchCheckLayer|GetAuthorizationToken)",
        r"(?:requested|training|docker|container|ecr|inference) image .{0,300}(?:not found|does not exist|could not be|"
        r"not (?:be )?(?:pulled|accessible|supported))",
        r"manifest (?:for .{1,300})?(?:unknown|not found)",
        r"Unsupported (?:manifest|image) (?:media )?type",
        r"(?:failed to|unable to|error|cannot|CannotPullContainer).{0,20}\bpull\w{0,4}\b.{0,60}(?:image|container|"
        r"layer|"
        r"registry|repository|ecr)",
        r"pull access denied",
        r"CannotPullContainer",
        r"ImagePullBackOff|ErrImagePull",
        r"no basic auth credentials",
        r"ImageNotFound",
        r"toomanyrequests: ",
        r"RepositoryNotFoundException",
        r"repository .{1,200} does not exist or (?:no|may require)",
        r"not in the same region as .{0,40}image|image .{0,200}must be in the same region",
    ),
    _rule(
        causes.DATA_MISSING,
        r"\bNO_SUCH_(?:KEY|BUCKET)\b|RESOURCE_NOT_FOUND during (?:Head|Get|List)",
        r"/opt/ml/processing/input/.{0,200}(?:does not exist|not found|No such file)|FileNotFoundError.{0,60}s3://",
        r"(?:FileNotFoundError|No such file).{0,200}/opt/ml/processing/input/(?!code)",
        r"HeadObject operation: Key .{1,300} does not exist",
        r"No S3 objects found",
        r"\bNoSuch(?:Key|Bucket)\b",
        r"no file found in path",
        r"The specified (?:key|bucket) does not exist|ensure that the object or bucket exists",
        r"\bbucket\b.{0,80}(?:not found|does not exist|\b404\b)",
        r"\(404\).{0,60}HeadObject",
        r"HeadObject.{0,80}Not Found",
        r"no such file or directory.{0,60}/opt/ml/input/data",
        r"(?:FileNotFoundError|No such file|does not exist|not found).{0,200}/opt/ml/input/data",
        r"/opt/ml/input/data/.{0,200}(?:does not exist|not found|No such file|is empty)",
        r"S3 key: .{0,200} matched no files",
        r"does not contain any (?:files|objects|data)",
        r"no (?:files|objects|data|images|records) (?:were |was )?found (?:in|under|at) .{0,40}(?:s3://|channel|"
        r"/opt/ml)",
        r"(?:training|validation|train) (?:data|channel|path|folder|directory) (?:is|was) (?:empty|missing|not found)",
        r"There are no files to process",
        r"Couldn't find any data file|(?:unable|failed) to mount.{0,300}(?:no such file|not found|does not exist)",
        r"\bno (?:training|validation|train|input) data (?:was |were |is )?(?:found|available|provided)",
        r"(?:S3 )?prefix .{0,200}(?:did not match|does not match|matches no|is empty)",
    ),
    _rule(
        causes.BAD_REQUEST,
        r"BucketRegionError",
        r"bucket .{0,80}(?:must be|is not) in (?:the same|this) region",
        r"PermanentRedirect",
        r"AuthorizationHeaderMalformed",
    ),
    _rule(
        causes.DATA_DENIED,
        r"ACCESS_DENIED during \w{3,40} operation|\(AccessDenied: Access Denied\)",
        r"Access to (?:model|dataset) .{1,120} is restricted|private repository, make sure to pass a token",
        r"\brole\b.{0,120}(?:not have|lacks?|missing|without) .{0,40}permissions?.{0,60}\b(?:S3|bucket)\b",
        r"(?:AccessDenied|Access Denied|Forbidden|\b403\b).{0,120}(?:\b(?:GetObject|PutObject|HeadObject|"
        r"ListObjects\w{0,2}|"
        r"ListBucket|HeadBucket|GetBucketLocation|CreateMultipartUpload|UploadPart)\b|\bS3\b)",
        r"(?:GetObject|PutObject|HeadObject|HeadBucket|\bS3\b|s3://|\bs3:\w{3,30}).{0,200}(?:AccessDenied|"
        r"Access Denied|"
        r"Forbidden|\b403\b)",
        r"not authorized to perform: s3:",
        r"s3:(?:Get|Put|List)\w{3,30}.{0,60}(?:permission|denied)",
        r"Data download failed.{0,120}(?:denied|forbidden|permission)",
        r"Artifact upload failed.{0,200}(?:denied|forbidden|permission)",
        r"gated repo",
        r"(?:401|403) Client Error.{0,120}huggingface\.co",
        r"GatedRepoError",
    ),
    _rule(
        causes.ROLE,
        r"cross-account pass ?role|\bpass ?role\b.{0,40}\bnot allowed",
        r"Cannot validate the provided IAM role|not permitted to perform",
        r"\brole\b.{0,120}(?:does not|doesn\'t) have .{0,30}permissions?\b",
        r"unable to (?:perform: sts:AssumeRole|assume)",
        r"Could not assume role",
        r"\bsts:AssumeRole",
        r"\biam:(?:PassRole|GetRole)",
        r"role .{0,200}(?:cannot be assumed|does not exist|is (?:invalid|not valid)|trust)",
        r"not authorized to perform",
        r"AccessDenied(?:Exception)?\b",
        r"security token .{0,60}(?:invalid|expired)|credentials .{0,40}\bexpired",
        r"UnauthorizedOperation|UnrecognizedClientException|ExpiredToken|InvalidClientTokenId",
        r"Unable to locate credentials|NoCredentialsError",
    ),
    _rule(
        causes.CONTAINER,
        r"API error \(\d{3}\): (?:OCI|driver|container|failed to|Cannot start)",
        r"exec .{0,60}failed: (?:Permission denied|Exec format)",
        r"starting container process caused|oci runtime error",
        r"exec .{0,60}failed: No such file",
        r"exec format error",
        r"exec user process caused",
        r"executable file not found",
        r"env: ['\"\u2018]?(?:python|bash|sh).{0,4}['\"\u2019]?: No such",
        r"\\r'?: (?:No such file|command not found)",
        r"(?:sh|bash): .{0,20}(?:train|serve|python\d?): (?:command )?not found",
        r"exit ?code:? ['\"]?12[67]\b|exit(?:ed)? with (?:code|status):? ?12[67]\b",
        r"permission denied: unknown",
        r"CannotStartContainer",
        r"OCI runtime create failed|failed to create (?:shim )?task|Unknown runtime specified",
        r"nvidia-container-cli",
        r"container .{0,40}(?:failed|unable|could not) (?:to )?start|cannot (?:create|start) container",
        r"can't open file '",
        r"(?:entry ?point|entry_point|entry_script|train\.py) .{0,120}(?:does not exist|not found|No such file)",
        r"No such file or directory:? ['\"]?/opt/ml/(?:code|input/data/code)/[\w./-]{1,120}\.(?:py|sh)\b",
    ),
    _rule(
        causes.NETWORK,
        r"(?:Network is unreachable|Failed to establish a new connection|Temporary failure in name resolution).{0,4000}"
        r"No matching distribution",
        r"Retrying \(Retry\(total=0",
    ),
    _rule(
        causes.IMPORT,
        r"Command errored out with exit status|/pip-(?:install|req-build|build|wheel)-",
        r"setup\.py (?:egg_info|bdist_wheel)",
        r"ModuleNotFoundError",
        r"\bImportError\b",
        r"Install(?:Module|Requirements)Error",
        r"conflicting dependencies|requires a different Python|Invalid requirement|Could not open requirements file",
        r"error: command '.{0,40}(?:gcc|g\+\+|cmake|nvcc)' failed|may indicate binary incompatibility|"
        r"Failed to import ",
        r"\bNo module named\b",
        r"Could not find a version that satisfies",
        r"No matching distribution found",
        r"ResolutionImpossible",
        r"Could not build wheels for|Failed building wheel|error: subprocess-exited-with-error|"
        r"metadata-generation-failed",
        r"pkg_resources\.(?:DistributionNotFound|VersionConflict|ContextualVersionConflict)",
        r"\bpip['\", ]{1,6}install.{0,300}(?:returned non-zero|failed)",
        r"\bpip[./]_(?:internal|vendor)\b",
        r"undefined symbol: ",
        r"cannot open shared object file",
        r"version `(?:GLIBC|GLIBCXX|CXXABI)_[\d.]{1,12}' not found",
    ),
    _rule(
        causes.HOSTS_LOST,
        r"Timeout at NCCL work|\bcollective\b.{0,60}\btimed? ?out\b",
        r"Watchdog caught collective operation timeout|watchdog got stuck",
        r"Unable to connect to port 22",
        r"Cannot connect to host algo-",
        r"lost communication with a remote daemon",
        r"heartbeat (?:monitor )?timed? ?out",
    ),
    _rule(
        causes.HOSTS_APART,
        r"\bno (?:valid|usable|active) (?:EFA|IB|RDMA)\b|unable to find (?:an )?EFA",
        r"\bconnect\(\) timed out|Original timeout was \d|wait timeout after \d",
        r"MPI processes (?:are )?unable to reach each other|no Open MPI device|BTLs attempted",
        r"NCCL WARN",
        r"\bNCCL\b.{0,40}(?:error|unhandled|invalid|failure|failed|timeout|aborted)",
        r"\bnccl\w{0,30}(?:Error|Usage| failed)\b",
        r"\bibv_\w{2,30} failed",
        r"DistBackendError",
        r"ProcessGroup(?:NCCL|Gloo)",
        r"\bgloo\b.{0,200}(?:connect|timeout|closed|reset|refused|error)",
        r"(?:Connection|connect).{0,60}(?:refused|reset|closed|timed? ?out).{0,80}\balgo-\d",
        r"\balgo-\d{1,3}.{0,120}(?:Connection refused|Connection reset|not reachable|timed? ?out|unreachable)",
        r"connect to host .{1,80} port 22",
        r"Host key verification failed",
        r"ORTE was unable|ORTE does not know|ORTE daemon",
        r"PMIx? (?:ERROR|server)",
        r"Rendezvous\w{0,20}Error|rendezvous.{0,80}timed? ?out",
        r"client socket has (?:failed|timed out)",
        r"store based barrier|Timed out initializing process group|TCPStore",
        r"EADDRINUSE|Address already in use",
        r"Horovod has been shut down|horovod.{0,120}(?:stall|failed|error)",
        r"\bSMDDP\b.{0,120}(?:error|failed|abort)|smddp\w{0,20}Error|smdistributed.{0,160}(?:error|fail)",
        r"libfabric.{0,120}(?:error|fail)|\bfi_\w{2,20} failed",
        r"MPI_(?:Init|ERR_|Send|Recv|All)\w{0,20}",
        r"NCCL communicator|\bc10d\b.{0,120}(?:error|failed|timed? ?out|timeout)|key-value store.{0,200}timeout",
        r"third_party/gloo|Timed out waiting \d{1,9} ?ms for|Connection closed by peer",
        r"\bNET/OFI\b|\bEFA\b.{0,80}(?:error|fail|not found)",
        r"Socket Timeout|Broken pipe.{0,60}rank",
        r"Some ranks? .{0,60}(?:failed|timed)",
    ),
    _rule(
        causes.NETWORK,
        r"\bsocket\.timeout\b|TimeoutError: (?:timed out|The read operation)|\[Errno 11[013]\]",
        r"Network is unreachable|No route to host",
        r"(?:cannot|can't|could not|unable to|failed to) (?:access|reach|connect to) (?:the )?(?:internet|pypi)",
        r"(?:unable|failed) to mount.{0,300}(?:timed? ?out|security group|connection|network|unreachable)",
        r"route table has a route to|NAT (?:device|gateway)|allow outbound traffic",
        r"Temporary failure in name resolution",
        r"Name or service not known",
        r"nodename nor servname",
        r"getaddrinfo failed",
        r"Could not resolve host",
        r"Cannot assign requested address",
        r"couldn'?t connect to ['\"]?https?://",
        r"Max retries exceeded with url",
        r"Failed to establish a new connection",
        r"Connect timeout on endpoint|ConnectTimeout|ReadTimeout|EndpointConnectionError",
        r"Could not connect to the endpoint URL",
        r"urlopen error",
        r"unable to access 'https?://",
        r"Couldn'?t reach (?:the )?['\"]?\w",
        r"Unable to execute (?:HTTP )?request",
        r"HTTPS?ConnectionPool|Read timed out|ProxyError|gaierror|curl: \(\d{1,3}\)",
        r"(?:requests|urllib3?|http|aiohttp|httpx|httpcore)\.[\w.]{0,60}(?:ConnectionError|ConnectError|SSLError|"
        r"ProtocolError"
        r"|RemoteDisconnected|IncompleteRead|HTTPError)",
        r"(?:429|5\d\d) (?:Client|Server) Error",
        r"HTTP Error (?:429|5\d\d)",
        r"Connection (?:error|aborted|timed out).{0,200}(?:https?://|cached|hub)",
        r"Remote end closed connection",
        r"CERTIFICATE_VERIFY_FAILED",
        r"offline mode is enabled|LocalEntryNotFoundError",
        r"wandb.{0,80}(?:Network error|CommError|timed? ?out)",
        r"ConnectionResetError|ConnectionRefusedError|Connection (?:reset by peer|refused|timed out)|ECONNREFUSED",
    ),
    _rule(
        causes.DATA_FORM,
        r"cannot copy sequence with size|previously downloaded file/folder clashes",
        r"(?:registered|decoder|handler|iterator|reader) .{0,20}content[-_ ]?type",
        r"matches the requested content[- ]type",
        r"unable to read data channel",
        r"(?:malformed|ill-formed|corrupt(?:ed)?) (?:record|line|row|json|csv|image|input)s?\b",
        r"\bexpected \d{1,6} (?:features?|columns?|fields?)\b|(?:has|contains?|remove) (?:the |a )?header (?:row|line)",
        r"Unable to parse record",
        r"does not start with the magic number",
        r"label size mismatched",
        r"Empty \.?\w{1,20} file",
        r"could not convert string to float",
        r"UnicodeDecodeError",
        r"Could not parse .{0,60}(?:csv|record|libsvm|json|line)",
        r"(?:Failed|Unable|Error) (?:to|while|in) (?:read|load|pars|decod)\w{0,3}.{0,80}(?:csv|record|libsvm|json|"
        r"parquet|data|"
        r"image|protobuf|line)",
        r"Error tokenizing data|ParserError|EmptyDataError|Could not determine delimiter|Input contains NaN",
        r"(?:delimiter|colon|blankspace).{0,60}not found\b",
        r"Delimiter .{0,20} is not found",
        r"label must be in|labels? (?:must|should) be|SoftmaxMultiClassObj",
        r"(?:non-numeric|non-integer|missing|NaN|invalid|unexpected) (?:value|label|target|column|feature|record|"
        r"data)s?\b.{0,60}"
        r"(?:found|encountered|in|detected)",
        r"(?:feature|column|dimension)s?.{0,60}(?:mismatch|do(?:es)? not match)",
        r"(?:mismatch|inconsistent).{0,40}(?:number of )?(?:feature|column|dimension|label)s?",
        r"(?:Cannot|can't) identify image file|UnidentifiedImageError",
        r"ArrowInvalid|Invalid (?:parquet|recordio|TFRecord|record)|DataLossError|Invalid header crc|"
        r"corrupted record|truncated (?:file|record)",
        r"\(Input Error\)",
        r"Invalid content[- ]?type|content[- ]?type.{0,80}(?:not supported|is invalid|unsupported|must be)",
        r"JSONDecodeError|Invalid JSON|not (?:a )?valid json",
        r"(?:error|failed|unable)\b.{0,20}\b(?:when |while |to )?pars(?:e|ing)\b",
        r"time series.{0,60}(?:zero|empty|short|missing|NaN|length)",
        r"both a folder as well as a file|(?:must|should) (?:follow|be in|have) .{0,120}\bformat\b",
        r"manifest .{0,80}(?:invalid|malformed|not valid|could not be parsed)",
    ),
    _rule(
        causes.BAD_REQUEST,
        r"make sure that the file exists",
        r"not valid under any of the given schemas|Failed validating |is a required property",
        r"illegal char|partial S3 prefix is not supported|S3 prefix has to end",
        r"Failed to invoke sagemaker:\w{3,40}|Cannot use both .{1,40} (?:and|TrainingInputMode)",
        r"is (?:less than the minimum|greater than the maximum) of|scoped to correct region",
        r"ValidationException",
        r"failed to satisfy constraint",
        r"required hyperparameter",
        r"use a GPU instance",
        r"is not supported (?:by|for|in) (?:algorithm|the algorithm|this region|training)",
        r"hyper-?parameter\w{0,3}.{0,120}(?:invalid|not allowed|not supported|unexpected|unknown|required|must|"
        r"missing|out of)",
        r"(?:invalid|unknown|unexpected|missing|unrecognized|additional|extraneous) hyper-?parameter",
        r"Additional properties are not allowed",
        r"\bis not of type '",
        r"\bis not one of \[",
        r"ParamValidationError|Parameter validation failed|Unknown parameter in |Missing required parameter in ",
        r"Invalid (?:length|type) for parameter",
        r"Invalid (?:MaxWait|MaxRun|InstanceType|instance type|S3|value for|parameter)",
        r"InvalidParameter\w{0,12}",
        r"ResourceInUse|already exists|must be unique",
        r"Failed to validate input data configuration",
        r"(?:instance|image|framework|python) (?:type|version).{0,80}not supported",
        r"States\.(?:Runtime|ParameterPathFailure)|SCHEMA_VALIDATION_FAILED",
        r"Could not find model data",
        r"not subscribed to the marketplace",
        r"only (?:supports|supported).{0,80}(?:instance|channel|mode)",
        r"(?:does not|doesn't|not) support(?:ed)? .{0,40}\b(?:ml\.|instance|type|region)",
        r"hyper-?parameter.{0,120}not in\b|Invalid (?:parameter|hyperparameter|configuration|input|"
        r"argument) (?:value|name)",
        r"region supported by SageMaker|network isolation|Requested resource not found|ResourceNotFound",
        r"\b(?:subnet|security group|VPC)s?\b.{0,120}(?:does not exist|not found|invalid|insufficient|not belong)",
        r"channel.{0,60}(?:is required|is missing|not specified|must be specified|not provided)",
    ),
    _rule(
        causes.STOPPED,
        r"\b(?:training )?job\b.{0,40}\b(?:was|has been|got) (?:manually )?"
        r"(?:stopped|cancell?ed)(?: manually)?(?: by|\.|$)",
        r"\bmanually stopp",
        r"stopp?(?:ed|ing)? (?:the|a|this|your) (?:training )?job\b.{0,40}\b(?:manually|console|by hand)",
        r"\b(?:console|user|person|operator)\b.{0,60}\bstop(?:ped|s)? (?:the |a |this )?(?:training )?job\b",
        r"TrainingJobStatus=Stopped",
        r"\bStopTrainingJob\b",
        r"(?:training job|job) (?:was |has been )?(?:manually )?stopped by (?:the )?(?:user|customer)",
        r"\bJobStopped\b|status['\"]?\s{0,3}[:=]\s{0,3}['\"]?Stopped\b",
    ),
    _rule(
        causes.OUT_OF_TIME,
        r"training job times out .{0,80}Stopped",
        r"training job .{0,40}timed? ?out",
        r"max(?:imum)?[ _]?run(?:time)?\b.{0,60}(?:reached|exceeded)",
        r"(?:terminated|stopped|killed) before finishing",
        r"(?:reach|hit|exceed)\w{0,3} .{0,30}(?:MaxRuntimeInSeconds|max_run\b|maximum (?:run|training) ?time)",
    ),
    _rule(causes.DATA_FORM, r"\b(?:UserError|Customer ?Error): \S"),
    _rule(causes.CONTAINER, r"(?:bash|sh): .{0,60}: (?:command )?not found", r"no such file or directory: '?train'?$"),
    _rule(
        causes.DATA_FORM,
        r"ClientError: (?!An error occurred|Artifact upload|Data download).{0,200}\b(?:time series|records?|rows?|"
        r"columns?|"
        r"labels?|csv|json|libsvm|recordio|parquet|dataset|training data)\b",
    ),
    _rule(
        causes.BAD_REQUEST,
        r"ClientError: (?!An error occurred|Artifact upload|Data download).{0,200}\b(?:hyper-?parameters?|parameters?|"
        r"instance types?|channels?)\b",
    ),
    _rule(causes.INTERNAL_WITH_WORDS, r"\(500\) when calling"),
    _rule(
        causes.BAD_REQUEST,
        r"\(\w{3,60}\) when calling the (?:Create|Update|Stop|Delete)\w{0,40}(?:Job|Pipeline|Model|"
        r"Endpoint)\w{0,20} operation",
        r"^(?:.{0,200}\bReason: )?(?:ClientError: ){1,2}(?!An error occurred|Artifact upload|Data download|"
        r".{0,80}\bexit)\w{1,40}(?: \S{1,60}){4}",
    ),
)
"""In the order in which they are believed, on an exception's words and then on a whole text."""

GPU_LIBRARIES = (_rule(causes.GPU_MEMORY, r"\bCU(?:DNN|BLAS|SOLVER|SPARSE|FFT)_STATUS_\w{1,40}"),)
"""Words of CUDA's libraries that mean a full GPU where its memory was full."""

INTERNAL = (
    _rule(
        causes.INTERNAL,
        r"InternalServerError: We encountered an internal error\.\s{1,4}Please try again"
        r"(?: later)?[\s.,'\"})\]]{0,20}\Z",
        r"Error Code: (?:InternalFailure|InternalServer\w{5,9}|ServiceUnavailable\w{0,9})\b",
        r"\((?:503|InternalFailure|InternalServerError|InternalServerException|"
        r"ServiceUnavailable\w{0,9})\) when calling",
        r"\A\s{0,20}(?:Internal ?Server ?Error|Internal ?Failure|Service ?Unavailable)\.?\s{0,20}\Z",
    ),
)
"""SageMaker's own error, where it says so and nothing more: words after it would be a cause."""

INTERNAL_WITH_WORDS = (
    _rule(
        causes.INTERNAL_WITH_WORDS,
        r"\bInternalServerError",
        r"Platform Error:",
        r"InternalFailure",
        r"Internal Server Error",
    ),
)
