//! [`evaluate`]: the loss and the metrics of rows that were not trained on.

use super::{FitPlan, Samples, logged::logged, task::DataLayout, train::check, trainer::Trainer};
use crate::engine::{kernel::Team, network::Network, real::Real};

/// The loss and the metrics of `samples` by name, as an epoch's validation computes them; ends early once cancelled, with results
/// without meaning.
///
/// # Panics
/// If `samples` has no rows, or if its columns do not match the network and the losses.
pub fn evaluate<F: Real>(network: &mut Network<F>, plan: &FitPlan, samples: Samples<'_, F>) -> Vec<(String, f64)> {
    check(network, plan, &samples);
    let team = Team::new(plan.threads);
    let layout = DataLayout::new(network.architecture(), plan);
    let rows = samples.x.nrows();
    let mut trainer = Trainer::new(&team, network, plan, &layout, plan.batch_size.min(rows), samples.weights.is_some());
    let order: Vec<usize> = (0..rows).collect();
    let mut values = vec![trainer.validate(samples, &order)];
    values.extend(trainer.losses().filter(|_| plan.trained().count() > 1));
    values.extend(trainer.take_metrics());
    logged(&plan.outputs, false).into_iter().map(|log| log.name).zip(values).collect()
}
