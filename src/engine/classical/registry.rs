//! [`ClassicalModel`]: one row per model.

use super::{
    Arrays, DecisionTree, Dummy, ElasticNet, ExtraTrees, FitError, Fitted, GaussianNb, GradientBoosting, KNeighbors,
    Lasso, LinearRegression, LinearSvm, LogisticRegression, RandomForest, Ridge, Run, Size, StoredError, Svm, Task,
    TrainingData, Traits, Unit, model::Estimator,
};
use crate::engine::{field::FieldError, registry::registry};

registry! {
    /// A classical model: a name (`"random_forest"`), or settings (`{"type": "random_forest", "n_estimators": 200}`).
    #[derive(Debug, Clone, PartialEq)]
    ClassicalModel, "a classical model", dyn Estimator {
        plain {}
        settings {
            DecisionTree = "decision_tree",
            Dummy = "dummy",
            ElasticNet = "elastic_net",
            ExtraTrees = "extra_trees",
            GaussianNb = "gaussian_nb",
            GradientBoosting = "gradient_boosting",
            KNeighbors = "k_neighbors",
            Lasso = "lasso",
            LinearRegression = "linear_regression",
            LinearSvm = "linear_svm",
            LogisticRegression = "logistic_regression",
            RandomForest = "random_forest",
            Ridge = "ridge",
            Svm = "svm",
        }
    }
}

impl ClassicalModel {
    /// Ranges of the settings; the pointer is below the model (`/max_depth`).
    pub fn check(&self) -> Result<(), FieldError> {
        self.behaviour().check()
    }

    /// Settings that do not fit the task or the number of columns.
    pub fn check_task(&self, task: Task, columns: usize) -> Result<(), FieldError> {
        let traits = self.traits();
        let (fits, what) = match task {
            Task::Classification { .. } => (traits.classifies, "classes"),
            Task::Regression => (traits.regresses, "numbers"),
        };
        if !fits {
            let detail = format!("expected a model for a target of {what}, received `{}`", self.kind());
            return Err(FieldError::new("/type", detail));
        }
        self.behaviour().check_task(task, columns)
    }

    /// Settings that need more training rows than these.
    pub fn check_rows(&self, rows: usize) -> Result<(), FieldError> {
        match self {
            Self::KNeighbors(model) if model.n_neighbors > rows => {
                let detail = format!("expected at most the {rows} training rows, received {}", model.n_neighbors);
                Err(FieldError::new("/n_neighbors", detail))
            }
            _ => Ok(()),
        }
    }

    /// What the model expects of its features.
    pub fn traits(&self) -> Traits {
        self.behaviour().traits()
    }

    /// Whether its fit calls [`Run::progress`]; otherwise the fit is one step.
    pub fn reports_progress(&self) -> bool {
        self.behaviour().reports_progress()
    }

    /// Bytes that a fit takes beside its data, with the fitted model: at most, but for trees, whose nodes depend on the data.
    pub fn memory_bytes(&self, size: Size) -> u64 {
        self.behaviour().memory_bytes(size)
    }

    /// Bytes of the fitted model; 0 where they are few.
    pub fn model_bytes(&self, size: Size) -> u64 {
        self.behaviour().model_bytes(size)
    }

    /// Whether its training rows can have weights.
    pub fn weighs_rows(&self) -> bool {
        !matches!(self, Self::KNeighbors(_))
    }

    /// Whether it reads its features in 32 bits, as scikit-learn's trees and forests do.
    pub fn reads_32_bits(&self) -> bool {
        matches!(self, Self::DecisionTree(_) | Self::ExtraTrees(_) | Self::RandomForest(_))
    }

    /// Whether weights of classes are not the same as weights of their rows: it takes [`TrainingData::class_weights`].
    pub fn weighs_classes(&self) -> bool {
        matches!(self, Self::LinearSvm(_))
    }

    /// Whether its own settings weigh the classes.
    pub fn balances_classes(&self) -> bool {
        match self {
            Self::DecisionTree(model) => model.class_weight.is_some(),
            Self::ExtraTrees(model) => model.class_weight.is_some(),
            Self::GradientBoosting(model) => model.class_weight.is_some(),
            Self::LinearSvm(model) => model.class_weight.is_some(),
            Self::LogisticRegression(model) => model.class_weight.is_some(),
            Self::RandomForest(model) => model.class_weight.is_some(),
            Self::Svm(model) => model.class_weight.is_some(),
            _ => false,
        }
    }

    /// What the progress of its fit counts.
    pub fn unit(&self) -> Unit {
        self.behaviour().unit()
    }

    /// Whether the trees or rounds of a fit that is not at its end are a model, so that it looks at [`Run::finish`].
    pub fn can_finish_early(&self) -> bool {
        matches!(self.unit(), Unit::Trees | Unit::Rounds)
    }

    /// Trains the model.
    pub fn fit(&self, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Box<dyn Fitted>, FitError> {
        self.check()?;
        let columns = data.features.columns().len();
        self.check_task(data.target.task(), columns)?;
        data.check()?;
        data.features.check(self.traits().missing)?;
        if let Some(validation) = &run.validation {
            validation.check()?;
            if validation.features.columns().len() != columns || validation.target.task() != data.target.task() {
                return Err(FitError::data(
                    "expected validation rows with the columns and classes of the training rows",
                ));
            }
            validation.features.check(self.traits().missing)?;
        }
        run.check()?;
        self.behaviour().fit(data, run)
    }

    /// Reads the fitted state that [`Fitted::arrays`] gave. Nothing in it is trusted.
    pub fn read(&self, stored: &Arrays) -> Result<Box<dyn Fitted>, StoredError> {
        self.behaviour().read(stored)
    }
}
