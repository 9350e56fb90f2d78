//! `EinsumDense`, where it is dense along the last axis: our `dense`.

use super::{json::describe, place::Place, translator::Translator};
use serde_json::{Map, Value};

/// Adds to `ours` what follows from the equation; an error is noted where that is none of ours. `place` is that of `config`.
pub(super) fn complete(
    ours: &mut Map<String, Value>,
    config: &Map<String, Value>,
    place: &Place,
    translator: &mut Translator,
) {
    let option = |name: &str| config.get(name).unwrap_or(&Value::Null);
    let at = |name: &str| Place {
        ours: place.ours.clone(),
        keras: format!("{}/{name}", place.keras),
        owner: format!("{}`{name}`: ", place.owner),
    };
    let equation = option("equation");
    let Some(outputs) = equation.as_str().and_then(outputs_of) else {
        let detail = "expected one that is dense along the last axis, such as \"abc,cd->abd\"";
        translator.refuse(&at("equation"), format_args!("{detail}, received {}", describe(equation)));
        return;
    };
    let sizes = option("output_shape");
    let units = sizes.as_array().map_or(Some(sizes), |sizes| sizes.last());
    match units.filter(|units| units.is_u64()) {
        Some(units) => {
            translator.came_from(&Place { ours: format!("{}/units", place.ours), ..at("output_shape") });
            ours.insert("units".into(), units.clone());
        }
        None => {
            let received = describe(sizes);
            translator.refuse(
                &at("output_shape"),
                format_args!("expected a whole number, or a list that ends in one, received {received}"),
            );
        }
    }
    match option("bias_axes") {
        Value::Null => {
            ours.insert("use_bias".into(), false.into());
        }
        Value::String(axes) if axes.chars().eq([outputs]) => {}
        axes => {
            let received = describe(axes);
            translator.refuse(
                &at("bias_axes"),
                format_args!("expected null or \"{outputs}\", the outputs of the equation, received {received}"),
            );
        }
    }
}

/// The letter of the last axis of what comes out, where every other axis stays as it is.
fn outputs_of(equation: &str) -> Option<char> {
    let equation = equation.replace(' ', "");
    let (given, made) = equation.split_once("->")?;
    let (input, kernel) = given.split_once(',')?;
    let mut kernel = kernel.chars();
    let (Some(from), Some(to), None) = (kernel.next(), kernel.next(), kernel.next()) else { return None };
    let kept = input.strip_suffix(from)?;
    let letters = kept.strip_prefix("...").unwrap_or(kept);
    let each_once = letters.chars().all(|letter| letter.is_ascii_alphabetic() && letters.matches(letter).count() == 1);
    let is_axis = |axis: char| axis.is_ascii_alphabetic() && !letters.contains(axis);
    (each_once && from != to && is_axis(from) && is_axis(to) && made.strip_suffix(to) == Some(kept)).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equations_are_dense_along_the_last_axis_or_refused() {
        for (equation, outputs) in [
            ("ab,bc->ac", Some('c')),
            ("abc,cd->abd", Some('d')),
            ("...x, xy -> ...y", Some('y')),
            ("...ax,xy->...ay", Some('y')),
            ("abc,cde->abde", None),
            ("abc,bd->adc", None),
            ("abc,dc->abd", None),
            ("abc,cd->adb", None),
            ("aba,ac->abc", None),
            ("abc,ca->aba", None),
            ("abc,cd", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(outputs_of(equation), outputs, "{equation}");
        }
    }
}
