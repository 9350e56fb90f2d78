//! Classical models: decision trees, boosting, support vectors, neighbours, linear models. Names, defaults and numbers are
//! scikit-learn's.
//!
//! The settings of a model are the model ([`ClassicalModel`]): columns, targets, weights and a seed in; a [`Fitted`] model
//! out, whose state is plain arrays ([`Arrays`]).

mod argmax;
mod arrays;
mod choices;
mod data;
mod error;
mod forest;
mod model;
mod numpy_sum;
mod random_state;
mod registry;
mod run;
mod tree;

pub use arrays::{Arrays, Element, Tensor};
pub use choices::{ClassWeight, MaxFeatures, Share};
pub use data::{Column, Features, Target, Task, TrainingData};
pub use error::{FitError, StoredError};
pub use forest::{ExtraTrees, ForestClassWeight, ForestFeatures, RandomForest};
pub use model::{Coefficients, Fitted, Predictions, Scores, Size, Traits};
pub use random_state::RandomState;
pub use registry::ClassicalModel;
pub use run::{Progress, Run, Unit, check_cancel};
pub use tree::{Criterion, DecisionTree, NodeView, SplitView, TreeSplitter, TreeView};
