//! Jobs that are handed back continue where they were, with the bits of a job that was not.

use crate::support::worker_setup::{WorkerSetup, line, statuses};
use epoca::{
    job::{Job, JobEvent, JobStatus},
    store::follow::Followed,
};
use serde_json::{Value, json};
use std::{fs, path::PathBuf, time::Duration};
use tokio::time::timeout;
use uuid::Uuid;

/// Random numbers, state of the optimizer, and weights that are restored at the end.
fn request(epochs: u32) -> Value {
    json!({"model": "m", "dataset": "d", "target": "y", "training": {
        "epochs": epochs, "batch_size": 4, "optimizer": {"type": "adam", "learning_rate": 0.001}, "seed": 7,
        "validation_split": 0.2,
        "early_stopping": {"monitor": "val_loss", "patience": 1_000_000, "restore_best_weights": true},
        "reduce_lr_on_plateau": {"monitor": "val_loss", "patience": 3},
    }})
}

async fn setup() -> WorkerSetup {
    let setup = WorkerSetup::open().await;
    setup.dataset("d", line(200)).await;
    let layers = json!([{"type": "dense", "units": 8, "activation": "relu"}, {"type": "batch_normalization"},
        {"type": "dropout", "rate": 0.2}, {"type": "dense", "units": 1}]);
    setup.model("m", json!({"layers": layers})).await;
    setup
}

fn checkpoints(setup: &WorkerSetup) -> Vec<PathBuf> {
    let files = fs::read_dir(setup.folder.path().join("artifacts/checkpoints")).unwrap();
    files.map(|file| file.unwrap().path()).collect()
}

/// Runs the job until an epoch after `seen` has ended, and stops the service.
async fn handed_back(setup: &WorkerSetup, id: Uuid, seen: u32) -> Job {
    let (workers, stop) = setup.work(1);
    further(setup, id, seen + 1).await;
    stop.cancel();
    timeout(Duration::from_secs(8), workers.ended()).await.expect("in good time");
    setup.opened.store.job(id).await.unwrap()
}

async fn further(setup: &WorkerSetup, id: Uuid, seen: u32) {
    let later = |item: &Followed| matches!(item, Followed::Event(event) if event.data.get("epoch").and_then(Value::as_u64) > Some(seen.into()));
    setup.wait_for(id, later).await;
}

fn texts(events: &[JobEvent]) -> String {
    events.iter().filter_map(|event| event.data.get("text")?.as_str()).collect::<Vec<_>>().join("\n")
}

/// The losses of the epochs, whose numbers must be 1, 2, 3 …
fn losses(events: &[JobEvent]) -> Vec<(Value, Value)> {
    let epochs: Vec<&JobEvent> = events.iter().filter(|event| event.data.contains_key("loss")).collect();
    let numbers: Vec<u64> = epochs.iter().map(|event| event.data["epoch"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=epochs.len() as u64).collect::<Vec<_>>(), "each epoch once");
    epochs.iter().map(|event| (event.data["loss"].clone(), event.data["val_loss"].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_handed_back_again_and_again_ends_as_one_that_was_not() {
    let setup = setup().await;
    let store = &setup.opened.store;
    let id = setup.submit(request(1_000_000), |_| {}).await;
    let mut seen = 0;
    for round in 0..4 {
        let job = handed_back(&setup, id, seen).await;
        assert_eq!((job.status, job.attempt), (JobStatus::Queued, 0), "round {round}");
        assert!(job.progress.epoch > seen && job.best.is_some() && !job.metrics.is_empty());
        seen = job.progress.epoch;
        assert!(!checkpoints(&setup).is_empty());
    }
    let (_workers, _stop) = setup.work(1);
    further(&setup, id, seen + 1).await;
    store.finish_early(id, None).await.unwrap();
    let (job, events) = setup.finished(id).await;
    assert_eq!((job.status, job.attempt), (JobStatus::Succeeded, 1), "{:?}", job.error);
    let between = ["queued", "running"].repeat(5);
    assert_eq!(statuses(&events), [&between[..], &["succeeded"]].concat());
    assert!(texts(&events).contains(&format!("continues after epoch {seen}")), "{}", texts(&events));
    let (whole, of_whole) = setup.finished(setup.submit(request(job.progress.epoch), |_| {}).await).await;
    let version = async |job: &Job| store.version("m", job.version).await.unwrap().0.sha256;
    assert_eq!(version(&job).await, version(&whole).await, "the same bits");
    assert_eq!((&job.metrics, job.best_epoch, &job.best), (&whole.metrics, whole.best_epoch, &whole.best));
    assert_eq!(losses(&events), losses(&of_whole));
    // The only slot is free once the files of the job before are removed.
    assert_eq!(checkpoints(&setup), [] as [PathBuf; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_checkpoint_is_not_continued() {
    let setup = setup().await;
    let id = setup.submit(request(1_000_000), |_| {}).await;
    let job = handed_back(&setup, id, 0).await;
    for file in checkpoints(&setup) {
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&file, bytes).unwrap();
    }
    let (_workers, _stop) = setup.work(1);
    let told = |item: &Followed| matches!(item, Followed::Event(event) if event.data.get("text").is_some_and(|text| text.to_string().contains("begins anew")));
    setup.wait_for(id, told).await;
    assert_eq!(checkpoints(&setup), [] as [PathBuf; 0], "it is removed");
    setup.opened.store.finish_early(id, None).await.unwrap();
    let (ended, events) = setup.finished(id).await;
    assert_eq!(ended.status, JobStatus::Succeeded, "{:?}", ended.error);
    assert!(texts(&events).contains("of no use: the job begins anew"), "{}", texts(&events));
    let first = events.iter().filter(|event| event.data.get("epoch") == Some(&json!(1))).count();
    assert_eq!(first, 2, "after {} epochs it began anew", job.progress.epoch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_of_another_form_is_not_continued() {
    let setup = setup().await;
    let store = &setup.opened.store;
    let id = setup.submit(request(1_000_000), |_| {}).await;
    handed_back(&setup, id, 0).await;
    for (job, epoch) in store.checkpoints().await.unwrap() {
        setup.opened.artifacts.write_checkpoint(job, epoch, |out| out.write_all(&[1; 40])).unwrap();
    }
    let (_workers, _stop) = setup.work(1);
    let told = |item: &Followed| matches!(item, Followed::Event(event) if event.data.get("text").is_some_and(|text| text.to_string().contains("its checkpoint is of no use")));
    setup.wait_for(id, told).await;
    assert_eq!(checkpoints(&setup), [] as [PathBuf; 0], "it is removed");
    // Refused while the job is queued again.
    while store.finish_early(id, None).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (ended, events) = setup.finished(id).await;
    assert_eq!((ended.status, ended.attempt), (JobStatus::Succeeded, 1), "{:?}", ended.error);
    assert!(texts(&events).contains("of no use: the job begins anew"), "{}", texts(&events));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_cancelled_leaves_no_checkpoint() {
    let setup = setup().await;
    let id = setup.submit(request(1_000_000), |_| {}).await;
    let seen = handed_back(&setup, id, 0).await.progress.epoch;
    let (workers, stop) = setup.work(1);
    further(&setup, id, seen).await;
    setup.opened.store.cancel(id).await.unwrap();
    setup.finished(id).await;
    stop.cancel();
    workers.ended().await;
    assert_eq!(checkpoints(&setup), [] as [PathBuf; 0]);
}
