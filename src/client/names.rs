//! What a command names: jobs, datasets, models and versions, by id, by the beginning of an id, by name, or as the last one.

use super::{api::Api, failure::Failure, output::clean};
use serde_json::Value;

/// The newest one.
pub const LAST: &str = "@last";

/// Characters of an id that tables show: the time to a millisecond.
const SHORT_ID: usize = 13;

/// The job that `text` names.
pub async fn job(api: &Api, text: &str) -> Result<Value, Failure> {
    if text == LAST {
        let page = api.list(&["jobs"], &[], 1).await?;
        let id = page["data"][0]["id"].as_str().ok_or_else(|| no_jobs(api))?;
        return api.get(&["jobs", id], &[]).await;
    }
    let id = match is_id(text) {
        true => text.to_owned(),
        false => by_prefix(api, "jobs", "job", text).await?,
    };
    api.get(&["jobs", &id], &[]).await
}

/// The failure where there is no job yet.
pub fn no_jobs(api: &Api) -> Failure {
    let train = api.command("train --data FILE --target COLUMN");
    Failure::Missing(format!("there are no jobs yet: start one with `{train}`"))
}

/// The dataset or model that `text` names; `noun` is one of them, `list` its place in the API.
pub async fn named(api: &Api, list: &str, noun: &str, text: &str) -> Result<Value, Failure> {
    if text == LAST {
        let page = api.list(&[list], &[], 1).await?;
        let first = page["data"].get(0).ok_or_else(|| Failure::Missing(format!("there are no {list} yet")))?;
        let id = first["id"].as_str().unwrap_or_default();
        return api.get(&[list, id], &[]).await;
    }
    match api.find(&[list, text]).await? {
        Some(found) => Ok(found),
        None => api.get(&[list, &by_prefix(api, list, noun, text).await?], &[]).await,
    }
}

/// The version that `MODEL[@VERSION]` names. `@last` is the version of the newest job that has one.
pub async fn version(api: &Api, text: &str) -> Result<Value, Failure> {
    if text == LAST {
        let page = api.list(&["jobs"], &[("status", "succeeded")], 1).await?;
        let job = page["data"].get(0).ok_or_else(|| {
            let train = api.command("train --data FILE --target COLUMN");
            Failure::Missing(format!("no model is trained yet: train one with `{train}`"))
        })?;
        let (model, number) = (job["model_id"].as_str().unwrap_or_default(), job["version"].to_string());
        return api.get(&["models", model, "versions", &number], &[]).await;
    }
    let (name, number) = match text.rsplit_once('@') {
        Some((name, number)) if !name.is_empty() => (name, Some(number)),
        _ => (text, None),
    };
    if let Some(number) = number.filter(|number| number.parse::<u64>().is_err()) {
        let expected = "expected MODEL@VERSION with a number, such as iris-mlp@1";
        return Err(Failure::Usage(format!("{expected}, received {:?}: {number:?} is not a number", clean(text))));
    }
    let model = named(api, "models", "model", name).await?;
    let id = model["id"].as_str().unwrap_or_default();
    let number = match number {
        Some(number) => number.to_owned(),
        None => model["latest_version"].as_u64().map(|number| number.to_string()).ok_or_else(|| {
            let name = model["name"].as_str().unwrap_or_default();
            let train = api.command(&format!("train --model {name} --data FILE --target COLUMN"));
            Failure::Missing(format!("the model {name} is not trained yet: train it with `{train}`"))
        })?,
    };
    api.get(&["models", id, "versions", &number], &[]).await
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// The only id that begins with `text`.
async fn by_prefix(api: &Api, list: &str, noun: &str, text: &str) -> Result<String, Failure> {
    let shown = clean(text);
    let missing = || {
        let known = api.command(list);
        Failure::Missing(format!("no {noun} is named {shown:?}, and no id begins with it: `{known}` lists them"))
    };
    let prefix = text.to_ascii_lowercase();
    if prefix.is_empty() || !prefix.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(missing());
    }
    let page = api.list(&[list], &[], usize::MAX).await?;
    let entries = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut found: Vec<&str> = entries.iter().filter_map(|entry| entry["id"].as_str()).collect();
    found.retain(|id| id.starts_with(&prefix));
    match found.as_slice() {
        [] => Err(missing()),
        [id] => Ok((*id).to_owned()),
        several => {
            let examples: Vec<&str> = several.iter().take(3).copied().collect();
            let more = if several.len() > 3 { ", …" } else { "" };
            let (count, examples) = (several.len(), examples.join(", "));
            Err(Failure::Error(format!("{count} {noun}s begin with {shown:?}: {examples}{more}; give more characters")))
        }
    }
}

/// The beginnings of `ids` that tell them apart.
pub fn short_ids(ids: &[&str]) -> Vec<String> {
    let is_unique = |length: usize| {
        let mut beginnings: Vec<&str> = ids.iter().map(|id| id.get(..length).unwrap_or(id)).collect();
        beginnings.sort_unstable();
        beginnings.windows(2).all(|pair| pair[0] != pair[1])
    };
    let length = (SHORT_ID..36).find(|length| is_unique(*length)).unwrap_or(36);
    ids.iter().map(|id| id.get(..length).unwrap_or(id).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_tell_apart() {
        let first = "01a224de-136e-717e-b024-29ab82f12bac";
        let second = "01a224de-1557-74b6-9881-031eb5344a06";
        assert_eq!(short_ids(&[first, second]), ["01a224de-136e", "01a224de-1557"]);
        let same_millisecond = "01a224de-136e-717e-b024-29ab82f12bad";
        assert_eq!(short_ids(&[first, same_millisecond]), [first, same_millisecond]);
        assert_eq!(short_ids(&[first]), ["01a224de-136e"]);
    }
}
