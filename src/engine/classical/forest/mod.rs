//! Forests: [`RandomForest`] and [`ExtraTrees`].

mod bootstrap;
mod extra_trees;
mod features;
mod fit;
mod random_forest;

pub use extra_trees::ExtraTrees;
pub use features::ForestFeatures;
pub use fit::ForestClassWeight;
pub use random_forest::RandomForest;
