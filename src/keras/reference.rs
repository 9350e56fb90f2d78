//! `docs/KERAS.md`: which of Keras's classes and options are read, written from the tables that read them.

use super::{
    activations::{ACTIVATION_LAYERS, ACTIVATIONS},
    class::{Class, Family, Rule},
    compile::ARGUMENTS,
    layers::{INPUT, LAYERS},
    measures::{LOSSES, METRICS},
    operators,
    optimizers::{OPTIMIZERS, SCHEDULES},
    parameters::{CONSTRAINTS, INITIALIZERS, REGULARIZERS},
    refused::{self, Refusal, Refusals},
};
use std::fmt::Write;

/// The whole document.
pub fn markdown() -> String {
    let mut text = String::from(
        "# From Keras\n\nThe classes and options of `model.to_json()` that are read, of Keras 2 and 3. The names of this service are \
         defined in [LAYERS.md](LAYERS.md). `epoca keras` writes this page from the tables of the importer. A class or an \
         option that is not listed here, or has a value that is not listed, is refused by name. The last column lists the \
         options without effect; `module`, `registered_name`, `build_config`, `build_input_shape` and `backend`, which \
         describe how an object was made, have none either.\n",
    );
    let families: [(&str, &Family); 11] = [
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
    ];
    for (title, family) in families {
        section(&mut text, title, family);
    }
    text.push_str(PREPROCESSING);
    operators_section(&mut text);
    refused_section(&mut text);
    text.push_str("\n## Arguments of `compile`\n\nBeside `optimizer`, `loss`, `metrics` and `weighted_metrics`:\n\n");
    text.push_str(HEAD);
    for class in &ARGUMENTS.classes {
        row(&mut text, "`compile`", "", own_options(class));
    }
    text.push_str(DIFFERENCES);
    text
}

/// Differences from Keras on TensorFlow.
const DIFFERENCES: &str = "
## Differences

What trains or predicts differently from Keras on TensorFlow, and why.

* `Adam`, `RMSprop`, `Adagrad`, `Nadam` and their like on an `Embedding` where a batch looks up one row twice: the square of \
the row's summed gradient is used, as in Keras on PyTorch and JAX; TensorFlow adds up the squares of each occurrence.
* `accuracy` of labels -1 and 1 with a hinge loss: an output over 0.5 is positive, any other negative. Keras compares with \
0 and 1, so that -1 is never correct.
* `steps_per_epoch` past the last row continues with the first row, so that each epoch has all of its steps. Keras, given \
arrays, ends such an epoch at the last row.
* Half precision (`mixed_float16`, `mixed_bfloat16`, `float16`, `bfloat16`) is computed in float32, with a warning.
* A metric that is a custom function is left out, with a warning. Keras prints its own functions of losses and accuracies in \
the same way, so that such a name is read as Keras's.
* `validation_split` takes the last rows for a model that was sent as Keras's JSON (`split_shuffle` false among its \
defaults). A model in the form of this service shuffles before the split unless the job says `split_shuffle` false.
* `Huber` of Keras 3 has `delta` 1.0, with a warning: Keras 3 does not print it.
* `RNN` is the layer of its cell: `simple_rnn`, `lstm` or `gru`. Of `StackedRNNCells` (`RNN([cell, cell])`) named `rnn`, each cell \
is a layer, `rnn.0`, `rnn.1` and so on, and the last one `rnn`. Such a stack is refused within `Bidirectional` and \
`TimeDistributed`, with `go_backwards` on a masked sequence, and with an `activity_regularizer` beside `return_state`. Custom cells are \
refused.
* `unroll` with `go_backwards`, `return_sequences` and `zero_output_for_mask` on a masked sequence is refused: Keras sets the \
wrong steps to zero.
* `stateful` is refused: every batch begins with the state zero.
* `categorical_focal_crossentropy` and `binary_focal_crossentropy` are those of Keras 3, also for a model of Keras 2.
* `loss` of each output, where the last batch of an epoch is smaller: the mean of the batches, as in Keras 3. Keras 2 weighs each \
batch by its rows. The total loss is the same.
* A cross-entropy of probabilities that are 0 or 1 is that of Keras 3, which clips them to 1e-7. Keras 2 adds another 1e-7 within \
the logarithm: 15.4 in place of 16.1 for an output that is sure and wrong.
* `tf.nn.softmax` and `tf.nn.sigmoid` in a model of Keras 2 are layers here: a cross-entropy that is made for the other one is \
computed from their logits, as after Keras's own layers.
* `unit_forget_bias` beside a `Constant` bias of a whole array: the array is the bias. Keras refuses such a layer.
* A softmax or sigmoid with an `activity_regularizer`, or whose values another layer reads too, is not fused with the loss, which is then computed from \
probabilities; neither is one before `Identity` or `Dropout(0)`.
";

const PREPROCESSING: &str = "\n## Preprocessing\n\nA Keras model trains on the dataset's numbers unchanged, as `model.fit` does: \
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

const REFUSED: &str = "\n## Refused\n\nClasses of Keras 2 and 3 that are not supported, with the reason; a model that has one is refused \
    with this text. Classes of Keras 3.15.1 in no table of this page are abstract. An option is refused where it is not in the \
    table of its class, or has a value that is not in the table.\n";

const REFUSED_HEAD: &str = "| Keras | reason, or what to use instead |\n| --- | --- |\n";

fn refused_row(text: &mut String, names: &[&str], reason: &str) {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(text, "| {} | {reason} |", names.join(", "));
}

const HEAD: &str =
    "| Keras | here | read | read with these values only | without effect |\n| --- | --- | --- | --- | --- |\n";

fn section(text: &mut String, title: &str, family: &Family) {
    let _ = write!(text, "\n## {title}\n\n{HEAD}");
    if !family.common.is_empty() {
        row(text, "each of them", "", family.common.iter().copied());
    }
    for class in &family.classes {
        let names: Vec<String> = class.names.iter().map(|name| format!("`{name}`")).collect();
        row(text, &names.join(", "), &format!("`{}`", class.kind), own_options(class));
    }
}

fn own_options(class: &Class) -> impl Iterator<Item = (&str, Rule)> {
    class.options.iter().map(|(name, rule)| (name.as_ref(), *rule))
}

fn row<'a>(text: &mut String, names: &str, kind: &str, options: impl Iterator<Item = (&'a str, Rule)>) {
    let mut columns = [const { Vec::new() }; 3];
    for (name, rule) in options {
        let (column, words) = match rule {
            Rule::Only([]) => (1, format!("`{name}`: `null`")),
            Rule::Only(values) => {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                (1, format!("`{name}`: {}", values.join(" or ")))
            }
            Rule::DataType => (1, format!("`{name}`: `\"float32\"`")),
            Rule::OutputType => (1, format!("`{name}`: `\"float32\"` or an integer type")),
            Rule::Ignored => (2, format!("`{name}`")),
            Rule::OfKeras2(_) | Rule::Unknown => continue,
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
    use crate::keras::layers::APPLICATIONS;
    use serde::Deserialize;
    use serde_json::Value;
    use std::collections::BTreeMap;

    #[test]
    fn the_committed_page_is_the_generated_one() {
        let committed =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/KERAS.md")).unwrap_or_default();
        assert!(committed == markdown(), "docs/KERAS.md is out of date: run `cargo run -- keras > docs/KERAS.md`");
    }

    #[test]
    fn options_are_listed_by_what_becomes_of_them() {
        let text = markdown();
        let dropout = text.lines().find(|line| line.starts_with("| `Dropout` |"));
        assert_eq!(dropout, Some("| `Dropout` | `dropout` | `noise_shape`, `rate` |  |  |"));
    }

    /// Every public class of Keras and its options, as `tests/fixtures/keras/classes.py` found them.
    #[derive(Deserialize)]
    struct Classes {
        versions: BTreeMap<String, String>,
        #[serde(flatten)]
        lists: BTreeMap<String, Value>,
    }

    impl Classes {
        fn names(&self, module: &str) -> Vec<String> {
            serde_json::from_value(self.lists[module].clone()).unwrap()
        }

        /// The options of each class.
        fn options(&self, module: &str) -> BTreeMap<String, Vec<String>> {
            let pairs: Vec<(String, Vec<String>)> =
                serde_json::from_value(self.lists[&format!("{module}_options")].clone()).unwrap();
            pairs.into_iter().collect()
        }
    }

    fn classes() -> Classes {
        serde_json::from_str(include_str!("../../tests/fixtures/keras/classes.json")).unwrap()
    }

    /// Modules of Keras, and what reads their classes.
    fn modules() -> [(&'static str, Vec<&'static Family>); 9] {
        [
            ("layers", vec![&*LAYERS, &*INPUT, &*ACTIVATION_LAYERS]),
            ("activations", vec![&*ACTIVATIONS]),
            ("losses", vec![&*LOSSES]),
            ("metrics", vec![&*METRICS]),
            ("optimizers", vec![&*OPTIMIZERS]),
            ("schedules", vec![&*SCHEDULES]),
            ("initializers", vec![&*INITIALIZERS]),
            ("regularizers", vec![&*REGULARIZERS]),
            ("constraints", vec![&*CONSTRAINTS]),
        ]
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
        families.iter().any(|family| family.get(name).is_some())
    }

    #[test]
    fn every_class_of_keras_is_read_or_refused_with_a_reason() {
        let classes = classes();
        assert_eq!(classes.versions["keras"], "3.15.1");
        let mut counted = 0;
        for (module, families) in modules() {
            let what = families[0].what;
            let names = classes.names(module);
            let unknown = |name: &&String| {
                let known = is_read(&families, name) || refused::reason(what, name).is_some();
                !known && !NOT_PRINTED.contains(&name.as_str())
            };
            let unknown: Vec<&String> = names.iter().filter(unknown).collect();
            assert!(unknown.is_empty(), "{module}: {unknown:?} are neither read nor refused");
            let rows =
                refused::REFUSED.iter().filter(|refusals| refusals.what == what).flat_map(|refusals| refusals.rows);
            for name in rows.flat_map(|row| row.names).copied() {
                assert!(!is_read(&families, name), "{name} is read and refused");
                let public = names.iter().any(|public| public.eq_ignore_ascii_case(name));
                assert!(public, "{name} is not in keras.{module}");
            }
            counted += names.len();
        }
        assert!(counted > 280, "{counted}");
    }

    /// What passes by its name alone is a class and an option of Keras. Where this fails for a new kind or field of ours, Keras
    /// does not have it: see [`Rule::Unknown`], and `kinds.rs`.
    #[test]
    fn classes_and_options_that_pass_are_those_of_keras() {
        let classes = classes();
        let (mut read, mut passed) = (0, 0);
        for (module, families) in modules().into_iter().filter(|(module, _)| *module != "activations") {
            let known = classes.options(module);
            for class in families.iter().flat_map(|family| &family.classes) {
                if APPLICATIONS.contains(&class.kind) || class.options.is_empty() {
                    continue;
                }
                let own = &class.names[0];
                let options = known.get(own.as_ref()).unwrap_or_else(|| panic!("{own} is not in keras.{module}"));
                let passes = |rule: &Rule| {
                    use Rule::{Activation, Constraint, Initializer, Layer, Regularizer, Same};
                    matches!(rule, Same | Activation | Initializer | Regularizer | Constraint | Layer)
                };
                for (option, _) in class.options.iter().filter(|(_, rule)| passes(rule)) {
                    assert!(options.iter().any(|known| known == option), "{own} has no option {option}");
                    passed += 1;
                }
                read += 1;
            }
        }
        assert!(read > 120 && passed > 450, "{read} classes, {passed} options");
    }

    #[test]
    fn every_operator_of_keras_is_read_or_refused_with_a_reason() {
        let names = classes().names("operators");
        let known = operators::known();
        let never: Vec<&str> = operators::never().iter().flat_map(|(names, _)| *names).copied().collect();
        let unknown: Vec<&String> =
            names.iter().filter(|name| !known.contains(&name.as_str()) && !never.contains(&name.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?} are neither read nor refused");
        let both: Vec<&&str> = never.iter().filter(|name| known.contains(name)).collect();
        assert!(both.is_empty(), "{both:?} are read and refused");
        assert!(names.len() > 250, "{}", names.len());
    }
}
