//! Fitting a feature on the training rows.

use super::{
    Scale,
    cells::{codes, numbers, times},
    dates::Dates,
    encode_settings::{EncodeSettings, TargetSettings, Unseen},
    feature::{Encoding, Feature, FittedFeature, Places},
    hashing::Hashing,
    levels::Levels,
    missing::{Missing, MissingStrategy},
    numbers::Numbers,
    one_hot::OneHot,
    preparation::{Preparation, levels},
    target_mean::{TargetMean, TargetValues},
};
use crate::{
    data::{
        date::DatePattern,
        read::reads_text,
        schema::{Column, ColumnType},
        table::TableColumn,
    },
    engine::cancel::until_cancelled,
};
use ndarray::Array2;
use serde_json::Value;

impl Feature {
    /// Fits on the rows `training`. `targets` are those of these rows, if there is one target column.
    pub fn fit(
        column: &Column,
        cells: &TableColumn,
        preparation: &Preparation,
        training: &[usize],
        targets: Option<&TargetValues>,
    ) -> Result<FittedFeature, String> {
        let has_missing = column.missing > 0;
        let mut of_training = None;
        let mut unseen_rule = Unseen::Zeros;
        let encoding = match preparation {
            Preparation::Number { scale, missing } => {
                let values = numbers(&cells.cells);
                let values = training.iter().map(|&row| values.get(row));
                Encoding::Number(Numbers::fit(values, scale, missing, has_missing, !scale.is_none()))
            }
            Preparation::Boolean { missing, keep_constant } => {
                let values = numbers(&cells.cells);
                let values = training.iter().map(|&row| values.get(row));
                let scale = Scale::none();
                Encoding::Boolean(Numbers::fit(values, &scale, missing, has_missing, !keep_constant))
            }
            Preparation::Ordinal { order, scale, unseen, missing } => {
                unseen_rule = *unseen;
                // every level of the order has its place, whether training rows have it or not
                let levels = Levels::new(order.clone(), vec![true; order.len()]);
                Encoding::Ordinal(places(levels, 0, None, cells, training, |numbers| {
                    Numbers::fit(numbers, scale, missing, true, !scale.is_none())
                }))
            }
            Preparation::Datetime { format, features, scale, missing } => {
                let times = times(&cells.cells, format);
                let times: Vec<f64> = training.iter().map(|&row| times.get(row)).collect();
                let dates = Dates::fit(&times, format.clone(), features, scale, missing, has_missing);
                Encoding::Datetime(dates.with_zone(has_zone(column, format)))
            }
            Preparation::Category { encode, unseen, missing, scale, keep_constant, .. } => {
                unseen_rule = *unseen;
                let levels = seen_levels(column, cells, training)?;
                match encode.0 {
                    EncodeSettings::OneHot(_) => {
                        Encoding::OneHot(one_hot(levels, cells, training, missing, has_missing, !keep_constant))
                    }
                    EncodeSettings::Ordinal(_) => {
                        let is_kept = missing.strategy == MissingStrategy::Keep;
                        let constant =
                            Missing { value: Some(Value::from(-1)), ..Missing::of(MissingStrategy::Constant) };
                        let missing = match missing.strategy {
                            MissingStrategy::Keep => missing.clone(),
                            _ => Missing { indicator: missing.indicator, ..constant },
                        };
                        let zero = !scale.is_none() && !is_kept;
                        Encoding::Ordinal(places(levels, 0, Some(-1.0), cells, training, |numbers| {
                            Numbers::fit(numbers, scale, &missing, has_missing, zero)
                        }))
                    }
                    EncodeSettings::Embedding(_) => {
                        let missing = Missing { value: Some(Value::from(0)), ..Missing::of(MissingStrategy::Constant) };
                        Encoding::Embedding(places(levels, 1, Some(0.0), cells, training, |numbers| {
                            Numbers::fit(numbers, &Scale::none(), &missing, has_missing, false)
                        }))
                    }
                    EncodeSettings::Hashing(hashing) => {
                        let (n_features, alternate_sign) = (hashing.n_features, hashing.alternate_sign);
                        Encoding::Hashing(Hashing { n_features, alternate_sign })
                    }
                    EncodeSettings::Target(settings) => {
                        let (mean, elements) = target_mean(levels, cells, training, targets, settings)?;
                        of_training = Some(elements);
                        Encoding::Target(mean)
                    }
                }
            }
        };
        let from = match Some(column.kind).filter(|kind| *kind != preparation.kind()) {
            // it may be text in the file
            None if column.is_given() && reads_text(column.kind) => Some(ColumnType::Category),
            from => from,
        };
        let feature = Self { name: column.name.clone(), encoding, unseen: unseen_rule, from };
        Ok(FittedFeature { feature, of_training })
    }
}

/// Whether the times of a column say their offset from UTC; `None` where only some do.
fn has_zone(column: &Column, format: &DatePattern) -> Option<bool> {
    if column.kind == ColumnType::Datetime {
        return column.has_zone;
    }
    let (mut count, mut zoned, mut is_timed) = (0, 0, false);
    for instant in column.levels()?.into_iter().filter_map(|level| format.read(level)) {
        count += 1;
        zoned += usize::from(instant.zoned);
        is_timed |= instant.timed;
    }
    if zoned == 0 { is_timed.then_some(false) } else { (zoned == count).then_some(true) }
}

/// The levels of a column, and which of them training rows have.
fn seen_levels(column: &Column, cells: &TableColumn, training: &[usize]) -> Result<Levels, String> {
    let known = levels(column)?;
    let all = Levels::new(known.clone(), vec![true; known.len()]);
    let codes = codes(&cells.cells, &all);
    let mut seen = vec![false; known.len()];
    for &row in until_cancelled(training.iter()) {
        if let Some(seen) = codes.get(row).flatten().and_then(|place| seen.get_mut(place)) {
            *seen = true;
        }
    }
    Ok(Levels::new(known, seen))
}

fn places(
    levels: Levels,
    first: usize,
    unseen: Option<f64>,
    cells: &TableColumn,
    training: &[usize],
    fit: impl FnOnce(&mut dyn Iterator<Item = f64>) -> Numbers,
) -> Places {
    let codes = codes(&cells.cells, &levels);
    let number = |&row: &usize| codes.get(row).flatten().map_or(f64::NAN, |place| (first + place) as f64);
    let numbers = fit(&mut training.iter().map(number));
    drop(codes);
    Places { levels, first, unseen, numbers }
}

fn one_hot(
    levels: Levels,
    cells: &TableColumn,
    training: &[usize],
    missing: &Missing,
    has_missing: bool,
    zero_constant: bool,
) -> OneHot {
    let codes = codes(&cells.cells, &levels);
    let missing_seen = training.iter().any(|&row| codes.get(row).is_none());
    let fill = match missing.strategy {
        MissingStrategy::MostFrequent => {
            let mut counts = vec![0usize; levels.len()];
            for &row in until_cancelled(training.iter()) {
                if let Some(count) = codes.get(row).flatten().and_then(|place| counts.get_mut(place)) {
                    *count += 1;
                }
            }
            counts
                .iter()
                .enumerate()
                .max_by_key(|(place, count)| (**count, std::cmp::Reverse(*place)))
                .map(|(place, _)| place)
        }
        MissingStrategy::Constant => {
            missing.value.as_ref().and_then(Value::as_str).and_then(|level| levels.place(level))
        }
        _ => None,
    };
    let has_element = missing.strategy == MissingStrategy::Level && has_missing;
    drop(codes);
    OneHot::new(levels, has_element, missing_seen, fill, zero_constant)
}

fn target_mean(
    levels: Levels,
    cells: &TableColumn,
    training: &[usize],
    targets: Option<&TargetValues>,
    settings: TargetSettings,
) -> Result<(TargetMean, Array2<f64>), String> {
    let targets = targets.ok_or("expected one target column for the encoding `target`")?;
    let codes = codes(&cells.cells, &levels);
    let missing = levels.len();
    let places = until_cancelled(training.iter());
    let places: Vec<usize> = places.map(|&row| codes.get(row).flatten().unwrap_or(missing)).collect();
    drop(codes);
    let (mean, of_rows) = TargetMean::fit(levels, &places, targets, settings);
    let width = mean.width();
    let mut elements = Vec::with_capacity(of_rows.len() * width);
    elements.extend(of_rows.into_iter().flatten());
    let elements = Array2::from_shape_vec((training.len(), width), elements).map_err(|error| error.to_string())?;
    Ok((mean, elements))
}
