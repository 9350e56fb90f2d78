//! Hints of errors: the known name that was probably meant.

/// Maximum bytes of a name that has or is a hint: comparing two texts takes the product of their lengths.
const MAX_COMPARED_BYTES: usize = 64;

/// Maximum number of names that are compared for a hint.
const MAX_COMPARED_NAMES: usize = 500;

/// Names that other libraries have, and the one here.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("lr", "learning_rate"),
    ("n_epochs", "epochs"),
    ("n_trees", "n_estimators"),
    ("num_epochs", "epochs"),
    ("num_trees", "n_estimators"),
    ("random_state", "seed"),
    ("test_size", "test"),
    ("val_split", "validation_split"),
];

/// The known name nearest to `received`, if it is near enough for a suggestion.
fn nearest<'a>(received: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if received.len() > MAX_COMPARED_BYTES {
        return None;
    }
    // `LSTM` is near to `lstm`.
    let lower = received.to_lowercase();
    let length = received.chars().count();
    let meant = OTHER_NAMES.iter().find(|(other, _)| *other == received).map(|(_, name)| *name);
    // Of one or two letters another name is not a spelling mistake.
    let enough = |name: &str| match name.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        length => 2.max(length / 3),
    };
    known
        .into_iter()
        .filter(|name| {
            let is_near = name.len() <= MAX_COMPARED_BYTES && name.chars().count().abs_diff(length) <= enough(name);
            is_near || meant == Some(*name)
        })
        .take(MAX_COMPARED_NAMES)
        .map(|name| {
            let distance = |received: &str| strsim::damerau_levenshtein(received, name);
            let nearest = if meant == Some(name) { 0 } else { distance(received).min(distance(&lower)) };
            (nearest, name)
        })
        .min()
        .filter(|(distance, name)| *distance <= enough(name) || name.eq_ignore_ascii_case(received))
        .map(|(_, name)| name)
}

/// `; did you mean …?` with the known name nearest to `received`; nothing where none is near.
pub fn did_you_mean<'a>(received: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(received, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// As [`did_you_mean`], for names that a user's data has: in quotes.
pub fn did_you_mean_quoted<'a>(received: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(received, known).map_or_else(String::new, |name| format!("; did you mean {name:?}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_short_names_are_no_spelling_mistakes() {
        assert_eq!(did_you_mean("x", ["y", "z"]), "");
        assert_eq!(did_you_mean("Y", ["y", "z"]), "; did you mean `y`?");
        assert_eq!(did_you_mean("adm", ["adam", "sgd"]), "; did you mean `adam`?");
    }

    #[test]
    fn names_of_other_libraries_are_known() {
        assert_eq!(did_you_mean("lr", ["beta_1", "learning_rate"]), "; did you mean `learning_rate`?");
        assert_eq!(did_you_mean("lr", ["beta_1"]), "");
    }

    #[test]
    fn long_texts_and_many_names_are_not_compared() {
        let long = "a".repeat(1 << 24);
        assert_eq!(did_you_mean(&long, [long.as_str(), "a"]), "");
        assert_eq!(did_you_mean("a", [long.as_str()]), "");
        let names: Vec<String> = (0..1_000_000).map(|number| format!("column_{number:0>50}")).collect();
        let started = std::time::Instant::now();
        assert_eq!(did_you_mean(&"x".repeat(57), names.iter().map(String::as_str)), "");
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
        assert_eq!(did_you_mean("colum", ["a much longer name", "column"]), "; did you mean `column`?");
    }
}
