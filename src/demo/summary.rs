//! The table at the end.

use std::fmt;

/// Result of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The dataset's name.
    pub data: &'static str,
    /// Rows that were uploaded.
    pub rows: u64,
    /// Of the model.
    pub parameters: u64,
    /// That ran.
    pub epochs: u64,
    /// Of training.
    pub seconds: f64,
    /// On the rows held out, 0 to 1.
    pub accuracy: f64,
    /// The same of a boosted tree.
    pub boosted_accuracy: f64,
    /// Accuracy that the network has to reach.
    pub min_accuracy: f64,
}

impl Outcome {
    /// Whether the model is as accurate as it has to be.
    pub fn is_enough(&self) -> bool {
        self.accuracy >= self.min_accuracy
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, accuracy, min_accuracy, .. } = self;
        write!(
            f,
            "{data}: expected an accuracy of at least {min_accuracy} on the rows held out, received {accuracy:.3}"
        )
    }
}

/// One row an outcome.
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{:<14} {:>6} {:>11} {:>7} {:>8} {:>18} {:>18}\n",
        "data", "rows", "parameters", "epochs", "seconds", "held-out accuracy", "gradient_boosting"
    );
    for outcome in outcomes {
        text.push_str(&format!(
            "{:<14} {:>6} {:>11} {:>7} {:>8.3} {:>18.3} {:>18.3}\n",
            outcome.data,
            outcome.rows,
            outcome.parameters,
            outcome.epochs,
            outcome.seconds,
            outcome.accuracy,
            outcome.boosted_accuracy
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_below_the_minimum_is_refused() {
        let outcome = |accuracy| Outcome {
            data: "iris",
            rows: 105,
            parameters: 131,
            epochs: 60,
            seconds: 0.1,
            accuracy,
            boosted_accuracy: 0.9,
            min_accuracy: 0.93,
        };
        assert!(outcome(0.93).is_enough());
        assert!(!outcome(0.9299).is_enough());
        assert!(
            outcome(0.5).to_string().contains("at least 0.93") && outcome(0.5).to_string().ends_with("received 0.500")
        );
        assert_eq!(table(&[outcome(1.0), outcome(0.5)]).lines().count(), 3);
    }
}
