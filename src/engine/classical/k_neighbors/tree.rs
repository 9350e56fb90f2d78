//! [`Tree`]: a k-d tree or a ball tree, whose leaves are blocks of points.
//!
//! Source: Bentley, "Multidimensional Binary Search Trees Used for Associative Searching" (1975); Omohundro, "Five Balltree
//! Construction Algorithms" (1989). Nodes are halved at the median of the column with the largest range.

use super::{metric::Distance, nearest::Nearest};
use crate::engine::{
    classical::{
        FitError,
        numeric::points::{LANES, Points},
        run::check_cancel,
    },
    kernel::vectorized,
};
use rayon::prelude::*;
use std::{ops::Range, sync::atomic::AtomicBool};

/// No child.
const NONE: u32 = u32::MAX;
/// Share by which a bound that is computed from rounded distances is lowered.
const SAFETY: f64 = 1e-12;

/// How the region of a node is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Least and largest value of every column.
    Boxes,
    /// Center and radius.
    Balls,
    /// One region without bounds: every point is compared.
    Whole,
}

#[derive(Debug, Clone)]
struct Node {
    /// Positions of its points.
    points: Range<u32>,
    /// First of its two children, which are neighbours.
    children: u32,
}

/// Points in the order of the leaves of a tree over them.
#[derive(Debug)]
pub(super) struct Tree {
    distance: Distance,
    shape: Shape,
    columns: usize,
    points: Points,
    /// The training row of every point.
    order: Vec<u32>,
    nodes: Vec<Node>,
    /// By node: two rows of columns, or the center and the radius.
    bounds: Vec<f64>,
}

impl Tree {
    /// A tree over `rows`, row-major, with at most `leaf_size` points in a leaf, rounded up to whole blocks.
    pub(super) fn new(
        distance: Distance,
        shape: Shape,
        rows: &[f64],
        columns: usize,
        leaf_size: usize,
        cancel: &AtomicBool,
    ) -> Result<Self, FitError> {
        let count = rows.len() / columns;
        let mut order: Vec<u32> = (0..count as u32).collect();
        let (mut nodes, mut bounds) = (vec![Node { points: 0..count as u32, children: NONE }], Vec::new());
        let leaf_size = leaf_size.next_multiple_of(LANES);
        let mut level = 0..if shape == Shape::Whole { 0 } else { 1 };
        while !level.is_empty() {
            let mut rest = &mut order[..];
            let mut parts = Vec::with_capacity(level.len());
            let mut at = 0;
            for node in &nodes[level.clone()] {
                let (before, after) = rest.split_at_mut((node.points.end - at) as usize);
                parts.push(&mut before[(node.points.start - at) as usize..]);
                at = node.points.end;
                rest = after;
            }
            let described = parts
                .into_par_iter()
                .map(|part| {
                    check_cancel(cancel)?;
                    Ok(divide(distance, shape, rows, columns, part, leaf_size))
                })
                .collect::<Result<Vec<_>, FitError>>();
            let next = nodes.len();
            for (number, (bound, left)) in level.zip(described?) {
                bounds.extend(bound);
                if let Some(left) = left {
                    nodes[number].children = nodes.len() as u32;
                    let Range { start, end } = nodes[number].points.clone();
                    let middle = start + left as u32;
                    nodes.push(Node { points: start..middle, children: NONE });
                    nodes.push(Node { points: middle..end, children: NONE });
                }
            }
            level = next..nodes.len();
        }
        let points = Points::gather_rows(rows, columns, &order);
        Ok(Self { distance, shape, columns, points, order, nodes, bounds })
    }

    /// Name of the algorithm.
    pub(super) fn name(&self) -> &'static str {
        match self.shape {
            Shape::Boxes => "kd_tree",
            Shape::Balls => "ball_tree",
            Shape::Whole => "brute",
        }
    }

    /// Bytes of a tree.
    pub(super) fn bytes(rows: usize, columns: usize, leaf_size: usize) -> u64 {
        let leaves = (rows / leaf_size.next_multiple_of(LANES) + 1) as u64 * 2;
        Points::bytes(rows, columns) + 4 * rows as u64 + 2 * leaves * (16 + 16 * columns as u64)
    }

    /// Calls `visit` with each point's row number and its elements.
    pub(super) fn each_row(&self, mut visit: impl FnMut(u32, &[f64])) {
        let mut row = vec![0.0; self.columns];
        for (point, &number) in self.order.iter().enumerate() {
            self.points.copy(point, &mut row);
            visit(number, &row);
        }
    }

    /// Offers the points that can be among the nearest to `x`.
    pub(super) fn search(&self, x: &[f64], nearest: &mut Nearest, distances: &mut Vec<f64>) {
        self.visit(0, 0.0, x, nearest, distances);
    }

    fn visit(&self, node: u32, bound: f64, x: &[f64], nearest: &mut Nearest, distances: &mut Vec<f64>) {
        if bound > nearest.limit() {
            return;
        }
        let Node { points, children } = &self.nodes[node as usize];
        if *children == NONE {
            return self.scan(points.clone(), x, nearest, distances);
        }
        let left = self.bound(*children, x);
        let right = self.bound(children + 1, x);
        let [(near, first), (far, second)] = if left <= right {
            [(*children, left), (children + 1, right)]
        } else {
            [(children + 1, right), (*children, left)]
        };
        self.visit(near, first, x, nearest, distances);
        self.visit(far, second, x, nearest, distances);
    }

    /// Offers the points of a leaf, which begins with a block.
    fn scan(&self, points: Range<u32>, x: &[f64], nearest: &mut Nearest, distances: &mut Vec<f64>) {
        let (from, to) = (points.start as usize / LANES, (points.end as usize).div_ceil(LANES));
        // Blocks in parts that stay in the cache.
        const PART: usize = 32;
        for from in (from..to).step_by(PART) {
            let to = to.min(from + PART);
            distances.resize((to - from) * LANES, 0.0);
            let blocks = self.points.blocks(from, to);
            let distance = self.distance;
            vectorized(
                #[inline(always)]
                || match distance {
                    Distance::Manhattan => to_blocks(Distance::Manhattan, blocks, x, distances),
                    Distance::Euclidean => to_blocks(Distance::Euclidean, blocks, x, distances),
                    Distance::Chebyshev => to_blocks(Distance::Chebyshev, blocks, x, distances),
                    Distance::Minkowski(p) => to_blocks(Distance::Minkowski(p), blocks, x, distances),
                },
            );
            let mut limit = nearest.limit();
            let end = (points.end as usize - from * LANES).min(distances.len());
            for (at, &distance) in distances[..end].iter().enumerate() {
                if distance <= limit {
                    nearest.offer(distance, self.order[from * LANES + at]);
                    limit = nearest.limit();
                }
            }
        }
    }

    /// A reduced distance that no point of a node is nearer than.
    fn bound(&self, node: u32, x: &[f64]) -> f64 {
        match self.shape {
            Shape::Whole => 0.0,
            Shape::Boxes => {
                let bounds = &self.bounds[node as usize * 2 * self.columns..][..2 * self.columns];
                let (least, largest) = bounds.split_at(self.columns);
                let outside = x.iter().zip(least.iter().zip(largest));
                outside.fold(0.0, |sum, (x, (least, largest))| {
                    self.distance.add(sum, (least - x).max(x - largest).max(0.0))
                })
            }
            Shape::Balls => {
                let bounds = &self.bounds[node as usize * (self.columns + 1)..][..self.columns + 1];
                let (center, radius) = bounds.split_at(self.columns);
                let to_center = self.distance.whole(self.distance.reduced(x, center));
                let outside = to_center - radius[0] - SAFETY * (to_center + radius[0]);
                self.distance.reduce(outside.max(0.0)) * (1.0 - SAFETY)
            }
        }
    }
}

#[inline(always)]
fn to_blocks<'a>(
    distance: Distance,
    blocks: impl Iterator<Item = &'a [[f64; LANES]]>,
    x: &[f64],
    distances: &mut [f64],
) {
    for (block, lanes) in blocks.zip(distances.as_chunks_mut::<LANES>().0) {
        *lanes = distance.to_block(block, x);
    }
}

/// Describes the region of some points, and orders them by the column to split; answers how many go to the left, a multiple
/// of a block. `None` makes a leaf.
fn divide(
    distance: Distance,
    shape: Shape,
    rows: &[f64],
    columns: usize,
    part: &mut [u32],
    leaf_size: usize,
) -> (Vec<f64>, Option<usize>) {
    let row = |number: u32| &rows[number as usize * columns..][..columns];
    let mut bounds = vec![f64::INFINITY; columns];
    bounds.resize(2 * columns, f64::NEG_INFINITY);
    let (least, largest) = bounds.split_at_mut(columns);
    for &number in part.iter() {
        for ((least, largest), &value) in least.iter_mut().zip(largest.iter_mut()).zip(row(number)) {
            *least = if value < *least { value } else { *least };
            *largest = if value > *largest { value } else { *largest };
        }
    }
    let range = |column: usize| bounds[columns + column] - bounds[column];
    let widest = (0..columns).rev().max_by(|&a, &b| range(a).total_cmp(&range(b)));
    let left = match widest {
        Some(column) if part.len() > leaf_size => {
            let left = (part.len() / 2).next_multiple_of(LANES);
            part.select_nth_unstable_by(left, |&a, &b| row(a)[column].total_cmp(&row(b)[column]).then(a.cmp(&b)));
            Some(left)
        }
        _ => None,
    };
    if shape == Shape::Balls {
        let mut center = vec![0.0; columns];
        // The sum is in the order of the rows, not in that of the partition.
        let mut sorted = part.to_vec();
        sorted.sort_unstable();
        for &number in &sorted {
            center.iter_mut().zip(row(number)).for_each(|(sum, value)| *sum += value);
        }
        center.iter_mut().for_each(|sum| *sum /= part.len() as f64);
        let radius = part.iter().map(|&number| distance.reduced(row(number), &center)).fold(0.0, f64::max);
        center.push(distance.whole(radius));
        bounds = center;
    }
    (bounds, left)
}
