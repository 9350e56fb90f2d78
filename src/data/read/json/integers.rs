//! Integers that a JSON number does not keep.

use std::str;

/// Bytes of a number that are looked at; an integer of more digits is no `f64`.
const MAX_BYTES: usize = 400;

/// Bytes from which a number may be an integer past 64 bits.
const MIN_BYTES: usize = 19;

/// Characters of an integer in a message.
const SHOWN: usize = 60;

/// Follows the numbers of a JSON text, byte by byte.
#[derive(Debug, Default)]
pub(super) struct Integers {
    number: Vec<u8>,
}

impl Integers {
    /// Takes the next byte outside of strings. What is wrong with the integer that ends before it, if the number that is read would be
    /// another one.
    #[inline]
    pub fn take(&mut self, byte: u8) -> Option<String> {
        if matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') {
            if self.number.len() < MAX_BYTES {
                self.number.push(byte);
            }
            return None;
        }
        let refused = if self.number.len() < MIN_BYTES { None } else { refusal(&self.number) };
        self.number.clear();
        refused
    }
}

/// What is wrong with the first such integer of a JSON text.
pub(super) fn refusal_in(text: &[u8]) -> Option<String> {
    let mut integers = Integers::default();
    let (mut in_string, mut escaped) = (false, false);
    for &byte in text.iter().chain(b"\n") {
        match in_string {
            true if escaped => escaped = false,
            true => (escaped, in_string) = (byte == b'\\', byte != b'"'),
            false => {
                in_string = byte == b'"';
                if let Some(refused) = integers.take(byte) {
                    return Some(refused);
                }
            }
        }
    }
    None
}

/// What is wrong with an integer past 64 bits, unless it is spelled as a float would be: with all the digits of its value, or with the
/// fewest that tell it from others, and zeros.
fn refusal(number: &[u8]) -> Option<String> {
    let text = str::from_utf8(number).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_integer || text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return None;
    }
    let float: f64 = text.parse().ok()?;
    if format!("{float}") == text || format!("{float:.0}") == text {
        return None;
    }
    let shown = text.get(..SHOWN).map_or_else(|| text.to_owned(), |start| format!("{start}…"));
    Some(format!(
        "expected integers of at most 64 bits, received {shown}, of which a number keeps about 16 digits; write it as text"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_no_number_keeps_are_found_outside_of_strings() {
        for kept in [
            "{\"a\": 18446744073709551615, \"b\": -9223372036854775808}",
            "{\"a\": 100000000000000000000, \"b\": 18446744073709551616, \"c\": 123456789012345680000}",
            "{\"a\": 18446744073709551617.5, \"b\": 18446744073709551617e0}",
            "{\"18446744073709551617\": \"a \\\" 18446744073709551617\"}",
        ] {
            assert_eq!(refusal_in(kept.as_bytes()), None, "{kept}");
        }
        for refused in ["18446744073709551617", "-9223372036854775809", "36893488147419103233"] {
            let detail = refusal_in(format!("{{\"a\\\\\": 1, \"b\": [{refused}]}}").as_bytes()).unwrap();
            assert!(detail.contains(refused), "{detail}");
        }
        let long = refusal_in("7".repeat(1000).as_bytes()).unwrap();
        assert!(long.len() < 250, "{long}");
    }
}
