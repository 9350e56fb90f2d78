//! The class of CPU that the hot loops run on, found at run time.

use pulp::Arch;

/// The widest instruction set of this machine.
#[inline(always)]
pub(super) fn arch() -> Arch {
    #[cfg(test)]
    if let Some(arch) = tests::FORCED.get() {
        return arch;
    }
    Arch::new()
}

#[cfg(test)]
pub(crate) mod tests {
    use pulp::Arch;
    use std::cell::Cell;

    thread_local! {
        pub(super) static FORCED: Cell<Option<Arch>> = const { Cell::new(None) };
    }

    /// Calls `body` with the name of each class that this machine supports, while this thread dispatches to that class.
    pub(crate) fn on_each_class(mut body: impl FnMut(&'static str)) {
        for (name, arch) in classes() {
            FORCED.set(Some(arch));
            body(name);
        }
        FORCED.set(None);
    }

    #[cfg(target_arch = "x86_64")]
    fn classes() -> Vec<(&'static str, Arch)> {
        use pulp::x86::{V3, V4};
        let v3 = V3::try_new().map(|simd| ("x86-64-v3", Arch::V3(simd)));
        let v4 = V4::try_new().map(|simd| ("x86-64-v4", Arch::V4(simd)));
        std::iter::once(("scalar", Arch::Scalar)).chain(v3).chain(v4).collect()
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn classes() -> Vec<(&'static str, Arch)> {
        vec![("scalar", Arch::Scalar)]
    }
}
