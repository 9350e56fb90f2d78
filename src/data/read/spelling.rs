//! How a file spells numbers and missing values.

/// Spellings that mean a missing value in any column, in any case, beside empty cells.
pub const MISSING: [&str; 6] = ["NA", "N/A", "#N/A", "<NA>", "NaN", "null"];

/// How a file spells numbers and missing values.
#[derive(Debug, Clone, PartialEq)]
pub struct Spelling {
    /// Decimal mark.
    pub decimal: u8,
    /// Separator of groups of three digits.
    pub thousands: Option<u8>,
    /// Spellings of missing values beside empty cells; `None` for the usual ones.
    pub missing: Option<Vec<String>>,
}

impl Spelling {
    /// A decimal point, no groups, the usual missing values.
    pub const USUAL: Self = Self { decimal: b'.', thousands: None, missing: None };

    /// Whether numbers are spelled as in programs.
    #[inline]
    pub fn is_plain(&self) -> bool {
        self.decimal == b'.' && self.thousands.is_none()
    }

    /// Whether numbers and missing values are spelled as in programs.
    #[inline]
    pub fn is_usual(&self) -> bool {
        self.is_plain() && self.missing.is_none()
    }

    /// A number in the spelling of programs; `None` if `text` is not spelled as a number of this file.
    pub fn plain(&self, text: &str) -> Option<String> {
        let mut plain = String::with_capacity(text.len());
        let (sign, digits) = match text.as_bytes().first() {
            Some(b'+' | b'-') => text.split_at(1),
            _ => ("", text),
        };
        let (whole, rest) = match digits.bytes().position(|byte| byte == self.decimal || byte == b'e' || byte == b'E') {
            Some(at) => digits.split_at_checked(at)?,
            None => (digits, ""),
        };
        plain.push_str(sign);
        match self.thousands.map(char::from) {
            Some(thousands) if whole.contains(thousands) => {
                for (index, group) in whole.split(thousands).enumerate() {
                    let fits = if index == 0 { (1..=3).contains(&group.len()) } else { group.len() == 3 };
                    if !fits || !group.bytes().all(|byte| byte.is_ascii_digit()) {
                        return None;
                    }
                    plain.push_str(group);
                }
            }
            _ if whole.bytes().all(|byte| byte.is_ascii_digit()) => plain.push_str(whole),
            _ => return None,
        }
        let mut rest = rest.chars();
        match rest.next() {
            Some(mark) if mark == char::from(self.decimal) => plain.push('.'),
            Some(mark) => plain.push(mark),
            None => {}
        }
        for character in rest {
            if !(character.is_ascii_digit() || matches!(character, 'e' | 'E' | '+' | '-')) {
                return None;
            }
            plain.push(character);
        }
        Some(plain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_other_countries() {
        let german = Spelling { decimal: b',', thousands: Some(b'.'), missing: None };
        let english = Spelling { thousands: Some(b','), ..Spelling::USUAL };
        for (spelling, text, plain) in [
            (&german, "1.234,5", Some("1234.5")),
            (&german, "-12,75", Some("-12.75")),
            (&german, "1.5", None),
            (&german, "1,5e3", Some("1.5e3")),
            (&english, "1,234,567.25", Some("1234567.25")),
            (&english, "12,34", None),
            (&english, "1234.5", Some("1234.5")),
            (&english, "1,2345", None),
            (&english, "abc", None),
        ] {
            assert_eq!(spelling.plain(text).as_deref(), plain, "{text}");
        }
    }
}
