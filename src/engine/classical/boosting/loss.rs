//! [`Loss`]: gradients, hessians, first predictions and links.

use super::{
    options::BoostingLoss,
    percentile::{Weighted, linear, median, sort_with_weights},
};

/// A loss with what it needs to know.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Loss {
    /// Two classes: targets are 0 and 1.
    Binomial,
    /// More classes: targets are codes, and there is a tree per class.
    Multinomial {
        n_classes: usize,
    },
    SquaredError,
    AbsoluteError,
    Poisson,
    Gamma,
    Quantile {
        quantile: f64,
    },
}

/// Raw predictions below this have an exponential that is 0 beside 1.
const FAR_BELOW: f64 = -37.0;

impl Loss {
    /// The loss of a regressor.
    pub(super) fn of_values(loss: BoostingLoss, quantile: Option<f64>) -> Self {
        match loss {
            BoostingLoss::AbsoluteError => Self::AbsoluteError,
            BoostingLoss::Poisson => Self::Poisson,
            BoostingLoss::Gamma => Self::Gamma,
            BoostingLoss::Quantile => Self::Quantile { quantile: quantile.unwrap_or(0.5) },
            BoostingLoss::SquaredError | BoostingLoss::LogLoss => Self::SquaredError,
        }
    }

    /// The loss of a classifier.
    pub(super) fn of_classes(n_classes: usize) -> Self {
        if n_classes > 2 { Self::Multinomial { n_classes } } else { Self::Binomial }
    }

    /// Trees per round.
    pub(super) fn trees(self) -> usize {
        match self {
            Self::Multinomial { n_classes } => n_classes,
            _ => 1,
        }
    }

    /// Whether all hessians are 1 where rows have no weights.
    pub(super) fn has_constant_hessian(self) -> bool {
        matches!(self, Self::SquaredError | Self::AbsoluteError | Self::Quantile { .. })
    }

    /// Whether leaves predict a median or quantile of the residuals instead of a Newton step.
    pub(super) fn is_line_search(self) -> bool {
        matches!(self, Self::AbsoluteError | Self::Quantile { .. })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Binomial | Self::Multinomial { .. } => "log_loss",
            Self::SquaredError => "squared_error",
            Self::AbsoluteError => "absolute_error",
            Self::Poisson => "poisson",
            Self::Gamma => "gamma",
            Self::Quantile { .. } => "quantile",
        }
    }

    /// Gradient and hessian of one row, of a loss with one tree per round.
    #[inline(always)]
    pub(super) fn gradient(self, target: f64, raw: f64) -> (f64, f64) {
        match self {
            Self::Binomial | Self::Multinomial { .. } => {
                if raw > FAR_BELOW {
                    let exponential = (-raw).exp();
                    let gradient = ((1.0 - target) - target * exponential) / (1.0 + exponential);
                    (gradient, exponential / ((1.0 + exponential) * (1.0 + exponential)))
                } else {
                    let exponential = raw.exp();
                    (exponential - target, exponential)
                }
            }
            Self::SquaredError => (raw - target, 1.0),
            Self::AbsoluteError => (if raw > target { 1.0 } else { -1.0 }, 1.0),
            Self::Poisson => {
                let prediction = raw.exp();
                (prediction - target, prediction)
            }
            Self::Gamma => {
                let ratio = target * (-raw).exp();
                (1.0 - ratio, ratio)
            }
            Self::Quantile { quantile } => (if target >= raw { -quantile } else { 1.0 - quantile }, 1.0),
        }
    }

    /// The loss of one row, of which `raw` has one number per tree of a round.
    pub(super) fn loss(self, target: f64, raw: &[f64]) -> f64 {
        let first = raw[0];
        match self {
            Self::Binomial => log1p_exp(first) - target * first,
            Self::Multinomial { .. } => {
                let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = raw.iter().map(|raw| (raw - largest).exp()).sum();
                sum.ln() + largest - raw[target as usize]
            }
            Self::SquaredError => 0.5 * (first - target) * (first - target),
            Self::AbsoluteError => (first - target).abs(),
            Self::Poisson => first.exp() - target * first,
            Self::Gamma => first + target * (-first).exp(),
            Self::Quantile { quantile } => {
                if target >= first {
                    quantile * (target - first)
                } else {
                    (1.0 - quantile) * (first - target)
                }
            }
        }
    }

    /// The best constant raw prediction: one number per tree of a round.
    pub(super) fn baseline(self, targets: &[f64], weights: Option<&[f64]>) -> Vec<f64> {
        let small = 10.0 * f64::EPSILON;
        match self {
            Self::Binomial => {
                let share = mean(targets, weights).clamp(small, 1.0 - small);
                vec![(share / (1.0 - share)).ln()]
            }
            Self::Multinomial { n_classes } => {
                let share = |class: usize| {
                    let is_class: Vec<f64> =
                        targets.iter().map(|target| f64::from(u8::from(*target as usize == class))).collect();
                    mean(&is_class, weights).clamp(f64::EPSILON, 1.0 - f64::EPSILON).ln()
                };
                let logs: Vec<f64> = (0..n_classes).map(share).collect();
                let middle = logs.iter().sum::<f64>() / n_classes as f64;
                logs.into_iter().map(|log| log - middle).collect()
            }
            Self::SquaredError => vec![mean(targets, weights)],
            Self::Poisson | Self::Gamma => vec![mean(targets, weights).max(small).ln()],
            Self::AbsoluteError | Self::Quantile { .. } => vec![self.best_constant(targets, weights)],
        }
    }

    /// The median or quantile of some residuals.
    pub(super) fn best_constant(self, residuals: &[f64], weights: Option<&[f64]>) -> f64 {
        let (quantile, is_median) = match self {
            Self::Quantile { quantile } => (quantile, false),
            _ => (0.5, true),
        };
        match weights {
            Some(weights) => {
                if weights.iter().all(|weight| *weight == 0.0) {
                    return 0.0;
                }
                let (sorted, weights) = sort_with_weights(residuals, weights);
                Weighted::new(&sorted, &weights).percentile(100.0 * quantile, false)
            }
            None => {
                let mut sorted = residuals.to_vec();
                sorted.sort_unstable_by(f64::total_cmp);
                if is_median { median(&sorted) } else { linear(&sorted, quantile) }
            }
        }
    }

    /// Probabilities or a number from raw predictions, which hold one number per tree of a round.
    pub(super) fn predict(self, raw: &[f64], out: &mut [f64]) {
        match self {
            Self::Binomial => {
                let second = 1.0 / (1.0 + (-raw[0]).exp());
                out[0] = 1.0 - second;
                out[1] = second;
            }
            Self::Multinomial { .. } => {
                let largest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for (out, raw) in out.iter_mut().zip(raw) {
                    *out = (raw - largest).exp();
                }
                let sum: f64 = out.iter().sum();
                out.iter_mut().for_each(|out| *out /= sum);
            }
            Self::Poisson | Self::Gamma => out[0] = raw[0].exp(),
            Self::SquaredError | Self::AbsoluteError | Self::Quantile { .. } => out[0] = raw[0],
        }
    }
}

fn mean(numbers: &[f64], weights: Option<&[f64]>) -> f64 {
    match weights {
        None => numbers.iter().sum::<f64>() / numbers.len() as f64,
        Some(weights) => {
            let sum: f64 = numbers.iter().zip(weights).map(|(number, weight)| number * weight).sum();
            sum / weights.iter().sum::<f64>()
        }
    }
}

/// `ln(1 + exp(x))`.
fn log1p_exp(x: f64) -> f64 {
    if x <= FAR_BELOW {
        x.exp()
    } else if x <= 18.0 {
        x.exp().ln_1p()
    } else if x <= 33.3 {
        x + (-x).exp()
    } else {
        x
    }
}
