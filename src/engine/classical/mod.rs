//! Classical models: decision trees, boosting, support vectors, neighbours, linear models. Names, defaults and numbers are
//! scikit-learn's.
//!
//! The settings of a model are the model ([`ClassicalModel`]): columns, targets, weights and a seed in; a [`Fitted`] model
//! out, whose state is plain arrays ([`Arrays`]).

mod argmax;
mod arrays;
mod boosting;
mod choices;
mod chunks;
mod data;
mod dummy;
mod elastic_net;
mod error;
mod foreign_classes;
mod forest;
mod gaussian_nb;
mod heap;
mod k_neighbors;
mod linear;
mod linear_regression;
mod linear_svm;
mod logistic_regression;
mod model;
mod numeric;
mod numpy_sum;
mod random_state;
pub mod reference;
mod registry;
mod ridge;
mod row_draws;
mod run;
mod svm;
mod tree;

pub use arrays::{Arrays, Element, Tensor};
pub use boosting::{BoostingLoss, CategoricalFeatures, EarlyStopping, GradientBoosting, InteractionCst, Scoring};
pub use choices::{ClassWeight, MaxFeatures, Share};
pub use data::{Column, Features, Target, Task, TrainingData};
pub use dummy::{Dummy, DummyStrategy};
pub use elastic_net::{ElasticNet, Lasso, Selection};
pub use error::{FitError, StoredError};
pub use foreign_classes::foreign_class;
pub use forest::{ExtraTrees, ForestClassWeight, ForestFeatures, RandomForest};
pub use gaussian_nb::GaussianNb;
pub use k_neighbors::{KNeighbors, Metric, NeighborAlgorithm, NeighborWeights};
pub use linear_regression::LinearRegression;
pub use linear_svm::{LinearSvm, LinearSvmLoss};
pub use logistic_regression::LogisticRegression;
pub use model::{Coefficients, Fitted, Predictions, Scores, Size, Traits};
pub use random_state::RandomState;
pub use registry::ClassicalModel;
pub use ridge::Ridge;
pub use run::{Progress, Run, Unit, check_cancel};
pub use svm::{DecisionFunctionShape, Gamma, KernelName, Svm};
pub use tree::{Criterion, DecisionTree, NodeView, SplitView, SplitWords, TreeSplitter, TreeView};
