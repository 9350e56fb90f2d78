//! The values that an epoch logs, and which of them a callback monitors.

use super::{FitError, Mode, OutputPlan, Role};
use crate::engine::metric::Better;

/// A value that every epoch logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Its name in logs.
    pub name: String,
    /// Which values of it are better; `None` where neither are.
    pub better: Option<Better>,
}

/// `loss`, the loss of each output where several have one, and the metrics; then the same with `val_`, with `validation`.
pub fn logged(outputs: &[OutputPlan], validation: bool) -> Vec<Logged> {
    let several = outputs.len() > 1;
    let loss = |name: String| Logged { name, better: Some(Better::Less) };
    let trained = || outputs.iter().filter(|output| output.role == Role::Trained);
    let losses = trained().filter(|_| trained().count() > 1).map(|output| loss(format!("{}_loss", output.name)));
    let metrics = outputs.iter().flat_map(|output| {
        output.metrics.iter().map(move |metric| Logged {
            name: if several { format!("{}_{}", output.name, metric.name()) } else { metric.name() },
            better: metric.better(),
        })
    });
    let mut logged: Vec<_> = std::iter::once(loss("loss".into())).chain(losses).chain(metrics).collect();
    if validation {
        let validated = logged.iter().map(|log| Logged { name: format!("val_{}", log.name), better: log.better });
        logged.extend(validated.collect::<Vec<_>>());
    }
    logged
}

/// The place of `monitor` among `logged`, and which values of it are better.
///
/// # Errors
/// Where it is not logged, and where `mode` is `auto` and neither less nor more is better.
pub fn find_monitor(monitor: &str, mode: Mode, logged: &[Logged]) -> Result<(usize, Better), FitError> {
    let Some(place) = logged.iter().position(|log| log.name == monitor) else {
        let known = logged.iter().map(|log| log.name.clone()).collect();
        return Err(FitError::UnknownMonitor { monitor: monitor.to_owned(), known });
    };
    match logged.get(place).and_then(|log| mode.better(log.better)) {
        Some(better) => Ok((place, better)),
        None => Err(FitError::UndirectedMonitor { monitor: monitor.to_owned() }),
    }
}
