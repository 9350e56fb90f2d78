//! [`Cropping`]: [`Cropping1d`], [`Cropping2d`] and [`Cropping3d`].

use super::{Margins, frame::Volume, margins::sizes};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};

/// Removes elements at both ends of each axis but the channels.
///
/// # Shapes
/// `cropping1d`: `[batch, steps, channels]` to `[batch, steps - before - after, channels]`; `cropping2d`: `[batch, height,
/// width, channels]` to `[batch, height - above - below, width - left - right, channels]`; `cropping3d`: with planes before
/// the height.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/cropping1d/>,
/// <https://keras.io/api/layers/reshaping_layers/cropping2d/>,
/// <https://keras.io/api/layers/reshaping_layers/cropping3d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cropping<const AXES: usize> {
    /// Number of elements removed at each end of each axis.
    #[serde(default = "default_cropping")]
    #[schema(schema_with = cropping_schema::<AXES>)]
    pub cropping: Margins<AXES>,
}

/// Cropping of sequences.
pub type Cropping1d = Cropping<1>;
/// Cropping of images.
pub type Cropping2d = Cropping<2>;
/// Cropping of volumes.
pub type Cropping3d = Cropping<3>;

/// Keras's default: images are not cropped, sequences and volumes by 1 at each end.
fn default_cropping<const AXES: usize>() -> Margins<AXES> {
    Margins([[usize::from(AXES != 2); 2]; AXES])
}

fn cropping_schema<const AXES: usize>() -> RefOr<Schema> {
    Margins::<AXES>::schema("Number of elements removed", default_cropping())
}

impl<const AXES: usize> Cropping<AXES> {
    /// Where the output lies in the input.
    fn volume(&self, shape: &Shape) -> Volume {
        let (mut inner, channels) = sizes::<AXES>(shape);
        inner.iter_mut().zip(self.cropping.totals()).for_each(|(size, removed)| *size -= removed);
        self.cropping.volume(inner, channels)
    }
}

impl<const AXES: usize> Layer for Cropping<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        self.cropping.check("/cropping")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let (mut sizes, channels) = settings_checks::spatial_axes::<AXES>(&inputs[0])?;
        let removed = self.cropping.totals();
        let names = ["planes", "lines", "columns"];
        let names = if AXES == 1 { &["steps"][..] } else { &names[3 - AXES..] };
        let axes = sizes.iter().zip(names).map(|(size, name)| format!("the {size} {name}")).collect();
        let expected = format!("fewer than {} of the input", listed(axes));
        let received = listed(removed.iter().map(usize::to_string).collect());
        let fits = sizes.iter().zip(removed).all(|(&size, removed)| removed < size);
        settings_checks::range(fits, "/cropping", &expected, received)?;
        sizes.iter_mut().zip(removed).for_each(|(size, removed)| *size -= removed);
        Ok(Shape([&sizes[..], &[channels]].concat()))
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real, const AXES: usize> Compute<F> for Cropping<AXES> {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.volume(cx.inputs.shape(0)).extract(cx.inputs.get(0), cx.output);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        if let Some(dx) = cx.input_gradients.get(0) {
            self.volume(cx.inputs.shape(0)).insert(cx.output_gradient, dx);
        }
    }
}

/// `a, b and c`
fn listed(mut items: Vec<String>) -> String {
    let last = items.pop().unwrap_or_default();
    if items.is_empty() { last } else { format!("{} and {last}", items.join(", ")) }
}
