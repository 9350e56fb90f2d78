//! What a prediction takes, before it is computed.

use super::format::{Format, PART_BYTES};
use crate::{
    data::recipe::{Recipe, nested_bytes},
    engine::{shape::Shape, spec::Architecture},
};

/// Bytes of an element of an input or output.
const ELEMENT: u64 = size_of::<f32>() as u64;
/// Bytes of an element of an output as it is made into an answer.
const DECODED_ELEMENT: u64 = 200;

/// What a prediction takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Maximum bytes of the answer.
    pub answer_bytes: u64,
    /// Instances of the answer that are written at a time.
    pub part_rows: usize,
}

/// Sizes of a loaded model.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Bytes of what is kept with it.
    pub kept_bytes: u64,
    input_columns: u64,
    output_elements: u64,
    /// Maximum bytes of one instance's answer.
    labelled_bytes: u64,
    raw_bytes: u64,
}

impl Sizes {
    pub fn new(architecture: &Architecture, recipe: &Recipe, outputs: &[(String, Shape)]) -> Self {
        let elements: Vec<usize> = outputs.iter().map(|(_, shape)| shape.elements()).collect();
        let raw =
            outputs.iter().map(|(name, shape)| nested_bytes(shape.elements(), shape.0.len()) + 6 * name.len() as u64);
        let weights = architecture.summary().parameters.saturating_mul(ELEMENT);
        let tables = architecture.nodes().iter().flat_map(|node| node.tables.iter()).map(|table| table.len() as u64);
        let tables = tables.fold(0, u64::saturating_add).saturating_mul(size_of::<u32>() as u64);
        Self {
            kept_bytes: weights.saturating_add(tables).saturating_add(architecture.kept_bytes()),
            input_columns: architecture.input_columns() as u64,
            output_elements: architecture.output_elements() as u64,
            labelled_bytes: recipe.answer_bytes(&elements),
            raw_bytes: raw.fold(8, u64::saturating_add),
        }
    }

    /// Of a classical model of so many stored numbers, with `columns` columns.
    pub fn of_classical(elements: u64, columns: usize, recipe: &Recipe, outputs: &[(String, Shape)]) -> Self {
        let elements_of: Vec<usize> = outputs.iter().map(|(_, shape)| shape.elements()).collect();
        let raw = outputs.iter().map(|(_, shape)| nested_bytes(shape.elements(), 1));
        Self {
            // As arrays, and as the model that was read from them.
            kept_bytes: elements.saturating_mul(2 * size_of::<f64>() as u64),
            input_columns: columns as u64,
            output_elements: elements_of.iter().map(|elements| *elements as u64).sum(),
            // Twice the digits.
            labelled_bytes: recipe.answer_bytes(&elements_of).saturating_mul(2),
            raw_bytes: raw.fold(8, u64::saturating_add).saturating_mul(2),
        }
    }

    /// Number of elements of all outputs.
    pub fn outputs(&self) -> usize {
        usize::try_from(self.output_elements).unwrap_or(usize::MAX)
    }

    /// `computing` is the memory of the computation itself.
    pub fn plan(&self, computing: u64, instances: usize, format: Format) -> Plan {
        let rows = instances as u64;
        let row = match format {
            Format::Labelled => self.labelled_bytes,
            Format::Raw => self.raw_bytes,
        };
        let part_rows = usize::try_from(PART_BYTES / row.max(1)).unwrap_or(1).clamp(1, instances.max(1));
        let row_memory = row.saturating_mul(2).saturating_add(self.output_elements.saturating_mul(DECODED_ELEMENT));
        let elements = self.output_elements.saturating_mul(2).saturating_add(self.input_columns);
        let memory_bytes = [
            rows.saturating_mul(elements).saturating_mul(ELEMENT),
            computing,
            (part_rows as u64).saturating_mul(row_memory),
        ];
        Plan {
            memory_bytes: memory_bytes.into_iter().fold(0, u64::saturating_add),
            answer_bytes: rows.saturating_mul(row),
            part_rows,
        }
    }
}
