//! Classes of Keras that are known and not supported, each with the reason or what to use instead.
//!
//! Errors and `docs/KERAS.md` say the same, since both read these rows.

/// Classes that are refused for the same reason.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Keras's names.
    pub names: &'static [&'static str],
    /// Why, or what to use instead.
    pub reason: &'static str,
}

/// What stands in the same place of a model, as in [`super::class::Family::what`].
#[derive(Debug)]
pub(super) struct Refusals {
    /// What the classes are.
    pub what: &'static str,
    /// The title in `docs/KERAS.md`.
    pub title: &'static str,
    /// All that are known and not supported.
    pub rows: &'static [Refusal],
}

const fn refusal(names: &'static [&'static str], reason: &'static str) -> Refusal {
    Refusal { names, reason }
}

const STRINGS: &str = "the model's inputs are numbers and have no strings: a text or categorical column of the dataset is encoded by \
                       the job's `preprocessing`, or number the strings beforehand and use Embedding or IntegerLookup";
const HASHED: &str =
    "a hash function of Keras's own: number the values beforehand and use IntegerLookup or CategoryEncoding";
const COLOR: &str = "this augmentation of colours is not available: use RandomBrightness or RandomContrast, or augment the images \
                     beforehand";
const GEOMETRY: &str = "this augmentation is not available: use RandomFlip, RandomRotation, RandomTranslation or RandomZoom, or \
                        augment the images beforehand";
const MIXING: &str = "it mixes images and labels of different rows: augment the dataset beforehand";
const CELL: &str = "a cell is no layer by itself: put it into an RNN layer, or use SimpleRNN, LSTM or GRU";
const ABSTRACT: &str = "an abstract class that no model prints: use one of its subclasses";
const FOREIGN: &str = "it wraps code or a file of another library, which cannot be sent here: use layers of Keras";
const SPECTROGRAM: &str = "Fourier transforms are not available: put the spectrogram into the dataset";

/// Every class that is known and not supported.
pub(super) const REFUSED: [Refusals; 6] = [
    Refusals {
        what: "layer",
        title: "Layers",
        rows: &[
            refusal(&["StringLookup", "TextVectorization"], STRINGS),
            refusal(&["Hashing", "HashedCrossing"], HASHED),
            refusal(&["GroupQueryAttention"], "use MultiHeadAttention, which has keys and values for each head"),
            refusal(&["ReversibleEmbedding"], "one layer called in two ways: use Embedding and a Dense layer after it"),
            refusal(
                &["RandomCrop"],
                "use CenterCrop, which cuts the same place each time, or RandomTranslation before it for a random one",
            ),
            refusal(
                &[
                    "AutoContrast",
                    "ContrastLimitedAdaptiveHistogramEqualization",
                    "Equalization",
                    "RandomColorDegeneration",
                    "RandomColorJitter",
                    "RandomGrayscale",
                    "RandomHue",
                    "RandomInvert",
                    "RandomPosterization",
                    "RandomSaturation",
                    "Solarization",
                ],
                COLOR,
            ),
            refusal(
                &[
                    "RandomElasticTransform",
                    "RandomErasing",
                    "RandomGaussianBlur",
                    "RandomHeight",
                    "RandomPerspective",
                    "RandomSharpness",
                    "RandomShear",
                    "RandomWidth",
                ],
                GEOMETRY,
            ),
            refusal(
                &["AugMix", "RandAugment"],
                "it chooses among augmentations at random: use RandomFlip, RandomRotation, RandomTranslation, RandomZoom, \
                 RandomBrightness and RandomContrast",
            ),
            refusal(&["CutMix", "MixUp"], MIXING),
            refusal(&["MaxNumBoundingBoxes"], "datasets here have no bounding boxes"),
            refusal(&["MelSpectrogram", "STFTSpectrogram"], SPECTROGRAM),
            refusal(
                &["Pipeline"],
                "a chain of preprocessing layers: use Sequential, or place the layers in the model itself",
            ),
            refusal(&["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"], CELL),
            refusal(
                &["LocallyConnected1D", "LocallyConnected2D"],
                "Keras 3 has it no more: use Conv1D or Conv2D, which share weights among positions, or Flatten and Dense",
            ),
            refusal(
                &["DenseFeatures"],
                "feature columns are not available: use an input for each column and Concatenate",
            ),
            refusal(&["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"], FOREIGN),
            refusal(
                &["Lambda"],
                "it is code, which cannot be sent here; a layer such as Rescaling, Reshape, Multiply or Activation may do the same",
            ),
            refusal(
                &["AbstractRNNCell", "Layer", "Wrapper"],
                "an abstract class, and a layer of your own is code that cannot be sent here: use layers of Keras",
            ),
        ],
    },
    Refusals {
        what: "activation",
        title: "Activations",
        rows: &[
            refusal(
                &["glu"],
                "it halves the last axis, which the output shapes of Keras's own layers do not know: use two Dense layers, one with \
                 `sigmoid`, and Multiply",
            ),
            refusal(
                &["sparsemax"],
                "that of Keras takes more away than that of its paper, and what it gives sums to less than 1: a definition in the form of \
                 this service has the paper's",
            ),
            refusal(&["threshold"], "use a ReLU layer with `threshold`, where the value below it is 0"),
        ],
    },
    Refusals {
        what: "loss",
        title: "Losses",
        rows: &[
            refusal(
                &["CTC", "ctc"],
                "targets are of one length here: targets that are aligned to steps train with SparseCategoricalCrossentropy",
            ),
            refusal(
                &["Circle", "circle"],
                "it compares the rows of a batch with each other: use CategoricalCrossentropy",
            ),
            refusal(&["Loss"], ABSTRACT),
        ],
    },
    Refusals {
        what: "metric",
        title: "Metrics",
        rows: &[
            refusal(
                &["Accuracy"],
                "it compares outputs for equality, and not classes: use BinaryAccuracy, CategoricalAccuracy or \
                 SparseCategoricalAccuracy, or the name \"accuracy\"",
            ),
            refusal(
                &["Mean", "Sum", "MeanTensor"],
                "it averages what code hands to it, and compares no targets: leave it out",
            ),
            refusal(&["MeanMetricWrapper"], "it wraps a function of your own, which is code: use a metric of Keras"),
            refusal(&["MeanRelativeError"], "use MeanAbsolutePercentageError"),
            refusal(&["Metric"], ABSTRACT),
        ],
    },
    Refusals {
        what: "optimizer",
        title: "Optimizers",
        rows: &[
            refusal(
                &["MultiOptimizer", "OptimizerMap"],
                "one optimizer trains all weights here: use one for the whole model",
            ),
            refusal(&["ScheduleFreeAdamW"], "use AdamW with a learning rate schedule such as CosineDecay"),
            refusal(&["Optimizer"], ABSTRACT),
        ],
    },
    Refusals {
        what: "constraint",
        title: "Constraints",
        rows: &[refusal(
            &["RadialConstraint", "radial_constraint"],
            "Keras 3 has it no more: use MaxNorm, UnitNorm or NonNeg",
        )],
    },
];

/// The reason for which `class` is refused where a `what` is expected.
pub(super) fn reason(what: &str, class: &str) -> Option<&'static str> {
    let rows = REFUSED.iter().filter(|refusals| refusals.what == what).flat_map(|refusals| refusals.rows);
    rows.into_iter().find(|row| row.names.contains(&class)).map(|row| row.reason)
}
