//! Sequential minimal optimization with second-order working sets and shrinking.
//!
//! Source: Fan, Chen and Lin, "Working Set Selection Using Second Order Information for Training Support Vector Machines",
//! JMLR 6 (2005); Chang and Lin, "LIBSVM: A Library for Support Vector Machines" (2011), sections 4 and 5.

use super::{
    matrix::KernelMatrix,
    working_set::{MIN_CURVATURE, last_largest, second_order, update},
};
use crate::engine::{classical::FitError, kernel::vectorized};

/// Minimize 1/2 aᵀQa + pᵀa over a, subject to yᵀa = 0 and 0 <= a_i <= c_i, where Q_ij = y_i y_j k(x_i, x_j).
#[derive(Debug)]
pub(super) struct Problem {
    /// k(x, x).
    pub(super) diagonal: Vec<f64>,
    /// The linear term.
    pub(super) linear: Vec<f64>,
    /// 1 or -1.
    pub(super) signs: Vec<f64>,
    /// The upper bounds.
    pub(super) bounds: Vec<f64>,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// Largest violation of the optimality conditions.
    pub(super) tol: f64,
    /// Maximum number of iterations.
    pub(super) max_iter: Option<u64>,
    /// Whether variables that are likely to stay at their bounds are left out.
    pub(super) shrinking: bool,
}

/// The solution of a [`Problem`].
#[derive(Debug)]
pub(super) struct Solution {
    /// a_i y_i.
    pub(super) coefficients: Vec<f64>,
    /// The decision function is the sum of coefficients times kernels, minus `rho`.
    pub(super) rho: f64,
    /// Iterations.
    pub(super) iterations: u64,
    /// Whether the tolerance was reached.
    pub(super) converged: bool,
}

/// The state of the solver. All vectors are in the order in which the active variables come first.
struct Solver<'a, M> {
    matrix: &'a mut M,
    problem: Problem,
    stop: Stop,
    alpha: Vec<f64>,
    /// -y_i times the gradient.
    violation: Vec<f64>,
    /// -y_i times the part of the gradient that comes from variables at their upper bounds.
    bounded: Vec<f64>,
    /// 0 where y_i a_i may grow, else -infinity.
    up: Vec<f64>,
    /// 0 where y_i a_i may fall, else infinity.
    low: Vec<f64>,
    order: Vec<u32>,
    active: usize,
    unshrunk: bool,
}

/// Solves a problem. `check` fails if the fit was cancelled; `report` is told the iterations and the violation now and then.
pub(super) fn solve<M: KernelMatrix>(
    matrix: &mut M,
    problem: Problem,
    stop: Stop,
    check: &dyn Fn() -> Result<(), FitError>,
    report: &mut dyn FnMut(u64, f64),
) -> Result<Solution, FitError> {
    let count = problem.signs.len();
    let violation: Vec<f64> = problem.signs.iter().zip(&problem.linear).map(|(sign, linear)| -sign * linear).collect();
    let mut solver = Solver {
        matrix,
        stop,
        alpha: vec![0.0; count],
        violation,
        bounded: vec![0.0; count],
        up: vec![0.0; count],
        low: vec![0.0; count],
        order: (0..count as u32).collect(),
        active: count,
        unshrunk: false,
        problem,
    };
    (0..count).for_each(|i| solver.update_status(i));
    solver.run(check, report)
}

impl<M: KernelMatrix> Solver<'_, M> {
    fn run(
        mut self,
        check: &dyn Fn() -> Result<(), FitError>,
        report: &mut dyn FnMut(u64, f64),
    ) -> Result<Solution, FitError> {
        let count = self.alpha.len();
        let (mut iterations, mut converged) = (0, true);
        let mut until_shrinking = count.min(1000) + 1;
        let mut first = self.first();
        loop {
            check()?;
            if self.stop.max_iter.is_some_and(|most| iterations >= most) {
                converged = false;
                break;
            }
            until_shrinking -= 1;
            if until_shrinking == 0 {
                until_shrinking = count.min(1000);
                report(iterations, self.largest_violation());
                if self.stop.shrinking {
                    self.shrink(check)?;
                    first = self.first();
                }
            }
            let mut pair = self.select(first);
            if pair.is_none() {
                self.reconstruct(check)?;
                self.active = count;
                pair = self.select(self.first());
                until_shrinking = 1;
            }
            let Some((i, j)) = pair else { break };
            iterations += 1;
            first = self.step(i, j);
        }
        let rho = self.rho();
        let mut coefficients = vec![0.0; count];
        for (at, &original) in self.order.iter().enumerate() {
            coefficients[original as usize] = self.alpha[at] * self.problem.signs[at];
        }
        Ok(Solution { coefficients, rho, iterations, converged })
    }

    fn is_upper(&self, i: usize) -> bool {
        self.alpha[i] >= self.problem.bounds[i]
    }

    fn is_lower(&self, i: usize) -> bool {
        !self.is_upper(i) && self.alpha[i] <= 0.0
    }

    fn update_status(&mut self, i: usize) {
        let (upper, lower) = (self.is_upper(i), self.is_lower(i));
        let (stays_up, stays_low) = if self.problem.signs[i] > 0.0 { (upper, lower) } else { (lower, upper) };
        self.up[i] = if stays_up { f64::NEG_INFINITY } else { 0.0 };
        self.low[i] = if stays_low { f64::INFINITY } else { 0.0 };
    }

    /// The last active variable of the largest violation that may grow.
    fn first(&self) -> Option<usize> {
        last_largest(&self.violation[..self.active], &self.up[..self.active])
    }

    /// The largest violation of an optimality condition.
    fn largest_violation(&self) -> f64 {
        let largest = |sign: f64, barred: &[f64]| {
            let values = self.violation.iter().zip(barred).take(self.active);
            values.map(|(violation, barred)| sign * (violation + barred)).fold(f64::NEG_INFINITY, f64::max)
        };
        largest(1.0, &self.up) + largest(-1.0, &self.low)
    }

    /// The working set: the most violating variable `first`, and the one with which the objective falls most; `None` at
    /// the optimum.
    fn select(&mut self, first: Option<usize>) -> Option<(usize, usize)> {
        let i = first?;
        let active = self.active;
        self.matrix.prepare(0, i, active);
        let row = &self.matrix.row(0)[..active];
        let diagonal = &self.problem.diagonal[..active];
        let (greatest, own) = (self.violation[i], self.problem.diagonal[i]);
        let (violation, low) = (&self.violation[..active], &self.low[..active]);
        let (second, least) = vectorized(
            #[inline(always)]
            || second_order(greatest, own, violation, low, diagonal, row),
        );
        let j = second?;
        (greatest + least >= self.stop.tol).then_some((i, j))
    }

    /// Minimizes over the variables i and j; answers the next [`Self::first`].
    fn step(&mut self, i: usize, j: usize) -> Option<usize> {
        let (active, count) = (self.active, self.alpha.len());
        self.matrix.prepare(0, i, active);
        self.matrix.prepare(1, j, active);
        let (signs, bounds) = (&self.problem.signs, &self.problem.bounds);
        let mut curvature =
            self.problem.diagonal[i] + self.problem.diagonal[j] - 2.0 * f64::from(self.matrix.row(0)[j]);
        if curvature <= 0.0 {
            curvature = MIN_CURVATURE;
        }
        let (gradient_i, gradient_j) = (-signs[i] * self.violation[i], -signs[j] * self.violation[j]);
        let before = [self.alpha[i], self.alpha[j]];
        let after = if signs[i] != signs[j] {
            opposite(before, (-gradient_i - gradient_j) / curvature, bounds[i], bounds[j])
        } else {
            alike(before, (gradient_i - gradient_j) / curvature, bounds[i], bounds[j])
        };
        [self.alpha[i], self.alpha[j]] = after;
        let steps = [(after[0] - before[0]) * signs[i], (after[1] - before[1]) * signs[j]];
        let were_upper = [before[0] >= bounds[i], before[1] >= bounds[j]];
        self.update_status(i);
        self.update_status(j);
        let first = {
            let rows = [&self.matrix.row(0)[..active], &self.matrix.row(1)[..active]];
            let (violation, up) = (&mut self.violation[..active], &self.up[..active]);
            vectorized(
                #[inline(always)]
                || update(violation, up, rows, steps),
            )
        };
        for (slot, (variable, was_upper)) in [i, j].into_iter().zip(were_upper).enumerate() {
            if was_upper == self.is_upper(variable) {
                continue;
            }
            self.matrix.prepare(slot, variable, count);
            let bound = self.problem.bounds[variable] * self.problem.signs[variable];
            let step = if was_upper { -bound } else { bound };
            subtract(&mut self.bounded, &self.matrix.row(slot)[..count], step);
        }
        first
    }

    /// Computes the violations of the variables that are not active.
    fn reconstruct(&mut self, check: &dyn Fn() -> Result<(), FitError>) -> Result<(), FitError> {
        let (active, count) = (self.active, self.alpha.len());
        if active == count {
            return Ok(());
        }
        for at in active..count {
            self.violation[at] = self.bounded[at] - self.problem.signs[at] * self.problem.linear[at];
        }
        let is_free = |solver: &Self, at: usize| !solver.is_upper(at) && !solver.is_lower(at);
        let free: Vec<usize> = (0..active).filter(|&at| is_free(self, at)).collect();
        if free.len() * count > 2 * active * (count - active) {
            for at in active..count {
                check()?;
                self.matrix.prepare(0, at, active);
                let row = self.matrix.row(0);
                for &free in &free {
                    self.violation[at] -= self.alpha[free] * self.problem.signs[free] * f64::from(row[free]);
                }
            }
        } else {
            for &free in &free {
                check()?;
                self.matrix.prepare(0, free, count);
                let step = self.alpha[free] * self.problem.signs[free];
                subtract(&mut self.violation[active..], &self.matrix.row(0)[active..count], step);
            }
        }
        Ok(())
    }

    /// Leaves out variables at bounds that they are unlikely to leave.
    fn shrink(&mut self, check: &dyn Fn() -> Result<(), FitError>) -> Result<(), FitError> {
        let (mut up, mut low) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for at in 0..self.active {
            up = up.max(self.violation[at] + self.up[at]);
            low = low.max(-(self.violation[at] + self.low[at]));
        }
        if !self.unshrunk && up + low <= self.stop.tol * 10.0 {
            self.unshrunk = true;
            self.reconstruct(check)?;
            self.active = self.alpha.len();
        }
        let may_leave = |solver: &Self, at: usize| {
            if solver.up[at] != 0.0 && solver.low[at] == 0.0 {
                solver.violation[at] > up
            } else if solver.low[at] != 0.0 && solver.up[at] == 0.0 {
                -solver.violation[at] > low
            } else {
                false
            }
        };
        let mut swaps = Vec::new();
        let mut at = 0;
        while at < self.active {
            if may_leave(self, at) {
                self.active -= 1;
                while self.active > at {
                    if !may_leave(self, self.active) {
                        self.swap(at, self.active);
                        swaps.push((at, self.active));
                        break;
                    }
                    self.active -= 1;
                }
            }
            at += 1;
        }
        self.matrix.swap(&swaps);
        Ok(())
    }

    fn swap(&mut self, a: usize, b: usize) {
        let problem = &mut self.problem;
        for values in [&mut problem.diagonal, &mut problem.linear, &mut problem.signs, &mut problem.bounds] {
            values.swap(a, b);
        }
        for values in [&mut self.alpha, &mut self.violation, &mut self.bounded, &mut self.up, &mut self.low] {
            values.swap(a, b);
        }
        self.order.swap(a, b);
    }

    fn rho(&self) -> f64 {
        let (mut above, mut below) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut sum, mut free) = (0.0, 0usize);
        for at in 0..self.active {
            let value = -self.violation[at];
            match (self.up[at] == 0.0, self.low[at] == 0.0) {
                (true, true) => {
                    sum += value;
                    free += 1;
                }
                (true, false) => above = above.min(value),
                (false, _) => below = below.max(value),
            }
        }
        if free > 0 { sum / free as f64 } else { (above + below) / 2.0 }
    }
}

/// The minimum along y_i != y_j, where both variables move by `delta`, within the bounds.
fn opposite([mut i, mut j]: [f64; 2], delta: f64, bound_i: f64, bound_j: f64) -> [f64; 2] {
    let difference = i - j;
    i += delta;
    j += delta;
    if difference > 0.0 {
        if j < 0.0 {
            (i, j) = (difference, 0.0);
        }
    } else if i < 0.0 {
        (i, j) = (0.0, -difference);
    }
    if difference > bound_i - bound_j {
        if i > bound_i {
            (i, j) = (bound_i, bound_i - difference);
        }
    } else if j > bound_j {
        (i, j) = (bound_j + difference, bound_j);
    }
    [i, j]
}

/// The minimum along y_i = y_j, where the variables move by `delta` in opposite directions, within the bounds.
fn alike([mut i, mut j]: [f64; 2], delta: f64, bound_i: f64, bound_j: f64) -> [f64; 2] {
    let sum = i + j;
    i -= delta;
    j += delta;
    if sum > bound_i {
        if i > bound_i {
            (i, j) = (bound_i, sum - bound_i);
        }
    } else if j < 0.0 {
        (i, j) = (sum, 0.0);
    }
    if sum > bound_j {
        if j > bound_j {
            (i, j) = (sum - bound_j, bound_j);
        }
    } else if i < 0.0 {
        (i, j) = (0.0, sum);
    }
    [i, j]
}

fn subtract(values: &mut [f64], row: &[f32], step: f64) {
    vectorized(
        #[inline(always)]
        || values.iter_mut().zip(row).for_each(|(value, &element)| *value -= step * f64::from(element)),
    );
}
