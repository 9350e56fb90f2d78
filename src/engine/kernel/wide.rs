//! The few vector instructions that products need, for both number types.

#![allow(unsafe_code, reason = "loads and stores through pointers")]

use pulp::{MemMask, Simd};

/// Cells of a side of the squares that [`Wide::transpose`] turns.
pub(super) const SIDE: usize = 4;

/// Vectors of `F` on one instruction set.
pub(super) trait Wide<F>: Copy {
    /// A register.
    type Lanes: Copy;
    /// Some of the first cells of a register.
    type Some: Copy;
    /// Cells of a register.
    const LANES: usize;
    /// Registers that there are.
    const REGISTERS: usize;
    fn splat(self, value: F) -> Self::Lanes;
    /// `a * b + c`, rounded once.
    fn mul_add(self, a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes;
    /// The sum of the cells of `a + b`, in an order that is always the same.
    fn sum(self, a: Self::Lanes, b: Self::Lanes) -> F;
    /// The first `count` cells, at most `LANES`.
    fn first(self, count: usize) -> Self::Some;
    /// Some cells; the others are zero.
    ///
    /// # Safety
    /// They must be readable at `cells`.
    unsafe fn load_some(self, cells: *const F, some: Self::Some) -> Self::Lanes;
    /// # Safety
    /// They must be writable at `cells`.
    unsafe fn store_some(self, cells: *mut F, some: Self::Some, lanes: Self::Lanes);
    /// Writes the transpose of a square of `SIDE` cells a side; its rows, and those of the transpose, are so far apart.
    ///
    /// # Safety
    /// The square must be readable at `from`, and its transpose writable at `to`.
    unsafe fn transpose(self, from: *const F, from_stride: usize, to: *mut F, to_stride: usize);
    /// # Safety
    /// `LANES` cells must be readable at `cells`.
    #[inline(always)]
    unsafe fn load(self, cells: *const F) -> Self::Lanes {
        // SAFETY: a register holds LANES cells and nothing else; see the caller for the rest.
        unsafe { cells.cast::<Self::Lanes>().read_unaligned() }
    }
    /// # Safety
    /// `LANES` cells must be writable at `cells`.
    #[inline(always)]
    unsafe fn store(self, cells: *mut F, lanes: Self::Lanes) {
        // SAFETY: as for `load`.
        unsafe { cells.cast::<Self::Lanes>().write_unaligned(lanes) }
    }
}

/// Asks for the line of a cell, which need not be there.
#[inline(always)]
pub(super) fn prefetch<F>(cells: *const F) {
    // SAFETY: a hint, whatever the address; every x86-64 has it.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(cells.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = cells;
}

/// As [`prefetch`], for a line that is going to be written: what other cores have of it, they give up.
#[inline(always)]
pub(super) fn prefetch_to_write<F>(cells: *const F) {
    // SAFETY: a hint, whatever the address; an x86-64 that does not know it does nothing.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) cells, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = cells;
}

/// `f32` on the instruction set `S`.
#[derive(Clone, Copy)]
pub(super) struct Single<S>(pub S);

/// `f64` on the instruction set `S`.
#[derive(Clone, Copy)]
pub(super) struct Double<S>(pub S);

impl<S: Simd> Wide<f32> for Single<S> {
    type Lanes = S::f32s;
    type Some = MemMask<S::m32s>;
    const LANES: usize = S::F32_LANES;
    const REGISTERS: usize = S::REGISTER_COUNT;
    #[inline(always)]
    fn splat(self, value: f32) -> S::f32s {
        self.0.splat_f32s(value)
    }
    #[inline(always)]
    fn mul_add(self, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        self.0.mul_add_f32s(a, b, c)
    }
    #[inline(always)]
    fn sum(self, a: S::f32s, b: S::f32s) -> f32 {
        self.0.reduce_sum_f32s(self.0.add_f32s(a, b))
    }
    #[inline(always)]
    fn first(self, count: usize) -> MemMask<S::m32s> {
        // Made anew of its mask: else pulp jumps through a table for each load.
        MemMask::new(self.0.mask_between_m32s(0, count as u32).mask())
    }
    #[inline(always)]
    unsafe fn load_some(self, cells: *const f32, some: Self::Some) -> S::f32s {
        // SAFETY: see the caller.
        unsafe { self.0.mask_load_ptr_f32s(some, cells) }
    }
    #[inline(always)]
    unsafe fn store_some(self, cells: *mut f32, some: Self::Some, lanes: S::f32s) {
        // SAFETY: see the caller.
        unsafe { self.0.mask_store_ptr_f32s(some, cells, lanes) }
    }
    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // Every x86-64 has these instructions; the loops below become single cells there.
        #[cfg(target_arch = "x86_64")]
        // SAFETY: see the caller.
        unsafe {
            use std::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
            let mut rows: [_; SIDE] = std::array::from_fn(|row| _mm_loadu_ps(from.add(row * from_stride)));
            let [a, b, c, d] = &mut rows;
            _MM_TRANSPOSE4_PS(a, b, c, d);
            for (row, cells) in rows.into_iter().enumerate() {
                _mm_storeu_ps(to.add(row * to_stride), cells);
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: see the caller.
        unsafe {
            transpose(from, from_stride, to, to_stride);
        }
    }
}

impl<S: Simd> Wide<f64> for Double<S> {
    type Lanes = S::f64s;
    type Some = MemMask<S::m64s>;
    const LANES: usize = S::F64_LANES;
    const REGISTERS: usize = S::REGISTER_COUNT;
    #[inline(always)]
    fn splat(self, value: f64) -> S::f64s {
        self.0.splat_f64s(value)
    }
    #[inline(always)]
    fn mul_add(self, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        self.0.mul_add_f64s(a, b, c)
    }
    #[inline(always)]
    fn sum(self, a: S::f64s, b: S::f64s) -> f64 {
        self.0.reduce_sum_f64s(self.0.add_f64s(a, b))
    }
    #[inline(always)]
    fn first(self, count: usize) -> MemMask<S::m64s> {
        MemMask::new(self.0.mask_between_m64s(0, count as u64).mask())
    }
    #[inline(always)]
    unsafe fn load_some(self, cells: *const f64, some: Self::Some) -> S::f64s {
        // SAFETY: see the caller.
        unsafe { self.0.mask_load_ptr_f64s(some, cells) }
    }
    #[inline(always)]
    unsafe fn store_some(self, cells: *mut f64, some: Self::Some, lanes: S::f64s) {
        // SAFETY: see the caller.
        unsafe { self.0.mask_store_ptr_f64s(some, cells, lanes) }
    }
    #[inline(always)]
    unsafe fn transpose(self, from: *const f64, from_stride: usize, to: *mut f64, to_stride: usize) {
        // SAFETY: see the caller.
        unsafe { transpose(from, from_stride, to, to_stride) }
    }
}

/// As [`Wide::transpose`].
#[inline(always)]
unsafe fn transpose<F: Copy>(from: *const F, from_stride: usize, to: *mut F, to_stride: usize) {
    for row in 0..SIDE {
        for column in 0..SIDE {
            // SAFETY: see the caller.
            unsafe { *to.add(column * to_stride + row) = *from.add(row * from_stride + column) };
        }
    }
}
