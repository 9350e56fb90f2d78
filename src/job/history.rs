//! [`History`]: the epochs of a job as columns, in buckets of 2^k epochs.

use super::event::{EventKind, JobEvent};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Fields of an epoch's event that are numbers and no metrics.
const NO_METRICS: [&str; 2] = ["epoch", "epochs"];

/// Metrics by epoch. Entry `i` of each list belongs to bucket `i`.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct History {
    /// Epochs per bucket: 1, 2, 4, 8 and so on. Bucket `b` has the epochs from `b * bucket` to `(b + 1) * bucket - 1`, so that a
    /// new epoch changes the last bucket only.
    pub bucket: u32,
    /// The last epoch of each bucket.
    pub epoch: Vec<u32>,
    /// When that epoch ended.
    #[schema(value_type = Vec<String>)]
    pub at: Vec<Timestamp>,
    /// The logs of the epochs, `learning_rate`, `seconds` and `samples_per_second`, by name.
    pub metrics: BTreeMap<String, HistoryColumn>,
}

/// A metric in each bucket; null where no epoch of the bucket has a finite value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, utoipa::ToSchema)]
pub struct HistoryColumn {
    /// The last value.
    pub last: Vec<Option<f64>>,
    /// The minimum.
    pub min: Vec<Option<f64>>,
    /// The maximum.
    pub max: Vec<Option<f64>>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    last: f64,
    min: f64,
    max: f64,
}

#[derive(Debug)]
struct Bucket {
    first: u32,
    epoch: u32,
    at: Timestamp,
    values: Vec<Option<Span>>,
}

/// Collects epochs into at most so many buckets, in memory that does not grow with the epochs.
#[derive(Debug)]
pub struct HistoryBuilder {
    points: usize,
    from: u32,
    to: u32,
    shift: u32,
    names: Vec<String>,
    buckets: Vec<Bucket>,
}

impl HistoryBuilder {
    /// Collects the epochs `from..=to` into at most `points` buckets.
    pub fn new(points: usize, from: u32, to: u32) -> Self {
        Self { points: points.max(2), from, to, shift: 0, names: Vec::new(), buckets: Vec::new() }
    }

    /// Adds the next event. An epoch that another attempt repeats replaces the epochs from it on.
    pub fn add(&mut self, event: &JobEvent) {
        if event.kind != EventKind::Epoch {
            return;
        }
        let epoch = event.data.get("epoch").and_then(Value::as_u64).and_then(|epoch| u32::try_from(epoch).ok());
        let Some(epoch) = epoch else { return };
        self.discard_from(epoch);
        if epoch < self.from || epoch > self.to {
            return;
        }
        let bucket = epoch >> self.shift;
        if self.buckets.last().is_none_or(|last| last.epoch >> self.shift != bucket) {
            self.buckets.push(Bucket { first: epoch, epoch, at: event.at, values: Vec::new() });
        }
        self.put(epoch, event.at, &event.data);
        while self.buckets.len() > self.points {
            self.double();
        }
    }

    /// The columns.
    pub fn finish(self) -> History {
        let mut metrics = BTreeMap::new();
        for (index, name) in self.names.into_iter().enumerate() {
            let mut column = HistoryColumn::default();
            for bucket in &self.buckets {
                let span = bucket.values.get(index).copied().flatten();
                column.last.push(span.map(|span| span.last));
                column.min.push(span.map(|span| span.min));
                column.max.push(span.map(|span| span.max));
            }
            metrics.insert(name, column);
        }
        History {
            bucket: 1 << self.shift,
            epoch: self.buckets.iter().map(|bucket| bucket.epoch).collect(),
            at: self.buckets.iter().map(|bucket| bucket.at).collect(),
            metrics,
        }
    }

    /// A repeated attempt: what it will report again goes. A bucket that it begins within keeps its earlier epochs' extremes.
    fn discard_from(&mut self, epoch: u32) {
        while self.buckets.last().is_some_and(|last| last.first >= epoch) {
            self.buckets.pop();
        }
    }

    fn put(&mut self, epoch: u32, at: Timestamp, data: &Map<String, Value>) {
        let Some(bucket) = self.buckets.last_mut() else { return };
        (bucket.epoch, bucket.at) = (epoch, at);
        for (name, value) in data {
            let Some(value) = value.as_f64().filter(|_| !NO_METRICS.contains(&name.as_str())) else { continue };
            let known = self.names.iter().position(|known| known == name);
            let index = known.unwrap_or_else(|| {
                self.names.push(name.clone());
                self.names.len() - 1
            });
            if bucket.values.len() <= index {
                bucket.values.resize(index + 1, None);
            }
            if let Some(place) = bucket.values.get_mut(index) {
                *place = Some(match *place {
                    None => Span { last: value, min: value, max: value },
                    Some(span) => Span { last: value, min: span.min.min(value), max: span.max.max(value) },
                });
            }
        }
    }

    /// Twice as many epochs per bucket.
    fn double(&mut self) {
        self.shift += 1;
        let mut joined: Vec<Bucket> = Vec::with_capacity(self.points);
        for bucket in self.buckets.drain(..) {
            match joined.last_mut().filter(|last| last.epoch >> self.shift == bucket.epoch >> self.shift) {
                None => joined.push(bucket),
                Some(last) => {
                    (last.epoch, last.at) = (bucket.epoch, bucket.at);
                    last.values.resize(last.values.len().max(bucket.values.len()), None);
                    for (into, from) in last.values.iter_mut().zip(bucket.values) {
                        let Some(from) = from else { continue };
                        let (min, max) =
                            into.map_or((from.min, from.max), |into| (into.min.min(from.min), into.max.max(from.max)));
                        *into = Some(Span { last: from.last, min, max });
                    }
                }
            }
        }
        self.buckets = joined;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(epoch: u32, loss: Option<f64>) -> JobEvent {
        let mut data = Map::new();
        data.insert("epoch".to_owned(), json!(epoch));
        data.insert("epochs".to_owned(), json!(1000));
        data.extend(loss.map(|loss| ("loss".to_owned(), json!(loss))));
        let at = Timestamp::from_second(i64::from(epoch)).unwrap();
        JobEvent { id: u64::from(epoch) + 2, kind: EventKind::Epoch, at, data }
    }

    fn loss(epoch: u32) -> f64 {
        f64::from(epoch * 7919 % 101)
    }

    #[test]
    fn buckets_are_those_of_all_epochs_at_once() {
        let mut tried = 0;
        for epochs in [1_u32, 2, 3, 7, 8, 9, 100, 1000] {
            for points in [2_usize, 3, 10, 64] {
                let mut builder = HistoryBuilder::new(points, 0, u32::MAX);
                for epoch in 1..=epochs {
                    builder.add(&event(epoch, (epoch != 5).then(|| loss(epoch))));
                }
                let history = builder.finish();
                let bucket = history.bucket;
                assert!(bucket.is_power_of_two() && history.epoch.len() <= points, "{epochs} {points}");
                // The smallest bucket that fits.
                assert!(bucket == 1 || (epochs / (bucket / 2)) as usize + 1 > points, "{epochs} {points} {bucket}");
                for (index, last) in history.epoch.iter().enumerate() {
                    let own = |epoch: &u32| epoch / bucket == last / bucket;
                    let values: Vec<f64> = (1..=epochs).filter(own).filter(|epoch| *epoch != 5).map(loss).collect();
                    let column = &history.metrics["loss"];
                    assert_eq!(column.last[index], values.last().copied());
                    assert_eq!(column.min[index], values.iter().copied().reduce(f64::min));
                    assert_eq!(column.max[index], values.iter().copied().reduce(f64::max));
                    assert_eq!(history.at[index].as_second(), i64::from(*last));
                }
                tried += history.epoch.len();
            }
        }
        assert!(tried > 100, "{tried}");
    }

    #[test]
    fn another_attempt_replaces_the_epochs_that_it_repeats() {
        let mut builder = HistoryBuilder::new(100, 0, u32::MAX);
        for epoch in [1, 2, 3, 1, 2] {
            builder.add(&event(epoch, Some(f64::from(epoch))));
        }
        let history = builder.finish();
        assert_eq!(history.epoch, [1, 2]);
        assert_eq!(history.metrics["loss"].last, [Some(1.0), Some(2.0)]);
    }

    #[test]
    fn only_the_epochs_that_were_asked_for() {
        let mut builder = HistoryBuilder::new(100, 3, 5);
        (1..=9).for_each(|epoch| builder.add(&event(epoch, Some(0.0))));
        assert_eq!(builder.finish().epoch, [3, 4, 5]);
    }
}
