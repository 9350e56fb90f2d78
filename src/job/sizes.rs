//! How large a job is, known before it begins.

use super::training::Training;
use crate::{
    data::split::training_rows,
    engine::{fit::TrainingMemory, spec::Architecture},
};
use serde::{Deserialize, Serialize};

/// Sizes of what a job trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobSummary {
    /// All parameters, at this dataset's width.
    pub parameters: u64,
    /// Those that training moves.
    pub trainable_parameters: u64,
    /// What the job takes of memory.
    pub memory: JobMemory,
}

/// What a job takes of memory beside an idle service, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobMemory {
    /// The columns as they are read. They are given back before training begins, to an allocator that keeps them for a while.
    pub table_bytes: u64,
    /// Inputs, targets, weights and order of every row.
    pub data_bytes: u64,
    /// What training takes beside its data.
    #[serde(flatten)]
    pub training: TrainingMemory,
    /// What it takes to read a table and to keep records, whatever their size: about as much.
    pub service_bytes: u64,
    /// The most at any time: the sum.
    pub peak_bytes: u64,
}

/// The tables of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables {
    /// Rows of the dataset.
    pub rows: u64,
    /// Rows of the dataset to validate on; 0 without one.
    pub validation_rows: u64,
    /// Columns that are read.
    pub columns: u64,
    /// Target cells of a row.
    pub target_cells: u64,
    /// Whether rows are weighted.
    pub weighted: bool,
}

/// A cell of a table, of an input or of a target.
const CELL: u64 = size_of::<f32>() as u64;
/// Readers' blocks, threads and the halves of large pages; between 3 and 16 MB in `bench/memory.py`.
const SERVICE: u64 = 10_000_000;
/// A row's place in an order.
const PLACE: u64 = size_of::<usize>() as u64;

impl JobSummary {
    pub(crate) fn new(architecture: &Architecture, training: &Training, tables: &Tables) -> Self {
        let rows = usize::try_from(tables.rows).unwrap_or(usize::MAX);
        let split = if tables.validation_rows > 0 { 0.0 } else { training.validation_split };
        let training_rows = training_rows(rows, split).max(1);
        let batch_rows = training.batch_size.resolve(training_rows).min(training_rows);
        let keeps = training.terminate_on_nan
            || training.early_stopping.as_ref().is_some_and(|early_stopping| early_stopping.restore_best_weights);
        let fit = TrainingMemory::new(architecture, batch_rows, training.losses(), &training.optimizer, keeps);
        let trainable = architecture.trainable_cells() as u64;
        let parameters = trainable.saturating_add(architecture.fixed_cells() as u64);

        let rows = tables.rows.saturating_add(tables.validation_rows);
        let order = rows.saturating_mul(PLACE);
        let cells = (architecture.input_cells() as u64).saturating_add(tables.target_cells);
        let cells = cells.saturating_add(u64::from(tables.weighted));
        let tensors = rows.saturating_mul(cells).saturating_mul(CELL);
        let table = rows.saturating_mul(tables.columns).saturating_mul(CELL);
        let data = tensors.saturating_add(order);
        Self {
            parameters,
            trainable_parameters: trainable,
            memory: JobMemory {
                table_bytes: table,
                data_bytes: data,
                training: fit,
                service_bytes: SERVICE,
                peak_bytes: [data, fit.total_bytes(), SERVICE].into_iter().fold(table, u64::saturating_add),
            },
        }
    }
}
