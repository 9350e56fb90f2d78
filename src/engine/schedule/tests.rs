use super::{LearningRate, Schedule};
use crate::engine::field;
use serde_json::{Value, json};

#[test]
fn a_schedule_needs_its_numbers_and_says_where_they_are_wrong() {
    let refused = |rate: Value, pointer: &str, words: &[&str]| {
        let error = field::parse::<LearningRate>(&rate).and_then(|parsed| parsed.check()).unwrap_err();
        assert_eq!(error.pointer, pointer, "{rate}: {error}");
        assert!(words.iter().all(|word| error.detail.contains(word)), "{rate}: {error}");
    };
    for schedule in Schedule::every() {
        let mut value = serde_json::to_value(&schedule).unwrap();
        assert_eq!(field::parse::<Schedule>(&value).as_ref(), Ok(&schedule), "{value}");
        let rate: LearningRate = field::parse(&value).unwrap();
        let printed = serde_json::to_value(&rate).unwrap();
        assert_eq!(field::parse::<LearningRate>(&printed), Ok(rate), "{printed}");
        refused(json!({"type": schedule.kind()}), "", &["expected the field", "received nothing"]);
        value["no_such_field"] = json!(1);
        refused(value, "/no_such_field", &["unknown field"]);
    }
    refused(json!("cosine_decay"), "", &["cosine_decay", "expected a number"]);
    refused(json!({"type": "cosine_decai"}), "/type", &["did you mean `cosine_decay`"]);
    let decay = |steps: f64, rate: f64| json!({"type": "exponential_decay", "initial_learning_rate": rate, "decay_steps": steps, "decay_rate": 0.5});
    refused(decay(0.0, 0.1), "/decay_steps", &["0.0"]);
    refused(decay(10.0, 0.0), "/initial_learning_rate", &["0.0"]);
    let pieces = |boundaries: Value, values: Value| json!({"type": "piecewise_constant_decay", "boundaries": boundaries, "values": values});
    refused(pieces(json!([]), json!([1.0])), "/boundaries", &["none"]);
    refused(pieces(json!([5, 5]), json!([1.0, 0.5, 0.1])), "/boundaries/1", &["after 5", "received 5"]);
    refused(pieces(json!([5, 6]), json!([1.0, 0.5])), "/values", &["3", "2"]);
    refused(pieces(json!([5]), json!([1.0, -0.5])), "/values/1", &["-0.5"]);
}
