//! Pooling along one axis (sequences), along two (images) and along three (volumes), channels last.

mod adaptive;
mod adaptive_average;
mod adaptive_max;
mod average;
mod global_average;
mod global_max;
mod max;

pub use adaptive_average::{
    AdaptiveAveragePooling, AdaptiveAveragePooling1d, AdaptiveAveragePooling2d, AdaptiveAveragePooling3d,
};
pub use adaptive_max::{AdaptiveMaxPooling, AdaptiveMaxPooling1d, AdaptiveMaxPooling2d, AdaptiveMaxPooling3d};
pub use average::{AveragePooling, AveragePooling1d, AveragePooling2d, AveragePooling3d};
pub use global_average::{
    GlobalAveragePooling, GlobalAveragePooling1d, GlobalAveragePooling2d, GlobalAveragePooling3d,
};
pub use global_max::{GlobalMaxPooling, GlobalMaxPooling1d, GlobalMaxPooling2d, GlobalMaxPooling3d};
pub use max::{MaxPooling, MaxPooling1d, MaxPooling2d, MaxPooling3d};

use crate::engine::{
    field::FieldError,
    layer::{
        Padding, Sizes,
        convolutional::{Window, check, check_axes, volume},
    },
    shape::Shape,
};

/// Where a pool stands, from the settings that every pooling has.
#[derive(Debug, Clone, Copy)]
struct Pool<const AXES: usize> {
    size: Sizes<AXES>,
    strides: Option<Sizes<AXES>>,
    padding: Padding,
}

impl<const AXES: usize> Pool<AXES> {
    fn check(&self) -> Result<(), FieldError> {
        self.size.check("/pool_size", 1)?;
        self.strides.map_or(Ok(()), |strides| strides.check("/strides", 1))?;
        self.padding.check_around()
    }

    fn window(&self, input: &Shape) -> Window {
        Window::new(volume(input), self.size, self.strides.unwrap_or(self.size), Sizes::ones(), self.padding)
    }

    fn output_shape(&self, input: &Shape) -> Result<Shape, FieldError> {
        check_axes::<AXES>(input)?;
        let window = self.window(input);
        check(input, &window, input.last(), self.padding)?;
        Ok(window.output_shape::<AXES>(input.last()))
    }
}

/// The shape of what is left of `input` where it is pooled as a whole.
fn global_shape<const AXES: usize>(input: &Shape, keepdims: bool) -> Result<Shape, FieldError> {
    check_axes::<AXES>(input)?;
    let kept = if keepdims { AXES } else { 0 };
    Ok(Shape([&[1; AXES][..kept], &[input.last()]].concat()))
}
