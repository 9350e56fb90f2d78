//! Numbers with the digits of large integers.

use crate::data::schema::Extreme;
use serde_json::Value;
use std::cmp::Ordering;

/// Integers up to here are exact in `f64`.
pub(super) const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// A number. Integers past 2^53 keep their digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numeric {
    /// The nearest `f64`.
    pub value: f64,
    /// The number itself, if it is an integer past 2^53 of at most 38 digits.
    integer: Option<i128>,
}

impl Numeric {
    /// A number that is exact in `f64`, or whose digits are not known.
    #[inline]
    pub fn new(value: f64) -> Self {
        Self { value, integer: None }.normalized()
    }

    /// An integer.
    pub fn of_integer(integer: i128) -> Self {
        Self { value: integer as f64, integer: Some(integer) }.normalized()
    }

    /// A JSON number.
    pub fn of_json(number: &serde_json::Number) -> Self {
        match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Self::of_integer(integer.into()),
            (None, Some(integer)) => Self::of_integer(integer.into()),
            (None, None) => Self::new(number.as_f64().unwrap_or(f64::INFINITY)),
        }
    }

    /// The number spelled `text`, whose nearest `f64` is `value`.
    #[inline]
    pub fn spelled(text: &str, value: f64) -> Self {
        match value.abs() >= EXACT_INTEGERS {
            false => Self { value, integer: None },
            true => text.parse().map_or_else(|_| Self::new(value), Self::of_integer),
        }
    }

    #[inline]
    fn normalized(self) -> Self {
        let is_large = self.value.abs() >= EXACT_INTEGERS;
        let integer = match self.integer {
            _ if !is_large => None,
            None => whole(self.value),
            integer => integer,
        };
        Self { integer, ..self }
    }

    /// Whether it is an integer whose digits `f64` does not keep.
    pub fn is_inexact(&self) -> bool {
        self.integer.is_some_and(is_rounded)
    }

    /// Bits that are equal for equal numbers.
    #[inline]
    pub fn bits(&self) -> (u64, u64) {
        match self.integer {
            Some(integer) => (integer as u64, (integer >> 64) as u64 ^ 1),
            // -0 and 0 are one number
            None => ((self.value + 0.0).to_bits(), 0),
        }
    }

    /// Whether it is less than `other`.
    #[inline]
    pub fn is_less(&self, other: &Self) -> bool {
        self.value < other.value || (self.value == other.value && self.integer < other.integer)
    }

    /// By value.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.value.total_cmp(&other.value).then_with(|| self.integer.cmp(&other.integer))
    }

    /// The spelling as a level of a text column.
    pub fn text(&self) -> String {
        match self.json() {
            Value::Number(number) if !number.is_f64() => number.to_string(),
            _ => self.value.to_string(),
        }
    }

    /// As an extreme of a column.
    pub fn extreme(&self) -> Extreme {
        match self.json() {
            Value::Number(number) if self.integer.is_some() => match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => Extreme::Integer(integer),
                (None, Some(integer)) => Extreme::Unsigned(integer),
                (None, None) => Extreme::Number(self.value),
            },
            // -0 becomes 0
            _ => Extreme::Number(self.value + 0.0),
        }
    }

    /// As JSON: integers without a fraction, all their digits up to 64 bits.
    pub fn json(&self) -> Value {
        let exact = self.integer.and_then(|integer| match i64::try_from(integer) {
            Ok(integer) => Some(Value::from(integer)),
            Err(_) => u64::try_from(integer).ok().map(Value::from),
        });
        exact.unwrap_or_else(|| {
            let integer = self.value as i64;
            let is_integer = integer as f64 == self.value && self.value.abs() < EXACT_INTEGERS;
            if is_integer { Value::from(integer) } else { Value::from(self.value) }
        })
    }
}

/// A number past 2^53 as an integer. Few columns have such numbers, and others do without the call that converts them.
#[cold]
#[inline(never)]
fn whole(value: f64) -> Option<i128> {
    (value.abs() < 1e38).then_some(value as i128)
}

/// Whether the nearest `f64` is another integer.
#[cold]
#[inline(never)]
fn is_rounded(integer: i128) -> bool {
    integer as f64 as i128 != integer
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn integers_of_64_bits_are_exact() {
        let number = |text: &str| Numeric::spelled(text, text.parse().unwrap());
        for text in ["1500000000000000001", "-9223372036854775808", "18446744073709551615", "9007199254740993"] {
            assert_eq!(number(text).json().to_string(), text);
        }
        assert_ne!(number("1500000000000000001").bits(), number("1500000000000000002").bits());
        assert_eq!(number("1e18").bits(), number("1000000000000000000").bits());
        assert_eq!(Numeric::new(-0.0).bits(), Numeric::new(0.0).bits());
        assert_eq!((Numeric::new(3.0).json(), Numeric::new(2.5).json()), (json!(3), json!(2.5)));
        assert_eq!(number("1500000000000000001").compare(&number("1500000000000000002")), Ordering::Less);
        assert!(number("9007199254740993").is_inexact() && !number("9007199254740992").is_inexact());
    }
}
