//! [`Store`] in SQLite: each method is a transaction of the functions beside this file.

use super::{Kept, SqliteStore, datasets, events, jobs, keys, models, quietly, receipts, upkeep};
use crate::{
    engine::field::FieldError,
    job::{Dataset, Job, JobPatch, JobStatus, Model, ModelVersion, now},
    store::{
        Asked, Changes, Claim, EventPage, JobFilter, Listed, Outcome, Page, Receipt, Recovered, Report, Retention,
        Store, StoreError,
        artifacts::ArtifactKey,
        keys::{ApiKey, AuditEntry},
    },
};
use async_trait::async_trait;
use std::{collections::HashSet, sync::Arc};
use uuid::Uuid;

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        self.write(|tx| Box::pin(upkeep::touch(tx)), quietly).await
    }

    async fn identity(&self) -> Result<String, StoreError> {
        upkeep::identity(&mut *self.read().await?).await
    }

    async fn maintain(&self, retention: Retention) -> Result<u64, StoreError> {
        let _ = self.ballast.take();
        let mut concerned = 0;
        loop {
            let batch = self.write(move |tx| Box::pin(upkeep::retain(tx, retention)), quietly).await?;
            concerned += batch;
            if batch == 0 {
                break;
            }
        }
        let mut writer = self.writer.lock().await;
        let connection = writer.connection().await?;
        sqlx::raw_sql("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await?;
        Ok(concerned)
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.readers.close().await;
        self.writer.lock().await.close().await
    }

    async fn receipt(&self, key: &str, route: &str, fingerprint: &str) -> Result<Option<Receipt>, StoreError> {
        receipts::find(&mut *self.read().await?, key, route, fingerprint).await
    }

    async fn create_dataset(&self, dataset: &Dataset, receipt: Option<&Receipt>) -> Result<(), StoreError> {
        let (dataset, receipt) = (dataset.clone(), receipt.cloned());
        self.write(|tx| Box::pin(async move { datasets::create(tx, &dataset, receipt.as_ref()).await }), quietly).await
    }

    async fn dataset(&self, key: &str) -> Result<Dataset, StoreError> {
        datasets::find(&mut *self.read().await?, key).await
    }

    async fn datasets(&self, page: &Page) -> Result<Listed<Dataset>, StoreError> {
        datasets::list(&mut *self.read().await?, page).await
    }

    async fn delete_dataset(&self, key: &str) -> Result<Dataset, StoreError> {
        let delete = |kept| {
            let key = key.to_owned();
            self.write_with(kept, |tx| Box::pin(async move { datasets::delete(tx, &key).await }), quietly)
        };
        self.with_ballast(delete).await
    }

    async fn create_model(&self, model: &Model, receipt: Option<&Receipt>) -> Result<(), StoreError> {
        let (model, receipt) = (model.clone(), receipt.cloned());
        self.write(|tx| Box::pin(async move { models::create(tx, &model, receipt.as_ref()).await }), quietly).await
    }

    async fn model(&self, key: &str) -> Result<Model, StoreError> {
        models::find(&mut *self.read().await?, key).await
    }

    async fn models(&self, page: &Page) -> Result<Listed<Model>, StoreError> {
        models::list(&mut *self.read().await?, page).await
    }

    async fn delete_model(&self, key: &str) -> Result<Vec<ArtifactKey>, StoreError> {
        let delete = |kept| {
            let key = key.to_owned();
            let announce = |changes: &Changes, _: &Vec<ArtifactKey>| changes.versions_changed();
            self.write_with(kept, |tx| Box::pin(async move { models::delete(tx, &key).await }), announce)
        };
        self.with_ballast(delete).await
    }

    async fn delete_version(&self, model: &str, version: u64) -> Result<ArtifactKey, StoreError> {
        let delete = |kept| {
            let key = model.to_owned();
            let announce = |changes: &Changes, _: &ArtifactKey| changes.versions_changed();
            self.write_with(
                kept,
                move |tx| Box::pin(async move { models::delete_version(tx, &key, version).await }),
                announce,
            )
        };
        self.with_ballast(delete).await
    }

    async fn version(&self, model: &str, version: Option<u64>) -> Result<(ModelVersion, ArtifactKey), StoreError> {
        models::version(&mut *self.read().await?, model, version).await
    }

    async fn versions(
        &self,
        model: &str,
        limit: u32,
        after: Option<u64>,
    ) -> Result<(Vec<ModelVersion>, Option<u64>), StoreError> {
        models::versions(&mut *self.read().await?, model, limit, after).await
    }

    async fn submit(&self, job: &Job, receipt: Option<&Receipt>) -> Result<(), StoreError> {
        let (job, receipt, id) = (job.clone(), receipt.cloned(), job.id);
        self.write(
            |tx| Box::pin(async move { jobs::submit(tx, job, receipt.as_ref()).await }),
            move |changes, ()| {
                changes.queued();
                changes.changed(id);
            },
        )
        .await
    }

    async fn job(&self, id: Uuid) -> Result<Job, StoreError> {
        Ok(jobs::load(&mut *self.read().await?, id).await?.job)
    }

    async fn jobs(&self, filter: &JobFilter, page: &Page) -> Result<Listed<Job>, StoreError> {
        jobs::list(&mut *self.read().await?, filter, page).await
    }

    async fn cancel(&self, id: Uuid) -> Result<Job, StoreError> {
        self.with_ballast(|kept| self.ask(kept, id, |state| state.cancel(now()))).await
    }

    async fn pause(&self, id: Uuid, refusal: Option<String>) -> Result<Job, StoreError> {
        self.ask(Kept::Taken, id, move |state| state.pause(refusal.as_deref(), now())).await
    }

    async fn resume(&self, id: Uuid) -> Result<Job, StoreError> {
        self.ask(Kept::Taken, id, |state| state.resume(now())).await
    }

    async fn finish_early(&self, id: Uuid, refusal: Option<String>) -> Result<Job, StoreError> {
        self.ask(Kept::Taken, id, move |state| state.finish_early(refusal.as_deref(), now())).await
    }

    async fn patch_job(&self, id: Uuid, patch: &JobPatch) -> Result<Result<Job, FieldError>, StoreError> {
        let patch = patch.clone();
        self.write(
            move |tx| Box::pin(async move { jobs::patch(tx, id, &patch).await }),
            move |changes, _| changes.changed(id),
        )
        .await
    }

    async fn delete_job(&self, id: Uuid) -> Result<(), StoreError> {
        let delete = |kept| {
            let announce = move |changes: &Changes, (): &()| changes.changed(id);
            self.write_with(kept, move |tx| Box::pin(upkeep::delete_job(tx, id)), announce)
        };
        self.with_ballast(delete).await
    }

    async fn events_after(&self, id: Uuid, after: u64, limit: u32) -> Result<EventPage, StoreError> {
        events::after(&mut *self.read().await?, id, after, limit).await
    }

    async fn claim(&self) -> Result<Option<Claim>, StoreError> {
        let changes = Arc::clone(&self.changes);
        self.write(
            move |tx| Box::pin(jobs::claim(tx, changes)),
            |changes, claim| {
                if let Some(claim) = claim {
                    changes.changed(claim.job.id);
                }
            },
        )
        .await
    }

    async fn report(&self, id: Uuid, fence: u64, report: &Report) -> Result<Asked, StoreError> {
        let report = report.clone();
        self.write(
            move |tx| Box::pin(async move { jobs::report(tx, id, fence, &report).await }),
            move |changes, _| changes.changed(id),
        )
        .await
    }

    async fn park(&self, id: Uuid, fence: u64, report: &Report) -> Result<bool, StoreError> {
        let report = report.clone();
        self.write(
            move |tx| Box::pin(async move { jobs::park(tx, id, fence, &report).await }),
            move |changes, _| changes.changed(id),
        )
        .await
    }

    async fn unpark(&self, id: Uuid, fence: u64) -> Result<bool, StoreError> {
        self.write(move |tx| Box::pin(jobs::unpark(tx, id, fence)), move |changes, _| changes.changed(id)).await
    }

    async fn finish(&self, id: Uuid, fence: u64, report: &Report, outcome: &Outcome) -> Result<Job, StoreError> {
        let (report, outcome) = (report.clone(), outcome.clone());
        self.write(
            move |tx| Box::pin(async move { jobs::finish(tx, id, fence, &report, &outcome).await }),
            move |changes, job| {
                if job.status == JobStatus::Succeeded {
                    changes.versions_changed();
                }
                changes.changed(id);
                if job.status == JobStatus::Queued {
                    changes.queued();
                }
            },
        )
        .await
    }

    async fn recover(&self, max_attempts: u32) -> Result<Recovered, StoreError> {
        let recover = |kept| {
            let announce = |changes: &Changes, _: &Recovered| changes.queued();
            self.write_with(kept, move |tx| Box::pin(jobs::recover(tx, max_attempts)), announce)
        };
        // On a full disk, too: nothing can be deleted before the service has started.
        self.with_ballast(recover).await
    }

    async fn checkpoints(&self) -> Result<HashSet<(Uuid, u32)>, StoreError> {
        jobs::checkpoints(&mut *self.read().await?).await
    }

    async fn queue(&self) -> Result<Vec<Uuid>, StoreError> {
        jobs::queue(&mut *self.read().await?).await
    }

    async fn queue_depth(&self) -> Result<(u64, u64), StoreError> {
        jobs::depth(&mut *self.read().await?).await
    }

    async fn artifacts(&self) -> Result<HashSet<ArtifactKey>, StoreError> {
        models::artifacts(&mut *self.read().await?).await
    }

    async fn keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        keys::all(&mut *self.read().await?).await
    }

    async fn create_key(&self, key: &ApiKey, entry: &AuditEntry) -> Result<(), StoreError> {
        let (key, entry) = (key.clone(), entry.clone());
        self.write(|tx| Box::pin(async move { keys::create(tx, &key, &entry).await }), quietly).await
    }

    async fn revoke_key(&self, key: &str, entry: &AuditEntry) -> Result<(), StoreError> {
        let (key, entry) = (key.to_owned(), entry.clone());
        self.write(|tx| Box::pin(async move { keys::revoke(tx, &key, &entry).await }), quietly).await
    }

    async fn stored_bytes(&self, key: Uuid) -> Result<u64, StoreError> {
        keys::stored_bytes(&mut *self.read().await?, key).await
    }

    async fn own(&self, location: &str, key: Uuid) -> Result<(), StoreError> {
        let location = location.to_owned();
        self.write(move |tx| Box::pin(async move { keys::own(tx, &location, key).await }), quietly).await
    }

    async fn audit(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.write(|tx| Box::pin(async move { keys::audit(tx, &entry).await }), quietly).await
    }

    async fn audited(&self, page: &Page) -> Result<Listed<AuditEntry>, StoreError> {
        keys::audited(&mut *self.read().await?, page).await
    }

    fn changes(&self) -> &Changes {
        &self.changes
    }
}
