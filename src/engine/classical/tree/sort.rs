//! [`sort_both`]: scikit-learn's introsort of values and row numbers. It is not stable, and sums of floats depend on the order
//! of the rows, so that the same tree requires the same sort.

/// Below this length insertion sort is faster.
const SMALL: usize = 15;

/// Sorts `values`, and `rows` with them (`sklearn.utils._sorting.simultaneous_sort` with three-way partition).
pub(super) fn sort_both<T: Copy + PartialOrd>(values: &mut [T], rows: &mut [u32]) {
    if values.is_empty() {
        return;
    }
    let depth = 2 * values.len().ilog2();
    introsort(values, rows, depth);
}

fn introsort<T: Copy + PartialOrd>(mut values: &mut [T], mut rows: &mut [u32], mut depth: u32) {
    while values.len() > SMALL {
        if depth == 0 {
            heapsort(values, rows);
            return;
        }
        depth -= 1;
        let pivot = median_of_three(values);
        let (mut at, mut left, mut right) = (0, 0, values.len());
        while at < right {
            if values[at] < pivot {
                swap(values, rows, at, left);
                at += 1;
                left += 1;
            } else if values[at] > pivot {
                right -= 1;
                swap(values, rows, at, right);
            } else {
                at += 1;
            }
        }
        introsort(&mut values[..left], &mut rows[..left], depth);
        values = &mut values[right..];
        rows = &mut rows[right..];
    }
    insertion_sort(values, rows);
}

fn swap<T: Copy>(values: &mut [T], rows: &mut [u32], first: usize, second: usize) {
    values.swap(first, second);
    rows.swap(first, second);
}

fn median_of_three<T: Copy + PartialOrd>(values: &[T]) -> T {
    let (a, b, c) = (values[0], values[values.len() / 2], values[values.len() - 1]);
    if a < b {
        if b < c {
            b
        } else if a < c {
            c
        } else {
            a
        }
    } else if b < c {
        if a < c { a } else { c }
    } else {
        b
    }
}

fn insertion_sort<T: Copy + PartialOrd>(values: &mut [T], rows: &mut [u32]) {
    for next in 1..values.len() {
        let (value, row) = (values[next], rows[next]);
        let mut at = next;
        while at > 0 && values[at - 1] > value {
            values[at] = values[at - 1];
            rows[at] = rows[at - 1];
            at -= 1;
        }
        values[at] = value;
        rows[at] = row;
    }
}

fn heapsort<T: Copy + PartialOrd>(values: &mut [T], rows: &mut [u32]) {
    for start in (0..=(values.len() - 2) / 2).rev() {
        sift_down(values, rows, start, values.len());
    }
    for end in (1..values.len()).rev() {
        swap(values, rows, 0, end);
        sift_down(values, rows, 0, end);
    }
}

fn sift_down<T: Copy + PartialOrd>(values: &mut [T], rows: &mut [u32], start: usize, end: usize) {
    let mut root = start;
    loop {
        let child = root * 2 + 1;
        let mut largest = root;
        if child < end && values[largest] < values[child] {
            largest = child;
        }
        if child + 1 < end && values[largest] < values[child + 1] {
            largest = child + 1;
        }
        if largest == root {
            return;
        }
        swap(values, rows, root, largest);
        root = largest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_sorted_with_their_rows() {
        let mut checked = 0;
        for length in [0, 1, 2, 15, 16, 17, 100, 1000] {
            for modulus in [1, 3, 1009] {
                let values: Vec<f64> = (0..length).map(|row| f64::from((row * 7919) % modulus)).collect();
                let mut sorted = values.clone();
                let mut rows: Vec<u32> = (0..length as u32).collect();
                sort_both(&mut sorted, &mut rows);
                assert!(sorted.is_sorted());
                assert!(rows.iter().zip(&sorted).all(|(&row, &value)| values[row as usize] == value));
                let mut seen = rows.clone();
                seen.sort_unstable();
                assert!(seen.iter().enumerate().all(|(at, &row)| at as u32 == row));
                checked += 1;
            }
        }
        assert_eq!(checked, 24);
        let mut values: Vec<i32> = (0..40).rev().collect();
        let mut rows: Vec<u32> = (0..40).collect();
        heapsort(&mut values, &mut rows);
        assert!(values.is_sorted() && rows[0] == 39);
    }
}
