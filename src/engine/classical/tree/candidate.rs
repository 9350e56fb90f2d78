//! [`Candidate`]: the best split of one column.

/// Values that differ by at most this are equal.
pub(super) const THRESHOLD: f32 = 1e-7;

/// Least size of both parts of a split.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) min_samples_leaf: usize,
    pub(super) min_weight_leaf: f64,
}

/// The best split of one column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) constant: bool,
    pub(super) proxy: f64,
    /// Rows of the left part; 0 if there is no split.
    pub(super) position: usize,
    /// Index, among the present values, of the first one on the right.
    pub(super) at: usize,
    pub(super) threshold: f64,
    pub(super) missing_left: bool,
}

impl Candidate {
    pub(super) const CONSTANT: Self =
        Self { constant: true, proxy: f64::NEG_INFINITY, position: 0, at: 0, threshold: 0.0, missing_left: false };

    /// No split of a column that is not constant.
    pub(super) const NONE: Self = Self { constant: false, ..Self::CONSTANT };
}
