//! The Gregorian calendar, without a clock and without time zones.

/// Seconds of a day.
pub const DAY: f64 = 86_400.0;

/// A time as calendar fields.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Civil {
    /// From -9999 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// Monday is 0.
    pub weekday: u32,
    /// 1 to 366.
    pub day_of_year: u32,
    /// Days of the year.
    pub days_in_year: u32,
    /// Seconds since midnight.
    pub second_of_day: f64,
}

/// Days since 1970-01-01 of a date of the Gregorian calendar.
pub fn days_of(year: i64, month: u32, day: u32) -> i64 {
    // years begin in March, so that the leap day is the last
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_of_year = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_of_year + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Seconds since 1970 of a date and a time of the day.
pub fn seconds_of(year: i64, month: u32, day: u32, second_of_day: f64) -> f64 {
    days_of(year, month, day) as f64 * DAY + second_of_day
}

/// Whether a year has 366 days.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The calendar fields of a time.
pub fn civil(seconds: f64) -> Civil {
    let days = (seconds / DAY).floor();
    let second_of_day = seconds - days * DAY;
    let days = days as i64;
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month + 2) / 5 + 1) as u32;
    let month = if month < 10 { month + 3 } else { month - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let day_of_year = (days - days_of(year, 1, 1)) as u32 + 1;
    let days_in_year = if is_leap(year) { 366 } else { 365 };
    Civil { year, month, day, weekday: (days + 3).rem_euclid(7) as u32, day_of_year, days_in_year, second_of_day }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// jiff has the same calendar.
        #[test]
        fn fields_are_those_of_jiff(seconds in -62_000_000_000i64..250_000_000_000) {
            let received = civil(seconds as f64);
            let expected = jiff::Timestamp::from_second(seconds).unwrap().to_zoned_datetime(jiff::tz::TimeZone::UTC);
            prop_assert_eq!((received.year, received.month as i8, received.day as i8),
                            (i64::from(expected.year()), expected.month(), expected.day()));
            prop_assert_eq!(received.weekday as i8, expected.weekday().to_monday_zero_offset());
            prop_assert_eq!((received.day_of_year as i16, received.days_in_year as i16),
                            (expected.day_of_year(), expected.days_in_year()));
            let back = seconds_of(received.year, received.month, received.day, received.second_of_day);
            prop_assert_eq!(back, seconds as f64);
        }
    }
}
