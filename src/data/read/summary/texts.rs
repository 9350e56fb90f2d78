//! Texts that are something else than names of levels.

use super::ColumnSummary;
use crate::data::read::{distinct::Distinct, warning::DatasetWarning};

impl ColumnSummary {
    /// A warning about a category whose every text is true or false, a time of the day, or a week or quarter.
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
        } else if all(&is_period) {
            let detail = format!(
                "{count} texts are weeks or quarters, which are no dates; {first}: the column is a category, in which each of them is a \
                 level; write the first day of each"
            );
            ("periods_as_text", detail)
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

/// `2023-W05`, `2023W05`, `2023-Q1`, `2023 Q1`, `Q1 2023`.
fn is_period(text: &str) -> bool {
    let is_year = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_part = |text: &str| {
        let number = |letter: char, most: u32| {
            let digits = text.strip_prefix([letter, letter.to_ascii_lowercase()])?;
            digits.parse::<u32>().ok().filter(|number| (1..=most).contains(number))
        };
        number('Q', 4).or_else(|| number('W', 53)).is_some()
    };
    let is_mark = |character: char| matches!(character, '-' | ' ' | '/');
    let behind = text.get(4..).map(|part| part.trim_start_matches(is_mark));
    let before = text.len().checked_sub(4).and_then(|at| text.split_at_checked(at));
    let is_year_first = text.get(..4).is_some_and(is_year) && behind.is_some_and(is_part);
    is_year_first || before.is_some_and(|(part, year)| is_year(year) && is_part(part.trim_end_matches(is_mark)))
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

    #[rstest]
    #[case("2023-W05", true)]
    #[case("2023w5", true)]
    #[case("2023 Q1", true)]
    #[case("Q4/2023", true)]
    #[case("2023-Q5", false)]
    #[case("2023-W54", false)]
    #[case("2023", false)]
    #[case("W05", false)]
    #[case("\u{e9}\u{e9}Q1", false)]
    fn periods(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_period(text), expected);
    }
}
