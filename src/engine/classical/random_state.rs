//! [`RandomState`]: NumPy's Mersenne Twister, so that a seed draws the numbers that it draws in scikit-learn.

const LENGTH: usize = 624;
const MIDDLE: usize = 397;

/// `numpy.random.RandomState`: MT19937 (Matsumoto and Nishimura, 1998) with NumPy's ways to draw integers, floats and
/// permutations.
#[derive(Debug, Clone)]
pub struct RandomState {
    words: [u32; LENGTH],
    next: usize,
}

impl RandomState {
    /// `RandomState(seed)`.
    pub fn new(seed: u32) -> Self {
        let mut words = [0; LENGTH];
        words[0] = seed;
        for at in 1..LENGTH {
            let before = words[at - 1];
            words[at] = 1_812_433_253u32.wrapping_mul(before ^ (before >> 30)).wrapping_add(at as u32);
        }
        Self { words, next: LENGTH }
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.next == LENGTH {
            for at in 0..LENGTH {
                let both = (self.words[at] & 0x8000_0000) | (self.words[(at + 1) % LENGTH] & 0x7fff_ffff);
                let twist = if both & 1 == 1 { 0x9908_b0df } else { 0 };
                self.words[at] = self.words[(at + MIDDLE) % LENGTH] ^ (both >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut word = self.words[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// The next 64 bits, the upper half first.
    fn next_u64(&mut self) -> u64 {
        let upper = u64::from(self.next_u32());
        (upper << 32) | u64::from(self.next_u32())
    }

    /// `randint(0, bound)`: 0 to `bound - 1` by masked rejection. `bound` is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        let last = bound.saturating_sub(1);
        if last == 0 {
            return 0;
        }
        let mask = u64::MAX >> last.leading_zeros();
        loop {
            let drawn = if last <= u64::from(u32::MAX) { u64::from(self.next_u32()) } else { self.next_u64() } & mask;
            if drawn <= last {
                return drawn;
            }
        }
    }

    /// `randint(0, 2**31 - 1)`: the seed of an estimator inside another one.
    pub fn seed(&mut self) -> u32 {
        self.below((1 << 31) - 1) as u32
    }

    /// `random_sample()`: uniform in [0, 1) with 53 bits.
    pub fn uniform(&mut self) -> f64 {
        let upper = f64::from(self.next_u32() >> 5);
        let lower = f64::from(self.next_u32() >> 6);
        (upper * 67_108_864.0 + lower) / 9_007_199_254_740_992.0
    }

    /// `shuffle`: Fisher-Yates from the end.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.interval(last as u64) as usize;
            items.swap(last, other);
        }
    }

    /// `permutation(count)`.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    /// `random_interval(last)`: 0 to `last`, as `shuffle` draws it.
    fn interval(&mut self, last: u64) -> u64 {
        self.below(last + 1)
    }

    /// `choice(count, size, replace=False)`: the first of a permutation.
    pub fn choose(&mut self, count: usize, size: usize) -> Vec<usize> {
        let mut order = self.permutation(count);
        order.truncate(size);
        order
    }
}

/// The generator inside scikit-learn's trees: xorshift with 32 bits of state, of which 31 are used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Xorshift(u32);

impl Xorshift {
    pub(super) fn new(seed: u32) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u32 {
        if self.0 == 0 {
            self.0 = 1;
        }
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % (1 << 31)
    }

    /// An integer in `[low, high)`.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.next() as usize % (high - low).max(1)
    }

    /// A float in `[low, high]`.
    pub(super) fn uniform(&mut self, low: f64, high: f64) -> f64 {
        (high - low) * f64::from(self.next()) / f64::from(i32::MAX) + low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `RandomState(42)`: `randint(0, 1000, 3)`, `random_sample(2)`, `permutation(6)` of NumPy 2.4.6, each from a new state.
    #[test]
    fn the_numbers_are_those_of_numpy() {
        let mut state = RandomState::new(42);
        assert_eq!([state.below(1000), state.below(1000), state.below(1000)], [102, 435, 860]);
        let mut state = RandomState::new(42);
        assert_eq!([state.uniform(), state.uniform()], [0.374_540_118_847_362_5, 0.950_714_306_409_916_2]);
        assert_eq!(RandomState::new(42).permutation(6), [0, 1, 5, 2, 4, 3]);
        assert_eq!(RandomState::new(42).seed(), 1_608_637_542);
    }
}
