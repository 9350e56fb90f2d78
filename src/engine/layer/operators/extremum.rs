//! [`Max`] and [`Min`].

use super::reduction::{View, shape_of};
use crate::engine::{
    field::FieldError,
    kernel::vectorized,
    layer::{Axes, Backward, Compute, Forward, Layer, Origins, Workspace},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The layer that keeps the element for which `$better` holds against the others.
macro_rules! layers {
    ($($(#[$meta:meta])* $layer:ident, $better:tt;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $layer {
            /// The axes, counted with the batch axis or from the last one, which is -1: one, or several adjacent ones.
            pub axis: Axes,
            /// Whether the reduced axes stay, with size 1.
            #[serde(default)]
            pub keepdims: bool,
        }

        impl Layer for $layer {
            fn check(&self) -> Result<(), FieldError> {
                Ok(())
            }

            fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
                shape_of(&self.axis, self.keepdims, &inputs[0])
            }

            fn workspace(&self, inputs: &[Shape]) -> Workspace {
                Workspace { scratch: View::new(&self.axis, &inputs[0]).inner, ..Workspace::default() }
            }

            fn origins(&self, _: &[Shape]) -> Origins {
                Origins::Mixed
            }
        }

        impl<F: Real> Compute<F> for $layer {
            fn forward(&self, cx: &mut Forward<'_, F>) {
                forward(
                    cx,
                    View::new(&self.axis, cx.inputs.shape(0)),
                    #[inline(always)]
                    |x, y| x $better y,
                );
            }

            fn backward(&self, cx: &mut Backward<'_, F>) {
                let view = View::new(&self.axis, cx.inputs.shape(0));
                backward(cx, view);
            }
        }
    )+};
}

layers! {
    /// The largest element along some axes; equal ones share the gradient.
    ///
    /// # Shapes
    /// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
    ///
    /// Source: <https://keras.io/api/ops/numpy/#max-function>
    Max, >;
    /// The smallest element along some axes; equal ones share the gradient.
    ///
    /// # Shapes
    /// `[batch, a, b, …]` without the axes in question; with `keepdims` they stay, of length 1.
    ///
    /// Source: <https://keras.io/api/ops/numpy/#min-function>
    Min, <;
}

/// Writes the best of each block's lines, element by element; a number that is none is passed on.
#[inline(always)]
fn forward<F: Real>(cx: &mut Forward<'_, F>, view: View, better: impl Fn(F, F) -> bool) {
    let (x, y) = (cx.inputs.get(0), &mut *cx.output);
    vectorized(
        #[inline(always)]
        || {
            for (block, y) in x.chunks_exact(view.block()).zip(y.chunks_exact_mut(view.inner)) {
                y.copy_from_slice(&block[..view.inner]);
                for line in block.chunks_exact(view.inner) {
                    y.iter_mut().zip(line).for_each(|(y, &x)| *y = if better(x, *y) || x.is_nan() { x } else { *y });
                }
            }
        },
    );
}

/// Hands the gradient to the elements that are the best, in equal shares.
fn backward<F: Real>(cx: &mut Backward<'_, F>, view: View) {
    let share = &mut cx.scratch[..view.inner];
    let Some(dx) = cx.input_gradients.get(0) else { return };
    let blocks = cx.inputs.get(0).chunks_exact(view.block()).zip(dx.chunks_exact_mut(view.block()));
    let outputs = cx.output.chunks_exact(view.inner).zip(cx.output_gradient.chunks_exact(view.inner));
    for ((x, dx), (y, dy)) in blocks.zip(outputs) {
        share.fill(F::ZERO);
        for line in x.chunks_exact(view.inner) {
            for ((share, x), y) in share.iter_mut().zip(line).zip(y) {
                *share += if x == y { F::ONE } else { F::ZERO };
            }
        }
        share.iter_mut().zip(dy).for_each(|(share, &dy)| *share = dy / *share);
        for (dx, x) in dx.chunks_exact_mut(view.inner).zip(x.chunks_exact(view.inner)) {
            for (((dx, x), y), &share) in dx.iter_mut().zip(x).zip(y).zip(&*share) {
                *dx = if x == y { share } else { F::ZERO };
            }
        }
    }
}
