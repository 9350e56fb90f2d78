//! Numbers that differ and are one to trees: in the 32 bits in which they read them, or because they are too close.

use super::{
    FittedRecipe,
    feature::{Encoding, Feature},
    numbers::Numbers,
    scale::Scaler,
};
use ndarray::{Array2, ArrayView1};
use rayon::prelude::*;

/// How many times its range a column is away from 0 before it is moved there. Others gain less than three bits.
const FAR: f64 = 8.0;
/// The first whole number after which 32 bits leave one out.
const EXACT: f64 = 16_777_216.0;
/// Trees, as scikit-learn's, do not divide between numbers that are this close.
const CLOSE: f32 = 1e-7;
/// Ranges up to this have at most 1000 such steps, so that their numbers are divided by the range where they are close.
const SMALL: f64 = 1e-4;
/// A range of this share of its numbers is that of rounding errors, such as between 0.3 and 0.1 + 0.2.
const ROUNDING: f64 = 1e-12;

impl FittedRecipe {
    /// Moves unscaled numbers that trees do not keep apart next to 0, and divides those of a small range by it, in the recipe and in
    /// `inputs`, which are those of the training rows. Columns whose numbers stay apart are not moved. Returns the columns where numbers
    /// are one all the same, and how many.
    pub fn keep_apart(&mut self, inputs: &mut Array2<f64>) -> Vec<(String, usize)> {
        let mut columns = Vec::new();
        let mut first = 0;
        for feature in &mut self.recipe.features {
            let (name, here) = (feature.name().to_owned(), first);
            first += feature.column_count();
            columns.extend(unscaled(feature).into_iter().map(|(at, numbers)| (here + at, name.clone(), numbers)));
        }
        let places: Vec<usize> = columns.iter().map(|(place, ..)| *place).collect();
        let read = &*inputs;
        let found: Vec<(Option<Scaler>, usize)> = places.par_iter().map(|place| origin(read.column(*place))).collect();
        let mut merged = Vec::new();
        for ((place, name, numbers), (origin, left)) in columns.into_iter().zip(found) {
            if let Some(origin) = origin {
                inputs.column_mut(place).iter_mut().for_each(|value| *value = origin.apply(*value));
                numbers.move_to(origin);
            }
            if left > 0 {
                merged.push((name, left));
            }
        }
        merged
    }
}

/// The numbers of a feature that are not scaled, with the columns of the inputs that they are.
fn unscaled(feature: &mut Feature) -> Vec<(usize, &mut Numbers)> {
    let all = match &mut feature.encoding {
        Encoding::Number(numbers) => vec![(0, numbers)],
        Encoding::Datetime(dates) => dates.numbers_mut(),
        _ => Vec::new(),
    };
    all.into_iter().filter(|(_, numbers)| !numbers.is_scaled()).collect()
}

/// What moves a column next to 0 where trees do not keep its numbers apart, and how many of them are one with another after it.
fn origin(column: ArrayView1<'_, f64>) -> (Option<Scaler>, usize) {
    let present = || column.iter().copied().filter(|value| !value.is_nan());
    let (min, max) = present().fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), it| (min.min(it), max.max(it)));
    let (range, size) = (max - min, max.abs().max(min.abs()));
    if !(range > 0.0 && range.is_finite()) {
        return (None, 0);
    }
    let middle = min + range / 2.0;
    let is_small = range <= SMALL && range > ROUNDING * size;
    let is_moved = is_small || middle.abs() > FAR * range;
    if !is_moved && size < EXACT {
        return (None, 0);
    }
    let least = if is_small { CLOSE } else { 0.0 };
    match merging(present(), least) {
        0 => (None, 0),
        count if !is_moved => (None, count),
        _ => {
            let factor = Some(1.0 / range).filter(|factor| is_small && factor.is_finite()).unwrap_or(1.0);
            let origin = Scaler::origin(middle, factor);
            let left = merging(present().map(|value| origin.apply(value)), least);
            (Some(origin), left)
        }
    }
}

/// How many different numbers are at most `least` above the next smaller one in 32 bits.
fn merging(values: impl Iterator<Item = f64>, least: f32) -> usize {
    let mut values: Vec<f64> = values.collect();
    if least == 0.0 && values.iter().all(|value| f64::from(*value as f32) == *value) {
        return 0;
    }
    values.sort_unstable_by(f64::total_cmp);
    values.dedup();
    values.windows(2).filter(|pair| matches!(pair, [low, high] if *high as f32 <= *low as f32 + least)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;
    use rstest::rstest;

    #[rstest]
    // one second each: 32 bits have two minutes there
    #[case((0..200).map(|second| 1_700_000_000.0 + f64::from(second)).collect(), true, 0)]
    // years, and numbers that are as exact in 32 bits
    #[case((1990..2030).map(f64::from).collect(), false, 0)]
    #[case((0..200).map(|place| 1e9 + 64.0 * f64::from(place)).collect(), false, 0)]
    // numbers around 0 are not moved
    #[case((0..200).map(|place| f64::from(place) * 0.1 - 7.0).collect(), false, 0)]
    // of every pair one is lost
    #[case((0..200).map(|place| f64::from(place / 2) * 1e9 + f64::from(1 + place % 2)).collect(), false, 99)]
    #[case((1..100).map(|place| f64::from(place) * 1e-50).collect(), true, 0)]
    // nanometres: neighbours are closer than trees divide, those of micrometres are not
    #[case((1..100).map(|place| f64::from(place) * 1e-9).collect(), true, 0)]
    #[case((1..100).map(|place| 1.0 + f64::from(place) * 1e-9).collect(), true, 0)]
    #[case((1..100).map(|place| f64::from(place) * 1e-6).collect(), false, 0)]
    #[case((0..200).map(|place| f64::from(place / 2) * 1e-6 + f64::from(place % 2) * 1e-12).collect(), true, 100)]
    #[case(vec![f64::NAN, 3.0], false, 0)]
    fn numbers(#[case] values: Vec<f64>, #[case] is_moved: bool, #[case] left: usize) {
        let column = Array1::from(values);
        let (moved, count) = origin(column.view());
        assert_eq!((moved.is_some(), count), (is_moved, left), "{moved:?}");
    }

    #[test]
    fn rounding_errors_stay_close() {
        let column = Array1::from(vec![0.3, 0.1 + 0.2]);
        let range = origin(column.view()).0.map(|moved| moved.apply(0.1 + 0.2) - moved.apply(0.3));
        assert!(range.is_none_or(|range| range < 1e-7), "{range:?}");
    }
}
