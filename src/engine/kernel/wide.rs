//! The few vector instructions that products need, for both number types.

#![allow(unsafe_code, reason = "loads and stores through pointers")]

use pulp::Simd;

/// Vectors of `F` on one instruction set.
pub(super) trait Wide<F>: Copy {
    /// A register.
    type Lanes: Copy;
    /// Cells of a register.
    const LANES: usize;
    fn splat(self, value: F) -> Self::Lanes;
    /// `a * b + c`, rounded once.
    fn mul_add(self, a: Self::Lanes, b: Self::Lanes, c: Self::Lanes) -> Self::Lanes;
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

/// `f32` on the instruction set `S`.
#[derive(Clone, Copy)]
pub(super) struct Single<S>(pub S);

/// `f64` on the instruction set `S`.
#[derive(Clone, Copy)]
pub(super) struct Double<S>(pub S);

impl<S: Simd> Wide<f32> for Single<S> {
    type Lanes = S::f32s;
    const LANES: usize = S::F32_LANES;
    #[inline(always)]
    fn splat(self, value: f32) -> S::f32s {
        self.0.splat_f32s(value)
    }
    #[inline(always)]
    fn mul_add(self, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        self.0.mul_add_f32s(a, b, c)
    }
}

impl<S: Simd> Wide<f64> for Double<S> {
    type Lanes = S::f64s;
    const LANES: usize = S::F64_LANES;
    #[inline(always)]
    fn splat(self, value: f64) -> S::f64s {
        self.0.splat_f64s(value)
    }
    #[inline(always)]
    fn mul_add(self, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        self.0.mul_add_f64s(a, b, c)
    }
}
