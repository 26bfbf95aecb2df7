"""What each built-in algorithm wants, as far as AWS's public sources tell.

Names and required names: the hyperparameter page of each algorithm in the SageMaker guide, beside sagemaker/amazon/*.py
of the SDK. Channels and file types: the guide's table "Parameters for Built-in Algorithms"
(https://docs.aws.amazon.com/sagemaker/latest/dg/common-info-all-im-models.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv"
_TABULAR = frozenset({RECORDIO, CSV})
#: Every algorithm takes these two of AWS's estimators (sagemaker/amazon/amazon_estimator.py).
_COMMON = ("feature_dim", "mini_batch_size")


@dataclass(frozen=True)
class Algorithm:
    """One built-in algorithm.

    Args:
        required: hyperparameters that must be there, in the order in which a failure names them.
        known: all hyperparameters, for algorithms of which the SDK and the guide agree; empty: any name goes.
        choices: what a hyperparameter may be.
        positive: hyperparameters that are whole numbers from 1.
        channels: those that must be there.
        content_types: what the data may be; empty: it is not looked at.
        has_features: whether a row of CSV must have feature_dim values, beside its label.
    """

    required: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    positive: frozenset[str] = frozenset()
    channels: tuple[str, ...] = ("train",)
    content_types: frozenset[str] = frozenset()
    has_features: bool = False


def _known(*names: str) -> frozenset[str]:
    return frozenset({*names, *_COMMON})


_PREDICTORS = {"predictor_type": ("binary_classifier", "regressor")}
_IMAGES = Algorithm(
    required=("num_classes", "num_training_samples"),
    positive=frozenset({"num_classes", "num_training_samples", "epochs", "mini_batch_size"}),
    channels=("train", "validation"),
)

ALGORITHMS: Mapping[str, Algorithm] = {
    "blazingtext": Algorithm(
        required=("mode",), choices={"mode": ("batch_skipgram", "skipgram", "cbow", "supervised")}
    ),
    "factorization-machines": Algorithm(
        required=("feature_dim", "num_factors", "predictor_type"),
        known=_known(
            *("num_factors", "predictor_type", "epochs", "clip_gradient", "eps", "rescale_grad", "bias_lr"),
            *("linear_lr", "factors_lr", "bias_wd", "linear_wd", "factors_wd", "bias_init_method"),
            *("bias_init_scale", "bias_init_sigma", "bias_init_value", "linear_init_method", "linear_init_scale"),
            *("linear_init_sigma", "linear_init_value", "factors_init_method", "factors_init_scale"),
            *("factors_init_sigma", "factors_init_value"),
        ),
        choices=_PREDICTORS,
        positive=frozenset({"feature_dim", "num_factors"}),
        content_types=frozenset({RECORDIO}),
    ),
    "forecasting-deepar": Algorithm(
        required=("context_length", "epochs", "prediction_length", "time_freq"),
        positive=frozenset({"context_length", "epochs", "prediction_length"}),
    ),
    "image-classification": _IMAGES,
    "ipinsights": Algorithm(
        required=("num_entity_vectors", "vector_dim"),
        known=_known(
            *("num_entity_vectors", "vector_dim", "batch_metrics_publish_interval", "epochs", "learning_rate"),
            *("num_ip_encoder_layers", "random_negative_sampling_rate", "shuffled_negative_sampling_rate"),
            "weight_decay",
        ),
        positive=frozenset({"num_entity_vectors", "vector_dim"}),
    ),
    "kmeans": Algorithm(
        required=("k", "feature_dim"),
        known=_known(
            *("k", "init_method", "local_lloyd_max_iter", "local_lloyd_tol", "local_lloyd_num_trials"),
            *("local_lloyd_init_method", "half_life_time_size", "epochs", "extra_center_factor", "eval_metrics"),
            "force_dense",
        ),
        choices=dict.fromkeys(("init_method", "local_lloyd_init_method"), ("random", "kmeans++")),
        positive=frozenset({"k", "feature_dim", "mini_batch_size", "epochs"}),
        content_types=_TABULAR,
        has_features=True,
    ),
    "knn": Algorithm(
        required=("feature_dim", "k", "predictor_type", "sample_size"),
        known=_known(
            *("k", "sample_size", "predictor_type", "dimension_reduction_target", "dimension_reduction_type"),
            *("index_metric", "index_type", "faiss_index_ivf_nlists", "faiss_index_pq_m"),
        ),
        choices={"predictor_type": ("classifier", "regressor"), "dimension_reduction_type": ("sign", "fjlt")},
        positive=frozenset({"feature_dim", "k", "sample_size", "mini_batch_size"}),
        content_types=_TABULAR,
        has_features=True,
    ),
    "lda": Algorithm(
        required=("num_topics", "feature_dim", "mini_batch_size"),
        known=_known("num_topics", "alpha0", "max_restarts", "max_iterations", "tol"),
        positive=frozenset({"num_topics", "feature_dim", "mini_batch_size"}),
        content_types=_TABULAR,
    ),
    "linear-learner": Algorithm(
        required=("predictor_type",),
        known=_known(
            *("binary_classifier_model_selection_criteria", "target_recall", "target_precision", "epochs"),
            *("positive_example_weight_mult", "predictor_type", "use_bias", "num_models", "num_calibration_samples"),
            *("init_method", "init_scale", "init_sigma", "init_bias", "optimizer", "loss", "wd", "l1", "momentum"),
            *("learning_rate", "beta_1", "beta_2", "bias_lr_mult", "bias_wd_mult", "use_lr_scheduler"),
            *("lr_scheduler_step", "lr_scheduler_factor", "lr_scheduler_minimum_lr", "normalize_data"),
            *("normalize_label", "unbias_data", "unbias_label", "num_point_for_scaler", "margin", "quantile"),
            *("loss_insensitivity", "huber_delta", "early_stopping_patience", "early_stopping_tolerance"),
            *("num_classes", "accuracy_top_k", "f_beta", "balance_multiclass_weights"),
        ),
        choices={"predictor_type": ("binary_classifier", "multiclass_classifier", "regressor")},
        positive=frozenset({"mini_batch_size", "epochs"}),
        content_types=_TABULAR,
        has_features=True,
    ),
    "ntm": Algorithm(
        required=("feature_dim", "num_topics"),
        positive=frozenset({"feature_dim", "num_topics"}),
        content_types=_TABULAR,
    ),
    "object-detection": _IMAGES,
    "object2vec": Algorithm(
        required=("enc0_max_seq_len", "enc0_vocab_size"), positive=frozenset({"enc0_max_seq_len", "enc0_vocab_size"})
    ),
    "pca": Algorithm(
        required=("feature_dim", "mini_batch_size", "num_components"),
        known=_known("num_components", "algorithm_mode", "subtract_mean", "extra_components"),
        choices={"algorithm_mode": ("regular", "randomized"), "subtract_mean": ("true", "false")},
        positive=frozenset({"feature_dim", "mini_batch_size", "num_components"}),
        content_types=_TABULAR,
        has_features=True,
    ),
    "randomcutforest": Algorithm(
        required=("feature_dim",),
        known=_known("eval_metrics", "num_trees", "num_samples_per_tree"),
        positive=frozenset({"feature_dim", "num_trees", "num_samples_per_tree"}),
        content_types=_TABULAR,
    ),
    "semantic-segmentation": Algorithm(
        required=("num_classes", "num_training_samples"),
        choices={"backbone": ("resnet-50", "resnet-101"), "algorithm": ("fcn", "psp", "deeplab")},
        positive=frozenset({"num_classes", "num_training_samples"}),
    ),
    "seq2seq": Algorithm(),
}
