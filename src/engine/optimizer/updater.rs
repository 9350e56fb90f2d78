//! [`Updater`].

use super::{Clock, Form, Optimizer, Options, Place, Step};
use crate::engine::{
    kernel::{Buffer, Team, vectorized},
    real::{Real, sum},
    shape::Shape,
};
use std::ops::Range;

/// Most values that a rule keeps for each weight.
const MOST_SLOTS: usize = 3;

/// An optimizer at work: what it keeps from step to step for the tensors of one flat vector, laid out once.
///
/// It does what Keras's base optimizer does, in that order; its bits do not depend on the number of threads.
#[derive(Debug)]
pub struct Updater<F> {
    optimizer: Optimizer,
    /// Steps so far, those that moved no weight among them.
    steps: u64,
    clock: Clock,
    tensors: Vec<Tensor<F>>,
    /// Each tensor's cells in the flat vector.
    cells: Vec<Range<usize>>,
    /// Neighbouring cells that are moved at a time.
    blocks: Vec<Range<usize>>,
    /// The gradient of the block that a thread is at, by thread; empty where somebody else has room for all of it.
    parts: Vec<Buffer<F>>,
    /// The rule's values for each weight.
    slots: Vec<Buffer<F>>,
    /// Sums of the gradients that wait for their step; empty where none wait.
    waiting: Buffer<F>,
    /// Moving averages of the weights; empty without.
    averages: Buffer<F>,
}

/// One tensor of the flat vector.
#[derive(Debug)]
struct Tensor<F> {
    name: String,
    shape: Shape,
    /// What the rule keeps for it as a whole.
    memory: Buffer<F>,
    /// The sum of its gradient's squares, where that is asked for.
    squares: f64,
    /// What its gradient is multiplied with, so that it is not too long.
    factor: F,
}

impl<F: Real> Updater<F> {
    /// For tensors that lie one after the other: `layer/parameter` and shape of each. `blocks` cut all of their cells into
    /// parts that the `threads` threads of a team share. `whole` is whether steps are given room for all of a gradient.
    ///
    /// # Panics
    /// Where the blocks do not cover every cell once, in order, and where the optimizer needs all of a gradient and there is
    /// no room for it.
    pub fn new<'t>(
        optimizer: &Optimizer,
        tensors: impl IntoIterator<Item = (&'t str, &'t Shape)>,
        blocks: Vec<Range<usize>>,
        threads: usize,
        whole: bool,
    ) -> Self {
        let rule = optimizer.rule.behaviour::<F>().form();
        let mut count = 0;
        let (mut cells, mut laid_out) = (Vec::new(), Vec::new());
        for (name, shape) in tensors {
            let memory = match &rule {
                Form::Cells(_) => 0,
                Form::Tensors(rule) => rule.memory(Place { name, shape }),
            };
            cells.push(count..count + shape.cells());
            count += shape.cells();
            laid_out.push(Tensor {
                name: name.to_owned(),
                shape: shape.clone(),
                memory: Buffer::filled(F::ZERO, memory),
                squares: 0.0,
                factor: F::ONE,
            });
        }
        let end = blocks.iter().try_fold(0, |end, block| (block.start == end).then_some(block.end));
        assert_eq!(end, Some(count), "blocks cover every cell once");
        let filled = |wanted: bool| Buffer::filled(F::ZERO, if wanted { count } else { 0 });
        assert!(whole || !optimizer.needs_whole_gradient(), "room for a whole gradient");
        let largest = if whole { 0 } else { blocks.iter().map(Range::len).max().unwrap_or(0) };
        Self {
            tensors: laid_out,
            cells,
            blocks,
            parts: (0..threads).map(|_| Buffer::zeros(largest)).collect(),
            slots: match &rule {
                Form::Cells(rule) => {
                    (0..rule.slots()).map(|slot| Buffer::filled(F::of(rule.first(slot)), count)).collect()
                }
                Form::Tensors(_) => Vec::new(),
            },
            waiting: filled(optimizer.options.gradient_accumulation_steps.is_some()),
            averages: filled(optimizer.options.use_ema),
            steps: 0,
            clock: Clock { iteration: 0, product: 1.0 },
            optimizer: optimizer.clone(),
        }
    }

    /// The learning rate of the next step by the settings.
    pub fn learning_rate(&self) -> f64 {
        self.optimizer.learning_rate().at(self.steps)
    }

    /// One step at this learning rate. `make` is called once for each block, with its number, the weights there and room for
    /// their gradient, and writes it or completes what is there: that happens where the block's weights are, and while they
    /// are. The room is that block's part of `gradient`, or a thread's own where `gradient` is empty.
    ///
    /// # Panics
    /// Where the team has more threads than were said, and where there is not the room that was.
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
        let collect = |block: usize, weights: &[F], gradient: &mut [F], waiting: &mut [F]| {
            make(block, weights, gradient);
            if due { release(every, gradient, waiting) } else { wait(gradient, waiting) }
        };
        let Self { blocks, parts, tensors, cells, slots, waiting, averages, .. } = self;
        if !due {
            let slices = [weights, gradient, waiting, averages];
            team.blocks(blocks, parts, slices, |block, part, [weights, gradient, waiting, averages]| {
                collect(block, weights, or_part(gradient, part, weights.len()), waiting);
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
        let measured = options.clips_by_norm();
        let form = rule.form();
        // What needs all of a tensor's gradient makes two walks of one.
        let whole = measured || matches!(form, Form::Tensors(_));
        if whole {
            let slices = [&mut *weights, &mut *gradient, &mut *waiting];
            team.blocks(blocks, parts, slices, |block, _, [weights, gradient, waiting]| {
                collect(block, weights, gradient, waiting);
            });
        }
        if measured {
            measure(options, cells, tensors, team, gradient);
        }
        let most = options.clipvalue.map(F::of);
        match form {
            Form::Cells(rule) => {
                let kept = slots.len();
                let mut slices: [&mut [F]; 4 + MOST_SLOTS] = std::array::from_fn(|_| &mut [][..]);
                let first = [weights, gradient, waiting, averages].into_iter();
                let slot_cells = slots.iter_mut().map(|slot| &mut slot[..]);
                slices.iter_mut().zip(first.chain(slot_cells)).for_each(|(slice, cells)| *slice = cells);
                team.blocks(
                    blocks,
                    parts,
                    slices,
                    |block, part, [weights, gradient, waiting, averages, mut slots @ ..]| {
                        let gradient = or_part(gradient, part, weights.len());
                        if !whole {
                            collect(block, weights, gradient, waiting);
                        }
                        if measured {
                            shorten(tensors, cells, blocks[block].clone(), gradient);
                        }
                        if let Some(most) = most {
                            clip(most, gradient);
                        }
                        rule.step(step, weights, gradient, &mut slots[..kept]);
                        average.follow(weights, averages);
                    },
                );
            }
            Form::Tensors(rule) => {
                let slices = [&mut *weights, gradient];
                team.cuts(cells, tensors, slices, |tensor, [weights, gradient]| {
                    if measured {
                        scale(tensor.factor, gradient);
                    }
                    if let Some(most) = most {
                        clip(most, gradient);
                    }
                    let place = Place { name: &tensor.name, shape: &tensor.shape };
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

    /// Where a fit ends: the weights become their averages, where those are wanted.
    pub fn finish(&self, weights: &mut [F]) {
        if !self.averages.is_empty() && self.steps > 0 {
            weights.copy_from_slice(&self.averages);
        }
    }
}

/// The gradient of a block of `cells` cells: its cut of all, or a thread's own memory.
fn or_part<'g, F: Real>(gradient: &'g mut [F], part: &'g mut Buffer<F>, cells: usize) -> &'g mut [F] {
    if gradient.is_empty() { &mut part[..cells] } else { gradient }
}

/// Finds what each tensor's gradient is multiplied with: a tensor's squares are added in the order of its cells, and
/// tensors in theirs.
fn measure<F: Real>(options: &Options, cells: &[Range<usize>], tensors: &mut [Tensor<F>], team: &Team, gradient: &[F]) {
    team.each(tensors, |index, tensor| tensor.squares = squares(&gradient[cells[index].clone()]));
    match (options.clipnorm, options.global_clipnorm) {
        (Some(most), _) => tensors.iter_mut().for_each(|tensor| tensor.factor = factor(tensor.squares, most)),
        (None, Some(most)) => {
            let factor = factor(tensors.iter().map(|tensor| tensor.squares).sum(), most);
            tensors.iter_mut().for_each(|tensor| tensor.factor = factor);
        }
        (None, None) => {}
    }
}

/// The sum of the squares of some cells.
pub(super) fn squares<F: Real>(cells: &[F]) -> f64 {
    sum(
        cells,
        #[inline(always)]
        |cell| cell * cell,
    )
}

/// What shortens a gradient of this sum of squares to at most `most`; NaN where it is not finite.
fn factor<F: Real>(squares: f64, most: f64) -> F {
    let norm = squares.sqrt();
    if !norm.is_finite() {
        return F::of(f64::NAN);
    }
    F::of(if norm > most { most / norm } else { 1.0 })
}

/// Multiplies each tensor's part of the gradient of `range` with that tensor's factor.
fn shorten<F: Real>(tensors: &[Tensor<F>], cells: &[Range<usize>], range: Range<usize>, gradient: &mut [F]) {
    let first = cells.partition_point(|cells| cells.end <= range.start);
    let here = tensors.iter().zip(cells).skip(first).take_while(|(_, cells)| cells.start < range.end);
    for (tensor, cells) in here {
        let (start, end) = (cells.start.max(range.start), cells.end.min(range.end));
        scale(tensor.factor, &mut gradient[start - range.start..end - range.start]);
    }
}

fn scale<F: Real>(factor: F, gradient: &mut [F]) {
    vectorized(
        #[inline(always)]
        || gradient.iter_mut().for_each(|g| *g *= factor),
    );
}

/// Brings each cell to at most `most` in size; NaN stays NaN.
fn clip<F: Real>(most: F, gradient: &mut [F]) {
    vectorized(
        #[inline(always)]
        || {
            for g in gradient {
                let below = if *g > most { most } else { *g };
                *g = if below < -most { -most } else { below };
            }
        },
    );
}

/// Adds a gradient to those that wait.
fn wait<F: Real>(gradient: &[F], waiting: &mut [F]) {
    vectorized(
        #[inline(always)]
        || waiting.iter_mut().zip(gradient).for_each(|(waiting, &g)| *waiting = g + *waiting),
    );
}

/// Makes the gradient the mean of itself and those that waited.
fn release<F: Real>(every: u64, gradient: &mut [F], waiting: &mut [F]) {
    let count = F::of(every as f64);
    vectorized(
        #[inline(always)]
        || {
            for (g, waiting) in gradient.iter_mut().zip(waiting) {
                *g = (*g + *waiting) / count;
                *waiting = F::ZERO;
            }
        },
    );
}

/// What happens to the moving averages in a step.
#[derive(Debug, Clone, Copy)]
struct Average {
    momentum: f64,
    overwrites: bool,
}

impl Average {
    /// `iteration` counts the steps that moved weights before this one.
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
    fn what_decays_ends_in_zero_and_never_where_arithmetic_is_slow() {
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
            let mut weights = vec![1.0; shape.cells()];
            for step in 0..1500 {
                let gradient = if step == 0 { 1e-18 } else { 0.0 };
                let mut room = vec![0.0; shape.cells()];
                updater.step(&Team::ALONE, 0.001, &mut weights, &mut room, |_, _, cells| cells.fill(gradient));
                // Behind its first cells, a tensor's memory may be room for what is made anew in each step.
                let memory = updater.tensors.iter().map(|tensor| &tensor.memory);
                let kept = updater.slots.iter().chain(memory).flat_map(|cells| cells.iter().take(shape.cells()));
                assert!(!kept.into_iter().any(|cell| cell.is_subnormal()), "{name}, step {step}");
            }
        }
    }
}
