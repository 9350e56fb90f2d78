mod requested_task;

use super::{JobRequest, Resolved, TableView, resolve};
use crate::{
    data::{
        named::PerOutput,
        read::{Format, Inspection, ReadOptions, TableLimits, inspect},
        recipe::Task,
    },
    engine::{field::FieldError, spec::Limits},
    job::{
        ModelDefinition,
        training::{BatchSize, JobTraining},
    },
};
use rstest::rstest;
use serde_json::{Value, json};

const CSV: &str = "\
length,width,colour,ok,grade,price,share,species,sex,constant,empty,weight,huge
1.5,2.25,red,true,1,10.5,0.25,a,f,7,,1,9007199254740992
2.5,,green,false,2,11.5,0.5,b,m,7,,0.5,9007199254740993
3.5,1.25,,true,3,12.5,0.75,c,f,7,,0,9007199254740992
4.5,0.25,red,false,1,13.5,0.0,d,m,7,,2,9007199254740993
5.5,2.5,blue,true,2,14.5,1.0,a,f,7,,1,9007199254740992
";

fn table(csv: &str) -> Inspection {
    let limits = TableLimits { rows: 100, columns: 100, cell_bytes: 100 };
    inspect(&mut csv.as_bytes(), Format::named("csv").unwrap(), &ReadOptions::default(), &limits).unwrap()
}

fn view<'a>(name: &'a str, table: &'a Inspection) -> TableView<'a> {
    TableView { name, rows: table.rows, columns: &table.columns }
}

/// Resolves `job` for a network of one layer with `units` cells.
fn resolved(units: usize, job: Value, defaults: Value, validation: Option<&str>) -> Result<Resolved, Vec<FieldError>> {
    let mut request = json!({"model": "m", "dataset": "d", "features": ["length", "colour", "ok"]});
    request.as_object_mut().unwrap().extend(job.as_object().unwrap().clone());
    if request["features"].is_null() {
        request.as_object_mut().unwrap().shift_remove("features");
    }
    let request: JobRequest = serde_json::from_value(request).unwrap();
    let definition = ModelDefinition::from_value(&json!({"layers": [{"type": "dense", "units": units}]})).unwrap();
    let (data, validation) = (table(CSV), validation.map(table));
    let validation = validation.as_ref().map(|table| view("v", table));
    resolve(&request, &definition, defaults.as_object().unwrap(), view("d", &data), validation, &Limits::default())
}

fn settings(resolved: &Resolved) -> Value {
    serde_json::to_value(&resolved.training).unwrap()
}

/// The name of a setting that is a name or an object with a type.
fn kind(setting: &Value) -> &str {
    setting.as_str().or_else(|| setting["type"].as_str()).unwrap()
}

/// Several columns of 0 and 1 are labels under a sigmoid and the classes of one target under a softmax.
#[rstest]
#[case("sigmoid", json!({"loss": "binary_crossentropy"}), "multilabel_classification")]
#[case("linear", json!({"loss": {"type": "binary_crossentropy", "from_logits": true}}), "multilabel_classification")]
#[case("sigmoid", json!({}), "multilabel_classification")]
#[case("softmax", json!({"loss": "categorical_crossentropy"}), "multiclass_classification")]
#[case("softmax", json!({}), "multiclass_classification")]
#[case("linear", json!({}), "regression")]
fn columns_of_0_and_1_are_labels_or_classes(#[case] activation: &str, #[case] training: Value, #[case] task: &str) {
    let data = table("x,a,b,part\n1.5,0,1,0.25\n2.5,1,0,0.5\n0.5,1,1,0.75\n3.5,0,0,0.125\n");
    let of = |target: [&str; 2]| {
        let layer = json!({"type": "dense", "units": 2, "activation": activation});
        let definition = ModelDefinition::from_value(&json!({"layers": [layer]})).unwrap();
        let request = json!({"model": "m", "dataset": "d", "features": ["x"], "target": target, "training": training});
        let request: JobRequest = serde_json::from_value(request).unwrap();
        let defaults = serde_json::Map::new();
        let resolved = resolve(&request, &definition, &defaults, view("d", &data), None, &Limits::default()).unwrap();
        let loss = settings(&resolved)["loss"].clone();
        (serde_json::to_value(resolved.task.one().unwrap().kind()).unwrap(), kind(&loss).to_owned())
    };
    let (received, loss) = of(["a", "b"]);
    assert_eq!(received, task);
    let usual = match task {
        "multilabel_classification" => "binary_crossentropy",
        "multiclass_classification" => "categorical_crossentropy",
        _ => "mean_squared_error",
    };
    assert_eq!(loss, usual);
    assert_eq!(of(["a", "part"]).0, "regression");
}

#[rstest]
#[case(4, "species", Task::SparseClasses, "sparse_categorical_crossentropy", "accuracy")]
// the output is linear, so that it is logits
#[case(1, "sex", Task::Binary, "binary_crossentropy", "binary_accuracy")]
#[case(2, "sex", Task::SparseClasses, "sparse_categorical_crossentropy", "accuracy")]
#[case(1, "price", Task::Regression, "mean_squared_error", "mean_absolute_error")]
#[case(1, "grade", Task::Regression, "mean_squared_error", "mean_absolute_error")]
#[case(3, "grade", Task::SparseClasses, "sparse_categorical_crossentropy", "accuracy")]
#[case(4, "grade", Task::SparseClasses, "sparse_categorical_crossentropy", "accuracy")]
#[case(10, "grade", Task::SparseClasses, "sparse_categorical_crossentropy", "accuracy")]
fn defaults_come_from_the_target(
    #[case] units: usize,
    #[case] target: &str,
    #[case] task: Task,
    #[case] loss: &str,
    #[case] metric: &str,
) {
    let resolved = resolved(units, json!({"target": target}), json!({}), None).unwrap();
    let settings = settings(&resolved);
    assert_eq!(resolved.task, PerOutput::One(task));
    assert_eq!(kind(&settings["loss"]), loss);
    assert_eq!(kind(&settings["metrics"][0]), metric);
    assert_eq!(kind(&settings["optimizer"]), "adam");
    assert_eq!(settings["batch_size"], 32);
    assert_eq!((&settings["epochs"], &settings["shuffle"], &settings["seed"]), (&json!(1), &json!(true), &json!(0)));
}

#[rstest]
#[case(3)]
#[case(4)]
#[case(u64::MAX)]
fn a_batch_may_be_larger_than_the_training_rows(#[case] rows: u64) {
    let with = |batch_size: Value| {
        let job = json!({"target": "species", "training": {"batch_size": batch_size, "validation_split": 0.4}});
        resolved(4, job, json!({}), None).unwrap()
    };
    let larger = with(json!(rows));
    assert_eq!(settings(&larger)["batch_size"], json!(rows));
    assert_eq!(larger.summary, with(json!("full")).summary);
    assert_eq!(larger.training.network().unwrap().plan(&larger.task, 3, 1).batch_size as u64, rows);
}

#[rstest]
#[case(4, "categorical_crossentropy", "species", Task::OneHotClasses)]
#[case(4, "binary_crossentropy", "species", Task::OneHotClasses)]
#[case(3, "sparse_categorical_crossentropy", "grade", Task::SparseClasses)]
#[case(1, "binary_crossentropy", "ok", Task::Binary)]
#[case(1, "binary_crossentropy", "share", Task::Regression)]
#[case(4, "categorical_focal_crossentropy", "species", Task::OneHotClasses)]
#[case(4, "kl_divergence", "species", Task::OneHotClasses)]
#[case(4, "categorical_hinge", "species", Task::Margins)]
#[case(1, "binary_focal_crossentropy", "sex", Task::Binary)]
#[case(1, "hinge", "sex", Task::Margin)]
#[case(4, "squared_hinge", "species", Task::Margins)]
#[case(1, "poisson", "grade", Task::Regression)]
#[case(1, "log_cosh", "price", Task::Regression)]
fn a_loss_decides_the_task(#[case] units: usize, #[case] loss: &str, #[case] target: &str, #[case] task: Task) {
    let job = json!({"target": target, "features": ["length"], "training": {"loss": loss}});
    assert_eq!(resolved(units, job, json!({}), None).unwrap().task, PerOutput::One(task));
}

#[test]
fn a_score_is_right_by_its_side_of_zero_unless_asked_otherwise() {
    let job = |metrics: Value| json!({"target": "sex", "training": {"loss": "hinge", "metrics": metrics}});
    let metric = |job: Value| settings(&resolved(1, job, json!({}), None).unwrap())["metrics"][0].clone();
    let chosen = metric(json!({"target": "sex", "training": {"loss": "hinge"}}));
    assert_eq!((kind(&chosen), &chosen["threshold"]), ("binary_accuracy", &json!(0.0)));
    assert_eq!(metric(job(json!(["accuracy"]))), json!("accuracy"));
    let logits = json!({"type": "binary_crossentropy", "from_logits": true});
    let chosen = metric(json!({"target": "sex", "training": {"loss": logits}}));
    assert_eq!((kind(&chosen), &chosen["threshold"]), ("binary_accuracy", &json!(0.0)));
}

#[test]
fn the_request_stands_over_the_model_and_the_model_over_the_target() {
    let defaults = json!({"optimizer": {"type": "sgd", "learning_rate": 0.5}, "loss": "mean_absolute_error"});
    let job = json!({"target": ["price", "length"], "features": ["width"], "training": {"optimizer": "rmsprop"}});
    let resolved = resolved(2, job, defaults, None).unwrap();
    let settings = settings(&resolved);
    assert_eq!(kind(&settings["optimizer"]), "rmsprop");
    assert_eq!(kind(&settings["loss"]), "mean_absolute_error");
    assert_eq!(resolved.task, PerOutput::One(Task::Regression));
}

#[test]
fn features_are_every_column_but_target_and_sample_weight() {
    let csv = "a,b,y,w\n1,x,2.5,1\n2,z,3.5,1\n";
    let request = json!({"model": "m", "dataset": "d", "target": "y", "sample_weight": "w"});
    let request: JobRequest = serde_json::from_value(request).unwrap();
    let definition = ModelDefinition::from_value(&json!({"layers": [{"type": "dense", "units": 1}]})).unwrap();
    let data = table(csv);
    let resolved =
        resolve(&request, &definition, &serde_json::Map::new(), view("d", &data), None, &Limits::default()).unwrap();
    assert_eq!(resolved.features, ["a", "b"]);
    assert_eq!(resolved.training.shared().sample_weight, Some("w"));
    assert_eq!(resolved.summary.parameters, Some(4), "1 number and 2 levels with a bias");
}

#[test]
fn training_reads_back_as_it_was_stored() {
    let job = json!({
        "target": "species",
        "class_weight": {"a": 2, "b": 0.5},
        "training": {
            "epochs": 3,
            "batch_size": "full",
            "optimizer": {"type": "sgd", "learning_rate": 0.1},
            "validation_split": 0.4,
            "seed": 18_446_744_073_709_551_615u64,
            "preprocessing": "min_max",
            "early_stopping": {"patience": 2, "monitor": "val_accuracy", "restore_best_weights": true}
        }
    });
    let resolved = resolved(4, job, json!({}), None).unwrap();
    let training = resolved.training;
    let stored = serde_json::to_string(&training).unwrap();
    assert_eq!(serde_json::from_str::<JobTraining>(&stored).unwrap(), training);
    let training = training.network().unwrap();
    let plan = training.plan(&resolved.task, 3, 2);
    assert_eq!((plan.epochs, plan.batch_size, plan.seed), (3, 3, u64::MAX));
    assert!(matches!(training.batch_size, BatchSize::Full(_)));
}

#[rstest]
#[case(4, json!({"target": "specie"}), "/target", &["\"specie\"", "did you mean \"species\"?"])]
#[case(4, json!({"target": []}), "/target", &["at least one"])]
#[case(1, json!({"target": ["price", "price"]}), "/target/1", &["once", "price"])]
#[case(3, json!({"target": "colour", "features": ["length"]}), "/target", &["1 of its 5", "\"colour\""])]
#[case(4, json!({"target": "species", "features": ["length", "lenght"]}), "/features/1", &["did you mean \"length\"?"])]
#[case(4, json!({"target": "species", "features": ["species"]}), "/features/0", &["target"])]
#[case(4, json!({"target": "species", "features": ["ok", "ok"]}), "/features/1", &["once"])]
#[case(4, json!({"target": "species", "features": []}), "/features", &["at least one"])]
#[case(4, json!({"target": "species", "features": ["ok", "empty"]}), "/features/1", &["all 5 cells", "\"empty\""])]
#[case(4, json!({"target": "species", "features": null}), "/features", &["all 5 cells", "\"empty\"", "name the other"])]
#[case(1, json!({"target": "empty"}), "/target", &["5 of its 5"])]
#[case(3, json!({"target": "species"}), "/model", &["4 units", "received 3"])]
#[case(5, json!({"target": "species"}), "/model", &["4 classes", "received 5"])]
#[case(1, json!({"target": "species", "training": {"loss": "binary_crossentropy"}}), "/model", &["4 classes", "received 1"])]
#[case(1, json!({"target": "sex", "training": {"loss": "sparse_categorical_crossentropy"}}), "/model", &["2 units", "received 1", "binary_crossentropy"])]
#[case(2, json!({"target": "price"}), "/model", &["1 cells", "received 2"])]
#[case(1, json!({"target": "species", "training": {"loss": "mse"}}), "/training/loss", &["mean_squared_error", "\"species\" is a category"])]
#[case(1, json!({"target": "price", "training": {"loss": "categorical_crossentropy"}}), "/training/loss", &["categorical_crossentropy", "5 different numbers"])]
#[case(1, json!({"target": "price", "training": {"loss": "binary_crossentropy"}}), "/training/loss", &["\"price\""])]
#[case(4, json!({"target": "species", "training": {"loss": "poisson"}}), "/training/loss", &["poisson", "\"species\" is a category"])]
#[case(4, json!({"target": "species", "training": {"loss": {"type": "dice", "axis": 1}}}), "/training/loss/axis", &["null (the whole batch)", "or -1", "received 1"])]
#[case(4, json!({"target": "species", "training": {"loss": {"type": "sparse_categorical_crossentropy", "ignore_class": -1}}}), "/training/loss/ignore_class", &["0 to 3", "received -1"])]
#[case(1, json!({"target": "species", "training": {"loss": "hinge"}}), "/model", &["4 classes", "received 1"])]
#[case(1, json!({"target": "price", "training": {"loss": "hinge"}}), "/training/loss", &["hinge learns class labels", "\"price\""])]
#[case(2, json!({"target": ["ok", "grade"], "features": ["length"], "training": {"loss": "hinge"}}), "/training/loss", &["0 and 1 or -1 and 1", "\"grade\" has 1 to 3"])]
#[case(2, json!({"target": ["share", "price"], "training": {"loss": "kl_divergence"}}), "/training/loss", &["0 to 1", "\"price\" has 10.5 to 14.5"])]
#[case(2, json!({"target": ["share", "sex"], "training": {"loss": "categorical_crossentropy"}}), "/target", &["one target", "received 2"])]
#[case(4, json!({"target": "species", "training": {"metrics": [{"type": "precision", "class_id": 4}]}}), "/training/metrics/0/class_id", &["0 to 3", "received 4"])]
#[case(1, json!({"target": "constant", "training": {"loss": "binary_crossentropy"}}), "/target", &["at least 2 classes", "has 1: 7"])]
#[case(2, json!({"target": "huge", "training": {"loss": "sparse_categorical_crossentropy"}}), "/target", &["64-bit"])]
#[case(2, json!({"target": ["species", "sex"], "training": {"loss": "sparse_categorical_crossentropy"}}), "/target", &["one target", "received 2"])]
#[case(2, json!({"target": ["price", "sex"]}), "/target/1", &["category"])]
#[case(4, json!({"target": "species", "training": []}), "/training", &["an object"])]
#[case(4, json!({"target": "species", "training": {"epoch": 3}}), "/training/epoch", &["did you mean `epochs`?"])]
#[case(4, json!({"target": "species", "training": {"learning_rate": 0.1}}), "/training/learning_rate", &["expected `learning_rate` in `optimizer`"])]
#[case(4, json!({"target": "species", "training": {"momentum": 0.9}}), "/training/momentum", &["\"momentum\": …"])]
#[case(4, json!({"target": "species", "training": {"epochs": 0}}), "/training/epochs", &["1 to 1000000", "received 0"])]
#[case(4, json!({"target": "species", "training": {"epochs": -1}}), "/training/epochs", &["1 to 1000000", "received -1"])]
#[case(4, json!({"target": "species", "training": {"epochs": 2147483648u64}}), "/training/epochs", &["received 2147483648"])]
#[case(4, json!({"target": "species", "training": {"epochs": 1.5}}), "/training/epochs", &["whole number", "received 1.5"])]
#[case(4, json!({"target": "species", "training": {"epochs": "5"}}), "/training/epochs", &["whole number", "received \"5\""])]
#[case(4, json!({"target": "species", "training": {"batch_size": 0}}), "/training/batch_size", &["expected 1 to 5, received 0"])]
#[case(4, json!({"target": "species", "training": {"batch_size": -4}}), "/training/batch_size", &["at least 1", "received -4"])]
#[case(4, json!({"target": "species", "training": {"batch_size": 0, "validation_split": 0.4}}), "/training/batch_size", &["expected 1 to 3, received 0"])]
#[case(4, json!({"target": "species", "training": {"batch_size": 16.5}}), "/training/batch_size", &["whole number", "received 16.5"])]
#[case(4, json!({"target": "species", "training": {"batch_size": "all"}}), "/training/batch_size", &["\"full\"", "received \"all\""])]
#[case(4, json!({"target": "species", "training": {"validation_split": 1.0}}), "/training/validation_split", &["less than 1", "received 1"])]
#[case(4, json!({"target": "species", "training": {"validation_split": -0.1}}), "/training/validation_split", &["received -0.1"])]
#[case(4, json!({"target": "species", "training": {"validation_split": 0.9}}), "/training/validation_split", &["leaves 0 and 5 of 5"])]
#[case(4, json!({"target": "species", "training": {"shuffle": 1}}), "/training/shuffle", &["true or false", "received 1"])]
#[case(4, json!({"target": "species", "training": {"seed": -1}}), "/training/seed", &["received -1"])]
#[case(4, json!({"target": "species", "training": {"optimizer": {"type": "sgd", "learning_rate": 0}}}), "/training/optimizer/learning_rate", &["0"])]
#[case(4, json!({"target": "species", "training": {"optimizer": {"type": "sgd", "learning_rate": -0.1}}}), "/training/optimizer/learning_rate", &["-0.1"])]
#[case(4, json!({"target": "species", "training": {"optimizer": {"type": "sgd", "learning_rate": 1e308}}}), "/training/optimizer/learning_rate", &["3.4028235e38", "1e+308"])]
#[case(4, json!({"target": "species", "training": {"optimizer": {"type": "sgd", "learning_rat": 1}}}), "/training/optimizer/learning_rat", &["learning_rate"])]
#[case(4, json!({"target": "species", "training": {"optimizer": "adm"}}), "/training/optimizer", &["adam"])]
#[case(4, json!({"target": "species", "training": {"metrics": ["accuracy", "acuracy"]}}), "/training/metrics/1", &["accuracy"])]
#[case(4, json!({"target": "species", "training": {"metrics": ["accuracy", "accuracy"]}}), "/training/metrics/1", &["once"])]
#[case(4, json!({"target": "species", "training": {"preprocessing": "standardise"}}), "/training/preprocessing", &["standardize"])]
#[case(4, json!({"target": "species", "training": {"early_stopping": {}}}), "/training/early_stopping/monitor", &["val_loss", "validation_split"])]
#[case(4, json!({"target": "species", "training": {"early_stopping": {"monitor": "acuracy"}}}), "/training/early_stopping/monitor", &["did you mean \"accuracy\"?"])]
#[case(4, json!({"target": "species", "training": {"early_stopping": {"monitor": "loss", "patience": -1}}}), "/training/early_stopping/patience", &["received -1"])]
#[case(4, json!({"target": "species", "training": {"metrics": ["true_positives"], "early_stopping": {"monitor": "true_positives"}}}), "/training/early_stopping/mode", &["`min` or `max`", "true_positives"])]
#[case(4, json!({"target": "species", "class_weight": {"a": 1, "A": 2}}), "/class_weight", &["a, b, c, d", "\"A\""])]
#[case(4, json!({"target": "species", "class_weight": {"a": -1}}), "/class_weight/a", &["at least 0", "-1"])]
#[case(4, json!({"target": "species", "training": {"class_weight": {"a": -1}}}), "/training/class_weight/a", &["-1"])]
#[case(4, json!({"target": "species", "class_weight": "even"}), "/class_weight", &["balanced"])]
#[case(1, json!({"target": "price", "class_weight": "balanced"}), "/class_weight", &["classes"])]
#[case(4, json!({"target": "species", "sample_weight": "weigth"}), "/sample_weight", &["did you mean \"weight\"?"])]
#[case(4, json!({"target": "species", "sample_weight": "sex"}), "/sample_weight", &["number column", "category"])]
#[case(4, json!({"target": "species", "sample_weight": "width"}), "/sample_weight", &["1 of its 5"])]
#[case(4, json!({"target": "species", "sample_weight": "length"}), "/features/0", &["sample weight"])]
fn refusals(#[case] units: usize, #[case] job: Value, #[case] pointer: &str, #[case] parts: &[&str]) {
    let errors = resolved(units, job, json!({}), None).unwrap_err();
    let error = errors.iter().find(|error| error.pointer == pointer).unwrap_or_else(|| panic!("{errors:?}"));
    assert!(parts.iter().all(|part| error.detail.contains(part)), "{error}");
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn weights_are_given_beside_the_training_settings_or_among_them() {
    let weighted =
        |job: Value| resolved(4, job, json!({}), None).map(|resolved| resolved.training.shared().class_weight.cloned());
    let beside = weighted(json!({"target": "species", "class_weight": "balanced"})).unwrap();
    let among = weighted(json!({"target": "species", "training": {"class_weight": "balanced"}})).unwrap();
    assert_eq!(beside, among);
    assert!(beside.is_some());
    let both = json!({"target": "species", "class_weight": "balanced", "training": {"class_weight": "balanced"}});
    let errors = weighted(both).unwrap_err();
    assert_eq!((errors.len(), errors[0].pointer.as_str()), (1, "/class_weight"));
    assert!(errors[0].detail.contains("received both"), "{}", errors[0]);
}

#[test]
fn errors_come_all_at_once() {
    let job = json!({
        "target": "specie",
        "features": ["lenght"],
        "training": {"epochs": 0, "batch_size": 0, "optimizer": "adm", "loss": "mse", "momentum": 1}
    });
    let errors = resolved(4, job, json!({}), None).unwrap_err();
    let mut pointers: Vec<_> = errors.iter().map(|error| error.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/features/0",
            "/target",
            "/training/batch_size",
            "/training/epochs",
            "/training/momentum",
            "/training/optimizer"
        ]
    );
}

#[rstest]
#[case("length,colour,ok,species\n1,red,true,a\n", None)]
#[case("length,colour,ok,species\n,,,b\n", None)]
#[case("length,ok,species\n1,true,a\n", Some("\"colour\""))]
#[case(
    "length,colour,ok,species\nx,red,true,a\n",
    Some("\"length\" to be a number as in training, received a category")
)]
#[case("length,colour,ok,species\n1,red,true,e\n", Some("received \"e\""))]
#[case("length,colour,ok,species\n1,red,true,\n2,red,true,a\n", Some("1 of its 2"))]
fn a_validation_dataset_must_fit(#[case] csv: &str, #[case] refusal: Option<&str>) {
    let job = json!({"target": "species", "validation_dataset": "v", "training": {"early_stopping": {}}});
    match (resolved(4, job, json!({}), Some(csv)), refusal) {
        (Ok(resolved), None) => assert_eq!(resolved.training.shared().validation_split, 0.0),
        (Err(errors), Some(part)) => {
            assert_eq!(errors[0].pointer, "/validation_dataset");
            assert!(errors[0].detail.contains(part), "{}", errors[0]);
        }
        (outcome, _) => panic!("{outcome:?}"),
    }
}

#[test]
fn a_split_beside_a_validation_dataset_is_refused() {
    let job = json!({"target": "species", "validation_dataset": "v", "training": {"validation_split": 0.2}});
    let errors = resolved(4, job, json!({}), Some("length,colour,ok,species\n1,red,true,a\n")).unwrap_err();
    assert_eq!(errors[0].pointer, "/training/validation_split");
}

#[test]
fn labels_fewer_than_units_are_their_indices_or_are_refused_by_name() {
    let refused = |units: usize, job: Value| {
        let errors = resolved(units, job, json!({}), None).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        (errors[0].pointer.clone(), errors[0].detail.clone())
    };
    let (pointer, detail) = refused(7, json!({"target": "species"}));
    assert_eq!(pointer, "/model");
    assert_eq!(
        detail,
        "expected an output of 4 units, one for each of the 4 classes of \"species\" (a, b, c, d), received 7"
    );
    let (_, detail) = refused(2, json!({"target": "grade", "training": {"loss": "sparse_categorical_crossentropy"}}));
    assert!(detail.contains("of \"grade\" (1, 2, 3), received 2"), "{detail}");
    let loss = json!({"loss": "sparse_categorical_crossentropy"});
    let (pointer, detail) = refused(4, json!({"target": ["grade", "price"], "training": loss}));
    assert_eq!(pointer, "/target");
    assert!(detail.contains("the shape [2, classes]") && detail.contains("categorical_crossentropy"), "{detail}");
    let weights = json!({"target": "grade", "class_weight": {"0": 2.0, "9": 1.0}});
    assert!(resolved(10, weights, json!({}), None).is_ok());
    let (pointer, detail) = refused(10, json!({"target": "grade", "class_weight": {"10": 2.0}}));
    assert_eq!(pointer, "/class_weight");
    assert!(detail.contains("0, 1, 2, 3, 4, 5, 6, 7, 8, 9"), "{detail}");
}

#[test]
fn a_job_says_which_classes_no_row_has() {
    let warnings = |units: usize| resolved(units, json!({"target": "grade"}), json!({}), None).unwrap().warnings;
    let warned = |units: usize| warnings(units).into_iter().find(|warning| warning.code == "classes_without_rows");
    assert_eq!(warned(3), None);
    let four = warned(4).unwrap();
    assert_eq!(four.columns, ["grade"]);
    assert!(four.detail.contains("the 4 units, 0 to 3") && four.detail.contains("no row has 0:"), "{four:?}");
    let many = warned(20).unwrap();
    assert!(many.detail.contains("no row has 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 7 more:"), "{many:?}");
}
