//! [`InputLayout`]: how the columns of x become the elements of an input.

use super::{kernel, real::Real};
use ndarray::{ArrayView1, ArrayView2, s};
use std::ops::Range;

/// A column of x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputColumn {
    /// One element, as it is.
    Number,
    /// Elements of which at most one is 1 and the others are 0. The column has the index of the 1, or a negative number
    /// for none.
    OneHot(usize),
}

impl InputColumn {
    /// Elements of the input.
    pub fn width(self) -> usize {
        match self {
            Self::Number => 1,
            Self::OneHot(width) => width,
        }
    }
}

/// Minimum elements of a one-hot column for which a dense layer adds rows of its kernel instead of computing a matrix
/// product. The product of narrower ones is as fast, and its bits are those of a dense input.
const MIN_LOOKED_UP: usize = 64;

/// No element of a one-hot column is 1.
const NONE: u32 = u32::MAX;

/// The columns of x that belong to one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputLayout {
    /// Its columns of x.
    pub(crate) columns: Range<usize>,
    /// The one-hot columns among them, in order.
    one_hot: Vec<OneHot>,
    /// The elements in order, divided where a dense layer looks up rows of its kernel.
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OneHot {
    /// Relative to the input's first column.
    column: usize,
    /// Its elements of the input.
    elements: Range<usize>,
}

/// A range of an input's elements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub elements: Range<usize>,
    /// The one-hot column whose rows are looked up, by its index among the one-hot columns; `None` for other elements.
    pub looked_up: Option<usize>,
}

impl InputLayout {
    /// An input whose elements are the columns of x.
    pub fn of_numbers(columns: Range<usize>) -> Self {
        let segments = segments(&[], columns.len());
        Self { columns, one_hot: Vec::new(), segments }
    }

    /// Takes the columns of an input of `elements` elements from `columns`, of which the first is column `start` of x.
    /// `None` if the columns do not add up to the elements.
    pub fn take(columns: &mut impl Iterator<Item = InputColumn>, start: usize, elements: usize) -> Option<Self> {
        let (mut next, mut count, mut one_hot) = (0, 0, Vec::new());
        while next < elements {
            let column = columns.next()?;
            let range = next..next + column.width();
            next = range.end;
            if matches!(column, InputColumn::OneHot(_)) {
                one_hot.push(OneHot { column: count, elements: range });
            }
            count += 1;
        }
        let segments = segments(&one_hot, elements);
        (next == elements).then(|| Self { columns: start..start + count, one_hot, segments })
    }

    /// Number of one-hot columns.
    pub(crate) fn one_hot(&self) -> usize {
        self.one_hot.len()
    }

    /// The elements of a column of x, which is one of its own, and whether it is one-hot.
    pub(crate) fn elements_of(&self, column: usize) -> (Range<usize>, bool) {
        let column = column - self.columns.start;
        let mut element = column;
        for one_hot in &self.one_hot {
            match one_hot.column.cmp(&column) {
                std::cmp::Ordering::Less => element += one_hot.elements.len() - 1,
                std::cmp::Ordering::Equal => return (one_hot.elements.clone(), true),
                std::cmp::Ordering::Greater => break,
            }
        }
        (element..element + 1, false)
    }

    /// The elements in order, divided where a dense layer looks up rows of its kernel.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Buffer of the codes of `rows` rows.
    pub(crate) fn codes(&self, rows: usize) -> Vec<u32> {
        vec![NONE; rows * self.one_hot()]
    }

    /// Writes the rows `order` of x as `elements`, [rows, elements of the input]. `codes`, [rows, one-hot columns], are
    /// those of the rows that `elements` had before; only the elements that were 1 are written again.
    pub(crate) fn load<F: Real>(&self, x: ArrayView2<'_, F>, order: &[usize], elements: &mut [F], codes: &mut [u32]) {
        if self.one_hot.is_empty() {
            kernel::gather(x.slice(s![.., self.columns.clone()]), order, elements);
        } else if !order.is_empty() {
            let (width, count) = (elements.len() / order.len(), self.one_hot());
            for ((elements, codes), &row) in
                elements.chunks_exact_mut(width).zip(codes.chunks_exact_mut(count)).zip(order)
            {
                self.write_row(x.row(row), elements, codes);
            }
        }
    }

    /// As [`Self::load`], of every row of x in order.
    pub(crate) fn load_all<F: Real>(&self, x: ArrayView2<'_, F>, elements: &mut [F], codes: &mut [u32]) {
        let width = elements.len() / x.nrows().max(1);
        let count = self.one_hot();
        for (index, (elements, x)) in elements.chunks_exact_mut(width.max(1)).zip(x.rows()).enumerate() {
            self.write_row(x, elements, &mut codes[index * count..(index + 1) * count]);
        }
    }

    #[inline]
    fn write_row<F: Real>(&self, x: ArrayView1<'_, F>, elements: &mut [F], codes: &mut [u32]) {
        let mut element = 0;
        let mut column = self.columns.start;
        let write_numbers = |element: usize, end: usize, column: usize, elements: &mut [F]| {
            let x = x.slice(s![column..column + (end - element)]);
            match x.as_slice() {
                Some(x) => elements[element..end].copy_from_slice(x),
                None => elements[element..end].iter_mut().zip(x).for_each(|(element, &x)| *element = x),
            }
        };
        for (one_hot, code) in self.one_hot.iter().zip(codes) {
            let first = self.columns.start + one_hot.column;
            if column < first {
                write_numbers(element, one_hot.elements.start, column, elements);
            }
            let own = &mut elements[one_hot.elements.clone()];
            if let Some(one) = own.get_mut(*code as usize) {
                *one = F::ZERO;
            }
            *code = NONE;
            let index = x[first].to_f64();
            if index >= 0.0
                && let Some(one) = own.get_mut(index as usize)
            {
                *one = F::ONE;
                *code = index as u32;
            }
            element = one_hot.elements.end;
            column = first + 1;
        }
        if column < self.columns.end {
            write_numbers(element, element + (self.columns.end - column), column, elements);
        }
    }
}

fn segments(one_hot: &[OneHot], elements: usize) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut next = 0;
    for (index, one_hot) in one_hot.iter().enumerate().filter(|(_, it)| it.elements.len() >= MIN_LOOKED_UP) {
        if next < one_hot.elements.start {
            segments.push(Segment { elements: next..one_hot.elements.start, looked_up: None });
        }
        next = one_hot.elements.end;
        segments.push(Segment { elements: one_hot.elements.clone(), looked_up: Some(index) });
    }
    if next < elements {
        segments.push(Segment { elements: next..elements, looked_up: None });
    }
    segments
}

/// The codes of an input's rows, where some of its one-hot columns are looked up.
#[derive(Debug, Clone, Copy)]
pub struct LookedUp<'a> {
    pub(crate) segments: &'a [Segment],
    /// [rows, one-hot columns]
    codes: &'a [u32],
    one_hot: usize,
}

impl<'a> LookedUp<'a> {
    /// `None` if no one-hot column is wide enough.
    pub(crate) fn new(layout: &'a InputLayout, codes: &'a [u32]) -> Option<Self> {
        let is_any = layout.segments.iter().any(|segment| segment.looked_up.is_some());
        is_any.then_some(Self { segments: &layout.segments, codes, one_hot: layout.one_hot() })
    }

    /// By row, the element of a one-hot column that is 1, relative to the column's first.
    pub(crate) fn rows(self, one_hot: usize) -> impl Iterator<Item = Option<usize>> + 'a {
        let codes = self.codes.chunks_exact(self.one_hot);
        codes.map(move |codes| Some(codes[one_hot]).filter(|code| *code != NONE).map(|code| code as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn layout() -> InputLayout {
        use InputColumn::{Number, OneHot};
        InputLayout::take(&mut [Number, OneHot(3), Number, OneHot(100), Number].into_iter(), 1, 106).unwrap()
    }

    #[test]
    fn columns_add_up_to_the_elements() {
        assert_eq!(layout().columns, 1..6);
        let take = |elements| InputLayout::take(&mut [InputColumn::OneHot(3)].into_iter(), 0, elements);
        assert_eq!((take(2), take(4)), (None, None));
        assert!(take(3).is_some());
    }

    #[test]
    fn elements_of_columns_and_segments() {
        let layout = layout();
        let of: Vec<_> = layout.columns.clone().map(|column| layout.elements_of(column)).collect();
        assert_eq!(of, [(0..1, false), (1..4, true), (4..5, false), (5..105, true), (105..106, false)]);
        let expected = [(0..5, None), (5..105, Some(1)), (105..106, None)];
        assert!(layout.segments().iter().map(|it| (it.elements.clone(), it.looked_up)).eq(expected));
    }

    #[test]
    fn rows_are_expanded_and_earlier_ones_erased() {
        let layout = layout();
        let x = array![[9.0, 0.5, 2.0, 1.5, 99.0, 2.5], [9.0, 3.5, -1.0, 4.5, 0.0, 5.5]];
        let expanded = |row: usize| {
            let mut elements = vec![0.0; 106];
            for (element, column) in [(0, 1), (4, 3), (105, 5)] {
                elements[element] = x[[row, column]];
            }
            match row {
                0 => (elements[3], elements[104]) = (1.0, 1.0),
                _ => elements[5] = 1.0,
            }
            elements
        };
        let mut elements = vec![0.0; 106];
        let mut codes = layout.codes(1);
        for row in [0, 1, 0, 0, 1] {
            layout.load(x.view(), &[row], &mut elements, &mut codes);
            assert_eq!(elements, expanded(row), "{row}");
        }
        let (mut all, mut codes) = (vec![0.0; 212], layout.codes(2));
        layout.load_all(x.view(), &mut all, &mut codes);
        assert_eq!(all, [expanded(0), expanded(1)].concat());
        let looked_up = LookedUp::new(&layout, &codes).unwrap();
        assert!(looked_up.rows(0).eq([Some(2), None]));
        assert!(looked_up.rows(1).eq([Some(99), Some(0)]));
    }
}
