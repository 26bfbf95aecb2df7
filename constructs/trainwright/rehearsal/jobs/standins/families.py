"""What stands in for which of AWS's repositories, and what the images' own Dockerfiles put into the environment.

Sources: the Dockerfiles of aws/deep-learning-containers, aws/sagemaker-pytorch-training-toolkit,
aws/sagemaker-tensorflow-training-toolkit, aws/sagemaker-scikit-learn-container and aws/sagemaker-xgboost-container;
Hugging Face's training images are built on AWS's for PyTorch and TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TOOLKIT, ALGORITHM = "toolkit", "algorithms"

_PYTHON = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "UTF-8",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
}
_INPUT = {
    "SM_INPUT": "/opt/ml/input",
    "SM_INPUT_TRAINING_CONFIG_FILE": "/opt/ml/input/config/hyperparameters.json",
    "SM_INPUT_DATA_CONFIG_FILE": "/opt/ml/input/config/inputdataconfig.json",
    "SM_CHECKPOINT_CONFIG_FILE": "/opt/ml/input/config/checkpointconfig.json",
    "SM_MODEL_DIR": "/opt/ml/model",
}


@dataclass(frozen=True)
class Family:
    """Images that one stand-in plays.

    Args:
        program: TOOLKIT or ALGORITHM, a package below `container`.
        name: the framework, for the toolkit; "" for an algorithm, which goes by its repository.
        is_built_in: whether it is (also) one of SageMaker's built-in algorithms.
        environment: what the images' ENV has.
    """

    program: str
    name: str = ""
    is_built_in: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_toolkit(self) -> bool:
        """Whether AWS's training toolkit writes the failure file, in its own words and with its own exit codes."""
        return self.program == TOOLKIT


def _framework(name: str, more: Mapping[str, str] | None = None, *, is_built_in: bool = False) -> Family:
    module = f"sagemaker_{name}_container.training:main"
    return Family(TOOLKIT, name, is_built_in, {**_PYTHON, "SAGEMAKER_TRAINING_MODULE": module, **(more or {})})


_PYTORCH, _TENSORFLOW = _framework("pytorch"), _framework("tensorflow")
_BUILT_IN = Family(ALGORITHM, is_built_in=True, environment=_PYTHON)

FAMILIES: Mapping[str, Family] = {
    "pytorch": _PYTORCH,
    "pytorch-training": _PYTORCH,
    "pytorch-training-neuron": _PYTORCH,
    "pytorch-training-neuronx": _PYTORCH,
    "pytorch-trcomp-training": _PYTORCH,
    "huggingface-pytorch-training": _PYTORCH,
    "huggingface-pytorch-training-neuronx": _PYTORCH,
    "huggingface-pytorch-trcomp-training": _PYTORCH,
    "tensorflow-training": _TENSORFLOW,
    "huggingface-tensorflow-training": _TENSORFLOW,
    "huggingface-tensorflow-trcomp-training": _TENSORFLOW,
    "sagemaker-tensorflow-scriptmode": _TENSORFLOW,
    "mxnet-training": _framework("mxnet"),
    "sagemaker-scikit-learn": _framework("sklearn", _INPUT),
    "sagemaker-xgboost": _framework("xgboost", _INPUT, is_built_in=True),
    **dict.fromkeys(
        (
            *("blazingtext", "factorization-machines", "forecasting-deepar", "image-classification", "ipinsights"),
            *("kmeans", "knn", "lda", "linear-learner", "ntm", "object-detection", "object2vec", "pca"),
            *("randomcutforest", "semantic-segmentation", "seq2seq", "xgboost"),
        ),
        _BUILT_IN,
    ),
}
