//! Local files as datasets.

use super::{
    api::Api,
    failure::Failure,
    names,
    output::clean,
    settings::Setting,
    source::{STDIN, Source},
};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::{Body, multipart};
use serde_json::{Map, Value};
use std::{io::IsTerminal, path::Path};
use tokio_util::io::ReaderStream;

/// Larger files have a progress bar.
const BYTES_WITH_A_BAR: u64 = 8 << 20;

/// What is called like nothing.
const NAMELESS: &str = "data";

/// Names that are tried where one is taken.
const MAX_NAMES: u32 = 1000;

/// A dataset, and whether this command made it.
#[derive(Debug)]
pub struct Uploaded {
    /// The dataset as the API describes it.
    pub dataset: Value,
    /// Whether it was not there before.
    pub is_new: bool,
}

/// Whether `text` is meant as a file: it exists, it is written like one, or it is stdin's `-`.
pub fn is_file(text: &str) -> bool {
    text == STDIN || Path::new(text).is_file() || text.contains(std::path::MAIN_SEPARATOR) || has_known_extension(text)
}

fn has_known_extension(text: &str) -> bool {
    let known =
        ["csv", "tsv", "tab", "txt", "json", "ndjson", "jsonl", "parquet", "arrow", "npy", "npz", "zip", "gz", "zst"];
    text.rsplit_once('.').is_some_and(|(_, extension)| known.contains(&extension.to_ascii_lowercase().as_str()))
}

/// Uploads `file`. Without a `name` the dataset is named after the file; where a dataset with these bytes is there already, that
/// one is taken.
pub async fn upload(api: &Api, file: &str, name: Option<&str>, options: &[Setting]) -> Result<Uploaded, Failure> {
    let source = Source::open(file).await?;
    if let Some(name) = name {
        return Ok(Uploaded { dataset: send(api, &source, name, options).await?, is_new: true });
    }
    let stem = if source.is_piped { NAMELESS.to_owned() } else { name_of(Path::new(file)) };
    let mut sha256: Option<String> = None;
    for number in 1..=MAX_NAMES {
        let name = numbered(&stem, number);
        let Some(there) = api.find(&["datasets", &name]).await? else {
            return Ok(Uploaded { dataset: send(api, &source, &name, options).await?, is_new: true });
        };
        if options.is_empty() {
            let digest = match sha256.take() {
                Some(digest) => digest,
                None => source.digest()?,
            };
            if there["sha256"] == digest.as_str() {
                return Ok(Uploaded { dataset: there, is_new: false });
            }
            sha256 = Some(digest);
        }
    }
    Err(Failure::Error(format!("{MAX_NAMES} datasets are named like {stem}: choose a name with --name")))
}

/// `name`, and `name-2` where that is taken, and so on.
pub fn numbered(name: &str, number: u32) -> String {
    match number {
        1 => name.to_owned(),
        number => format!("{name}-{number}"),
    }
}

/// A name that the service allows, made from a file's.
pub fn name_of(path: &Path) -> String {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut stem = file.as_str();
    for extension in [".gz", ".zst"] {
        stem = stem.strip_suffix(extension).unwrap_or(stem);
    }
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '-' };
    let name: String = stem.chars().map(allowed).take(40).collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.is_empty() { NAMELESS.to_owned() } else { name.to_owned() }
}

async fn send(api: &Api, source: &Source, name: &str, options: &[Setting]) -> Result<Value, Failure> {
    let bar = bar(source.bytes);
    let mut given = Map::new();
    options.iter().for_each(|option| option.apply(&mut given));
    let given = (!given.is_empty()).then(|| Value::Object(given).to_string());
    let form = || -> Result<multipart::Form, Failure> {
        bar.reset();
        let moving = bar.clone();
        let opened = tokio::fs::File::from_std(source.rewound()?);
        let stream = ReaderStream::with_capacity(opened, 1 << 16).inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                moving.inc(chunk.len() as u64);
            }
        });
        let part = multipart::Part::stream_with_length(Body::wrap_stream(stream), source.bytes);
        let form = multipart::Form::new().text("name", name.to_owned());
        let form = match &given {
            Some(options) => form.text("options", options.clone()),
            None => form,
        };
        Ok(form.part("file", part.file_name(source.file_name.clone())))
    };
    let sent = api.post_form(&["datasets"], form).await;
    bar.finish_and_clear();
    sent.map_err(|failure| match failure {
        Failure::Error(text) if text.contains("Content-Type") => Failure::Error(format!(
            "cannot tell the format of {}: say it with `--read format=csv` (or tsv, json, ndjson)",
            source.shown
        )),
        Failure::Error(text) => Failure::Error(format!("{}: {text}", source.shown)),
        other => other,
    })
}

fn bar(bytes: u64) -> ProgressBar {
    if bytes < BYTES_WITH_A_BAR || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("uploading {bar:20} {bytes}/{total_bytes} {eta}") {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// The dataset that `text` names, or the file that it is.
pub async fn dataset(api: &Api, text: &str, name: Option<&str>, options: &[Setting]) -> Result<Uploaded, Failure> {
    if is_file(text) {
        return upload(api, text, name, options).await;
    }
    match names::named(api, "datasets", "dataset", text).await {
        Ok(dataset) => Ok(Uploaded { dataset, is_new: false }),
        Err(Failure::Missing(reason)) if !reason.starts_with(super::api::NOBODY) => {
            Err(Failure::Missing(format!("no file {:?} is here; {reason}", clean(text))))
        }
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_are_named_after_files() {
        let names =
            ["a/Iris.csv", "x.tar.csv.gz", "größe 2.csv", "_x.csv", "...", "/"].map(|file| name_of(Path::new(file)));
        assert_eq!(names, ["Iris", "x.tar", "gr--e-2", "x", "data", "data"]);
        assert_eq!((numbered("a", 1), numbered("a", 2)), ("a".to_owned(), "a-2".to_owned()));
    }

    #[test]
    fn what_is_written_like_a_file_is_one() {
        assert!(["-", "x.csv", "./x", "X.PARQUET", "Cargo.toml"].into_iter().all(is_file));
        assert!(!["iris", "iris-2", "@last", "v1.2"].into_iter().any(is_file));
    }
}
