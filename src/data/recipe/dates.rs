//! [`Dates`]: calendar fields, positions in cycles, and the trend of a date.

use super::{missing::Missing, numbers::Numbers, scale::Scale};
use crate::data::date::{Civil, DatePattern, civil};
use crate::engine::real::Real;
use ndarray::ArrayViewMut2;
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// What a date becomes: an element each, and two for a cycle, the sine and the cosine of its angle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateFeature {
    /// Seconds since 1970.
    Trend,
    /// The year.
    Year,
    /// 1 to 4.
    Quarter,
    /// 1 to 12.
    Month,
    /// 1 to 31.
    Day,
    /// Monday is 0.
    Weekday,
    /// 1 to 366.
    DayOfYear,
    /// 0 to 23.
    Hour,
    /// 0 to 59.
    Minute,
    /// 1 on Saturdays and Sundays.
    IsWeekend,
    /// The position in the year.
    YearCycle,
    /// The month, as a position in the year.
    MonthCycle,
    /// The weekday, as a position in the week.
    WeekCycle,
    /// The time of the day.
    DayCycle,
}

impl DateFeature {
    /// Whether it is a sine and a cosine.
    pub fn is_cycle(self) -> bool {
        matches!(self, Self::YearCycle | Self::MonthCycle | Self::WeekCycle | Self::DayCycle)
    }

    /// The number, or the angle of a cycle.
    fn value(self, seconds: f64, date: &Civil) -> f64 {
        let day = f64::from(date.day_of_year - 1) + date.second_of_day / 86_400.0;
        match self {
            Self::Trend => seconds,
            Self::Year => date.year as f64,
            Self::Quarter => f64::from((date.month - 1) / 3 + 1),
            Self::Month => f64::from(date.month),
            Self::Day => f64::from(date.day),
            Self::Weekday => f64::from(date.weekday),
            Self::DayOfYear => f64::from(date.day_of_year),
            Self::Hour => (date.second_of_day / 3600.0).floor(),
            Self::Minute => (date.second_of_day / 60.0).floor() % 60.0,
            Self::IsWeekend => f64::from(u8::from(date.weekday >= 5)),
            Self::YearCycle => TAU * day / f64::from(date.days_in_year),
            Self::MonthCycle => TAU * f64::from(date.month - 1) / 12.0,
            Self::WeekCycle => TAU * f64::from(date.weekday) / 7.0,
            Self::DayCycle => TAU * date.second_of_day / 86_400.0,
        }
    }
}

/// What is fitted on a column of dates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dates {
    /// Their form.
    pub format: DatePattern,
    /// Whether the times of the training data say their offset from UTC; absent where only some do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_zone: Option<bool>,
    parts: Vec<DatePart>,
    /// Whether a last element says where the date is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    indicator: bool,
}

/// One feature of a date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct DatePart {
    feature: DateFeature,
    /// How it is scaled; cycles are not, and are 0 where the date is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    numbers: Option<Numbers>,
    /// Whether every training row has this position of a cycle, so that its elements are 0 throughout.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    constant: bool,
}

impl DateFeature {
    /// The name in JSON.
    fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
    }
}

impl Dates {
    /// Elements of these features.
    pub fn width_of(features: &[DateFeature], indicator: bool) -> usize {
        features.iter().map(|feature| if feature.is_cycle() { 2 } else { 1 }).sum::<usize>() + usize::from(indicator)
    }

    /// Fits on the times of the training rows; NaN is a missing one.
    pub fn fit(
        times: &[f64],
        format: DatePattern,
        features: &[DateFeature],
        scale: &Scale,
        missing: &Missing,
        has_missing: bool,
    ) -> Self {
        let part = |&feature: &DateFeature| {
            let numbers = (!feature.is_cycle()).then(|| {
                let missing = Missing { indicator: false, ..missing.clone() };
                let values = times.iter().map(|&time| value(feature, time));
                Numbers::fit(values, scale, &missing, has_missing, !scale.is_none())
            });
            let is_constant = || {
                let mut values = times.iter().filter(|time| !time.is_nan()).map(|&time| value(feature, time));
                let first = values.next();
                values.all(|value| Some(value) == first)
            };
            let constant = numbers.is_none() && !scale.is_none() && is_constant();
            DatePart { feature, numbers, constant }
        };
        let (parts, indicator) = (features.iter().map(part).collect(), missing.indicator && has_missing);
        Self { format, has_zone: None, parts, indicator }
    }

    /// The same with the knowledge whether the times of the training data say their offset from UTC.
    pub fn with_zone(self, has_zone: Option<bool>) -> Self {
        Self { has_zone, ..self }
    }

    /// Elements.
    pub fn width(&self) -> usize {
        let features: Vec<DateFeature> = self.parts.iter().map(|part| part.feature).collect();
        Self::width_of(&features, self.indicator)
    }

    /// A name for each element: the feature's, with `sin` and `cos` for a cycle.
    pub fn element_names(&self) -> Vec<String> {
        let of_part = |part: &DatePart| {
            let name = part.feature.name();
            if part.feature.is_cycle() { vec![format!("{name}.sin"), format!("{name}.cos")] } else { vec![name] }
        };
        let indicator = self.indicator.then(|| "missing".to_owned());
        self.parts.iter().flat_map(of_part).chain(indicator).collect()
    }

    /// The numbers of the features that are no cycles, each with its element.
    pub fn numbers_mut(&mut self) -> Vec<(usize, &mut Numbers)> {
        let mut next = 0;
        let parts = self.parts.iter_mut().filter_map(|part| {
            let element = next;
            next += if part.feature.is_cycle() { 2 } else { 1 };
            part.numbers.as_mut().map(|numbers| (element, numbers))
        });
        parts.collect()
    }

    /// Whether every element is 0 whatever the date.
    pub fn is_constant(&self) -> bool {
        let is_constant = |part: &DatePart| part.numbers.as_ref().map_or(part.constant, Numbers::is_constant);
        !self.indicator && self.parts.iter().all(is_constant)
    }

    /// The time of every training row of a constant column, where its trend is among the features.
    pub fn only_time(&self) -> Option<f64> {
        let trend = self.parts.iter().find(|part| part.feature == DateFeature::Trend)?;
        trend.numbers.as_ref()?.fill()
    }

    /// The numbers of each element, where it is a number.
    pub fn numbers(&self) -> Vec<Option<&Numbers>> {
        let parts = self.parts.iter().flat_map(|part| {
            let elements = if part.feature.is_cycle() { 2 } else { 1 };
            std::iter::repeat_n(part.numbers.as_ref(), elements)
        });
        parts.collect()
    }

    /// For each element the feature whose number it is, as far as it is not scaled; `None` for others.
    pub fn unscaled(&self) -> Vec<Option<DateFeature>> {
        let of_part = |part: &DatePart| match &part.numbers {
            Some(numbers) => vec![(!numbers.is_scaled()).then_some(part.feature)],
            None => vec![None; 2],
        };
        self.parts.iter().flat_map(of_part).chain(self.indicator.then_some(None)).collect()
    }

    /// Whether missing numbers stay NaN.
    pub fn keeps_missing(&self) -> bool {
        self.parts.iter().filter_map(|part| part.numbers.as_ref()).any(|numbers| numbers.fill().is_none())
    }

    /// Fills the elements of one time; NaN is a missing one.
    pub fn encode<F: Real>(&self, seconds: f64, elements: &mut [F]) {
        let date = (!seconds.is_nan()).then(|| civil(seconds));
        let mut elements = elements.iter_mut();
        let mut next = |value: f64| {
            if let Some(element) = elements.next() {
                *element = F::of(value);
            }
        };
        for DatePart { feature, numbers, constant } in &self.parts {
            let value = date.as_ref().map_or(f64::NAN, |date| feature.value(seconds, date));
            match numbers {
                Some(numbers) => next(numbers.scaled(value)),
                None if value.is_nan() || *constant => {
                    next(0.0);
                    next(0.0);
                }
                None => {
                    let (sine, cosine) = value.sin_cos();
                    next(sine);
                    next(cosine);
                }
            }
        }
        if self.indicator {
            next(f64::from(u8::from(seconds.is_nan())));
        }
    }

    /// Fills `elements` [rows, width], row by row from `time`.
    pub fn encode_rows<F: Real>(
        &self,
        rows: &[usize],
        mut elements: ArrayViewMut2<'_, F>,
        time: impl Fn(usize) -> f64,
    ) {
        let mut buffer = vec![F::ZERO; elements.ncols()];
        for (mut row, &index) in elements.rows_mut().into_iter().zip(rows) {
            self.encode(time(index), &mut buffer);
            row.iter_mut().zip(&buffer).for_each(|(element, value)| *element = *value);
        }
    }
}

fn value(feature: DateFeature, seconds: f64) -> f64 {
    if seconds.is_nan() { f64::NAN } else { feature.value(seconds, &civil(seconds)) }
}
