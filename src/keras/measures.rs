//! Keras's losses and metrics, where they differ from ours of the same name.

use super::{
    class::{FALSE, Family, Plain, Row, Rule, differs},
    kinds,
};
use crate::engine::{loss::Loss, metric::Measure};
use std::sync::LazyLock;

/// Losses of `model.compile`.
pub(super) static LOSSES: LazyLock<Family> =
    LazyLock::new(|| Family::new("loss", kinds::classes::<Loss>(&[]), LOSS_ROWS, LOSS_OPTIONS));

/// Metrics of `model.compile`.
pub(super) static METRICS: LazyLock<Family> = LazyLock::new(|| {
    let kinds = kinds::classes::<Measure>(&OF_SCIKIT_LEARN);
    Family::new("metric", kinds, METRIC_ROWS, &[("name", Rule::Optional), ("dtype", Rule::DataType)])
});

/// Metrics of scikit-learn.
const OF_SCIKIT_LEARN: [&str; 2] = ["matthews_corrcoef", "cohen_kappa"];

const FROM_LOGITS: (&str, Rule) = ("from_logits", Rule::Default(Plain::Bool(false)));
const LAST_AXIS: (&str, Rule) = ("axis", Rule::Only(&[Plain::Number(-1.0)]));

const LOSS_OPTIONS: &[(&str, Rule)] =
    &[("name", Rule::Ignored), ("dtype", Rule::DataType), ("reduction", Rule::Same), ("fn", Rule::Ignored)];

const LOSS_ROWS: &[Row] = &[
    differs("binary_crossentropy", &["bce", "BCE"], &[FROM_LOGITS, LAST_AXIS]),
    differs("categorical_crossentropy", &[], &[FROM_LOGITS, LAST_AXIS]),
    differs("sparse_categorical_crossentropy", &[], &[FROM_LOGITS, ("ignore_class", Rule::Optional), LAST_AXIS]),
    differs("binary_focal_crossentropy", &[], &[FROM_LOGITS, LAST_AXIS]),
    differs("categorical_focal_crossentropy", &[], &[FROM_LOGITS, LAST_AXIS]),
    differs("mean_squared_error", &["mse", "MSE"], &[]),
    differs("mean_absolute_error", &["mae", "MAE"], &[]),
    differs("mean_absolute_percentage_error", &["mape", "MAPE"], &[]),
    differs("mean_squared_logarithmic_error", &["msle", "MSLE"], &[]),
    differs("log_cosh", &["logcosh"], &[]),
    differs("huber", &["huber_loss"], &[]),
    differs("cosine_similarity", &[], &[LAST_AXIS]),
    differs("kl_divergence", &["kld", "KLD"], &[]),
    differs("dice", &[], &[("axis", Rule::Optional)]),
    differs("tversky", &[], &[("axis", Rule::Optional)]),
];

/// Keras's type of the counts, which it prints as the type of the whole metric.
const COUNTED: (&str, Rule) =
    ("dtype", Rule::Only(&[Plain::Text("float32"), Plain::Text("int32"), Plain::Text("int64"), Plain::Text("int")]));

/// The form of the targets is known from the loss. Outputs are an element for each class.
const OVERLAP: &[(&str, Rule)] = &[
    ("num_classes", Rule::Optional),
    ("ignore_class", Rule::Optional),
    ("sparse_y_true", Rule::Ignored),
    ("sparse_y_pred", FALSE),
    LAST_AXIS,
    COUNTED,
];

/// Ours has one threshold, and reads the list of one that Keras prints.
const THRESHOLDS: [(&str, Rule); 2] = [("thresholds", Rule::Optional), ("threshold", Rule::Unknown)];

/// An average over classes, which Keras does not have.
const AVERAGE: (&str, Rule) = ("average", Rule::Unknown);

const TOP_K: (&str, Rule) = ("top_k", Rule::Optional);
const CLASS_ID: (&str, Rule) = ("class_id", Rule::Optional);

const METRIC_ROWS: &[Row] = &[
    // The word chooses by loss and output; the class `Accuracy`, which compares floats for equality, is refused.
    differs("accuracy", &["acc"], &[]),
    differs("binary_accuracy", &[], &[("threshold", Rule::Default(Plain::Number(0.5)))]),
    differs(
        "auc",
        &[],
        &[
            ("summation_method", Rule::Default(Plain::Text("interpolation"))),
            ("num_labels", Rule::Optional),
            ("label_weights", Rule::Optional),
            ("thresholds", Rule::Optional),
            FROM_LOGITS,
            AVERAGE,
        ],
    ),
    differs("precision", &[], &[THRESHOLDS[0], THRESHOLDS[1], TOP_K, CLASS_ID, AVERAGE]),
    differs("recall", &[], &[THRESHOLDS[0], THRESHOLDS[1], TOP_K, CLASS_ID, AVERAGE]),
    differs("f1_score", &[], &[("average", Rule::Optional), ("threshold", Rule::Optional)]),
    differs("fbeta_score", &[], &[("average", Rule::Optional), ("threshold", Rule::Optional)]),
    differs("true_positives", &[], &THRESHOLDS),
    differs("true_negatives", &[], &THRESHOLDS),
    differs("false_positives", &[], &THRESHOLDS),
    differs("false_negatives", &[], &THRESHOLDS),
    differs("sensitivity_at_specificity", &[], &[CLASS_ID]),
    differs("specificity_at_sensitivity", &[], &[CLASS_ID]),
    differs("precision_at_recall", &[], &[CLASS_ID]),
    differs("recall_at_precision", &[], &[CLASS_ID]),
    differs("sparse_top_k_categorical_accuracy", &[], &[("from_sorted_ids", FALSE)]),
    differs("root_mean_squared_error", &["rmse"], &[]),
    differs("mean_squared_error", &["mse", "MSE"], &[]),
    differs("mean_absolute_error", &["mae", "MAE"], &[]),
    differs("mean_absolute_percentage_error", &["mape", "MAPE"], &[]),
    differs("mean_squared_logarithmic_error", &["msle", "MSLE"], &[]),
    differs("log_cosh_error", &["logcosh", "log_cosh"], &[]),
    differs("cosine_similarity", &[], &[LAST_AXIS]),
    differs("pearson_correlation", &[], &[LAST_AXIS]),
    differs("concordance_correlation", &[], &[LAST_AXIS]),
    differs("binary_crossentropy", &["bce", "BCE"], &[FROM_LOGITS, LAST_AXIS]),
    differs("categorical_crossentropy", &[], &[FROM_LOGITS, LAST_AXIS]),
    differs("sparse_categorical_crossentropy", &[], &[FROM_LOGITS, ("ignore_class", Rule::Optional), LAST_AXIS]),
    differs("kl_divergence", &["kld", "KLD"], &[]),
    differs("binary_iou", &[], &[COUNTED]),
    differs("mean_iou", &["OneHotMeanIoU"], OVERLAP),
    differs("iou", &["OneHotIoU"], OVERLAP),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{field::parse, metric::Metric};
    use serde_json::json;

    /// Kinds of ours that no class of Keras's becomes.
    fn missing<'a>(family: &Family, names: &[&'a str]) -> Vec<&'a str> {
        let known = |name: &&&str| !family.classes.iter().any(|class| class.kind == **name);
        names.iter().filter(known).copied().collect()
    }

    #[test]
    fn every_class_is_one_of_ours_and_every_one_of_ours_a_class() {
        for class in &LOSSES.classes {
            let read = parse::<Loss>(&json!(class.kind)).map(|loss| loss.kind());
            assert_eq!(read, Ok(class.kind), "{:?}", class.names);
        }
        for class in &METRICS.classes {
            let read = parse::<Metric>(&json!(class.kind)).map(|metric| metric.measure.kind());
            assert_eq!(read, Ok(class.kind), "{:?}", class.names);
        }
        assert_eq!(missing(&LOSSES, Loss::NAMES), Vec::<&str>::new());
        assert_eq!(missing(&METRICS, Measure::NAMES), OF_SCIKIT_LEARN);
    }
}
