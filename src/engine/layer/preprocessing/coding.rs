//! [`Coding`]: categories as vectors of zeros and ones.

use crate::engine::{
    field::FieldError,
    layer::{Backward, Forward, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};

/// The vector that categories become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = CategoryOutputMode)]
#[serde(rename_all = "snake_case")]
pub enum Coding {
    /// One for a row: 1 at each category that the row has.
    #[default]
    MultiHot,
    /// One for a number: 1 at its category.
    OneHot,
    /// One for a row: how often the row has each category.
    Count,
}

/// What becomes of categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndexMode {
    /// Their numbers, from 0.
    #[default]
    Int,
    /// A vector for a number: 1 at its category.
    OneHot,
    /// A vector for a row: 1 at each category that the row has.
    MultiHot,
    /// A vector for a row: how often the row has each category.
    Count,
}

impl IndexMode {
    pub(super) fn coding(self) -> Option<Coding> {
        match self {
            Self::Int => None,
            Self::OneHot => Some(Coding::OneHot),
            Self::MultiHot => Some(Coding::MultiHot),
            Self::Count => Some(Coding::Count),
        }
    }
}

/// The shape of what `categories` of them become.
pub(super) fn shape(coding: Option<Coding>, categories: usize, input: &Shape) -> Result<Shape, FieldError> {
    let mut axes = input.0.clone();
    match coding {
        None => {}
        // A last axis of one number makes room.
        Some(Coding::OneHot) if axes.last() == Some(&1) => {
            axes.pop();
            axes.push(categories);
        }
        Some(Coding::OneHot) => axes.push(categories),
        Some(Coding::MultiHot | Coding::Count) => {
            let received = format_args!("one of the shape {input}");
            settings_checks::range(axes.len() == 1, "", "an input of one axis, the numbers of a row", received)?;
            axes = vec![categories];
        }
    }
    Ok(Shape(axes))
}

/// Writes what the first input becomes, whose numbers have the categories that `category` says; none is left out of vectors.
pub(super) fn forward<F: Real>(
    cx: &mut Forward<'_, F>,
    coding: Option<Coding>,
    categories: usize,
    category: impl Fn(F) -> Option<usize>,
) {
    let (x, cells) = (cx.inputs.get(0), cx.inputs.shape(0).elements());
    let Some(coding) = coding else {
        let index = |x| F::of(category(x).unwrap_or(0) as f64);
        return cx.output.iter_mut().zip(x).for_each(|(y, &x)| *y = index(x));
    };
    let row = if coding == Coding::OneHot { 1 } else { cells };
    cx.output.fill(F::ZERO);
    for (y, x) in cx.output.chunks_exact_mut(categories).zip(x.chunks_exact(row)) {
        for category in x.iter().filter_map(|&x| category(x)) {
            y[category] = if coding == Coding::Count { y[category] + F::ONE } else { F::ONE };
        }
    }
}

/// A category does not change with small changes of a number.
pub(super) fn backward<F: Real>(cx: &mut Backward<'_, F>) {
    if let Some(dx) = cx.input_gradients.get(0) {
        dx.fill(F::ZERO);
    }
}
