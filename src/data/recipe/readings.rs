//! [`Reading`]: what the numbers of a column of a [`super::Matrix`] stand for, for the splits of a tree.

use super::{
    Recipe,
    dates::DateFeature,
    feature::{Encoding, Feature},
};
use crate::{
    data::date::civil,
    engine::classical::{SplitView, SplitWords},
};

/// Levels up to which both sides of a split are listed.
const MAX_LISTED: usize = 255;

/// The days of [`DateFeature::Weekday`].
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// What the numbers of a column stand for.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Themselves.
    Number,
    /// Seconds since 1970.
    Time,
    /// 1 in rows with a level, 0 in others.
    OneLevel {
        /// The column of the table.
        column: String,
        /// The level.
        level: String,
    },
    /// Levels.
    Levels {
        /// Each with its number.
        levels: Vec<(f64, String)>,
        /// Whether the numbers are the places of the levels.
        in_order: bool,
    },
}

impl Reading {
    /// `false` and `true`.
    fn boolean() -> Self {
        Self::places(["false", "true"])
    }

    fn of_date(feature: Option<DateFeature>) -> Self {
        match feature {
            Some(DateFeature::Trend) => Self::Time,
            Some(DateFeature::Weekday) => Self::places(WEEKDAYS),
            Some(DateFeature::IsWeekend) => Self::boolean(),
            _ => Self::Number,
        }
    }

    fn places<const COUNT: usize>(names: [&str; COUNT]) -> Self {
        let levels = (0_u32..).zip(names).map(|(place, name)| (f64::from(place), name.to_owned())).collect();
        Self::Levels { levels, in_order: true }
    }

    /// A split of the column.
    pub fn words(&self, split: &SplitView) -> SplitWords {
        let none = SplitWords::default();
        match (self, &split.categories_left, split.threshold) {
            (Self::Number, ..) | (Self::Time, _, None) | (Self::Levels { .. }, None, None) => none,
            (Self::OneLevel { column, level }, _, Some(threshold)) if (0.0..1.0).contains(&threshold) => {
                SplitWords { column: Some(column.clone()), levels_right: Some(vec![level.clone()]), ..none }
            }
            (Self::OneLevel { .. }, ..) => none,
            (Self::Time, _, Some(threshold)) => SplitWords { threshold_date: Some(date(threshold)), ..none },
            (Self::Levels { levels, in_order }, codes, threshold) if levels.len() > MAX_LISTED => {
                let threshold = threshold.filter(|_| *in_order && codes.is_none());
                let left = threshold.and_then(|threshold| levels.iter().rfind(|(number, _)| *number <= threshold));
                SplitWords { last_level_left: left.map(|(_, level)| level.clone()), ..none }
            }
            (Self::Levels { levels, .. }, codes, threshold) => {
                let goes_left = |number: f64| match codes {
                    Some(codes) => codes.iter().any(|code| *code as f64 == number),
                    None => threshold.is_some_and(|threshold| number <= threshold),
                };
                let side = |is_left: bool| -> Option<Vec<String>> {
                    let levels = levels.iter().filter(|(number, _)| goes_left(*number) == is_left);
                    Some(levels.map(|(_, level)| level.clone()).collect())
                };
                SplitWords { levels_left: side(true), levels_right: side(false), ..none }
            }
        }
    }
}

/// A time as a date, with the time of the day where it is not midnight.
fn date(seconds: f64) -> String {
    let at = civil(seconds.floor());
    let day = format!("{:04}-{:02}-{:02}", at.year, at.month, at.day);
    match at.second_of_day as u32 {
        0 => day,
        second => format!("{day}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60),
    }
}

impl Recipe {
    /// What the numbers of each column of [`Self::matrix`] stand for.
    pub fn readings(&self) -> Vec<Reading> {
        self.features.iter().flat_map(readings).collect()
    }
}

fn readings(feature: &Feature) -> Vec<Reading> {
    let mut readings = match feature.encoding() {
        Encoding::Boolean(numbers) if !numbers.is_scaled() => vec![Reading::boolean()],
        Encoding::Ordinal(places) | Encoding::Embedding(places) => {
            let names = places.levels.names().iter().enumerate();
            let seen = names.filter(|(place, _)| places.levels.is_seen(*place));
            let number = |place: usize| places.numbers.scaled(places.number(Some(place)));
            let levels = seen.map(|(place, level)| (number(place), level.clone())).collect();
            vec![Reading::Levels { levels, in_order: true }]
        }
        Encoding::Target(target) => {
            let names = target.levels.names().iter().enumerate();
            let seen: Vec<(usize, &String)> = names.filter(|(place, _)| target.levels.is_seen(*place)).collect();
            let of_element = |element: usize| {
                let number = |place: usize| target.elements(Some(place)).get(element).copied().unwrap_or(f64::NAN);
                let levels = seen.iter().map(|(place, level)| (number(*place), (*level).clone())).collect();
                Reading::Levels { levels, in_order: false }
            };
            (0..target.width()).map(of_element).collect()
        }
        Encoding::Datetime(dates) => dates.unscaled().into_iter().map(Reading::of_date).collect(),
        Encoding::OneHot(one_hot) => {
            let of_level =
                |level: &String| Reading::OneLevel { column: feature.name().to_owned(), level: level.clone() };
            one_hot.levels.names().iter().map(of_level).collect()
        }
        Encoding::Boolean(_) | Encoding::Number(_) | Encoding::Hashing(_) => Vec::new(),
    };
    // The elements that say where a cell is missing, among others.
    readings.resize(feature.width(), Reading::Number);
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(categories_left: Option<Vec<usize>>, threshold: Option<f64>) -> SplitView {
        let words = SplitWords::default();
        SplitView { feature: 0, threshold, categories_left, missing_go_to_left: true, left: 1, right: 2, words }
    }

    #[test]
    fn dates_have_a_time_where_they_need_one() {
        assert_eq!(
            [date(0.0), date(86_399.5), date(-0.5)],
            ["1970-01-01", "1970-01-01T23:59:59", "1969-12-31T23:59:59"]
        );
    }

    #[test]
    fn both_sides_of_few_levels_are_listed_and_the_last_one_of_many() {
        let few = Reading::of_date(Some(DateFeature::Weekday));
        let words = few.words(&split(Some(vec![5, 6]), None));
        assert_eq!(words.levels_left.unwrap(), ["Saturday", "Sunday"]);
        assert_eq!(words.levels_right.unwrap().len(), 5);
        let words = few.words(&split(None, Some(0.5)));
        assert_eq!(words.levels_left.unwrap(), ["Monday"]);
        let levels = (0_u32..300).map(|place| (f64::from(place), format!("l{place}"))).collect();
        let many = Reading::Levels { levels, in_order: true }.words(&split(None, Some(41.5)));
        assert_eq!((many.levels_left, many.last_level_left.as_deref()), (None, Some("l41")));
        assert_eq!(Reading::Time.words(&split(None, None)), SplitWords::default());
        let rome = Reading::OneLevel { column: "city".to_owned(), level: "Rome".to_owned() };
        assert_eq!(rome.words(&split(None, Some(0.5))).levels_right.unwrap(), ["Rome"]);
    }
}
