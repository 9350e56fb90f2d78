//! A model and settings that suit a table, where the user names none.

use super::{failure::Failure, output::clean};
use serde_json::{Map, Value, json};

/// Models that `--model` knows by a word: networks, then classical models.
pub const TEMPLATES: &[&str] = &[
    "mlp",
    "linear",
    "gradient_boosting",
    "random_forest",
    "extra_trees",
    "decision_tree",
    "svm",
    "linear_svm",
    "k_neighbors",
    "logistic_regression",
    "linear_regression",
    "ridge",
    "lasso",
    "elastic_net",
    "gaussian_nb",
    "dummy",
];

/// Names that other libraries have for them, in small letters.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("catboost", "gradient_boosting"),
    ("dnn", "mlp"),
    ("forest", "random_forest"),
    ("histgradientboosting", "gradient_boosting"),
    ("knn", "k_neighbors"),
    ("lgbm", "gradient_boosting"),
    ("lightgbm", "gradient_boosting"),
    ("logit", "logistic_regression"),
    ("naivebayes", "gaussian_nb"),
    ("neuralnetwork", "mlp"),
    ("svc", "svm"),
    ("svr", "svm"),
    ("tree", "decision_tree"),
    ("xgb", "gradient_boosting"),
    ("xgboost", "gradient_boosting"),
];

/// How many of these are networks.
const NETWORKS: usize = 2;

/// More values than this are a quantity, not classes.
const MAX_NUMBERED_CLASSES: usize = 20;

/// A definition, and the settings of its training.
#[derive(Debug, Clone, PartialEq)]
pub struct Suggestion {
    /// `definition` of the model.
    pub definition: Value,
    /// Fields of the job's `training`.
    pub training: Map<String, Value>,
    /// What it is, in words.
    pub summary: String,
}

/// `; did you mean …?` with the template that other libraries, scikit-learn among them, call `word`.
pub fn did_you_mean(word: &str) -> String {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let word = plain(word);
    let word = ["classifier", "regressor"].iter().find_map(|end| word.strip_suffix(*end)).unwrap_or(&word);
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == word).map(|(_, name)| *name);
    let meant = other.or_else(|| TEMPLATES.iter().copied().find(|name| plain(name) == word));
    meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// The column of `dataset` that is called `name`.
pub fn column<'a>(dataset: &'a Value, name: &str) -> Result<&'a Value, Failure> {
    let columns = dataset["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(column) = columns.iter().find(|column| column["name"] == name) {
        return Ok(column);
    }
    let names: Vec<&str> = columns.iter().filter_map(|column| column["name"].as_str()).collect();
    let near =
        names.iter().min_by_key(|known| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase()));
    let near = near.filter(|known| strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase()) <= 2);
    let near = near.map(|known| format!("; did you mean `{}`?", clean(known))).unwrap_or_default();
    let shown: Vec<String> = names.iter().take(30).map(|name| clean(name)).collect();
    let more = if names.len() > 30 { ", …" } else { "" };
    let (dataset, name, shown) = (clean(dataset["name"].as_str().unwrap_or_default()), clean(name), shown.join(", "));
    Err(Failure::Error(format!("--target: {dataset} has no column `{name}`{near}\n  its columns: {shown}{more}")))
}

/// How many classes the target has; none where it is a quantity.
pub fn classes(target: &Value) -> Option<usize> {
    let distinct = target["distinct"].as_u64().and_then(|count| usize::try_from(count).ok())?;
    if target["type"] != "number" {
        return Some(distinct);
    }
    // Numbers are classes where they count from 0 or 1, as labels do.
    let values: Option<Vec<f64>> = target["values"].as_array()?.iter().map(|entry| entry["value"].as_f64()).collect();
    let mut values = values.filter(|values| values.len() == distinct && distinct <= MAX_NUMBERED_CLASSES)?;
    values.sort_by(f64::total_cmp);
    let first = *values.first()?;
    let counts = values.iter().enumerate().all(|(index, value)| *value == first + index as f64);
    (counts && distinct >= 2 && (first == 0.0 || first == 1.0)).then_some(distinct)
}

/// The template `word` for `target` of `dataset`.
pub fn suggest(dataset: &Value, target: &str, word: &str) -> Result<Suggestion, Failure> {
    let classes = classes(column(dataset, target)?);
    let rows = dataset["rows"].as_u64().unwrap_or(0);
    if TEMPLATES.iter().skip(NETWORKS).any(|known| *known == word) {
        let mut training = Map::new();
        if rows >= 20 {
            training.insert("validation_split".to_owned(), 0.2.into());
        }
        let summary = format!("a {word} with the settings of scikit-learn");
        return Ok(Suggestion { definition: json!({"type": word}), training, summary });
    }
    let (output, task) = match classes {
        None => (json!({"type": "dense", "units": 1}), "regression".to_owned()),
        Some(2) => {
            (json!({"type": "dense", "units": 1, "activation": "sigmoid"}), "classification of 2 classes".to_owned())
        }
        Some(count) => (
            json!({"type": "dense", "units": count.max(1), "activation": "softmax"}),
            format!("classification of {count} classes"),
        ),
    };
    // Narrow networks for few rows, which wide ones learn by heart.
    let hidden: &[u32] = match (word, rows) {
        ("linear", _) => &[],
        (_, ..1_000) => &[32, 16],
        (_, ..20_000) => &[64, 32],
        _ => &[128, 64],
    };
    let (batch_size, epochs, learning_rate) = match rows {
        0..1_000 => (16, 200, 0.005),
        1_000..10_000 => (32, 100, 0.002),
        10_000..100_000 => (128, 60, 0.002),
        _ => (512, 30, 0.002),
    };
    let mut layers: Vec<Value> =
        hidden.iter().map(|units| json!({"type": "dense", "units": units, "activation": "relu"})).collect();
    layers.push(output);
    let mut training = Map::new();
    training.insert("epochs".to_owned(), epochs.into());
    training.insert("batch_size".to_owned(), batch_size.into());
    training.insert("optimizer".to_owned(), json!({"type": "adam", "learning_rate": learning_rate}));
    if classes.is_none() {
        training.insert("metrics".to_owned(), json!(["root_mean_squared_error", "mean_absolute_error", "r2_score"]));
    }
    if rows >= 20 {
        training.insert("validation_split".to_owned(), 0.2.into());
        training.insert(
            "early_stopping".to_owned(),
            json!({"monitor": "val_loss", "patience": (epochs / 8).max(5), "restore_best_weights": true}),
        );
    }
    let sizes: Vec<String> = hidden.iter().map(ToString::to_string).collect();
    let network =
        if sizes.is_empty() { "a linear model".to_owned() } else { format!("an MLP of {} units", sizes.join(" and ")) };
    Ok(Suggestion { definition: json!({"layers": layers}), training, summary: format!("{network}, {task}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(rows: u64, target: Value) -> Value {
        json!({"name": "d", "rows": rows, "columns": [{"name": "a", "type": "number"}, target]})
    }

    fn numbers(values: &[f64]) -> Value {
        let values: Vec<Value> = values.iter().map(|value| json!({"value": value, "count": 1})).collect();
        json!({"name": "y", "type": "number", "distinct": values.len(), "values": values})
    }

    #[test]
    fn models_are_known_by_the_names_of_other_libraries() {
        assert_eq!(did_you_mean("RandomForestClassifier"), "; did you mean `random_forest`?");
        assert_eq!(did_you_mean("KNeighborsRegressor"), "; did you mean `k_neighbors`?");
        assert_eq!(did_you_mean("XGBClassifier"), "; did you mean `gradient_boosting`?");
        assert_eq!(did_you_mean("random-forest"), "; did you mean `random_forest`?");
        assert_eq!(did_you_mean("iris-mlp"), "");
    }

    #[test]
    fn the_target_decides_the_output() {
        let category = |count: u64| json!({"name": "y", "type": "category", "distinct": count});
        let last = |target: Value| {
            let suggestion = suggest(&dataset(150, target), "y", "mlp").unwrap();
            suggestion.definition["layers"][2].clone()
        };
        assert_eq!(last(category(3)), json!({"type": "dense", "units": 3, "activation": "softmax"}));
        assert_eq!(last(category(2)), json!({"type": "dense", "units": 1, "activation": "sigmoid"}));
        assert_eq!(last(numbers(&[1.0, 0.0])), json!({"type": "dense", "units": 1, "activation": "sigmoid"}));
        assert_eq!(last(numbers(&[2.0, 1.0, 3.0]))["units"], 3);
        for quantity in
            [numbers(&[0.0, 0.5, 1.0]), numbers(&[10.0, 11.0]), json!({"name": "y", "type": "number", "distinct": 99})]
        {
            assert_eq!(last(quantity), json!({"type": "dense", "units": 1}));
        }
    }

    #[test]
    fn tiny_tables_are_not_split() {
        let training = suggest(&dataset(10, numbers(&[0.0, 1.0])), "y", "linear").unwrap().training;
        assert!(training.get("validation_split").is_none() && training.get("early_stopping").is_none());
        assert!(
            suggest(&dataset(150, numbers(&[0.0, 1.0])), "y", "mlp").unwrap().training.contains_key("early_stopping")
        );
    }

    #[test]
    fn a_misspelled_column_is_recognized() {
        let text = column(&dataset(10, numbers(&[0.5])), "A").unwrap_err().to_string();
        assert!(text.contains("no column `A`; did you mean `a`?") && text.contains("its columns: a, y"), "{text}");
    }
}
