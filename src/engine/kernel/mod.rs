//! Hot loops: matrix products, elementwise operations, reductions. The only home of SIMD dispatch and `unsafe`.

mod buffer;
mod class;
mod gathered;
mod gemm;
mod gemm_transposed;
mod matrix;
mod operand;
mod panel;
mod product;
mod rows;
mod shared;
mod sizes;
mod sum;
mod sweep;
mod team;
mod tile;
mod wide;

pub use buffer::Buffer;
#[cfg(test)]
pub(crate) use class::tests::on_each_class;
pub use gathered::Gathered;
pub use matrix::{Matrix, MatrixMut};
pub use product::{product, product_gathered, product_into};
pub use rows::{
    add, add_at, add_looked_up, add_to_rows, column_sums, gather, scatter_rows, sum_rows, transpose, write_sum,
};
pub use shared::{product_gathered_shared, product_shared};
pub(crate) use sum::sum;
pub use sweep::sweep;
pub use team::Team;
pub use wide::prefetch_element;

/// Runs `op` compiled for the widest instruction set of this CPU, to which its loops vectorize.
///
/// `op` and the functions it calls must be `#[inline(always)]`. Bits may differ between CPU classes, never between runs
/// on one.
#[inline(always)]
pub fn vectorized<R>(op: impl FnOnce() -> R) -> R {
    class::arch().dispatch(op)
}
