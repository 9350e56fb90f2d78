//! [`Resizing`].

use crate::engine::{
    field::FieldError,
    layer::{
        Backward, Compute, Forward, Layer, Origins, Workspace,
        reshaping::{
            resampling::{Axis, Mixture},
            resized::{ResizeInterpolation, Resized},
        },
        settings_checks,
    },
    real::{Real, check},
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// An image of another size.
///
/// # Shapes
/// `[batch, lines, columns, channels]` to `[batch, height, width, channels]`.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/resizing/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resizing {
    /// Lines of the output.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub height: usize,
    /// Columns of the output.
    #[serde(deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647)]
    pub width: usize,
    /// What the new pixels are.
    #[serde(default)]
    pub interpolation: ResizeInterpolation,
    /// Whether pixels are mixed of as many more as the image becomes smaller by; `nearest` and `area` do without.
    #[serde(default)]
    pub antialias: bool,
    /// Whether so much is cut off the image's ends that its sides keep their ratio.
    #[serde(default)]
    pub crop_to_aspect_ratio: bool,
    /// Whether so much is added at its ends that they do.
    #[serde(default)]
    pub pad_to_aspect_ratio: bool,
    /// A pixel of what is added.
    #[serde(default)]
    pub fill_value: f64,
}

impl Resizing {
    fn axes(&self, shape: &Shape) -> [Resized; 2] {
        let (size, resized) = ([shape.0[0], shape.0[1]], [self.height, self.width]);
        if self.crop_to_aspect_ratio {
            return cropped(size, resized);
        }
        let like = in_ratio(size, resized);
        [0, 1].map(|axis| match self.pad_to_aspect_ratio {
            true => Resized::padded(size[axis], like[axis], resized[axis]),
            false => Resized::whole(size[axis], resized[axis]),
        })
    }
}

/// Lines as many as would suit an image's columns, and columns as many as would suit its lines.
fn in_ratio([lines, columns]: [usize; 2], [height, width]: [usize; 2]) -> [usize; 2] {
    let of = |cells: usize, by: usize, to: usize| ((cells as u128 * by as u128) as f32 / to as f32) as usize;
    [of(columns, height, width), of(lines, width, height)]
}

/// The largest middle of an image of this size whose sides are in the ratio of what becomes of it.
pub(crate) fn cropped(size: [usize; 2], resized: [usize; 2]) -> [Resized; 2] {
    let like = in_ratio(size, resized);
    [0, 1].map(|axis| Resized::cropped(size[axis], like[axis].clamp(1, size[axis]), resized[axis]))
}

/// Elements that a mixture wants to overwrite.
pub(crate) fn workspace(inputs: &[Shape]) -> Workspace {
    Workspace { scratch: inputs[0].0[1] * inputs[0].last(), ..Workspace::default() }
}

/// The tables of both axes.
pub(crate) fn tables(axes: [Resized; 2], interpolation: ResizeInterpolation, antialias: bool) -> Vec<Vec<u32>> {
    axes.into_iter().flat_map(|axis| axis.tables(interpolation, antialias)).collect()
}

/// How an image of this shape is mixed, by [`tables`].
pub(crate) fn mixture<'t>(shape: &Shape, tables: &'t [Vec<u32>]) -> Option<Mixture<'t>> {
    let [lines, of_lines, columns, of_columns] = tables else { return None };
    let (lines, columns) = (Axis::new(lines, of_lines), Axis::new(columns, of_columns));
    Some(Mixture { lines, columns, width: shape.0[1], channels: shape.last() })
}

/// Mixes each image of a batch.
pub(crate) fn forward<F: Real>(cx: &mut Forward<'_, F>, fill_value: f64) {
    let (x, shape) = (cx.inputs.get(0), cx.inputs.shape(0));
    let Some(mixture) = mixture(shape, cx.tables) else { return };
    let (cells, line) = (cx.output.len() / cx.pass.rows.max(1), &mut cx.scratch[..shape.0[1] * shape.last()]);
    for (y, x) in cx.output.chunks_exact_mut(cells.max(1)).zip(x.chunks_exact(shape.elements())) {
        mixture.forward(x, y, line);
        if fill_value != 0.0 {
            mixture.fill(F::of(fill_value), y);
        }
    }
}

/// Writes the gradients of these images.
pub(crate) fn backward<F: Real>(cx: &mut Backward<'_, F>) {
    let shape = cx.inputs.shape(0);
    let (Some(dx), Some(mixture)) = (cx.input_gradients.get(0), mixture(shape, cx.tables)) else { return };
    let (cells, line) = (cx.output_gradient.len() / cx.pass.rows.max(1), &mut cx.scratch[..shape.0[1] * shape.last()]);
    for (dx, dy) in dx.chunks_exact_mut(shape.elements()).zip(cx.output_gradient.chunks_exact(cells.max(1))) {
        mixture.backward(dy, dx, line);
    }
}

impl Layer for Resizing {
    fn check(&self) -> Result<(), FieldError> {
        let both = self.crop_to_aspect_ratio && self.pad_to_aspect_ratio;
        settings_checks::range(!both, "/pad_to_aspect_ratio", "false where crop_to_aspect_ratio is true", true)?;
        check::finite("/fill_value", self.fill_value)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [_, _, channels] = settings_checks::named_axes(&inputs[0], "height, width and channels")?;
        Ok(Shape(vec![self.height, self.width, channels]))
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        workspace(inputs)
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        tables(self.axes(&inputs[0]), self.interpolation, self.antialias)
    }

    /// Of four pixels along each axis.
    fn cost(&self, inputs: &[Shape]) -> u64 {
        let columns = inputs[0].0[1].saturating_add(self.width) as u64;
        columns.saturating_mul(self.height as u64).saturating_mul(4 * inputs[0].last() as u64)
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for Resizing {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        forward(cx, if self.pad_to_aspect_ratio { self.fill_value } else { 0.0 });
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        backward(cx);
    }
}
