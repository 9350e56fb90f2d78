//! Texts that are something else than names of levels.

use super::ColumnSummary;
use crate::data::read::{distinct::Distinct, warning::DatasetWarning};

impl ColumnSummary {
    /// A warning about a category whose every text is true or false, a time of the day, a week or quarter, or a date of another form.
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
        } else if all(&is_other_date) {
            let detail = format!(
                "{count} texts are dates of no form that is recognized; {first}: the column is a category, in which each of them is a level; \
                 write them as 2024-01-31T10:00:00Z, or give a form that they have by the option `types`"
            );
            ("dates_as_text", detail)
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

/// `Mon, 01 Jan 2024 10:00:00 GMT`, `Monday, January 1, 2024`, `2024-01-01 10:00 CET`, `20240101T100000Z`.
fn is_other_date(text: &str) -> bool {
    const MAX_BYTES: usize = 64;
    const MAX_WORDS: usize = 9;
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    if text.len() > MAX_BYTES {
        return false;
    }
    let words: Vec<&str> =
        text.split([' ', ',']).map(|word| word.trim_matches('.')).filter(|it| !it.is_empty()).collect();
    let is_digits = |word: &str, least: usize, most: usize| {
        (least..=most).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_digit())
    };
    if let [word] = words.as_slice() {
        let (day, time) = word.split_once('T').unwrap_or_default();
        let time = time.trim_end_matches('Z');
        return is_digits(day, 8, 8) && (is_digits(time, 4, 4) || is_digits(time, 6, 6));
    }
    if words.len() > MAX_WORDS {
        return false;
    }
    let is_name = |word: &str, names: &[&str]| {
        let is_word = word.len() <= "wednesday".len() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_word && word.get(..3).is_some_and(|start| names.iter().any(|name| start.eq_ignore_ascii_case(name)))
    };
    let is_day = |word: &str| {
        let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
        parts.len() == 3 && parts.iter().all(|part| is_digits(part, 1, 4))
    };
    // dates with `UTC` and `GMT` are read
    let is_zone = |word: &str| {
        (3..=5).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_uppercase())
            && !["UTC", "GMT"].contains(&word)
    };
    let has = |is: &dyn Fn(&str) -> bool| words.iter().any(|word| is(word));
    let has_day = has(&is_day)
        || (has(&|word| is_name(word, &MONTHS))
            && has(&|word| is_digits(word, 4, 4))
            && has(&|word| is_digits(word, 1, 2)));
    let has_more =
        has(&|word| is_name(word, &DAYS)) || (has(&is_time) && words.last().is_some_and(|last| is_zone(last)));
    has_day && has_more
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
    #[case("Mon, 01 Jan 2024 10:00:00 GMT", true)]
    #[case("Monday, January 1, 2024", true)]
    #[case("Mon Jan  1 10:00:00 2024", true)]
    #[case("Fri 31.01.2020", true)]
    #[case("2024-01-01 10:00 CET", true)]
    #[case("1 Jan 2024 10:00 EST", true)]
    #[case("20240101T100000Z", true)]
    #[case("20240101T1000", true)]
    #[case("2024-01-01", false)]
    #[case("01/02/2024 10:30", false)]
    #[case("01/02/2024 10:30 PM", false)]
    #[case("01/02/2024 10:30 UTC", false)]
    #[case("1 Jan 2024", false)]
    #[case("Sun Microsystems", false)]
    #[case("May 2024", false)]
    #[case("12345678T12", false)]
    #[case("Friday", false)]
    #[case("", false)]
    fn other_dates(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_other_date(text), expected);
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
