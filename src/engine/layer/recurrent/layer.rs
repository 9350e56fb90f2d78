//! What every recurrent layer is as a layer.

use super::{
    MergeMode,
    cell::{Cell, Outline, Weight},
    memory::Plan,
    sequence,
};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Forward, Layer, MaskRule, ParameterSpec, Workspace, read},
    real::Real,
    regularizer::Regularizer,
    shape::Shape,
    spec::LONGEST_AXIS,
};
use std::ops::RangeInclusive;

/// The parameters' names, and what the fields of their settings begin with.
const NAMES: [(&str, &str); 3] = [("kernel", "kernel"), ("recurrent_kernel", "recurrent"), ("bias", "bias")];

impl<C: Cell> Layer for C {
    fn check(&self) -> Result<(), FieldError> {
        let outline = self.outline();
        let most = LONGEST_AXIS / outline.gates;
        read::range((1..=most).contains(&outline.units), "/units", &format!("1 to {most}"), outline.units)?;
        self.check_activations()?;
        for ((_, field), Weight { initializer, regularizer, constraint }) in NAMES.into_iter().zip(self.weights()) {
            read::parameter(field, initializer, regularizer, constraint)?;
        }
        for (pointer, rate) in [("/dropout", outline.dropout), ("/recurrent_dropout", outline.recurrent_dropout)] {
            read::range((0.0..1.0).contains(&rate), pointer, "at least 0 and less than 1", rate)?;
        }
        Ok(())
    }

    fn arity(&self) -> RangeInclusive<usize> {
        let outline = self.outline();
        outline.first_state()..=outline.first_state() + outline.states()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let [steps, _] = inputs[0].0[..] else {
            let detail = format!("expected an input of 2 axes, steps and features, received {}", inputs[0]);
            return Err(FieldError::new("", detail));
        };
        let outline = self.outline();
        check_states(&outline, inputs)?;
        for ((spec, weight), (_, field)) in self.parameters(inputs).iter().zip(self.weights()).zip(NAMES) {
            let initializer = weight.initializer.check_shape(&spec.shape);
            initializer.map_err(|error| error.under(&format!("/{field}_initializer")))?;
            let regularizer = weight.regularizer.map_or(Ok(()), |regularizer| regularizer.check_shape(&spec.shape));
            regularizer.map_err(|error| error.under(&format!("/{field}_regularizer")))?;
            let constraint = weight.constraint.map_or(Ok(()), |constraint| constraint.check_shape(&spec.shape));
            constraint.map_err(|error| error.under(&format!("/{field}_constraint")))?;
        }
        let own =
            if outline.return_sequences { Shape(vec![steps, outline.units]) } else { Shape::vector(outline.units) };
        merged(outline.merge, own, inputs)
    }

    fn values(&self) -> usize {
        let outline = self.outline();
        1 + if outline.return_state { outline.states() } else { 0 }
    }

    fn other_shapes(&self, _: &[Shape]) -> Vec<Shape> {
        vec![Shape::vector(self.outline().units); self.values() - 1]
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let outline = self.outline();
        let width = outline.gates * outline.units;
        let bias = if outline.recurrent_bias { vec![2, width] } else { vec![width] };
        let shapes = [vec![inputs[0].last(), width], vec![outline.units, width], bias];
        let parameters = NAMES.into_iter().zip(self.weights()).zip(shapes).map(|(((name, _), weight), shape)| {
            let first = if name == "bias" { self.first_bias() } else { None };
            ParameterSpec::trained(
                name,
                Shape(shape),
                &first.unwrap_or_else(|| weight.initializer.clone()),
                weight.regularizer.copied(),
                weight.constraint,
            )
        });
        parameters.take(if outline.use_bias { 3 } else { 2 }).collect()
    }

    fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        let sequences = self.outline().first_state();
        read::masks_of_steps(&inputs[..sequences], &masks[..sequences])
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        if self.outline().return_sequences { MaskRule::Pass(0) } else { MaskRule::Drop }
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Plan::new(self.outline(), &inputs[0]).workspace()
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        let plan = Plan::new(self.outline(), &inputs[0]);
        let kernels = plan.gate_cells() as u64 * (plan.inputs + plan.outline.units) as u64;
        (2 * plan.steps as u64).saturating_mul(kernels)
    }

    fn product_rows(&self, _: &[Shape]) -> Option<usize> {
        // Step by step.
        Some(1)
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        // Where outputs are merged, the penalty is on what they were before.
        self.activity().filter(|_| self.outline().merge.is_none())
    }

    fn forward<F: Real>(&self, cx: &mut Forward<'_, F>) {
        sequence::forward(self, cx);
    }

    fn backward<F: Real>(&self, cx: &mut Backward<'_, F>) {
        sequence::backward(self, cx);
    }
}

/// Fails where inputs after the sequence are not the whole of a state.
fn check_states(outline: &Outline, inputs: &[Shape]) -> Result<(), FieldError> {
    let (first, whole) = (outline.first_state(), outline.first_state() + outline.states());
    let received = inputs.len();
    read::range([first, whole].contains(&received), "/inputs", &format!("{first} or {whole} inputs"), received)?;
    for state in &inputs[first..] {
        let expected = format!("a state of the shape [{}]", outline.units);
        read::range(*state == Shape::vector(outline.units), "/inputs", &expected, format_args!("one of {state}"))?;
    }
    Ok(())
}

/// What becomes of an output's shape where it is merged with the second input.
fn merged(merge: Option<MergeMode>, mut own: Shape, inputs: &[Shape]) -> Result<Shape, FieldError> {
    let (Some(mode), Some(other)) = (merge, inputs.get(1)) else { return Ok(own) };
    if mode != MergeMode::Concat && own != *other {
        let detail = format!("expected directions with outputs of one shape, received {other} and {own}");
        return Err(FieldError::new("/backward_layer/units", detail));
    }
    if let (MergeMode::Concat, Some(last)) = (mode, own.0.last_mut()) {
        *last += other.last();
    }
    Ok(own)
}
