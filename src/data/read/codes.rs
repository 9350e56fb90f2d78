//! Codes that are spelled as numbers: ids, postal codes, version numbers.

use super::distinct::Distinct;
use std::collections::HashMap;

/// Maximum spellings of a column for two spellings of one number to make it a column of codes.
const MAX_SPELLINGS: usize = 200;

/// What the spellings of a column's numbers have in common.
#[derive(Debug, Clone, Default)]
pub(super) struct Codes {
    /// Numbers without quotes.
    pub bare: u64,
    quoted: u64,
    /// A number with a zero before another digit.
    leading_zero: Option<Box<str>>,
    /// An integer with an exponent and without a sign, such as `12E4`. Programs write `e`, or a fraction before it.
    exponent: Option<Box<str>>,
    /// Whether there is an integer of digits alone.
    plain: bool,
    /// Whether there is a number with a sign or a decimal mark.
    fractions: bool,
}

impl Codes {
    /// Looks at the spelling of a number.
    #[inline]
    pub fn add(&mut self, text: &str, quoted: bool) {
        if !quoted {
            self.bare += 1;
        } else if !text.contains([',', ';', ' ']) {
            // quotes that the text does not need
            self.quoted += 1;
        }
        if self.fractions {
            return;
        }
        let bytes = text.as_bytes();
        match bytes.iter().position(|byte| !byte.is_ascii_digit()) {
            None => {
                self.plain = true;
                if bytes.len() > 1 && bytes.first() == Some(&b'0') && self.leading_zero.is_none() {
                    self.leading_zero = Some(text.into());
                }
            }
            Some(at) => {
                let is_exponent = at > 0
                    && bytes.get(at) == Some(&b'E')
                    && bytes.get(at + 1..).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit));
                match is_exponent {
                    true if self.exponent.is_none() => self.exponent = Some(text.into()),
                    true => {}
                    false => self.fractions = true,
                }
            }
        }
    }

    /// Why the numbers are codes; `None` if they are amounts. `columns_of_bare_numbers` of the table: where no number is
    /// bare, quotes are around everything and say nothing.
    pub fn reason(&self, distinct: &Distinct, columns_of_bare_numbers: usize) -> Option<String> {
        if !self.fractions {
            if self.leading_zero.is_some() {
                return Some("leading zeros".to_owned());
            }
            if let (Some(exponent), true) = (&self.exponent, self.plain) {
                return Some(format!("codes such as {exponent:?} among integers"));
            }
        }
        if self.quoted > 0 && self.bare == 0 && columns_of_bare_numbers > 0 {
            return Some("numbers in quotes, beside columns of numbers without".to_owned());
        }
        let (first, second) = same_number(distinct)?;
        Some(format!("{first:?} and {second:?} are both there"))
    }
}

/// Two spellings of one number with a decimal mark, such as the versions `1.1` and `1.10`.
fn same_number(distinct: &Distinct) -> Option<(&str, &str)> {
    let Distinct::Exact { levels, .. } = distinct else { return None };
    if levels.len() > MAX_SPELLINGS {
        return None;
    }
    let mut known: HashMap<&str, &str> = HashMap::new();
    let mut spellings: Vec<&str> = levels.keys().map(|level| &**level).collect();
    spellings.sort_unstable();
    for spelling in spellings {
        let (whole, fraction) = spelling.split_once('.')?;
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let short = fraction.trim_end_matches('0');
        if short.is_empty() {
            continue;
        }
        let number = spelling.get(..whole.len() + 1 + short.len())?;
        if let Some(first) = known.insert(number, spelling) {
            return Some((first, spelling));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::data::{
        read::{Format, ReadOptions, TableLimits, inspect},
        schema::ColumnType,
    };
    use rstest::rstest;

    #[rstest]
    #[case("zip,n\n\"02134\",1\n\"2134\",2\n", Some("leading zeros"))]
    #[case("zip,n\n02134,1\n2134,2\n", Some("leading zeros"))]
    #[case("a,n\n12E4,1\n3E10,2\n120000,3\n", Some("codes such as \"12E4\" among integers"))]
    #[case("v,n\n1.1,1\n1.10,2\n1.2,3\n", Some("\"1.1\" and \"1.10\" are both there"))]
    #[case("code,n\n\"100000001\",1\n\"100000002\",2\n", Some("numbers in quotes, beside columns of numbers without"))]
    #[case("\"a\",\"n\"\n\"1\",\"5\"\n\"2\",\"6\"\n", None)]
    #[case("a\n\"  1\"\n\"  2\"\n", None)]
    #[case("num,n\n3.,1\n1e2,2\n+1,3\n007,4\n.5,5\n", None)]
    #[case("cost,n\n\"1,234\",1\n\"2,345,678\",2\n", None)]
    #[case("price,n\n1.50,1\n1.10,2\n2.00,3\n", None)]
    #[case("x,n\n1,1\n1.0,2\n2.0,3\n", None)]
    #[case("rate,n\n1e2,1\n1e3,2\n1e4,3\n", None)]
    #[case("n,m\n0,1\n10,2\n", None)]
    fn first_columns(#[case] csv: &str, #[case] reason: Option<&str>) {
        let limits = TableLimits { rows: 100, columns: 10, cell_bytes: 100 };
        let format = Format::named("csv").unwrap();
        let inspection = inspect(&mut csv.as_bytes(), format, &ReadOptions::default(), &limits).unwrap();
        let column = &inspection.columns[0];
        assert_eq!(column.reason.as_deref(), reason);
        let kind = if reason.is_some() { ColumnType::Category } else { ColumnType::Number };
        assert_eq!(column.kind, kind);
    }
}
