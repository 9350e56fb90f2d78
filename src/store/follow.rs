//! A job's events from some id on until its end: rows first, then rows as they come. Live and replay are one path.

use crate::{
    job::JobEvent,
    store::{
        Store, StoreError,
        changes::{JobChanges, Wake},
    },
};
use futures::{Stream, stream};
use serde_json::{Map, Value};
use std::{collections::VecDeque, sync::Arc};
use uuid::Uuid;

/// Rows read at once.
const PAGE: u32 = 500;

/// What a follower sees.
#[derive(Debug, Clone, PartialEq)]
pub enum Followed {
    /// A kept event.
    Event(JobEvent),
    /// The data of a `progress` event, which has no id since it is not kept.
    Progress(Map<String, Value>),
}

/// Events of job `id` above `after`, in order and without a gap, with `progress` between them; ends after the terminal
/// `status` event, and at once where that is not above `after`. The first item is an error where there is no such job.
pub fn follow(store: Arc<dyn Store>, id: Uuid, after: u64) -> impl Stream<Item = Result<Followed, StoreError>> + Send {
    let changes = store.changes().job(id);
    let start = Position { store, changes, id, after, ready: VecDeque::new(), up_to_date: false, ended: false };
    stream::unfold(start, |mut position| async move {
        let item = position.next().await?;
        position.ended |= item.is_err();
        Some((item, position))
    })
}

struct Position {
    store: Arc<dyn Store>,
    changes: JobChanges,
    id: Uuid,
    after: u64,
    ready: VecDeque<JobEvent>,
    /// There was nothing after what is `ready` when it was read.
    up_to_date: bool,
    /// Nothing will ever follow what is `ready`.
    ended: bool,
}

impl Position {
    async fn next(&mut self) -> Option<Result<Followed, StoreError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(Followed::Event(event)));
            }
            if self.ended {
                return None;
            }
            if self.up_to_date
                && let Wake::Progress(data) = self.changes.next().await
            {
                return Some(Ok(Followed::Progress(data)));
            }
            match self.store.events_after(self.id, self.after, PAGE).await {
                Err(error) => return Some(Err(error)),
                Ok((events, status)) => {
                    // Rows and status are of one moment: less than a page is everything there was.
                    self.up_to_date = events.len() < PAGE as usize;
                    self.ended = self.up_to_date && status.is_terminal();
                    self.after = events.last().map_or(self.after, |event| event.id);
                    self.ready = events.into();
                }
            }
        }
    }
}
