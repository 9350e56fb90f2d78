//! How much is added or taken away at each end of an axis, as Keras writes it.

use crate::engine::{field::FieldError, layer::settings_checks, shape::MAX_AXIS_SIZE};
use serde::{Deserialize, Serialize};

/// Elements before and after a sequence: `[before, after]`, or one number for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(from = "Pair")]
#[schema(value_type = Vec<usize>)]
pub struct Margins1d(pub [usize; 2]);

/// Elements above and below, left and right of an image: `[[above, below], [left, right]]`, `[height, width]` for both ends
/// alike, or one number for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(from = "Pairs")]
#[schema(value_type = Vec<Vec<usize>>)]
pub struct Margins2d(pub [[usize; 2]; 2]);

/// Elements before and after the planes, the lines and the columns of a volume: three lists of two, three numbers for both ends
/// alike, or one number for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(from = "Triples")]
#[schema(value_type = Vec<Vec<usize>>)]
pub struct Margins3d(pub [[usize; 2]; 3]);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number from 0, or a list of two")]
enum Pair {
    Both(usize),
    Each([usize; 2]),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number from 0, a list of two, or a list of two such lists")]
enum Pairs {
    All(usize),
    Each([Pair; 2]),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a whole number from 0, a list of three, or a list of three lists of two")]
enum Triples {
    All(usize),
    Each([Pair; 3]),
}

impl From<Triples> for Margins3d {
    fn from(triples: Triples) -> Self {
        match triples {
            Triples::All(cells) => Self([[cells; 2]; 3]),
            Triples::Each(pairs) => Self(pairs.map(|pair| Margins1d::from(pair).0)),
        }
    }
}

impl From<Pair> for Margins1d {
    fn from(pair: Pair) -> Self {
        match pair {
            Pair::Both(cells) => Self([cells; 2]),
            Pair::Each(cells) => Self(cells),
        }
    }
}

impl From<Pairs> for Margins2d {
    fn from(pairs: Pairs) -> Self {
        match pairs {
            Pairs::All(cells) => Self([[cells; 2]; 2]),
            Pairs::Each(pairs) => Self(pairs.map(|pair| Margins1d::from(pair).0)),
        }
    }
}

impl Margins1d {
    /// Both together.
    pub(crate) fn elements(self) -> usize {
        self.0.iter().sum()
    }

    pub(crate) fn check(self, pointer: &str) -> Result<(), FieldError> {
        let most = self.0.into_iter().max().unwrap_or(0);
        settings_checks::range(most <= MAX_AXIS_SIZE, pointer, &format!("0 to {MAX_AXIS_SIZE}"), most)
    }
}

impl Margins2d {
    pub(crate) fn height(self) -> Margins1d {
        Margins1d(self.0[0])
    }

    pub(crate) fn width(self) -> Margins1d {
        Margins1d(self.0[1])
    }

    pub(crate) fn check(self, pointer: &str) -> Result<(), FieldError> {
        self.height().check(pointer)?;
        self.width().check(pointer)
    }
}

impl Margins3d {
    /// Both together of each axis.
    pub(crate) fn elements(self) -> [usize; 3] {
        self.0.map(|ends| Margins1d(ends).elements())
    }

    pub(crate) fn check(self, pointer: &str) -> Result<(), FieldError> {
        self.0.into_iter().try_for_each(|ends| Margins1d(ends).check(pointer))
    }
}
