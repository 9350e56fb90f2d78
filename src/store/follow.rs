//! A job's events after an id until its end: stored events first, then new ones. Live and replay are one path.

use crate::{
    job::JobEvent,
    store::{
        EventPage, Store, StoreError,
        changes::{JobChanges, Wake},
    },
};
use futures::{Stream, stream};
use serde_json::{Map, Value};
use std::{collections::VecDeque, sync::Arc};
use uuid::Uuid;

/// Events read at once.
const PAGE: u32 = 500;

/// An item of [`follow`].
#[derive(Debug, Clone, PartialEq)]
pub enum Followed {
    /// A stored event.
    Event(JobEvent),
    /// The data of a `progress` event, which is not stored and has no id.
    Progress(Map<String, Value>),
}

/// Events of job `id` above `after`, in order and without a gap, with `progress` between them. Ends after the terminal `status`
/// event, and at once where that is not above `after`. An `after` above the last event counts as the last event. The first item is
/// an error where there is no such job.
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
    /// Whether `ready` had the job's last event when it was read.
    up_to_date: bool,
    /// Whether no event can follow those in `ready`.
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
                Ok(EventPage { events, status, last }) => {
                    // Events and status are of one moment: less than a page is all of them.
                    self.up_to_date = events.len() < PAGE as usize;
                    self.ended = self.up_to_date && status.is_terminal();
                    // An id that the job does not have, of a database that was restored: only new events follow.
                    self.after = events.last().map_or(self.after.min(last), |event| event.id);
                    self.ready = events.into();
                }
            }
        }
    }
}
