//! [`UpSampling2d`].

use super::{
    repetition::Repetition,
    resampling::{Axis, Curve, Mixture},
};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, Origins, Sizes, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// An image enlarged by whole factors: each pixel repeated, or its neighbours mixed.
///
/// # Shapes
/// `[batch, height, width, channels]` to `[batch, height * size[0], width * size[1], channels]`.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/up_sampling2d/>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UpSampling2d {
    /// How often along height and width, or one number for both; each at least 1.
    #[schema(schema_with = Sizes::<2>::schema)]
    pub size: Sizes<2>,
    /// What the new pixels are.
    pub interpolation: Interpolation,
}

/// How an enlarged image's pixels follow from those of the smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The nearest pixel.
    #[default]
    Nearest,
    /// The four nearest pixels, weighed by how near they are; a pixel lies at its middle.
    Bilinear,
    /// Keys's cubic of the nearest four pixels along each axis; beyond an edge there are none.
    Bicubic,
    /// Lanczos's curve of the nearest six pixels along each axis, likewise.
    Lanczos3,
    /// The same of the nearest ten.
    Lanczos5,
}

impl Interpolation {
    /// How much of which pixels is in one, where more than four are.
    fn curve(self) -> Option<Curve> {
        match self {
            Self::Nearest | Self::Bilinear => None,
            Self::Bicubic => Some(Curve::Cubic),
            Self::Lanczos3 => Some(Curve::Lanczos(3)),
            Self::Lanczos5 => Some(Curve::Lanczos(5)),
        }
    }
}

impl Default for UpSampling2d {
    fn default() -> Self {
        Self { size: Sizes::every(2), interpolation: Interpolation::Nearest }
    }
}

/// The two places of the smaller axis that a place of the larger one is between, and how far it is from the first.
fn neighbours(place: usize, factor: usize, length: usize) -> (usize, usize, f64) {
    let exact = (place as f64 + 0.5) / factor as f64 - 0.5;
    let below = exact.floor();
    let first = below.max(0.0) as usize;
    (first, ((below + 1.0) as usize).min(length - 1), exact - below)
}

impl UpSampling2d {
    fn repetition(&self, shape: &Shape) -> Repetition {
        Repetition { width: shape.0[1], channels: shape.last(), times: self.size.0 }
    }

    /// How an image is mixed along both axes, where tables say so.
    fn mixture<'t>(&self, shape: &Shape, tables: &'t [Vec<u32>]) -> Option<Mixture<'t>> {
        let [lines, of_lines, columns, of_columns] = tables else { return None };
        let (lines, columns) = (Axis::new(lines, of_lines), Axis::new(columns, of_columns));
        Some(Mixture { lines, columns, width: shape.0[1], channels: shape.last() })
    }

    /// Calls `f` with the first elements of each pixel of the output and of the pixels that it is mixed of, each with its weight.
    fn mix(&self, shape: &Shape, mut f: impl FnMut(usize, [(usize, f64); 4])) {
        let [height, width, channels] = [shape.0[0], shape.0[1], shape.0[2]];
        let mut pixel = 0;
        for line in 0..height * self.size.0[0] {
            let (above, below, down) = neighbours(line, self.size.0[0], height);
            for column in 0..width * self.size.0[1] {
                let (left, right, across) = neighbours(column, self.size.0[1], width);
                let cell = |line: usize, column: usize| (line * width + column) * channels;
                f(
                    pixel,
                    [
                        (cell(above, left), (1.0 - down) * (1.0 - across)),
                        (cell(above, right), (1.0 - down) * across),
                        (cell(below, left), down * (1.0 - across)),
                        (cell(below, right), down * across),
                    ],
                );
                pixel += channels;
            }
        }
    }
}

impl Layer for UpSampling2d {
    fn check(&self) -> Result<(), FieldError> {
        self.size.check("/size", 1)
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [height, width, channels] = settings_checks::named_axes(&inputs[0], "height, width and channels")?;
        Ok(Shape(vec![height.saturating_mul(self.size.0[0]), width.saturating_mul(self.size.0[1]), channels]))
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let scratch = if self.interpolation.curve().is_some() { inputs[0].0[1] * inputs[0].last() } else { 0 };
        Workspace { scratch, ..Workspace::default() }
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        let Some(curve) = self.interpolation.curve() else { return Vec::new() };
        let axes = inputs[0].0.iter().zip(self.size.0);
        axes.flat_map(|(&length, factor)| curve.tables(length, factor)).collect()
    }

    fn origins(&self, _: &[Shape]) -> Origins {
        Origins::Mixed
    }
}

impl<F: Real> Compute<F> for UpSampling2d {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let (x, shape) = (cx.inputs.get(0), cx.inputs.shape(0));
        if self.interpolation == Interpolation::Nearest {
            return self.repetition(shape).forward(x, cx.output);
        }
        let (channels, cells) = (shape.last(), shape.elements());
        if let Some(mixture) = self.mixture(shape, cx.tables) {
            let line = &mut cx.scratch[..shape.0[1] * channels];
            let images = cx.output.chunks_exact_mut(cells * self.size.0[0] * self.size.0[1]);
            return images.zip(x.chunks_exact(cells)).for_each(|(y, x)| mixture.forward(x, y, line));
        }
        for (x, y) in x.chunks_exact(cells).zip(cx.output.chunks_exact_mut(cells * self.size.0[0] * self.size.0[1])) {
            self.mix(shape, |pixel, parts| {
                let y = &mut y[pixel..pixel + channels];
                y.fill(F::ZERO);
                for (cell, weight) in parts {
                    let weight = F::of(weight);
                    y.iter_mut().zip(&x[cell..]).for_each(|(y, &x)| *y += weight * x);
                }
            });
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let shape = cx.inputs.shape(0);
        let Some(dx) = cx.input_gradients.get(0) else { return };
        if self.interpolation == Interpolation::Nearest {
            return self.repetition(shape).backward(cx.output_gradient, dx);
        }
        let (channels, cells) = (shape.last(), shape.elements());
        let images = cx.output_gradient.chunks_exact(cells * self.size.0[0] * self.size.0[1]);
        if let Some(mixture) = self.mixture(shape, cx.tables) {
            let line = &mut cx.scratch[..shape.0[1] * channels];
            return images.zip(dx.chunks_exact_mut(cells)).for_each(|(dy, dx)| mixture.backward(dy, dx, line));
        }
        dx.fill(F::ZERO);
        for (dx, dy) in dx.chunks_exact_mut(cells).zip(images) {
            self.mix(shape, |pixel, parts| {
                for (cell, weight) in parts {
                    let weight = F::of(weight);
                    let dy = &dy[pixel..pixel + channels];
                    dx[cell..].iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += weight * dy);
                }
            });
        }
    }
}
