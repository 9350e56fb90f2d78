//! [`Levels`]: the levels of a category, found by their text or, where they are numbers, by their value.

use crate::data::read::number_in;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The levels of a category in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Levels {
    stored: Stored,
    /// From level to place.
    places: HashMap<String, usize>,
    /// Levels that are spelled as numbers, by the number's bits; `None` where several are the same number.
    numbers: HashMap<u64, Option<usize>>,
}

/// What is stored of levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    /// In label order, or in the given one.
    levels: Vec<String>,
    /// Whether any training row has the level; as long as `levels`.
    seen: Vec<bool>,
}

impl From<Stored> for Levels {
    fn from(stored: Stored) -> Self {
        let places = stored.levels.iter().enumerate().map(|(place, level)| (level.clone(), place)).collect();
        let mut numbers: HashMap<u64, Option<usize>> = HashMap::new();
        for (place, level) in stored.levels.iter().enumerate() {
            if let Some(number) = number_in(level) {
                let same = numbers.entry(bits(number)).and_modify(|known| *known = None);
                same.or_insert(Some(place));
            }
        }
        Self { stored, places, numbers }
    }
}

impl From<Levels> for Stored {
    fn from(levels: Levels) -> Self {
        levels.stored
    }
}

/// -0 and 0 are one number.
fn bits(number: f64) -> u64 {
    (number + 0.0).to_bits()
}

impl Levels {
    /// Levels, and which of them training rows have.
    pub fn new(levels: Vec<String>, seen: Vec<bool>) -> Self {
        Stored { levels, seen }.into()
    }

    /// Number of levels.
    pub fn len(&self) -> usize {
        self.stored.levels.len()
    }

    /// Number of levels that training rows have.
    pub fn seen(&self) -> usize {
        self.stored.seen.iter().filter(|seen| **seen).count()
    }

    /// The levels in order.
    pub fn names(&self) -> &[String] {
        &self.stored.levels
    }

    /// The place of a level, in whatever rows it is.
    pub fn place(&self, level: &str) -> Option<usize> {
        self.places.get(level).copied()
    }

    /// Whether training rows have the level of this place.
    pub fn is_seen(&self, place: usize) -> bool {
        self.stored.seen.get(place).copied().unwrap_or_default()
    }

    /// Whether some levels are spelled as numbers.
    pub fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// The only level that is spelled as this number.
    pub fn place_of_number(&self, number: f64) -> Option<usize> {
        self.numbers.get(&bits(number)).copied().flatten()
    }
}
