//! Store, artifacts and workers without HTTP.

use bytes::Bytes;
use epoca::{
    data::read::{Format, ReadOptions, TableLimits, inspect},
    engine::spec::{Definition, Limits},
    job::{
        self, Dataset, EventKind, Job, JobEvent, JobProgress, JobStatus, Model, Timing,
        resolve::{JobRequest, TableView, resolve},
    },
    memory::Memory,
    store::{
        artifacts::ArtifactKey,
        follow::{Followed, follow},
        open::{Opened, open},
    },
    worker::{Context, Workers},
};
use futures::StreamExt;
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const LIMITS: Limits = Limits { layers: 100, parameters: 1 << 24, memory_bytes: 1 << 32 };
const TABLES: TableLimits = TableLimits { rows: 1 << 24, columns: 1000, cell_bytes: 1 << 16 };

pub struct WorkerSetup {
    pub folder: TempDir,
    pub opened: Opened,
}

impl WorkerSetup {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let opened = open(&folder.path().join("records.sqlite3"), &folder.path().join("artifacts")).await.unwrap();
        Self { folder, opened }
    }

    /// Slots that run until the token is cancelled.
    pub fn work(&self, slots: usize) -> (Workers, CancellationToken) {
        let stop = CancellationToken::new();
        let Opened { store, artifacts, .. } = self.opened.clone();
        (
            Workers::start(
                &Context { store, artifacts, limits: LIMITS, threads: 1, memory: Memory::new(4 << 30) },
                slots,
                &stop,
            ),
            stop,
        )
    }

    pub async fn dataset(&self, name: &str, csv: String) -> Dataset {
        let id = Uuid::now_v7();
        let body = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from(csv))]);
        let (stored, inspection) = self
            .opened
            .artifacts
            .receive(&ArtifactKey::dataset(id), body, 1 << 30, |source| {
                inspect(source, Format::named("csv").unwrap(), &ReadOptions::default(), &TABLES)
            })
            .await
            .unwrap();
        let dataset = Dataset {
            id,
            name: name.to_owned(),
            format: Format::named("csv").unwrap(),
            rows: inspection.rows,
            bytes: stored.bytes,
            sha256: stored.sha256,
            created_at: job::now(),
            read: inspection.dialect,
            columns: inspection.columns,
            warnings: inspection.warnings,
        };
        self.opened.store.create_dataset(&dataset, None).await.unwrap();
        dataset
    }

    pub async fn model(&self, name: &str, definition: Value) -> Model {
        let model = Model {
            id: Uuid::now_v7(),
            name: name.to_owned(),
            definition: Definition::from_value(&definition).unwrap().to_value(),
            training_defaults: Map::new(),
            latest_version: None,
            created_at: job::now(),
            summary: None,
            warnings: Vec::new(),
        };
        self.opened.store.create_model(&model, None).await.unwrap();
        model
    }

    /// Submits what `request` asks for, with `change` made to the job that it resolves to.
    pub async fn submit(&self, request: Value, change: impl FnOnce(&mut Job)) -> Uuid {
        let request: JobRequest = serde_json::from_value(request).unwrap();
        let store = &self.opened.store;
        let model = store.model(&request.model).await.unwrap();
        let dataset = store.dataset(&request.dataset).await.unwrap();
        let validation = match &request.validation_dataset {
            Some(name) => Some(store.dataset(name).await.unwrap()),
            None => None,
        };
        let definition = model.parse_definition().unwrap();
        let resolved =
            resolve(&request, &definition, &Map::new(), view(&dataset), validation.as_ref().map(view), &LIMITS)
                .unwrap();
        let mut job = Job {
            id: Uuid::now_v7(),
            model: model.name,
            model_id: model.id,
            dataset: dataset.name,
            dataset_id: dataset.id,
            target: request.target,
            features: resolved.features,
            inputs: resolved.inputs,
            validation_dataset: validation.as_ref().map(|dataset| dataset.name.clone()),
            validation_dataset_id: validation.map(|dataset| dataset.id),
            task: resolved.task,
            status: JobStatus::Queued,
            queue_position: None,
            progress: JobProgress { epochs: resolved.training.epochs(), ..JobProgress::default() },
            training: resolved.training,
            split: Some(resolved.split),
            preprocessing: resolved.preprocessing,
            warnings: resolved.warnings,
            summary: Some(resolved.summary),
            metrics: Map::new(),
            best: None,
            labels: request.labels,
            note: None,
            priority: 0,
            confusion_matrix: None,
            baselines: false,
            leaderboard: None,
            best_epoch: None,
            version: None,
            attempt: 0,
            error: None,
            created_at: job::now(),
            started_at: None,
            ended_at: None,
            timing: Timing::default(),
        };
        change(&mut job);
        store.submit(&job, None).await.unwrap();
        job.id
    }

    /// A job at its end, with all its events.
    pub async fn finished(&self, id: Uuid) -> (Job, Vec<JobEvent>) {
        let following = follow(Arc::clone(&self.opened.store), id, 0).collect::<Vec<_>>();
        let items = tokio::time::timeout(Duration::from_secs(60), following).await.expect("the job ends");
        let events: Vec<JobEvent> = items
            .into_iter()
            .filter_map(|item| match item.unwrap() {
                Followed::Event(event) => Some(event),
                Followed::Progress(_) => None,
            })
            .collect();
        let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
        assert_eq!(ids, (1..=events.len() as u64).collect::<Vec<_>>(), "gapless");
        (self.opened.store.job(id).await.unwrap(), events)
    }

    /// Waits for the first event that is like this.
    pub async fn wait_for(&self, id: Uuid, mut like: impl FnMut(&Followed) -> bool) -> Followed {
        let mut following = std::pin::pin!(follow(Arc::clone(&self.opened.store), id, 0));
        let waiting = async {
            loop {
                let item = following.next().await.expect("the job goes on").unwrap();
                if like(&item) {
                    return item;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it comes")
    }
}

fn view(dataset: &Dataset) -> TableView<'_> {
    TableView { name: &dataset.name, rows: dataset.rows, columns: &dataset.columns }
}

/// y = 2 a - b + 1, on `rows` rows of a fixed pattern.
pub fn line(rows: usize) -> String {
    let mut csv = "a,b,y\n".to_owned();
    for row in 0..rows {
        let (a, b) = ((row * 37 % 101) as f64 / 50.0 - 1.0, (row * 61 % 97) as f64 / 48.0 - 1.0);
        csv.push_str(&format!("{a},{b},{}\n", 2.0 * a - b + 1.0));
    }
    csv
}

/// One dense layer.
pub fn linear() -> Value {
    json!({"layers": [{"type": "dense", "units": 1}]})
}

pub fn is_epoch(item: &Followed) -> bool {
    matches!(item, Followed::Event(event) if event.kind == EventKind::Epoch)
}

pub fn statuses(events: &[JobEvent]) -> Vec<&str> {
    let statuses = events.iter().filter(|event| event.kind == EventKind::Status);
    statuses.map(|event| event.data["status"].as_str().unwrap()).collect()
}
