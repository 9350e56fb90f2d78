use super::*;
use crate::{store::artifacts::Artifacts, worker::checkpoints::Checkpoints};

fn progress(step: usize) -> Progress {
    Progress { epoch: 1, step, steps: 10, loss: 0.5 }
}

fn begun(link: &Link) -> Sink<'_> {
    let mut sink = link.sink(link.worked(), 1);
    sink.begin();
    sink
}

#[test]
fn a_fit_has_not_started_before_its_first_step() {
    let link = Link::default();
    let began = link.worked();
    let mut sink = link.sink(began, 7);
    assert!(link.started().is_none() && link.trained().is_none());
    sink.begin();
    let Started { worked, preparing, rows } = link.started().unwrap();
    assert_eq!((worked - began, rows), (preparing, 7));
}

fn report(epoch: u32) -> EpochReport {
    EpochReport { epoch, logs: vec![("loss".to_owned(), 0.5)], learning_rate: 0.1, best_epoch: epoch }
}

#[test]
fn progress_is_given_once_for_each_time_it_is_wanted() {
    let link = Link::default();
    let mut sink = begun(&link);
    assert!(sink.step(progress(1)).is_continue());
    assert_eq!(link.take_progress(), None);
    link.request_progress();
    assert!(sink.step(progress(2)).is_continue());
    assert!(sink.step(progress(3)).is_continue());
    assert_eq!(link.take_progress(), Some(progress(2)));
    assert_eq!(link.take_progress(), None);
}

#[test]
fn a_stop_is_seen_at_the_next_step_and_the_next_epoch() {
    let link = Link::default();
    let mut sink = begun(&link);
    link.stop();
    assert!(sink.step(progress(1)).is_break());
    assert!(sink.step(progress(2)).is_break(), "and stays");
    assert!(sink.epoch(report(1)).is_break());
    assert_eq!(link.take_epochs(9).0.len(), 1, "the epoch that ended is kept");
}

#[test]
fn epochs_come_in_order_and_last_as_long_as_the_fit() {
    let link = Link::default();
    let mut sink = begun(&link);
    for epoch in 1..=3 {
        assert!(sink.epoch(report(epoch)).is_continue());
    }
    let (mut epochs, left) = link.take_epochs(2);
    assert_eq!((epochs.len(), left), (2, 1));
    epochs.extend(link.take_epochs(2).0);
    assert_eq!(epochs.iter().map(|epoch| epoch.report.epoch).collect::<Vec<_>>(), [1, 2, 3]);
    let whole = link.trained().unwrap();
    assert!(epochs.iter().map(|epoch| epoch.duration).sum::<Duration>() <= whole);
}

#[test]
fn a_fit_rests_at_a_step_and_its_time_stands_still() {
    let link = Link::default();
    begun(&link);
    link.pause();
    std::thread::scope(|scope| {
        let fit = scope.spawn(|| {
            let mut sink = begun(&link);
            let flow = sink.step(progress(1));
            (flow.is_continue(), sink.epoch(report(1)).is_continue())
        });
        while !link.is_resting() {
            std::thread::yield_now();
        }
        let before = link.trained().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!((link.trained().unwrap(), link.waiting()), (before, 0));
        link.resume();
        assert_eq!(fit.join().unwrap(), (true, true));
    });
    let (epoch, trained) = (link.take_epochs(1).0.remove(0), link.trained().unwrap());
    assert!(epoch.duration <= trained && trained + Duration::from_millis(50) <= link.created.elapsed());
    assert!(!link.is_resting());
}

#[test]
fn a_fit_that_rests_is_stopped() {
    let link = Link::default();
    link.pause();
    std::thread::scope(|scope| {
        let fit = scope.spawn(|| begun(&link).epoch(report(1)).is_break());
        while !link.is_resting() {
            std::thread::yield_now();
        }
        link.stop();
        assert!(fit.join().unwrap());
    });
    assert!(link.must_stop(), "a pause does not hold what is to end");
}

#[test]
fn a_fit_ends_after_the_requested_epoch() {
    let link = Link::default();
    let sink = begun(&link);
    assert!(!sink.ends_after(7));
    link.end_after(Some(7));
    assert_eq!([6, 7, 8].map(|epoch| sink.ends_after(epoch)), [false, true, true]);
    link.end_after(None);
    assert!(!sink.ends_after(8));
}

#[test]
fn a_fit_that_outruns_the_recorder_waits_and_loses_nothing() {
    let link = Link::default();
    let epochs = MAX_WAITING as u32 + 10;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut sink = begun(&link);
            for epoch in 1..=epochs {
                assert!(sink.epoch(report(epoch)).is_continue());
            }
        });
        let mut seen = 0;
        while seen < epochs {
            for epoch in link.take_epochs(1000).0 {
                seen += 1;
                assert_eq!(epoch.report.epoch, seen);
            }
            std::thread::yield_now();
        }
    });
}

/// A state that is never large.
struct Small;

impl FitState for Small {
    fn write(&mut self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        out.write_all(b"state")
    }
}

/// A keeper in `folder`, of a fit that begins.
fn keeper(folder: &std::path::Path) -> Keeper {
    let artifacts = Artifacts::open(folder).unwrap();
    Keeper::new(Checkpoints { artifacts, job: uuid::Uuid::now_v7(), after: None }, 0)
}

#[test]
fn a_fit_that_is_to_end_keeps_its_state_and_ends_with_its_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let link = Link::default();
    assert!(!link.drain(), "nothing is kept before the first step");
    let mut sink = link.sink(link.worked(), 1).keeping(keeper(folder.path()));
    sink.begin();
    assert_eq!(link.continued(), Some(0));
    assert!(link.drain());
    assert!(sink.step(progress(9)).is_continue(), "the end is near");
    sink.state(1, &mut Small);
    assert!(!link.is_stopping());
    assert!(sink.epoch(report(1)).is_break());
    assert_eq!((link.take_kept(), link.take_kept()), (Some(1), None));
}

#[test]
fn a_fit_that_is_to_end_does_not_wait_for_the_end_of_a_long_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let link = Link::default();
    let mut sink = link.sink(link.worked(), 1).keeping(keeper(folder.path()));
    sink.begin();
    assert!(link.drain());
    std::thread::sleep(Duration::from_millis(10));
    assert!(sink.step(Progress { epoch: 1, step: 1, steps: 100_000, loss: 0.5 }).is_break());
    sink.state(1, &mut Small);
    assert_eq!(link.take_kept(), None, "what is to end at once keeps nothing");
}

#[test]
fn a_slow_first_step_after_a_short_epoch_says_little() {
    let folder = tempfile::tempdir().unwrap();
    let link = Link::default();
    let mut sink = link.sink(link.worked(), 1).keeping(keeper(folder.path()));
    sink.begin();
    assert!(sink.epoch(report(1)).is_continue());
    link.pause();
    std::thread::sleep(Duration::from_millis(10));
    assert!(sink.step(Progress { epoch: 2, step: 1, steps: 100_000, loss: 0.5 }).is_continue());
    sink.state(2, &mut Small);
    assert_eq!(link.take_kept(), Some(2), "it rests with its state");
    sink.last_epoch = Some(2 * NEAR_END);
    assert!(link.drain());
    assert!(sink.step(Progress { epoch: 3, step: 1, steps: 100_000, loss: 0.5 }).is_break());
}

#[test]
fn a_pause_that_comes_after_the_state_was_due_rests_after_the_next_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let link = Link::default();
    let mut sink = link.sink(link.worked(), 1).keeping(keeper(folder.path()));
    sink.begin();
    sink.state(1, &mut Small);
    assert_eq!(link.take_kept(), None, "nothing asks for it");
    link.pause();
    assert!(sink.epoch(report(1)).is_continue() && !link.is_resting());
    assert!(sink.step(progress(5)).is_continue() && !link.is_resting());
    sink.state(2, &mut Small);
    assert_eq!(link.take_kept(), Some(2));
    std::thread::scope(|scope| {
        let fit = scope.spawn(|| sink.epoch(report(2)).is_continue());
        while !link.is_resting() {
            std::thread::yield_now();
        }
        link.resume();
        assert!(fit.join().unwrap());
    });
}
