//! [`SpectralNormalization`].

use crate::engine::{
    activation::Activation,
    field::FieldError,
    init::{Initializer, TruncatedNormal},
    layer::{
        AnyLayer, Backward, BatchReduction, BeforeStep, Compute, Forward, Layer, MaskRule, ParameterSpec, Primitive,
        Reduce, Workspace, before_step, settings_checks,
    },
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use std::ops::RangeInclusive;

/// A layer whose kernel is divided by its spectral norm before each training step.
///
/// With `W` the kernel as a matrix of its last axis, `u` a vector that is kept from step to step and
/// `normalize(x) = x / |x|`, each of `power_iterations` takes `v = normalize(u · Wᵀ)` and `u = normalize(v · W)`; then
/// `W = W / (v · W · uᵀ)`, which the step reads and the optimizer moves on from. At inference the kernel is what the last
/// step left. An input with a mask is refused.
///
/// # Shapes
/// Those of `layer`; vector_u `[1, last axis of the kernel]`.
///
/// Source: <https://keras.io/api/layers/normalization_layers/spectral_normalization/>,
/// <https://arxiv.org/abs/1802.05957>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpectralNormalization {
    /// The layer, an object with its `type`: one of dense, conv1d, conv2d, conv3d, their transposes, depthwise_conv1d and
    /// depthwise_conv2d.
    #[serde(deserialize_with = "primitive")]
    #[schema(value_type = AnyLayer, no_recursion)]
    pub layer: Box<Primitive>,
    /// Iterations before each step, at least 1.
    #[serde(default = "one", deserialize_with = "settings_checks::count")]
    #[schema(minimum = 1, maximum = 2147483647, default = 1)]
    pub power_iterations: usize,
}

/// The layers that have one kernel and nothing else of the kind.
const KINDS: [&str; 9] = [
    "dense",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv1d_transpose",
    "conv2d_transpose",
    "conv3d_transpose",
    "depthwise_conv1d",
    "depthwise_conv2d",
];

const MOST_ITERATIONS: usize = 1000;

const KERNEL: usize = 0;

fn one() -> usize {
    1
}

fn primitive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Primitive>, D::Error> {
    match AnyLayer::deserialize(deserializer)? {
        AnyLayer::Primitive(layer) => Ok(Box::new(layer)),
        AnyLayer::Composite(_) => Err(D::Error::custom(expected(""))),
    }
}

fn expected(pointer: &str) -> FieldError {
    FieldError::new(pointer, format!("expected a layer with a kernel: {}", KINDS.join(", ")))
}

impl SpectralNormalization {
    /// The last axis of the kernel, and how often it is there.
    fn sizes(kernel: &Shape) -> [usize; 2] {
        [kernel.last(), kernel.elements() / kernel.last()]
    }
}

/// The smallest square of a norm that is divided by: that of Keras's epsilon.
const LEAST_SQUARE: f64 = 1e-14;

/// Divides `x` by its Euclidean norm.
fn normalize<F: Real>(x: &mut [F]) {
    let squares = x.iter().map(|&x| x * x).sum::<F>().maximum(F::of(LEAST_SQUARE));
    let scale = F::ONE / squares.sqrt();
    x.iter_mut().for_each(|x| *x *= scale);
}

impl Layer for SpectralNormalization {
    fn check(&self) -> Result<(), FieldError> {
        if !KINDS.contains(&self.layer.kind()) {
            return Err(expected("/layer"));
        }
        let most = format!("1 to {MOST_ITERATIONS}");
        settings_checks::range(
            self.power_iterations <= MOST_ITERATIONS,
            "/power_iterations",
            &most,
            self.power_iterations,
        )?;
        self.layer.check().map_err(|error| error.under("/layer"))
    }

    fn arity(&self) -> RangeInclusive<usize> {
        self.layer.arity()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.layer.output_shape(inputs).map_err(|error| error.under("/layer"))
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let mut parameters = self.layer.parameters(inputs);
        let last = parameters.first().map_or(1, |kernel| kernel.shape.last());
        let initializer = Initializer::TruncatedNormal(TruncatedNormal { stddev: 0.02, ..TruncatedNormal::default() });
        parameters.push(ParameterSpec::fixed("vector_u", Shape(vec![1, last]), &initializer));
        parameters
    }

    fn check_masks(&self, _: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        settings_checks::range(masks.iter().all(Option::is_none), "", "an input without a mask", "one with a mask")
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        MaskRule::Drop
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        self.layer.workspace(inputs)
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        self.layer.tables(inputs)
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        self.layer.cost(inputs)
    }

    fn product_rows(&self, inputs: &[Shape]) -> Option<usize> {
        self.layer.product_rows(inputs)
    }

    fn last_activation(&self) -> Option<Activation> {
        self.layer.last_activation()
    }

    fn outer_product(&self) -> Option<usize> {
        self.layer.outer_product()
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.layer.activity_regularizer()
    }

    fn batch_reduction(&self, inputs: &[Shape], repeat: usize) -> Option<BatchReduction> {
        self.layer.batch_reduction(inputs, repeat)
    }

    /// Room for `v`.
    fn before_step_room(&self, inputs: &[Shape]) -> Option<usize> {
        self.layer.parameters(inputs).first().map(|kernel| Self::sizes(&kernel.shape)[1])
    }
}

impl<F: Real> Compute<F> for SpectralNormalization {
    fn before_step(&self, cx: &mut BeforeStep<'_, F>) {
        let [width, height] = Self::sizes(cx.shape(KERNEL));
        let (v, vector) = (&mut cx.scratch[..height], cx.places.len() - 1);
        let (kernel, u) = before_step::pair(cx.places, [KERNEL, vector], cx.trainable, cx.fixed);
        if kernel.iter().all(|&weight| weight == F::ZERO) {
            return;
        }
        let mut sigma = F::ONE;
        for _ in 0..self.power_iterations {
            for (v, row) in v.iter_mut().zip(kernel.chunks_exact(width)) {
                *v = row.iter().zip(&*u).map(|(&weight, &u)| weight * u).sum();
            }
            normalize(v);
            u.fill(F::ZERO);
            for (&v, row) in v.iter().zip(kernel.chunks_exact(width)) {
                u.iter_mut().zip(row).for_each(|(u, &weight)| *u += v * weight);
            }
            // v · W is the new u times its norm, which v · W · uᵀ is then.
            let norm = u.iter().map(|&u| u * u).sum::<F>();
            normalize(u);
            sigma = norm / norm.maximum(F::of(LEAST_SQUARE)).sqrt();
        }
        kernel.iter_mut().for_each(|weight| *weight /= sigma);
    }

    fn forward(&self, cx: &mut Forward<'_, F>) {
        self.layer.compute().forward(cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        self.layer.compute().backward(cx);
    }

    fn sum_forward(&self, cx: &mut Forward<'_, F>, sums: &mut [f64]) {
        self.layer.compute().sum_forward(cx, sums);
    }

    fn reduce_forward(&self, cx: &mut Reduce<'_, F>) {
        self.layer.compute().reduce_forward(cx);
    }

    fn sum_backward(&self, cx: &mut Backward<'_, F>, sums: &mut [f64]) {
        self.layer.compute().sum_backward(cx, sums);
    }

    fn reduce_backward(&self, cx: &mut Reduce<'_, F>) {
        self.layer.compute().reduce_backward(cx);
    }
}
