//! Every step is scikit-learn's (`tests/fixtures/sklearn/recipe_steps.py`), by column and by record.

use super::{
    Encode, FittedRecipe, Missing, OutputTargets, Preparation, Recipe, RecipeProfile, Scale, Task, Unseen,
    tests::{expanded, output, read},
};
use crate::{
    data::{
        date::DatePattern,
        recipe::DateFeature,
        schema::{Column, ColumnType, ValueCount},
        table::{Cells, MISSING, Table, TableColumn},
    },
    engine::shape::Shape,
};
use ndarray::Array2;
use serde::Deserialize;
use serde_json::{Value, from_value, json};

#[derive(Deserialize)]
struct Fixture {
    training_rows: usize,
    scales: Vec<ScaleCase>,
    imputed: Vec<ImputedCase>,
    levels: Vec<Option<String>>,
    ordinal: Vec<f64>,
    one_hot: Vec<Vec<f64>>,
    hashing: Vec<Vec<f64>>,
    target: Vec<TargetCase>,
}

#[derive(Deserialize)]
struct ScaleCase {
    scale: Scale,
    values: Vec<f64>,
    expected: Vec<f64>,
}

#[derive(Deserialize)]
struct ImputedCase {
    missing: Missing,
    values: Vec<Option<f64>>,
    expected: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct TargetCase {
    encode: Encode,
    target: Vec<Value>,
    training: Vec<Vec<f64>>,
    prediction: Vec<Vec<f64>>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../../tests/fixtures/sklearn/recipe_steps.json")).unwrap()
}

fn category(values: &[Option<String>], training: usize) -> (Column, Cells) {
    let mut levels: Vec<String> = values.iter().flatten().cloned().collect();
    levels.sort_unstable();
    levels.dedup();
    // a level of the other rows is not among those of the training data
    let known = |level: &String| values[..training].iter().flatten().any(|other| other == level);
    let count = |level: &String| ValueCount { value: json!(level), count: 1 };
    let listed = levels.iter().filter(|level| known(level)).map(count).collect();
    let code = |value: &Option<String>| match value {
        None => MISSING,
        Some(value) => levels.iter().position(|level| level == value).unwrap() as u32,
    };
    let cells = Cells::Category { codes: values.iter().map(code).collect(), levels: levels.clone() };
    let missing = values.iter().filter(|value| value.is_none()).count() as u64;
    (Column { values: Some(listed), ..Column::empty("c".into(), ColumnType::Category, missing) }, cells)
}

/// Fits the column `c` on the first rows, with the target `y`.
fn fit(
    column: Column,
    cells: Cells,
    target: Cells,
    preparation: Preparation,
    training: usize,
) -> (FittedRecipe, Table) {
    let rows = match &cells {
        Cells::Number(values) | Cells::Datetime(values) => values.len(),
        Cells::Category { codes, .. } => codes.len(),
        Cells::Boolean(values) => values.len(),
    };
    let of = |name: &str, cells| TableColumn { name: name.to_owned(), cells };
    let table = Table { columns: vec![of("c", cells), of("y", target)], rows };
    let y = Column::empty("y".into(), ColumnType::Number, 0);
    let (names, shape, scale) = (["y".to_owned()], Shape(vec![1]), Scale::none());
    let output = OutputTargets {
        name: "",
        task: Task::Regression,
        columns: &names,
        logits: None,
        probabilities: false,
        shape: &shape,
        ignore_class: None,
        scale: &scale,
    };
    let rows: Vec<usize> = (0..training).collect();
    let fitted = Recipe::fit(&table, &[column, y], &["c".to_owned()], &[output], &[preparation], &rows).unwrap();
    (fitted, table)
}

fn zeros(rows: usize) -> Cells {
    Cells::Number(vec![0.0; rows])
}

/// Compares all rows of the table, and the same values as records, with `expected`.
fn check(what: &str, fitted: &FittedRecipe, table: &Table, records: &[Value], expected: &[Vec<f64>]) {
    let all: Vec<usize> = (0..table.rows).collect();
    let by_column = fitted.recipe.inputs(table, &all);
    // a stored recipe is the same recipe
    let stored = serde_json::to_string(&fitted.recipe).unwrap();
    let stored: Recipe = serde_json::from_str(&stored).unwrap_or_else(|error| panic!("{error}: {stored}"));
    assert_eq!(stored.inputs::<f32>(table, &all), by_column, "{what}");
    let by_column = expanded(&fitted.recipe, &by_column);
    let by_record = expanded(&fitted.recipe, &fitted.recipe.encode_all(records, &[]).unwrap().inputs);
    let mut compared = 0;
    for (row, expected) in expected.iter().enumerate() {
        assert_eq!(expected.len(), by_column.ncols(), "{what}");
        for (cell, &expected) in expected.iter().enumerate() {
            for received in [by_column[[row, cell]], by_record[[row, cell]]] {
                let error = (f64::from(received) - expected).abs();
                assert!(
                    error <= 1e-6 * expected.abs().max(1.0),
                    "{what}, row {row}: expected {expected}, received {received}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared >= 2 * table.rows, "{what}: {compared}");
}

#[test]
fn scales_are_those_of_scikit_learn() {
    let Fixture { training_rows, scales, .. } = fixture();
    assert!(scales.len() > 10);
    for ScaleCase { scale, values, expected } in scales {
        let preparation = Preparation::Number { scale: scale.clone(), missing: from_value(json!("median")).unwrap() };
        let records: Vec<Value> = values.iter().map(|value| json!({"c": value})).collect();
        let (column, target) = (Column::empty("c".into(), ColumnType::Number, 0), zeros(values.len()));
        let (fitted, table) = fit(column, Cells::Number(values), target, preparation, training_rows);
        let expected: Vec<Vec<f64>> = expected.into_iter().map(|value| vec![value]).collect();
        check(&json!(scale).to_string(), &fitted, &table, &records, &expected);
    }
}

#[test]
fn missing_values_are_filled_as_by_simple_imputer() {
    let Fixture { training_rows, imputed, .. } = fixture();
    assert_eq!(imputed.len(), 4);
    for ImputedCase { missing, values, expected } in imputed {
        let preparation = Preparation::Number { scale: Scale::none(), missing: missing.clone() };
        let records: Vec<Value> = values.iter().map(|value| json!({"c": value})).collect();
        let numbers: Vec<f64> = values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
        let (column, target) = (Column::empty("c".into(), ColumnType::Number, 4), zeros(values.len()));
        let (fitted, table) = fit(column, Cells::Number(numbers), target, preparation, training_rows);
        check(&json!(missing).to_string(), &fitted, &table, &records, &expected);
    }
}

fn of_category(encode: Value, elements: Option<usize>) -> Preparation {
    Preparation::Category {
        encode: from_value(encode).unwrap(),
        unseen: Unseen::Zeros,
        missing: from_value(json!("level")).unwrap(),
        scale: Scale::none(),
        target_elements: elements,
        keep_constant: false,
    }
}

#[test]
fn categories_are_encoded_as_by_scikit_learn() {
    let Fixture { training_rows, levels, ordinal, one_hot, hashing, .. } = fixture();
    let records: Vec<Value> = levels.iter().map(|level| json!({"c": level})).collect();
    let ordinal = ordinal.into_iter().map(|place| vec![place]).collect();
    let cases = [
        (json!("ordinal"), ordinal),
        (json!("one_hot"), one_hot),
        (json!({"type": "hashing", "n_features": 6}), hashing),
    ];
    for (encode, expected) in cases {
        let (column, cells) = category(&levels, training_rows);
        let preparation = of_category(encode.clone(), None);
        assert_eq!(preparation.width(&column), expected[0].len());
        let (fitted, table) = fit(column, cells, zeros(levels.len()), preparation, training_rows);
        check(&encode.to_string(), &fitted, &table, &records, &expected);
    }
}

#[test]
fn targets_are_averaged_as_by_target_encoder() {
    let Fixture { training_rows, levels, target, .. } = fixture();
    assert_eq!(target.len(), 4);
    let records: Vec<Value> = levels.iter().map(|level| json!({"c": level})).collect();
    for TargetCase { encode, target, training, prediction } in target {
        let what = format!("{} of {}", json!(encode), target[0]);
        let target = match target[0].as_f64() {
            Some(_) => Cells::Number(target.iter().map(|value| value.as_f64().unwrap()).collect()),
            None => {
                let texts: Vec<Option<String>> = target.iter().map(|value| value.as_str().map(str::to_owned)).collect();
                category(&texts, texts.len()).1
            }
        };
        let (column, cells) = category(&levels, training_rows);
        let preparation = of_category(json!(encode), Some(prediction[0].len()));
        let (fitted, table) = fit(column, cells, target, preparation, training_rows);
        check(&what, &fitted, &table, &records, &prediction);
        let rows: Vec<usize> = (0..training_rows).collect();
        let received = fitted.training_inputs::<f32>(&table, &rows);
        for (row, expected) in training.iter().enumerate() {
            for (cell, &expected) in expected.iter().enumerate() {
                let received = f64::from(received[[row, cell]]);
                assert!(
                    (received - expected).abs() < 1e-6 * expected.abs().max(1.0),
                    "{what}, training row {row}: {expected}, {received}"
                );
            }
        }
        assert_eq!(training.len(), training_rows);
    }
}

/// Values of pandas's `dt` accessor, and sines by hand.
#[test]
fn dates_become_calendar_fields_cycles_and_a_trend() {
    use DateFeature::{
        Day, DayCycle, DayOfYear, Hour, IsWeekend, Minute, Month, Quarter, Trend, WeekCycle, Weekday, Year,
    };
    let texts = ["2024-03-02T18:30:00", "2023-12-31", "2023-01-02"];
    let preparation = Preparation::Datetime {
        format: DatePattern::default(),
        features: vec![
            Trend, Year, Quarter, Month, Day, Weekday, DayOfYear, Hour, Minute, IsWeekend, WeekCycle, DayCycle,
        ],
        scale: Scale::none(),
        missing: from_value(json!("indicator")).unwrap(),
    };
    let seconds: Vec<f64> =
        texts.iter().map(|text| DatePattern::default().read(text).unwrap().seconds).chain([f64::NAN]).collect();
    let column = Column::empty("c".into(), ColumnType::Datetime, 1);
    assert_eq!(preparation.width(&column), 15);
    let (fitted, table) = fit(column, Cells::Datetime(seconds), zeros(4), preparation, 3);
    let (sine, cosine) = (5.0 * std::f64::consts::TAU / 7.0).sin_cos();
    let (of_day, of_night) = (18.5 * std::f64::consts::TAU / 24.0).sin_cos();
    let (sunday_sine, sunday_cosine) = (6.0 * std::f64::consts::TAU / 7.0).sin_cos();
    let expected = [
        vec![1_709_404_200.0, 2024.0, 1.0, 3.0, 2.0, 5.0, 62.0, 18.0, 30.0, 1.0, sine, cosine, of_day, of_night, 0.0],
        vec![
            1_703_980_800.0,
            2023.0,
            4.0,
            12.0,
            31.0,
            6.0,
            365.0,
            0.0,
            0.0,
            1.0,
            sunday_sine,
            sunday_cosine,
            0.0,
            1.0,
            0.0,
        ],
        vec![1_672_617_600.0, 2023.0, 1.0, 1.0, 2.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0],
        vec![1_703_980_800.0, 2023.0, 1.0, 3.0, 2.0, 5.0, 62.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
    ];
    let mut records: Vec<Value> = texts.iter().map(|text| json!({"c": text})).collect();
    records.push(json!({"c": null}));
    check("dates", &fitted, &table, &records, &expected);
    let odd = fitted.recipe.encode_all(&[json!({"c": "yesterday"})], &[]).unwrap();
    assert_eq!((odd.warnings[0].code, odd.warnings[0].pointer.as_str()), ("not_a_date", "/instances/0/c"));
}

#[test]
fn clipped_values_are_named() {
    let preparation = Preparation::Number {
        scale: from_value(json!([{"type": "clip", "min": 0, "max": 3}, "min_max"])).unwrap(),
        missing: from_value(json!("median")).unwrap(),
    };
    let column = Column::empty("c".into(), ColumnType::Number, 0);
    let (fitted, _) = fit(column, Cells::Number(vec![0.0, 1.0, 2.0, 4.0]), zeros(4), preparation, 4);
    let encoded = fitted.recipe.encode_all(&[json!({"c": 9}), json!({"c": 3})], &[]).unwrap();
    assert_eq!(encoded.inputs.column(0).to_vec(), [1.0, 1.0]);
    assert_eq!(encoded.warnings.len(), 1);
    assert_eq!((encoded.warnings[0].code, encoded.warnings[0].pointer.as_str()), ("clipped", "/instances/0/c"));
}

#[test]
fn an_unseen_level_can_be_an_error() {
    let levels: Vec<Option<String>> = ["a", "b", "a"].map(|level| Some(level.to_owned())).to_vec();
    let (column, cells) = category(&levels, 3);
    let preparation = Preparation::Category {
        encode: Encode::ONE_HOT,
        unseen: Unseen::Error,
        missing: from_value(json!("level")).unwrap(),
        scale: Scale::none(),
        target_elements: None,
        keep_constant: false,
    };
    let (fitted, _) = fit(column, cells, zeros(3), preparation, 3);
    let errors = fitted.recipe.encode_all(&[json!({"c": "z"})], &[]).unwrap_err();
    assert_eq!(errors[0].to_string(), "/instances/0/c: \"z\" was not in the training data of \"c\"");
}

#[test]
fn models_that_split_at_thresholds_get_raw_numbers_codes_and_nan() {
    let numbers = Column::empty("c".into(), ColumnType::Number, 1);
    let preparation = RecipeProfile::Trees.preparation(&numbers, &Scale::standardize());
    let (fitted, table) = fit(numbers, Cells::Number(vec![5.0, f64::NAN, 7.0]), zeros(3), preparation, 3);
    let inputs = fitted.recipe.inputs::<f32>(&table, &[0, 1, 2]);
    assert_eq!((inputs[[0, 0]], inputs[[1, 0]].is_nan(), inputs[[2, 0]]), (5.0, true, 7.0));
    assert!(fitted.recipe.encode_all(&[json!({"c": null})], &[]).unwrap().inputs[[0, 0]].is_nan());
    let levels = [Some("b".to_owned()), None, Some("a".to_owned())];
    let (column, cells) = category(&levels, 3);
    let preparation = RecipeProfile::Trees.preparation(&column, &Scale::standardize());
    let (fitted, table) = fit(column, cells, zeros(3), preparation, 3);
    let inputs = fitted.recipe.inputs::<f32>(&table, &[0, 1, 2]);
    assert_eq!((inputs[[0, 0]], inputs[[1, 0]].is_nan(), inputs[[2, 0]]), (1.0, true, 0.0));
}

/// A cycle that does not vary in training contributes nothing, as a number that does not.
#[test]
fn a_cycle_that_does_not_vary_is_zero() {
    let rows: String = (0..8).map(|n| format!("2024-01-05T{:02}:00:00,{n}\n", n * 3)).collect();
    let (inspection, table) = read(&format!("day,y\n{rows}"));
    let [day, _] = inspection.columns.as_slice() else { panic!("two columns") };
    let preparation = RecipeProfile::Network.preparation(day, &Scale::standardize());
    let names = ["day".to_owned()];
    let target = ["y".to_owned()];
    let rows: Vec<usize> = (0..8).collect();
    let outputs = [output(Task::Regression, &target)];
    let recipe = Recipe::fit(&table, &inspection.columns, &names, &outputs, &[preparation], &rows).unwrap().recipe;
    let inputs: Array2<f32> = recipe.inputs(&table, &rows);
    // trend, year, week, day
    let varies = |column: usize| inputs.column(column).iter().any(|value| *value != inputs[[0, column]]);
    let zero = |column: usize| inputs.column(column).iter().all(|value| *value == 0.0);
    assert!(varies(0) && (3..5).all(zero) && (5..7).all(varies), "{inputs}");
}
