//! What workers do with jobs that are paused, resumed, and finished early.

use crate::support::worker_setup::{WorkerSetup, is_epoch, line, linear, statuses};
use epoca::{
    job::{Job, JobStatus},
    store::follow::Followed,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

fn request(epochs: u32) -> Value {
    json!({"model": "m", "dataset": "d", "target": "y",
           "training": {"epochs": epochs, "batch_size": 1, "optimizer": {"type": "adam", "learning_rate": 0.001}, "seed": 7}})
}

/// Runs until it is stopped.
fn endless() -> Value {
    request(1_000_000)
}

async fn setup() -> WorkerSetup {
    let setup = WorkerSetup::open().await;
    setup.dataset("d", line(200)).await;
    setup.model("m", linear()).await;
    setup
}

fn is_status(name: &str) -> impl FnMut(&Followed) -> bool {
    move |item| matches!(item, Followed::Event(event) if event.data.get("status") == Some(&json!(name)))
}

async fn paused(setup: &WorkerSetup, id: Uuid) -> Job {
    let asked = Instant::now();
    setup.opened.store.pause(id, None).await.unwrap();
    setup.wait_for(id, is_status("paused")).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    setup.opened.store.job(id).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_leaves_its_slot_and_goes_on_where_it_was() {
    let setup = setup().await;
    let (workers, stop) = setup.work(1);
    let store = &setup.opened.store;
    let id = setup.submit(endless(), |_| {}).await;
    setup.wait_for(id, is_epoch).await;
    let at = paused(&setup, id).await;
    assert!(at.progress.epoch >= 1, "{:?}", at.progress);
    assert_eq!(store.queue_depth().await.unwrap(), (0, 0));

    // Another job runs on the only slot, and the paused one stands still.
    let other = setup.submit(request(2), |_| {}).await;
    let (other, _) = setup.finished(other).await;
    assert_eq!(other.status, JobStatus::Succeeded, "{:?}", other.error);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(store.job(id).await.unwrap(), at);
    store.resume(id).await.unwrap();
    let further = |item: &Followed| matches!(item, Followed::Event(event) if event.data.get("epoch").and_then(Value::as_u64) > Some(at.progress.epoch.into()));
    setup.wait_for(id, further).await;
    store.finish_early(id, None).await.unwrap();
    let (job, events) = setup.finished(id).await;
    assert_eq!((job.status, job.attempt), (JobStatus::Succeeded, 1), "{:?}", job.error);
    assert_eq!(statuses(&events), ["queued", "running", "paused", "queued", "running", "succeeded"]);
    let epochs = events.iter().filter_map(|event| event.data.get("epoch")?.as_u64());
    assert!(epochs.eq(1..=job.progress.epoch.into()), "each epoch once");
    assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at), "in the order of time");

    let (whole, _) = setup.finished(setup.submit(request(job.best_epoch.unwrap()), |_| {}).await).await;
    let version = async |job: &Job| store.version("m", job.version).await.unwrap().0;
    assert_eq!(version(&job).await.sha256, version(&whole).await.sha256, "the same bits as without a pause");
    assert_eq!(job.metrics, whole.metrics);
    let whole = job.ended_at.unwrap().duration_since(job.started_at.unwrap()).as_secs_f64();
    let trained = job.timing.training_seconds.unwrap();
    assert!(trained < whole - 0.3, "{trained} of {whole} s without the pause");
    stop.cancel();
    timeout(Duration::from_secs(5), workers.ended()).await.expect("in good time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_resumed_waits_for_a_slot() {
    let setup = setup().await;
    let (_workers, _stop) = setup.work(1);
    let store = &setup.opened.store;
    let first = setup.submit(endless(), |_| {}).await;
    setup.wait_for(first, is_epoch).await;
    paused(&setup, first).await;
    let second = setup.submit(endless(), |_| {}).await;
    setup.wait_for(second, is_epoch).await;
    let third = setup.submit(request(1), |_| {}).await;
    assert_eq!(store.resume(first).await.unwrap().status, JobStatus::Queued);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(store.job(first).await.unwrap().status, JobStatus::Queued);
    store.cancel(second).await.unwrap();
    let mut runs = 0;
    let goes_on = |item: &Followed| {
        runs += usize::from(is_status("running")(item));
        runs == 2
    };
    setup.wait_for(first, goes_on).await;
    assert_eq!(store.job(third).await.unwrap().status, JobStatus::Queued, "what has begun goes first");
    store.cancel(first).await.unwrap();
    assert_eq!(setup.finished(third).await.0.status, JobStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_paused_again_and_again() {
    let setup = setup().await;
    let (_workers, _stop) = setup.work(1);
    let store = &setup.opened.store;
    let id = setup.submit(endless(), |_| {}).await;
    for round in 0..30 {
        store.pause(id, None).await.unwrap();
        tokio::time::sleep(Duration::from_millis(round % 10)).await;
        store.resume(id).await.unwrap();
        tokio::time::sleep(Duration::from_millis(round % 7)).await;
    }
    store.finish_early(id, None).await.unwrap();
    let (job, events) = setup.finished(id).await;
    assert_eq!((job.status, job.attempt), (JobStatus::Succeeded, 1), "{:?}", job.error);
    let epochs = events.iter().filter_map(|event| event.data.get("epoch")?.as_u64());
    assert!(epochs.eq(1..=job.progress.epoch.into()));
    let (whole, _) = setup.finished(setup.submit(request(job.best_epoch.unwrap()), |_| {}).await).await;
    let version = async |job: &Job| store.version("m", job.version).await.unwrap().0.sha256;
    assert_eq!(version(&job).await, version(&whole).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_is_cancelled_and_its_memory_is_free() {
    let setup = setup().await;
    let (_workers, _stop) = setup.work(1);
    let id = setup.submit(endless(), |_| {}).await;
    setup.wait_for(id, is_epoch).await;
    paused(&setup, id).await;
    assert_eq!(setup.opened.store.cancel(id).await.unwrap().status, JobStatus::Cancelled);
    let (_, events) = setup.finished(id).await;
    assert_eq!(statuses(&events), ["queued", "running", "paused", "cancelled"]);
    // It needs nearly all memory: what the other had must be free.
    let all = |job: &mut Job| {
        if let Some(summary) = &mut job.summary {
            summary.memory.peak_bytes = (4 << 30) - 4096;
        }
    };
    let (job, _) = setup.finished(setup.submit(request(1), all).await).await;
    assert_eq!(job.status, JobStatus::Succeeded, "{:?}", job.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_the_memory_of_a_paused_one_does_not_keep_it_from_going_on() {
    let setup = setup().await;
    let (_workers, _stop) = setup.work(1);
    let half = |job: &mut Job| {
        if let Some(summary) = &mut job.summary {
            summary.memory.peak_bytes = 3 << 30;
        }
    };
    let first = setup.submit(endless(), half).await;
    setup.wait_for(first, is_epoch).await;
    paused(&setup, first).await;
    let second = setup.submit(request(1), half).await;
    let waits = |item: &Followed| matches!(item, Followed::Event(event) if event.data.get("text").is_some_and(|text| text.to_string().contains("memory")));
    setup.wait_for(second, waits).await;
    setup.opened.store.resume(first).await.unwrap();
    setup.opened.store.finish_early(first, None).await.unwrap();
    for id in [first, second] {
        let (job, _) = setup.finished(id).await;
        assert_eq!(job.status, JobStatus::Succeeded, "{:?}", job.error);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_finished_with_the_epoch_that_runs() {
    let setup = setup().await;
    let (_workers, _stop) = setup.work(1);
    let store = &setup.opened.store;
    let id = setup.submit(endless(), |_| {}).await;
    setup.wait_for(id, is_epoch).await;
    assert_eq!(store.finish_early(id, None).await.unwrap().status, JobStatus::Running);
    let (job, events) = setup.finished(id).await;
    assert_eq!((job.status, job.version, job.progress.fraction), (JobStatus::Succeeded, Some(1), 1.0));
    let (epochs, best) = (job.progress.epoch, job.best_epoch.unwrap());
    assert_eq!(Some(&job.metrics), job.best.as_ref());
    let text = events.iter().rev().find_map(|event| event.data.get("text")?.as_str()).unwrap();
    let expected = format!(
        "finished on request after epoch {epochs} of 1000000: the weights are those of epoch {best}, the best one"
    );
    assert!(text.starts_with(&expected), "{text}");
    let of_so_many = setup.finished(setup.submit(request(best), |_| {}).await).await.0;
    let version = async |job: &Job| store.version("m", job.version).await.unwrap().0.sha256;
    assert_eq!(version(&job).await, version(&of_so_many).await, "as a job of so many epochs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_is_finished_with_its_best_weights() {
    let setup = setup().await;
    let (_workers, _stop) = setup.work(1);
    let store = &setup.opened.store;
    let mut request = endless();
    // By `max` the first epoch is the best.
    request["training"]["early_stopping"] =
        json!({"monitor": "loss", "mode": "max", "patience": 1_000_000, "restore_best_weights": true});
    let id = setup.submit(request, |_| {}).await;
    let third = |item: &Followed| matches!(item, Followed::Event(event) if event.data.get("epoch").and_then(Value::as_u64) >= Some(3));
    setup.wait_for(id, third).await;
    paused(&setup, id).await;
    store.finish_early(id, None).await.unwrap();
    let (job, events) = setup.finished(id).await;
    assert_eq!((job.status, job.best_epoch), (JobStatus::Succeeded, Some(1)), "{:?}", job.error);
    assert!(job.progress.epoch >= 3);
    assert_eq!(Some(&job.metrics), job.best.as_ref());
    let text = events.iter().rev().find_map(|event| event.data.get("text")?.as_str()).unwrap();
    assert!(text.contains("the weights are those of epoch 1, the best one"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_service_a_paused_job_stays_paused() {
    let setup = setup().await;
    let (workers, stop) = setup.work(1);
    let store = &setup.opened.store;
    let id = setup.submit(endless(), |_| {}).await;
    setup.wait_for(id, is_epoch).await;
    let at = paused(&setup, id).await.progress.epoch;
    stop.cancel();
    timeout(Duration::from_secs(5), workers.ended()).await.expect("in good time");
    let job = store.job(id).await.unwrap();
    assert_eq!((job.status, job.attempt, job.progress.epoch), (JobStatus::Paused, 0, at));

    let (_workers, _stop) = setup.work(1);
    let quick = setup.submit(request(1), |_| {}).await;
    assert_eq!(setup.finished(quick).await.0.status, JobStatus::Succeeded, "it holds no slot");
    store.resume(id).await.unwrap();
    let further = |item: &Followed| matches!(item, Followed::Event(event) if event.data.get("epoch").and_then(Value::as_u64) > Some(at.into()));
    setup.wait_for(id, further).await;
    assert_eq!(store.job(id).await.unwrap().attempt, 1);
    store.cancel(id).await.unwrap();
    let (_, events) = setup.finished(id).await;
    let epochs = events.iter().filter(|event| event.data.get("loss").is_some());
    assert!(epochs.enumerate().all(|(number, event)| event.data["epoch"] == json!(number + 1)), "each epoch once");
}
