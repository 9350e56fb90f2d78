//! What workers do with jobs, without HTTP.

use crate::support::worker_setup::{LIMITS, WorkerSetup, is_epoch, line, linear, statuses};
use epoca::{
    data::read::{Format, load},
    job::{EventKind, JobStatus},
    store::{
        bundle::{Bundle, Weights},
        follow::Followed,
    },
};
use serde_json::json;
use std::{io::BufReader, time::Duration};
use tokio::time::{Instant, timeout};

fn quick() -> serde_json::Value {
    json!({"model": "m", "dataset": "d", "target": "y",
           "training": {"epochs": 4, "batch_size": 8, "optimizer": {"type": "sgd", "learning_rate": 0.1}}})
}

/// Runs until it is stopped.
fn endless() -> serde_json::Value {
    json!({"model": "m", "dataset": "d", "target": "y", "training": {"epochs": 1_000_000, "batch_size": 8}})
}

async fn setup(rows: usize) -> WorkerSetup {
    let setup = WorkerSetup::open().await;
    setup.dataset("d", line(rows)).await;
    setup.model("m", linear()).await;
    setup
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_becomes_a_version_that_predicts_what_was_measured() {
    let setup = setup(100).await;
    let table = setup.dataset("held-out", line(40)).await;
    let (workers, stop) = setup.work(1);
    let mut request = quick();
    request["validation_dataset"] = "held-out".into();
    let id = setup.submit(request, |_| {}).await;
    let (job, events) = setup.finished(id).await;
    assert_eq!((job.status, job.version, job.attempt), (JobStatus::Succeeded, Some(1), 1), "{:?}", job.error);
    assert_eq!(statuses(&events), ["queued", "running", "succeeded"]);
    assert_eq!((job.progress.epoch, job.progress.epochs, job.progress.fraction), (4, 4, 1.0));
    let timing = &job.timing;
    assert!(timing.queued_seconds.is_some() && timing.preparing_seconds.is_some() && timing.training_seconds.is_some());

    let epochs: Vec<_> = events.iter().filter(|event| event.kind == EventKind::Epoch).collect();
    assert_eq!(epochs.len(), 4);
    for (number, event) in epochs.iter().enumerate() {
        assert_eq!((&event.data["epoch"], &event.data["epochs"]), (&json!(number + 1), &json!(4)));
        assert_eq!(event.data["learning_rate"].as_f64().unwrap() as f32, 0.1);
        let names: Vec<_> = event.data.keys().map(String::as_str).collect();
        assert_eq!(names[2..5], ["unit", "loss", "mean_absolute_error"]);
        for name in ["val_loss", "val_mean_absolute_error", "seconds", "samples_per_second"] {
            assert!(event.data[name].as_f64().unwrap() > 0.0, "{name}");
        }
        let rate = event.data["samples_per_second"].as_f64().unwrap() * event.data["seconds"].as_f64().unwrap();
        assert!((rate - 100.0).abs() < 1e-6, "{rate} rows");
    }
    assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at), "times follow each other");
    for name in ["loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"] {
        assert_eq!(job.metrics[name], epochs[3].data[name]);
    }

    let (version, artifact) = setup.opened.store.version("m", None).await.unwrap();
    assert_eq!((version.job, version.bytes > 0, &version.metrics), (id, true, &job.metrics));
    let file = setup.opened.artifacts.get(&artifact, &version.sha256).await.unwrap();
    assert_eq!(file.len() as u64, version.bytes);
    let bundle = Bundle::from_bytes(&file).unwrap();
    let Weights::Network(tensors) = &bundle.weights else { panic!("a network") };
    let names: Vec<_> = tensors.iter().map(|tensor| tensor.name.clone()).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"dense/kernel".to_owned()), "{names:?}");
    let csv = line(40);
    let wanted = ["a", "b", "y"].map(str::to_owned);
    let rows = load(
        &mut BufReader::new(csv.as_bytes()),
        Format::named("csv").unwrap(),
        &table.read,
        &table.columns,
        &wanted,
        table.rows,
    )
    .unwrap();
    let all: Vec<usize> = (0..40).collect();
    let recipe = bundle.description.recipe.clone();
    let (x, y) = (recipe.inputs(&rows, &all), recipe.targets(&rows, &all).unwrap());
    let predicted = bundle.network(&LIMITS).unwrap().1.predict(x.view());
    let mse = (&predicted - &y).mapv(|error| f64::from(error) * f64::from(error)).mean().unwrap();
    let measured = job.metrics["val_loss"].as_f64().unwrap();
    assert!((mse - measured).abs() <= 1e-5 * measured.max(1e-3), "predicted {mse}, measured {measured}");
    stop.cancel();
    workers.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_job_has_the_same_bytes() {
    let setup = setup(100).await;
    let (_workers, _stop) = setup.work(2);
    let mut hashes = Vec::new();
    for seed in [7, 7, 8] {
        let mut request = quick();
        request["training"]["seed"] = seed.into();
        let id = setup.submit(request, |_| {}).await;
        let (job, _) = setup.finished(id).await;
        hashes.push(setup.opened.store.version("m", job.version).await.unwrap().0.sha256);
    }
    assert_eq!(hashes[0], hashes[1]);
    assert_ne!(hashes[1], hashes[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_is_no_number_fails_the_job() {
    let setup = setup(100).await;
    let (_workers, _stop) = setup.work(1);
    let mut request = quick();
    request["training"]["optimizer"]["learning_rate"] = json!(1e30);
    let (job, events) = setup.finished(setup.submit(request, |_| {}).await).await;
    let error = job.error.unwrap();
    assert_eq!((job.status, error.code.as_str()), (JobStatus::Failed, "diverged"));
    assert!(error.detail.contains("epoch 1") && error.detail.contains("learning rate"), "{}", error.detail);
    assert_eq!(statuses(&events), ["queued", "running", "failed"]);
    let (job, _) = setup.finished(setup.submit(quick(), |_| {}).await).await;
    assert_eq!(job.status, JobStatus::Succeeded, "the service goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_the_job_and_not_the_service() {
    let setup = setup(100).await;
    let (_workers, _stop) = setup.work(1);
    // No request gets this far: a checked job never has it.
    let id = setup.submit(quick(), |job| job.features = vec!["nobody".to_owned(); 3]).await;
    let (job, _) = setup.finished(id).await;
    assert_eq!(job.status, JobStatus::Failed, "{:?}", job.error);
    let wrong = |job: &mut epoca::job::Job| {
        let mut training = job.training.network().unwrap().clone();
        training.batch_size = epoca::job::training::BatchSize::Rows(0);
        job.training = epoca::job::training::JobTraining::Network(Box::new(training));
    };
    let id = setup.submit(quick(), wrong).await;
    let (job, events) = setup.finished(id).await;
    let error = job.error.unwrap();
    assert_eq!((job.status, error.code.as_str()), (JobStatus::Failed, "internal"), "{}", error.detail);
    assert_eq!(statuses(&events), ["queued", "running", "failed"]);
    let (job, _) = setup.finished(setup.submit(quick(), |_| {}).await).await;
    assert_eq!(job.status, JobStatus::Succeeded, "the slot goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_dataset_fails_the_job() {
    let setup = setup(100).await;
    let dataset = setup.opened.store.dataset("d").await.unwrap();
    let file = setup.folder.path().join("artifacts/datasets").join(dataset.id.to_string());
    let content = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, content.replacen('3', "4", 1)).unwrap();
    let (_workers, _stop) = setup.work(1);
    let (job, _) = setup.finished(setup.submit(quick(), |_| {}).await).await;
    let error = job.error.unwrap();
    assert_eq!(error.code, "invalid_data");
    assert!(error.detail.contains("damaged"), "{}", error.detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_seen_within_a_batch() {
    let setup = setup(1000).await;
    let (_workers, _stop) = setup.work(1);
    let id = setup.submit(endless(), |_| {}).await;
    setup.wait_for(id, is_epoch).await;
    let asked = Instant::now();
    assert_eq!(setup.opened.store.cancel(id).await.unwrap().status, JobStatus::Running);
    let (job, events) = setup.finished(id).await;
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert_eq!((job.status, job.version), (JobStatus::Cancelled, None));
    assert_eq!(statuses(&events), ["queued", "running", "cancelled"]);
    // The dataset and the identity of the database.
    assert_eq!(std::fs::read_dir(setup.folder.path().join("artifacts")).unwrap().count(), 2, "no weights are left");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_the_service_jobs_are_handed_back() {
    let setup = setup(1000).await;
    let (workers, stop) = setup.work(1);
    let first = setup.submit(endless(), |_| {}).await;
    let second = setup.submit(quick(), |_| {}).await;
    setup.wait_for(first, is_epoch).await;
    stop.cancel();
    timeout(Duration::from_secs(5), workers.ended()).await.expect("in good time");
    let job = setup.opened.store.job(first).await.unwrap();
    assert_eq!((job.status, job.attempt), (JobStatus::Queued, 0));
    assert!(job.progress.epoch >= 1, "what it has trained is kept");
    assert_eq!(setup.opened.store.job(second).await.unwrap().status, JobStatus::Queued, "none is claimed");

    let (_workers, _stop) = setup.work(1);
    let mut attempts = 0;
    let running = |item: &Followed| {
        attempts +=
            usize::from(matches!(item, Followed::Event(event) if event.data.get("status") == Some(&json!("running"))));
        attempts == 2
    };
    setup.wait_for(first, running).await;
    setup.opened.store.cancel(first).await.unwrap();
    let (_, events) = setup.finished(first).await;
    assert_eq!(statuses(&events), ["queued", "running", "queued", "running", "cancelled"]);
    assert_eq!(setup.finished(second).await.0.status, JobStatus::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_work_side_by_side() {
    let setup = setup(1000).await;
    let (_workers, _stop) = setup.work(2);
    let long = setup.submit(endless(), |_| {}).await;
    setup.wait_for(long, is_epoch).await;
    let (job, _) = setup.finished(setup.submit(quick(), |_| {}).await).await;
    assert_eq!(job.status, JobStatus::Succeeded);
    assert_eq!(setup.opened.store.queue_depth().await.unwrap(), (0, 1));
    setup.opened.store.cancel(long).await.unwrap();
    setup.finished(long).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_epoch_shows_progress() {
    let setup = setup(100_000).await;
    // Some ten thousand operations a row: an epoch takes seconds on any machine.
    let layers = [(64, "tanh"), (64, "tanh"), (1, "linear")]
        .map(|(units, activation)| json!({"type": "dense", "units": units, "activation": activation}));
    setup.model("deep", json!({"layers": layers})).await;
    let (_workers, _stop) = setup.work(1);
    let mut request = endless();
    request["model"] = "deep".into();
    request["training"]["batch_size"] = 1.into();
    let id = setup.submit(request, |_| {}).await;
    let progress = setup.wait_for(id, |item| matches!(item, Followed::Progress(_))).await;
    let Followed::Progress(data) = progress else { unreachable!() };
    assert_eq!((&data["steps"], &data["epochs"]), (&json!(100_000), &json!(1_000_000)));
    let step = data["step"].as_u64().unwrap();
    assert!((1..100_000).contains(&step), "{step}");
    setup.opened.store.cancel(id).await.unwrap();
    setup.finished(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn early_stopping_is_told() {
    let setup = setup(100).await;
    let (_workers, _stop) = setup.work(1);
    let mut request = quick();
    request["training"]["epochs"] = 1000.into();
    request["training"]["validation_split"] = json!(0.2);
    request["training"]["early_stopping"] = json!({"patience": 2, "min_delta": 0.01, "restore_best_weights": true});
    let (job, events) = setup.finished(setup.submit(request, |_| {}).await).await;
    assert_eq!(job.status, JobStatus::Succeeded, "{:?}", job.error);
    assert!(job.progress.epoch < 1000 && job.progress.fraction == 1.0, "{:?}", job.progress);
    let best = job.best_epoch.unwrap();
    let epoch = events.iter().find(|event| event.data.get("epoch") == Some(&best.into())).unwrap();
    assert_eq!(job.metrics["val_loss"], epoch.data["val_loss"], "metrics are of the weights that were kept");
    let texts: Vec<_> = events.iter().filter_map(|event| event.data.get("text")?.as_str()).collect();
    assert!(texts[0].contains("stopped early after epoch") && texts[0].contains("val_loss"), "{texts:?}");
    assert!(texts[1].contains(&format!("epoch {best}")), "{texts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_short_epochs_are_all_kept() {
    let setup = WorkerSetup::open().await;
    setup.dataset("d", line(2)).await;
    setup.model("m", linear()).await;
    let (_workers, _stop) = setup.work(1);
    let mut request = quick();
    request["training"] =
        json!({"epochs": 20_000, "batch_size": 2, "optimizer": {"type": "sgd", "learning_rate": 1e-6}});
    let (job, events) = setup.finished(setup.submit(request, |_| {}).await).await;
    assert_eq!(job.status, JobStatus::Succeeded, "{:?}", job.error);
    let epochs = events.iter().filter_map(|event| event.data.get("epoch")?.as_u64());
    assert!(epochs.eq(1..=20_000));
}
