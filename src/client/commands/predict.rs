//! `epoca predict`.

use crate::client::{
    api::Api,
    describe,
    failure::{EXIT_CODES, Failure, of_file, of_stdout},
    names,
    notes::note,
    output::clean,
    predictions::Writer,
    records,
    rows::{Expected, Format, Part},
    sink::Sink,
};
use clap::Args;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::{IsTerminal, Read},
};
use tokio::sync::mpsc;

const EXAMPLES: &str = "\
Examples:
  epoca predict iris-mlp new.csv -o predicted.csv
  epoca predict iris-mlp@3 new.csv --to json
  echo '{\"sepal_length\": 5.1, \"sepal_width\": 3.5, \"petal_length\": 1.4, \"petal_width\": 0.2}' | epoca predict iris-mlp -";

/// Extensions of files that predictions are not written as.
const OTHER_FILES: &[&str] = &[
    "gz", "zst", "bz2", "xz", "zip", "parquet", "arrow", "feather", "xls", "xlsx", "npy", "npz", "pkl", "h5", "sqlite",
];

/// Which model, on which rows.
#[derive(Debug, Clone, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Predict {
    /// The model, or MODEL@VERSION; `@last` is what was trained last [default version: the latest]
    #[arg(value_name = "MODEL[@VERSION]")]
    model: String,

    /// Rows in CSV, TSV, JSON or NDJSON, also compressed (gzip, zstd), `-` for stdin; columns that the model does not know are passed through
    #[arg(value_name = "FILE")]
    file: String,

    /// File to write, `-` for stdout
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: String,

    /// Format of the rows [default: by the file's name, or by its first bytes]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,

    /// Format of the predictions [default: by the output's name, or csv]
    #[arg(long, value_name = "FORMAT")]
    to: Option<Format>,

    /// Short for `--to json`: each record with the API's own prediction beside it
    #[arg(long, conflicts_with = "to")]
    json: bool,
}

/// Predicts a file, some rows at a time.
pub async fn run(api: &Api, arguments: Predict) -> Result<(), Failure> {
    check_output(&arguments.output)?;
    let version = names::version(api, &arguments.model).await?;
    let expected = expected(api, &version).await?;
    let to = match arguments.json {
        true => Format::Json,
        false => arguments.to.or_else(|| Format::of_name(&arguments.output)).unwrap_or(Format::Csv),
    };
    let source: Box<dyn Read + Send> = if arguments.file == "-" {
        if std::io::stdin().is_terminal() {
            note("reading rows from the terminal; end them with Ctrl-D");
        }
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(&arguments.file).map_err(|error| of_file("read", &arguments.file, &error))?)
    };
    let format = arguments.format.or_else(|| Format::of_name(&arguments.file));
    let (sender, parts) = mpsc::channel(2);
    let file = if arguments.file == "-" { "stdin".to_owned() } else { clean(&arguments.file) };
    let shown = file.clone();
    let reader = tokio::task::spawn_blocking(move || {
        let read = records::read(source, format, &expected, &mut |part| sender.blocking_send(Ok(part)).is_ok());
        if let Err(failure) = read {
            let failure = match failure {
                Failure::Error(text) => Failure::Error(format!("{file}: {text}")),
                other => other,
            };
            sender.blocking_send(Err(failure)).ok();
        }
    });
    let predicted = predict(api, &version, (&shown, parts), &arguments.output, to).await;
    if predicted.is_ok() {
        reader.await.ok();
    }
    predicted
}

/// Refuses a file whose name says that it has something other than text.
fn check_output(output: &str) -> Result<(), Failure> {
    let extension = output.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase()).unwrap_or_default();
    if !OTHER_FILES.contains(&extension.as_str()) {
        return Ok(());
    }
    let name = clean(output);
    Err(Failure::Usage(format!(
        "--output: expected a name of uncompressed CSV, TSV, JSON or NDJSON, such as predicted.csv, received {name}"
    )))
}

async fn predict(
    api: &Api,
    version: &Value,
    (file, mut parts): (&str, mpsc::Receiver<Result<Part, Failure>>),
    output: &str,
    to: Format,
) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| if output == "-" { of_stdout(&error) } else { of_file("write", output, &error) };
    let (model, number) = (version["model"].as_str().unwrap_or_default(), version["version"].to_string());
    let verb = format!("{number}:predict");
    let path = ["models", model, "versions", &verb];
    let mut writer = Writer::new(Sink::create(output)?, to, version);
    let mut warnings = Warnings::default();
    let mut count = 0;
    while let Some(part) = parts.recv().await {
        let (first, rows) = match part? {
            Part::Header(header) => {
                writer.header(header);
                continue;
            }
            Part::Rows { first, rows } => (first, rows),
        };
        let instances: Vec<&Value> = rows.iter().map(|row| &row.instance).collect();
        let answer = api.post(&path, &[], &json!({"instances": instances})).await;
        let mut answer = answer.map_err(|failure| match failure {
            Failure::Error(text) => Failure::Error(format!("{file}: {}", with_rows(&text, first))),
            other => other,
        })?;
        let Value::Array(predictions) = answer["predictions"].take() else {
            return Err(Failure::Error(format!("{} answers without predictions", api.url())));
        };
        warnings.add(&answer, first);
        if predictions.len() != rows.len() {
            let (expected, received) = (rows.len(), predictions.len());
            return Err(Failure::Error(format!("expected {expected} predictions, received {received}")));
        }
        count += rows.len();
        writer.write(rows.into_iter().zip(predictions)).map_err(failed)?;
    }
    writer.finish(failed)?;
    warnings.print();
    if output != "-" {
        note(format_args!("wrote {count} predictions of {} to {output}", describe::version_of(version)));
    }
    Ok(())
}

/// The features of the version, and how the table was read that it learned from.
async fn expected(api: &Api, version: &Value) -> Result<Expected, Failure> {
    let inputs = version["signature"]["inputs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let features = inputs.iter().map(|input| (text(&input["name"]), text(&input["type"]))).collect();
    let dataset = version["dataset"].as_str().unwrap_or_default();
    // The dataset may have been deleted since.
    let read = api.find(&["datasets", dataset]).await?.map(|mut dataset| dataset["read"].take());
    Ok(Expected { features, read: read.unwrap_or_default() })
}

/// `/instances/2/a: …` as `row 3, column a: …`, counted from the first row of the file.
fn with_rows(text: &str, first: usize) -> String {
    const INSTANCES: &str = "/instances/";
    let mut parts = text.split(INSTANCES);
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (index, rest) = part.split_at(end);
        match index.parse::<usize>() {
            Ok(index) => {
                let rest =
                    rest.strip_prefix('/').map_or_else(|| rest.to_owned(), |column| format!(", column {column}"));
                written += &format!("row {}{rest}", first + index);
            }
            Err(_) => written += &format!("{INSTANCES}{part}"),
        }
    }
    written
}

/// Warnings of all answers: one line a kind and column.
#[derive(Debug, Default)]
struct Warnings(Vec<(String, usize, String)>);

impl Warnings {
    fn add(&mut self, answer: &Value, first: usize) {
        for warning in answer["warnings"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let pointer = warning["pointer"].as_str().unwrap_or_default();
            let column = pointer.splitn(4, '/').nth(3).unwrap_or_default();
            let key = format!("{} {column}", warning["code"]);
            let found = self.0.iter_mut().find(|(known, _, _)| *known == key);
            match found {
                Some((_, count, _)) => *count += 1,
                None => {
                    let text = format!("{pointer}: {}", warning["detail"].as_str().unwrap_or_default());
                    self.0.push((key, 1, with_rows(&clean(&text), first)));
                }
            }
        }
    }

    fn print(&self) {
        for (_, count, text) in &self.0 {
            let more = if *count > 1 { format!(" (and {} more like it)", count - 1) } else { String::new() };
            note(format_args!("warning: {text}{more}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_become_rows() {
        assert_eq!(with_rows("/instances/2/a: expected a number", 1001), "row 1003, column a: expected a number");
        assert_eq!(with_rows("2 fields, the first is /instances/0: no", 1), "2 fields, the first is row 1: no");
        assert_eq!(with_rows("/instances/x", 1), "/instances/x");
    }

    #[test]
    fn equal_warnings_are_counted() {
        let mut warnings = Warnings::default();
        let answer = json!({"warnings": [
            {"pointer": "/instances/0/day", "code": "missing_column", "detail": "d"},
            {"pointer": "/instances/1/day", "code": "missing_column", "detail": "d"},
            {"pointer": "/instances/1/b", "code": "unseen_level", "detail": "u"}]});
        warnings.add(&answer, 1);
        warnings.add(&answer, 3);
        let counts: Vec<_> = warnings.0.iter().map(|(_, count, text)| (*count, text.as_str())).collect();
        assert_eq!(counts, [(4, "row 1, column day: d"), (2, "row 2, column b: u")]);
    }
}
