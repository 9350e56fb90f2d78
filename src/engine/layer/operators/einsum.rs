//! [`Einsum`].

use crate::engine::{
    field::FieldError,
    kernel::{Matrix, product},
    layer::{Backward, Compute, Forward, Layer, Workspace, settings_checks},
    real::Real,
    shape::Shape,
};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The sum of products that the equation says: `"bij,bkj->bik"` multiplies each row of one matrix with each row of another.
///
/// # Shapes
/// `[batch, …]`, once or twice, to `[batch, …]`, with a letter for each axis. The same letter is the same axis, and what is
/// summed along has no letter in the output.
///
/// Source: <https://keras.io/api/ops/numpy/#einsum-function>
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Einsum {
    /// The letters of the axes of one or two inputs, and of the output. The first one of each is the batch, and stands nowhere
    /// else.
    pub equation: String,
}

/// The letters of a sample's axes.
struct Letters {
    inputs: Vec<Vec<char>>,
    output: Vec<char>,
}

/// The axes of a product by what becomes of them, with their sizes.
#[derive(Default)]
struct Plan {
    /// In both inputs and in the output.
    shared: Vec<(char, usize)>,
    /// Of one input and of the output.
    kept: [Vec<(char, usize)>; 2],
    /// Of both inputs, and summed along.
    summed: Vec<(char, usize)>,
    /// Of one input alone, and summed along.
    dropped: [Vec<(char, usize)>; 2],
}

fn count(axes: &[(char, usize)]) -> usize {
    axes.iter().map(|(_, size)| size).product()
}

/// Where the elements stand in a sample, in the order of `axes`. An axis that the sample has twice steps along both.
fn table<'a>(letters: &[char], shape: &[usize], axes: impl Iterator<Item = &'a (char, usize)>) -> Vec<u32> {
    let mut places = vec![0];
    for &(letter, size) in axes {
        let own = letters.iter().enumerate().filter(|(_, own)| **own == letter);
        let stride: usize = own.map(|(axis, _)| shape[axis + 1..].iter().product::<usize>()).sum();
        places = places.iter().flat_map(|place| (0..size).map(move |step| place + step * stride)).collect();
    }
    places.into_iter().map(|place| place as u32).collect()
}

impl Einsum {
    fn letters(&self) -> Result<Letters, FieldError> {
        let wrong = |expected: &str| {
            FieldError::new("/equation", format!("expected {expected}, received \"{}\"", self.equation))
        };
        let form = "the letters of one or two inputs and of the output, such as \"bij,bjk->bik\"";
        let equation: String = self.equation.chars().filter(|letter| *letter != ' ').collect();
        let (inputs, output) = equation.split_once("->").ok_or_else(|| wrong(form))?;
        let mut operands: Vec<Vec<char>> = inputs.split(',').map(|letters| letters.chars().collect()).collect();
        let mut output: Vec<char> = output.chars().collect();
        let all_letters = operands.iter().flatten().chain(&output).all(char::is_ascii_alphabetic);
        let few = operands.iter().chain([&output]).all(|letters| letters.len() > 1);
        if operands.len() > 2 || !all_letters || !few {
            return Err(wrong(form));
        }
        let batch = output.remove(0);
        let firsts: Vec<char> = operands.iter_mut().map(|letters| letters.remove(0)).collect();
        let elsewhere = operands.iter().chain([&output]).any(|letters| letters.contains(&batch));
        if elsewhere || firsts.iter().any(|first| *first != batch) {
            return Err(wrong("the batch axis as the first letter of each input and of the output, and nowhere else"));
        }
        let known = |letter: &char| operands.iter().any(|letters| letters.contains(letter));
        let once = output.iter().enumerate().all(|(place, letter)| !output[..place].contains(letter));
        match once && output.iter().all(known) {
            true => Ok(Letters { inputs: operands, output }),
            false => Err(wrong("each letter of the output once, and in an input")),
        }
    }

    /// What becomes of each axis; only for shapes that passed [`Layer::output_shape`].
    fn plan(&self, shapes: &[Shape]) -> Option<(Letters, Plan)> {
        let letters = self.letters().ok()?;
        let mut plan = Plan::default();
        for (input, shape) in shapes.iter().enumerate() {
            for (place, (&letter, &size)) in letters.inputs[input].iter().zip(&shape.0).enumerate() {
                if letters.inputs[input][..place].contains(&letter) {
                    continue;
                }
                let other = letters.inputs.get(1 - input).is_some_and(|other| other.contains(&letter));
                let axes = match (other, letters.output.contains(&letter)) {
                    (true, _) if input == 1 => continue,
                    (true, true) => &mut plan.shared,
                    (true, false) => &mut plan.summed,
                    (false, true) => &mut plan.kept[input],
                    (false, false) => &mut plan.dropped[input],
                };
                axes.push((letter, size));
            }
        }
        Some((letters, plan))
    }
}

/// Sizes of the products, as the last table has them.
#[derive(Clone, Copy)]
struct Sizes {
    shared: usize,
    kept: [usize; 2],
    summed: usize,
    dropped: [usize; 2],
}

impl Sizes {
    fn of(plan: &Plan) -> Self {
        Self {
            shared: count(&plan.shared),
            kept: [count(&plan.kept[0]), count(&plan.kept[1])],
            summed: count(&plan.summed),
            dropped: [count(&plan.dropped[0]), count(&plan.dropped[1])],
        }
    }

    fn read(table: &[u32]) -> Option<Self> {
        let &[shared, first, second, summed, of_first, of_second] = table else { return None };
        let size = |size: u32| size as usize;
        Some(Self {
            shared: size(shared),
            kept: [size(first), size(second)],
            summed: size(summed),
            dropped: [size(of_first), size(of_second)],
        })
    }

    fn table(self) -> Vec<u32> {
        let Self { shared, kept: [first, second], summed, dropped: [of_first, of_second] } = self;
        [shared, first, second, summed, of_first, of_second].into_iter().map(|size| size as u32).collect()
    }

    /// Elements of an input's matrices.
    fn matrices(self, input: usize) -> usize {
        self.shared * self.kept[input] * self.summed
    }

    fn output(self) -> usize {
        self.shared * self.kept[0] * self.kept[1]
    }
}

/// Writes an input's matrices: sums of elements beside each other in the table.
fn gather<F: Real>(table: &[u32], dropped: usize, x: &[F], matrices: &mut [F]) {
    for (element, places) in matrices.iter_mut().zip(table.chunks_exact(dropped)) {
        *element = places.iter().map(|&place| x[place as usize]).sum();
    }
}

/// Adds the gradient of an input's matrices to that of the input.
fn scatter<F: Real>(table: &[u32], dropped: usize, matrices: &[F], dx: &mut [F]) {
    for (&element, places) in matrices.iter().zip(table.chunks_exact(dropped)) {
        places.iter().for_each(|&place| dx[place as usize] += element);
    }
}

impl Layer for Einsum {
    fn check(&self) -> Result<(), FieldError> {
        self.letters().map(drop)
    }

    fn arity(&self) -> RangeInclusive<usize> {
        let inputs = 1 + self.equation.matches(',').count();
        inputs..=inputs
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, FieldError> {
        let letters = self.letters()?;
        let mut sizes: Vec<(char, usize)> = Vec::new();
        for (letters, shape) in letters.inputs.iter().zip(inputs) {
            let expected = format!("a letter for the batch and for each axis of {shape}");
            let received = format_args!("\"{}\"", self.equation);
            settings_checks::range(letters.len() == shape.0.len(), "/equation", &expected, received)?;
            for (&letter, &size) in letters.iter().zip(&shape.0) {
                match sizes.iter().find(|(known, _)| *known == letter) {
                    None => sizes.push((letter, size)),
                    Some((_, known)) => {
                        let expected = format!("axes `{letter}` of the same size");
                        settings_checks::range(
                            *known == size,
                            "/equation",
                            &expected,
                            format_args!("{known} and {size}"),
                        )?;
                    }
                }
            }
        }
        let size = |letter: &char| sizes.iter().find(|(known, _)| known == letter).map(|(_, size)| *size);
        Ok(Shape(letters.output.iter().filter_map(size).collect()))
    }

    fn workspace(&self, inputs: &[Shape]) -> Workspace {
        let Some((_, plan)) = self.plan(inputs) else { return Workspace::default() };
        let sizes = Sizes::of(&plan);
        let elements = 2 * sizes.matrices(0) + 2 * sizes.matrices(1) + sizes.output();
        Workspace { scratch: elements, ..Workspace::default() }
    }

    /// Where the elements of each input's matrices stand, then those of the output, and the sizes.
    fn tables(&self, inputs: &[Shape]) -> Vec<Vec<u32>> {
        let Some((letters, plan)) = self.plan(inputs) else { return Vec::new() };
        let mut tables: Vec<Vec<u32>> = inputs
            .iter()
            .enumerate()
            .map(|(input, shape)| {
                let [first, second] =
                    if input == 0 { [&plan.kept[0], &plan.summed] } else { [&plan.summed, &plan.kept[1]] };
                let axes = plan.shared.iter().chain(first).chain(second).chain(&plan.dropped[input]);
                table(&letters.inputs[input], &shape.0, axes)
            })
            .collect();
        let axes = || plan.shared.iter().chain(&plan.kept[0]).chain(&plan.kept[1]);
        let size = |letter: &char| axes().find(|(own, _)| own == letter).map(|(_, size)| *size);
        let output: Vec<usize> = letters.output.iter().filter_map(size).collect();
        tables.push(table(&letters.output, &output, axes()));
        tables.push(Sizes::of(&plan).table());
        tables
    }

    fn cost(&self, inputs: &[Shape]) -> u64 {
        let Some((_, plan)) = self.plan(inputs) else { return 0 };
        let sizes = Sizes::of(&plan);
        let products = (sizes.output() as u64).saturating_mul(2 * sizes.summed as u64);
        products + inputs.iter().map(|shape| shape.elements() as u64).sum::<u64>()
    }
}

impl<F: Real> Compute<F> for Einsum {
    fn forward(&self, cx: &mut Forward<'_, F>) {
        let [operands @ .., output, sizes] = cx.tables else { return };
        let Some(sizes) = Sizes::read(sizes) else { return };
        let [rows, columns] = sizes.kept;
        let (a, rest) = cx.scratch.split_at_mut(sizes.matrices(0));
        let (b, rest) = rest.split_at_mut(sizes.matrices(1));
        let c = &mut rest[..sizes.output()];
        for (row, y) in cx.output.chunks_exact_mut(sizes.output()).enumerate() {
            for (input, (table, matrices)) in operands.iter().zip([&mut *a, &mut *b]).enumerate() {
                let cells = cx.inputs.shape(input).elements();
                gather(table, sizes.dropped[input], &cx.inputs.get(input)[row * cells..][..cells], matrices);
            }
            if operands.len() == 1 {
                c.copy_from_slice(a);
            } else {
                let matrices = a.chunks_exact(rows * sizes.summed).zip(b.chunks_exact(sizes.summed * columns));
                for ((a, b), c) in matrices.zip(c.chunks_exact_mut(rows * columns)) {
                    product(Matrix::new(a, sizes.summed), Matrix::new(b, columns), c, false);
                }
            }
            c.iter().zip(output).for_each(|(&element, &place)| y[place as usize] = element);
        }
    }

    fn backward(&self, cx: &mut Backward<'_, F>) {
        let [operands @ .., output, sizes] = cx.tables else { return };
        let Some(sizes) = Sizes::read(sizes) else { return };
        let [rows, columns] = sizes.kept;
        let (a, rest) = cx.scratch.split_at_mut(sizes.matrices(0));
        let (b, rest) = rest.split_at_mut(sizes.matrices(1));
        let (da, rest) = rest.split_at_mut(sizes.matrices(0));
        let (db, rest) = rest.split_at_mut(sizes.matrices(1));
        let c = &mut rest[..sizes.output()];
        for input in 0..operands.len() {
            if let Some(dx) = cx.input_gradients.get(input) {
                dx.fill(F::ZERO);
            }
        }
        for (row, dy) in cx.output_gradient.chunks_exact(sizes.output()).enumerate() {
            c.iter_mut().zip(output).for_each(|(element, &place)| *element = dy[place as usize]);
            for (input, (table, matrices)) in operands.iter().zip([&mut *a, &mut *b]).enumerate() {
                let cells = cx.inputs.shape(input).elements();
                gather(table, sizes.dropped[input], &cx.inputs.get(input)[row * cells..][..cells], matrices);
            }
            if operands.len() == 1 {
                da.copy_from_slice(c);
            } else {
                for (index, c) in c.chunks_exact(rows * columns).enumerate() {
                    let a_cells = index * rows * sizes.summed..(index + 1) * rows * sizes.summed;
                    let b_cells = index * sizes.summed * columns..(index + 1) * sizes.summed * columns;
                    let dy = Matrix::new(c, columns);
                    let (a, b) =
                        (Matrix::new(&a[a_cells.clone()], sizes.summed), Matrix::new(&b[b_cells.clone()], columns));
                    product(dy, b.transposed(), &mut da[a_cells], false);
                    product(a.transposed(), dy, &mut db[b_cells], false);
                }
            }
            for (input, (table, gradient)) in operands.iter().zip([&*da, &*db]).enumerate() {
                let cells = cx.inputs.shape(input).elements();
                if let Some(dx) = cx.input_gradients.get(input) {
                    scatter(table, sizes.dropped[input], gradient, &mut dx[row * cells..][..cells]);
                }
            }
        }
    }
}
