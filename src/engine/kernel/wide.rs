//! The vector instructions that products need, for `f32` and `f64`.

#![allow(unsafe_code, reason = "loads and stores through pointers")]

use pulp::{MemMask, Simd};

/// Side of the squares that [`Wide::transpose`] transposes.
pub(super) const SIDE: usize = 4;

/// Vectors of `F` on one instruction set.
pub(super) trait Wide<F>: Copy {
    /// The lanes of a register.
    type Lanes: Copy;
    /// A mask of the first lanes of a register.
    type Some: Copy;
    /// Lanes of a register.
    const LANES: usize;
    /// Number of registers.
    const REGISTERS: usize;
    fn splat(self, value: F) -> Self::Lanes;
    /// `a * b + c`, rounded once.
    fn mul_add(self, a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes;
    /// The sum of the lanes of `a + b`, in a fixed order.
    fn sum(self, a: Self::Lanes, b: Self::Lanes) -> F;
    /// The mask of the first `count` lanes, at most `LANES`.
    fn first(self, count: usize) -> Self::Some;
    /// Loads the masked lanes; the others are zero.
    ///
    /// # Safety
    /// They must be readable at `elements`.
    unsafe fn load_some(self, elements: *const F, some: Self::Some) -> Self::Lanes;
    /// # Safety
    /// They must be writable at `elements`.
    unsafe fn store_some(self, elements: *mut F, some: Self::Some, lanes: Self::Lanes);
    /// Writes the transpose of a `SIDE` by `SIDE` square; the strides are those between rows.
    ///
    /// # Safety
    /// The square must be readable at `from`, and its transpose writable at `to`.
    unsafe fn transpose(self, from: *const F, from_stride: usize, to: *mut F, to_stride: usize);
    /// # Safety
    /// `LANES` elements must be readable at `elements`.
    #[inline(always)]
    unsafe fn load(self, elements: *const F) -> Self::Lanes {
        // SAFETY: a register holds LANES elements and nothing else; see the caller for the rest.
        unsafe { elements.cast::<Self::Lanes>().read_unaligned() }
    }
    /// # Safety
    /// `LANES` elements must be writable at `elements`.
    #[inline(always)]
    unsafe fn store(self, elements: *mut F, lanes: Self::Lanes) {
        // SAFETY: as for `load`.
        unsafe { elements.cast::<Self::Lanes>().write_unaligned(lanes) }
    }
}

/// Prefetches the cache line of an element, which need not exist.
#[inline(always)]
pub(super) fn prefetch<F>(elements: *const F) {
    // SAFETY: a hint, valid for any address; every x86-64 has it.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(elements.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = elements;
}

/// Prefetches the cache line of an element of a slice, which need not exist.
#[inline(always)]
pub fn prefetch_element<T>(elements: &[T], index: usize) {
    prefetch(elements.as_ptr().wrapping_add(index));
}

/// As [`prefetch`], for a line that is going to be written: other cores invalidate their copies.
#[inline(always)]
pub(super) fn prefetch_to_write<F>(elements: *const F) {
    // SAFETY: a hint, valid for any address; an x86-64 without it does nothing.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) elements, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = elements;
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
        // Rebuilt from its mask: otherwise pulp uses a jump table for each load.
        MemMask::new(self.0.mask_between_m32s(0, count as u32).mask())
    }
    #[inline(always)]
    unsafe fn load_some(self, elements: *const f32, some: Self::Some) -> S::f32s {
        // SAFETY: see the caller.
        unsafe { self.0.mask_load_ptr_f32s(some, elements) }
    }
    #[inline(always)]
    unsafe fn store_some(self, elements: *mut f32, some: Self::Some, lanes: S::f32s) {
        // SAFETY: see the caller.
        unsafe { self.0.mask_store_ptr_f32s(some, elements, lanes) }
    }
    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
        // Every x86-64 has these instructions; the generic loops would move single elements.
        #[cfg(target_arch = "x86_64")]
        // SAFETY: see the caller.
        unsafe {
            use std::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
            let mut rows: [_; SIDE] = std::array::from_fn(|row| _mm_loadu_ps(from.add(row * from_stride)));
            let [a, b, c, d] = &mut rows;
            _MM_TRANSPOSE4_PS(a, b, c, d);
            for (row, elements) in rows.into_iter().enumerate() {
                _mm_storeu_ps(to.add(row * to_stride), elements);
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
    unsafe fn load_some(self, elements: *const f64, some: Self::Some) -> S::f64s {
        // SAFETY: see the caller.
        unsafe { self.0.mask_load_ptr_f64s(some, elements) }
    }
    #[inline(always)]
    unsafe fn store_some(self, elements: *mut f64, some: Self::Some, lanes: S::f64s) {
        // SAFETY: see the caller.
        unsafe { self.0.mask_store_ptr_f64s(some, elements, lanes) }
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
