//! Which rows train, which validate and which test.

use crate::{data::sort::sort_by, engine::cancel::until_cancelled};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The stream of a seed's random numbers that the split draws from; a fit draws from others.
const STREAM: u64 = u64::from_le_bytes(*b"split\0\0\0");

/// How rows are divided into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SplitMethod {
    /// By chance.
    Random,
    /// By chance, each class in the same shares.
    Stratified,
    /// By chance, rows with one value of a column in one part.
    Group,
    /// By a column of dates or numbers: the latest rows test, those before them validate. Rows of one time are in one part.
    Time,
    /// By a column with `train`, `validation` and `test`.
    Column,
}

/// Row indices of each part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// Rows to learn from.
    pub training: Vec<usize>,
    /// Rows to measure on during training.
    pub validation: Vec<usize>,
    /// Rows to measure on at the end.
    pub test: Vec<usize>,
}

/// What decides the part of a row.
#[derive(Debug, Clone, Copy)]
pub enum SplitBy<'a> {
    /// Nothing: chance, or the order of the file without `shuffle`.
    Rows {
        /// Whether to shuffle before the last rows are taken.
        shuffle: bool,
    },
    /// The class of each row.
    Classes(&'a [usize]),
    /// The group of each row.
    Groups(&'a [u64]),
    /// The time of each row.
    Times(&'a [f64]),
    /// The part of each row.
    Parts(&'a [Part]),
}

/// A part of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Rows to learn from.
    Training,
    /// Rows to measure on during training.
    Validation,
    /// Rows to measure on at the end.
    Test,
}

impl Part {
    /// The part that a cell names, in any case.
    pub fn named(text: &str) -> Option<Self> {
        let is_one = |names: &[&str]| names.iter().any(|name| text.trim().eq_ignore_ascii_case(name));
        match () {
            () if is_one(&["train", "training"]) => Some(Self::Training),
            () if is_one(&["validation", "valid", "val", "dev"]) => Some(Self::Validation),
            () if is_one(&["test", "testing"]) => Some(Self::Test),
            () => None,
        }
    }
}

/// Rows of each part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartSizes {
    /// Rows to learn from.
    pub training: usize,
    /// Rows to measure on during training.
    pub validation: usize,
    /// Rows to measure on at the end.
    pub test: usize,
}

/// How many of `rows` train when the last `validation_split` of them validate: Keras's `int(rows * (1 - split))`.
pub fn training_rows(rows: usize, validation_split: f64) -> usize {
    (rows as f64 * (1.0 - validation_split)).floor() as usize
}

impl PartSizes {
    /// The sizes of parts of these shares.
    pub fn new(rows: usize, validation: f64, test: f64) -> Self {
        let of = |share: f64| rows.saturating_sub(training_rows(rows, share));
        let (validation, test) = (of(validation), of(test));
        Self { training: rows.saturating_sub(validation + test), validation, test }
    }
}

/// Divides `rows` into parts; `validation` and `test` are their shares.
///
/// The order depends on the arguments alone: it is the same on every machine. The last rows of the order validate, after them those
/// that test.
///
/// Ends early once cancelled, with parts without meaning.
///
/// # Errors
/// Where a part would have no rows though its share is over 0.
pub fn split(rows: usize, validation: f64, test: f64, by: SplitBy<'_>, seed: u64) -> Result<Split, String> {
    let sizes = PartSizes::new(rows, validation, test);
    let is_whole = validation == 0.0 && test == 0.0;
    let mut order: Vec<usize> = (0..rows).collect();
    let parts = match by {
        SplitBy::Parts(parts) => by_part(parts),
        _ if is_whole => Split { training: order, ..Split::default() },
        SplitBy::Rows { shuffle } => {
            if shuffle {
                shuffled(&mut order, seed);
            }
            let test = order.split_off(sizes.training + sizes.validation);
            let validation = order.split_off(sizes.training);
            Split { training: order, validation, test }
        }
        SplitBy::Classes(classes) => {
            shuffled(&mut order, seed);
            stratified(order, classes, sizes)
        }
        SplitBy::Groups(groups) => {
            shuffled(&mut order, seed);
            by_group(order, groups, sizes)
        }
        SplitBy::Times(times) => by_time(order, times, sizes),
    };
    let is_part = matches!(by, SplitBy::Parts(_));
    for (name, part, share) in
        [("train", &parts.training, 1.0), ("validate", &parts.validation, validation), ("test", &parts.test, test)]
    {
        if part.is_empty() && share > 0.0 && (!is_part || name == "train") {
            let counts = [&parts.training, &parts.validation, &parts.test].map(Vec::len);
            return Err(format!(
                "expected at least one row to {name} on, but the split leaves {} to train, {} to validate and {} to test on",
                counts[0], counts[1], counts[2]
            ));
        }
    }
    Ok(parts)
}

fn shuffled(order: &mut [usize], seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(STREAM);
    for last in until_cancelled((1..order.len()).rev()) {
        order.swap(last, below(last as u64 + 1, &mut random) as usize);
    }
}

fn by_part(parts: &[Part]) -> Split {
    let rows =
        |wanted: Part| parts.iter().enumerate().filter(|(_, part)| **part == wanted).map(|(row, _)| row).collect();
    Split { training: rows(Part::Training), validation: rows(Part::Validation), test: rows(Part::Test) }
}

/// How many rows of each class a part of `size` takes from `counts`: in proportion, the largest remainders one more, and each class
/// keeps a row to learn from.
pub fn shares_of_classes(counts: &[usize], size: usize) -> Vec<usize> {
    let rows: usize = counts.iter().sum();
    if rows == 0 {
        return vec![0; counts.len()];
    }
    let most = |count: usize| count.saturating_sub(1);
    let exact = |count: usize| count as f64 * size as f64 / rows as f64;
    let mut taken: Vec<usize> = counts.iter().map(|&count| (exact(count).floor() as usize).min(most(count))).collect();
    let mut order: Vec<usize> = (0..counts.len()).collect();
    let remainder = |class: usize| counts.get(class).map_or(0.0, |&count| exact(count) - exact(count).floor());
    order.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)).then(a.cmp(&b)));
    let mut left = size.saturating_sub(taken.iter().sum());
    while left > 0 {
        let before = left;
        for &class in &order {
            if let (Some(taken), Some(&count)) = (taken.get_mut(class), counts.get(class))
                && left > 0
                && *taken < most(count)
            {
                *taken += 1;
                left -= 1;
            }
        }
        if left == before {
            break;
        }
    }
    taken
}

fn stratified(order: Vec<usize>, classes: &[usize], sizes: PartSizes) -> Split {
    let class = |row: usize| classes.get(row).copied().unwrap_or_default();
    let mut counts = vec![0; classes.iter().max().map_or(0, |last| last + 1)];
    for &row in until_cancelled(order.iter()) {
        if let Some(count) = counts.get_mut(class(row)) {
            *count += 1;
        }
    }
    let mut test = shares_of_classes(&counts, sizes.test);
    let left: Vec<usize> = counts.iter().zip(&test).map(|(count, taken)| count - taken).collect();
    let mut validation = shares_of_classes(&left, sizes.validation);
    let mut parts = Split::default();
    let take = |quota: &mut Vec<usize>, row: usize| match quota.get_mut(class(row)) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    };
    for row in until_cancelled(order.into_iter()) {
        if take(&mut test, row) {
            parts.test.push(row);
        } else if take(&mut validation, row) {
            parts.validation.push(row);
        } else {
            parts.training.push(row);
        }
    }
    parts
}

/// Whole groups, in the order in which the shuffled rows have them, until a part is full.
fn by_group(order: Vec<usize>, groups: &[u64], sizes: PartSizes) -> Split {
    let group = |row: usize| groups.get(row).copied().unwrap_or_default();
    let mut rows_of: HashMap<u64, usize> = HashMap::new();
    let mut in_order = Vec::new();
    for &row in until_cancelled(order.iter()) {
        let count = rows_of.entry(group(row)).or_insert_with(|| {
            in_order.push(group(row));
            0
        });
        *count += 1;
    }
    let mut part_of: HashMap<u64, Part> = HashMap::new();
    let (mut test, mut validation) = (0, 0);
    // the last group always trains
    for key in in_order.iter().rev().skip(1).rev() {
        let count = rows_of.get(key).copied().unwrap_or_default();
        if test < sizes.test {
            part_of.insert(*key, Part::Test);
            test += count;
        } else if validation < sizes.validation {
            part_of.insert(*key, Part::Validation);
            validation += count;
        }
    }
    let mut parts = Split::default();
    for row in until_cancelled(order.into_iter()) {
        match part_of.get(&group(row)) {
            Some(Part::Test) => parts.test.push(row),
            Some(Part::Validation) => parts.validation.push(row),
            _ => parts.training.push(row),
        }
    }
    parts
}

fn by_time(mut order: Vec<usize>, times: &[f64], sizes: PartSizes) -> Split {
    let time = |row: usize| times.get(row).copied().unwrap_or(f64::NEG_INFINITY);
    sort_by(&mut order, |&a, &b| time(a).total_cmp(&time(b)));
    // rows of one time stay together, in the later part
    let boundary = |order: &[usize], at: usize| {
        let is_cut = |at: &usize| {
            let (Some(&before), Some(&after)) = (order.get(at.wrapping_sub(1)), order.get(*at)) else { return true };
            time(before) != time(after)
        };
        (0..=at.min(order.len())).rev().find(is_cut).unwrap_or(0)
    };
    let of_test = if sizes.test > 0 { boundary(&order, sizes.training + sizes.validation) } else { order.len() };
    let test = order.split_off(of_test);
    let of_validation = if sizes.validation > 0 { boundary(&order, sizes.training) } else { order.len() };
    let validation = order.split_off(of_validation);
    Split { training: order, validation, test }
}

/// A number from 0 to `bound` - 1: the high half of a 64 by 64 bit product, whose bias is under rows / 2^64.
fn below(bound: u64, random: &mut ChaCha8Rng) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(count: usize, validation: f64, shuffle: bool, seed: u64) -> Split {
        split(count, validation, 0.0, SplitBy::Rows { shuffle }, seed).unwrap()
    }

    #[test]
    fn sizes_are_those_of_keras() {
        // `int(math.floor(rows * (1.0 - split)))`, computed by CPython 3.12
        for (rows, fraction, expected) in
            [(150, 0.2, 120), (100, 0.1, 90), (10, 0.33, 6), (3, 0.9, 0), (569, 0.25, 426), (100, 0.29, 71)]
        {
            assert_eq!(training_rows(rows, fraction), expected, "{rows} rows at {fraction}");
        }
        assert_eq!(PartSizes::new(100, 0.2, 0.1), PartSizes { training: 70, validation: 20, test: 10 });
    }

    #[test]
    fn without_shuffle_the_last_rows_validate() {
        let parts = rows(10, 0.3, false, 1);
        assert_eq!(parts.training, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(parts.validation, [7, 8, 9]);
    }

    #[test]
    fn without_validation_the_order_is_the_files() {
        assert_eq!(rows(5, 0.0, true, 9).training, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn every_row_is_as_likely_to_validate() {
        let mut chosen = [0u32; 10];
        for seed in 0..5000 {
            for row in rows(10, 0.2, true, seed).validation {
                chosen[row] += 1;
            }
        }
        // 1000 expected each, standard deviation 28
        assert!(chosen.iter().all(|count| (860..1140).contains(count)), "{chosen:?}");
    }

    #[test]
    fn classes_have_the_same_shares_in_every_part() {
        let classes: Vec<usize> = (0..100).map(|row| usize::from(row >= 80) + usize::from(row >= 99)).collect();
        let parts = split(100, 0.2, 0.1, SplitBy::Classes(&classes), 3).unwrap();
        let count = |part: &[usize], class| part.iter().filter(|row| classes[**row] == class).count();
        assert_eq!([count(&parts.training, 0), count(&parts.validation, 0), count(&parts.test, 0)], [56, 16, 8]);
        assert_eq!([count(&parts.training, 1), count(&parts.validation, 1), count(&parts.test, 1)], [13, 4, 2]);
        assert_eq!(count(&parts.training, 2), 1, "a class of one row trains");
    }

    #[test]
    fn a_group_is_in_one_part() {
        let groups: Vec<u64> = (0..100).map(|row| row / 7).collect();
        let parts = split(100, 0.2, 0.2, SplitBy::Groups(&groups), 5).unwrap();
        let of = |part: &[usize]| part.iter().map(|row| groups[*row]).collect::<std::collections::BTreeSet<_>>();
        let (training, validation, test) = (of(&parts.training), of(&parts.validation), of(&parts.test));
        assert!(training.is_disjoint(&validation) && training.is_disjoint(&test) && validation.is_disjoint(&test));
        assert!((20..27).contains(&parts.test.len()) && (20..27).contains(&parts.validation.len()), "{parts:?}");
        assert!(split(4, 0.5, 0.0, SplitBy::Groups(&[1, 1, 1, 1]), 5).is_err());
    }

    #[test]
    fn the_latest_rows_test_and_one_time_is_in_one_part() {
        let times = [5.0, 1.0, 4.0, 4.0, 2.0, 3.0, 4.0, 0.0, 6.0, 7.0];
        let parts = split(10, 0.2, 0.2, SplitBy::Times(&times), 0).unwrap();
        assert_eq!(parts.test, [8, 9]);
        assert_eq!((parts.validation, parts.training), (vec![2, 3, 6, 0], vec![7, 1, 4, 5]));
        assert!(split(3, 0.3, 0.0, SplitBy::Times(&[1.0, 1.0, 1.0]), 0).is_err());
    }

    #[test]
    fn parts_by_name() {
        let names = ["train", "Test", "val", "training", "validation"];
        let parts: Vec<Part> = names.iter().map(|name| Part::named(name).unwrap()).collect();
        let received = split(5, 0.0, 0.0, SplitBy::Parts(&parts), 0).unwrap();
        assert_eq!(received, Split { training: vec![0, 3], validation: vec![2, 4], test: vec![1] });
        assert_eq!(Part::named("other"), None);
    }

    proptest! {
        #[test]
        fn parts_hold_every_row_once(
            count in 3usize..400, fraction in 0.01f64..0.5, test in 0.0f64..0.3, kind in 0usize..4, seed: u64,
        ) {
            let classes: Vec<usize> = (0..count).map(|row| row * row % 5).collect();
            let groups: Vec<u64> = (0..count as u64).map(|row| row * row % 11).collect();
            let times: Vec<f64> = (0..count).map(|row| (row * row % 13) as f64).collect();
            let by = [
                SplitBy::Rows { shuffle: true }, SplitBy::Classes(&classes), SplitBy::Groups(&groups), SplitBy::Times(&times),
            ][kind];
            let Ok(parts) = split(count, fraction, test, by, seed) else { return Ok(()) };
            if kind == 0 {
                let sizes = PartSizes::new(count, fraction, test);
                prop_assert_eq!((parts.training.len(), parts.test.len()), (sizes.training, sizes.test));
            }
            let mut all = [parts.training.clone(), parts.validation.clone(), parts.test.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..count).collect::<Vec<_>>());
            prop_assert_eq!(parts, split(count, fraction, test, by, seed).unwrap());
        }
    }
}
