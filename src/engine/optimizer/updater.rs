//! [`Updater`].

use super::{Clock, Form, Optimizer, Options, Step, TensorInfo};
use crate::engine::{
    kernel::{Buffer, Team, sum, vectorized},
    real::Real,
    shape::Shape,
    state::Codec,
};
use std::{io, ops::Range};

/// Maximum values of optimizer state per weight.
const MAX_SLOTS: usize = 3;

/// An optimizer with its state for the tensors of one flat vector, allocated once.
///
/// A step does what Keras's base optimizer does, in that order; its bits do not depend on the number of threads.
#[derive(Debug)]
pub struct Updater<F> {
    optimizer: Optimizer,
    /// Number of steps, including those that only accumulated gradients.
    steps: u64,
    clock: Clock,
    tensors: Vec<Tensor<F>>,
    /// Each tensor's range in the flat vector.
    ranges: Vec<Range<usize>>,
    /// Ranges that are updated at a time.
    blocks: Vec<Range<usize>>,
    /// By thread: the gradient of one block; empty if the caller provides the whole gradient.
    parts: Vec<Buffer<F>>,
    /// State per weight, by slot.
    slots: Vec<Buffer<F>>,
    /// Accumulated gradients; empty without gradient accumulation.
    accumulated: Buffer<F>,
    /// Moving averages of the weights; empty without `use_ema`.
    averages: Buffer<F>,
}

/// One tensor of the flat vector.
#[derive(Debug)]
struct Tensor<F> {
    name: String,
    shape: Shape,
    /// State of the whole tensor.
    memory: Buffer<F>,
    /// Sum of its gradient's squares, if gradients are clipped by norm.
    squares: f64,
    /// Factor that clips its gradient by norm.
    factor: F,
}

impl<F: Real> Updater<F> {
    /// For consecutive tensors: name (`layer/parameter`) and shape of each. `blocks` divide all elements into parts for
    /// the `threads` threads of a team. `whole` is whether steps are passed memory for the whole gradient.
    ///
    /// # Panics
    /// If the blocks do not cover every element once, in order, or if the optimizer needs the whole gradient and
    /// `whole` is false.
    pub fn new<'t>(
        optimizer: &Optimizer,
        tensors: impl IntoIterator<Item = (&'t str, &'t Shape)>,
        blocks: Vec<Range<usize>>,
        threads: usize,
        whole: bool,
    ) -> Self {
        let rule = optimizer.rule.behaviour::<F>().form();
        let mut count = 0;
        let (mut ranges, mut laid_out) = (Vec::new(), Vec::new());
        for (name, shape) in tensors {
            let memory = match &rule {
                Form::Elementwise(_) => 0,
                Form::Tensor(rule) => rule.memory(TensorInfo { name, shape }),
            };
            ranges.push(count..count + shape.elements());
            count += shape.elements();
            laid_out.push(Tensor {
                name: name.to_owned(),
                shape: shape.clone(),
                memory: Buffer::filled(F::ZERO, memory),
                squares: 0.0,
                factor: F::ONE,
            });
        }
        let end = blocks.iter().try_fold(0, |end, block| (block.start == end).then_some(block.end));
        assert_eq!(end, Some(count), "blocks cover every element once");
        let filled = |wanted: bool| Buffer::filled(F::ZERO, if wanted { count } else { 0 });
        assert!(whole || !optimizer.needs_whole_gradient(), "memory for the whole gradient");
        let largest = if whole { 0 } else { blocks.iter().map(Range::len).max().unwrap_or(0) };
        Self {
            tensors: laid_out,
            ranges,
            blocks,
            parts: (0..threads).map(|_| Buffer::zeros(largest)).collect(),
            slots: match &rule {
                Form::Elementwise(rule) => {
                    (0..rule.slots()).map(|slot| Buffer::filled(F::of(rule.first(slot)), count)).collect()
                }
                Form::Tensor(_) => Vec::new(),
            },
            accumulated: filled(optimizer.options.gradient_accumulation_steps.is_some()),
            averages: filled(optimizer.options.use_ema),
            steps: 0,
            clock: Clock { iteration: 0, product: 1.0 },
            optimizer: optimizer.clone(),
        }
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.optimizer.learning_rate().at(self.steps)
    }

    /// One step at this learning rate. `make` is called once for each block with its number, its weights and the memory
    /// of its gradient, and computes the gradient, on the thread that then updates the block. The memory is that
    /// block's part of `gradient`, or the thread's own if `gradient` is empty.
    ///
    /// # Panics
    /// If the team has more threads than [`Self::new`] was told, or if `gradient` is empty and `whole` was true.
    pub fn step(
        &mut self,
        team: &Team,
        learning_rate: f64,
        weights: &mut [F],
        gradient: &mut [F],
        make: impl Fn(usize, &[F], &mut [F]) + Sync,
    ) {
        let options = &self.optimizer.options;
        let every = options.gradient_accumulation_steps.map_or(1, u64::from);
        let due = (self.steps + 1).is_multiple_of(every);
        let average = Average::of(&self.optimizer, self.steps / every);
        self.steps += 1;
        let collect = |block: usize, weights: &[F], gradient: &mut [F], accumulated: &mut [F]| {
            make(block, weights, gradient);
            if due { take_mean(every, gradient, accumulated) } else { accumulate(gradient, accumulated) }
        };
        let Self { blocks, parts, tensors, ranges, slots, accumulated, averages, .. } = self;
        if !due {
            let slices = [weights, gradient, accumulated, averages];
            team.blocks(blocks, parts, slices, |block, part, [weights, gradient, accumulated, averages]| {
                collect(block, weights, or_part(gradient, part, weights.len()), accumulated);
                average.follow(weights, averages);
            });
            return;
        }
        let rule = self.optimizer.rule.behaviour::<F>();
        self.clock.iteration += 1;
        rule.advance(&mut self.clock);
        let rate = F::of(learning_rate);
        let decay = F::of(options.weight_decay.unwrap_or_default()) * rate;
        let step = Step { clock: self.clock, learning_rate: rate, decay };
        let clips_by_norm = options.clips_by_norm();
        let form = rule.form();
        // Rules that need the whole gradient of a tensor take two passes over the blocks.
        let whole = clips_by_norm || matches!(form, Form::Tensor(_));
        if whole {
            let slices = [&mut *weights, &mut *gradient, &mut *accumulated];
            team.blocks(blocks, parts, slices, |block, _, [weights, gradient, accumulated]| {
                collect(block, weights, gradient, accumulated);
            });
        }
        if clips_by_norm {
            compute_clip_factors(options, ranges, tensors, team, gradient);
        }
        let max = options.clipvalue.map(F::of);
        match form {
            Form::Elementwise(rule) => {
                let kept = slots.len();
                let mut slices: [&mut [F]; 4 + MAX_SLOTS] = std::array::from_fn(|_| &mut [][..]);
                let first = [weights, gradient, accumulated, averages].into_iter();
                let slot_values = slots.iter_mut().map(|slot| &mut slot[..]);
                slices.iter_mut().zip(first.chain(slot_values)).for_each(|(slice, values)| *slice = values);
                team.blocks(
                    blocks,
                    parts,
                    slices,
                    |block, part, [weights, gradient, accumulated, averages, mut slots @ ..]| {
                        let gradient = or_part(gradient, part, weights.len());
                        if !whole {
                            collect(block, weights, gradient, accumulated);
                        }
                        if clips_by_norm {
                            clip_by_norm(tensors, ranges, blocks[block].clone(), gradient);
                        }
                        if let Some(max) = max {
                            clip_by_value(max, gradient);
                        }
                        rule.step(step, weights, gradient, &mut slots[..kept]);
                        average.follow(weights, averages);
                    },
                );
            }
            Form::Tensor(rule) => {
                let slices = [&mut *weights, gradient];
                team.zip_ranges(ranges, tensors, slices, |tensor, [weights, gradient]| {
                    if clips_by_norm {
                        scale(tensor.factor, gradient);
                    }
                    if let Some(max) = max {
                        clip_by_value(max, gradient);
                    }
                    let place = TensorInfo { name: &tensor.name, shape: &tensor.shape };
                    rule.step(step, place, weights, gradient, &mut tensor.memory);
                });
                if !averages.is_empty() {
                    team.blocks(blocks, parts, [weights, averages], |_, _, [weights, averages]| {
                        average.follow(weights, averages);
                    });
                }
            }
        }
    }

    /// Writes or reads everything that continues from step to step.
    pub fn state(&mut self, codec: &mut Codec<'_>) -> io::Result<()> {
        codec.count(&mut self.steps)?;
        codec.count(&mut self.clock.iteration)?;
        codec.number(&mut self.clock.product)?;
        let memories = self.tensors.iter_mut().map(|tensor| &mut tensor.memory);
        let mut buffers = memories.chain(&mut self.slots).chain([&mut self.accumulated, &mut self.averages]);
        buffers.try_for_each(|buffer| codec.elements(&mut buffer[..]))
    }

    /// At the end of a fit: replaces the weights by their moving averages, with `use_ema`.
    pub fn finish(&self, weights: &mut [F]) {
        if !self.averages.is_empty() && self.steps > 0 {
            weights.copy_from_slice(&self.averages);
        }
    }
}

/// The gradient of a block of `count` elements: its part of the whole gradient, or the thread's own memory.
fn or_part<'g, F: Real>(gradient: &'g mut [F], part: &'g mut Buffer<F>, count: usize) -> &'g mut [F] {
    if gradient.is_empty() { &mut part[..count] } else { gradient }
}

/// Computes the factor that clips each tensor's gradient by norm. Squares are added in a fixed order.
fn compute_clip_factors<F: Real>(
    options: &Options,
    ranges: &[Range<usize>],
    tensors: &mut [Tensor<F>],
    team: &Team,
    gradient: &[F],
) {
    team.each(tensors, |index, tensor| tensor.squares = squares(&gradient[ranges[index].clone()]));
    match (options.clipnorm, options.global_clipnorm) {
        (Some(max), _) => tensors.iter_mut().for_each(|tensor| tensor.factor = clip_factor(tensor.squares, max)),
        (None, Some(max)) => {
            let factor = clip_factor(tensors.iter().map(|tensor| tensor.squares).sum(), max);
            tensors.iter_mut().for_each(|tensor| tensor.factor = factor);
        }
        (None, None) => {}
    }
}

/// The sum of squares.
pub(super) fn squares<F: Real>(elements: &[F]) -> f64 {
    sum(
        elements,
        #[inline(always)]
        |element| element * element,
    )
}

/// The factor that clips a gradient with this sum of squares to the norm `max`; NaN if it is not finite.
fn clip_factor<F: Real>(squares: f64, max: f64) -> F {
    let norm = squares.sqrt();
    if !norm.is_finite() {
        return F::of(f64::NAN);
    }
    F::of(if norm > max { max / norm } else { 1.0 })
}

/// Multiplies each tensor's part of the gradient of `range` by that tensor's clip factor.
fn clip_by_norm<F: Real>(tensors: &[Tensor<F>], ranges: &[Range<usize>], range: Range<usize>, gradient: &mut [F]) {
    let first = ranges.partition_point(|own| own.end <= range.start);
    let here = tensors.iter().zip(ranges).skip(first).take_while(|(_, own)| own.start < range.end);
    for (tensor, own) in here {
        let (start, end) = (own.start.max(range.start), own.end.min(range.end));
        scale(tensor.factor, &mut gradient[start - range.start..end - range.start]);
    }
}

fn scale<F: Real>(factor: F, gradient: &mut [F]) {
    vectorized(
        #[inline(always)]
        || gradient.iter_mut().for_each(|g| *g *= factor),
    );
}

/// Clips each element to `-max..=max`; NaN stays NaN.
fn clip_by_value<F: Real>(max: F, gradient: &mut [F]) {
    vectorized(
        #[inline(always)]
        || {
            for g in gradient {
                let below = if *g > max { max } else { *g };
                *g = if below < -max { -max } else { below };
            }
        },
    );
}

/// Adds a gradient to the accumulated ones.
fn accumulate<F: Real>(gradient: &[F], accumulated: &mut [F]) {
    vectorized(
        #[inline(always)]
        || accumulated.iter_mut().zip(gradient).for_each(|(accumulated, &g)| *accumulated = g + *accumulated),
    );
}

/// Replaces the gradient by the mean of itself and the accumulated ones, and resets these.
fn take_mean<F: Real>(every: u64, gradient: &mut [F], accumulated: &mut [F]) {
    let count = F::of(every as f64);
    vectorized(
        #[inline(always)]
        || {
            for (g, accumulated) in gradient.iter_mut().zip(accumulated) {
                *g = (*g + *accumulated) / count;
                *accumulated = F::ZERO;
            }
        },
    );
}

/// The update of the moving averages in a step.
#[derive(Debug, Clone, Copy)]
struct Average {
    momentum: f64,
    overwrites: bool,
}

impl Average {
    /// `iteration` is the number of earlier weight updates.
    fn of(optimizer: &Optimizer, iteration: u64) -> Self {
        let options = &optimizer.options;
        Self {
            momentum: if iteration == 0 { 0.0 } else { options.ema_momentum },
            overwrites: options
                .ema_overwrite_frequency
                .is_some_and(|frequency| (iteration + 1).is_multiple_of(u64::from(frequency))),
        }
    }

    fn follow<F: Real>(self, weights: &mut [F], averages: &mut [F]) {
        let (kept, fresh) = (F::of(self.momentum), F::of(1.0 - self.momentum));
        vectorized(
            #[inline(always)]
            || averages.iter_mut().zip(&*weights).for_each(|(average, &w)| *average = kept * *average + fresh * w),
        );
        if self.overwrites && !averages.is_empty() {
            weights.copy_from_slice(averages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decaying_state_is_flushed_to_zero() {
        let shape = Shape(vec![4, 4]);
        let all = Optimizer::every().into_iter().map(|optimizer| (optimizer.kind(), optimizer));
        let momentum = |text: &str| serde_json::from_str(text).unwrap();
        let more = [
            ("sgd with momentum", momentum(r#"{"type": "sgd", "momentum": 0.9}"#)),
            ("centered rmsprop", momentum(r#"{"type": "rmsprop", "momentum": 0.9, "centered": true}"#)),
            ("amsgrad", momentum(r#"{"type": "adam", "amsgrad": true}"#)),
        ];
        for (name, optimizer) in all.chain(more) {
            let mut updater =
                Updater::<f32>::new(&optimizer, [("layer/kernel", &shape)], Vec::from([0..7, 7..16]), 1, true);
            let mut weights = vec![1.0; shape.elements()];
            for step in 0..1500 {
                let gradient = if step == 0 { 1e-18 } else { 0.0 };
                let mut memory = vec![0.0; shape.elements()];
                updater.step(&Team::ALONE, 0.001, &mut weights, &mut memory, |_, _, elements| elements.fill(gradient));
                // The rest of a tensor's memory may be scratch of a step.
                let state = updater.tensors.iter().map(|tensor| &tensor.memory);
                let kept =
                    updater.slots.iter().chain(state).flat_map(|elements| elements.iter().take(shape.elements()));
                assert!(!kept.into_iter().any(|element| element.is_subnormal()), "{name}, step {step}");
            }
        }
    }
}
