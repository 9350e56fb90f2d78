//! Sizes of a job, known before it starts.

use super::training::Training;
use crate::{
    data::{
        recipe::{Preparation, PreparedRows, preparing_bytes},
        schema::Column,
    },
    engine::{
        fit::{TrainingMemory, keeps_best},
        spec::Architecture,
    },
};
use serde::{Deserialize, Serialize};

/// Sizes of what a job trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobSummary {
    /// Number of parameters, with this dataset; absent for a classical model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub parameters: Option<u64>,
    /// Number of trainable parameters; absent for a classical model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trainable_parameters: Option<u64>,
    /// Memory of the job.
    pub memory: JobMemory,
}

/// Memory of a job in addition to an idle service, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobMemory {
    /// The columns that are read. Freed before training, but the allocator may keep the memory for a while.
    pub table_bytes: u64,
    /// Inputs, targets, weights and order of all rows.
    pub data_bytes: u64,
    /// Training, without its data.
    #[serde(flatten)]
    pub training: FitMemory,
    /// Fitting and applying the preprocessing, initializing the weights, counting the confusion matrix, and storing the weights: the
    /// most that one of these takes beside the weights, before or after training.
    #[serde(default)]
    pub other_phases_bytes: u64,
    /// The largest baseline with its data, fitted after the model; 0 without baselines.
    #[serde(default)]
    #[schema(required = true)]
    pub baselines_bytes: u64,
    /// Reading a table and storing records, of any size; an estimate.
    pub service_bytes: u64,
    /// Maximum at any time. Of a network the sum, of training and the other phases the larger one; of a classical model the largest of
    /// its phases: the table with the data, half of the data with the fit, and storing. `baselines_bytes` where that is more.
    pub peak_bytes: u64,
}

/// The tables of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables {
    /// Rows of the dataset.
    pub rows: u64,
    /// Rows of the validation dataset; 0 without one.
    pub validation_rows: u64,
    /// Rows of the dataset that train.
    pub training_rows: usize,
    /// Rows that oversampling adds.
    pub repeated_rows: u64,
    /// Columns that are read.
    pub columns: u64,
    /// Columns of the inputs: each of a feature, which is a code where the elements are one-hot.
    pub input_columns: u64,
    /// Target elements per row.
    pub target_cells: u64,
    /// Whether rows are weighted.
    pub weighted: bool,
    /// Fitting and applying the recipe, beside the columns and the inputs.
    pub preparing_bytes: u64,
}

impl Tables {
    /// With the memory that these columns take while they are prepared.
    pub fn prepared(self, columns: &[(&Column, &Preparation)]) -> Self {
        let rows = PreparedRows {
            rows: self.rows.max(self.validation_rows),
            training_rows: self.training_rows as u64,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        };
        Self { preparing_bytes: preparing_bytes(columns, rows), ..self }
    }

    /// Bytes before training beside the columns and the inputs, whose elements have `element` bytes. Oversampling copies the inputs.
    fn preparing(&self, element: u64) -> u64 {
        let inputs = (self.training_rows as u64).saturating_mul(self.input_columns).saturating_mul(element);
        self.preparing_bytes.max(if self.repeated_rows > 0 { inputs } else { 0 })
    }
}

/// Bytes of a number of a table; other cells take less.
const NUMBER: u64 = size_of::<f64>() as u64;
/// Bytes of an element of an input or a target.
const ELEMENT: u64 = size_of::<f32>() as u64;
/// Readers' blocks, threads and the halves of large pages; between 3 and 16 MB in `bench/memory.py`.
const SERVICE: u64 = 10_000_000;
/// The same with the threads of a pool.
const CLASSICAL_SERVICE: u64 = 20_000_000;
/// Maximum rows of a confusion matrix that are predicted at a time.
pub const MAX_COUNTED_ROWS: usize = 4096;
/// Bytes of a row index.
const ROW_INDEX: u64 = size_of::<usize>() as u64;

/// Memory of training itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum FitMemory {
    /// Of a network.
    Network(TrainingMemory),
    /// Of a classical model.
    Classical {
        /// The fit with its model, at most.
        fit_bytes: u64,
    },
}

impl FitMemory {
    /// All of it.
    pub fn total_bytes(&self) -> u64 {
        match self {
            Self::Network(memory) => memory.total_bytes(),
            Self::Classical { fit_bytes } => *fit_bytes,
        }
    }
}

impl JobMemory {
    /// Whether the job takes more than `max` bytes.
    pub(crate) fn exceeds(&self, max: u64) -> bool {
        self.peak_bytes > max
    }

    /// Why the job is refused where it takes more than `max` bytes.
    pub(crate) fn excess(&self, max: u64) -> String {
        let (peak, data) = (self.peak_bytes, self.table_bytes.saturating_add(self.data_bytes));
        format!("expected the job to take at most {max} bytes of memory, received {peak}: {data} of them for its data")
    }
}

impl JobSummary {
    pub(crate) fn new(architecture: &Architecture, training: &Training, tables: &Tables) -> Self {
        let training_rows = tables.training_rows.max(1);
        let batch_rows = training.batch_size.resolve(training_rows).min(training_rows);
        let restores =
            training.early_stopping.as_ref().is_some_and(|early_stopping| early_stopping.restore_best_weights);
        let best = restores || keeps_best(architecture, training.epochs);
        let kept = u64::from(training.terminate_on_nan) + u64::from(best);
        let fit = TrainingMemory::new(architecture, batch_rows, training.losses(), &training.optimizer, kept);
        let trainable = architecture.trainable_elements() as u64;
        let parameters = trainable.saturating_add(architecture.fixed_elements() as u64);

        let rows = tables.rows.saturating_add(tables.validation_rows).saturating_add(tables.repeated_rows);
        let order = rows.saturating_mul(ROW_INDEX);
        let cells = tables.input_columns.saturating_add(tables.target_cells);
        let cells = cells.saturating_add(u64::from(tables.weighted));
        let tensors = rows.saturating_mul(cells).saturating_mul(ELEMENT);
        let rows = tables.rows.saturating_add(tables.validation_rows);
        let table = rows.saturating_mul(tables.columns).saturating_mul(NUMBER);
        let data = tensors.saturating_add(order);
        let weights = parameters.saturating_mul(ELEMENT);
        let others = other_phases(architecture, weights).max(tables.preparing(ELEMENT));
        let phase = fit.total_bytes().max(weights.saturating_add(others));
        Self {
            parameters: Some(parameters),
            trainable_parameters: Some(trainable),
            memory: JobMemory {
                table_bytes: table,
                data_bytes: data,
                training: FitMemory::Network(fit),
                other_phases_bytes: others,
                baselines_bytes: 0,
                service_bytes: SERVICE,
                peak_bytes: [data, phase, SERVICE].into_iter().fold(table, u64::saturating_add),
            },
        }
    }
}

impl JobSummary {
    /// Of a classical model of `model_bytes`, whose fit takes `fit_bytes` beside its data of `width` columns.
    pub(crate) fn of_classical(fit_bytes: u64, model_bytes: u64, width: u64, tables: &Tables) -> Self {
        let rows = tables.rows.saturating_add(tables.validation_rows).saturating_add(tables.repeated_rows);
        // As the recipe prepares them row by row, and as the model reads them column by column.
        let cells = width.saturating_mul(2).saturating_add(2);
        let data = rows.saturating_mul(cells).saturating_mul(NUMBER).saturating_add(rows.saturating_mul(ROW_INDEX));
        let rows = tables.rows.saturating_add(tables.validation_rows);
        let table = rows.saturating_mul(tables.columns).saturating_mul(NUMBER);
        let preparing = tables.preparing(NUMBER);
        // Storing: as arrays and as the file, with the bytes of the largest array.
        let storing = model_bytes.saturating_mul(5) / 2;
        // The recipe is fitted beside half of the data, the prepared rows; the model beside the other half, its columns.
        let half = data / 2;
        let prepared = table.saturating_add(data.max(half.saturating_add(preparing)));
        let largest = prepared.max(half.saturating_add(fit_bytes)).max(storing);
        Self {
            parameters: None,
            trainable_parameters: None,
            memory: JobMemory {
                table_bytes: table,
                data_bytes: data,
                training: FitMemory::Classical { fit_bytes },
                other_phases_bytes: preparing.max(storing),
                baselines_bytes: 0,
                service_bytes: CLASSICAL_SERVICE,
                peak_bytes: largest.saturating_add(CLASSICAL_SERVICE),
            },
        }
    }
}

impl JobSummary {
    /// With baselines, the largest of which takes `bytes`.
    pub(crate) fn with_baselines(mut self, bytes: u64) -> Self {
        self.memory.baselines_bytes = bytes;
        self.memory.peak_bytes = self.memory.peak_bytes.max(bytes);
        self
    }
}

/// Bytes beside weights of `weights` bytes.
fn other_phases(architecture: &Architecture, weights: u64) -> u64 {
    let initializing = architecture.parameters().iter().map(|it| it.spec.initializer.scratch_bytes(&it.shape)).max();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let outputs = (architecture.output_elements() as u64).saturating_mul(2 * MAX_COUNTED_ROWS as u64 * ELEMENT);
    let counting = architecture.prediction_bytes(MAX_COUNTED_ROWS, threads).saturating_add(outputs);
    // As tensors, as their bytes, and as the file.
    let storing = weights.saturating_mul(3);
    [initializing.unwrap_or(0), counting, storing].into_iter().max().unwrap_or(0)
}
