//! One value of a raw instance as input elements.

use super::{
    cells::number_as_date,
    dates::Dates,
    encode_settings::Unseen,
    feature::{Encoding, Feature, code},
    levels::Levels,
    notes::Notes,
    numbers::Numbers,
    scale::expected_of_scale,
};
use crate::data::{
    date::Instant,
    read::{boolean_in, is_missing, is_past_integers, number_in, number_text, spells, trim},
    schema::ColumnType,
};
use crate::engine::real::Real;
use serde_json::Value;
use std::borrow::Cow;

/// Maximum characters of a value in a warning.
const MAX_CHARACTERS: usize = 40;

/// Fills the feature's columns of the inputs, which are zero.
#[inline]
pub(super) fn encode_value<F: Real>(
    feature: &Feature,
    value: &Value,
    elements: &mut [F],
    notes: &mut Notes,
    pointer: impl Fn() -> String,
) {
    let outcome = match feature.encoding() {
        Encoding::Number(numbers) => number(feature, value).and_then(|number| {
            numbers.encode(number, elements);
            if !number.is_nan() && elements.iter().any(|element| !element.finite()) {
                return Err(format!("expected {}, received {}", expected_of_scale(numbers.steps()), kind(value)));
            }
            warn_of_clipping(feature, numbers, number, notes, &pointer);
            Ok(())
        }),
        Encoding::Boolean(numbers) => truth(feature, value).map(|number| numbers.encode(number, elements)),
        Encoding::Datetime(dates) => time(feature, value, dates, notes, &pointer).map(|seconds| {
            dates.encode(seconds, elements);
        }),
        Encoding::Hashing(hashing) => level(feature, value).map(|level| {
            if let Some((element, sign)) = level.map(|level| hashing.element(feature.name(), &level))
                && let Some(element) = elements.get_mut(element)
            {
                *element = F::of(sign);
            }
        }),
        Encoding::Ordinal(places) | Encoding::Embedding(places) => {
            find(feature, &places.levels, value).and_then(|found| {
                let number = match note(feature, &found, notes, &pointer)? {
                    Place::Missing => f64::NAN,
                    Place::Of(place) => places.number(Some(place)),
                    Place::Unseen => places.number(None),
                };
                places.numbers.encode(number, elements);
                Ok(())
            })
        }
        Encoding::OneHot(one_hot) => find(feature, &one_hot.levels, value).and_then(|found| {
            let element = match note(feature, &found, notes, &pointer)? {
                Place::Missing => one_hot.missing_element(),
                Place::Of(place) if !one_hot.is_constant() => Some(place),
                Place::Of(_) | Place::Unseen => None,
            };
            elements.fill(code(element));
            Ok(())
        }),
        Encoding::Target(target) => find(feature, &target.levels, value).and_then(|found| {
            let of_level = match note(feature, &found, notes, &pointer)? {
                Place::Missing => target.elements(Some(target.levels.len())),
                Place::Of(place) => target.elements(Some(place)),
                Place::Unseen => target.elements(None),
            };
            elements.iter_mut().zip(of_level).for_each(|(element, value)| *element = F::of(*value));
            Ok(())
        }),
    };
    let finite = elements.iter().all(|element| element.finite()) || feature.keeps_missing();
    match outcome {
        Err(detail) => notes.error(&pointer(), detail),
        Ok(()) if !finite => {
            let detail =
                format!("expected a number nearer to those the model was trained on, received {}", kind(value));
            notes.error(&pointer(), detail);
        }
        Ok(()) => {
            if let Some(detail) = feature.is_without_effect(value) {
                notes.warn("constant_in_training", pointer, detail);
            }
        }
    }
}

fn warn_of_clipping(
    feature: &Feature,
    numbers: &Numbers,
    number: f64,
    notes: &mut Notes,
    pointer: impl Fn() -> String,
) {
    let Some((min, max, is_of_number)) = numbers.clipped(number) else { return };
    let of_step = if is_of_number { "" } else { " after the steps before it" };
    let detail = format!(
        "{number} is outside the bounds of {:?}, {min} to {max}{of_step}, and is taken as the nearer bound",
        feature.name()
    );
    notes.warn("clipped", pointer, detail);
}

fn unexpected(feature: &Feature, value: &Value) -> String {
    format!("expected {}, received {}", expected(feature), kind(value))
}

fn number(feature: &Feature, value: &Value) -> Result<f64, String> {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::INFINITY);
            if !(number as f32).is_finite() {
                return Err(format!("expected a number within ±{:e}, received {value}", f32::MAX));
            }
            Ok(number)
        }
        Value::Null => Ok(f64::NAN),
        Value::Bool(value) if feature.is_from(ColumnType::Boolean) => Ok(f64::from(u8::from(*value))),
        Value::String(text) if feature.is_from(ColumnType::Boolean) => word(feature, value, text),
        // a column of text that is prepared as numbers
        Value::String(text) if feature.is_from(ColumnType::Category) => match trim(text) {
            missing if is_missing(missing) => Ok(f64::NAN),
            text => {
                number_in(text).filter(|number| (*number as f32).is_finite()).ok_or_else(|| unexpected(feature, value))
            }
        },
        _ => Err(unexpected(feature, value)),
    }
}

fn truth(feature: &Feature, value: &Value) -> Result<f64, String> {
    match value {
        Value::Bool(value) => Ok(f64::from(u8::from(*value))),
        Value::Null => Ok(f64::NAN),
        Value::Number(number) if feature.is_from(ColumnType::Number) || feature.is_from(ColumnType::Category) => {
            let truth = number.as_f64().filter(|number| [0.0, 1.0].contains(number));
            truth.ok_or_else(|| format!("expected 0, 1, true, false or null, received {value}"))
        }
        Value::String(text) if feature.is_from(ColumnType::Category) => match trim(text) {
            "1" => Ok(1.0),
            "0" => Ok(0.0),
            // a column that the client declared boolean
            text => match boolean_in(text) {
                Some(truth) => Ok(f64::from(u8::from(truth))),
                None => word(feature, value, text),
            },
        },
        Value::String(text) if !feature.is_from(ColumnType::Number) => word(feature, value, text),
        _ => Err(unexpected(feature, value)),
    }
}

/// The words of a boolean column in a file, which are booleans or missing in any case.
fn word(feature: &Feature, value: &Value, text: &str) -> Result<f64, String> {
    match (true_or_false(text), trim(text)) {
        (Some(truth), _) => Ok(f64::from(u8::from(truth))),
        (None, missing) if is_missing(missing) => Ok(f64::NAN),
        _ => Err(unexpected(feature, value)),
    }
}

fn true_or_false(text: &str) -> Option<bool> {
    let text = trim(text);
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") { Some(true) } else { is("false").then_some(false) }
}

/// The level that a text is: white space around it is not, and a column of booleans has two.
fn level_of<'t>(feature: &Feature, text: &'t str) -> &'t str {
    match true_or_false(text).filter(|_| feature.is_from(ColumnType::Boolean)) {
        Some(true) => "true",
        Some(false) => "false",
        None => trim(text),
    }
}

fn time(
    feature: &Feature,
    value: &Value,
    dates: &Dates,
    notes: &mut Notes,
    pointer: impl Fn() -> String,
) -> Result<f64, String> {
    let format = &dates.format;
    let (seconds, text) = match value {
        Value::Null => return Ok(f64::NAN),
        Value::String(text) if is_missing(trim(text)) => return Ok(f64::NAN),
        Value::String(text) => {
            let instant = format.read(text);
            if let Some(detail) = instant.and_then(|instant| other_zone(feature, dates, instant, text)) {
                notes.warn("time_zone", &pointer, detail);
            }
            (instant.map(|instant| instant.seconds), text.as_str().into())
        }
        Value::Number(number) if format.is_numeric() => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            (Some(number_as_date(number, format)).filter(|seconds| !seconds.is_nan()), Cow::Owned(number.to_string()))
        }
        _ => return Err(unexpected(feature, value)),
    };
    Ok(seconds.unwrap_or_else(|| {
        let text: String = text.chars().take(MAX_CHARACTERS).collect();
        let detail = format!("{text:?} is no date of the form {} and is taken as missing", format.as_str());
        notes.warn("not_a_date", pointer, detail);
        f64::NAN
    }))
}

/// What is to be said of a time with an offset from UTC where the training data have none, and the other way round.
fn other_zone(feature: &Feature, dates: &Dates, instant: Instant, text: &str) -> Option<String> {
    let said = match dates.has_zone? {
        true if instant.timed && !instant.zoned => "has no time zone and is taken as UTC; the training data of",
        false if instant.offset != 0 => "is taken as the same moment in UTC; the training data, taken as UTC, of",
        _ => return None,
    };
    let text: String = text.chars().take(MAX_CHARACTERS).collect();
    let those = if instant.zoned { "have no zone" } else { "have zones" };
    Some(format!("{text:?} {said} {:?} {those}", feature.name()))
}

/// What a value of a category is.
enum Found {
    Missing,
    Place(usize),
    /// A level that no row has.
    New(String),
}

/// What a category's value becomes.
enum Place {
    Missing,
    Of(usize),
    Unseen,
}

/// Warns of a level that no training row has; an error where the recipe wants one.
fn note(feature: &Feature, found: &Found, notes: &mut Notes, pointer: impl Fn() -> String) -> Result<Place, String> {
    let levels = feature.levels();
    let level = match found {
        Found::Missing => return Ok(Place::Missing),
        Found::Place(place) if levels.is_some_and(|levels| levels.is_seen(*place)) => return Ok(Place::Of(*place)),
        Found::Place(place) => levels.and_then(|levels| levels.names().get(*place)).cloned().unwrap_or_default(),
        Found::New(level) => level.clone(),
    };
    let level: String = level.chars().take(MAX_CHARACTERS).collect();
    let detail = format!("{level:?} was not in the training data of {:?}", feature.name());
    match feature.unseen() {
        Unseen::Error => Err(detail),
        rule => {
            notes.warn("unseen_level", pointer, detail);
            Ok(if rule == Unseen::Missing { Place::Missing } else { Place::Unseen })
        }
    }
}

/// The text of a level; `None` for a missing value.
fn level<'v>(feature: &Feature, value: &'v Value) -> Result<Option<Cow<'v, str>>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(level_of(feature, text)).filter(|level| !is_missing(level)).map(Cow::Borrowed)),
        Value::Number(number) if is_past_integers(number) => Err(format!(
            "expected text, since a number keeps about 16 digits of an integer past 64 bits, received {number}"
        )),
        Value::Number(number) => Ok(Some(number_text(number).into())),
        Value::Bool(value) => Ok(Some(value.to_string().into())),
        Value::Array(_) | Value::Object(_) => Err(unexpected(feature, value)),
    }
}

fn find(feature: &Feature, levels: &Levels, value: &Value) -> Result<Found, String> {
    let of_level = |level: &str| levels.place(level).map_or_else(|| Found::New(level.to_owned()), Found::Place);
    Ok(match value {
        Value::Null => Found::Missing,
        Value::String(text) => {
            let level = level_of(feature, text);
            // a file spells a missing category so
            if is_missing(level) && levels.place(level).is_none() { Found::Missing } else { of_level(level) }
        }
        // levels of a column that mixes text with numbers are known by their spelling
        Value::Number(number) => {
            let level = number_text(number);
            let is_same = |place: &usize| levels.names().get(*place).is_some_and(|level| spells(level, number));
            match number.as_f64().and_then(|value| levels.place_of_number(value)).filter(is_same) {
                _ if levels.place(&level).is_some() => of_level(&level),
                Some(place) => Found::Place(place),
                None if levels.has_numbers() => Found::New(level),
                None => return Err(unexpected(feature, value)),
            }
        }
        Value::Bool(value) if levels.place(if *value { "true" } else { "false" }).is_some() => {
            of_level(if *value { "true" } else { "false" })
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(unexpected(feature, value)),
    })
}

fn expected(feature: &Feature) -> &'static str {
    match feature.encoding() {
        Encoding::Number(_) => "a number or null",
        Encoding::Boolean(_) => "true, false or null",
        Encoding::Datetime(_) => "a date or null",
        _ => "text or null",
    }
}

/// A value for a message.
pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.chars().count() <= MAX_CHARACTERS => format!("the text {text:?}"),
        Value::String(_) => "text".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}
