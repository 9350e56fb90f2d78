//! `docs/KERAS.md`: which of Keras's classes and options are read, written from the tables that read them.

use super::{
    activations::{ACTIVATION_LAYERS, ACTIVATIONS},
    class::{Class, Family, Rule},
    compile::{ARGUMENTS, OPTIMIZERS, SCHEDULES},
    layers::{INPUT, LAYERS},
    measures::{LOSSES, METRICS},
    operators,
    parameters::{CONSTRAINTS, INITIALIZERS, REGULARIZERS},
    refused::{self, Refusal, Refusals},
};
use std::fmt::Write;

/// The whole document.
pub fn markdown() -> String {
    let mut text = String::from(
        "# From Keras\n\nWhat of `model.to_json()` is read, of Keras 2 and 3, and what becomes of it; what our names mean says \
         [LAYERS.md](LAYERS.md). `epoca keras` writes this page from the tables that the service reads by. A class or an option \
         that does not stand here, or has another value than those that do, is refused by name. Nothing else is left out: \
         options without effect are those in the last column, and `module`, `registered_name`, `build_config`, \
         `build_input_shape` and `backend`, which say how an object was made.\n",
    );
    for (title, family) in [
        ("Layers", &LAYERS),
        ("Inputs", &INPUT),
        ("Activations", &ACTIVATIONS),
        ("Activations that Keras has as layers", &ACTIVATION_LAYERS),
        ("Initializers", &INITIALIZERS),
        ("Regularizers", &REGULARIZERS),
        ("Constraints", &CONSTRAINTS),
        ("Losses", &LOSSES),
        ("Metrics", &METRICS),
        ("Optimizers", &OPTIMIZERS),
        ("Learning rate schedules", &SCHEDULES),
    ] {
        section(&mut text, title, family);
    }
    text.push_str(PREPROCESSING);
    operators_section(&mut text);
    refused_section(&mut text);
    text.push_str("\n## Arguments of `compile`\n\nBeside `optimizer`, `loss`, `metrics` and `weighted_metrics`:\n\n");
    text.push_str(HEAD);
    row(&mut text, "`compile`", "", &ARGUMENTS);
    text.push_str(DIFFERENCES);
    text
}

/// What is not as in Keras on TensorFlow.
const DIFFERENCES: &str = "
## Differences

What trains or answers otherwise than Keras does on TensorFlow, and why.

* `Adam`, `RMSprop`, `Adagrad`, `Nadam` and their like on an `Embedding` where a batch looks one number up twice: the square of \
the row's whole gradient counts, as in Keras on PyTorch and JAX; on TensorFlow the squares of each occurrence are added up.
* `accuracy` of labels -1 and 1 with a hinge loss: an output over 0.5 is a yes and any other a no. Keras compares with the \
numbers 0 and 1, so that -1 is never right.
* `steps_per_epoch` past the last row goes on with the first one, so that each epoch has its steps. Keras, given arrays, ends \
such an epoch at the last row.
* Half precision (`mixed_float16`, `mixed_bfloat16`, `float16`, `bfloat16`) is computed in float32, and a warning says so.
* A metric that is a function of the author's own is left out, and a warning says so. Keras prints its own functions of losses and \
accuracies alike, so that such a name is taken for Keras's.
* `validation_split` takes the last rows for a model that was posted as Keras's JSON (`split_shuffle` false among its \
defaults). A model in the form of this service shuffles before the split unless the job says `split_shuffle` false.
* `Huber` of Keras 3 has `delta` 1.0, and a warning says so: Keras 3 does not print it.
* `RNN` is the layer of its cell: `simple_rnn`, `lstm` or `gru`. Of `StackedRNNCells` (`RNN([cell, cell])`) named `rnn`, each cell \
is a layer, `rnn.0`, `rnn.1` and so on, and the last one `rnn`. Such a stack is refused within `Bidirectional` and \
`TimeDistributed`, with `go_backwards` on a masked sequence, and with an `activity_regularizer` beside `return_state`. Cells of \
your own are refused.
* `unroll` with `go_backwards`, `return_sequences` and `zero_output_for_mask` on a masked sequence is refused: Keras sets the \
wrong steps to zero.
* `stateful` is refused: every batch begins with the state zero.
* `categorical_focal_crossentropy` and `binary_focal_crossentropy` are those of Keras 3, also for a model of Keras 2.
* A softmax or sigmoid with an `activity_regularizer`, or whose values another layer reads too, is not left out for the loss, which is then computed from \
probabilities.
";

const PREPROCESSING: &str = "\n## Preprocessing\n\nA Keras model trains on the numbers as the dataset has them, as `model.fit` does: \
    its `training_defaults` have `preprocessing` \"none\". Categories are one-hot, booleans are 0 and 1, and a missing number is the \
    median of its column. The job's `preprocessing` shows the scale of each column with the reason, and its `warnings` name columns \
    whose mean or standard deviation is past 10 and which no layer scales (`unscaled_columns`). `training.preprocessing` of a job \
    comes before the default; columns that an embedding or another layer looks up are never scaled.\n";
/// Operators, which a functional model has beside layers.
fn operators_section(text: &mut String) {
    let names: Vec<String> = operators::known().into_iter().map(|name| format!("`{name}`")).collect();
    let _ = write!(
        text,
        "\n## Operators\n\nOf `keras.ops`, and of Python on tensors, by the names that Keras 3 prints; those of TensorFlow in \
         models of Keras 2 likewise. Numbers and arrays that are the same for each row may stand on either side. What would \
         mix the rows of a batch is refused.\n\n{}.\n\nNever supported:\n\n{REFUSED_HEAD}",
        names.join(", ")
    );
    for (names, reason) in operators::never() {
        refused_row(text, names, reason);
    }
}

/// Classes that are known and not supported.
fn refused_section(text: &mut String) {
    text.push_str(REFUSED);
    for Refusals { title, rows, .. } in &refused::REFUSED {
        let _ = write!(text, "\n### {title} that are refused\n\n{REFUSED_HEAD}");
        for Refusal { names, reason } in *rows {
            refused_row(text, names, reason);
        }
    }
}

const REFUSED: &str = "\n## Refused\n\nClasses of Keras 2 and 3 that are not supported, and why; a model that has one is refused \
    with these words. Those of Keras 3.15.1 that stand in no table of this page are abstract. An option is refused where it is not \
    in the table of its class, or has another value than the table says.\n";

const REFUSED_HEAD: &str = "| Keras | why, or what to use instead |\n| --- | --- |\n";

fn refused_row(text: &mut String, names: &[&str], reason: &str) {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(text, "| {} | {reason} |", names.join(", "));
}

const HEAD: &str =
    "| Keras | here | read | read at these values alone | without effect |\n| --- | --- | --- | --- | --- |\n";

fn section(text: &mut String, title: &str, family: &Family) {
    let _ = write!(text, "\n## {title}\n\n{HEAD}");
    if !family.common.is_empty() {
        row(text, "each of them", "", family.common);
    }
    for Class { names, kind, options } in family.classes {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        row(text, &names.join(", "), &format!("`{kind}`"), options);
    }
}

fn row(text: &mut String, names: &str, kind: &str, options: &[(&str, Rule)]) {
    let mut columns = [const { Vec::new() }; 3];
    for (name, rule) in options {
        let (column, words) = match rule {
            Rule::Only([]) => (1, format!("`{name}`: `null`")),
            Rule::Only(values) => {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                (1, format!("`{name}`: {}", values.join(" or ")))
            }
            Rule::DataType => (1, format!("`{name}`: `\"float32\"`")),
            Rule::NumberType => (1, format!("`{name}`: `\"float32\"` or one of whole numbers")),
            Rule::Ignored => (2, format!("`{name}`")),
            Rule::Renamed(ours) => (0, format!("`{name}` as `{ours}`")),
            _ => (0, format!("`{name}`")),
        };
        columns[column].push(words);
    }
    let [read, only, ignored] = columns.map(|column| column.join(", "));
    let _ = writeln!(text, "| {names} | {kind} | {read} | {only} | {ignored} |");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[test]
    fn the_committed_page_is_the_generated_one() {
        let committed =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/KERAS.md")).unwrap_or_default();
        assert!(committed == markdown(), "docs/KERAS.md is out of date: run `cargo xtask generate`");
    }

    #[test]
    fn options_without_effect_are_listed() {
        let text = markdown();
        let dropout = text.lines().find(|line| line.starts_with("| `Dropout` |"));
        assert_eq!(dropout, Some("| `Dropout` | `dropout` | `rate`, `noise_shape` |  | `seed` |"));
    }

    /// Every public class of Keras, as `tests/fixtures/keras/classes.py` found them.
    #[derive(Deserialize)]
    struct Classes {
        versions: BTreeMap<String, String>,
        #[serde(flatten)]
        names: BTreeMap<String, Vec<String>>,
    }

    fn classes() -> Classes {
        serde_json::from_str(include_str!("../../tests/fixtures/keras/classes.json")).unwrap()
    }

    /// Abstract classes, functions and aliases that stand in no model's JSON.
    const NOT_PRINTED: [&str; 8] = [
        "Input",
        "InputSpec",
        "Constraint",
        "Initializer",
        "LearningRateSchedule",
        "LossScaleOptimizer",
        "Reduction",
        "Regularizer",
    ];

    fn is_read(families: &[&Family], name: &str) -> bool {
        families.iter().any(|family| family.classes.iter().any(|class| class.names.contains(&name)))
    }

    #[test]
    fn every_class_of_keras_is_read_or_refused_with_a_reason() {
        let Classes { versions, names } = classes();
        assert_eq!(versions["keras"], "3.15.1");
        let mut counted = 0;
        for (module, what, families) in [
            ("layers", "layer", &[&LAYERS, &INPUT, &ACTIVATION_LAYERS][..]),
            ("activations", "activation", &[&ACTIVATIONS]),
            ("losses", "loss", &[&LOSSES]),
            ("metrics", "metric", &[&METRICS]),
            ("optimizers", "optimizer", &[&OPTIMIZERS]),
            ("schedules", "learning rate schedule", &[&SCHEDULES]),
            ("initializers", "initializer", &[&INITIALIZERS]),
            ("regularizers", "regularizer", &[&REGULARIZERS]),
            ("constraints", "constraint", &[&CONSTRAINTS]),
        ] {
            let unknown = |name: &&String| {
                let known = is_read(families, name) || refused::reason(what, name).is_some();
                !known && !NOT_PRINTED.contains(&name.as_str())
            };
            let unknown: Vec<&String> = names[module].iter().filter(unknown).collect();
            assert!(unknown.is_empty(), "{module}: {unknown:?} are neither read nor refused");
            let rows =
                refused::REFUSED.iter().filter(|refusals| refusals.what == what).flat_map(|refusals| refusals.rows);
            for name in rows.flat_map(|row| row.names).copied() {
                assert!(!is_read(families, name), "{name} is read and refused");
                let public = names[module].iter().any(|public| public.eq_ignore_ascii_case(name));
                assert!(public, "{name} is not in keras.{module}");
            }
            counted += names[module].len();
        }
        assert!(counted > 280, "{counted}");
    }

    #[test]
    fn every_operator_of_keras_is_read_or_refused_with_a_reason() {
        let names = classes().names;
        let known = operators::known();
        let never: Vec<&str> = operators::never().iter().flat_map(|(names, _)| *names).copied().collect();
        let unknown: Vec<&String> = names["operators"]
            .iter()
            .filter(|name| !known.contains(&name.as_str()) && !never.contains(&name.as_str()))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?} are neither read nor refused");
        let both: Vec<&&str> = never.iter().filter(|name| known.contains(name)).collect();
        assert!(both.is_empty(), "{both:?} are read and refused");
        assert!(names["operators"].len() > 250, "{}", names["operators"].len());
    }
}
