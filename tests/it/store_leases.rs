//! Who holds a job: claims, fences, attempts and recovery, of any store; and SQLite's file across processes.

use crate::support::records::{another, claimed, dataset, epochs, for_each_store, page, submitted, success};
use epoca::{
    job::{EventKind, JobStatus},
    store::{EventPage, Outcome, Recovered, Report, Store, StoreError, follow::follow, sqlite::SqliteStore},
};
use futures::{FutureExt, StreamExt};
use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

for_each_store!(
    first_come_first_served,
    racing_claims_each_get_a_job_of_their_own,
    a_stale_worker_changes_nothing,
    at_most_one_end_is_committed,
    a_released_job_keeps_its_place_and_its_attempt,
    recovery_begins_anew_and_tells_of_it,
    recovery_gives_up_after_the_last_attempt,
    attempts_that_keep_a_later_epoch_do_not_count,
    a_waiting_slot_wakes,
    a_caller_that_goes_away_leaves_no_transaction_open,
);

async fn first_come_first_served(store: Arc<dyn Store>) {
    let (model, dataset, first) = submitted(&*store, "iris").await;
    let second = another(&*store, &model, &dataset).await;
    let third = another(&*store, &model, &dataset).await;
    for job in [first, second, third] {
        assert_eq!(claimed(&*store).await.job.id, job.id);
    }
    assert!(store.claim().await.unwrap().is_none());
}

async fn racing_claims_each_get_a_job_of_their_own(store: Arc<dyn Store>) {
    let (model, dataset, _) = submitted(&*store, "iris").await;
    for _ in 0..4 {
        another(&*store, &model, &dataset).await;
    }
    let claims = (0..12).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.claim().await.unwrap() })
    });
    let claims = futures::future::join_all(claims).await;
    let ids: Vec<Uuid> = claims.into_iter().filter_map(|claim| Some(claim.unwrap()?.job.id)).collect();
    assert_eq!(ids.len(), 5);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 5);
}

async fn a_stale_worker_changes_nothing(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let stale = claimed(&*store).await;
    store.report(job.id, stale.fence, &epochs(1, 1)).await.unwrap();
    store.recover(3).await.unwrap();
    let refused = async |when: &str| {
        let before = (store.job(job.id).await.unwrap(), store.events_after(job.id, 0, 100).await.unwrap());
        let report = store.report(job.id, stale.fence, &epochs(2, 2)).await;
        assert!(matches!(report, Err(StoreError::Fenced)), "{when}: {report:?}");
        for outcome in [success(&stale), Outcome::Released, Outcome::Cancelled] {
            let finish = store.finish(job.id, stale.fence, &epochs(2, 2), &outcome).await;
            assert!(matches!(finish, Err(StoreError::Fenced)), "{when}: {finish:?}");
        }
        let after = (store.job(job.id).await.unwrap(), store.events_after(job.id, 0, 100).await.unwrap());
        assert_eq!(before, after, "{when}");
    };
    refused("while it waits again").await;
    let fresh = claimed(&*store).await;
    assert!(fresh.fence > stale.fence);
    assert_eq!((fresh.job.id, fresh.job.attempt), (job.id, 2));
    refused("while another has it").await;
    store.finish(job.id, fresh.fence, &epochs(1, 5), &success(&fresh)).await.unwrap();
    refused("when it has ended").await;
    assert_eq!(store.model("iris").await.unwrap().latest_version, Some(1));
}

async fn at_most_one_end_is_committed(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    let ends = (0..6).map(|_| {
        let (store, outcome, fence) = (Arc::clone(&store), success(&claim), claim.fence);
        tokio::spawn(async move { store.finish(job.id, fence, &epochs(1, 5), &outcome).await })
    });
    let ends = futures::future::join_all(ends).await;
    let committed = ends.iter().filter(|end| matches!(end, Ok(Ok(_)))).count();
    let fenced = ends.iter().filter(|end| matches!(end, Ok(Err(StoreError::Fenced)))).count();
    assert_eq!((committed, fenced), (1, 5));
    assert_eq!(store.versions("iris", 100, None).await.unwrap().0.len(), 1);
}

async fn a_released_job_keeps_its_place_and_its_attempt(store: Arc<dyn Store>) {
    let (model, dataset, job) = submitted(&*store, "iris").await;
    another(&*store, &model, &dataset).await;
    for _ in 0..5 {
        let claim = claimed(&*store).await;
        assert_eq!((claim.job.id, claim.job.attempt), (job.id, 1));
        let released = store.finish(job.id, claim.fence, &epochs(1, 2), &Outcome::Released).await.unwrap();
        assert_eq!((released.status, released.attempt, released.progress.epoch), (JobStatus::Queued, 0, 0));
    }
}

async fn recovery_begins_anew_and_tells_of_it(store: Arc<dyn Store>) {
    let (model, dataset, job) = submitted(&*store, "iris").await;
    let waiting = another(&*store, &model, &dataset).await;
    let claim = claimed(&*store).await;
    store.report(job.id, claim.fence, &epochs(1, 3)).await.unwrap();
    let mut resumed = std::pin::pin!(follow(Arc::clone(&store), job.id, 5));
    assert!(resumed.next().now_or_never().is_none());

    assert_eq!(store.recover(3).await.unwrap(), Recovered { queued: 1, ..Recovered::default() });
    let recovered = store.job(job.id).await.unwrap();
    assert_eq!((recovered.status, recovered.attempt, recovered.progress.epoch), (JobStatus::Queued, 1, 0));
    assert!(recovered.metrics.is_empty());
    let events = store.events_after(job.id, 5, 100).await.unwrap().events;
    assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [6, 7]);
    assert_eq!((events[0].kind, &events[0].data["level"]), (EventKind::Message, &"warning".into()));
    assert!(events[0].data["text"].as_str().unwrap().contains("attempt 2 of 3"));
    assert_eq!((&events[1].data["status"], &events[1].data["attempt"]), (&"queued".into(), &2.into()));

    assert_eq!(claimed(&*store).await.job.id, job.id, "it was there first");
    assert_eq!(claimed(&*store).await.job.id, waiting.id);
    assert_eq!(store.job(job.id).await.unwrap().started_at, claim.job.started_at);
}

async fn recovery_gives_up_after_the_last_attempt(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    for attempt in 1..=3 {
        assert_eq!(claimed(&*store).await.job.attempt, attempt);
        let recovered = store.recover(3).await.unwrap();
        assert_eq!((recovered.queued, recovered.failed), if attempt < 3 { (1, 0) } else { (0, 1) });
    }
    let failed = store.job(job.id).await.unwrap();
    assert_eq!(failed.status, JobStatus::Failed);
    assert_eq!(failed.error.unwrap().code, "attempts_exhausted");
    let EventPage { events, status, .. } = store.events_after(job.id, 0, 100).await.unwrap();
    assert!(status.is_terminal());
    assert_eq!(events.last().unwrap().data["status"], "failed");
    assert_eq!(store.recover(3).await.unwrap(), Recovered::default());
}

async fn attempts_that_keep_a_later_epoch_do_not_count(store: Arc<dyn Store>) {
    let (_, _, job) = submitted(&*store, "iris").await;
    let kept = |epoch, after| Report { checkpoint: Some(after), ..epochs(epoch, epoch) };
    for epoch in 1..=5 {
        let claim = claimed(&*store).await;
        assert_eq!((claim.job.progress.epoch, claim.checkpoint), (epoch - 1, (epoch > 1).then_some(epoch - 1)));
        store.report(job.id, claim.fence, &kept(epoch, epoch)).await.unwrap();
        assert_eq!(store.recover(3).await.unwrap().queued, 1, "attempt {epoch}");
        let recovered = store.job(job.id).await.unwrap();
        assert_eq!((recovered.progress.epoch, recovered.best_epoch), (epoch, Some(epoch)), "as of its last event");
        assert!(!recovered.metrics.is_empty());
        assert_eq!(store.checkpoints().await.unwrap(), HashSet::from([(job.id, epoch)]));
    }
    // Handed back at the end of a service.
    for _ in 0..5 {
        let claim = claimed(&*store).await;
        store.finish(job.id, claim.fence, &kept(5, 5), &Outcome::Released).await.unwrap();
    }
    for attempt in 1..=3 {
        let claim = claimed(&*store).await;
        assert_eq!(claim.checkpoint, Some(5));
        store.report(job.id, claim.fence, &kept(5, 5)).await.unwrap();
        let recovered = store.recover(3).await.unwrap();
        assert_eq!((recovered.queued, recovered.failed), if attempt < 3 { (1, 0) } else { (0, 1) });
    }
    assert!(store.checkpoints().await.unwrap().is_empty());

    // What is of no use is forgotten.
    let (_, _, other) = submitted(&*store, "other").await;
    let claim = claimed(&*store).await;
    store.report(other.id, claim.fence, &kept(3, 3)).await.unwrap();
    store.report(other.id, claim.fence, &kept(1, 0)).await.unwrap();
    store.recover(3).await.unwrap();
    assert_eq!(store.job(other.id).await.unwrap().progress.epoch, 0);
    assert_eq!(claimed(&*store).await.checkpoint, None);
}

async fn a_waiting_slot_wakes(store: Arc<dyn Store>) {
    let mut queue = store.changes().queue();
    let (_, _, job) = submitted(&*store, "iris").await;
    queue.changed().await.unwrap();
    let claim = claimed(&*store).await;
    assert!(queue.changed().now_or_never().is_none());
    store.finish(job.id, claim.fence, &epochs(1, 1), &Outcome::Released).await.unwrap();
    queue.changed().await.unwrap();
}

async fn a_caller_that_goes_away_leaves_no_transaction_open(store: Arc<dyn Store>) {
    for number in 0..50 {
        let table = dataset(&format!("table-{number}"));
        let _ = store.create_dataset(&table, None).now_or_never();
    }
    // A write would wait for ever behind an open transaction; and what was begun is carried out.
    store.create_dataset(&dataset("last"), None).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.datasets(&page(100)).await.unwrap().data.len() < 51 {
        assert!(Instant::now() < deadline, "a write was left half-done");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_records_across_processes_and_belongs_to_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records.sqlite3");
    let store = SqliteStore::open(&path).await.unwrap();
    let (_, table, job) = submitted(&store, "iris").await;
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(error.to_string().contains("another process"), "{error:#}");
    drop(store);
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.dataset("iris").await.unwrap(), table);
    assert_eq!(store.job(job.id).await.unwrap(), job);
}
