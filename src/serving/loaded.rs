//! [`Loaded`].

use super::{
    format::Format,
    instances::Instances,
    plan::{Plan, Sizes},
};
use crate::{
    data::{
        recipe::{Encoded, PredictionWarning, Recipe},
        strict::StrictError,
    },
    engine::{field::FieldError, kernel::Team, network::Network, shape::Shape, spec::Limits},
    memory::Reservation,
    store::bundle::Bundle,
};
use ndarray::Array2;
use std::sync::Arc;

/// Operations up to which a prediction is computed on the calling thread: less work than waking another thread.
const MAX_INLINE_OPERATIONS: u64 = 1 << 21;

/// Bytes of a body up to which it is read on the calling thread.
const MAX_INLINE_BYTES: usize = 1 << 18;

/// A trained version, ready to predict.
#[derive(Debug)]
pub struct Loaded {
    model: String,
    version: u64,
    recipe: Recipe,
    network: Network<f32>,
    /// Name and shape of each output of the network.
    outputs: Vec<(String, Shape)>,
    sizes: Sizes,
    /// Multiplications and additions of one row.
    cost: u64,
    /// The memory of what is kept.
    _kept: Reservation,
    /// Compute threads, shared by all models.
    team: Arc<Team>,
}

/// What a model outputs for instances.
#[derive(Debug, Clone)]
pub struct Predicted {
    /// [rows, output elements].
    pub output: Array2<f32>,
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
    #[error("{} fields are not valid", .0.len())]
    Invalid(Vec<FieldError>),
    /// The computation was cut short; logged, never sent to clients.
    #[error(transparent)]
    Internal(#[from] tokio::task::JoinError),
}

impl Loaded {
    /// Version `version` of `model` from its stored bundle. `kept` is the memory of reading it, of which what stays is kept.
    pub fn new(
        model: String,
        version: u64,
        bundle: Bundle,
        limits: &Limits,
        team: Arc<Team>,
        mut kept: Reservation,
    ) -> anyhow::Result<Self> {
        let recipe = bundle.description.recipe.clone();
        let (definition, network) = bundle.network(limits)?;
        let names = definition.output_names().into_iter().map(str::to_owned);
        let outputs: Vec<(String, Shape)> = names.zip(network.architecture().output_shapes().cloned()).collect();
        let cost = network.architecture().cost();
        let sizes = Sizes::new(network.architecture(), &recipe, &outputs);
        kept.shrink_to(sizes.kept_bytes);
        Ok(Self { model, version, recipe, network, outputs, sizes, cost, _kept: kept, team })
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

    /// Name of each output of the network, with the shape of one sample.
    pub fn outputs(&self) -> &[(String, Shape)] {
        &self.outputs
    }

    /// Bytes of everything that is kept with it: weights, tables, and memory of earlier predictions.
    pub fn bytes(&self) -> u64 {
        self.sizes.kept_bytes
    }

    /// What a prediction of this many instances will take.
    pub fn plan(&self, instances: usize, format: Format) -> Plan {
        self.sizes.plan(self.network.architecture(), instances, format, self.team.threads())
    }

    /// The network's output [rows, output elements] for `instances`, with what was not taken at face value. Large batches are computed on a blocking thread.
    pub async fn predict(self: Arc<Self>, instances: Instances) -> Result<Predicted, PredictError> {
        let work = self.cost.saturating_mul(instances.len() as u64);
        if work <= MAX_INLINE_OPERATIONS && instances.bytes() <= MAX_INLINE_BYTES {
            self.compute(&instances)
        } else {
            tokio::task::spawn_blocking(move || self.compute(&instances)).await?
        }
    }

    fn compute(&self, instances: &Instances) -> Result<Predicted, PredictError> {
        let shapes = self.network.architecture().input_shapes();
        let mut encoder = self.recipe.encoder(shapes, instances.len());
        instances.read(|instance| encoder.push(instance))?;
        let Encoded::<f32> { inputs, records, warnings } = encoder.finish().map_err(PredictError::Invalid)?;
        let invalid = |row: usize, below: String, detail: String| {
            PredictError::Invalid(vec![FieldError::new(format!("/instances/{row}{below}"), detail)])
        };
        self.network.architecture().check_indices(inputs.view()).map_err(|error| {
            let is_record = records.get(error.row).copied().unwrap_or_default();
            invalid(error.row, self.recipe.pointer(is_record, error.column), error.to_string())
        })?;
        let output = self.network.predict_on(&self.team, inputs.view());
        match output.rows().into_iter().position(|row| row.iter().any(|value| !value.is_finite())) {
            None => Ok(Predicted { output, warnings }),
            Some(index) => {
                let detail = "expected values for which the model's output is finite";
                Err(invalid(index, String::new(), detail.to_owned()))
            }
        }
    }
}
