//! [`Orthogonal`].

use super::{Fill, Stop, draw};
use crate::engine::{
    field::FieldError,
    real::{Real, check},
    shape::Shape,
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A random orthogonal matrix times `gain`: its rows or columns, whichever are fewer, are orthonormal.
///
/// # Shapes
/// At least two axes; all but the last are flattened to rows.
///
/// Source: <https://keras.io/api/layers/initializers/#orthogonal-class>, <https://arxiv.org/abs/1312.6120>
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Orthogonal {
    /// Factor of the matrix.
    pub gain: f64,
}

impl Default for Orthogonal {
    fn default() -> Self {
        Self { gain: 1.0 }
    }
}

impl<F: Real> Fill<F> for Orthogonal {
    fn check(&self) -> Result<(), FieldError> {
        check::finite("/gain", self.gain)
    }

    fn axes(&self) -> std::ops::RangeInclusive<usize> {
        2..=usize::MAX
    }

    fn check_shape(&self, shape: &Shape) -> Result<(), FieldError> {
        let work = work(shape);
        if work <= MAX_WORK {
            return Ok(());
        }
        let detail = format!(
            "expected a tensor whose orthogonal matrix takes at most {:.0e} multiplications, received {shape}, which takes {:.1e}; \
             `he_normal` and `glorot_uniform` take one an element",
            MAX_WORK as f64, work as f64
        );
        Err(FieldError::new("", detail))
    }

    fn scratch_bytes(&self, shape: &Shape) -> u64 {
        (shape.elements() as u64).saturating_mul(size_of::<f64>() as u64)
    }

    fn fill(&self, shape: &Shape, values: &mut [F], random: &mut ChaCha8Rng, stop: Stop<'_>) {
        let columns = shape.last().max(1);
        let rows = values.len() / columns;
        let (count, length) = (rows.min(columns), rows.max(columns));
        if count == 0 {
            return;
        }
        let Some(vectors) = orthonormal(count, length, random, stop) else { return };
        for (row, elements) in values.chunks_exact_mut(columns).enumerate() {
            for (column, element) in elements.iter_mut().enumerate() {
                let (vector, position) = if rows < columns { (row, column) } else { (column, row) };
                *element = F::of(self.gain * vectors[vector * length + position]);
            }
        }
    }
}

/// Maximum multiplications: some minutes.
const MAX_WORK: u128 = 1_000_000_000_000;

/// Multiplications to make an orthogonal matrix of a shape: twice, each vector with each before it, there and back.
fn work(shape: &Shape) -> u128 {
    let columns = shape.last().max(1);
    let rows = shape.elements() / columns;
    let (count, length) = (rows.min(columns) as u128, rows.max(columns) as u128);
    2 * count * count * length
}

/// Products of two vectors between two looks at the stop flag.
const CHECK_EVERY: usize = 64;

/// `None` if it is stopped. `count` orthonormal vectors of `length` elements (Gram-Schmidt, repeated once for accuracy).
fn orthonormal(count: usize, length: usize, random: &mut ChaCha8Rng, stop: Stop<'_>) -> Option<Vec<f64>> {
    let mut vectors = vec![0.0; count * length];
    draw::fill(&mut vectors, stop, || draw::normal(random));
    for index in 0..count {
        let (before, vector) = vectors.split_at_mut(index * length);
        let vector = &mut vector[..length];
        for _ in 0..2 {
            for (number, other) in before.chunks_exact(length).enumerate() {
                if number % CHECK_EVERY == 0 && stop() {
                    return None;
                }
                let along = dot(other, vector);
                vector.iter_mut().zip(other).for_each(|(element, other)| *element -= along * other);
            }
            let scale = 1.0 / dot(vector, vector).sqrt();
            vector.iter_mut().for_each(|element| *element *= scale);
        }
    }
    Some(vectors)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
