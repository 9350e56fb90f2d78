//! [`CategorySet`]: a set of bins.

/// A set of up to 256 bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CategorySet([u32; CategorySet::WORDS]);

impl CategorySet {
    /// Words of 32 bits.
    pub(super) const WORDS: usize = 8;

    pub(super) fn insert(&mut self, bin: u8) {
        self.0[usize::from(bin / 32)] |= 1 << (bin % 32);
    }

    pub(super) fn contains(&self, bin: u8) -> bool {
        self.0[usize::from(bin / 32)] >> (bin % 32) & 1 == 1
    }

    pub(super) fn words(&self) -> [u32; Self::WORDS] {
        self.0
    }

    pub(super) fn of_words(words: [u32; Self::WORDS]) -> Self {
        Self(words)
    }
}
