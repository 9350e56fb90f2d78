//! [`JobOverview`].

use super::record::Job;
use serde::{Serialize, Serializer, ser::Error};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// The fields of a job that a list leaves out.
const LEFT_OUT: [&str; 8] =
    ["features", "inputs", "training", "preprocessing", "warnings", "summary", "confusion_matrix", "leaderboard"];

/// A job in a list: without features, settings, warnings and confusion matrix.
#[derive(Debug, Clone)]
pub struct JobOverview(pub Job);

impl Serialize for JobOverview {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut job = serde_json::to_value(&self.0).map_err(S::Error::custom)?;
        if let Some(fields) = job.as_object_mut() {
            fields.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        }
        job.serialize(serializer)
    }
}

impl PartialSchema for JobOverview {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut job)) = Job::schema() else { return Job::schema() };
        job.properties.retain(|name, _| !LEFT_OUT.contains(&name.as_str()));
        job.required.retain(|name| !LEFT_OUT.contains(&name.as_str()));
        job.description =
            Some("A job in a list: without features, settings, warnings and confusion matrix.".to_owned());
        RefOr::T(Schema::Object(job))
    }
}

impl ToSchema for JobOverview {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Job::schemas(schemas);
    }
}
