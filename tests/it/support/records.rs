//! Records to put into a store, and a way to run the same tests against each store.

use epoca::{
    data::{
        named::PerOutput,
        read::{DatasetWarning, Dialect, Format},
        recipe::{
            ConfusionMatrix, CountedRows, Missing, MissingStrategy, Preparation, Scale, Signature, Task, TaskKind,
        },
        schema::{Column, ColumnType, Extreme},
    },
    engine::spec::Summary,
    job::{
        self, Columns, ComparedRows, Dataset, Finding, Job, JobProgress, JobStatus, Leaderboard, LeaderboardEntry,
        LeaderboardMetric, Model, ModelVersion, ProgressUnit, SkippedBaseline, Timing,
        preprocessing::{ColumnPreparation, JobPreprocessing, JobWarning},
        training::{JobTraining, Training},
    },
    store::{Claim, Outcome, Page, Report, Store, artifacts::ArtifactKey},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Makes a module for each store, in which each of the named functions is a test that gets a new, empty store.
macro_rules! for_each_store {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store = epoca::store::sqlite::SqliteStore::open(&folder.path().join("records.sqlite3")).await.unwrap();
                super::$name(std::sync::Arc::new(store)).await;
            })*
        }
    };
}
pub(crate) use for_each_store;

pub fn dataset(name: &str) -> Dataset {
    let column = Column {
        reason: Some("the option `types`".to_owned()),
        distinct: 3,
        min: Some(Extreme::Number(-0.1)),
        max: Some(Extreme::Integer(i64::MAX)),
        mean: Some(0.1 + 0.2),
        std: Some(f64::MIN_POSITIVE),
        ..Column::empty("height".to_owned(), ColumnType::Number, 1)
    };
    Dataset {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        format: Format::named("ndjson").unwrap(),
        rows: 4,
        bytes: 1 << 40,
        sha256: "5e".repeat(32),
        created_at: job::now(),
        read: Dialect { separator: Some(';'), skip_rows: Some(2), ..Dialect::json() },
        columns: vec![column],
        warnings: vec![DatasetWarning {
            code: "not_a_number".to_owned(),
            column: Some("height".to_owned()),
            lines: vec![7],
            examples: vec!["ERR".to_owned()],
            count: 1,
            detail: "line 7 has \"ERR\"".to_owned(),
        }],
    }
}

pub fn model(name: &str) -> Model {
    Model {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        definition: json!({"layers": [{"type": "dense", "units": 1, "name": "quote's \"and\" \u{1F600}"}]}),
        training_defaults: object(json!({"loss": "mse"})),
        latest_version: None,
        created_at: job::now(),
        summary: Some(summary()),
        warnings: Vec::new(),
    }
}

fn training() -> Training {
    let training = json!({
        "epochs": 5, "batch_size": 32, "optimizer": "adam", "loss": "mean_squared_error", "metrics": [],
        "validation_split": 0.25, "split_shuffle": true, "shuffle": true, "seed": u64::MAX, "preprocessing": "standardize",
        "early_stopping": null,
    });
    serde_json::from_value(training).unwrap()
}

pub fn job(model: &Model, dataset: &Dataset) -> Job {
    Job {
        id: Uuid::now_v7(),
        model: model.name.clone(),
        model_id: model.id,
        dataset: dataset.name.clone(),
        dataset_id: dataset.id,
        target: PerOutput::One(Columns::One("height".to_owned())),
        features: vec!["width".to_owned()],
        inputs: None,
        validation_dataset: None,
        validation_dataset_id: None,
        task: PerOutput::One(Task::Regression),
        training: JobTraining::Network(Box::new(training())),
        split: None,
        preprocessing: JobPreprocessing {
            applied: vec![ColumnPreparation {
                input: Some("leaf".to_owned()),
                columns: vec!["width".to_owned()],
                preparation: Preparation::Number {
                    scale: Scale::none(),
                    missing: Missing::of(MissingStrategy::Median),
                },
                reason: "the layer `r` takes unscaled numbers".to_owned(),
            }],
            ..JobPreprocessing::default()
        },
        warnings: vec![JobWarning {
            code: "unscaled_columns".to_owned(),
            columns: vec!["width".to_owned()],
            detail: "quote's \"and\" \u{1F600}".to_owned(),
        }],
        summary: None,
        status: JobStatus::Queued,
        queue_position: None,
        progress: JobProgress { epochs: 5, ..JobProgress::default() },
        metrics: Map::new(),
        best: None,
        labels: [("team".to_owned(), "a".to_owned())].into(),
        note: Some("quote's \"and\" \u{1F600}".to_owned()),
        priority: -3,
        confusion_matrix: None,
        baselines: true,
        leaderboard: None,
        best_epoch: None,
        version: None,
        attempt: 0,
        error: None,
        created_at: job::now(),
        started_at: None,
        ended_at: None,
        timing: Timing::default(),
    }
}

/// A comparison that every store has to keep.
fn leaderboard() -> Leaderboard {
    let entry = |model: &str, is_job: bool, value: f64| LeaderboardEntry {
        model: model.to_owned(),
        is_job,
        value,
        low: value - 0.1,
        high: value + 0.1,
        fit_seconds: 0.5,
        predict_seconds: 0.25,
        bytes: 77,
    };
    Leaderboard {
        metric: LeaderboardMetric::Accuracy,
        higher_is_better: true,
        part: ComparedRows::Test,
        rows: 30,
        entries: vec![entry("ridge", false, 0.75), entry("network", true, 0.5)],
        skipped: vec![SkippedBaseline { model: "svm".to_owned(), reason: "quote's \"and\" \u{1F600}".to_owned() }],
        finding: Finding::BaselineIsBetter,
        sentence: "ridge is better".to_owned(),
    }
}

/// A model, a dataset and a queued job of both.
pub async fn submitted(store: &dyn Store, name: &str) -> (Model, Dataset, Job) {
    let (model, dataset) = (model(name), dataset(name));
    let job = job(&model, &dataset);
    store.create_model(&model, None).await.unwrap();
    store.create_dataset(&dataset, None).await.unwrap();
    store.submit(&job, None).await.unwrap();
    (model, dataset, job)
}

/// Another job of the same model and dataset.
pub async fn another(store: &dyn Store, model: &Model, dataset: &Dataset) -> Job {
    let job = job(model, dataset);
    store.submit(&job, None).await.unwrap();
    job
}

pub async fn claimed(store: &dyn Store) -> Claim {
    store.claim().await.unwrap().expect("a job waits")
}

/// A report of epochs `from` to `to`.
pub fn epochs(from: u32, to: u32) -> Report {
    let events = (from..=to).map(|epoch| epoca::store::NewEvent {
        kind: job::EventKind::Epoch,
        at: job::now(),
        data: object(json!({"epoch": epoch, "loss": 1.0 / f64::from(epoch)})),
    });
    Report {
        events: events.collect(),
        progress: JobProgress {
            epoch: to,
            epochs: 5,
            unit: ProgressUnit::Epochs,
            fraction: f64::from(to) / 5.0,
            eta_seconds: Some(0.25),
        },
        metrics: object(json!({"loss": 1.0 / f64::from(to.max(1))})),
        best: Some((to.max(1), object(json!({"loss": 1.0 / f64::from(to.max(1))})))),
        timing: Timing { queued_seconds: None, preparing_seconds: Some(0.5), training_seconds: Some(f64::from(to)) },
        checkpoint: None,
    }
}

pub fn success(claim: &Claim) -> Outcome {
    let version = ModelVersion {
        model: claim.job.model.clone(),
        version: 0,
        job: claim.job.id,
        dataset: claim.job.dataset.clone(),
        metrics: object(json!({"loss": 0.1})),
        confusion_matrix: Some(ConfusionMatrix {
            labels: vec![json!(false), json!(true)],
            counts: vec![vec![3, 1], vec![0, 4]],
            rows: CountedRows::Validation,
        }),
        leaderboard: Some(leaderboard()),
        signature: Signature {
            inputs: Vec::new(),
            outputs: Vec::new(),
            task: PerOutput::One(Some(TaskKind::Regression)),
        },
        summary: Some(summary()),
        fitted: None,
        bytes: 1234,
        sha256: "ab".repeat(32),
        created_at: job::now(),
    };
    let artifact = ArtifactKey::weights(claim.job.id, claim.fence);
    Outcome::Succeeded { version: Box::new(version), artifact, best_epoch: Some(4) }
}

pub fn summary() -> Summary {
    Summary { layers: Vec::new(), parameters: 17, trainable_parameters: 16 }
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

/// The first page of at most `limit`.
pub fn page(limit: u32) -> Page {
    Page { limit, after: None }
}
