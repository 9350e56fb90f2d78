//! Columns of dates and times.

use super::ColumnSummary;
use crate::data::{
    date::Detected,
    read::{
        distinct::Distinct,
        error::ReadError,
        warning::{DatasetWarning, Examples},
    },
    schema::{Column, ColumnType, Extreme},
};
use std::collections::HashSet;

impl ColumnSummary {
    pub(super) fn ambiguous_dates(&self, name: &str, dates: &Detected) -> DatasetWarning {
        let forms: Vec<&str> = std::iter::once(&dates.pattern).chain(&dates.others).map(|form| form.as_str()).collect();
        let detail = format!(
            "all texts are dates, but day and month cannot be told: {}; give the form of the dates, such as `types` \
             {{{name:?}: {{\"type\": \"datetime\", \"format\": \"{}\"}}}}",
            forms.join(" or "),
            dates.pattern.as_str()
        );
        self.texts.clone().warning("ambiguous_dates", name, detail)
    }

    /// A column of dates and times.
    pub(super) fn datetime_column(
        self,
        name: String,
        dates: Option<Detected>,
        rows: u64,
        warnings: &mut Vec<DatasetWarning>,
    ) -> Result<Column, ReadError> {
        let texts = self.texts.count + self.moments.count;
        let first = || {
            let first = if self.odd_dates.count > 0 { &self.odd_dates } else { &self.texts };
            if first.count > 0 { first.first(self.unit) } else { "no cell has text".to_owned() }
        };
        let Some(dates) = dates else {
            return Err(ReadError::Invalid(format!(
                "column {name:?}: expected dates of one form, such as 2023-01-31 or 31.01.2023; {}; give the form of other dates, \
                 such as `types` {{{name:?}: {{\"type\": \"datetime\", \"format\": \"%d %b %Y\"}}}}",
                first()
            )));
        };
        if !dates.others.is_empty() {
            return Err(ReadError::Invalid(self.ambiguous_dates(&name, &dates).detail));
        }
        let odd = texts.saturating_sub(dates.dates);
        if odd > 0 {
            let detail = format!(
                "{} of {texts} cells are dates of the form {}; {}: what is no such date is missing",
                dates.dates,
                dates.pattern.as_str(),
                first()
            );
            warnings.push(DatasetWarning { count: odd, ..self.odd_dates.clone().warning("not_a_date", &name, detail) });
        }
        if dates.zoned > 0 && dates.zoned < dates.dates {
            let without = dates.dates - dates.zoned;
            let detail =
                format!("{} dates have a time zone and {without} have none: those are taken as UTC", dates.zoned);
            let warning = Examples::default().warning("mixed_time_zones", &name, detail);
            warnings.push(DatasetWarning { count: without, ..warning });
        }
        let missing = self.missing + self.placeholders.count + self.trues + self.falses + odd;
        let (distinct, distinct_estimated) = match &self.distinct {
            Distinct::Estimated(sketch) => (sketch.estimate().min(rows.saturating_sub(missing)), true),
            Distinct::Exact { levels, .. } => {
                // one time may have several spellings, and other texts are none
                let times = levels.keys().filter_map(|level| dates.pattern.read(level));
                let times: HashSet<u64> = times.map(|time| (time.seconds + 0.0).to_bits()).collect();
                (times.len() as u64, false)
            }
        };
        Ok(Column {
            distinct,
            distinct_estimated,
            min: Extreme::of_seconds(dates.min),
            max: Extreme::of_seconds(dates.max),
            format: Some(dates.pattern),
            has_time: dates.timed > 0,
            has_zone: match dates.zoned {
                0 => (dates.timed > 0).then_some(false),
                zoned => (zoned == dates.dates).then_some(true),
            },
            ..Column::empty(name, ColumnType::Datetime, missing)
        })
    }
}
