//! [`Labels`], note and priority of a job, which people can change.

use crate::engine::field::FieldError;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// Labels of a job by name.
pub type Labels = BTreeMap<String, String>;

/// Maximum number of labels of a job.
const MAX_LABELS: usize = 64;

/// Maximum length of a label's name and of its value in characters.
const MAX_LABEL: usize = 200;

/// Maximum length of a note in characters.
const MAX_NOTE: usize = 10_000;

/// Priorities are within plus and minus this.
const MAX_PRIORITY: i32 = 1000;

/// The body of `PATCH /v1/jobs/{job}`; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobPatch {
    /// Labels to set, at most 64 per job; null removes a label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, Option<String>>>,
    /// Note, at most 10,000 characters; null removes it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub note: Option<Option<String>>,
    /// Priority: queued jobs of a higher one run first, those of the same one in the order of submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -1000, maximum = 1000)]
    pub priority: Option<i32>,
}

/// Distinguishes null from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl JobPatch {
    /// The lengths of its texts, and its priority.
    ///
    /// # Errors
    /// All of them, each with its pointer.
    pub fn check(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        for (name, value) in self.labels.iter().flatten() {
            check_label(name, value.as_deref().unwrap_or("-"), &mut errors);
        }
        check_note(self.note.as_ref().and_then(Option::as_deref), &mut errors);
        check_priority(self.priority.unwrap_or_default(), &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}

/// Checks labels, note and priority of a new job.
///
/// # Errors
/// All of them, each with its pointer.
pub fn check(labels: &Labels, note: Option<&str>, priority: i32) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    errors.extend(check_count(labels).err());
    for (name, value) in labels {
        check_label(name, value, &mut errors);
    }
    check_note(note, &mut errors);
    check_priority(priority, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Checks the number of labels.
///
/// # Errors
/// Where there are too many.
pub fn check_count(labels: &Labels) -> Result<(), FieldError> {
    if labels.len() <= MAX_LABELS {
        return Ok(());
    }
    Err(FieldError::new("/labels", format!("expected at most {MAX_LABELS} labels, received {}", labels.len())))
}

fn check_label(name: &str, value: &str, errors: &mut Vec<FieldError>) {
    for (what, text) in [("name", name), ("value", value)] {
        let length = text.chars().count();
        if length == 0 || length > MAX_LABEL || text.chars().any(char::is_control) {
            let detail = format!(
                "expected a label's {what} of 1 to {MAX_LABEL} characters without control characters, received {length} characters"
            );
            errors.push(FieldError::new("/labels", detail));
        }
    }
    if name.contains('=') {
        errors.push(FieldError::new("/labels", "expected a label's name without `=`"));
    }
}

fn check_note(note: Option<&str>, errors: &mut Vec<FieldError>) {
    let length = note.map_or(0, |note| note.chars().count());
    if length > MAX_NOTE {
        errors.push(FieldError::new("/note", format!("expected at most {MAX_NOTE} characters, received {length}")));
    }
}

fn check_priority(priority: i32, errors: &mut Vec<FieldError>) {
    if !(-MAX_PRIORITY..=MAX_PRIORITY).contains(&priority) {
        let detail = format!("expected -{MAX_PRIORITY} to {MAX_PRIORITY}, received {priority}");
        errors.push(FieldError::new("/priority", detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{from_value, json};

    #[test]
    fn null_and_absent_differ() {
        let absent: JobPatch = from_value(json!({})).unwrap();
        assert_eq!(absent, JobPatch::default());
        let null: JobPatch = from_value(json!({"note": null, "labels": {"a": null}})).unwrap();
        assert_eq!(null.note, Some(None));
        assert_eq!(null.labels, Some(BTreeMap::from([("a".to_owned(), None)])));
    }

    #[test]
    fn lengths_are_checked() {
        let check = |patch| from_value::<JobPatch>(patch).unwrap().check().map_err(|errors| errors.len());
        assert_eq!(check(json!({"labels": {"team": "a", "old": null}, "note": "x"})), Ok(()));
        assert_eq!(check(json!({"labels": {"": ""}})), Err(2));
        assert_eq!(check(json!({"labels": {"a=b": "c\n"}})), Err(2));
        assert_eq!(check(json!({"note": "x".repeat(10_001)})), Err(1));
        let many: Labels = (0..65).map(|index| (format!("l{index}"), "x".to_owned())).collect();
        assert_eq!(super::check(&many, None, 0).unwrap_err().len(), 1);
        assert_eq!(check(json!({"priority": -1000})), Ok(()));
        assert_eq!(check(json!({"priority": 1001})), Err(1));
    }
}
