//! A model's inputs, and how the features of a table fill them.

use super::{Architecture, Definition, Limits};
use crate::engine::{field::FieldError, shape::Shape};
use serde::Serialize;

/// An input as a definition has it.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its documentation is used: `spec::read` reads it")]
pub enum InputForm {
    /// Its name.
    Name(String),
    /// Its name and its shape.
    Input(Input),
}

/// One input of a graph.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What layers and jobs call it.
    pub name: String,
    /// The shape of one sample; inferred from the columns that a job gives it where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<InputShape>,
}

/// The shape of one sample, without the batch axis, as its author gave it: at most one axis is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(transparent)]
#[schema(value_type = Vec<Option<usize>>)]
pub struct InputShape(pub Vec<Option<usize>>);

impl From<Shape> for InputShape {
    fn from(shape: Shape) -> Self {
        Self(shape.0.into_iter().map(Some).collect())
    }
}

impl InputShape {
    /// The shape, where no axis is open.
    pub fn known(&self) -> Option<Shape> {
        self.0.iter().copied().collect::<Option<Vec<usize>>>().map(Shape)
    }

    /// The cells of every axis that is not open; `None` where the product passes `usize`.
    pub(super) fn checked_cells(&self) -> Option<usize> {
        self.0.iter().flatten().try_fold(1usize, |product, &axis| product.checked_mul(axis))
    }

    /// The shape for `features` cells; fails where they do not fill it.
    fn fill(&self, features: usize) -> Result<Shape, FieldError> {
        let open = self.0.contains(&None);
        let cells = self.checked_cells();
        match cells {
            Some(cells) if cells == features && !open => {}
            Some(cells) if open && cells > 0 && features > 0 && features.is_multiple_of(cells) => {}
            _ => {
                let cells = cells.map_or_else(|| "too many".into(), |cells| cells.to_string());
                let shown: Vec<String> =
                    self.0.iter().map(|axis| axis.map_or("null".into(), |axis| axis.to_string())).collect();
                let what = if open { format!("a multiple of {cells} cells") } else { format!("{cells} cells") };
                let detail =
                    format!("expected {features} cells, one for each feature, received [{}], {what}", shown.join(", "));
                return Err(FieldError::new("", detail));
            }
        }
        let rest = features / cells.unwrap_or(1);
        Ok(Shape(self.0.iter().map(|axis| axis.unwrap_or(rest)).collect()))
    }
}

impl Definition {
    /// How many inputs there are.
    pub fn input_count(&self) -> usize {
        self.inputs.len().max(1)
    }

    /// The shapes of the inputs, where the definition says them all.
    pub fn known_input_shapes(&self) -> Option<Vec<Shape>> {
        match self.inputs.as_slice() {
            [] => Some(vec![self.input_shape.as_ref()?.known()?]),
            inputs => inputs.iter().map(|input| input.shape.as_ref()?.known()).collect(),
        }
    }

    /// The architecture for rows with this number of feature elements per input; see [`Self::input_shapes`] and [`Self::resolve`].
    pub fn resolve_features(&self, features: &[usize], limits: &Limits) -> Result<Architecture, Vec<FieldError>> {
        let shapes = self.input_shapes(features).map_err(|error| vec![error])?;
        self.resolve(&shapes, limits)
    }

    /// The shapes of the inputs for rows with this number of feature elements per input; fails where they do not fill what the
    /// definition says.
    pub fn input_shapes(&self, features: &[usize]) -> Result<Vec<Shape>, FieldError> {
        let given = match self.inputs.as_slice() {
            [] => vec![("/input_shape".to_owned(), self.input_shape.as_ref())],
            inputs => inputs
                .iter()
                .enumerate()
                .map(|(i, input)| (format!("/inputs/{i}/shape"), input.shape.as_ref()))
                .collect(),
        };
        if given.len() != features.len() {
            let detail =
                format!("expected the columns of {} inputs, received those of {}", given.len(), features.len());
            return Err(FieldError::new("/inputs", detail));
        }
        let shapes = given.into_iter().zip(features).map(|((pointer, shape), &features)| match shape {
            None => Ok(Shape::vector(features)),
            Some(shape) => shape.fill(features).map_err(|error| error.under(&pointer)),
        });
        shapes.collect()
    }
}
