//! Inputs that are looked up: whole numbers in a range, checked before a network runs on them.

use super::Architecture;
use crate::engine::layer::Primitive;
use ndarray::ArrayView2;
use std::collections::BTreeSet;

/// A number that no embedding has a vector for.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("expected a whole number from 0 to {last}, which an embedding looks up, received {received}")]
pub struct WrongIndex {
    /// The row of x that it stands in.
    pub row: usize,
    /// The column.
    pub column: usize,
    /// The last number that there is a vector for.
    pub last: usize,
    /// What stands there.
    pub received: f32,
}

impl Architecture {
    /// Fails where `x`, [rows, cells of every input one after the other], has numbers that are looked up and not there.
    pub fn check_indices(&self, x: ArrayView2<'_, f32>) -> Result<(), WrongIndex> {
        for node in self.nodes() {
            let Primitive::Embedding(embedding) = &node.layer else { continue };
            let Some(Behind { input, cells: chosen }) = node.inputs.first().and_then(|&value| self.cells_behind(value))
            else {
                continue;
            };
            let first: usize = self.input_shapes().iter().take(input).map(|shape| shape.cells()).sum();
            let last = embedding.input_dim - 1;
            for (row, cells) in x.rows().into_iter().enumerate() {
                let cells = cells.into_iter().enumerate().skip(first).take(self.shape(input).cells());
                let looked_up = |column: usize| chosen.as_ref().is_none_or(|chosen| chosen.contains(&(column - first)));
                for (column, &received) in cells.filter(|(column, _)| looked_up(*column)) {
                    if received.fract() != 0.0 || received < 0.0 || received as usize > last {
                        return Err(WrongIndex { row, column, last, received });
                    }
                }
            }
        }
        Ok(())
    }

    /// By input: whether an embedding looks its numbers up, so that they must stay as they are.
    pub fn looked_up(&self) -> Vec<bool> {
        let mut looked_up = vec![false; self.inputs];
        for node in self.nodes().iter().filter(|node| matches!(node.layer, Primitive::Embedding(_))) {
            if let Some(input) = node.inputs.first().and_then(|&value| self.input_behind(value)) {
                looked_up[input] = true;
            }
        }
        looked_up
    }

    /// The input whose cells a value has, in whatever order.
    pub(super) fn input_behind(&self, value: usize) -> Option<usize> {
        self.cells_behind(value).map(|behind| behind.input)
    }

    /// The input whose cells a value has, in whatever order, and which of them.
    fn cells_behind(&self, mut value: usize) -> Option<Behind> {
        let mut cells: Option<BTreeSet<usize>> = None;
        while value >= self.inputs {
            let node = self.nodes().iter().find(|node| node.output == value)?;
            let read = *node.inputs.first()?;
            match &node.layer {
                Primitive::Reshape(_) | Primitive::Flatten(_) | Primitive::Identity(_) => {}
                // Which cells they are is not known behind these.
                Primitive::Permute(_) | Primitive::RepeatVector(_) if cells.is_none() => {}
                Primitive::GetItem(taken) => {
                    let sources = taken.sources(self.shape(read)).into_iter().map(|source| source as usize);
                    let read_on =
                        sources.enumerate().filter(|(cell, _)| cells.as_ref().is_none_or(|it| it.contains(cell)));
                    cells = Some(read_on.map(|(_, source)| source).collect());
                }
                _ => return None,
            }
            value = read;
        }
        Some(Behind { input: value, cells })
    }
}

/// What a value has of an input.
struct Behind {
    input: usize,
    /// The cells; `None` for all of them.
    cells: Option<BTreeSet<usize>>,
}

#[cfg(test)]
mod tests {
    use crate::engine::{
        shape::Shape,
        spec::{Architecture, Definition, Limits},
    };
    use ndarray::array;
    use serde_json::json;

    fn architecture(before: &str) -> Result<Architecture, Vec<crate::engine::field::FieldError>> {
        let before = match before {
            "reshape" => json!({"type": "reshape", "target_shape": [2, 1]}),
            other => json!({"type": other, "units": 2}),
        };
        let layers = json!([before, {"type": "embedding", "input_dim": 3, "output_dim": 2}]);
        Definition::from_value(&json!({"layers": layers})).unwrap().resolve(&[Shape::vector(2)], &Limits::default())
    }

    #[test]
    fn numbers_that_are_looked_up_are_whole_and_in_range() {
        let architecture = architecture("reshape").unwrap();
        assert_eq!(architecture.check_indices(array![[0.0, 1.0], [2.0, 0.0]].view()), Ok(()));
        for wrong in [3.0, -1.0, 0.5, f32::NAN, 1e30] {
            let error = architecture.check_indices(array![[0.0, 1.0], [2.0, wrong]].view()).unwrap_err();
            assert_eq!((error.row, error.column, error.last), (1, 1, 2), "{wrong}");
        }
    }

    #[test]
    fn what_a_layer_computes_is_not_looked_up() {
        let errors = architecture("dense").unwrap_err();
        assert_eq!(errors[0].pointer, "/layers/1");
        assert!(errors[0].detail.contains("expected whole numbers of an input"), "{}", errors[0].detail);
    }
}
