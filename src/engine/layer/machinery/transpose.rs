//! Rows whose axes stand in another order, for layers that work along the last axes.

use crate::engine::shape::Shape;

/// The axes of a sample with `last` behind the others, where they do not stand so already.
fn order(shape: &Shape, last: &[usize]) -> Option<Vec<usize>> {
    let others = (0..shape.0.len()).filter(|axis| !last.contains(axis));
    let order: Vec<usize> = others.chain(last.iter().copied()).collect();
    if order.is_sorted() { None } else { Some(order) }
}

/// For [`super::Layer::tables`]: where each element of a moved row comes from, of which `last` are the last axes; no table
/// where they are so already.
pub(crate) fn tables(shape: &Shape, last: &[usize]) -> Vec<Vec<u32>> {
    let Some(order) = order(shape, last) else { return Vec::new() };
    let mut places = vec![0];
    for axis in order {
        let stride: usize = shape.0[axis + 1..].iter().product();
        let each = |place: &usize| (*place..).step_by(stride).take(shape.0[axis]);
        places = places.iter().flat_map(each).collect();
    }
    vec![places.into_iter().map(|place| place as u32).collect()]
}

/// Elements of so many moved rows; none where there is nothing to move.
pub(crate) fn scratch(shape: &Shape, last: &[usize], rows: usize) -> usize {
    if order(shape, last).is_some() { rows * shape.elements() } else { 0 }
}

/// Writes a row as it stands moved.
pub(crate) fn gather<F: Copy>(table: &[u32], row: &[F], moved: &mut [F]) {
    moved.iter_mut().zip(table).for_each(|(cell, &place)| *cell = row[place as usize]);
}

/// Writes a row back from how it stands moved.
pub(crate) fn scatter<F: Copy>(table: &[u32], moved: &[F], row: &mut [F]) {
    moved.iter().zip(table).for_each(|(&cell, &place)| row[place as usize] = cell);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went() {
        let shape = Shape(vec![2, 3, 2]);
        assert!(tables(&shape, &[1, 2]).is_empty());
        let table = &tables(&shape, &[0])[0];
        assert_eq!(table, &[0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11]);
        let row: Vec<usize> = (0..12).collect();
        let (mut moved, mut back) = (vec![0; 12], vec![0; 12]);
        gather(table, &row, &mut moved);
        scatter(table, &moved, &mut back);
        assert_eq!(back, row);
    }
}
