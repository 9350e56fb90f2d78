//! What every recurrent layer is as a layer.

use super::{
    Direction, MergeMode,
    cell::{Cell, CellConfig, Weight},
    memory::Plan,
    sequence,
};
use crate::engine::{
    field::FieldError,
    layer::{Backward, Compute, Forward, Layer, MaskRule, ParameterSpec, Primitive, Workspace, settings_checks},
    real::Real,
    regularizer::Regularizer,
    shape::{MAX_AXIS_SIZE, Shape},
};
use std::ops::RangeInclusive;

/// The parameters' names, and what the fields of their settings begin with.
const NAMES: [(&str, &str); 3] = [("kernel", "kernel"), ("recurrent_kernel", "recurrent"), ("bias", "bias")];

impl<C: Cell> Layer for C {
    fn check(&self) -> Result<(), FieldError> {
        let config = self.config();
        let most = MAX_AXIS_SIZE / config.gates;
        settings_checks::range((1..=most).contains(&config.units), C::UNITS, &format!("1 to {most}"), config.units)?;
        self.check_own()?;
        for ((_, field), Weight { initializer, regularizer, constraint }) in NAMES.into_iter().zip(self.weights()) {
            settings_checks::parameter(field, initializer, regularizer, constraint)?;
        }
        for (pointer, rate) in [("/dropout", config.dropout), ("/recurrent_dropout", config.recurrent_dropout)] {
            settings_checks::range((0.0..1.0).contains(&rate), pointer, "at least 0 and less than 1", rate)?;
        }
        Ok(())
    }

    fn arity(&self) -> RangeInclusive<usize> {
        let config = self.config();
        config.first_state()..=config.first_state() + config.states()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        self.check_input(&inputs[0])?;
        let (config, state) = (self.config(), self.state_shape(&inputs[0]));
        check_states(&config, &state, inputs)?;
        for ((spec, weight), (_, field)) in self.parameters(inputs).iter().zip(self.weights()).zip(NAMES) {
            let initializer = weight.initializer.check_shape(&spec.shape);
            initializer.map_err(|error| error.under(&format!("/{field}_initializer")))?;
            let regularizer = weight.regularizer.map_or(Ok(()), |regularizer| regularizer.check_shape(&spec.shape));
            regularizer.map_err(|error| error.under(&format!("/{field}_regularizer")))?;
            let constraint = weight.constraint.map_or(Ok(()), |constraint| constraint.check_shape(&spec.shape));
            constraint.map_err(|error| error.under(&format!("/{field}_constraint")))?;
        }
        let steps = if config.return_sequences { &inputs[0].0[..1] } else { &[] };
        let own = Shape([steps, &state.0].concat());
        merged(config.merge, own, inputs, C::UNITS)
    }

    fn values(&self) -> usize {
        let config = self.config();
        1 + if config.return_state { config.states() } else { 0 }
    }

    fn other_shapes(&self, inputs: &[Shape]) -> Vec<Shape> {
        vec![self.state_shape(&inputs[0]); self.values() - 1]
    }

    fn parameters(&self, inputs: &[Shape]) -> Vec<ParameterSpec> {
        let config = self.config();
        let width = config.gates * config.units;
        let bias = if config.recurrent_bias { vec![2, width] } else { vec![width] };
        let [kernel, recurrent] = self.kernel_shapes(&inputs[0]);
        let shapes = [kernel, recurrent, Shape(bias)];
        let parameters = NAMES.into_iter().zip(self.weights()).zip(shapes).map(|(((name, _), weight), shape)| {
            let first = if name == "bias" { self.first_bias() } else { None };
            ParameterSpec::trained(
                name,
                shape,
                &first.unwrap_or_else(|| weight.initializer.clone()),
                weight.regularizer.copied(),
                weight.constraint,
            )
        });
        parameters.take(if config.use_bias { 3 } else { 2 }).collect()
    }

    fn check_masks(&self, inputs: &[Shape], masks: &[Option<Shape>]) -> Result<(), FieldError> {
        let sequences = self.config().first_state();
        match (self.convolutions(&inputs[0]), &masks[0]) {
            (None, _) => settings_checks::masks_of_steps(&inputs[..sequences], &masks[..sequences]),
            (Some(_), Some(mask)) => {
                let expected = format!("a mask of the shape {:?}, the steps of {}", &inputs[0].0[..1], inputs[0]);
                settings_checks::range(
                    mask.0 == inputs[0].0[..1],
                    "",
                    &expected,
                    format_args!("one of the shape {mask}"),
                )
            }
            (Some(_), None) => Ok(()),
        }
    }

    fn mask(&self, _: &[Shape], _: &[Option<Shape>]) -> MaskRule {
        if self.config().return_sequences { MaskRule::Pass(0) } else { MaskRule::Drop }
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        Plan::new(self, &inputs[0]).workspace()
    }

    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        Plan::new(self, &inputs[0]).tables()
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        Plan::new(self, &inputs[0]).cost()
    }

    fn product_rows(&self, inputs: &[Shape]) -> Option<usize> {
        // Step by step.
        Some(Plan::new(self, &inputs[0]).product_rows())
    }

    fn sees_masks_of_steps(&self) -> bool {
        true
    }

    fn direction(&self) -> Option<Direction> {
        let config = self.config();
        Some(Direction {
            return_sequences: config.return_sequences,
            return_state: config.return_state,
            states: config.states(),
            go_backwards: config.go_backwards,
            zero_output_for_mask: config.zero_output_for_mask,
            merge: config.merge,
            reverse_output: config.reverse_output,
        })
    }

    fn in_direction(&self, direction: Direction) -> Option<Primitive> {
        let mut cell = self.clone();
        cell.set_direction(direction);
        Some(cell.into())
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        // Where outputs are merged, the penalty is on what they were before.
        self.activity().filter(|_| self.config().merge.is_none())
    }
}

impl<F: Real, C: Cell> Compute<F> for C {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        sequence::forward(self, cx);
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        sequence::backward(self, cx);
    }
}

/// Fails where inputs after the sequence are not the whole of a state.
fn check_states(config: &CellConfig, state: &Shape, inputs: &[Shape]) -> Result<(), FieldError> {
    let (first, whole) = (config.first_state(), config.first_state() + config.states());
    let received = inputs.len();
    settings_checks::range(
        [first, whole].contains(&received),
        "/inputs",
        &format!("{first} or {whole} inputs"),
        received,
    )?;
    for given in &inputs[first..] {
        settings_checks::range(
            given == state,
            "/inputs",
            &format!("a state of the shape {state}"),
            format_args!("one of {given}"),
        )?;
    }
    Ok(())
}

/// What becomes of an output's shape where it is merged with the second input.
fn merged(merge: Option<MergeMode>, mut own: Shape, inputs: &[Shape], units: &str) -> Result<Shape, FieldError> {
    let (Some(mode), Some(other)) = (merge, inputs.get(1)) else { return Ok(own) };
    if mode != MergeMode::Concat && own != *other {
        let detail = format!("expected directions with outputs of one shape, received {other} and {own}");
        return Err(FieldError::new(format!("/backward_layer{units}"), detail));
    }
    if let (MergeMode::Concat, Some(last)) = (mode, own.0.last_mut()) {
        *last += other.last();
    }
    Ok(own)
}
