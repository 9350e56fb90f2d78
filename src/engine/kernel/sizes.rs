//! [`GemmSizes`].

/// The sizes of a matrix product: `[rows, inner] · [inner, columns]`.
#[derive(Clone, Copy)]
pub(super) struct GemmSizes {
    pub rows: usize,
    pub inner: usize,
    pub columns: usize,
}

/// Multiply-adds of a product that may end early: a few milliseconds.
const MIN_LONG: usize = 1 << 24;

impl GemmSizes {
    /// Whether the product takes so long that it looks before each panel whether it is cancelled.
    pub fn is_long(self) -> bool {
        self.rows.saturating_mul(self.inner).saturating_mul(self.columns) >= MIN_LONG
    }
}
