//! [`first_largest`].

/// Index of the first largest number.
pub(super) fn first_largest(numbers: impl Iterator<Item = f64>) -> u32 {
    let mut best = (0, f64::NEG_INFINITY);
    for (at, number) in numbers.enumerate() {
        if number > best.1 {
            best = (at as u32, number);
        }
    }
    best.0
}
