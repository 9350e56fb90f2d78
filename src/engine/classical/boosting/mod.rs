//! Histogram gradient boosting: [`GradientBoosting`].

mod bins;
mod categories;
mod early_stopping;
mod fit;
mod fitted;
mod generator;
mod gradient_boosting;
mod grow;
mod grown;
mod histogram;
mod holdout;
mod loss;
mod nodes;
mod options;
mod percentile;
mod split;

pub use gradient_boosting::GradientBoosting;
pub use options::{BoostingLoss, CategoricalFeatures, EarlyStopping, InteractionCst, Scoring};
