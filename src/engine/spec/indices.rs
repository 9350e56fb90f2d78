//! Validation of input columns that layers use as indices, before a network runs on them.

use super::Architecture;
use crate::engine::{field::FieldError, layer::Origins};
use ndarray::ArrayView2;
use std::collections::BTreeSet;

/// A number that is no valid index of a layer.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("expected a whole number from 0 to {last}, an index of a layer, received {received}")]
pub struct InvalidIndex {
    /// Its row of x.
    pub row: usize,
    /// Its column of x.
    pub column: usize,
    /// The last valid index.
    pub last: usize,
    /// The number.
    pub received: f32,
}

impl Architecture {
    /// Fails if `x`, [rows, columns of all inputs], has invalid indices.
    pub fn check_indices(&self, x: ArrayView2<'_, f32>) -> Result<(), InvalidIndex> {
        for node in self.nodes() {
            let Some(numbers) = node.layer.looks_up() else { continue };
            let Some(Behind { input, elements: chosen }) =
                node.inputs.first().and_then(|&value| self.elements_behind(value))
            else {
                continue;
            };
            let Some(layout) = self.layouts().get(input) else { continue };
            let last = numbers - 1;
            let is_chosen = |element: usize| chosen.as_ref().is_none_or(|chosen| chosen.contains(&element));
            let columns = layout.columns.clone().filter_map(|column| {
                let (mut elements, one_hot) = layout.elements_of(column);
                elements.any(is_chosen).then_some((column, one_hot))
            });
            let columns: Vec<(usize, bool)> = columns.collect();
            for (row, cells) in x.rows().into_iter().enumerate() {
                for &(column, one_hot) in &columns {
                    let Some(&cell) = cells.get(column) else { continue };
                    let received = if one_hot { f32::from(u8::from(cell >= 0.0)) } else { cell };
                    if received.fract() != 0.0 || received < 0.0 || received as usize > last {
                        return Err(InvalidIndex { row, column, last, received });
                    }
                }
            }
        }
        Ok(())
    }

    /// Fails if a value may be no valid index below `numbers`.
    pub(super) fn check_looked_up(&self, value: usize, numbers: usize) -> Result<(), FieldError> {
        let (value, _) = self.source_of(value);
        let Some(node) = self.nodes().iter().find(|node| node.values().any(|own| own == value)) else { return Ok(()) };
        let detail = match node.layer.categories() {
            Some(categories) if categories <= numbers => return Ok(()),
            Some(categories) => format!("expected whole numbers below {numbers}, received {categories} categories"),
            None => "expected whole numbers of an input of the model, received what another layer computes".to_owned(),
        };
        Err(FieldError::new("", detail))
    }

    /// The input whose elements a value consists of, in any order, and which of them.
    fn elements_behind(&self, value: usize) -> Option<Behind> {
        let (input, elements) = self.source_of(value);
        (input < self.inputs).then_some(Behind { input, elements })
    }

    /// The input, or the value that a layer computes, whose elements a value consists of, in any order, and which of
    /// them; `None` for all.
    fn source_of(&self, mut value: usize) -> (usize, Option<BTreeSet<usize>>) {
        let mut elements: Option<BTreeSet<usize>> = None;
        while let Some(node) = self.nodes().iter().find(|node| node.output == value) {
            let Some(&read) = node.inputs.first() else { break };
            match node.layer.origins(std::slice::from_ref(self.shape(read))) {
                Origins::Same { exact: true } => {}
                Origins::Taken(sources) => {
                    let sources = sources.into_iter().map(|source| source as usize).enumerate();
                    let read_on =
                        sources.filter(|(element, _)| elements.as_ref().is_none_or(|it| it.contains(element)));
                    elements = Some(read_on.map(|(_, source)| source).collect());
                }
                _ => break,
            }
            value = read;
        }
        (value, elements)
    }
}

/// The elements of an input that a value consists of.
struct Behind {
    input: usize,
    /// The elements; `None` for all.
    elements: Option<BTreeSet<usize>>,
}

#[cfg(test)]
mod tests {
    use crate::engine::{
        shape::Shape,
        spec::{Architecture, Definition, Limits},
    };
    use ndarray::array;
    use serde_json::json;

    #[test]
    fn categories_that_a_layer_makes_are_looked_up() {
        let resolve = |boundaries: &[f64]| {
            let layers = json!([
                {"type": "discretization", "bin_boundaries": boundaries},
                {"type": "reshape", "target_shape": [2, 1]},
                {"type": "embedding", "input_dim": 3, "output_dim": 2},
            ]);
            Definition::from_value(&json!({"layers": layers})).unwrap().resolve(&[Shape::vector(2)], &Limits::default())
        };
        let architecture = resolve(&[0.5, 1.5]).unwrap();
        assert!(architecture.input_uses().iter().all(|it| it.looked_up), "what is between boundaries is not scaled");
        assert_eq!(architecture.check_indices(array![[0.25, -7.0]].view()), Ok(()));
        let errors = resolve(&[0.5, 1.5, 2.5]).unwrap_err();
        assert_eq!(errors[0].pointer, "/layers/2");
        assert!(errors[0].detail.contains("below 3, received 4 categories"), "{}", errors[0].detail);
    }

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
