//! How a recorder waits for a store that fails for now.

use super::Recorder;
use crate::{
    job::now,
    store::{
        StoreError,
        artifacts::{ArtifactKey, Stored},
        state::message,
    },
    worker::patience::Patience,
};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

impl Recorder<'_> {
    /// Stores the weights of a fit, and tries again while the machine does not let it: the fit is not to be lost. `None` where the job is
    /// to end before.
    pub(super) async fn store(
        &mut self,
        artifact: &ArtifactKey,
        file: Bytes,
        stop: &CancellationToken,
    ) -> Result<Option<Stored>, StoreError> {
        let mut patience = Patience::default();
        loop {
            let error = match self.context.artifacts.put(artifact, file.clone()).await {
                Ok(stored) => return Ok(Some(stored)),
                Err(error) => error,
            };
            if !self.wait_for_store(&mut patience, error, "to store the trained weights", stop).await? {
                return Ok(None);
            }
        }
    }

    /// Waits before the next attempt at what failed with `error`. False where the job is to end; an error where it is no use to wait.
    pub async fn wait_for_store(
        &mut self,
        patience: &mut Patience,
        error: StoreError,
        what: &str,
        stop: &CancellationToken,
    ) -> Result<bool, StoreError> {
        let is_first = patience.is_new();
        let Some(wait) = patience.next(&error) else { return Err(error) };
        tracing::warn!(job = %self.claim.job.id, error = error.with_cause(), "waits {what}");
        if is_first {
            self.add(message(now(), "warning", format!("waits {what}: {error}")));
        }
        self.write().await;
        let wait = tokio::time::sleep(wait);
        tokio::pin!(wait);
        while !self.asked().cancel && !stop.is_cancelled() {
            tokio::select! {
                () = &mut wait => return Ok(true),
                () = self.changed() => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(false)
    }
}
