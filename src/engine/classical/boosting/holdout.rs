//! [`hold_out`]: the rows for early stopping, drawn as scikit-learn's `train_test_split` draws them.

use crate::engine::classical::{FitError, RandomState};

/// Training rows and held-out rows. `classes` are the codes where the split keeps their shares.
pub(super) fn hold_out(
    rows: usize,
    held_out: usize,
    classes: Option<(&[u32], usize)>,
    seed: u32,
) -> Result<(Vec<u32>, Vec<u32>), FitError> {
    let training = rows - held_out;
    let mut random = RandomState::new(seed);
    let Some((codes, n_classes)) = classes else {
        let order = random.permutation(rows);
        let held: Vec<u32> = order[..held_out].iter().map(|row| *row as u32).collect();
        return Ok((order[held_out..].iter().map(|row| *row as u32).collect(), held));
    };
    let mut by_class: Vec<Vec<u32>> = vec![Vec::new(); n_classes];
    for (row, &code) in codes.iter().enumerate() {
        by_class[code as usize].push(row as u32);
    }
    by_class.retain(|rows| !rows.is_empty());
    let present = by_class.len();
    if let Some(few) = by_class.iter().map(Vec::len).find(|count| *count < 2) {
        let detail =
            format!("early stopping holds out rows of every class: expected at least 2 rows per class, received {few}");
        return Err(FitError::data(detail));
    }
    if training < present || held_out < present {
        let detail = format!(
            "early stopping holds out rows of every class: expected at least {present} rows in both parts, received {training} and \
             {held_out}"
        );
        return Err(FitError::data(detail));
    }
    let counts: Vec<usize> = by_class.iter().map(Vec::len).collect();
    let to_training = shares(&counts, training, &mut random);
    let left: Vec<usize> = counts.iter().zip(&to_training).map(|(count, taken)| count - taken).collect();
    let to_held = shares(&left, held_out, &mut random);
    let (mut first, mut second) = (Vec::with_capacity(training), Vec::with_capacity(held_out));
    for (rows, (taken, held)) in by_class.iter().zip(to_training.iter().zip(&to_held)) {
        let order = random.permutation(rows.len());
        first.extend(order[..*taken].iter().map(|at| rows[*at]));
        second.extend(order[*taken..taken + held].iter().map(|at| rows[*at]));
    }
    random.shuffle(&mut first);
    random.shuffle(&mut second);
    Ok((first, second))
}

/// `draws` rows divided among classes in proportion to their counts; what is left goes to the largest remainders, equal ones in
/// a random order.
fn shares(counts: &[usize], draws: usize, random: &mut RandomState) -> Vec<usize> {
    let sum: usize = counts.iter().sum();
    let wanted: Vec<f64> = counts.iter().map(|count| *count as f64 / sum as f64 * draws as f64).collect();
    let mut taken: Vec<usize> = wanted.iter().map(|wanted| wanted.floor() as usize).collect();
    let mut left = draws - taken.iter().sum::<usize>().min(draws);
    let remainders: Vec<f64> = wanted.iter().map(|wanted| wanted - wanted.floor()).collect();
    let mut values = remainders.clone();
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values.dedup();
    for value in values {
        if left == 0 {
            break;
        }
        let equal: Vec<usize> = (0..counts.len()).filter(|&class| remainders[class] == value).collect();
        let count = equal.len().min(left);
        for at in random.choose(equal.len(), count) {
            taken[equal[at]] += 1;
        }
        left -= count;
    }
    taken
}
