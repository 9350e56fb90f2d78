//! Metrics of the service about jobs.

use crate::job::Job;

const ENDED: &str = "epoca_jobs_ended_total";
const TRAINING: &str = "epoca_job_training_seconds";
const EPOCHS: &str = "epoca_epochs_total";
const SAMPLES: &str = "epoca_samples_total";

/// Describes the metrics to the installed recorder.
pub fn describe_metrics() {
    metrics::describe_counter!(ENDED, "Jobs that a worker ended or handed back, by their status after it");
    metrics::describe_histogram!(TRAINING, metrics::Unit::Seconds, "The fit alone of jobs that succeeded");
    metrics::describe_counter!(EPOCHS, "Epochs trained");
    metrics::describe_counter!(SAMPLES, "Rows trained on, once for each epoch");
    metrics::counter!(EPOCHS).increment(0);
    metrics::counter!(SAMPLES).increment(0);
}

pub fn epochs(count: usize, samples: usize) {
    metrics::counter!(EPOCHS).increment(count as u64);
    metrics::counter!(SAMPLES).increment(samples as u64);
}

pub fn ended(job: &Job) {
    metrics::counter!(ENDED, "status" => job.status.name()).increment(1);
    if let (Some(_), Some(seconds)) = (job.version, job.timing.training_seconds) {
        metrics::histogram!(TRAINING).record(seconds);
    }
}
