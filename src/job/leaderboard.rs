//! [`Leaderboard`]: a trained model beside simple ones, on the same rows.

use serde::{Deserialize, Serialize};

/// The baseline that ignores the features: to be worse than that is no proof that another model is better.
const DUMMY: &str = "dummy";

/// The model of a job beside baselines that were fitted on the same training rows, best first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Leaderboard {
    /// What is compared.
    pub metric: LeaderboardMetric,
    /// Whether larger values are better.
    pub higher_is_better: bool,
    /// Which rows were predicted.
    pub part: ComparedRows,
    /// Number of these rows.
    pub rows: u64,
    /// The model of the job and the baselines, best first. Empty where no baseline was fitted.
    pub entries: Vec<LeaderboardEntry>,
    /// Baselines that were not fitted to their end.
    pub skipped: Vec<SkippedBaseline>,
    /// What the comparison shows.
    pub finding: Finding,
    /// The same in a sentence.
    #[schema(
        example = "gradient_boosting reaches an accuracy of 0.912 (0.890 to 0.930) against this network's 0.874 (0.850 to 0.900) on \
                   the same 300 test rows: a network is not needed here"
    )]
    pub sentence: String,
}

/// The metric of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaderboardMetric {
    /// The share of rows whose class is right.
    Accuracy,
    /// The mean over the classes of the share of their rows whose class is right, as scikit-learn's `balanced_accuracy_score`. Of jobs
    /// that weigh or repeat classes, and where the largest class has more than 3 times as many training rows as the smallest.
    BalancedAccuracy,
    /// The root of the mean squared error, in the target's own units.
    RootMeanSquaredError,
}

/// A model of a leaderboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LeaderboardEntry {
    /// `network`, or the type of a classical model.
    #[schema(example = "gradient_boosting")]
    pub model: String,
    /// Whether this is the model of the job.
    pub is_job: bool,
    /// The metric on the rows.
    pub value: f64,
    /// Lower end of the metric's 95% interval by the bootstrap over the rows.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Duration of the fit in seconds.
    pub fit_seconds: f64,
    /// Duration of the predictions of the rows in seconds.
    pub predict_seconds: f64,
    /// Size of the fitted model in bytes.
    pub bytes: u64,
}

/// A baseline that was not fitted to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SkippedBaseline {
    /// The type of the model.
    #[schema(example = "svm")]
    pub model: String,
    /// Why.
    #[schema(example = "expected at most 2000 training rows, received 80000")]
    pub reason: String,
}

/// The rows of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ComparedRows {
    /// The test rows.
    Test,
    /// The validation rows, of a job without test rows.
    Validation,
}

/// What a comparison shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The job's model is better than every baseline.
    JobIsBetter,
    /// A baseline is better than the job's model.
    BaselineIsBetter,
    /// The 95% interval of the difference to the best baseline contains 0.
    NoDifference,
    /// No baseline was fitted, or `dummy` alone, which is not better than the job's model.
    NoVerdict,
}

impl LeaderboardMetric {
    /// Whether larger values are better.
    pub fn higher_is_better(self) -> bool {
        self != Self::RootMeanSquaredError
    }

    /// In a sentence.
    fn words(self) -> &'static str {
        match self {
            Self::Accuracy => "an accuracy",
            Self::BalancedAccuracy => "a balanced accuracy",
            Self::RootMeanSquaredError => "a root mean squared error",
        }
    }

    fn number(self, value: f64) -> String {
        match self {
            Self::Accuracy | Self::BalancedAccuracy => format!("{value:.3}"),
            Self::RootMeanSquaredError => significant(value),
        }
    }
}

impl ComparedRows {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Validation => "validation",
        }
    }
}

impl Leaderboard {
    /// The entry of the job's model.
    pub fn job(&self) -> Option<&LeaderboardEntry> {
        self.entries.iter().find(|entry| entry.is_job)
    }

    /// The best baseline.
    pub fn best_baseline(&self) -> Option<&LeaderboardEntry> {
        self.entries.iter().find(|entry| !entry.is_job)
    }

    /// The finding in words. `left_out` are the baselines whose fit did not end.
    pub fn describe(&self, left_out: &[String]) -> String {
        let left_out = match left_out {
            [] => String::new(),
            names => format!("; left out: {}", names.join(", ")),
        };
        let Some((job, baseline)) = self.job().zip(self.best_baseline()) else {
            return format!("no verdict: no baseline was fitted{left_out}");
        };
        let metric = self.metric.words();
        let is_network = job.model == "network";
        let (mine, other) = (&job.model, &baseline.model);
        let (of_job, of_baseline) = (self.interval(job), self.interval(baseline));
        let rows = format!("on the same {} {} rows", self.rows, self.part.name());
        match self.finding {
            Finding::BaselineIsBetter => {
                let verdict = match (other.as_str(), is_network) {
                    (DUMMY, _) => format!("this {mine} does worse than a model that ignores the features"),
                    (_, true) => "a network is not needed here".to_owned(),
                    (_, false) => format!("{other} is the better model here"),
                };
                format!("{other} reaches {metric} of {of_baseline} against this {mine}'s {of_job} {rows}: {verdict}")
            }
            Finding::JobIsBetter => {
                let verdict = match (left_out.is_empty(), is_network) {
                    (false, _) => "no baseline that was fitted does as well",
                    (true, true) => "the network is worth it here",
                    (true, false) => "no baseline does as well",
                };
                format!(
                    "this {mine} reaches {metric} of {of_job} against {of_baseline} of the best baseline, {other}, {rows}: \
                     {verdict}{left_out}"
                )
            }
            Finding::NoDifference => format!(
                "no difference shown: this {mine} reaches {metric} of {of_job} and the best baseline, {other}, {of_baseline} \
                 {rows}{left_out}"
            ),
            Finding::NoVerdict => format!(
                "no verdict: {other} is the only baseline that was fitted; it reaches {metric} of {of_baseline}, this {mine} \
                 {of_job} {rows}{left_out}"
            ),
        }
    }

    fn interval(&self, entry: &LeaderboardEntry) -> String {
        let number = |value: f64| self.metric.number(value);
        format!("{} ({} to {})", number(entry.value), number(entry.low), number(entry.high))
    }
}

/// A number with 4 significant digits, as far as they are behind the point.
fn significant(value: f64) -> String {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    match magnitude {
        -5.0..=15.0 => format!("{value:.*}", (3.0 - magnitude).clamp(0.0, 8.0) as usize),
        _ => format!("{value:.3e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(model: &str, is_job: bool, value: f64) -> LeaderboardEntry {
        let (model, seconds) = (model.to_owned(), 0.1);
        LeaderboardEntry {
            model,
            is_job,
            value,
            low: value - 0.02,
            high: value + 0.02,
            fit_seconds: seconds,
            predict_seconds: seconds,
            bytes: 1,
        }
    }

    fn leaderboard(metric: LeaderboardMetric, entries: Vec<LeaderboardEntry>, finding: Finding) -> Leaderboard {
        Leaderboard {
            metric,
            higher_is_better: metric.higher_is_better(),
            part: ComparedRows::Test,
            rows: 300,
            entries,
            skipped: Vec::new(),
            finding,
            sentence: String::new(),
        }
    }

    #[test]
    fn the_sentence_names_both_models_their_intervals_and_the_finding() {
        let entries = vec![entry("gradient_boosting", false, 0.912), entry("network", true, 0.874)];
        assert_eq!(
            leaderboard(LeaderboardMetric::Accuracy, entries, Finding::BaselineIsBetter).describe(&[]),
            "gradient_boosting reaches an accuracy of 0.912 (0.892 to 0.932) against this network's 0.874 (0.854 to 0.894) on the same \
             300 test rows: a network is not needed here"
        );
        let entries = vec![entry("network", true, 12.5), entry("ridge", false, 1234.5)];
        assert_eq!(
            leaderboard(LeaderboardMetric::RootMeanSquaredError, entries, Finding::JobIsBetter).describe(&[]),
            "this network reaches a root mean squared error of 12.50 (12.48 to 12.52) against 1234 (1234 to 1235) of the best \
             baseline, ridge, on the same 300 test rows: the network is worth it here"
        );
        let entries = vec![entry("random_forest", true, 0.5), entry("dummy", false, 0.5)];
        let sentence = leaderboard(LeaderboardMetric::BalancedAccuracy, entries, Finding::NoDifference).describe(&[]);
        let begin = "no difference shown: this random_forest reaches a balanced accuracy of 0.500";
        assert!(sentence.starts_with(begin), "{sentence}");
    }

    #[test]
    fn a_model_that_dummy_beats_is_told_so() {
        let entries = vec![entry("dummy", false, 0.6), entry("network", true, 0.4)];
        let sentence = leaderboard(LeaderboardMetric::Accuracy, entries, Finding::BaselineIsBetter).describe(&[]);
        let end = "on the same 300 test rows: this network does worse than a model that ignores the features";
        assert!(sentence.starts_with("dummy reaches an accuracy of 0.600") && sentence.ends_with(end), "{sentence}");
    }

    #[test]
    fn the_sentence_claims_no_more_than_what_was_fitted() {
        let left_out = ["ridge".to_owned(), "svm".to_owned()];
        let of = |entries, finding| leaderboard(LeaderboardMetric::Accuracy, entries, finding).describe(&left_out);
        let entries = || vec![entry("network", true, 0.9), entry("dummy", false, 0.5)];
        let sentence = of(entries(), Finding::JobIsBetter);
        assert!(sentence.ends_with("no baseline that was fitted does as well; left out: ridge, svm"), "{sentence}");
        assert_eq!(
            of(entries(), Finding::NoVerdict),
            "no verdict: dummy is the only baseline that was fitted; it reaches an accuracy of 0.500 (0.480 to 0.520), this network \
             0.900 (0.880 to 0.920) on the same 300 test rows; left out: ridge, svm"
        );
        assert_eq!(of(Vec::new(), Finding::NoVerdict), "no verdict: no baseline was fitted; left out: ridge, svm");
    }

    #[test]
    fn numbers_have_four_digits() {
        let of = |value| significant(value);
        assert_eq!([of(0.0), of(1234.5), of(0.0123462), of(3.0e20)], ["0.000", "1234", "0.01235", "3.000e20"]);
    }
}
