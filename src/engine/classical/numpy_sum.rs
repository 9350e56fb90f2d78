//! [`numpy_sum`]: NumPy's pairwise sum, whose last bits scikit-learn's numbers depend on.

/// `numpy.sum` of contiguous floats: blocks of 128 with eight running sums, then pairs of halves.
pub(super) fn numpy_sum(numbers: &[f64]) -> f64 {
    let count = numbers.len();
    if count < 8 {
        return numbers.iter().fold(-0.0, |sum, number| sum + number);
    }
    if count <= 128 {
        let mut sums = [0.0; 8];
        sums.copy_from_slice(&numbers[..8]);
        let (blocks, rest) = numbers[8..].as_chunks::<8>();
        for block in blocks {
            for (sum, number) in sums.iter_mut().zip(block) {
                *sum += number;
            }
        }
        let sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
        return rest.iter().fold(sum, |sum, number| sum + number);
    }
    let half = count / 2;
    let half = half - half % 8;
    numpy_sum(&numbers[..half]) + numpy_sum(&numbers[half..])
}
