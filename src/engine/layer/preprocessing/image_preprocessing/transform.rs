//! Images seen through a matrix: turned, moved, enlarged.

use crate::engine::real::Real;
use serde::{Deserialize, Serialize};

/// Numbers of a [`Matrix`].
pub(super) const COEFFICIENTS: usize = 6;

/// `[a, b, c, d, e, f]`: the pixel in column x and row y is what stands in column `a x + b y + c` and row `d x + e y + f`.
pub(super) type Matrix = [f64; COEFFICIENTS];

/// What stands outside of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FillMode {
    /// The image as in a mirror at its edge, `d c b a | a b c d | d c b a`.
    #[default]
    Reflect,
    /// The image again, `a b c d | a b c d | a b c d`.
    Wrap,
    /// `fill_value`.
    Constant,
    /// Its edge, `a a a a | a b c d | d d d d`.
    Nearest,
}

/// How a pixel follows from those around a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransformInterpolation {
    /// It is the nearest one.
    Nearest,
    /// The four nearest ones, weighed by how near they are.
    #[default]
    Bilinear,
}

/// How a moved image is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sampling {
    pub fill_mode: FillMode,
    pub fill_value: f64,
    pub interpolation: TransformInterpolation,
}

impl FillMode {
    /// The place along an axis of `length` that shows what this one would.
    fn within(self, place: f64, length: usize) -> f64 {
        let last = length as f64 - 1.0;
        let length = length as f64;
        let outside = place < 0.0 || place > last;
        let moved = match self {
            Self::Constant => return place,
            _ if length == 1.0 => 0.0,
            Self::Reflect if outside => {
                let along = place.rem_euclid(2.0 * length);
                if place < 0.0 && place >= -length {
                    -place - 1.0
                } else if along >= length {
                    2.0 * length - along - 1.0
                } else {
                    along
                }
            }
            Self::Wrap if place < 0.0 => place + length * ((-place / last).trunc() + 1.0),
            Self::Wrap if outside => place - length * (place / last).trunc(),
            _ => place,
        };
        moved.clamp(0.0, last)
    }
}

impl Sampling {
    /// The pixels that the one in column `x` and row `y` is made of, each with its weight; `None` is outside.
    fn pixels<F: Real>(
        &self,
        matrix: &[F],
        [height, width]: [usize; 2],
        [y, x]: [usize; 2],
    ) -> [(Option<usize>, F); 4] {
        let (column, row) = (F::of(x as f64), F::of(y as f64));
        let along = |c: &[F]| (c[0] * column + c[1] * row + c[2]).to_f64();
        let column = self.fill_mode.within(along(&matrix[..3]), width);
        let row = self.fill_mode.within(along(&matrix[3..]), height);
        let at = |row: f64, column: f64| {
            let is_within = row >= 0.0 && column >= 0.0 && row < height as f64 && column < width as f64;
            is_within.then(|| row as usize * width + column as usize)
        };
        match self.interpolation {
            TransformInterpolation::Nearest => {
                let none = (None, F::ZERO);
                [(at(row.round(), column.round()), F::of(1.0)), none, none, none]
            }
            TransformInterpolation::Bilinear => {
                let (above, left) = (row.floor(), column.floor());
                let (down, right) = (row - above, column - left);
                [
                    (at(above, left), F::of((1.0 - down) * (1.0 - right))),
                    (at(above, left + 1.0), F::of((1.0 - down) * right)),
                    (at(above + 1.0, left), F::of(down * (1.0 - right))),
                    (at(above + 1.0, left + 1.0), F::of(down * right)),
                ]
            }
        }
    }

    /// Writes the image that is seen of `x`, `[height, width, channels]`.
    pub fn forward<F: Real>(&self, matrix: &[F], size: [usize; 2], x: &[F], y: &mut [F]) {
        let channels = x.len() / (size[0] * size[1]);
        for (place, cells) in y.chunks_exact_mut(channels).enumerate() {
            cells.fill(F::ZERO);
            for (pixel, weight) in self.pixels(matrix, size, [place / size[1], place % size[1]]) {
                match pixel {
                    Some(pixel) => {
                        let from = &x[pixel * channels..][..channels];
                        cells.iter_mut().zip(from).for_each(|(cell, &from)| *cell += weight * from);
                    }
                    None => cells.iter_mut().for_each(|cell| *cell += weight * F::of(self.fill_value)),
                }
            }
        }
    }

    /// Writes the gradient of the image from that of what is seen of it.
    pub fn backward<F: Real>(&self, matrix: &[F], size: [usize; 2], dx: &mut [F], dy: &[F]) {
        let channels = dx.len() / (size[0] * size[1]);
        dx.fill(F::ZERO);
        for (place, cells) in dy.chunks_exact(channels).enumerate() {
            for (pixel, weight) in self.pixels(matrix, size, [place / size[1], place % size[1]]) {
                if let Some(pixel) = pixel {
                    let to = &mut dx[pixel * channels..][..channels];
                    to.iter_mut().zip(cells).for_each(|(to, &cell)| *to += weight * cell);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn gradients_go_back_the_way_that_pixels_came() {
        let sampling =
            Sampling { fill_mode: FillMode::Reflect, fill_value: 0.0, interpolation: TransformInterpolation::Bilinear };
        let matrix = [0.8, -0.4, 1.5, 0.5, 0.9, -2.25];
        let size = [3, 4];
        let dy: Vec<f64> = (0..12).map(|place| f64::from(place).sin()).collect();
        let mut dx = vec![0.0; 12];
        sampling.backward(&matrix, size, &mut dx, &dy);
        for place in 0..12 {
            let mut x = vec![0.0; 12];
            x[place] = 1.0;
            let mut y = vec![0.0; 12];
            sampling.forward(&matrix, size, &x, &mut y);
            let expected: f64 = y.iter().zip(&dy).map(|(y, dy)| y * dy).sum();
            assert!((dx[place] - expected).abs() < 1e-12, "{place}: {} and {expected}", dx[place]);
        }
    }
}
