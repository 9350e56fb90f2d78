//! Datasets, models, versions and receipts, of any store.

use crate::support::records::{
    another, claimed, dataset, epochs, for_each_store, job, model, page, submitted, success,
};
use epoca::{
    job::JobStatus,
    store::{Page, Receipt, Store, StoreError, artifacts::ArtifactKey},
};
use std::{collections::HashSet, sync::Arc};
use uuid::Uuid;

for_each_store!(
    answers,
    datasets_come_back_as_they_were,
    models_come_back_as_they_were,
    names_are_taken_once,
    an_id_goes_before_a_name,
    pages_are_newest_first_and_join_without_gap,
    what_is_in_use_is_not_deleted,
    jobs_remember_what_was_deleted_and_do_not_take_a_namesake_for_it,
    a_job_needs_what_it_names,
    versions_count_up_and_page_down,
    a_deleted_model_gives_up_its_artifacts,
    a_receipt_is_kept_with_what_it_answers,
    of_equal_requests_at_once_one_creates,
    a_key_is_for_one_request,
    a_key_of_another_route_is_another_key,
    what_fails_leaves_no_receipt,
);

async fn answers(store: Arc<dyn Store>) {
    store.ping().await.unwrap();
}

async fn datasets_come_back_as_they_were(store: Arc<dyn Store>) {
    let table = dataset("iris");
    store.create_dataset(&table, None).await.unwrap();
    assert_eq!(store.dataset("iris").await.unwrap(), table);
    assert_eq!(store.dataset(&table.id.to_string()).await.unwrap(), table);
    assert_eq!(store.datasets(&page(20)).await.unwrap().data, std::slice::from_ref(&table));
    assert!(matches!(store.dataset("Iris").await, Err(StoreError::NotFound(_))), "names have a case");
    assert_eq!(store.delete_dataset("iris").await.unwrap(), table);
    assert!(matches!(store.dataset("iris").await, Err(StoreError::NotFound(_))));
    assert!(matches!(store.delete_dataset("iris").await, Err(StoreError::NotFound(_))));
}

async fn models_come_back_as_they_were(store: Arc<dyn Store>) {
    let mut sketch = model("a.b-c_1");
    sketch.summary = None;
    sketch.training_defaults.clear();
    store.create_model(&sketch, None).await.unwrap();
    let whole = model("whole");
    store.create_model(&whole, None).await.unwrap();
    assert_eq!(store.model("a.b-c_1").await.unwrap(), sketch);
    assert_eq!(store.model(&whole.id.to_string()).await.unwrap(), whole);
    assert_eq!(store.models(&page(20)).await.unwrap().data, [whole, sketch]);
    assert!(store.delete_model("whole").await.unwrap().is_empty());
    assert!(matches!(store.model("whole").await, Err(StoreError::NotFound(_))));
}

async fn names_are_taken_once(store: Arc<dyn Store>) {
    let first = dataset("iris");
    store.create_dataset(&first, None).await.unwrap();
    let error = store.create_dataset(&dataset("iris"), None).await.unwrap_err();
    assert!(matches!(&error, StoreError::Conflict(text) if text.contains("iris")), "{error}");
    assert_eq!(store.dataset("iris").await.unwrap(), first);
    store.create_model(&model("iris"), None).await.expect("models have names of their own");
    assert!(matches!(store.create_model(&model("iris"), None).await, Err(StoreError::Conflict(_))));
}

async fn an_id_goes_before_a_name(store: Arc<dyn Store>) {
    let first = dataset("first");
    let namesake = dataset(&first.id.to_string());
    store.create_dataset(&first, None).await.unwrap();
    store.create_dataset(&namesake, None).await.unwrap();
    assert_eq!(store.dataset(&first.id.to_string()).await.unwrap(), first);
}

async fn pages_are_newest_first_and_join_without_gap(store: Arc<dyn Store>) {
    let mut ids = Vec::new();
    for number in 0..7 {
        let table = dataset(&format!("table-{number}"));
        store.create_dataset(&table, None).await.unwrap();
        ids.insert(0, table.id);
    }
    for limit in 1..=8 {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let listed = store.datasets(&Page { limit, after }).await.unwrap();
            assert!(listed.data.len() <= limit as usize);
            seen.extend(listed.data.iter().map(|table| table.id));
            after = listed.next;
            if after.is_none() {
                break;
            }
            assert_eq!(listed.data.len(), limit as usize, "only the last page is short");
        }
        assert_eq!(seen, ids, "limit {limit}");
    }
}

async fn what_is_in_use_is_not_deleted(store: Arc<dyn Store>) {
    let (model, dataset, job) = submitted(&*store, "iris").await;
    for status in [JobStatus::Queued, JobStatus::Running] {
        assert_eq!(store.job(job.id).await.unwrap().status, status);
        let error = store.delete_dataset("iris").await.unwrap_err();
        assert!(matches!(&error, StoreError::Conflict(text) if text.contains(&job.id.to_string())), "{error}");
        assert!(matches!(store.delete_model("iris").await, Err(StoreError::Conflict(_))));
        if status == JobStatus::Queued {
            let claim = claimed(&*store).await;
            assert_eq!(claim.job.id, job.id);
        }
    }
    store.recover(1).await.unwrap();
    assert_eq!(store.delete_dataset("iris").await.unwrap().id, dataset.id);
    assert!(store.delete_model(&model.id.to_string()).await.unwrap().is_empty());
}

async fn jobs_remember_what_was_deleted_and_do_not_take_a_namesake_for_it(store: Arc<dyn Store>) {
    let (first, _, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.finish(job.id, claim.fence, &epochs(1, 5), &success(&claim)).await.unwrap();
    store.delete_model("iris").await.unwrap();
    store.delete_dataset("iris").await.unwrap();
    let remembered = store.job(job.id).await.unwrap();
    assert_eq!((remembered.model.as_str(), remembered.dataset.as_str()), ("iris", "iris"));
    store.create_model(&model("iris"), None).await.unwrap();
    assert_eq!(store.job(job.id).await.unwrap().model_id, first.id);
    assert_eq!(store.model("iris").await.unwrap().latest_version, None, "the version went with its model");
    assert!(matches!(store.version("iris", None).await, Err(StoreError::NotFound(_))));
    assert!(!store.events_after(job.id, 0, 100).await.unwrap().events.is_empty(), "events stay");
}

async fn a_job_needs_what_it_names(store: Arc<dyn Store>) {
    let (model, table) = (model("iris"), dataset("iris"));
    store.create_model(&model, None).await.unwrap();
    let orphan = job(&model, &table);
    assert!(matches!(store.submit(&orphan, None).await, Err(StoreError::NotFound(_))));
    store.create_dataset(&table, None).await.unwrap();
    let mut half = job(&model, &table);
    half.validation_dataset = Some("gone".to_owned());
    half.validation_dataset_id = Some(Uuid::now_v7());
    let error = store.submit(&half, None).await.unwrap_err();
    assert!(matches!(&error, StoreError::NotFound(text) if text.contains("gone")), "{error}");
    assert_eq!(store.queue_depth().await.unwrap(), (0, 0));
    store.submit(&orphan, None).await.unwrap();
    assert_eq!(store.job(orphan.id).await.unwrap(), orphan);
}

async fn versions_count_up_and_page_down(store: Arc<dyn Store>) {
    let (model, dataset, _) = submitted(&*store, "iris").await;
    assert!(matches!(store.version("iris", None).await, Err(StoreError::NotFound(_))));
    for number in 1..=5 {
        let claim = claimed(&*store).await;
        let ended = store.finish(claim.job.id, claim.fence, &epochs(1, 5), &success(&claim)).await.unwrap();
        assert_eq!(ended.version, Some(number));
        let (version, artifact) = store.version("iris", None).await.unwrap();
        assert_eq!((version.version, version.job, version.model.as_str()), (number, ended.id, "iris"));
        assert_eq!(artifact, ArtifactKey::weights(ended.id, claim.fence));
        another(&*store, &model, &dataset).await;
    }
    assert_eq!(store.model("iris").await.unwrap().latest_version, Some(5));
    assert_eq!(store.version(&model.id.to_string(), Some(2)).await.unwrap().0.version, 2);
    for missing in [0, 6, u64::MAX] {
        assert!(matches!(store.version("iris", Some(missing)).await, Err(StoreError::NotFound(_))), "{missing}");
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let (versions, next) = store.versions("iris", 2, after).await.unwrap();
        seen.extend(versions.iter().map(|version| version.version));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

async fn a_deleted_model_gives_up_its_artifacts(store: Arc<dyn Store>) {
    let (_, dataset, job) = submitted(&*store, "iris").await;
    let claim = claimed(&*store).await;
    store.finish(job.id, claim.fence, &epochs(1, 5), &success(&claim)).await.unwrap();
    let weights = ArtifactKey::weights(job.id, claim.fence);
    let table = ArtifactKey::dataset(dataset.id);
    assert_eq!(store.artifacts().await.unwrap(), HashSet::from([weights.clone(), table.clone()]));
    assert_eq!(store.delete_model("iris").await.unwrap(), [weights]);
    assert_eq!(store.artifacts().await.unwrap(), HashSet::from([table]));
}

fn receipt(key: &str, body: &str) -> Receipt {
    Receipt {
        key: key.to_owned(),
        route: "POST /v1/datasets".to_owned(),
        fingerprint: format!("sha256 of {body}"),
        status: 201,
        location: "/v1/datasets/1".to_owned(),
        body: body.to_owned(),
    }
}

async fn a_receipt_is_kept_with_what_it_answers(store: Arc<dyn Store>) {
    let first = receipt("key", "body");
    assert_eq!(store.receipt("key", &first.route, &first.fingerprint).await.unwrap(), None);
    store.create_dataset(&dataset("iris"), Some(&first)).await.unwrap();
    assert_eq!(store.receipt("key", &first.route, &first.fingerprint).await.unwrap(), Some(first.clone()));
    // A name that is taken by the first request is no conflict for the second.
    match store.create_dataset(&dataset("iris"), Some(&first)).await {
        Err(StoreError::Repeated(again)) => assert_eq!(*again, first),
        other => panic!("{other:?}"),
    }
    assert_eq!(store.datasets(&page(20)).await.unwrap().data.len(), 1);
}

async fn of_equal_requests_at_once_one_creates(store: Arc<dyn Store>) {
    let attempts = (0..8).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut answer = receipt("key", "body");
            answer.location = number.to_string();
            store.create_model(&model(&format!("model-{number}")), Some(&answer)).await
        })
    });
    let results = futures::future::join_all(attempts).await;
    let created = results.iter().filter(|result| matches!(result, Ok(Ok(())))).count();
    let repeated = results.iter().filter(|result| matches!(result, Ok(Err(StoreError::Repeated(_))))).count();
    assert_eq!((created, repeated), (1, 7));
    let models = store.models(&page(20)).await.unwrap().data;
    let kept = store.receipt("key", "POST /v1/datasets", "sha256 of body").await.unwrap().unwrap();
    assert_eq!(models.len(), 1);
    assert_eq!(models[0].name, format!("model-{}", kept.location));
}

async fn a_key_is_for_one_request(store: Arc<dyn Store>) {
    let first = receipt("key", "body");
    store.create_dataset(&dataset("iris"), Some(&first)).await.unwrap();
    let other = receipt("key", "another body");
    let asked = store.receipt("key", &other.route, &other.fingerprint).await;
    assert!(matches!(asked, Err(StoreError::KeyReused(_))), "{asked:?}");
    let created = store.create_dataset(&dataset("wine"), Some(&other)).await;
    assert!(matches!(created, Err(StoreError::KeyReused(_))), "{created:?}");
    assert!(matches!(store.dataset("wine").await, Err(StoreError::NotFound(_))));
}

async fn a_key_of_another_route_is_another_key(store: Arc<dyn Store>) {
    let first = receipt("key", "body");
    store.create_dataset(&dataset("iris"), Some(&first)).await.unwrap();
    let elsewhere = Receipt { route: "POST /v1/models".to_owned(), ..receipt("key", "another body") };
    store.create_model(&model("iris"), Some(&elsewhere)).await.unwrap();
    assert_eq!(store.receipt("key", &elsewhere.route, &elsewhere.fingerprint).await.unwrap(), Some(elsewhere));
}

async fn what_fails_leaves_no_receipt(store: Arc<dyn Store>) {
    store.create_dataset(&dataset("iris"), None).await.unwrap();
    let answer = receipt("key", "body");
    assert!(matches!(store.create_dataset(&dataset("iris"), Some(&answer)).await, Err(StoreError::Conflict(_))));
    assert_eq!(store.receipt("key", &answer.route, &answer.fingerprint).await.unwrap(), None);
}
