//! [`GemmSizes`].

/// The sizes of a matrix product: `[rows, inner] · [inner, columns]`.
#[derive(Clone, Copy)]
pub(super) struct GemmSizes {
    pub rows: usize,
    pub inner: usize,
    pub columns: usize,
}
