//! A job's events on stderr: a bar on a terminal, lines elsewhere.

use super::{
    follow::has_ended,
    notes::note,
    output::{clean, short},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// About how many lines a job has where there is no terminal.
const LINES: u64 = 20;

/// Epochs that take long have a line at least this often.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// Characters of the small curve.
const SPARKLINE_WIDTH: usize = 10;

/// Shows a job's events.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    curve: Vec<f64>,
    best: Option<(f64, u64)>,
    /// The last epoch.
    epoch: u64,
    /// Whether an epoch had a validation loss, which counts from then on.
    is_validated: bool,
    printed_at: Option<Instant>,
    /// The last state that is not a line yet.
    last: Option<String>,
    /// The best epoch in words.
    best_line: Option<String>,
    is_verbose: bool,
    is_lost: bool,
}

impl Progress {
    /// Where stderr is a terminal, a bar; elsewhere about 20 lines, or one an epoch where it `is_verbose`.
    pub fn new(is_verbose: bool) -> Self {
        let has_bar = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let bar = has_bar.then(|| {
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            let template = "{bar:12} {pos}/{len} {eta} {wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            bar
        });
        Self {
            bar,
            curve: Vec::new(),
            best: None,
            epoch: 0,
            is_validated: false,
            printed_at: None,
            last: None,
            best_line: None,
            is_verbose,
            is_lost: false,
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Value) {
        let data = &event["data"];
        if std::mem::take(&mut self.is_lost) {
            self.line("connected again");
        }
        match event["type"].as_str() {
            Some("status") => self.status(data),
            Some("epoch") => self.epoch(data),
            Some("message") => {
                if self.bar.is_none()
                    && let Some(last) = self.last.take()
                {
                    note(last);
                }
                self.line(&clean(data["text"].as_str().unwrap_or_default()));
            }
            _ => {}
        }
    }

    /// Says once that the connection is lost.
    pub fn lost(&mut self) {
        if !std::mem::replace(&mut self.is_lost, true) {
            self.line("the connection is lost; trying again …");
        }
    }

    /// Leaves the last state on the screen, as a line, and the best one where there are lines.
    pub fn finish(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        [self.last.take(), self.best_line.take()].into_iter().flatten().for_each(note);
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => note(text),
        }
    }

    fn status(&mut self, data: &Value) {
        let status = data["status"].as_str().unwrap_or_default();
        match &self.bar {
            Some(bar) if status == "paused" => {
                bar.set_message(format!("paused  {}", self.last.as_deref().unwrap_or_default()));
            }
            Some(bar) if self.last.is_none() => bar.set_message(status.to_owned()),
            Some(_) => {}
            None => {
                if has_ended(status) {
                    self.finish();
                }
                note(status);
            }
        }
    }

    fn epoch(&mut self, logs: &Value) {
        let (epoch, epochs) = (logs["epoch"].as_u64().unwrap_or(0), logs["epochs"].as_u64().unwrap_or(0));
        let unit = unit(logs);
        let is_validated = logs["val_loss"].is_number();
        let begins_anew = epoch <= self.epoch;
        if begins_anew || is_validated && !self.is_validated {
            self.curve.clear();
            (self.best, self.best_line) = (None, None);
        }
        self.epoch = epoch;
        self.is_validated |= is_validated;
        let name = if self.is_validated { "val_loss" } else { "loss" };
        if let Some(value) = logs[name].as_f64() {
            self.curve.push(value);
            if self.best.is_none_or(|(best, _)| value < best) {
                self.best = Some((value, epoch));
            }
        }
        match &self.bar {
            Some(bar) => {
                let curve = sparkline(&self.curve, SPARKLINE_WIDTH);
                let best = self.best.map(|(value, at)| format!("  best {} at {at}", short(value))).unwrap_or_default();
                // What is most wanted comes first: a narrow terminal cuts the rest.
                let losses = metrics(logs, |name| name.ends_with("loss"));
                let others = metrics(logs, |name| !name.ends_with("loss"));
                let message = format!("{curve} {losses}{best}  {others}");
                bar.set_length(epochs);
                bar.set_position(epoch);
                bar.set_message(message.clone());
                self.last = Some(format!("{unit} {epoch}/{epochs}  {message}"));
            }
            None => {
                let width = epochs.to_string().len();
                let line = format!("{unit} {epoch:>width$}/{epochs}  {}", metrics(logs, |_| true));
                let line = line.trim_end().to_owned();
                let is_silent = self.printed_at.is_none_or(|at| at.elapsed() >= LONGEST_SILENCE);
                if self.is_verbose || is_silent || has_line(epoch, epochs) {
                    self.printed_at = Some(Instant::now());
                    self.last = None;
                    note(line);
                } else {
                    self.last = Some(line);
                }
                let best = self.best.filter(|_| epoch > 1);
                self.best_line = best.map(|(value, at)| format!("best {name} {} at {unit} {at}", short(value)));
            }
        }
    }
}

/// Whether an epoch is one of about [`LINES`] at equal distances, the first or the last.
fn has_line(epoch: u64, epochs: u64) -> bool {
    epoch == 1 || epoch == epochs || epoch.is_multiple_of(epochs.div_ceil(LINES).max(1))
}

/// What `epoch` of an event or of a progress counts, as one: `epoch`, `tree`, `round`, `iteration`.
pub fn unit(counted: &Value) -> &str {
    counted["unit"].as_str().and_then(|units| units.strip_suffix('s')).unwrap_or("epoch")
}

/// What an epoch measured, without its settings and timings: the metrics whose names are `wanted`.
pub fn metrics(logs: &Value, wanted: impl Fn(&str) -> bool) -> String {
    let others = ["epoch", "epochs", "learning_rate", "seconds", "samples_per_second"];
    let Some(logs) = logs.as_object() else { return String::new() };
    let shown = logs.iter().filter(|(name, _)| !others.contains(&name.as_str()) && wanted(name));
    let shown = shown.filter_map(|(name, value)| Some(format!("{} {}", clean(name), short(value.as_f64()?))));
    shown.collect::<Vec<_>>().join("  ")
}

/// A curve of at most `width` characters; each is the last value of equally many epochs.
pub fn sparkline(values: &[f64], width: usize) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let (min, max) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let size = values.len().div_ceil(width.max(1)).max(1);
    let level = |value: f64| {
        if !value.is_finite() {
            return '×';
        }
        let share = if max > min { (value - min) / (max - min) } else { 0.0 };
        LEVELS[((share * 7.0).round() as usize).min(7)]
    };
    values.chunks(size).filter_map(|chunk| chunk.last()).map(|value| level(*value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sparkline_spans_its_range() {
        assert_eq!(sparkline(&[0.0, 1.0, 2.0, 7.0], 16), "▁▂▃█");
        assert_eq!(sparkline(&[3.0, 3.0], 16), "▁▁");
        assert_eq!(sparkline(&[1.0, f64::NAN, 2.0], 16), "▁×█");
        assert_eq!(sparkline(&[], 16), "");
        let long: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(sparkline(&long, 16).chars().count(), 16);
    }

    #[test]
    fn about_twenty_epochs_have_a_line() {
        let lines = |epochs: u64| (1..=epochs).filter(|epoch| has_line(*epoch, epochs)).collect::<Vec<_>>();
        assert_eq!(lines(7), (1..=7).collect::<Vec<_>>());
        assert_eq!(lines(20).len(), 20);
        assert_eq!(lines(41), [1, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 33, 36, 39, 41]);
        for epochs in [100, 999, 1_000_003] {
            let lines = lines(epochs);
            assert!((19..=22).contains(&lines.len()) && lines.contains(&epochs), "{lines:?}");
        }
    }

    #[test]
    fn the_best_epoch_is_one_of_those_that_are_validated() {
        let mut progress = Progress { bar: None, ..Progress::new(false) };
        let mut best = |epoch: u64, loss: f64, val_loss: Option<f64>| {
            progress.epoch(&json!({"epoch": epoch, "epochs": 9, "loss": loss, "val_loss": val_loss}));
            progress.best_line.clone().unwrap_or_default()
        };
        assert_eq!(best(1, 0.5, None), "");
        assert_eq!(best(2, 0.4, Some(0.7)), "best val_loss 0.7000 at epoch 2");
        assert_eq!(best(3, 0.1, None), "best val_loss 0.7000 at epoch 2");
        // Another attempt, which has no checkpoint to continue from.
        assert_eq!(best(1, 0.6, Some(0.9)), "");
        assert_eq!(best(2, 0.6, Some(0.8)), "best val_loss 0.8000 at epoch 2");
    }

    #[test]
    fn an_epoch_shows_what_it_measured() {
        let logs = json!({"epoch": 3, "epochs": 5, "loss": 0.5, "val_loss": null, "accuracy": 1.0, "learning_rate": 0.1, "seconds": 2.0});
        assert_eq!(metrics(&logs, |_| true), "loss 0.5000  accuracy 1.0000");
        assert_eq!(metrics(&logs, |name| name != "loss"), "accuracy 1.0000");
        assert_eq!((unit(&logs), unit(&json!({"epoch": 3, "unit": "trees"}))), ("epoch", "tree"));
    }
}
