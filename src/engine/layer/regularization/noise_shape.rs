//! [`NoiseShape`].

use crate::engine::{
    field::FieldError,
    layer::{Pass, settings_checks},
    numbers,
    real::Real,
    shape::Shape,
};
use rand::Rng;
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::Value;

/// The shape of what is drawn, with the batch axis first: null for an axis of the input's length, 1 where all elements along it
/// have one fate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct NoiseShape(#[serde(deserialize_with = "axes")] Vec<Option<usize>>);

/// One axis as it is written.
struct Axis(Option<usize>);

impl<'de> Deserialize<'de> for Axis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let received = Value::deserialize(deserializer)?;
        let length = received.as_u64().and_then(|length| usize::try_from(length).ok());
        if length.is_none() && !received.is_null() {
            return Err(D::Error::custom(format!("expected null or a whole number, received {received}")));
        }
        Ok(Self(length))
    }
}

fn axes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Option<usize>>, D::Error> {
    Ok(Vec::<Axis>::deserialize(deserializer)?.into_iter().map(|axis| axis.0).collect())
}

impl NoiseShape {
    /// Ranges; the pointer is that of the setting.
    pub(crate) fn check(&self, pointer: &str) -> Result<(), FieldError> {
        let received = format!("{:?}", self.0.iter().map(|axis| axis.unwrap_or(0)).collect::<Vec<_>>());
        let fits = matches!(self.0.first(), Some(None | Some(1))) && !self.0.contains(&Some(0));
        settings_checks::range(
            fits,
            pointer,
            "null or 1 for the batch axis, and null or a number over 0 for others",
            received,
        )
    }

    /// Fails where the input has other axes.
    pub(crate) fn check_broadcast(&self, shape: &Shape, pointer: &str) -> Result<(), FieldError> {
        let own = self.0.get(1..).unwrap_or_default();
        let fits = own.len() == shape.0.len()
            && own.iter().zip(&shape.0).all(|(own, axis)| own.is_none_or(|own| own == 1 || own == *axis));
        let expected = format!("the batch axis and {} more, each null, 1 or as long as in {shape}", shape.0.len());
        let received = own.iter().map(|own| own.map_or("null".to_owned(), |own| own.to_string())).collect::<Vec<_>>();
        settings_checks::range(fits, pointer, &expected, received.join(", "))
    }

    fn axes<'a>(&'a self, shape: &'a Shape) -> impl Iterator<Item = (usize, usize)> + 'a {
        shape.0.iter().zip(&self.0[1..]).map(|(&axis, own)| (axis, own.unwrap_or(axis)))
    }

    /// Elements that are drawn for a row.
    pub(crate) fn elements(&self, shape: &Shape) -> usize {
        self.axes(shape).map(|(_, own)| own).product()
    }

    /// For each element of a row, the place of what is drawn for it.
    pub(crate) fn places(&self, shape: &Shape) -> Vec<u32> {
        numbers::places(self.axes(shape))
    }

    /// Writes what is drawn for every row: `scale` where a random word is at least `threshold`, else zero.
    pub(crate) fn draw<F: Real>(
        &self,
        pass: &Pass,
        (seed, shape): (Option<u64>, &Shape),
        (threshold, scale): (u32, F),
        factors: &mut [F],
    ) {
        let (mut noise, cells) = (pass.noise, self.elements(shape));
        let mut rows = pass.rows;
        if self.0[0] == Some(1) {
            // Steps of a row are drawn each separately, and those of other rows have the same.
            (noise.first_row, rows) = (0, pass.repeat);
        }
        let mut random = noise.stream(seed, cells);
        let (drawn, others) = factors.split_at_mut(rows * cells);
        drawn.fill_with(|| if random.next_u32() >= threshold { scale } else { F::ZERO });
        others.chunks_exact_mut(drawn.len()).for_each(|other| other.copy_from_slice(drawn));
    }
    /// Writes what `f` makes of each element and of what was drawn for it.
    pub(crate) fn each<F: Real>(
        &self,
        shape: &Shape,
        (from, factors): (&[F], &[F]),
        tables: &[Vec<u32>],
        to: &mut [F],
        f: impl Fn(F, F) -> F,
    ) {
        let (cells, drawn) = (shape.elements(), self.elements(shape));
        let rows = to.chunks_exact_mut(cells).zip(from.chunks_exact(cells)).zip(factors.chunks_exact(drawn));
        for ((to, from), factors) in rows {
            for ((to, &from), &place) in to.iter_mut().zip(from).zip(&tables[0]) {
                *to = f(from, factors[place as usize]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::random::Noise;
    use serde_json::{Value, json};

    fn shape(value: Value) -> NoiseShape {
        serde_json::from_value(value).unwrap()
    }

    /// What is drawn for each element of three rows of two steps each, from row `first_row` of the batch on.
    fn drawn(noise_shape: Value, first_row: usize) -> Vec<Vec<f64>> {
        let (noise_shape, sample) = (shape(noise_shape), Shape(vec![3, 4]));
        let noise = Noise { seed: 1, step: 2, layer: 3, first_row };
        let pass = Pass { rows: 6, repeat: 2, training: true, logits: false, trainable: true, batch_rows: 8, noise };
        let mut factors = vec![0.0; 6 * noise_shape.elements(&sample)];
        noise_shape.draw(&pass, (None, &sample), (1 << 31, 2.0), &mut factors);
        let (mut to, from, tables) = (vec![0.0; 72], vec![1.0; 72], [noise_shape.places(&sample)]);
        noise_shape.each(&sample, (&from, &factors), &tables, &mut to, |x, factor| x * factor);
        to.chunks(12).map(<[f64]>::to_vec).collect()
    }

    #[test]
    fn cells_along_axes_of_one_have_one_fate() {
        let rows = drawn(json!([null, 1, 4]), 0);
        assert!(rows.iter().all(|row| row[..4] == row[4..8] && row[..4] == row[8..]), "{rows:?}");
        assert!(rows.iter().any(|row| *row != rows[0]), "{rows:?}");
        let row = &drawn(json!([null, null, 1]), 0)[0];
        assert!(row.chunks(4).all(|step| step.iter().all(|cell| *cell == step[0])), "{row:?}");
        let (rows, later) = (drawn(json!([1, null, null]), 0), drawn(json!([1, null, null]), 4));
        assert_eq!(rows, later, "whichever rows of the batch these are");
        assert!(rows[0] == rows[2] && rows[1] == rows[3] && rows[0] != rows[1], "steps are drawn apart: {rows:?}");
    }

    #[test]
    fn other_shapes_are_refused() {
        for value in [json!([]), json!([2, 3, 4]), json!([null, 0, 4])] {
            assert!(shape(value.clone()).check("/noise_shape").is_err(), "{value}");
        }
        for value in [json!([null, 3]), json!([null, 2, 4]), json!([null, 3, 4, 1])] {
            shape(value.clone()).check("/noise_shape").unwrap();
            assert!(shape(value.clone()).check_broadcast(&Shape(vec![3, 4]), "/noise_shape").is_err(), "{value}");
        }
    }
}
