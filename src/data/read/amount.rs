//! Texts that people read as numbers and programs do not: `$1,004.00`, `12 kg`, `(5)`, `0x1F`.

use super::{
    cell::{self, Token},
    spelling::Spelling,
};

/// Maximum bytes of such a text.
const MAX_BYTES: usize = 40;
/// Maximum characters of a unit.
const MAX_UNIT: usize = 5;

/// The unit of a number that is not spelled as in programs, empty without one; `None` for a text that is no number.
pub(super) fn unit<'t>(text: &'t str, spelling: &Spelling) -> Option<&'t str> {
    if text.len() > MAX_BYTES || !text.chars().any(|character| digit(character).is_ascii_digit()) {
        return None;
    }
    let text = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(text);
    if is_program(text) {
        return Some("");
    }
    let (number, unit) = split(text);
    let bare: String = number.chars().filter(|character| !is_sign(*character)).map(digit).collect();
    let groups = |mark: u8, decimal: u8| Spelling { decimal, thousands: Some(mark), missing: None };
    let is_number = |text: &str, spelling: &Spelling| matches!(cell::read(text, spelling), Token::Number(_));
    let is_written = is_number(&bare, spelling)
        || is_number(&bare, &groups(b',', b'.'))
        || is_number(&bare, &groups(b'.', b','))
        || is_indian(&bare);
    is_written.then_some(unit)
}

/// The number of a text, and the unit in front of it or behind it.
fn split(text: &str) -> (&str, &str) {
    let is_unit = |unit: &str| {
        let count = unit.chars().count();
        (1..=MAX_UNIT).contains(&count)
            && unit.chars().all(|it| it.is_alphabetic() || matches!(it, '°' | '²' | '³' | '/' | 'µ'))
    };
    let end = text.trim_end_matches(|character: char| {
        !digit(character).is_ascii_digit() && character != '.' && !is_sign(character)
    });
    let behind = text.get(end.len()..).unwrap_or_default();
    if is_unit(behind) {
        return (end.trim_end(), behind);
    }
    // a word directly in front of digits is a code
    match text.split_once(' ') {
        Some((unit, number)) if is_unit(unit) => (number, unit),
        _ => (text, ""),
    }
}

/// Currency and percent signs, and what separates groups of digits.
fn is_sign(character: char) -> bool {
    matches!(character, '$' | '€' | '£' | '¥' | '%' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '\'' | '_')
}

/// Digits and signs of other forms as those of ASCII.
fn digit(character: char) -> char {
    match character {
        '\u{ff10}'..='\u{ff19}' => char::from_digit(character as u32 - 0xff10, 10).unwrap_or(character),
        '\u{ff0e}' => '.',
        '\u{2212}' | '\u{ff0d}' | '\u{2013}' => '-',
        character => character,
    }
}

/// Whether groups of two digits precede one of three: `1,23,456.5`.
fn is_indian(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let groups: Vec<&str> = whole.trim_start_matches('-').split(',').collect();
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match groups.as_slice() {
        [first, middle @ .., last] => {
            (1..=2).contains(&first.len())
                && !middle.is_empty()
                && middle.iter().all(|group| group.len() == 2)
                && last.len() == 3
                && groups.iter().all(|group| is_digits(group))
                && is_digits(fraction)
        }
        _ => false,
    }
}

/// A number of a programming language: `0x1F`, `1.5D3`.
fn is_program(text: &str) -> bool {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(digits) = hexadecimal {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let exponent = text.replacen(['D', 'd'], "e", 1);
    text.contains('.') && matches!(cell::read(&exponent, &Spelling::USUAL), Token::Number(_))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("$1,004.00", Some(""))]
    #[case("1.234,50 \u{20ac}", Some(""))]
    #[case("0.5%", Some(""))]
    #[case("1\u{a0}234", Some(""))]
    #[case("1'000", Some(""))]
    #[case("(5)", Some(""))]
    #[case("(1,234.50)", Some(""))]
    #[case("\u{2212}5", Some(""))]
    #[case("\u{ff11}\u{ff12}", Some(""))]
    #[case("1,23,456.5", Some(""))]
    #[case("0x1F", Some(""))]
    #[case("1.5D3", Some(""))]
    #[case("15.0", Some(""))]
    #[case("12 kg", Some("kg"))]
    #[case("12kg", Some("kg"))]
    #[case("20.5 °C", Some("°C"))]
    #[case("EUR 5,00", Some("EUR"))]
    #[case("A12", None)]
    #[case("red", None)]
    #[case("12 Main Street", None)]
    #[case("2024-01-05", None)]
    #[case("10:30", None)]
    #[case("192.168.0.1", None)]
    #[case("1/2", None)]
    #[case("v1.2", None)]
    #[case("", None)]
    fn units(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(unit(text, &Spelling::USUAL), expected);
    }
}
