//! The answers of a prediction, written straight to the bytes that are sent.

use super::{
    format::Format,
    loaded::{Loaded, Output, Predicted},
};
use crate::{
    data::recipe::{Prediction, PredictionWarning},
    engine::shape::Shape,
    memory::Reservation,
};
use bytes::Bytes;
use futures::{Stream, stream};
use ndarray::{ArrayView2, s};
use serde::{Serialize, Serializer, ser::SerializeSeq};
use std::{ops::Range, sync::Arc};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, schema::SchemaType},
};

/// The body of a prediction's answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PredictBody<'a> {
    /// The model's name.
    #[schema(value_type = String)]
    pub model: &'a str,
    /// The version that answered.
    pub version: u64,
    /// One entry an instance, in order.
    #[schema(schema_with = predictions_schema)]
    pub predictions: Predictions<'a>,
    /// The first values of the instances that were not taken at face value, at most 20.
    pub warnings: &'a [PredictionWarning],
}

/// An answer, or with `format=raw` the network's own output: nested lists of numbers, by output where there are several.
fn predictions_schema() -> RefOr<Schema> {
    let any = || ObjectBuilder::new().schema_type(SchemaType::AnyValue);
    let list = || ArrayBuilder::new().items(RefOr::T(Schema::from(any())));
    let by_output = ObjectBuilder::new().additional_properties(Some(RefOr::T(Schema::Array(list().build()))));
    let entry = OneOfBuilder::new().item(Ref::from_schema_name(Prediction::name())).item(list()).item(by_output);
    ArrayBuilder::new().items(RefOr::T(Schema::OneOf(entry.build()))).build().into()
}

/// One entry an instance.
#[derive(Debug)]
pub enum Predictions<'a> {
    /// [`Format::Labelled`]
    Labelled(Vec<Prediction>),
    /// [`Format::Raw`]: [rows, cells of every output], and the shape of each output by its name.
    Raw(ArrayView2<'a, f32>, &'a [(String, Shape)]),
    /// [`Format::Raw`] of a classical model: [rows, scores].
    Scores(ArrayView2<'a, f64>),
}

impl Loaded {
    fn predictions<'a>(&'a self, output: &'a Output, format: Format, rows: Range<usize>) -> Predictions<'a> {
        match (output, format) {
            (Output::Network(output), Format::Labelled) => {
                let elements: Vec<usize> = self.outputs().iter().map(|(_, shape)| shape.elements()).collect();
                Predictions::Labelled(self.recipe().decode(output.slice(s![rows, ..]), &elements))
            }
            (Output::Network(output), Format::Raw) => Predictions::Raw(output.slice(s![rows, ..]), self.outputs()),
            (Output::Classical(predictions), Format::Labelled) => {
                Predictions::Labelled(self.recipe().decode_predictions(predictions, rows))
            }
            (Output::Classical(predictions), Format::Raw) => {
                Predictions::Scores(predictions.scores.slice(s![rows, ..]))
            }
        }
    }

    /// The answer for `predicted` as JSON.
    pub fn answer(&self, predicted: &Predicted, format: Format) -> serde_json::Result<Vec<u8>> {
        let predictions = self.predictions(&predicted.output, format, 0..predicted.output.rows());
        let warnings = &predicted.warnings;
        serde_json::to_vec(&PredictBody { model: self.model(), version: self.version(), predictions, warnings })
    }

    /// The part of the answer with the predictions of `rows`: the parts of all rows in order are [`Self::answer`].
    fn part(&self, predicted: &Predicted, format: Format, rows: Range<usize>) -> serde_json::Result<Vec<u8>> {
        let mut part = Vec::new();
        let is_last = rows.end >= predicted.output.rows();
        if rows.start == 0 {
            let (model, version) = (serde_json::to_string(self.model())?, self.version());
            part.extend(format!(r#"{{"model":{model},"version":{version},"predictions":["#).into_bytes());
        } else {
            part.push(b',');
        }
        let first = part.len();
        serde_json::to_writer(&mut part, &self.predictions(&predicted.output, format, rows))?;
        // Without the brackets of the list.
        part.pop();
        part.remove(first);
        if is_last {
            part.extend_from_slice(br#"],"warnings":"#);
            serde_json::to_writer(&mut part, &predicted.warnings)?;
            part.push(b'}');
        }
        Ok(part)
    }
}

/// The answer for `predicted` in parts of `part_rows` instances, each written on a blocking thread once the part before is sent.
/// `memory` is held until the last.
pub fn parts(
    model: Arc<Loaded>,
    predicted: Predicted,
    format: Format,
    part_rows: usize,
    memory: Reservation,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let begin = (model, Arc::new(predicted), 0, memory);
    stream::try_unfold(begin, move |(model, predicted, first, memory)| async move {
        let last = predicted.output.rows().min(first + part_rows);
        if first >= last {
            return Ok(None);
        }
        let (of, output) = (Arc::clone(&model), Arc::clone(&predicted));
        let written = tokio::task::spawn_blocking(move || of.part(&output, format, first..last)).await;
        let part = written.map_err(std::io::Error::other)?.map_err(std::io::Error::other)?;
        Ok(Some((Bytes::from(part), (model, predicted, last, memory))))
    })
}

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Labelled(predictions) => predictions.serialize(serializer),
            Self::Scores(scores) => serializer.collect_seq(scores.rows().into_iter().map(|row| row.to_vec())),
            Self::Raw(output, shapes) => {
                let mut rows = serializer.serialize_seq(Some(output.nrows()))?;
                for row in output.rows() {
                    let cells = row.to_slice().unwrap_or_default();
                    match shapes {
                        [(_, shape)] => rows.serialize_element(&Nested { cells, axes: &shape.0 })?,
                        outputs => rows.serialize_element(&SideBySide { cells, outputs })?,
                    }
                }
                rows.end()
            }
        }
    }
}

/// The cells of several outputs, one after the other, as an object by output.
struct SideBySide<'a> {
    cells: &'a [f32],
    outputs: &'a [(String, Shape)],
}

impl Serialize for SideBySide<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut cells = self.cells;
        serializer.collect_map(self.outputs.iter().map(|(name, shape)| {
            let (mine, rest) = cells.split_at_checked(shape.elements()).unwrap_or_default();
            cells = rest;
            (name, Nested { cells: mine, axes: &shape.0 })
        }))
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
        let as_json = |axes: &[usize]| {
            serde_json::to_string(&Predictions::Raw(output.view(), &[("y".into(), Shape(axes.to_vec()))]))
        };
        assert_eq!(as_json(&[4]).unwrap(), "[[0.1,2.0,-3.5,1e-7],[0.0,1.0,2.0,3.0]]");
        let nested: serde_json::Value = serde_json::from_str(&as_json(&[2, 2]).unwrap()).unwrap();
        assert_eq!(nested[1], json!([[0.0, 1.0], [2.0, 3.0]]));
        let shapes = [("a".to_owned(), Shape(vec![1])), ("b".to_owned(), Shape(vec![3]))];
        let several = serde_json::to_value(Predictions::Raw(output.view(), &shapes)).unwrap();
        assert_eq!(several[1], json!({"a": [0.0], "b": [1.0, 2.0, 3.0]}));
    }
}
