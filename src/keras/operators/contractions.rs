//! Operators that sum products of elements along axes.

use super::{
    call::{Operand, OperatorCall},
    steps::{Read, Steps},
};
use serde_json::{Value, json};

pub(super) const CLASSES: [&str; 4] = ["Einsum", "Matmul", "Dot", "Tensordot"];

/// The letters of axes, of which there are more than a tensor has axes.
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// An operator on one tensor, on two, or on a tensor and an array.
pub(super) fn read(call: &OperatorCall<'_>) -> Option<Steps> {
    match call.class {
        "Einsum" => {
            let equation: String =
                call.option("subscripts").as_str()?.chars().filter(|letter| *letter != ' ').collect();
            let (inputs, output) = equation.split_once("->")?;
            let inputs: Vec<&str> = inputs.split(',').collect();
            einsum(call, &inputs, output)
        }
        "Matmul" => matmul(call),
        "Dot" => match call.operands.as_slice() {
            [Operand::Tensor(_), Operand::Array(array)] if array.shape.len() == 2 => matmul(call),
            _ => None,
        },
        "Tensordot" if *call.option("axes") == 1 => match call.operands.as_slice() {
            [Operand::Tensor(_), Operand::Array(array)] if array.shape.len() == 2 => matmul(call),
            _ => None,
        },
        _ => None,
    }
}

/// The axes of an operand, with the batch axis where it is a tensor.
fn axes(operand: &Operand<'_>) -> Option<usize> {
    match operand {
        Operand::Tensor(tensor) => tensor.sample.as_ref().map(|sample| sample.len() + 1),
        Operand::Array(array) => Some(array.shape.len()),
        Operand::Other(_) => None,
    }
}

fn matmul(call: &OperatorCall<'_>) -> Option<Steps> {
    let [first, second] = call.operands.as_slice() else { return None };
    let tensors = call.tensors().count() == 2;
    let transposed = ["transpose_a", "transpose_b"].map(|name| call.option(name) == true);
    if tensors && call.sample().is_some_and(|sample| sample.len() == 2) && axes(second).is_none_or(|axes| axes == 3) {
        let [first, second] = [if transposed[0] { 1 } else { 2 }, if transposed[1] { 2 } else { 1 }];
        return Steps::one(json!({"type": "dot", "axes": [first, second]}));
    }
    if transposed != [false; 2] {
        return None;
    }
    let [rows, columns] = [axes(first)?, axes(second)?];
    // Sizes of 1 stretch, which an equation has no letters for.
    if tensors && (rows != columns || !same_batches(first, second)) || rows < 2 || columns < 2 {
        return None;
    }
    let names: Vec<char> = LETTERS.chars().collect();
    let of_batch = |axes: usize| names[..axes - 2].iter().collect::<String>();
    let (left, right) = match (first, second) {
        (Operand::Tensor(_), Operand::Array(_)) if columns == 2 => (of_batch(rows) + "xy", "yz".to_owned()),
        (Operand::Array(_), Operand::Tensor(_)) if rows == 2 => ("xy".to_owned(), of_batch(columns) + "yz"),
        (Operand::Tensor(_), Operand::Tensor(_)) => (of_batch(rows) + "xy", of_batch(columns) + "yz"),
        _ => return None,
    };
    let output = of_batch(rows.max(columns)) + "xz";
    einsum(call, &[&left, &right], &output)
}

/// Whether all axes but the last two are the same, with known sizes.
fn same_batches(first: &Operand<'_>, second: &Operand<'_>) -> bool {
    let batches = |operand: &Operand<'_>| match operand {
        Operand::Tensor(tensor) => tensor.sample.as_ref().and_then(|sample| {
            let kept = sample.len().checked_sub(2)?;
            sample[..kept].iter().copied().collect::<Option<Vec<u64>>>()
        }),
        _ => None,
    };
    batches(first).is_some_and(|first| Some(first) == batches(second))
}

/// An equation whose tensors have the batch as their first letter; arrays have none, and get one.
fn einsum(call: &OperatorCall<'_>, inputs: &[&str], output: &str) -> Option<Steps> {
    if inputs.len() != call.operands.len() || inputs.len() > 2 {
        return None;
    }
    let used = |letter: &char| inputs.iter().any(|letters| letters.contains(*letter)) || output.contains(*letter);
    let free: Vec<char> = LETTERS.chars().filter(|letter| !used(letter)).collect();
    let mut expanded = Vec::new();
    let mut longest = 0;
    for (letters, operand) in inputs.iter().zip(&call.operands) {
        let hidden = match letters.contains("...") {
            true => axes(operand)?.checked_sub(letters.len() - 3)?,
            false => 0,
        };
        longest = longest.max(hidden);
        expanded.push(hidden);
    }
    // The hidden axes of all operands end together.
    let write = |letters: &str, hidden: usize| -> Option<String> {
        Some(letters.replace("...", &free.get(longest - hidden..longest)?.iter().collect::<String>()))
    };
    let mut letters =
        inputs.iter().zip(&expanded).map(|(letters, hidden)| write(letters, *hidden)).collect::<Option<Vec<_>>>()?;
    let output = write(output, longest)?;
    let batch = output.chars().next()?;
    let mut steps = Steps::default();
    let mut reads = Vec::new();
    for (operand, letters) in call.operands.iter().zip(&mut letters) {
        match operand {
            Operand::Tensor(tensor) => reads.push(Read::Tensor(tensor.place)),
            Operand::Array(array)
                if !letters.contains(batch) && array.shape.len() == letters.len() && !letters.is_empty() =>
            {
                letters.insert(0, batch);
                reads.push(steps.constant(array, array.shape.clone()));
            }
            _ => return None,
        }
    }
    let own_batch =
        |letters: &str| letters.starts_with(batch) && letters.matches(batch).count() == 1 && letters.len() > 1;
    let all = letters.iter().map(String::as_str).chain([output.as_str()]).all(own_batch);
    let once = output.chars().all(|letter| output.matches(letter).count() == 1);
    if !all || !once {
        return None;
    }
    steps.add(json!({"type": "einsum", "equation": Value::from(format!("{}->{output}", letters.join(",")))}), reads);
    Some(steps)
}
