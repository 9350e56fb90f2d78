//! Texts that are something else than names of levels.

use super::ColumnSummary;
use crate::data::read::{distinct::Distinct, warning::DatasetWarning};

impl ColumnSummary {
    /// A warning about a category whose every text is true or false, or a time of the day.
    pub(super) fn other_than_levels(&self, name: &str) -> Option<DatasetWarning> {
        let Distinct::Exact { levels, .. } = &self.distinct else { return None };
        let all = |is: &dyn Fn(&str) -> bool| !levels.is_empty() && levels.keys().all(|level| is(level));
        let (count, first) = (self.texts.count, self.texts.first(self.unit));
        let (code, detail) = if all(&is_boolean) {
            let detail = format!(
                "{count} texts are true and false; {first}: the column is a category; if they are booleans, give the option `types` \
                 {{{name:?}: \"boolean\"}}"
            );
            ("booleans_as_text", detail)
        } else if all(&is_time) {
            let detail = format!(
                "{count} texts are times of the day, which are no dates; {first}: the column is a category, in which each time is a level; \
                 write a number, such as minutes since midnight, or a date with the time"
            );
            ("times_as_text", detail)
        } else {
            return None;
        };
        Some(self.texts.clone().warning(code, name, detail))
    }
}

fn is_boolean(text: &str) -> bool {
    ["true", "false"].into_iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// `9:30`, `09:30:15`, `09:30:15.25`, `9:30 PM`.
fn is_time(text: &str) -> bool {
    let text = text.trim_end_matches(|character: char| character.is_ascii_alphabetic() || character == ' ');
    let mut parts = text.split(':');
    let is_number = |part: &str, below: u32| {
        (1..=2).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && part.parse::<u32>().is_ok_and(|number| number < below)
    };
    let is_second = |part: &str| {
        let (whole, fraction) = part.split_once('.').unwrap_or((part, "0"));
        is_number(whole, 61) && !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit())
    };
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(hour), Some(minute), None, _) => is_number(hour, 25) && minute.len() == 2 && is_number(minute, 60),
        (Some(hour), Some(minute), Some(second), None) => {
            is_number(hour, 25) && is_number(minute, 60) && is_second(second)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("9:30", true)]
    #[case("09:30:15.25", true)]
    #[case("9:30 PM", true)]
    #[case("24:00", true)]
    #[case("3:1", false)]
    #[case("99:99", false)]
    #[case("10:30:20:10", false)]
    #[case("a:b", false)]
    #[case("12", false)]
    #[case("", false)]
    fn times(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_time(text), expected);
    }
}
