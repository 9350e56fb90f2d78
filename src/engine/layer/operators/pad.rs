//! [`Pad`].

use super::picked::{Picking, layer_of_picks};
use crate::engine::{
    field::FieldError,
    layer::settings_checks,
    real::check,
    shape::{MAX_AXIS_SIZE, Shape},
};
use serde::{Deserialize, Serialize};

/// More elements before and after those along each axis.
///
/// # Shapes
/// `[batch, a, …]` to `[batch, pad_width[0][0] + a + pad_width[0][1], …]`.
///
/// Source: <https://keras.io/api/ops/numpy/#pad-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// How many before and after, for each axis without the batch axis.
    pub pad_width: Vec<[usize; 2]>,
    /// What they are.
    #[serde(default)]
    pub mode: PadMode,
    /// The number that they are where `mode` is `constant`.
    #[serde(default)]
    pub constant_values: f64,
}

/// What is put beside the elements of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PadMode {
    /// A number.
    #[default]
    Constant,
    /// The elements mirrored at the first and the last one.
    Reflect,
    /// The elements mirrored at the edges, so that the first and the last one are repeated.
    Symmetric,
}

layer_of_picks!(Pad);

impl Picking for Pad {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/constant_values", self.constant_values)?;
        let widths = self.pad_width.iter().flatten().all(|width| *width <= MAX_AXIS_SIZE);
        settings_checks::range(
            widths,
            "/pad_width",
            &format!("numbers up to {MAX_AXIS_SIZE}"),
            format_args!("{:?}", self.pad_width),
        )
    }

    fn sizes(&self, shape: &Shape) -> Result<Vec<usize>, FieldError> {
        let expected = format!("two numbers for each axis of {shape}");
        settings_checks::range(
            self.pad_width.len() == shape.0.len(),
            "/pad_width",
            &expected,
            format_args!("{:?}", self.pad_width),
        )?;
        for (axis, (widths, &size)) in self.pad_width.iter().zip(&shape.0).enumerate() {
            let most = match self.mode {
                PadMode::Constant => MAX_AXIS_SIZE,
                PadMode::Reflect => size - 1,
                PadMode::Symmetric => size,
            };
            let expected = format!("at most {most} on each side of an axis of {size}");
            let fits = widths.iter().all(|width| *width <= most);
            settings_checks::range(fits, &format!("/pad_width/{axis}"), &expected, format_args!("{widths:?}"))?;
        }
        Ok(self.pad_width.iter().zip(&shape.0).map(|([before, after], size)| before + size + after).collect())
    }

    fn picks(&self, axis: usize, _: usize, size: usize) -> Vec<Option<usize>> {
        let [before, after] = self.pad_width.get(axis).copied().unwrap_or_default();
        // How far a mirrored place is beyond the edge: at once, or one further where the edge itself is not repeated.
        let inset = usize::from(self.mode == PadMode::Reflect);
        let pick = |place: usize| match place.checked_sub(before) {
            Some(own) if own < size => Some(own),
            _ if self.mode == PadMode::Constant => None,
            None => Some(before - place - 1 + inset),
            Some(own) => (2 * size).checked_sub(own + 1 + inset),
        };
        (0..before + size + after).map(pick).collect()
    }

    fn filling(&self) -> f64 {
        self.constant_values
    }
}
