//! Which axes are those of steps, and along which of them steps attend to each other.

use super::{Heads, MultiHeadAttention};
use crate::engine::{
    field::FieldError,
    layer::{Axes, settings_checks},
    shape::{MAX_AXIS_SIZE, Shape},
};
use std::ops::Range;

impl MultiHeadAttention {
    /// The axes of a sample along which steps attend to each other.
    fn attended(&self, shape: &Shape) -> Range<usize> {
        let Some(axes) = self.attention_axes.as_ref().map(Axes::listed) else { return 0..shape.0.len() - 1 };
        let places = || axes.iter().filter_map(|&axis| settings_checks::place(axis, shape));
        places().min().unwrap_or(0)..places().max().unwrap_or(0) + 1
    }

    /// The shape of the attention scores: axes that are not attended, heads, attended axes of the query and of the value.
    pub(super) fn scores_shape(&self, inputs: &[Shape]) -> Shape {
        let (query, value, attended) = (&inputs[0].0, &inputs[1].0, self.attended(&inputs[0]));
        let beside = [&query[..attended.start], &query[attended.end..query.len() - 1]].concat();
        Shape([&beside[..], &[self.num_heads], &query[attended.clone()], &value[attended]].concat())
    }

    pub(super) fn heads(&self, inputs: &[Shape]) -> Heads {
        let (query, attended) = (&inputs[0], self.attended(&inputs[0]));
        let steps = query.0.len() - 1;
        Heads {
            count: self.num_heads,
            queries: query.0[attended.clone()].iter().product(),
            keys: inputs[1].0[attended.clone()].iter().product(),
            key_dim: self.key_dim,
            value_dim: self.value_dim.unwrap_or(self.key_dim),
            outer: query.0[..attended.start].iter().product(),
            inner: query.0[attended.end..steps].iter().product(),
        }
    }

    /// Fails where the inputs' axes do not go together.
    pub(super) fn check_steps(&self, inputs: &[Shape]) -> Result<(), FieldError> {
        let (query, value) = (&inputs[0], &inputs[1]);
        for shape in inputs {
            let fits = shape.0.len() >= 2 && shape.0.len() == query.0.len();
            let received = format_args!("one of the shape {shape}");
            settings_checks::range(fits, "", "inputs of steps and features, each of as many axes", received)?;
        }
        let steps = query.0.len() - 1;
        for key in &inputs[2..] {
            let expected = format!("a key of the steps of the value, {:?}", &value.0[..steps]);
            settings_checks::range(
                key.0[..steps] == value.0[..steps],
                "",
                &expected,
                format_args!("{:?}", &key.0[..steps]),
            )?;
        }
        let attended = self.attended(query);
        if let Some(axes) = self.attention_axes.as_ref().map(Axes::listed) {
            let within =
                axes.iter().all(|&axis| settings_checks::place(axis, query).is_some_and(|place| place < steps));
            let once = attended
                .clone()
                .all(|own| axes.iter().filter(|axis| settings_checks::place(**axis, query) == Some(own)).count() == 1);
            let expected = format!("axes of steps beside each other, 1 to {steps}, each once");
            settings_checks::range(within && once, "/attention_axes", &expected, format_args!("{axes:?}"))?;
        }
        let beside = |shape: &Shape| [&shape.0[..attended.start], &shape.0[attended.end..steps]].concat();
        let expected = format!("a query with axes of the shape {:?} beside the attended ones", beside(value));
        settings_checks::range(beside(query) == beside(value), "", &expected, format_args!("{:?}", beside(query)))?;
        let heads = self.heads(inputs);
        if self.use_causal_mask {
            // Keras's causal mask is that of the first axis of steps, whichever is attended.
            let expected = "a causal mask where one axis of steps is attended";
            settings_checks::range(
                attended.len() == 1,
                "/use_causal_mask",
                expected,
                format_args!("{} axes", attended.len()),
            )?;
            let first = [query.0[0], value.0[0]];
            let expected =
                format!("a causal mask of as many steps as the first axis has, {} and {}", first[0], first[1]);
            let received = format_args!("{} queries and {} keys", heads.queries, heads.keys);
            settings_checks::range([heads.queries, heads.keys] == first, "/use_causal_mask", &expected, received)?;
        }
        let sizes = [heads.outer.saturating_mul(heads.inner), self.num_heads, heads.queries, heads.keys];
        let weights = sizes.iter().try_fold(1usize, |weights, &size| weights.checked_mul(size));
        let expected = format!("at most {MAX_AXIS_SIZE} weights, one for each head, query and key");
        let received = sizes.map(|size| size.to_string()).join(" x ");
        settings_checks::range(weights.is_some_and(|weights| weights <= MAX_AXIS_SIZE), "", &expected, received)
    }

    /// Fails where an input has a mask and steps do not attend to each other along the last axis of steps alone: masks are laid
    /// along that one in Keras, whichever is attended.
    pub(super) fn check_masked(&self, inputs: &[Shape], masked: bool) -> Result<(), FieldError> {
        let (steps, attended) = (inputs[0].0.len() - 1, self.attended(&inputs[0]));
        let expected = format!("{steps}, the last axis of steps, where an input has a mask");
        let received = format_args!("{} to {}", attended.start + 1, attended.end);
        settings_checks::range(!masked || attended == (steps - 1..steps), "/attention_axes", &expected, received)
    }
}
