//! [`Input`]: the inputs of a model, and their shapes for a number of features.

use super::{Architecture, Definition, Limits};
use crate::engine::{field::FieldError, shape::Shape};
use serde::Serialize;

/// An input in a definition.
#[derive(utoipa::ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used: `spec::json` parses it")]
pub enum InputForm {
    /// Its name.
    Name(String),
    /// Its name and its shape.
    Input(Input),
}

/// An input of a model.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its name, unique among inputs and layers.
    pub name: String,
    /// Shape of one sample. Default: inferred from the columns of the job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<InputShape>,
}

/// Shape of one sample without the batch axis; at most one axis is null, and is inferred.
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
    /// The shape, if no axis is null.
    pub fn known(&self) -> Option<Shape> {
        self.0.iter().copied().collect::<Option<Vec<usize>>>().map(Shape)
    }

    /// The product of the known axes; `None` if it overflows `usize`.
    pub(super) fn checked_elements(&self) -> Option<usize> {
        self.0.iter().flatten().try_fold(1usize, |product, &axis| product.checked_mul(axis))
    }

    /// The shape for `features` elements; fails if they do not match.
    fn fill(&self, features: usize) -> Result<Shape, FieldError> {
        let open = self.0.contains(&None);
        let elements = self.checked_elements();
        match elements {
            Some(elements) if elements == features && !open => {}
            Some(elements) if open && elements > 0 && features > 0 && features.is_multiple_of(elements) => {}
            _ => {
                let elements = elements.map_or_else(|| "too many".into(), |elements| elements.to_string());
                let shown: Vec<String> =
                    self.0.iter().map(|axis| axis.map_or("null".into(), |axis| axis.to_string())).collect();
                let what =
                    if open { format!("a multiple of {elements} elements") } else { format!("{elements} elements") };
                let detail =
                    format!("expected {features} elements, one per feature, received [{}], {what}", shown.join(", "));
                return Err(FieldError::new("", detail));
            }
        }
        let rest = features / elements.unwrap_or(1);
        Ok(Shape(self.0.iter().map(|axis| axis.unwrap_or(rest)).collect()))
    }
}

impl Definition {
    /// Number of inputs.
    pub fn input_count(&self) -> usize {
        self.inputs.len().max(1)
    }

    /// The shapes of the inputs, if the definition has all of them.
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

    /// The shapes of the inputs for this number of feature elements per input; fails if they do not match the
    /// definition.
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
