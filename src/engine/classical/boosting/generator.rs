//! [`Generator`]: NumPy's `default_rng`, which draws the features of a split.

/// PCG64 (O'Neill, 2014), seeded by NumPy's `SeedSequence`.
#[derive(Debug, Clone)]
pub(super) struct Generator {
    state: u128,
    increment: u128,
    /// The upper half of the last word, if it was not used.
    kept: Option<u32>,
}

const MULTIPLIER: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

impl Generator {
    /// `numpy.random.default_rng(seed)`.
    pub(super) fn new(seed: u32) -> Self {
        let words = seed_sequence(seed);
        let wide = |at: usize| (u128::from(words[at]) << 64) | u128::from(words[at + 1]);
        let mut generator = Self { state: 0, increment: (wide(2) << 1) | 1, kept: None };
        generator.step();
        generator.state = generator.state.wrapping_add(wide(0));
        generator.step();
        generator
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(MULTIPLIER).wrapping_add(self.increment);
    }

    fn next_u64(&mut self) -> u64 {
        self.step();
        let folded = (self.state >> 64) as u64 ^ self.state as u64;
        folded.rotate_right((self.state >> 122) as u32)
    }

    fn next_u32(&mut self) -> u32 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let word = self.next_u64();
        self.kept = Some((word >> 32) as u32);
        word as u32
    }

    /// An integer of 0 to `last`, by masked rejection.
    fn up_to(&mut self, last: u32) -> u32 {
        let mask = u32::MAX.checked_shr(last.leading_zeros()).unwrap_or_default();
        loop {
            let drawn = self.next_u32() & mask;
            if drawn <= last {
                return drawn;
            }
        }
    }

    /// `shuffle`: Fisher-Yates from the end.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.up_to(last as u32) as usize;
            items.swap(last, other);
        }
    }
}

/// `SeedSequence(seed).generate_state(4, uint64)`.
fn seed_sequence(seed: u32) -> [u64; 4] {
    const POOL: usize = 4;
    let mut constant: u32 = 0x43b0_d7e5;
    let mut hash = |value: u32| {
        let value = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        let value = value.wrapping_mul(constant);
        value ^ (value >> 16)
    };
    let mix = |x: u32, y: u32| {
        let mixed = 0xca01_f9ddu32.wrapping_mul(x).wrapping_sub(0x4973_f715u32.wrapping_mul(y));
        mixed ^ (mixed >> 16)
    };
    let mut pool = [0; POOL];
    for (at, word) in pool.iter_mut().enumerate() {
        *word = hash(if at == 0 { seed } else { 0 });
    }
    for source in 0..POOL {
        for target in 0..POOL {
            if source != target {
                pool[target] = mix(pool[target], hash(pool[source]));
            }
        }
    }
    let mut constant: u32 = 0x8b51_f9dd;
    let mut words = [0u32; 8];
    for (at, word) in words.iter_mut().enumerate() {
        let value = pool[at % POOL] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        let value = value.wrapping_mul(constant);
        *word = value ^ (value >> 16);
    }
    std::array::from_fn(|at| u64::from(words[2 * at]) | (u64::from(words[2 * at + 1]) << 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `default_rng(5).shuffle(numpy.arange(10))` of NumPy 2.4.6, twice from one generator.
    #[test]
    fn the_order_is_that_of_numpy() {
        let mut generator = Generator::new(5);
        let mut items: Vec<u32> = (0..10).collect();
        generator.shuffle(&mut items);
        assert_eq!(items, [7, 6, 1, 3, 2, 4, 0, 9, 5, 8]);
        generator.shuffle(&mut items);
        assert_eq!(items, [8, 0, 3, 9, 6, 7, 5, 2, 4, 1]);
    }
}
