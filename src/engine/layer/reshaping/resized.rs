//! [`Resized`]: one axis of an image that becomes as long as it is asked to be.

use super::resampling::{Curve, tables};
use serde::{Deserialize, Serialize};

/// How a resized image's pixels follow from those of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResizeInterpolation {
    /// The four nearest pixels, weighed by how near they are; a pixel lies at its middle.
    #[default]
    Bilinear,
    /// The nearest pixel.
    Nearest,
    /// Keys's cubic of the nearest four pixels along each axis; beyond an edge there are none.
    Bicubic,
    /// The mean of what the new pixel covers.
    Area,
    /// Lanczos's curve of the nearest six pixels along each axis.
    Lanczos3,
    /// The same of the nearest ten.
    Lanczos5,
}

impl ResizeInterpolation {
    /// How much of which pixels is in one, where a curve says so.
    fn curve(self, antialias: bool) -> Option<Curve> {
        match self {
            Self::Nearest | Self::Area => None,
            Self::Bilinear => Some(Curve::Triangle),
            Self::Bicubic if antialias => Some(Curve::Keys),
            Self::Bicubic => Some(Curve::Cubic),
            Self::Lanczos3 => Some(Curve::Lanczos(3)),
            Self::Lanczos5 => Some(Curve::Lanczos(5)),
        }
    }
}

/// An axis that is resized: of a frame of `frame` places, in which the axis begins at `start`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resized {
    /// Places of the axis.
    pub length: usize,
    /// Places that are resized: fewer than the axis has where it is cropped, and more where it is padded.
    pub frame: usize,
    /// The place in the frame of the axis's first one.
    pub start: isize,
    /// Places that become of them.
    pub size: usize,
}

impl Resized {
    /// Of the whole axis.
    pub fn whole(length: usize, size: usize) -> Self {
        Self { length, frame: length, start: 0, size }
    }

    /// Of its middle, which has `frame` places.
    pub fn cropped(length: usize, frame: usize, size: usize) -> Self {
        Self { length, frame, start: -(((length - frame) / 2) as isize), size }
    }

    /// Of a frame of about `frame` places, with as many on both sides of the axis.
    pub fn padded(length: usize, frame: usize, size: usize) -> Self {
        let before = frame.saturating_sub(length) / 2;
        Self { length, frame: length + 2 * before, start: before as isize, size }
    }

    /// For each new place: the first old one that it is mixed of, and the weights from there on. Those of places outside of
    /// the axis are left out, so that weights may be less than 1 together.
    pub fn tables(&self, interpolation: ResizeInterpolation, antialias: bool) -> [Vec<u32>; 2] {
        let mixed = (0..self.size).map(|place| self.within(self.mixed(place, interpolation, antialias)));
        let mixed: Vec<(usize, Vec<f64>)> = mixed.collect();
        let taps = mixed.iter().map(|(_, weights)| weights.len()).max().unwrap_or(0).max(1);
        tables(mixed.into_iter().map(|(first, weights)| self.as_wide(taps, first, &weights)))
    }

    /// The places of the frame that a new place is mixed of. Single precision decides between two that are as near.
    fn mixed(&self, place: usize, interpolation: ResizeInterpolation, antialias: bool) -> (usize, Vec<f64>) {
        let scale = self.frame as f32 / self.size as f32;
        let middle = (place as f32 + 0.5) * scale;
        match interpolation.curve(antialias) {
            Some(curve) => {
                let stretch = if antialias { f64::from(scale.max(1.0)) } else { 1.0 };
                curve.mixed(self.frame, f64::from(middle - 0.5), stretch)
            }
            None if interpolation == ResizeInterpolation::Nearest => ((middle as usize).min(self.frame - 1), vec![1.0]),
            None => covered(self.frame, place as f32 * scale, (place as f32 + 1.0) * scale),
        }
    }

    /// The same as places of the axis, without those that are none or weigh nothing.
    fn within(&self, (first, weights): (usize, Vec<f64>)) -> (usize, Vec<f64>) {
        let places = weights.into_iter().enumerate().map(|(tap, weight)| ((first + tap) as isize - self.start, weight));
        let inside = |&(place, _): &(isize, f64)| (0..self.length as isize).contains(&place);
        let mut places: Vec<(isize, f64)> = places.filter(inside).skip_while(|(_, weight)| *weight == 0.0).collect();
        while places.last().is_some_and(|(_, weight)| *weight == 0.0) {
            places.pop();
        }
        let first = places.first().map_or(0, |(place, _)| *place as usize);
        (first, places.into_iter().map(|(_, weight)| weight).collect())
    }

    /// The same with `taps` weights.
    fn as_wide(&self, taps: usize, first: usize, weights: &[f64]) -> (usize, Vec<f64>) {
        let begin = first.min(self.length - taps);
        let mut wide = vec![0.0; taps];
        wide[first - begin..][..weights.len()].copy_from_slice(weights);
        (begin, wide)
    }
}

/// The places between two points, each by how much of it lies there.
fn covered(length: usize, from: f32, to: f32) -> (usize, Vec<f64>) {
    let first = (from as usize).min(length - 1);
    let last = (to.ceil() as usize).clamp(first + 1, length);
    let part = |place: usize| f64::from((to.min(place as f32 + 1.0) - from.max(place as f32)).max(0.0));
    let sum: f64 = (first..last).map(part).sum();
    (first, (first..last).map(|place| part(place) / sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(axis: Resized, interpolation: ResizeInterpolation) -> (Vec<u32>, Vec<f32>) {
        let [firsts, bits] = axis.tables(interpolation, false);
        (firsts, bits.into_iter().map(f32::from_bits).collect())
    }

    #[test]
    fn places_are_those_that_lie_nearest() {
        let axis = Resized::whole(6, 3);
        assert_eq!(weights(axis, ResizeInterpolation::Nearest), (vec![1, 3, 5], vec![1.0; 3]));
        assert_eq!(weights(axis, ResizeInterpolation::Bilinear), (vec![0, 2, 4], vec![0.5; 6]));
        assert_eq!(weights(Resized::cropped(6, 2, 2), ResizeInterpolation::Bilinear), (vec![2, 3], vec![1.0; 2]));
    }

    #[test]
    fn what_lies_outside_has_no_weight() {
        let axis = Resized::padded(2, 7, 3);
        assert_eq!((axis.frame, axis.start), (6, 2));
        assert_eq!(weights(axis, ResizeInterpolation::Bilinear), (vec![0, 0, 0], vec![0.0, 0.0, 0.5, 0.5, 0.0, 0.0]));
    }

    #[test]
    fn an_area_is_a_mean_of_parts() {
        let (firsts, weights) = weights(Resized::whole(3, 2), ResizeInterpolation::Area);
        assert_eq!(firsts, [0, 1]);
        let expected = [2.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 2.0 / 3.0];
        assert!(weights.iter().zip(expected).all(|(ours, expected)| (ours - expected).abs() < 1e-6), "{weights:?}");
    }
}
