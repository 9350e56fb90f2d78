//! [`Gathered`]: matrices whose elements are at offsets from two tables.

/// A matrix to read: the element (row, column) is `elements[rows[row] + columns[column]]`.
///
/// A convolution is the product of such a matrix with the kernel, without a copy of the patches (implicit im2col). For
/// an image `[height, width, channels]`, `rows` has the offset of each output position's patch, and `columns` the
/// offset of each element (kernel row, kernel column, channel) within a patch. The product of the transpose with the
/// output gradient is the kernel gradient. The caller pads the image with zeros.
#[derive(Debug, Clone, Copy)]
pub struct Gathered<'a, F> {
    pub(super) elements: &'a [F],
    pub(super) rows: &'a [u32],
    pub(super) columns: &'a [u32],
}

impl<'a, F> Gathered<'a, F> {
    /// The elements at every sum of one of `rows` and one of `columns`.
    ///
    /// # Panics
    /// If an offset is out of bounds.
    pub fn new(elements: &'a [F], rows: &'a [u32], columns: &'a [u32]) -> Self {
        if let (Some(&row), Some(&column)) = (rows.iter().max(), columns.iter().max()) {
            assert!((row as usize).saturating_add(column as usize) < elements.len(), "gathered elements out of bounds");
        }
        Self { elements, rows, columns }
    }

    /// The transpose, without a copy.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { elements: self.elements, rows: self.columns, columns: self.rows }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Matrix, MatrixMut, product_gathered},
        *,
    };

    /// Small whole numbers, whose products and sums are exact.
    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 5 + seed) % 13) as f32 - 6.0).collect()
    }

    /// A convolution of one image, without padding.
    struct Convolution {
        image: [usize; 2],
        channels: usize,
        kernel: [usize; 2],
        strides: [usize; 2],
        dilation: [usize; 2],
        filters: usize,
    }

    impl Convolution {
        fn output(&self, axis: usize) -> usize {
            (self.image[axis] - self.dilation[axis] * (self.kernel[axis] - 1) - 1) / self.strides[axis] + 1
        }

        /// The offset after `steps` steps of `sizes` along the two axes of the image.
        fn place(&self, steps: [usize; 2], sizes: [usize; 2]) -> u32 {
            ((steps[0] * sizes[0] * self.image[1] + steps[1] * sizes[1]) * self.channels) as u32
        }

        /// The offsets of the patches, and of the elements of a patch.
        fn tables(&self) -> (Vec<u32>, Vec<u32>) {
            let pairs = |[rows, columns]: [usize; 2]| (0..rows).flat_map(move |y| (0..columns).map(move |x| [y, x]));
            let rows = pairs([self.output(0), self.output(1)]).map(|at| self.place(at, self.strides)).collect();
            let columns = pairs(self.kernel)
                .flat_map(|at| (0..self.channels as u32).map(move |channel| self.place(at, self.dilation) + channel))
                .collect();
            (rows, columns)
        }

        /// Calls `each` with the indices of every product: into the image, the kernel and the output.
        fn pairs(&self, mut each: impl FnMut(usize, usize, usize)) {
            let (channels, filters) = (self.channels, self.filters);
            for y in 0..self.output(0) {
                for x in 0..self.output(1) {
                    for ky in 0..self.kernel[0] {
                        for kx in 0..self.kernel[1] {
                            for channel in 0..channels {
                                let image_y = y * self.strides[0] + ky * self.dilation[0];
                                let image_x = x * self.strides[1] + kx * self.dilation[1];
                                let image = (image_y * self.image[1] + image_x) * channels + channel;
                                let kernel = ((ky * self.kernel[1] + kx) * channels + channel) * filters;
                                let output = (y * self.output(1) + x) * filters;
                                (0..filters).for_each(|filter| each(image, kernel + filter, output + filter));
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn convolutions_and_their_gradients_are_products_of_gathered_patches() {
        for (image, channels, kernel, strides, dilation, filters) in [
            ([5, 6], 1, [3, 3], [1, 1], [1, 1], 1),
            ([7, 9], 3, [3, 2], [1, 1], [1, 1], 5),
            ([9, 8], 4, [3, 3], [2, 3], [1, 1], 32),
            ([11, 10], 2, [2, 3], [1, 2], [3, 2], 33),
            ([12, 12], 32, [5, 3], [1, 1], [1, 1], 40),
        ] {
            let convolution = Convolution { image, channels, kernel, strides, dilation, filters };
            let (rows, columns) = convolution.tables();
            let x = numbers(image[0] * image[1] * channels, 1);
            let weights = numbers(columns.len() * filters, 2);
            let dy = numbers(rows.len() * filters, 3);
            let patches = Gathered::new(&x, &rows, &columns);

            let (mut y, mut expected) = (numbers(dy.len(), 4), numbers(dy.len(), 4));
            convolution.pairs(|image, kernel, output| expected[output] += x[image] * weights[kernel]);
            product_gathered(patches, Matrix::new(&weights, filters), MatrixMut::new(&mut y, filters), true);
            assert_eq!(y, expected);

            let (mut gradient, mut expected) = (numbers(weights.len(), 5), vec![0.0; weights.len()]);
            convolution.pairs(|image, kernel, output| expected[kernel] += x[image] * dy[output]);
            let target = MatrixMut::new(&mut gradient, filters);
            product_gathered(patches.transposed(), Matrix::new(&dy, filters), target, false);
            assert_eq!(gradient, expected);
        }
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn every_offset_is_checked() {
        Gathered::new(&[0.0; 9], &[0, 3, 5], &[0, 4, 1]);
    }

    #[test]
    fn a_table_may_be_empty() {
        Gathered::<f32>::new(&[], &[7], &[]);
    }
}
