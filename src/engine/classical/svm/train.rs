//! Training: the problems of a classifier and of a regressor.

use super::{
    Svm,
    function::{Function, Normed},
    machine::{Facts, Kind, Machine},
    matrix::{ClassifierMatrix, RegressorMatrix},
    solver::{Problem, Solution, Stop, solve},
};
use crate::engine::classical::{
    FitError, Progress, Run, Target, TrainingData, Unit,
    choices::row_weights,
    numeric::{
        classes::{Classes, expect_columns},
        points::Points,
    },
    run::check_cancel,
};
use ndarray::Array2;
use rayon::prelude::*;

/// Trains a classifier or a regressor.
pub(super) fn train(settings: &Svm, data: &TrainingData<'_>, run: &mut Run<'_>) -> Result<Machine, FitError> {
    expect_columns(&data.features)?;
    let weights = row_weights(settings.class_weight, data.target, data.weights);
    let function = settings.function(&data.features);
    match data.target {
        Target::Classes { codes, n_classes } => {
            let classes = Classes::of(codes, n_classes, data.weights);
            classes.expect_two()?;
            classify(settings, function, data, &classes, weights.as_deref(), run)
        }
        Target::Values(values) => regress(settings, function, data, values, weights.as_deref(), run),
    }
}

fn stop(settings: &Svm) -> Stop {
    let max_iter = u64::try_from(settings.max_iter).ok();
    Stop { tol: settings.tol, max_iter, shrinking: settings.shrinking }
}

/// How far a solver is, guessed from the violation, which falls about exponentially.
fn report(run: &mut Run<'_>, tol: f64, start: f64, iterations: u64, violation: f64) {
    let share = ((start / violation).ln() / (start / tol).ln()).clamp(0.01, 0.99);
    let total = (iterations as f64 / share) as usize;
    let done = iterations as usize;
    (run.progress)(Progress { done, total, unit: Unit::Iterations, loss: None, training: None, validation: None });
}

/// The problem of classes `first` and `second`: rows of the first are positive.
fn pair(
    settings: &Svm,
    function: Function,
    data: &TrainingData<'_>,
    [first, second]: [&[u32]; 2],
    weights: Option<&[f64]>,
    cache_bytes: u64,
) -> (ClassifierMatrix, Problem) {
    let order: Vec<u32> = first.iter().chain(second).copied().collect();
    let columns = data.features.columns().len();
    let points = Normed::new(Points::gather(&data.features, &order), columns);
    let diagonal = points.norms[..order.len()].iter().map(|&norm| function.of_itself(norm)).collect();
    let problem = Problem {
        diagonal,
        linear: vec![-1.0; order.len()],
        signs: (0..order.len()).map(|at| if at < first.len() { 1.0 } else { -1.0 }).collect(),
        bounds: order.iter().map(|&row| settings.c * weights.map_or(1.0, |weights| weights[row as usize])).collect(),
    };
    (ClassifierMatrix::new(function, points, columns, cache_bytes), problem)
}

fn classify(
    settings: &Svm,
    function: Function,
    data: &TrainingData<'_>,
    classes: &Classes,
    weights: Option<&[f64]>,
    run: &mut Run<'_>,
) -> Result<Machine, FitError> {
    let count = classes.present.len();
    let pairs: Vec<(usize, usize)> = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j))).collect();
    let cancel = run.cancel;
    let check = || check_cancel(cancel);
    let rows_of = |&(i, j): &(usize, usize)| [&classes.rows[i][..], &classes.rows[j][..]];
    let mut solutions: Vec<Solution> = Vec::with_capacity(pairs.len());
    if let [only] = &pairs[..] {
        let (mut matrix, problem) = pair(settings, function, data, rows_of(only), weights, settings.cache_bytes());
        let mut tell = |iterations, violation| report(run, settings.tol, 2.0, iterations, violation);
        solutions.push(solve(&mut matrix, problem, stop(settings), &check, &mut tell)?);
    } else {
        let threads = rayon::current_num_threads();
        let cache_bytes = settings.cache_bytes() / threads.min(pairs.len()) as u64;
        for some in pairs.chunks(threads) {
            let solved: Result<Vec<_>, FitError> = some
                .par_iter()
                .map(|one| {
                    let (mut matrix, problem) = pair(settings, function, data, rows_of(one), weights, cache_bytes);
                    solve(&mut matrix, problem, stop(settings), &check, &mut |_, _| ())
                })
                .collect();
            solutions.extend(solved?);
            let (done, total) = (solutions.len(), pairs.len());
            let unit = Unit::Iterations;
            (run.progress)(Progress { done, total, unit, loss: None, training: None, validation: None });
        }
    }
    assemble(settings, function, data, classes, &pairs, &solutions).finite()
}

/// Puts the coefficients of all pairs together: rows that are a support vector of any pair, by class.
fn assemble(
    settings: &Svm,
    function: Function,
    data: &TrainingData<'_>,
    classes: &Classes,
    pairs: &[(usize, usize)],
    solutions: &[Solution],
) -> Machine {
    let count = classes.present.len();
    // By class, by row of the class: the coefficients against the other classes.
    let mut by_class: Vec<Array2<f64>> =
        classes.rows.iter().map(|rows| Array2::zeros((rows.len(), count - 1))).collect();
    for (&(i, j), solution) in pairs.iter().zip(solutions) {
        let (first, second) = solution.coefficients.split_at(classes.rows[i].len());
        by_class[i].column_mut(j - 1).iter_mut().zip(first).for_each(|(to, &from)| *to = from);
        by_class[j].column_mut(i).iter_mut().zip(second).for_each(|(to, &from)| *to = from);
    }
    let (mut support, mut dual, mut n_support) = (Vec::new(), Vec::new(), Vec::new());
    for (rows, coefficients) in classes.rows.iter().zip(&by_class) {
        let before = support.len();
        for (&row, coefficients) in rows.iter().zip(coefficients.rows()) {
            if coefficients.iter().any(|it| *it != 0.0) {
                support.push(row);
                dual.extend(coefficients.iter().copied());
            }
        }
        n_support.push(support.len() - before);
    }
    let facts = Facts {
        iterations: solutions.iter().map(|it| it.iterations).collect(),
        converged: solutions.iter().all(|it| it.converged),
    };
    let intercepts = solutions.iter().map(|it| -it.rho).collect();
    let kind = Kind::Classifier {
        n_classes: classes.n_classes,
        present: classes.present.clone(),
        n_support,
        shape: settings.decision_function_shape,
        break_ties: settings.break_ties,
    };
    machine(function, data, kind, support, &dual, intercepts, facts)
}

/// `dual` has one row per support vector.
fn machine(
    function: Function,
    data: &TrainingData<'_>,
    kind: Kind,
    support: Vec<u32>,
    dual: &[f64],
    intercepts: Vec<f64>,
    facts: Facts,
) -> Machine {
    let columns = data.features.columns().len();
    let outputs = kind.outputs();
    let dual_coef = Array2::from_shape_fn((outputs, support.len()), |(output, at)| dual[at * outputs + output]);
    let vectors = Normed::new(Points::gather(&data.features, &support), columns);
    Machine { kind, columns, function, support, vectors, dual_coef, intercepts, facts }
}

fn regress(
    settings: &Svm,
    function: Function,
    data: &TrainingData<'_>,
    values: &[f64],
    weights: Option<&[f64]>,
    run: &mut Run<'_>,
) -> Result<Machine, FitError> {
    let epsilon = settings.epsilon.unwrap_or(0.1);
    let weight = |row: u32| weights.map_or(1.0, |weights| weights[row as usize]);
    let order: Vec<u32> = (0..values.len() as u32).filter(|&row| weight(row) > 0.0).collect();
    let (count, columns) = (order.len(), data.features.columns().len());
    let points = Normed::new(Points::gather(&data.features, &order), columns);
    let twice = |of: &dyn Fn(usize) -> f64| -> Vec<f64> { (0..2 * count).map(of).collect() };
    let value = |at: usize| values[order[at % count] as usize];
    let problem = Problem {
        diagonal: twice(&|at| function.of_itself(points.norms[at % count])),
        linear: twice(&|at| if at < count { epsilon - value(at) } else { epsilon + value(at) }),
        signs: twice(&|at| if at < count { 1.0 } else { -1.0 }),
        bounds: twice(&|at| settings.c * weight(order[at % count])),
    };
    let mut matrix = RegressorMatrix::new(function, points, columns, settings.cache_bytes());
    let cancel = run.cancel;
    let mut start = None;
    let mut tell = |iterations, violation| {
        let start = *start.get_or_insert(violation);
        report(run, settings.tol, start * 2.0, iterations, violation);
    };
    let solution = solve(&mut matrix, problem, stop(settings), &|| check_cancel(cancel), &mut tell)?;
    // The coefficients of the second half already have the sign of their variables.
    let (above, below) = solution.coefficients.split_at(count);
    let (mut support, mut dual) = (Vec::new(), Vec::new());
    for (&row, (above, below)) in order.iter().zip(above.iter().zip(below)) {
        let coefficient = above + below;
        if coefficient != 0.0 {
            support.push(row);
            dual.push(coefficient);
        }
    }
    let facts = Facts { iterations: vec![solution.iterations], converged: solution.converged };
    machine(function, data, Kind::Regressor, support, &dual, vec![-solution.rho], facts).finite()
}
