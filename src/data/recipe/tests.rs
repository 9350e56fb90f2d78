use super::{CountedRows, OutputTargets, Prediction, Preparation, Recipe, RecipeProfile, Scale, Task, json_number};
use crate::{
    data::{
        read::{Dialect, Format, Inspection, ReadOptions, TableLimits, inspect, load, rows},
        table::Table,
        weights::{ClassWeight, ClassWeightRule, weights},
    },
    engine::{input_layout::InputColumn, shape::Shape},
};
use ndarray::{Array2, arr2};
use proptest::prelude::*;
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::LazyLock;

const LIMITS: TableLimits = TableLimits { rows: 10_000, columns: 100, cell_bytes: 1000 };

fn csv_format() -> Format {
    Format::named("csv").unwrap()
}

pub(super) fn read(csv: &str) -> (Inspection, Table) {
    let inspection = inspect(&mut csv.as_bytes(), csv_format(), &ReadOptions::default(), &LIMITS).unwrap();
    let names: Vec<String> = inspection.columns.iter().map(|column| column.name.clone()).collect();
    let table = load(&mut csv.as_bytes(), csv_format(), &inspection.dialect, &inspection.columns, &names, 1).unwrap();
    (inspection, table)
}

/// Fits on the first `training` rows; the last column is the target.
pub(super) fn output(task: Task, columns: &[String]) -> OutputTargets<'_> {
    static NO_UNITS: LazyLock<Shape> = LazyLock::new(|| Shape(vec![0]));
    OutputTargets {
        name: "",
        task,
        columns,
        logits: None,
        probabilities: false,
        shape: &NO_UNITS,
        ignore_class: None,
        scale: no_scale(),
    }
}

fn no_scale() -> &'static Scale {
    static NO_SCALE: LazyLock<Scale> = LazyLock::new(Scale::none);
    &NO_SCALE
}

fn fitted(csv: &str, training: usize, task: Task, scale: Scale) -> (Recipe, Table) {
    let (inspection, table) = read(csv);
    let mut features: Vec<String> = inspection.columns.iter().map(|column| column.name.clone()).collect();
    let target = features.pop().unwrap();
    let rows: Vec<usize> = (0..training).collect();
    let column = |name: &String| inspection.columns.iter().find(|column| column.name == *name).unwrap();
    let preparations: Vec<Preparation> =
        features.iter().map(|name| RecipeProfile::Network.preparation(column(name), &scale)).collect();
    let outputs = [output(task, std::slice::from_ref(&target))];
    let recipe = Recipe::fit(&table, &inspection.columns, &features, &outputs, &preparations, &rows).unwrap().recipe;
    let width: usize = features.iter().zip(&preparations).map(|(name, it)| it.width(column(name))).sum();
    let received: usize = recipe.input_columns().map(InputColumn::width).sum();
    assert_eq!(received, width, "the width that the schema promises");
    (recipe, table)
}

/// The elements of the inputs, with the columns of codes expanded.
pub(super) fn expanded(recipe: &Recipe, inputs: &Array2<f32>) -> Array2<f32> {
    let width = recipe.input_columns().map(InputColumn::width).sum();
    let mut elements = Array2::zeros((inputs.nrows(), width));
    for (row, mut elements) in inputs.rows().into_iter().zip(elements.rows_mut()) {
        let mut first = 0;
        for (column, &cell) in recipe.input_columns().zip(row) {
            match column {
                InputColumn::Number => elements[first] = cell,
                InputColumn::OneHot(_) if cell < 0.0 => {}
                InputColumn::OneHot(_) => elements[first + cell as usize] = 1.0,
            }
            first += column.width();
        }
    }
    elements
}

#[derive(Deserialize)]
struct Fixture {
    training_rows: usize,
    csv: String,
    standardize: Vec<Vec<f64>>,
    min_max: Vec<Vec<f64>>,
    class_weight: std::collections::BTreeMap<String, f64>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("../../../tests/fixtures/sklearn/preprocessing.json")).unwrap()
}

#[rstest]
#[case(Scale::standardize())]
#[case(Scale::min_max())]
fn inputs_are_those_of_scikit_learn(#[case] preprocessing: Scale) {
    let fixture = fixture();
    let (recipe, table) = fitted(&fixture.csv, fixture.training_rows, Task::SparseClasses, preprocessing.clone());
    let inputs = expanded(&recipe, &recipe.inputs(&table, &(0..table.rows).collect::<Vec<_>>()));
    let expected = if preprocessing == Scale::min_max() { fixture.min_max } else { fixture.standardize };
    assert_eq!(inputs.nrows(), expected.len());
    for (row, expected) in inputs.rows().into_iter().zip(expected) {
        assert_eq!(row.len(), expected.len());
        for (cell, (&received, expected)) in row.iter().zip(expected).enumerate() {
            let error = (f64::from(received) - expected).abs();
            assert!(error <= 1e-6 * expected.abs().max(1.0), "cell {cell}: expected {expected}, received {received}");
        }
    }
}

#[test]
fn balanced_class_weights_are_those_of_scikit_learn() {
    let fixture = fixture();
    let (recipe, table) = fitted(&fixture.csv, fixture.training_rows, Task::OneHotClasses, Scale::standardize());
    let rows: Vec<usize> = (0..fixture.training_rows).collect();
    let balanced = ClassWeight::Rule(ClassWeightRule::Balanced);
    let received = weights::<f32>(&recipe, &table, &rows, Some(&balanced), None).unwrap().unwrap();
    let by_label = ClassWeight::Labels(fixture.class_weight);
    let expected = weights::<f32>(&recipe, &table, &rows, Some(&by_label), None).unwrap().unwrap();
    assert!(received.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-6), "{received} {expected}");
    assert!(received.iter().any(|weight| *weight > 2.0) && received.iter().any(|weight| *weight < 0.5));
}

#[test]
fn sample_weights_multiply_class_weights() {
    let (recipe, table) = fitted("x,w,y\n1,2,a\n2,0,b\n3,0.5,b\n", 3, Task::SparseClasses, Scale::none());
    let classes = ClassWeight::Labels([("b".to_owned(), 3.0)].into());
    let received = weights::<f32>(&recipe, &table, &[0, 1, 2], Some(&classes), Some("w")).unwrap().unwrap();
    assert_eq!(received.to_vec(), [2.0, 0.0, 1.5]);
    assert_eq!(weights::<f32>(&recipe, &table, &[0], None, None).unwrap(), None);
}

const MIXED: &str = "\
number,flag,colour,y
1,true,red,10.5
3,,,20.5
,false,green,30.5
100,true,blue,40.5
";

#[test]
fn every_kind_of_cell() {
    let (recipe, table) = fitted(MIXED, 3, Task::Regression, Scale::none());
    // number (median 2), flag (as many true as false), blue (no training row has it), green, red, missing
    let expected = arr2(&[
        [1.0, 1.0, 0.0, 0.0, 1.0, 0.0],
        [3.0, 0.5, 0.0, 0.0, 0.0, 1.0],
        [2.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        [100.0, 1.0, 0.0, 0.0, 0.0, 0.0],
    ]);
    assert_eq!(expanded(&recipe, &recipe.inputs(&table, &[0, 1, 2, 3])), expected);
    let instances = [
        json!({"colour": "red", "flag": true, "number": 1}),
        json!([3.0, null, null]),
        json!([null, false, "green"]),
        json!({"number": 100, "flag": true, "colour": "no such colour"}),
    ];
    let encoded = |instances: &[Value]| expanded(&recipe, &recipe.encode_all(instances, &[]).unwrap().inputs);
    assert_eq!(encoded(&instances), expected);
    assert_eq!(encoded(&[json!([3, null, ""])]).row(0), expected.row(1), "as a file writes it");
}

#[test]
fn a_column_without_training_values_is_zero() {
    let (recipe, table) = fitted("a,b,y\n,1,1.5\n,2,2.5\n7,3,3.5\n", 2, Task::Regression, Scale::standardize());
    assert_eq!(recipe.inputs::<f32>(&table, &[0, 2]).column(0).to_vec(), [0.0, 0.0]);
}

#[test]
fn levels_of_a_column_that_mixes_text_and_numbers() {
    let (recipe, _) = fitted("code,y\n7,1.5\n007,2.5\nx,3.5\n", 3, Task::Regression, Scale::none());
    for known in [json!([7]), json!([7.0]), json!(["7"]), json!([" 7 "])] {
        assert_eq!(recipe.encode_all(&[known], &[]).unwrap().inputs, arr2(&[[1.0]]));
    }
    // A new number is taken as a new text is: it is unseen.
    for unseen in [json!([8]), json!(["8"])] {
        let encoded = recipe.encode_all(&[unseen], &[]).unwrap();
        assert_eq!(encoded.inputs, arr2(&[[-1.0]]));
        assert_eq!(
            (encoded.warnings[0].code, encoded.warnings[0].pointer.as_str()),
            ("unseen_level", "/instances/0/0")
        );
    }
    assert!(recipe.encode_all(&[json!([true])], &[]).is_err());
}

#[rstest]
#[case(
    json!({"number": 1, "flag": true, "color": "red"}),
    &[("/color", "expected a feature of the model, received \"color\"; did you mean \"colour\"?")]
)]
#[case(
    json!({"number": 1, "flag": true, "color": "red", "colour": "red"}),
    &[("/color", "expected a feature of the model, received \"color\"; did you mean \"colour\"?")]
)]
#[case(
    json!({"number": "1", "flag": 1, "colour": ["red"]}),
    &[
        ("/number", "expected a number or null, received the text \"1\""),
        ("/flag", "expected true, false or null, received 1"),
        ("/colour", "expected text or null, received a list"),
    ]
)]
#[case(json!([1, true]), &[("", "expected a list of 3 values, received 2")])]
#[case(json!([1, 2, "red"]), &[("/1", "expected true, false or null, received 2")])]
#[case(json!(7), &[("", "expected a record or a list, received 7")])]
#[case(json!([-1e308, true, "red"]), &[("/0", "expected a number within ±3.4028235e38, received -1e+308")])]
fn wrong_instances_are_pointed_at(#[case] instance: Value, #[case] expected: &[(&str, &str)]) {
    let (recipe, _) = fitted(MIXED, 4, Task::Regression, Scale::standardize());
    let good = json!([1, true, "red"]);
    let errors = recipe.encode_all(&[good, instance], &[]).unwrap_err();
    let received: Vec<_> = errors.iter().map(|error| (error.pointer.clone(), error.detail.as_str())).collect();
    let expected: Vec<_> =
        expected.iter().map(|(pointer, detail)| (format!("/instances/1{pointer}"), *detail)).collect();
    assert_eq!(received, expected);
}

#[test]
fn a_key_that_is_left_out_is_a_missing_value_with_a_warning() {
    let (recipe, _) = fitted(MIXED, 3, Task::Regression, Scale::standardize());
    let without = recipe.encode_all(&[json!({"number": 1, "flag": true})], &[]).unwrap();
    let null = recipe.encode_all(&[json!({"number": 1, "flag": true, "colour": null})], &[]).unwrap();
    assert_eq!((&without.inputs, null.warnings.len()), (&null.inputs, 0));
    assert_eq!(without.warnings[0].code, "missing_column");
    assert_eq!(without.warnings[0].pointer, "/instances/0/colour");
}

#[test]
fn columns_that_do_not_vary_have_no_effect() {
    let csv = "x,fee,flag,kind,y\n1,7,true,a,0.5\n2,7,true,a,1.5\n3,8,false,b,2.5\n";
    for preprocessing in [Scale::standardize(), Scale::min_max()] {
        let (recipe, table) = fitted(csv, 2, Task::Regression, preprocessing);
        let known = recipe.encode_all(&[json!([1, 7, true, "a"])], &[]).unwrap();
        let other = recipe.encode_all(&[json!([1, 250, false, "b"])], &[]).unwrap();
        assert_eq!((&known.inputs, known.warnings.len()), (&other.inputs, 0));
        let inputs = expanded(&recipe, &recipe.inputs(&table, &[2]));
        assert_eq!(inputs.row(0).to_vec()[1..], [0.0, 0.0, 0.0, 0.0]);
        let codes: Vec<_> = other.warnings.iter().map(|warning| (warning.pointer.as_str(), warning.code)).collect();
        let constant = "constant_in_training";
        let expected = [("/instances/0/1", constant), ("/instances/0/2", constant), ("/instances/0/3", "unseen_level")];
        assert_eq!(codes, expected);
    }
    let (raw, _) = fitted(csv, 2, Task::Regression, Scale::none());
    let encoded = raw.encode_all(&[json!([1, 250, false, "a"])], &[]).unwrap().inputs;
    assert_eq!(expanded(&raw, &encoded), arr2(&[[1.0, 250.0, 0.0, 1.0, 0.0]]));
}

#[rstest]
#[case(&[1, 3, 2], json!([[[9, 0], [9, 0], [9, 1]]]), None)]
#[case(&[1, 3, 2], json!([9, 0, 9, 0, 9, 1]), None)]
#[case(&[1, 3, 2], json!([[[9, 9, 9]], [[0, 0, 1]]]), Some("expected the shape [1, 3, 2] or 6 values, received the shape [2, 1, 3]"))]
#[case(&[1, 3, 2], json!([[[9]], [[0, 9, 0, 9]], [[1]]]), Some("expected the shape [1, 3, 2] or 6 values, received lists of different lengths"))]
#[case(&[1, 3, 2], json!([[9, 0, 9, 0, 9, 1]]), Some("expected the shape [1, 3, 2] or 6 values, received the shape [1, 6]"))]
#[case(&[6], json!([[9, 0, 9, 0, 9, 1]]), Some("expected a list of 6 values, received the shape [1, 6]"))]
fn nested_instances_have_the_shape_of_the_input(
    #[case] shape: &[usize],
    #[case] instance: Value,
    #[case] error: Option<&str>,
) {
    let csv = "a,b,c,d,e,f,y\n9,0,9,0,9,1,0.5\n0,9,1,9,0,9,1.5\n";
    let (recipe, table) = fitted(csv, 2, Task::Regression, Scale::none());
    let encoded = recipe.encode_all(&[instance], &[Shape(shape.to_vec())]);
    match error {
        None => assert_eq!(encoded.unwrap().inputs, recipe.inputs::<f32>(&table, &[0])),
        Some(error) => assert_eq!(encoded.unwrap_err()[0].detail, error),
    }
}

#[test]
fn errors_have_an_end() {
    let (recipe, _) = fitted(MIXED, 4, Task::Regression, Scale::standardize());
    let errors = recipe.encode_all(&vec![json!(["x", "x", 1]); 1000], &[]).unwrap_err();
    assert_eq!(errors.len(), 20);
}

#[test]
fn names_in_pointers_are_escaped() {
    let (recipe, _) = fitted("a/b~,y\n1,1.5\n2,2.5\n", 2, Task::Regression, Scale::standardize());
    assert_eq!(recipe.encode_all(&[json!({"a/b~": "x"})], &[]).unwrap_err()[0].pointer, "/instances/0/a~1b~0");
}

#[rstest]
#[case("x,y\n1,b\n2,a\n3,c\n", json!(["a", "b", "c"]))]
#[case("x,y\n1,10\n2,-1\n3,9.0\n", json!([-1, 9, 10]))]
fn labels_keep_their_type_and_order(#[case] csv: &str, #[case] labels: Value) {
    let (recipe, table) = fitted(csv, 3, Task::SparseClasses, Scale::standardize());
    assert_eq!(json!(recipe.labels()), labels);
    let one_hot = fitted(csv, 3, Task::OneHotClasses, Scale::standardize()).0;
    let classes = recipe.targets(&table, &[0, 1, 2]).unwrap();
    let cells = one_hot.targets(&table, &[0, 1, 2]).unwrap();
    assert_eq!(cells.dim(), (3, 3));
    for row in 0..3 {
        assert_eq!(cells[[row, classes[[row, 0]] as usize]], 1.0);
        assert_eq!(cells.row(row).sum(), 1.0);
    }
    for (class, label) in labels.as_array().unwrap().iter().enumerate() {
        let mut output = arr2(&[[0.2f32, 0.2, 0.2]]);
        output[[0, class]] = 0.6;
        let Prediction::Class { label: received, probabilities } =
            recipe.decode(output.view(), &[output.ncols()]).remove(0)
        else {
            panic!("a class")
        };
        assert_eq!(&received, label);
        assert_eq!(serde_json::to_value(&probabilities).unwrap().as_object().unwrap().len(), 3);
    }
}

#[test]
fn a_confusion_matrix_counts_what_predictions_say() {
    let csv = "x,y\n1,a\n2,b\n3,b\n";
    let matrix = |task: Task, output: Array2<f32>| {
        let (recipe, table) = fitted(csv, 3, task, Scale::none());
        let targets = recipe.targets(&table, &[0, 1, 2]).unwrap();
        recipe
            .confusion_matrix(CountedRows::Training, targets.view(), 2, |rows| {
                Some(output.slice(ndarray::s![rows, ..]).to_owned())
            })
            .unwrap()
    };
    let one = arr2(&[[0.25f32], [0.5], [0.75]]);
    assert_eq!(matrix(Task::Binary, one.clone()).counts, [[1, 0], [1, 1]]);
    assert_eq!(matrix(Task::Margin, one).counts, [[0, 1], [0, 2]]);
    let two = arr2(&[[0.4f32, 0.6], [0.2, 0.8], [0.5, 0.5]]);
    for task in [Task::SparseClasses, Task::OneHotClasses] {
        let matrix = matrix(task, two.clone());
        assert_eq!((matrix.counts, matrix.labels), (vec![vec![0, 1], vec![1, 1]], vec![json!("a"), json!("b")]));
    }
    let many: String = (0..101).map(|class| format!("{class},c{class}\n")).collect();
    for (csv, task) in
        [(format!("x,y\n{many}"), Task::SparseClasses), (csv.replace('a', "1").replace('b', "2"), Task::Regression)]
    {
        let (recipe, table) = fitted(&csv, 3, task, Scale::none());
        let targets = recipe.targets(&table, &[0, 1, 2]).unwrap();
        let refused = recipe.confusion_matrix(CountedRows::Training, targets.view(), 2, |_| unreachable!());
        assert_eq!(refused, None);
    }
}

#[test]
fn answers_as_json() {
    let (binary, table) = fitted("x,y\n1,true\n2,false\n3,true\n", 3, Task::Binary, Scale::standardize());
    assert_eq!(binary.targets(&table, &[0, 1]).unwrap(), arr2(&[[1.0], [0.0]]));
    let answers = serde_json::to_string(&binary.decode(arr2(&[[0.7f32], [0.5]]).view(), &[])).unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&answers).unwrap(),
        json!([
            {"label": true, "probabilities": {"false": 0.3, "true": 0.7}},
            {"label": false, "probabilities": {"false": 0.5, "true": 0.5}},
        ])
    );
    let (margin, table) = fitted("x,y\n1,true\n2,false\n3,true\n", 3, Task::Margin, Scale::standardize());
    assert_eq!(margin.targets(&table, &[0, 1]).unwrap(), arr2(&[[1.0], [0.0]]));
    assert_eq!(
        serde_json::to_string(&margin.decode(arr2(&[[0.25f32], [0.0], [-1.5]]).view(), &[])).unwrap(),
        r#"[{"label":true,"score":0.25},{"label":false,"score":0.0},{"label":false,"score":-1.5}]"#
    );
    let (number, _) = fitted("x,y\n1,1.5\n2,2.5\n", 2, Task::Regression, Scale::standardize());
    assert_eq!(serde_json::to_string(&number.decode(arr2(&[[12.3f32]]).view(), &[])).unwrap(), r#"[{"value":12.3}]"#);
    let (inspection, table) = read("x,y,z\n1,1.5,true\n2,2.5,false\n");
    let targets = ["y".to_owned(), "z".to_owned()];
    let several = Recipe::fit(
        &table,
        &inspection.columns,
        &["x".into()],
        &[output(Task::Regression, &targets)],
        &[RecipeProfile::Network.preparation(&inspection.columns[0], &Scale::standardize())],
        &[0, 1],
    )
    .unwrap()
    .recipe;
    assert_eq!(several.targets(&table, &[0, 1]).unwrap(), arr2(&[[1.5, 1.0], [2.5, 0.0]]));
    let answers = serde_json::to_string(&several.decode(arr2(&[[0.1f32, 1e-9]]).view(), &[])).unwrap();
    assert_eq!(answers, r#"[{"value":{"y":0.1,"z":1e-9}}]"#);
}

#[test]
fn missing_targets_and_unknown_labels_are_named() {
    let (recipe, _) = fitted("x,y\n1,a\n2,b\n", 2, Task::SparseClasses, Scale::standardize());
    let (_, other) = read("x,y\n1,a\n2,c\n3,\n");
    let unknown = recipe.targets(&other, &[0, 1]).unwrap_err();
    assert_eq!(unknown.detail, "row 2: expected one of the labels \"a\", \"b\" of \"y\", received \"c\"");
    let missing = recipe.targets(&other, &[2]).unwrap_err();
    assert_eq!(missing.detail, "row 3: expected a value in the target column \"y\", but it is missing");
}

#[test]
fn a_stored_recipe_is_the_same_recipe() {
    let (recipe, table) = fitted(MIXED, 3, Task::Regression, Scale::standardize());
    let stored = serde_json::to_string(&recipe).unwrap();
    assert!(stored.starts_with(r#"{"version":3,"#), "{stored}");
    let restored: Recipe = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored, recipe);
    assert_eq!(restored.inputs::<f32>(&table, &[0, 1, 2, 3]), recipe.inputs::<f32>(&table, &[0, 1, 2, 3]));
    assert_eq!(
        serde_json::to_value(recipe.signature()).unwrap(),
        json!({
            "inputs": [
                {"name": "number", "type": "number"},
                {"name": "flag", "type": "boolean", "levels": [false, true]},
                {"name": "colour", "type": "category", "levels": ["blue", "green", "red"]},
            ],
            "outputs": [{"name": "y", "type": "number"}],
            "task": "regression",
        })
    );
}

proptest! {
    #[test]
    fn numbers_are_printed_shortest(bits: u32) {
        let value = f32::from_bits(bits);
        match json_number(value) {
            Value::Null => prop_assert!(!value.is_finite()),
            number => {
                let text = number.to_string();
                prop_assert_eq!(text.parse::<f32>().unwrap().to_bits(), bits);
                let digits = |text: &str| {
                    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
                    mantissa.chars().filter(char::is_ascii_digit).collect::<String>().trim_matches('0').len()
                };
                prop_assert_eq!(digits(&text), digits(&value.to_string()));
            }
        }
    }

    /// What a client sends for a row is encoded as the row itself was in training.
    #[test]
    fn encoding_a_record_is_encoding_its_row(
        cells in prop::collection::vec((prop::option::of(-1e6f32..1e6), prop::option::of(any::<bool>()),
                                        prop::option::of("x[a-c]{0,2}")), 3..30),
        training in 1usize..30,
        scaling in 0usize..3,
    ) {
        let written = |cell: Option<String>| cell.unwrap_or_default();
        let mut csv = "n,b,c,y\n1.5,true,x,0.5\n".to_owned();
        for (number, boolean, category) in &cells {
            let (number, boolean) = (number.map(|x| x.to_string()), boolean.map(|x| x.to_string()));
            csv += &format!("{},{},{},1.5\n", written(number), written(boolean), written(category.clone()));
        }
        let preprocessing = [Scale::standardize(), Scale::min_max(), Scale::none()][scaling].clone();
        let (recipe, table) = fitted(&csv, training.min(cells.len()), Task::Regression, preprocessing);
        let columns = inspect(&mut csv.as_bytes(), csv_format(), &ReadOptions::default(), &LIMITS).unwrap().columns;
        let mut records = rows(&mut csv.as_bytes(), csv_format(), &Dialect::default(), &columns, crate::data::read::RowRange { first: 0, limit: usize::MAX, bytes: usize::MAX }).unwrap();
        let inputs: Array2<f32> = recipe.inputs(&table, &(0..table.rows).collect::<Vec<_>>());
        for record in &mut records {
            record.as_object_mut().unwrap().shift_remove("y");
        }
        prop_assert_eq!(&recipe.encode_all(&records, &[]).unwrap().inputs, &inputs);
        let lists: Vec<Value> =
            records.iter().map(|record| record.as_object().unwrap().values().cloned().collect()).collect();
        prop_assert_eq!(&recipe.encode_all(&lists, &[]).unwrap().inputs, &inputs);
    }
}

impl Recipe {
    pub(super) fn encode_all(
        &self,
        instances: &[Value],
        shapes: &[Shape],
    ) -> Result<crate::data::recipe::Encoded<f32>, Vec<crate::engine::field::FieldError>> {
        let mut encoder = self.encoder(shapes, instances.len());
        instances.iter().for_each(|instance| encoder.push(instance));
        encoder.finish().map_err(Vec::from)
    }
}
