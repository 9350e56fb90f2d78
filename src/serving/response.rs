//! The answers of a prediction, written straight to the bytes that are sent.

use super::Loaded;
use crate::{data::recipe::Prediction, engine::shape::Shape};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq};

/// What an instance's entry in the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A label with every label's probability, or a value.
    #[default]
    Labelled,
    /// The network's own output, in its shape.
    Raw,
}

/// The body of a prediction's answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PredictBody<'a> {
    /// The model's name.
    #[schema(value_type = String)]
    pub model: &'a str,
    /// The version that answered.
    pub version: u64,
    /// One entry an instance, in order.
    #[schema(value_type = Vec<Prediction>)]
    pub predictions: Predictions<'a>,
}

/// One entry an instance.
#[derive(Debug)]
pub enum Predictions<'a> {
    /// [`Format::Labelled`]
    Labelled(Vec<Prediction>),
    /// [`Format::Raw`]: [rows, output cells], and the shape of one row.
    Raw(ArrayView2<'a, f32>, &'a Shape),
}

impl Loaded {
    /// The answer for `output`, [rows, output cells], as JSON.
    pub fn answer(&self, output: ArrayView2<'_, f32>, format: Format) -> serde_json::Result<Vec<u8>> {
        let predictions = match format {
            Format::Labelled => Predictions::Labelled(self.recipe().decode(output)),
            Format::Raw => Predictions::Raw(output, self.output_shape()),
        };
        serde_json::to_vec(&PredictBody { model: self.model(), version: self.version(), predictions })
    }
}

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Labelled(predictions) => predictions.serialize(serializer),
            Self::Raw(output, shape) => {
                let mut rows = serializer.serialize_seq(Some(output.nrows()))?;
                for row in output.rows() {
                    let cells = row.to_slice().unwrap_or_default();
                    rows.serialize_element(&Nested { cells, axes: &shape.0 })?;
                }
                rows.end()
            }
        }
    }
}

/// Cells in row-major order as arrays within arrays.
struct Nested<'a> {
    cells: &'a [f32],
    axes: &'a [usize],
}

impl Serialize for Nested<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.axes {
            [] | [_] => self.cells.serialize(serializer),
            [outer, axes @ ..] => {
                let width = (self.cells.len() / outer).max(1);
                serializer.collect_seq(self.cells.chunks(width).map(|cells| Nested { cells, axes }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use serde_json::json;

    #[test]
    fn raw_output_has_the_networks_shape_and_the_shortest_decimals() {
        let output = array![[0.1f32, 2.0, -3.5, 1e-7], [0.0, 1.0, 2.0, 3.0]];
        let as_json = |axes: &[usize]| serde_json::to_string(&Predictions::Raw(output.view(), &Shape(axes.to_vec())));
        assert_eq!(as_json(&[4]).unwrap(), "[[0.1,2.0,-3.5,1e-7],[0.0,1.0,2.0,3.0]]");
        let nested: serde_json::Value = serde_json::from_str(&as_json(&[2, 2]).unwrap()).unwrap();
        assert_eq!(nested[1], json!([[0.0, 1.0], [2.0, 3.0]]));
    }
}
