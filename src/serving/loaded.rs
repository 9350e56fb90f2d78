//! [`Loaded`].

use super::{
    format::Format,
    instances::Instances,
    plan::{Plan, Sizes},
    pool::Pool,
};
use crate::{
    data::{
        recipe::{Encoded, PredictionWarning, Recipe},
        strict::StrictError,
    },
    engine::{
        cancel::Cancellation,
        classical::{Arrays, ClassicalModel, FitError, Fitted, Predictions},
        field::{FieldError, FieldErrors},
        kernel::Team,
        network::Network,
        shape::Shape,
        spec::Limits,
    },
    job::PermutationImportances,
    memory::Reservation,
    store::bundle::{Bundle, Description, Weights},
};
use ndarray::Array2;
use std::sync::Arc;

/// Operations up to which a prediction is computed on the calling thread: less work than waking another thread.
const MAX_INLINE_OPERATIONS: u64 = 1 << 21;

/// Comparisons of a row in a tree, about.
const OPERATIONS_OF_TREE: u64 = 64;

/// Bytes of a body up to which it is read on the calling thread.
const MAX_INLINE_BYTES: usize = 1 << 18;

/// A trained version, ready to predict.
#[derive(Debug)]
pub struct Loaded {
    model: String,
    version: u64,
    recipe: Recipe,
    predictor: Predictor,
    /// Name and shape of each output of the model.
    outputs: Vec<(String, Shape)>,
    sizes: Sizes,
    /// Multiplications and additions of one row.
    cost: u64,
    importances: Option<PermutationImportances>,
    /// The memory of what is kept.
    _kept: Reservation,
    /// Compute threads, shared by all models.
    team: Arc<Team>,
}

/// What computes.
enum Predictor {
    Network(Box<Network<f32>>),
    /// With the shapes of its input, and whether it reads categories as codes.
    Classical {
        model: Box<dyn Fitted>,
        shapes: Vec<Shape>,
        native: bool,
        /// Threads of large predictions.
        pool: Arc<Pool>,
    },
}

impl std::fmt::Debug for Predictor {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Network(_) => "Network",
            Self::Classical { .. } => "Classical",
        })
    }
}

/// The output of a model.
#[derive(Debug, Clone)]
pub enum Output {
    /// Of a network: [rows, output elements].
    Network(Array2<f32>),
    /// Of a classical model.
    Classical(Predictions),
}

impl Output {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Network(output) => output.nrows(),
            Self::Classical(predictions) => predictions.scores.nrows(),
        }
    }

    fn is_finite(&self, row: usize) -> bool {
        match self {
            Self::Network(output) => output.row(row).iter().all(|value| value.is_finite()),
            Self::Classical(predictions) => predictions.scores.row(row).iter().all(|value| value.is_finite()),
        }
    }
}

/// What a model outputs for instances.
#[derive(Debug, Clone)]
pub struct Predicted {
    /// One row per instance.
    pub output: Output,
    /// The first values of the instances that were not taken at face value.
    pub warnings: Vec<PredictionWarning>,
}

/// Why there is no prediction.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The body is no JSON.
    #[error(transparent)]
    Json(#[from] StrictError),
    /// Errors of the request, each with its pointer.
    #[error("{} fields are not valid", .0.count())]
    Invalid(FieldErrors),
    /// The computation was cut short; logged, never sent to clients.
    #[error(transparent)]
    Internal(#[from] tokio::task::JoinError),
}

/// An error at the first instance whose output is not finite.
fn finite(output: Output, warnings: Vec<PredictionWarning>) -> Result<Predicted, PredictError> {
    match (0..output.rows()).find(|row| !output.is_finite(*row)) {
        None => Ok(Predicted { output, warnings }),
        Some(row) => {
            let detail = "expected values for which the model's output is finite";
            Err(PredictError::Invalid(vec![FieldError::new(format!("/instances/{row}"), detail)].into()))
        }
    }
}

impl Loaded {
    /// Version `version` of `model` from its stored bundle. `kept` is the memory of reading it, of which what stays is kept.
    pub fn new(
        model: String,
        version: u64,
        bundle: Bundle,
        limits: &Limits,
        (team, pool): (Arc<Team>, Arc<Pool>),
        mut kept: Reservation,
    ) -> anyhow::Result<Self> {
        let recipe = bundle.description.recipe.clone();
        if let Weights::Classical(arrays) = &bundle.weights {
            return Self::classical(model, version, &bundle.description, arrays, (team, pool), kept);
        }
        let importances = bundle.description.importances.clone();
        let (definition, network) = bundle.network(limits)?;
        let names = definition.output_names().into_iter().map(str::to_owned);
        let outputs: Vec<(String, Shape)> = names.zip(network.architecture().output_shapes().cloned()).collect();
        let cost = network.architecture().cost();
        let sizes = Sizes::new(network.architecture(), &recipe, &outputs);
        kept.shrink_to(sizes.kept_bytes);
        let predictor = Predictor::Network(Box::new(network));
        Ok(Self { model, version, recipe, predictor, outputs, sizes, cost, importances, _kept: kept, team })
    }

    fn classical(
        model: String,
        version: u64,
        description: &Description,
        arrays: &Arrays,
        (team, pool): (Arc<Team>, Arc<Pool>),
        mut kept: Reservation,
    ) -> anyhow::Result<Self> {
        let recipe = description.recipe.clone();
        let of_model: ClassicalModel = serde_json::from_value(description.definition.clone())?;
        let fitted = pool.run(|| of_model.read(arrays))?;
        let (elements, trees) = (arrays.elements_of_all(), fitted.trees() as u64);
        let outputs = vec![(String::new(), Shape(vec![fitted.task().outputs()]))];
        let sizes = Sizes::of_classical(elements, fitted.columns(), &recipe, &outputs);
        kept.shrink_to(sizes.kept_bytes);
        // A row walks down each tree, or meets every number of another model.
        let cost = if trees > 0 { trees.saturating_mul(OPERATIONS_OF_TREE) } else { elements };
        let native = of_model.traits().categories;
        let shapes = description.input_shapes.clone();
        let predictor = Predictor::Classical { model: fitted, shapes, native, pool };
        let importances = description.importances.clone();
        Ok(Self { model, version, recipe, predictor, outputs, sizes, cost, importances, _kept: kept, team })
    }

    /// The fitted model, where it is a classical one.
    pub fn fitted(&self) -> Option<&dyn Fitted> {
        match &self.predictor {
            Predictor::Network(_) => None,
            Predictor::Classical { model, .. } => Some(&**model),
        }
    }

    /// What each column contributes to the predictions, where that was measured.
    pub fn importances(&self) -> Option<&PermutationImportances> {
        self.importances.as_ref()
    }

    /// The model's name.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Counts from 1.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Preprocessing and decoding.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Name of each output of the model, with the shape of one sample.
    pub fn outputs(&self) -> &[(String, Shape)] {
        &self.outputs
    }

    /// Bytes of everything that is kept with it: weights, tables, and memory of earlier predictions.
    pub fn bytes(&self) -> u64 {
        self.sizes.kept_bytes
    }

    /// What a prediction of this many instances will take.
    pub fn plan(&self, instances: usize, format: Format) -> Plan {
        let computing = match &self.predictor {
            Predictor::Network(network) => network.architecture().prediction_bytes(instances, self.team.threads()),
            Predictor::Classical { model, .. } => {
                let cells = model.columns().saturating_mul(2).saturating_add(self.sizes.outputs()) as u64;
                (instances as u64).saturating_mul(cells).saturating_mul(size_of::<f64>() as u64)
            }
        };
        self.sizes.plan(computing, instances, format)
    }

    /// The model's output for `instances`, with what was not taken at face value. Large batches are computed on a blocking thread; where
    /// nobody waits for the output any more that ends early, and holds `memory` until then.
    pub async fn predict(
        self: Arc<Self>,
        instances: Instances,
        memory: Reservation,
    ) -> Result<(Predicted, Reservation), PredictError> {
        let work = self.cost.saturating_mul(instances.len() as u64);
        if work <= MAX_INLINE_OPERATIONS && instances.bytes() <= MAX_INLINE_BYTES {
            return Ok((self.compute(&instances)?, memory));
        }
        let (cancellation, _guard) = Cancellation::guarded();
        let compute = move || {
            let compute = || cancellation.within(|| self.compute(&instances));
            let predicted = match &self.predictor {
                // A row has no parts for other threads.
                Predictor::Classical { pool, .. } if instances.len() > 1 => pool.run(compute),
                _ => compute(),
            };
            predicted.map(|predicted| (predicted, memory))
        };
        tokio::task::spawn_blocking(compute).await?
    }

    fn compute(&self, instances: &Instances) -> Result<Predicted, PredictError> {
        let network = match &self.predictor {
            Predictor::Network(network) => network,
            Predictor::Classical { model, shapes, native, .. } => {
                return self.compute_classical(&**model, shapes, *native, instances);
            }
        };
        let shapes = network.architecture().input_shapes();
        let mut encoder = self.recipe.encoder(shapes, instances.len());
        instances.read(|instance| encoder.push(instance))?;
        let Encoded::<f32> { inputs, records, mut warnings } = encoder.finish().map_err(PredictError::Invalid)?;
        let invalid = |row: usize, below: String, detail: String| {
            PredictError::Invalid(vec![FieldError::new(format!("/instances/{row}{below}"), detail)].into())
        };
        network.architecture().check_indices(inputs.view()).map_err(|error| {
            let is_record = records.get(error.row).copied().unwrap_or_default();
            invalid(error.row, self.recipe.pointer(is_record, error.column), error.to_string())
        })?;
        let output = network.predict_on(&self.team, inputs.view());
        let elements = self.outputs.iter().map(|(_, shape)| shape.elements());
        self.recipe.warn_of_probabilities(output.view(), elements, &mut warnings);
        finite(Output::Network(output), warnings)
    }

    fn compute_classical(
        &self,
        model: &dyn Fitted,
        shapes: &[Shape],
        native: bool,
        instances: &Instances,
    ) -> Result<Predicted, PredictError> {
        let mut encoder = self.recipe.encoder::<f64>(shapes, instances.len());
        instances.read(|instance| encoder.push(instance))?;
        let Encoded { inputs, warnings, .. } = encoder.finish().map_err(PredictError::Invalid)?;
        let matrix = self.recipe.matrix(inputs, native);
        let refused =
            |error: FitError| PredictError::Invalid(vec![FieldError::new("/instances", error.to_string())].into());
        let predictions = matrix.features().and_then(|it| model.predict(&it, Cancellation::current().flag()));
        finite(Output::Classical(predictions.map_err(refused)?), warnings)
    }
}
