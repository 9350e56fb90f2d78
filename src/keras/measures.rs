//! Keras's losses and metrics, and which of ours they are.

use super::class::{Class, Family, Plain, Rule};

const FROM_LOGITS: (&str, Rule) = ("from_logits", Rule::Default(Plain::Bool(false)));
const LABEL_SMOOTHING: (&str, Rule) = ("label_smoothing", Rule::Same);
const LAST_AXIS: (&str, Rule) = ("axis", Rule::Only(&[Plain::Number(-1.0)]));

const NUM_THRESHOLDS: (&str, Rule) = ("num_thresholds", Rule::Number);
const CLASS_ID: (&str, Rule) = ("class_id", Rule::Optional);

const BINARY_CROSSENTROPY: Class = Class {
    names: &["BinaryCrossentropy", "binary_crossentropy", "bce", "BCE"],
    kind: "binary_crossentropy",
    options: &[FROM_LOGITS, LABEL_SMOOTHING, LAST_AXIS],
};
const CATEGORICAL_CROSSENTROPY: Class = Class {
    names: &["CategoricalCrossentropy", "categorical_crossentropy"],
    kind: "categorical_crossentropy",
    options: &[FROM_LOGITS, LABEL_SMOOTHING, LAST_AXIS],
};
/// As a loss; the metric ignores no class.
const SPARSE_CATEGORICAL_CROSSENTROPY: Class = Class {
    names: &["SparseCategoricalCrossentropy", "sparse_categorical_crossentropy"],
    kind: "sparse_categorical_crossentropy",
    options: &[FROM_LOGITS, ("ignore_class", Rule::Optional), LAST_AXIS],
};
const COSINE_SIMILARITY: Class =
    Class { names: &["CosineSimilarity", "cosine_similarity"], kind: "cosine_similarity", options: &[LAST_AXIS] };
const HINGE: Class = plain(&["Hinge", "hinge"], "hinge");
const SQUARED_HINGE: Class = plain(&["SquaredHinge", "squared_hinge"], "squared_hinge");
const CATEGORICAL_HINGE: Class = plain(&["CategoricalHinge", "categorical_hinge"], "categorical_hinge");
const KL_DIVERGENCE: Class = plain(&["KLDivergence", "kl_divergence", "kld", "KLD"], "kl_divergence");
const POISSON: Class = plain(&["Poisson", "poisson"], "poisson");

/// How targets say their class is known from the loss. Outputs are a cell for each class, whose largest is meant.
const OVERLAP: &[(&str, Rule)] = &[
    ("num_classes", Rule::Optional),
    ("target_class_ids", Rule::Same),
    ("ignore_class", Rule::Optional),
    ("sparse_y_true", Rule::Ignored),
    ("sparse_y_pred", Rule::Only(&[Plain::Bool(false)])),
    LAST_AXIS,
    COUNTED,
];

/// What Keras counts in, and prints as the type of the whole metric.
const COUNTED: (&str, Rule) =
    ("dtype", Rule::Only(&[Plain::Text("float32"), Plain::Text("int32"), Plain::Text("int64"), Plain::Text("int")]));

const fn plain(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[] }
}

const fn counting(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[("thresholds", Rule::Optional)] }
}

/// Losses of `model.compile`.
pub(super) const LOSSES: Family = Family {
    what: "loss",
    classes: &[
        BINARY_CROSSENTROPY,
        CATEGORICAL_CROSSENTROPY,
        SPARSE_CATEGORICAL_CROSSENTROPY,
        plain(&["MeanSquaredError", "mean_squared_error", "mse", "MSE"], "mean_squared_error"),
        plain(&["MeanAbsoluteError", "mean_absolute_error", "mae", "MAE"], "mean_absolute_error"),
        plain(
            &["MeanAbsolutePercentageError", "mean_absolute_percentage_error", "mape", "MAPE"],
            "mean_absolute_percentage_error",
        ),
        plain(
            &["MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", "msle", "MSLE"],
            "mean_squared_logarithmic_error",
        ),
        plain(&["LogCosh", "log_cosh", "logcosh"], "log_cosh"),
        Class { names: &["Huber", "huber", "huber_loss"], kind: "huber", options: &[("delta", Rule::Same)] },
        COSINE_SIMILARITY,
        HINGE,
        SQUARED_HINGE,
        CATEGORICAL_HINGE,
        KL_DIVERGENCE,
        POISSON,
        Class {
            names: &["BinaryFocalCrossentropy", "binary_focal_crossentropy"],
            kind: "binary_focal_crossentropy",
            options: &[
                ("apply_class_balancing", Rule::Same),
                ("alpha", Rule::Number),
                ("gamma", Rule::Number),
                FROM_LOGITS,
                LABEL_SMOOTHING,
                LAST_AXIS,
            ],
        },
        Class {
            names: &["CategoricalFocalCrossentropy", "categorical_focal_crossentropy"],
            kind: "categorical_focal_crossentropy",
            options: &[("alpha", Rule::Number), ("gamma", Rule::Number), FROM_LOGITS, LABEL_SMOOTHING, LAST_AXIS],
        },
        Class {
            names: &["CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy"],
            kind: "categorical_generalized_cross_entropy",
            options: &[("q", Rule::Number)],
        },
        Class { names: &["Dice", "dice"], kind: "dice", options: &[("axis", Rule::Optional)] },
        Class {
            names: &["Tversky", "tversky"],
            kind: "tversky",
            options: &[("alpha", Rule::Number), ("beta", Rule::Number), ("axis", Rule::Optional)],
        },
    ],
    common: &[("name", Rule::Ignored), ("dtype", Rule::DataType), ("reduction", Rule::Same), ("fn", Rule::Ignored)],
};

/// Metrics of `model.compile`.
pub(super) const METRICS: Family = Family {
    what: "metric",
    classes: &[
        // The word chooses by loss and output; the class `Accuracy`, which compares floats for equality, is not this.
        Class { names: &["accuracy", "acc"], kind: "accuracy", options: &[] },
        Class {
            names: &["BinaryAccuracy", "binary_accuracy"],
            kind: "binary_accuracy",
            options: &[("threshold", Rule::Default(Plain::Number(0.5)))],
        },
        Class { names: &["CategoricalAccuracy", "categorical_accuracy"], kind: "categorical_accuracy", options: &[] },
        Class {
            names: &["SparseCategoricalAccuracy", "sparse_categorical_accuracy"],
            kind: "sparse_categorical_accuracy",
            options: &[],
        },
        Class {
            names: &["AUC", "auc"],
            kind: "auc",
            options: &[
                ("num_thresholds", Rule::Same),
                ("curve", Rule::Same),
                ("summation_method", Rule::Default(Plain::Text("interpolation"))),
                ("multi_label", Rule::Same),
                ("num_labels", Rule::Optional),
                ("label_weights", Rule::Optional),
                ("thresholds", Rule::Optional),
                FROM_LOGITS,
            ],
        },
        threshold_metric(&["Precision", "precision"], "precision"),
        threshold_metric(&["Recall", "recall"], "recall"),
        Class {
            names: &["F1Score", "f1_score"],
            kind: "f1_score",
            options: &[("average", Rule::Optional), ("threshold", Rule::Optional)],
        },
        Class {
            names: &["FBetaScore", "fbeta_score"],
            kind: "fbeta_score",
            options: &[("average", Rule::Optional), ("beta", Rule::Number), ("threshold", Rule::Optional)],
        },
        counting(&["TruePositives", "true_positives"], "true_positives"),
        counting(&["TrueNegatives", "true_negatives"], "true_negatives"),
        counting(&["FalsePositives", "false_positives"], "false_positives"),
        counting(&["FalseNegatives", "false_negatives"], "false_negatives"),
        Class {
            names: &["SensitivityAtSpecificity", "sensitivity_at_specificity"],
            kind: "sensitivity_at_specificity",
            options: &[("specificity", Rule::Number), NUM_THRESHOLDS, CLASS_ID],
        },
        Class {
            names: &["SpecificityAtSensitivity", "specificity_at_sensitivity"],
            kind: "specificity_at_sensitivity",
            options: &[("sensitivity", Rule::Number), NUM_THRESHOLDS, CLASS_ID],
        },
        Class {
            names: &["PrecisionAtRecall", "precision_at_recall"],
            kind: "precision_at_recall",
            options: &[("recall", Rule::Number), NUM_THRESHOLDS, CLASS_ID],
        },
        Class {
            names: &["RecallAtPrecision", "recall_at_precision"],
            kind: "recall_at_precision",
            options: &[("precision", Rule::Number), NUM_THRESHOLDS, CLASS_ID],
        },
        Class {
            names: &["TopKCategoricalAccuracy", "top_k_categorical_accuracy"],
            kind: "top_k_categorical_accuracy",
            options: &[("k", Rule::Number)],
        },
        Class {
            names: &["SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy"],
            kind: "sparse_top_k_categorical_accuracy",
            options: &[("k", Rule::Number), ("from_sorted_ids", Rule::Only(&[Plain::Bool(false)]))],
        },
        plain(&["RootMeanSquaredError", "root_mean_squared_error", "rmse"], "root_mean_squared_error"),
        plain(
            &["MeanAbsolutePercentageError", "mean_absolute_percentage_error", "mape", "MAPE"],
            "mean_absolute_percentage_error",
        ),
        plain(
            &["MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", "msle", "MSLE"],
            "mean_squared_logarithmic_error",
        ),
        plain(&["LogCoshError", "logcosh", "log_cosh"], "log_cosh_error"),
        COSINE_SIMILARITY,
        Class {
            names: &["PearsonCorrelation", "pearson_correlation"],
            kind: "pearson_correlation",
            options: &[LAST_AXIS],
        },
        Class {
            names: &["ConcordanceCorrelation", "concordance_correlation"],
            kind: "concordance_correlation",
            options: &[LAST_AXIS],
        },
        BINARY_CROSSENTROPY,
        CATEGORICAL_CROSSENTROPY,
        SPARSE_CATEGORICAL_CROSSENTROPY,
        HINGE,
        SQUARED_HINGE,
        CATEGORICAL_HINGE,
        KL_DIVERGENCE,
        POISSON,
        Class {
            names: &["BinaryIoU", "binary_iou"],
            kind: "binary_iou",
            options: &[("target_class_ids", Rule::Same), ("threshold", Rule::Number), COUNTED],
        },
        Class { names: &["MeanIoU", "OneHotMeanIoU"], kind: "mean_iou", options: OVERLAP },
        Class { names: &["IoU", "OneHotIoU"], kind: "iou", options: OVERLAP },
        plain(&["MeanSquaredError", "mean_squared_error", "mse", "MSE"], "mean_squared_error"),
        plain(&["MeanAbsoluteError", "mean_absolute_error", "mae", "MAE"], "mean_absolute_error"),
        Class {
            names: &["R2Score", "r2_score"],
            kind: "r2_score",
            options: &[("class_aggregation", Rule::Same), ("num_regressors", Rule::Number)],
        },
    ],
    common: &[("name", Rule::Optional), ("dtype", Rule::DataType)],
};

const fn threshold_metric(names: &'static [&'static str], kind: &'static str) -> Class {
    Class { names, kind, options: &[("thresholds", Rule::Optional), ("top_k", Rule::Optional), CLASS_ID] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{
        field::parse,
        loss::Loss,
        metric::{Measure, Metric},
    };
    use serde_json::json;

    /// Kinds of ours that no class of Keras's becomes.
    fn missing<'a>(family: &Family, names: &[&'a str]) -> Vec<&'a str> {
        let known = |name: &&&str| !family.classes.iter().any(|class| class.kind == **name);
        names.iter().filter(known).copied().collect()
    }

    #[test]
    fn every_class_is_one_of_ours_and_every_one_of_ours_a_class() {
        for class in LOSSES.classes {
            let read = parse::<Loss>(&json!(class.kind)).map(|loss| loss.kind());
            assert_eq!(read, Ok(class.kind), "{:?}", class.names);
        }
        for class in METRICS.classes {
            let read = parse::<Metric>(&json!(class.kind)).map(|metric| metric.measure.kind());
            assert_eq!(read, Ok(class.kind), "{:?}", class.names);
        }
        assert_eq!(missing(&LOSSES, Loss::NAMES), Vec::<&str>::new());
        assert_eq!(missing(&METRICS, Measure::NAMES), ["matthews_corrcoef", "cohen_kappa"], "which are scikit-learn's");
    }
}
