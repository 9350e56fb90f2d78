//! The values that an epoch logs, and which of them a callback monitors.

use super::{FitError, Mode, OutputPlan, Role};
use crate::engine::metric::Goal;

/// A value that every epoch logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its name in logs.
    pub name: String,
    /// Whether smaller or greater values are better; `None` for a count.
    pub goal: Option<Goal>,
}

/// `loss`, the loss of each output where several have one, and the metrics; then the same with `val_`, with `validation`.
pub fn logged(outputs: &[OutputPlan], validation: bool) -> Vec<Logged> {
    let several = outputs.len() > 1;
    let loss = |name: String| Logged { name, goal: Some(Goal::Minimize) };
    let trained = || outputs.iter().filter(|output| output.role == Role::Trained);
    let losses = trained().filter(|_| trained().count() > 1).map(|output| loss(format!("{}_loss", output.name)));
    let metrics = outputs.iter().flat_map(|output| {
        output.metrics.iter().map(move |metric| Logged {
            name: if several { format!("{}_{}", output.name, metric.name()) } else { metric.name() },
            goal: metric.goal(),
        })
    });
    let mut logged: Vec<_> = std::iter::once(loss("loss".into())).chain(losses).chain(metrics).collect();
    if validation {
        let validated = logged.iter().map(|log| Logged { name: format!("val_{}", log.name), goal: log.goal });
        logged.extend(validated.collect::<Vec<_>>());
    }
    logged
}

/// The index of `monitor` among `logged`, and its goal.
///
/// # Errors
/// If it is not logged, or if `mode` is `auto` and it has no direction.
pub fn find_monitor(monitor: &str, mode: Mode, logged: &[Logged]) -> Result<(usize, Goal), FitError> {
    let Some(place) = logged.iter().position(|log| log.name == monitor) else {
        let known = logged.iter().map(|log| log.name.clone()).collect();
        return Err(FitError::UnknownMonitor { monitor: monitor.to_owned(), known });
    };
    match logged.get(place).and_then(|log| mode.goal(log.goal)) {
        Some(goal) => Ok((place, goal)),
        None => Err(FitError::UndirectedMonitor { monitor: monitor.to_owned() }),
    }
}
