//! Numeric methods and checks that several models share.

pub(crate) mod centered;
pub(crate) mod cholesky;
pub(crate) mod classes;
pub(crate) mod exp;
pub(crate) mod least_squares;
pub(crate) mod points;
pub(crate) mod softmax;
