//! [`sweep`].

use super::{vectorized, wide::prefetch_to_write};

/// Elements per call of the operation.
const BLOCK: usize = 64;
/// Elements of a cache line, or more.
const LINE: usize = 16;
/// Distance in elements of the prefetched lines.
const PREFETCH_DISTANCE: usize = 384;

/// Calls `op` block by block with the same range of every slice and of `read`; see [`vectorized`] for what `op` must
/// be.
///
/// The first slice, which every core may have read since its last write, is prefetched for writing: otherwise a core
/// waits for the invalidation of each line. Measured with Adam on two cores of an Intel Xeon: 0.48 ns per weight
/// instead of
/// 0.78.
///
/// # Panics
/// If a slice has fewer elements than `read`.
#[inline(always)]
pub fn sweep<F, const N: usize>(mut written: [&mut [F]; N], read: &[F], mut op: impl FnMut([&mut [F]; N], &[F])) {
    vectorized(
        #[inline(always)]
        || {
            for start in (0..read.len()).step_by(BLOCK) {
                let end = read.len().min(start + BLOCK);
                if let Some(first) = written.first() {
                    for line in (0..BLOCK).step_by(LINE) {
                        prefetch_to_write(first.as_ptr().wrapping_add(start + PREFETCH_DISTANCE + line));
                    }
                }
                op(written.each_mut().map(|elements| &mut elements[start..end]), &read[start..end]);
            }
        },
    );
}
