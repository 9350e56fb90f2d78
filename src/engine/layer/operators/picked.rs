//! [`Picking`].

use crate::engine::{
    field::FieldError,
    layer::{Backward, Forward, settings_checks},
    real::Real,
    shape::{MAX_AXIS_SIZE, Shape},
};

/// What stands in a table for a place that no element of the input goes to.
const NONE: u32 = u32::MAX;

/// A layer that picks, along each axis separately, which elements go where. [`layer_of_picks`] makes a layer of it.
pub(crate) trait Picking {
    /// See [`Layer::check`](crate::engine::layer::Layer::check).
    fn check(&self) -> Result<(), FieldError>;
    /// The sizes of the output's axes, as many as the input has.
    fn sizes(&self, shape: &Shape) -> Result<Vec<usize>, FieldError>;
    /// For each place along an axis of the output, of so many axes, which place along that of the input it is; `None` for what is in none.
    /// Only for shapes that passed [`Self::sizes`].
    fn picks(&self, axis: usize, axes: usize, size: usize) -> Vec<Option<usize>>;
    /// What stands where no element goes.
    fn filling(&self) -> f64 {
        0.0
    }
}

pub(crate) fn shape_of(layer: &impl Picking, shape: &Shape) -> Result<Shape, FieldError> {
    let sizes = layer.sizes(shape)?;
    let fit = sizes.iter().all(|size| (1..=MAX_AXIS_SIZE).contains(size));
    settings_checks::range(
        fit,
        "",
        &format!("settings that leave axes of 1 to {MAX_AXIS_SIZE}"),
        format_args!("{sizes:?}"),
    )?;
    Ok(Shape(sizes))
}

pub(crate) fn table(layer: &impl Picking, shape: &Shape) -> Vec<u32> {
    let mut sources = vec![Some(0)];
    for (axis, &size) in shape.0.iter().enumerate() {
        let picks = layer.picks(axis, shape.0.len(), size);
        let each = |source: &Option<usize>| {
            let source = *source;
            picks.iter().map(move |pick| Some(source? * size + (*pick)?))
        };
        sources = sources.iter().flat_map(each).collect();
    }
    sources.into_iter().map(|source| source.map_or(NONE, |source| source as u32)).collect()
}

pub(crate) fn forward<F: Real>(layer: &impl Picking, cx: &mut Forward<'_, F>) {
    let Some(sources) = cx.tables.first() else { return };
    let filling = F::of(layer.filling());
    let rows = cx.inputs.get(0).chunks_exact(cx.inputs.shape(0).elements());
    for (x, y) in rows.zip(cx.output.chunks_exact_mut(sources.len())) {
        y.iter_mut().zip(sources).for_each(|(y, &source)| *y = x.get(source as usize).copied().unwrap_or(filling));
    }
}

pub(crate) fn backward<F: Real>(cx: &mut Backward<'_, F>) {
    let (Some(sources), Some(dx)) = (cx.tables.first(), cx.input_gradients.get(0)) else { return };
    dx.fill(F::ZERO);
    let rows = dx.chunks_exact_mut(cx.inputs.shape(0).elements());
    for (dx, dy) in rows.zip(cx.output_gradient.chunks_exact(sources.len())) {
        for (&dy, &source) in dy.iter().zip(sources) {
            if let Some(dx) = dx.get_mut(source as usize) {
                *dx += dy;
            }
        }
    }
}

/// The layer that a [`Picking`] is.
macro_rules! layer_of_picks {
    ($layer:ident) => {
        impl crate::engine::layer::Layer for $layer {
            fn check(&self) -> Result<(), crate::engine::field::FieldError> {
                super::picked::Picking::check(self)
            }

            fn output_shape(
                &self,
                inputs: &[crate::engine::shape::Shape],
            ) -> Result<crate::engine::shape::Shape, crate::engine::field::FieldError> {
                super::picked::shape_of(self, &inputs[0])
            }

            fn tables(&self, inputs: &[crate::engine::shape::Shape]) -> Vec<Vec<u32>> {
                vec![super::picked::table(self, &inputs[0])]
            }

            fn origins(&self, _: &[crate::engine::shape::Shape]) -> crate::engine::layer::Origins {
                crate::engine::layer::Origins::Mixed
            }
        }

        impl<F: crate::engine::real::Real> crate::engine::layer::Compute<F> for $layer {
            fn forward(&self, cx: &mut crate::engine::layer::Forward<'_, F>) {
                super::picked::forward(self, cx);
            }

            fn backward(&self, cx: &mut crate::engine::layer::Backward<'_, F>) {
                super::picked::backward(cx);
            }
        }
    };
}

pub(crate) use layer_of_picks;
