//! Layers that prepare images; `random_*` augment them in training only.

mod center_crop;
mod factor;
mod random_brightness;
mod random_contrast;
mod random_flip;
mod random_rotation;
mod random_translation;
mod random_zoom;
mod resizing;
mod transform;
mod value_range;

pub use center_crop::CenterCrop;
pub use factor::Factor;
pub use random_brightness::RandomBrightness;
pub use random_contrast::{ContrastFactor, RandomContrast};
pub use random_flip::{FlipMode, RandomFlip};
pub use random_rotation::RandomRotation;
pub use random_translation::RandomTranslation;
pub use random_zoom::RandomZoom;
pub use resizing::Resizing;
pub use transform::{FillMode, TransformInterpolation};
pub use value_range::ValueRange;

use crate::engine::{
    field::FieldError,
    layer::{Backward, Forward, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use rand::Rng;
use transform::{COEFFICIENTS, Matrix, Sampling};

/// The shape of an image, unchanged.
fn image(inputs: &[Shape]) -> Result<Shape, FieldError> {
    let axes = inputs[0].0.len();
    settings_checks::range(axes == 3, "", "an input of 3 axes, height, width and channels", &inputs[0])?;
    Ok(inputs[0].clone())
}

fn workspace() -> Workspace {
    Workspace { kept_per_row: COEFFICIENTS, ..Workspace::default() }
}

/// Numbers that are drawn for an image, whatever a layer makes of them.
const DRAWS: usize = 2;

/// What each of these layers says of itself.
trait Augmentation {
    /// Where pixels come from that lie between others, or outside.
    fn sampling(&self) -> Sampling;
    /// What the numbers are drawn from, evenly: the least and the largest.
    fn ranges(&self) -> [[f64; 2]; DRAWS];
    /// The matrix that an image of this height and width is seen through, from what was drawn.
    fn matrix(&self, drawn: [f64; DRAWS], size: [f64; 2]) -> Matrix;
}

fn draw([low, high]: [f64; 2], random: &mut impl Rng) -> f64 {
    low + (high - low) * f64::from(random.next_u32()) / 2f64.powi(32)
}

/// Shows each row through a matrix of its own, which is kept.
fn forward<F: Real>(cx: &mut Forward<'_, F>, seed: Option<u64>, layer: &impl Augmentation) {
    let (x, shape) = (cx.inputs.get(0), cx.inputs.shape(0));
    if !cx.pass.training {
        cx.output.copy_from_slice(x);
        return;
    }
    let (cells, size) = (shape.elements(), [shape.0[0], shape.0[1]]);
    let mut random = cx.pass.noise.stream(seed, DRAWS);
    let rows = cx.output.chunks_exact_mut(cells).zip(x.chunks_exact(cells));
    for ((y, x), kept) in rows.zip(cx.kept.chunks_exact_mut(COEFFICIENTS)) {
        let drawn = layer.ranges().map(|range| draw(range, &mut random));
        let matrix = layer.matrix(drawn, size.map(|cells| cells as f64));
        kept.iter_mut().zip(matrix).for_each(|(kept, coefficient)| *kept = F::of(coefficient));
        layer.sampling().forward(kept, size, x, y);
    }
}

/// Gives each pixel the gradients of those that were made of it.
fn backward<F: Real>(cx: &mut Backward<'_, F>, layer: &impl Augmentation) {
    let shape = cx.inputs.shape(0);
    let (cells, size) = (shape.elements(), [shape.0[0], shape.0[1]]);
    let Some(dx) = cx.input_gradients.get(0) else { return };
    let rows = dx.chunks_exact_mut(cells).zip(cx.output_gradient.chunks_exact(cells));
    for ((dx, dy), kept) in rows.zip(cx.kept.chunks_exact(COEFFICIENTS)) {
        layer.sampling().backward(kept, size, dx, dy);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::layer::{AnyLayer, Primitive};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Deserialize)]
    struct Case {
        definition: Value,
        size: [usize; 2],
        x: Vec<f32>,
        output: Vec<f32>,
    }

    /// An image of other colors, and the gradient of a loss with respect to it.
    #[derive(Deserialize)]
    pub(super) struct Colored {
        definition: Value,
        /// What was drawn for the image.
        pub drawn: f64,
        pub size: [usize; 2],
        pub x: Vec<f32>,
        output: Vec<f32>,
        pub dy: Vec<f32>,
        dx: Vec<f32>,
    }

    impl Colored {
        pub fn layer<L: serde::de::DeserializeOwned>(&self) -> L {
            let mut settings = self.definition.clone();
            settings.as_object_mut().unwrap().remove("type");
            serde_json::from_value(settings).unwrap()
        }

        pub fn assert_close(&self, y: &[f32], dx: &[f32]) {
            for (ours, keras) in y.iter().zip(&self.output).chain(dx.iter().zip(&self.dx)) {
                let bound = 1e-5 * keras.abs().max(1.0);
                assert!((ours - keras).abs() <= bound, "{}: {ours} against {keras}", self.definition);
            }
        }
    }

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
        colored: Vec<Colored>,
    }

    fn fixture() -> Fixture {
        serde_json::from_str(include_str!("../../../../../tests/fixtures/keras/augmentation.json")).unwrap()
    }

    /// Those of the layer of this type.
    pub(super) fn colored(kind: &str) -> Vec<Colored> {
        let mut cases = fixture().colored;
        cases.retain(|case| case.definition["type"] == kind);
        assert_eq!(cases.len(), 6, "{kind}");
        cases
    }

    /// What a layer gives in training that draws the least of its numbers.
    fn seen(layer: &impl Augmentation, size: [usize; 2], x: &[f32]) -> Vec<f32> {
        let least = layer.ranges().map(|[low, _]| low);
        let matrix = layer.matrix(least, size.map(|cells| cells as f64)).map(|coefficient| coefficient as f32);
        let mut y = vec![0.0; x.len()];
        layer.sampling().forward(&matrix, size, x, &mut y);
        y
    }

    #[test]
    fn images_are_shown_as_in_keras() {
        let cases = fixture().cases;
        assert_eq!(cases.len(), 34);
        for Case { mut definition, size, x, output } in cases {
            let kind = definition.as_object_mut().unwrap().remove("type").unwrap();
            let layer = AnyLayer::read(kind.as_str().unwrap(), &definition).unwrap();
            let ours = match &layer {
                AnyLayer::Primitive(Primitive::RandomFlip(layer)) => seen(layer, size, &x),
                AnyLayer::Primitive(Primitive::RandomRotation(layer)) => seen(layer, size, &x),
                AnyLayer::Primitive(Primitive::RandomTranslation(layer)) => seen(layer, size, &x),
                AnyLayer::Primitive(Primitive::RandomZoom(layer)) => seen(layer, size, &x),
                other => panic!("{other:?}"),
            };
            for (ours, keras) in ours.iter().zip(&output) {
                assert!((ours - keras).abs() <= 3e-5, "{kind} {definition}: {ours} against {keras}");
            }
        }
    }

    #[test]
    fn numbers_are_drawn_from_the_whole_range() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<f64> = (0..2000).map(|_| draw([-0.5, 1.0], &mut random)).collect();
        assert!(drawn.iter().all(|drawn| (-0.5..1.0).contains(drawn)));
        assert!(drawn.iter().any(|drawn| *drawn < -0.49) && drawn.iter().any(|drawn| *drawn > 0.99));
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((mean - 0.25).abs() < 0.03, "{mean}");
    }

    #[test]
    fn half_of_the_images_are_flipped() {
        let layer: RandomFlip = serde_json::from_value(json!({"mode": "vertical"})).unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(2);
        let mut flips = || layer.matrix(layer.ranges().map(|range| draw(range, &mut random)), [3.0, 2.0])[4] < 0.0;
        let flipped = (0..1000).filter(|_| flips()).count();
        assert!((450..550).contains(&flipped), "{flipped}");
    }

    #[test]
    fn ranges_outside_of_those_of_keras_are_refused() {
        for (kind, settings, pointer) in [
            ("random_rotation", json!({"factor": 1.5}), "/factor"),
            ("random_zoom", json!({"height_factor": [-1.0, 0.5]}), "/height_factor"),
            ("random_zoom", json!({"height_factor": 0.5, "width_factor": 2}), "/width_factor"),
            ("random_translation", json!({"height_factor": 0.5, "width_factor": [-2, 0]}), "/width_factor"),
            ("random_brightness", json!({"factor": [-0.5, 1.5]}), "/factor"),
            ("random_brightness", json!({"factor": 0.5, "value_range": [1, 0]}), "/value_range"),
            ("random_contrast", json!({"factor": 1.5}), "/factor"),
            ("random_contrast", json!({"factor": [0.5, -0.5]}), "/factor"),
        ] {
            let AnyLayer::Primitive(layer) = AnyLayer::read(kind, &settings).unwrap() else { panic!("{kind}") };
            assert_eq!(layer.check().unwrap_err().pointer, pointer, "{kind} {settings}");
        }
    }
}
