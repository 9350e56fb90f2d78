//! Inference.

use super::{Network, Run, Tape, Weights, columns, tape::workspace};
use crate::engine::{kernel::Team, layer::Pass, random::Noise, real::Real, spec::Architecture};
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, s};

/// Maximum rows that run through the network at once: matrix products are not faster with more.
const MAX_ROWS: usize = 256;
/// Minimum rows of a matrix product, to amortize reading the weights.
const MIN_ROWS: usize = 16;
/// Elements of values and scratch memory that stay in the L2 cache.
const L2_CACHE_ELEMENTS: usize = 1 << 19;
/// Maximum elements of a tape of several rows: of a network with wide activations, fewer rows run at once.
const MAX_TAPE_ELEMENTS: usize = 1 << 24;
/// Maximum elements of the tapes of several threads together; above it, threads share the work of each layer.
const MAX_PARALLEL_ELEMENTS: usize = 1 << 26;
/// Maximum elements of the tapes that are kept for the next predictions.
const MAX_KEPT_ELEMENTS: usize = 1 << 23;
/// Minimum multiply-adds for several threads.
const MIN_PARALLEL_WORK: u64 = 1 << 20;

impl<F: Real> Network<F> {
    /// Inference on `x` [rows, columns of all inputs]; returns [rows, elements of all outputs
    /// concatenated]. The bits of a row do not depend on the other rows.
    ///
    /// # Panics
    /// If the number of columns of `x` is not that of the inputs.
    pub fn predict(&self, x: ArrayView2<'_, F>) -> Array2<F> {
        self.predict_on(&Team::ALONE, x)
    }

    /// As [`Self::predict`], on several threads if there is enough work: rows are divided, and for a single row large
    /// layers. The bits are the same.
    ///
    /// # Panics
    /// If the number of columns of `x` is not that of the inputs.
    pub fn predict_on(&self, team: &Team, x: ArrayView2<'_, F>) -> Array2<F> {
        let architecture = &self.architecture;
        assert_eq!(x.ncols(), architecture.input_columns(), "columns of x against those of the inputs");
        let mut y = Array2::from_elem((x.nrows(), architecture.output_elements()), F::ZERO);
        let work = architecture.cost().saturating_mul(x.nrows() as u64);
        let team = if work < MIN_PARALLEL_WORK { &Team::ALONE } else { team };
        let at_once = rows_at_once(architecture);
        let divides = team.threads() > 1 && divides_rows(architecture, at_once, team.threads());
        let rows = if divides { at_once.min(x.nrows().div_ceil(team.threads())).max(1) } else { at_once };
        let parts = x.axis_chunks_iter(Axis(0), rows).zip(y.axis_chunks_iter_mut(Axis(0), rows));
        if !divides || x.nrows() <= rows {
            let mut tape = self.take_tape();
            parts.for_each(|(x, y)| self.predict_part(team, &mut tape, x, y));
            self.return_tape(tape);
        } else {
            let mut parts: Vec<_> = parts.collect();
            team.each(&mut parts, |_, (x, y)| {
                let mut tape = self.take_tape();
                self.predict_part(&Team::ALONE, &mut tape, x.view(), y.view_mut());
                self.return_tape(tape);
            });
        }
        y
    }

    /// The first row of `x` for which a mask of the network masks all steps.
    ///
    /// # Panics
    /// If the number of columns of `x` is not that of the inputs.
    pub fn first_fully_masked_row(&self, x: ArrayView2<'_, F>) -> Option<usize> {
        let architecture = &self.architecture;
        assert_eq!(x.ncols(), architecture.input_columns(), "columns of x against those of the inputs");
        let masks: Vec<usize> = architecture.nodes().iter().filter_map(|node| node.mask).collect();
        if masks.is_empty() {
            return None;
        }
        let rows = rows_at_once(architecture);
        let mut tape = self.take_tape();
        let found = x.axis_chunks_iter(Axis(0), rows).enumerate().find_map(|(part, x)| {
            self.forward_to(&Team::ALONE, &mut tape, x, architecture.nodes().len());
            let first_of = |&mask: &usize| {
                let steps = architecture.shape(mask).elements().max(1);
                let mut rows = tape.value(mask, x.nrows()).chunks_exact(steps);
                rows.position(|steps| steps.iter().all(|step| *step == F::ZERO))
            };
            masks.iter().filter_map(first_of).min().map(|row| part * rows + row)
        });
        self.return_tape(tape);
        found
    }

    fn predict_part(&self, team: &Team, tape: &mut Tape<F>, x: ArrayView2<'_, F>, mut y: ArrayViewMut2<'_, F>) {
        let (architecture, rows) = (&self.architecture, x.nrows());
        self.forward_to(team, tape, x, architecture.nodes().len());
        for (&value, columns) in architecture.outputs().iter().zip(columns(architecture.output_shapes())) {
            let elements = y.slice_mut(s![.., columns]);
            elements.into_iter().zip(tape.value(value, rows)).for_each(|(y, &element)| *y = element);
        }
    }

    /// Runs the nodes before `node` on a few rows.
    pub(super) fn forward_to(&self, team: &Team, tape: &mut Tape<F>, x: ArrayView2<'_, F>, node: usize) {
        let (architecture, rows) = (&self.architecture, x.nrows());
        for (input, layout) in architecture.layouts().iter().enumerate() {
            tape.load_all(input, layout, x);
        }
        let weights = Weights { trainable: &self.trainable, fixed: &self.fixed };
        let noise = Noise::default();
        let pass = Pass { rows, repeat: 1, training: false, logits: false, trainable: false, batch_rows: rows, noise };
        let run = Run { architecture, weights, pass, fused: &[], reduced: &[], places: &[], team };
        tape.forward(&run, 0..node);
    }

    pub(super) fn take_tape(&self) -> Tape<F> {
        let pooled = self.tapes.lock().ok().and_then(|mut tapes| tapes.pop());
        pooled.unwrap_or_else(|| Tape::for_inference(&self.architecture, rows_at_once(&self.architecture)))
    }

    pub(super) fn return_tape(&self, tape: Tape<F>) {
        let max = kept_tapes(&self.architecture);
        if let Ok(mut tapes) = self.tapes.lock()
            && tapes.len() < max
        {
            tapes.push(tape);
        }
    }
}

impl Architecture {
    /// Bytes of the tapes of a prediction in `f32` of `rows` rows on up to `threads` threads.
    pub fn prediction_bytes(&self, rows: usize, threads: usize) -> u64 {
        let at_once = rows_at_once(self);
        let lanes = if divides_rows(self, at_once, threads) { threads.min(rows).max(1) } else { 1 };
        elements_of_tape(self, at_once).saturating_mul(lanes).saturating_mul(size_of::<f32>()) as u64
    }

    /// Maximum bytes of the tapes in `f32` that a network keeps between predictions.
    pub fn kept_bytes(&self) -> u64 {
        let tape = elements_of_tape(self, rows_at_once(self));
        tape.saturating_mul(kept_tapes(self)).saturating_mul(size_of::<f32>()) as u64
    }
}

/// How many tapes are kept between predictions.
fn kept_tapes(architecture: &Architecture) -> usize {
    MAX_KEPT_ELEMENTS / elements_of_tape(architecture, rows_at_once(architecture)).max(1)
}

/// Whether each thread takes some rows, with a tape of its own.
fn divides_rows(architecture: &Architecture, rows: usize, threads: usize) -> bool {
    elements_of_tape(architecture, rows).saturating_mul(threads) <= MAX_PARALLEL_ELEMENTS
}

/// Elements of a tape for inference.
fn elements_of_tape(architecture: &Architecture, rows: usize) -> usize {
    let values = (0..architecture.values()).map(|value| architecture.shape(value).elements());
    let values = values.fold(0, usize::saturating_add).saturating_mul(rows);
    let scratch = architecture.nodes().iter().map(|node| {
        let workspace = workspace(node, false);
        workspace.scratch_per_row.saturating_mul(rows).saturating_add(workspace.scratch)
    });
    values.saturating_add(scratch.max().unwrap_or(0))
}

/// Rows that run through a network at once: enough to amortize reading the weights, few enough for their values to stay
/// in cache.
pub(super) fn rows_at_once(architecture: &Architecture) -> usize {
    let values = (0..architecture.values()).map(|value| architecture.shape(value).elements());
    let scratch = architecture.nodes().iter().map(|node| workspace(node, false).scratch_per_row).max();
    let elements = values.chain(scratch).fold(0, usize::saturating_add);
    let min_rows = MIN_ROWS.div_ceil(architecture.product_rows());
    let most = (MAX_TAPE_ELEMENTS / elements.max(1)).max(1);
    (L2_CACHE_ELEMENTS / elements.max(1)).clamp(min_rows, MAX_ROWS).min(most)
}
