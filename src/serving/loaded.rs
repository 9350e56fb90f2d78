//! [`Loaded`].

use super::instances::Instances;
use crate::{
    data::recipe::{Encoded, PredictionWarning, Recipe},
    engine::{field::FieldError, kernel::Team, network::Network, shape::Shape, spec::Limits},
    store::bundle::Bundle,
};
use ndarray::Array2;
use std::sync::Arc;

/// Operations up to which a prediction is computed on the calling thread: less work than waking another thread.
const MAX_INLINE_OPERATIONS: u64 = 1 << 21;

/// A trained version, ready to predict.
#[derive(Debug)]
pub struct Loaded {
    model: String,
    version: u64,
    recipe: Recipe,
    network: Network<f32>,
    /// Name and shape of each output of the network.
    outputs: Vec<(String, Shape)>,
    parameters: u64,
    /// Multiplications and additions of one row.
    cost: u64,
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
    /// Errors of the request, each with its pointer.
    #[error("{} fields are not valid", .0.len())]
    Invalid(Vec<FieldError>),
    /// The computation was cut short; logged, never sent to clients.
    #[error(transparent)]
    Internal(#[from] tokio::task::JoinError),
}

impl Loaded {
    /// Version `version` of `model` from its stored bundle.
    pub fn new(model: String, version: u64, bundle: Bundle, limits: &Limits, team: Arc<Team>) -> anyhow::Result<Self> {
        let recipe = bundle.description.recipe.clone();
        let (definition, network) = bundle.network(limits)?;
        let names = definition.output_names().into_iter().map(str::to_owned);
        let outputs = names.zip(network.architecture().output_shapes().cloned()).collect();
        let parameters = network.architecture().summary().parameters;
        let cost = network.architecture().cost();
        Ok(Self { model, version, recipe, network, outputs, parameters, cost, team })
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

    /// Bytes of the weights.
    pub fn bytes(&self) -> u64 {
        self.parameters.saturating_mul(size_of::<f32>() as u64)
    }

    /// The network's output [rows, output elements] for `instances`, with what was not taken at face value. Large batches are computed on a blocking thread.
    pub async fn predict(self: Arc<Self>, instances: Instances) -> Result<Predicted, PredictError> {
        let work = self.cost.saturating_mul(instances.len() as u64);
        let output = if work <= MAX_INLINE_OPERATIONS {
            self.compute(&instances)
        } else {
            tokio::task::spawn_blocking(move || self.compute(&instances)).await?
        };
        output.map_err(PredictError::Invalid)
    }

    fn compute(&self, instances: &Instances) -> Result<Predicted, Vec<FieldError>> {
        let shapes = self.network.architecture().input_shapes();
        let Encoded { inputs, warnings } = self.recipe.encode(instances.as_slice(), shapes)?;
        self.network.architecture().check_indices(inputs.view()).map_err(|error| {
            let instance = instances.as_slice().get(error.row);
            let cell = instance.map_or_else(String::new, |instance| self.recipe.pointer(instance, error.column));
            vec![FieldError::new(format!("/instances/{}{cell}", error.row), error.to_string())]
        })?;
        let output = self.network.predict_on(&self.team, inputs.view());
        match output.rows().into_iter().position(|row| row.iter().any(|value| !value.is_finite())) {
            None => Ok(Predicted { output, warnings }),
            Some(index) => {
                let detail = "expected values for which the model's output is finite";
                Err(vec![FieldError::new(format!("/instances/{index}"), detail)])
            }
        }
    }
}
