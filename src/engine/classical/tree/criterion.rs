//! [`Criterion`]: the impurity of a node and of its two parts. Formulas and the order of the sums are scikit-learn's.

/// Bounds of a node's value under monotonic constraints.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bounds {
    pub(super) lower: f64,
    pub(super) upper: f64,
}

impl Bounds {
    pub(super) const NONE: Self = Self { lower: f64::NEG_INFINITY, upper: f64::INFINITY };

    /// Whether the values of two children are within the bounds and in the direction of `sign`.
    pub(super) fn allow(self, sign: i8, left: f64, right: f64) -> bool {
        left >= self.lower
            && right >= self.lower
            && left <= self.upper
            && right <= self.upper
            && (left - right) * f64::from(sign) <= 0.0
    }

    pub(super) fn clip(self, value: f64) -> f64 {
        if value < self.lower {
            self.lower
        } else if value > self.upper {
            self.upper
        } else {
            value
        }
    }
}

/// Weights of a node and of its parts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weights {
    /// Of all rows of the tree.
    pub(super) all: f64,
    pub(super) node: f64,
    pub(super) left: f64,
    pub(super) right: f64,
}

/// The statistics of a node whose first rows are its left part.
pub(super) trait Criterion: Sync {
    /// Starts with the node of `samples[start..end]`; the left part is empty.
    fn init(&mut self, samples: &[u32], start: usize, end: usize);
    /// Empties the left part.
    fn reset(&mut self, samples: &[u32]);
    /// Moves rows to the left part, which then ends before `position`.
    fn update(&mut self, samples: &[u32], position: usize);
    fn weights(&self) -> Weights;
    fn node_impurity(&self, samples: &[u32]) -> f64;
    /// Impurity of the left and of the right part.
    fn children_impurity(&self, samples: &[u32]) -> (f64, f64);
    /// Grows with the improvement, without its constant terms.
    fn proxy(&self, samples: &[u32]) -> f64 {
        let (left, right) = self.children_impurity(samples);
        let weights = self.weights();
        -weights.right * right - weights.left * left
    }
    /// Appends the value of the node.
    fn push_value(&self, bounds: Option<Bounds>, values: &mut Vec<f64>);
    /// Halfway between the values of the parts.
    fn middle_value(&self) -> f64;
    /// The values of the parts, which monotonic constraints compare.
    fn part_values(&self) -> (f64, f64);

    /// Decrease of the impurity by the split, weighted with the share of the node.
    fn improvement(&self, impurity: f64, left: f64, right: f64) -> f64 {
        let weights = self.weights();
        (weights.node / weights.all)
            * (impurity - (weights.right / weights.node * right) - (weights.left / weights.node * left))
    }
}

/// Logarithm of base 2, computed as in scikit-learn.
fn log2(x: f64) -> f64 {
    x.ln() / std::f64::consts::LN_2
}

/// Impurity of class counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClassImpurity {
    /// `1 - sum p^2`.
    Gini,
    /// `-sum p log2 p`.
    Entropy,
}

impl ClassImpurity {
    pub(super) fn of(self, counts: &[f64], weight: f64) -> f64 {
        match self {
            Self::Gini => {
                let mut squares = 0.0;
                for count in counts {
                    squares += count * count;
                }
                1.0 - squares / (weight * weight)
            }
            Self::Entropy => {
                let mut entropy = 0.0;
                for &count in counts {
                    if count > 0.0 {
                        let share = count / weight;
                        entropy -= share * log2(share);
                    }
                }
                entropy
            }
        }
    }
}

/// Where a node and its left part are.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: usize,
    position: usize,
    end: usize,
}

/// Gini impurity and entropy.
pub(super) struct Classes<'a> {
    impurity: ClassImpurity,
    codes: &'a [u32],
    row_weights: Option<&'a [f64]>,
    weights: Weights,
    span: Span,
    total: Vec<f64>,
    left: Vec<f64>,
    right: Vec<f64>,
}

impl<'a> Classes<'a> {
    pub(super) fn new(
        impurity: ClassImpurity,
        codes: &'a [u32],
        n_classes: usize,
        row_weights: Option<&'a [f64]>,
        all: f64,
    ) -> Self {
        let none = vec![0.0; n_classes];
        let weights = Weights { all, ..Weights::default() };
        let (left, right) = (none.clone(), none.clone());
        Self { impurity, codes, row_weights, weights, span: Span::default(), total: none, left, right }
    }

    fn row(&self, sample: u32) -> (usize, f64) {
        let weight = self.row_weights.map_or(1.0, |weights| weights[sample as usize]);
        (self.codes[sample as usize] as usize, weight)
    }
}

impl Criterion for Classes<'_> {
    fn init(&mut self, samples: &[u32], start: usize, end: usize) {
        self.span = Span { start, position: start, end };
        self.weights.node = 0.0;
        self.total.fill(0.0);
        for &sample in &samples[start..end] {
            let (class, weight) = self.row(sample);
            self.total[class] += weight;
            self.weights.node += weight;
        }
        self.reset(samples);
    }

    fn reset(&mut self, _samples: &[u32]) {
        self.span.position = self.span.start;
        self.left.fill(0.0);
        self.right.copy_from_slice(&self.total);
        self.weights.left = 0.0;
        self.weights.right = self.weights.node;
    }

    fn update(&mut self, samples: &[u32], position: usize) {
        if position - self.span.position <= self.span.end - position {
            for &sample in &samples[self.span.position..position] {
                let (class, weight) = self.row(sample);
                self.left[class] += weight;
                self.weights.left += weight;
            }
        } else {
            self.left.copy_from_slice(&self.total);
            self.weights.left = self.weights.node;
            for &sample in samples[position..self.span.end].iter().rev() {
                let (class, weight) = self.row(sample);
                self.left[class] -= weight;
                self.weights.left -= weight;
            }
        }
        self.weights.right = self.weights.node - self.weights.left;
        for ((right, total), left) in self.right.iter_mut().zip(&self.total).zip(&self.left) {
            *right = total - left;
        }
        self.span.position = position;
    }

    fn weights(&self) -> Weights {
        self.weights
    }

    fn node_impurity(&self, _samples: &[u32]) -> f64 {
        self.impurity.of(&self.total, self.weights.node)
    }

    fn children_impurity(&self, _samples: &[u32]) -> (f64, f64) {
        let left = self.impurity.of(&self.left, self.weights.left);
        (left, self.impurity.of(&self.right, self.weights.right))
    }

    fn push_value(&self, bounds: Option<Bounds>, values: &mut Vec<f64>) {
        match bounds {
            // Constraints are for two classes: the first is clipped, and both sum to 1.
            Some(bounds) => {
                let first = bounds.clip(self.total[0] / self.weights.node);
                values.extend([first, 1.0 - first]);
            }
            None => values.extend(self.total.iter().map(|count| count / self.weights.node)),
        }
    }

    fn middle_value(&self) -> f64 {
        self.left[0] / (2.0 * self.weights.left) + self.right[0] / (2.0 * self.weights.right)
    }

    fn part_values(&self) -> (f64, f64) {
        (self.left[0] / self.weights.left, self.right[0] / self.weights.right)
    }
}

/// Impurity of numbers whose value is the mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MeanImpurity {
    /// The variance.
    SquaredError,
    /// Half the Poisson deviance.
    Poisson,
}

/// Squared error and Poisson deviance.
pub(super) struct Mean<'a> {
    impurity: MeanImpurity,
    targets: &'a [f64],
    row_weights: Option<&'a [f64]>,
    weights: Weights,
    span: Span,
    squares: f64,
    total: f64,
    left: f64,
    right: f64,
}

impl<'a> Mean<'a> {
    pub(super) fn new(impurity: MeanImpurity, targets: &'a [f64], row_weights: Option<&'a [f64]>, all: f64) -> Self {
        let weights = Weights { all, ..Weights::default() };
        Self {
            impurity,
            targets,
            row_weights,
            weights,
            span: Span::default(),
            squares: 0.0,
            total: 0.0,
            left: 0.0,
            right: 0.0,
        }
    }

    fn row(&self, sample: u32) -> (f64, f64) {
        let weight = self.row_weights.map_or(1.0, |weights| weights[sample as usize]);
        (self.targets[sample as usize], weight)
    }

    fn poisson(&self, samples: &[u32], sum: f64, weight: f64) -> f64 {
        if sum <= f64::EPSILON {
            return f64::INFINITY;
        }
        let mean = sum / weight;
        let mut loss = 0.0;
        for &sample in samples {
            let (target, weight) = self.row(sample);
            if target != 0.0 {
                loss += weight * (target * (target / mean).ln());
            }
        }
        loss / weight
    }
}

impl Criterion for Mean<'_> {
    fn init(&mut self, samples: &[u32], start: usize, end: usize) {
        self.span = Span { start, position: start, end };
        self.weights.node = 0.0;
        self.squares = 0.0;
        self.total = 0.0;
        for &sample in &samples[start..end] {
            let (target, weight) = self.row(sample);
            let weighted = weight * target;
            self.total += weighted;
            self.squares += weighted * target;
            self.weights.node += weight;
        }
        self.reset(samples);
    }

    fn reset(&mut self, _samples: &[u32]) {
        self.span.position = self.span.start;
        self.left = 0.0;
        self.right = self.total;
        self.weights.left = 0.0;
        self.weights.right = self.weights.node;
    }

    fn update(&mut self, samples: &[u32], position: usize) {
        if position - self.span.position <= self.span.end - position {
            for &sample in &samples[self.span.position..position] {
                let (target, weight) = self.row(sample);
                self.left += weight * target;
                self.weights.left += weight;
            }
        } else {
            self.left = self.total;
            self.weights.left = self.weights.node;
            for &sample in samples[position..self.span.end].iter().rev() {
                let (target, weight) = self.row(sample);
                self.left -= weight * target;
                self.weights.left -= weight;
            }
        }
        self.weights.right = self.weights.node - self.weights.left;
        self.right = self.total - self.left;
        self.span.position = position;
    }

    fn weights(&self) -> Weights {
        self.weights
    }

    fn node_impurity(&self, samples: &[u32]) -> f64 {
        match self.impurity {
            MeanImpurity::SquaredError => {
                let mean = self.total / self.weights.node;
                self.squares / self.weights.node - mean * mean
            }
            MeanImpurity::Poisson => {
                self.poisson(&samples[self.span.start..self.span.end], self.total, self.weights.node)
            }
        }
    }

    fn children_impurity(&self, samples: &[u32]) -> (f64, f64) {
        let (left, right) = samples[self.span.start..self.span.end].split_at(self.span.position - self.span.start);
        match self.impurity {
            MeanImpurity::SquaredError => {
                let mut squares = 0.0;
                for &sample in left {
                    let (target, weight) = self.row(sample);
                    squares += weight * target * target;
                }
                let means = (self.left / self.weights.left, self.right / self.weights.right);
                let impurity_left = squares / self.weights.left - means.0 * means.0;
                (impurity_left, (self.squares - squares) / self.weights.right - means.1 * means.1)
            }
            MeanImpurity::Poisson => {
                let impurity_left = self.poisson(left, self.left, self.weights.left);
                (impurity_left, self.poisson(right, self.right, self.weights.right))
            }
        }
    }

    fn proxy(&self, _samples: &[u32]) -> f64 {
        match self.impurity {
            MeanImpurity::SquaredError => {
                self.left * self.left / self.weights.left + self.right * self.right / self.weights.right
            }
            MeanImpurity::Poisson => {
                if self.left <= f64::EPSILON || self.right <= f64::EPSILON {
                    return f64::NEG_INFINITY;
                }
                let left = self.left * log2(self.left / self.weights.left);
                left + self.right * log2(self.right / self.weights.right)
            }
        }
    }

    fn push_value(&self, bounds: Option<Bounds>, values: &mut Vec<f64>) {
        let value = self.total / self.weights.node;
        values.push(bounds.map_or(value, |bounds| bounds.clip(value)));
    }

    fn middle_value(&self) -> f64 {
        self.left / (2.0 * self.weights.left) + self.right / (2.0 * self.weights.right)
    }

    fn part_values(&self) -> (f64, f64) {
        (self.left / self.weights.left, self.right / self.weights.right)
    }
}
