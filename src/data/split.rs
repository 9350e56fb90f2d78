//! Which rows train and which validate.

/// Row indices of both parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Rows to learn from.
    pub training: Vec<usize>,
    /// Rows to measure on.
    pub validation: Vec<usize>,
}

/// How many of `rows` train when the last `validation_split` of them validate: Keras's `int(rows * (1 - split))`.
pub fn training_rows(_rows: usize, _validation_split: f64) -> usize {
    todo!()
}

/// The last `validation_split` of the rows validate, after a seeded shuffle where `shuffle`.
pub fn split(_rows: usize, _validation_split: f64, _shuffle: bool, _seed: u64) -> Split {
    todo!()
}
