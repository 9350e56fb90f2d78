//! [`DatePattern`]: the form of a date, in the style of `strptime`.

use super::calendar::{days_in_month, seconds_of};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::ops::Range;

/// The form of a date, such as `%d/%m/%Y`. Fields: `%Y` (four digits) `%y` `%m` `%d` `%b` (the name of a month, short or in full)
/// `%H` `%I` `%M` `%S` `%f` (a fraction of a second) `%p` `%z` (an offset from UTC), and `%s` (seconds since 1970) alone. After a
/// pattern without a time, a time may follow: `10:30`, `T10:30:00.5Z`, `10:30 PM +02:00`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct DatePattern {
    text: String,
    #[serde(skip)]
    parts: Vec<Part>,
}

/// A field or the text between fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    Hour,
    HalfDayHour,
    Minute,
    Second,
    Fraction,
    HalfDay,
    Zone,
    Epoch,
    Text(char),
}

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Instant {
    /// Seconds since 1970 in UTC.
    pub seconds: f64,
    /// Whether the text says its offset from UTC.
    pub zoned: bool,
    /// The offset in minutes, 0 where the text says none.
    pub offset: i32,
    /// Whether the text has a time of the day.
    pub timed: bool,
}

/// The years -9999 to 9999 in seconds since 1970.
const YEARS: Range<f64> = -377_705_116_800.0..253_402_300_800.0;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// What the fields of a text say.
#[derive(Debug, Default)]
struct Fields {
    year: Option<i64>,
    month: u32,
    day: u32,
    hour: u32,
    afternoon: Option<bool>,
    minute: u32,
    second: f64,
    offset: Option<i32>,
    epoch: Option<f64>,
    timed: bool,
}

impl Default for DatePattern {
    /// `%Y-%m-%d`
    fn default() -> Self {
        let parts = vec![Part::Year, Part::Text('-'), Part::Month, Part::Text('-'), Part::Day];
        Self { text: "%Y-%m-%d".to_owned(), parts }
    }
}

impl DatePattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// For unknown fields, and where year, month or day is not among them.
    pub fn new(text: &str) -> Result<Self, String> {
        const MAX_CHARACTERS: usize = 64;
        if text.chars().count() > MAX_CHARACTERS {
            return Err(format!("expected at most {MAX_CHARACTERS} characters"));
        }
        let mut parts = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            if character != '%' {
                parts.push(Part::Text(character));
                continue;
            }
            let field = characters.next().unwrap_or(' ');
            parts.extend(match field {
                'Y' => vec![Part::Year],
                'y' => vec![Part::ShortYear],
                'm' => vec![Part::Month],
                'b' | 'B' => vec![Part::MonthName],
                'd' => vec![Part::Day],
                'H' => vec![Part::Hour],
                'I' => vec![Part::HalfDayHour],
                'M' => vec![Part::Minute],
                'S' => vec![Part::Second],
                'f' => vec![Part::Fraction],
                'p' => vec![Part::HalfDay],
                'z' => vec![Part::Zone],
                's' => vec![Part::Epoch],
                'F' => vec![Part::Year, Part::Text('-'), Part::Month, Part::Text('-'), Part::Day],
                'T' => vec![Part::Hour, Part::Text(':'), Part::Minute, Part::Text(':'), Part::Second],
                '%' => vec![Part::Text('%')],
                other => {
                    return Err(format!(
                        "expected the fields %Y %y %m %d %b %H %I %M %S %f %p %z %s, received %{other}"
                    ));
                }
            });
        }
        let has = |part: Part| parts.contains(&part);
        let is_epoch = has(Part::Epoch);
        let is_date = (has(Part::Year) || has(Part::ShortYear)) && (has(Part::Month) || has(Part::MonthName));
        if !(is_epoch && parts.len() == 1) && (is_epoch || !is_date) {
            return Err("expected a year and a month, such as %Y-%m-%d, or %s alone".to_owned());
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether every text of this pattern is a number, such as 20230115 or seconds since 1970.
    pub fn is_numeric(&self) -> bool {
        self.parts.iter().all(|part| !matches!(part, Part::Text(_) | Part::MonthName | Part::HalfDay | Part::Zone))
    }

    /// The time that a text says; `None` where it does not have this form, or there is no such day.
    pub fn read(&self, text: &str) -> Option<Instant> {
        let mut fields = Fields { day: 1, ..Fields::default() };
        let mut rest = text.trim();
        for &part in &self.parts {
            rest = fields.take(part, rest, self.is_numeric())?;
        }
        let has_time = self.parts.iter().any(|part| matches!(part, Part::Hour | Part::HalfDayHour));
        if !has_time && !rest.is_empty() {
            rest = fields.take_time(rest)?;
        }
        if rest.is_empty() { fields.instant() } else { None }
    }
}

impl Fields {
    /// Takes a part from the front of a text. In a pattern of digits alone all fields have their full width.
    fn take<'t>(&mut self, part: Part, text: &'t str, fixed: bool) -> Option<&'t str> {
        let least = |width: usize| if fixed { width } else { 1 };
        match part {
            Part::Text(expected) => {
                let received = text.chars().next()?;
                let same = received == expected || (expected == ' ' && received == 'T');
                return same.then(|| text.get(received.len_utf8()..)).flatten();
            }
            Part::MonthName => {
                let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
                let name = text.get(..end)?;
                let is_month = |month: &&str| {
                    let is_prefix = month.get(..name.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(name));
                    is_prefix && (name.len() == 3 || name.len() == month.len() || name.eq_ignore_ascii_case("sept"))
                };
                self.month = MONTHS.iter().position(is_month)? as u32 + 1;
                let rest = text.get(end..)?;
                return Some(rest.strip_prefix('.').unwrap_or(rest));
            }
            Part::HalfDay => {
                let half = text.get(..2)?;
                self.afternoon = Some(match () {
                    () if half.eq_ignore_ascii_case("am") => false,
                    () if half.eq_ignore_ascii_case("pm") => true,
                    () => return None,
                });
                return text.get(2..);
            }
            Part::Zone => return self.take_zone(text),
            Part::Epoch => {
                self.epoch = Some(text.parse::<f64>().ok().filter(|seconds| YEARS.contains(seconds))?);
                self.timed = true;
                return Some("");
            }
            Part::Fraction => {
                let (digits, rest) = digits(text, 1, 9)?;
                self.second += digits.parse::<f64>().ok()? / 10f64.powi(digits.len() as i32);
                return Some(rest);
            }
            Part::Year => {
                let (digits, rest) = digits(text, 4, 4)?;
                self.year = digits.parse().ok();
                return Some(rest);
            }
            _ => {}
        }
        let (digits, rest) = digits(text, least(2), 2)?;
        let number: u32 = digits.parse().ok()?;
        match part {
            // as POSIX has it
            Part::ShortYear if digits.len() == 2 => {
                self.year = Some(i64::from(number) + if number < 69 { 2000 } else { 1900 })
            }
            Part::Month => self.month = number,
            Part::Day => self.day = number,
            Part::Hour | Part::HalfDayHour => (self.hour, self.timed) = (number, true),
            Part::Minute => self.minute = number,
            Part::Second => self.second += f64::from(number),
            _ => return None,
        }
        Some(rest)
    }

    /// `Z`, `UTC`, `GMT`, `+02`, `+0200`, `+02:00` or `-05:30`.
    fn take_zone<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let text = text.trim_start();
        for name in ["UTC", "GMT", "Z", "z"] {
            if let Some(rest) = text.strip_prefix(name) {
                self.offset = Some(0);
                return Some(rest);
            }
        }
        let sign = match text.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let (hours, rest) = digits(text.get(1..)?, 2, 2)?;
        let after = rest.strip_prefix(':').unwrap_or(rest);
        let (minutes, rest) = digits(after, 2, 2).unwrap_or(("0", rest));
        let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
        if hours > 15 || minutes > 59 {
            return None;
        }
        self.offset = Some(sign * (hours * 60 + minutes));
        Some(rest)
    }

    /// A time after a date.
    fn take_time<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let text = text.strip_prefix(['T', 't', ' '])?.trim_start();
        let mut rest = self.take(Part::Hour, text, false)?.strip_prefix(':')?;
        rest = self.take(Part::Minute, rest, true)?;
        if let Some(after) = rest.strip_prefix(':') {
            rest = self.take(Part::Second, after, true)?;
            if let Some(after) = rest.strip_prefix(['.', ',']) {
                rest = self.take(Part::Fraction, after, false)?;
            }
        }
        let after = rest.trim_start();
        if let Some(after) = self.take(Part::HalfDay, after, false) {
            rest = after;
        }
        if rest.is_empty() { Some(rest) } else { self.take_zone(rest) }
    }

    fn instant(self) -> Option<Instant> {
        let zoned = self.offset.is_some() || self.epoch.is_some();
        let offset = self.offset.unwrap_or_default();
        if let Some(seconds) = self.epoch {
            return Some(Instant { seconds, zoned, offset, timed: true });
        }
        let hour = match self.afternoon {
            None => self.hour,
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
        };
        let year = self.year?;
        let exists = (1..=12).contains(&self.month) && (1..=days_in_month(year, self.month)).contains(&self.day);
        if !exists || hour > 23 || self.minute > 59 || self.second >= 61.0 {
            return None;
        }
        let second_of_day = f64::from(hour * 3600 + self.minute * 60) + self.second;
        let seconds = seconds_of(year, self.month, self.day, second_of_day) - f64::from(offset) * 60.0;
        YEARS.contains(&seconds).then_some(Instant { seconds, zoned, offset, timed: self.timed })
    }
}

/// As many digits as there are at the front, `least` to `most`.
fn digits(text: &str, least: usize, most: usize) -> Option<(&str, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    (count >= least).then(|| text.split_at_checked(count)).flatten()
}

impl<'de> Deserialize<'de> for DatePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(&text).map_err(|detail| D::Error::custom(format!(": {detail}")))
    }
}

impl utoipa::PartialSchema for DatePattern {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some(
                "Form of dates: %Y %y %m %d %b %H %I %M %S %f %p %z, or %s for seconds since 1970. A time may follow a date.",
            ))
            .examples(["%d/%m/%Y"])
            .into()
    }
}

impl utoipa::ToSchema for DatePattern {}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("%Y-%m-%d", "2023-01-15", Some("2023-01-15T00:00:00Z"))]
    #[case("%Y-%m-%d", "2023-01-15T10:30:00Z", Some("2023-01-15T10:30:00Z"))]
    #[case("%Y-%m-%d", "2023-01-15 10:30:00.25+02:00", Some("2023-01-15T08:30:00.25Z"))]
    #[case("%Y-%m-%d", "2023-01-15 10:30 PM", Some("2023-01-15T22:30:00Z"))]
    #[case("%Y-%m-%d", "2023-01-15T23:30:00-0530", Some("2023-01-16T05:00:00Z"))]
    #[case("%Y-%m-%d", "2023-02-29", None)]
    #[case("%Y-%m-%d", "2024-02-29", Some("2024-02-29T00:00:00Z"))]
    #[case("%Y-%m-%d", "2023-13-01", None)]
    #[case("%Y-%m-%d", "2023-01-15x", None)]
    #[case("%Y-%m-%d", "2023-01-15 25:00", None)]
    #[case("%d/%m/%Y", "3/1/2023", Some("2023-01-03T00:00:00Z"))]
    #[case("%m/%d/%Y", "3/1/2023", Some("2023-03-01T00:00:00Z"))]
    #[case("%m/%d/%Y %I:%M %p", "3/1/2023 12:05 AM", Some("2023-03-01T00:05:00Z"))]
    #[case("%m/%d/%Y %I:%M %p", "3/1/2023 13:05 AM", None)]
    #[case("%d %b %Y", "7 September 2021", Some("2021-09-07T00:00:00Z"))]
    #[case("%b %d, %Y", "Sep 7, 2021", Some("2021-09-07T00:00:00Z"))]
    #[case("%b %d, %Y", "Sepp 7, 2021", None)]
    #[case("%Y%m%d", "20230115", Some("2023-01-15T00:00:00Z"))]
    #[case("%Y%m%d", "2023115", None)]
    #[case("%d.%m.%y", "15.01.70", Some("1970-01-15T00:00:00Z"))]
    #[case("%d.%m.%y", "15.01.68", Some("2068-01-15T00:00:00Z"))]
    #[case("%s", "1700000000", Some("2023-11-14T22:13:20Z"))]
    #[case("%Y-%m", "2023-05", Some("2023-05-01T00:00:00Z"))]
    #[case("%Y-%m-%d", "9999-12-31T23:59:59-05:00", None)]
    #[case("%s", "1672531200000", None)]
    fn texts(#[case] pattern: &str, #[case] text: &str, #[case] expected: Option<&str>) {
        let received = DatePattern::new(pattern).unwrap().read(text).map(|instant| instant.seconds);
        let expected: Option<jiff::Timestamp> = expected.map(|text| text.parse().unwrap());
        let expected = expected.map(|time| time.as_nanosecond() as f64 / 1e9);
        assert_eq!(received.is_some(), expected.is_some(), "{text}");
        // Seconds since 1970 as a double have a quarter of a microsecond.
        let close = received.zip(expected).is_none_or(|(received, expected)| (received - expected).abs() < 1e-6);
        assert!(close, "{text}: {received:?}");
    }

    #[rstest]
    #[case("%d/%m")]
    #[case("%q")]
    #[case("%s %Y")]
    #[case("date")]
    fn no_patterns(#[case] pattern: &str) {
        assert!(DatePattern::new(pattern).is_err());
    }
}
