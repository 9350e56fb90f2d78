//! `epoca datasets`.

use crate::client::{
    api::Api,
    describe,
    failure::{EXIT_CODES, Failure},
    list::{self, limit},
    names,
    notes::note,
    output::{bytes, clean, print, print_json, table, text_of},
    settings::{Setting, setting},
    source::STDIN,
    upload,
};
use clap::{Args, Subcommand};
use serde_json::Value;

/// Datasets, newest first; or what to do with some.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Datasets {
    #[command(subcommand)]
    action: Option<Action>,

    /// Datasets to list [default: 20]
    #[arg(long, value_name = "N", value_parser = limit)]
    limit: Option<usize>,

    /// Print the API's own objects
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// List datasets, as without an action
    #[command(hide = true, alias = "ls")]
    List,
    /// Upload files
    #[command(alias = "upload")]
    Add {
        /// The files, or `-` for stdin
        #[arg(value_name = "FILE", required = true)]
        files: Vec<String>,
        /// Name of the dataset [default: that of the file]
        #[arg(long)]
        name: Option<String>,
        /// How to read it: format, separator, decimal, header, skip_rows, missing, types.COLUMN …; repeat it for several
        #[arg(long = "read", value_name = "NAME=VALUE", value_parser = setting)]
        options: Vec<Setting>,
    },
    /// Show a dataset with its columns
    Show {
        /// The dataset: a name, an id, its first characters, or `@last`
        #[arg(value_name = "DATASET", default_value = names::LAST)]
        dataset: String,
        /// Show the first rows instead
        #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "10", value_parser = limit)]
        rows: Option<usize>,
    },
    /// Delete datasets
    #[command(aliases = ["delete", "remove"])]
    Rm {
        /// The datasets: names, ids, or their first characters
        #[arg(value_name = "DATASET", required = true)]
        datasets: Vec<String>,
    },
}

/// Lists, uploads, shows or deletes datasets.
pub async fn run(api: &Api, arguments: Datasets) -> Result<(), Failure> {
    list::only_without_action(
        &[("--limit", arguments.limit.is_some())],
        arguments.action.as_ref().is_some_and(|action| !matches!(action, Action::List)),
    )?;
    match arguments.action {
        None | Some(Action::List) => list(api, arguments.limit.unwrap_or(list::DEFAULT_LIMIT), arguments.json).await,
        Some(Action::Add { files, name, options }) => {
            if name.is_some() && files.len() > 1 {
                return Err(Failure::Usage(format!("--name names one dataset, received {} files", files.len())));
            }
            if files.iter().filter(|file| *file == STDIN).count() > 1 {
                return Err(Failure::Usage("stdin can be read once: expected one `-`".to_owned()));
            }
            for file in &files {
                let uploaded = upload::upload(api, file, name.as_deref(), &options).await?;
                let dataset = uploaded.dataset;
                if arguments.json {
                    print_json(&dataset)?;
                    continue;
                }
                if !uploaded.is_new {
                    let shown = if file == STDIN { "stdin" } else { file.as_str() };
                    note(format_args!("{} is there already", clean(shown)));
                }
                print(&describe::dataset(&dataset))?;
                let name = dataset["name"].as_str().unwrap_or_default();
                note(format_args!("\nnext:  {}", api.command(&format!("train --data {name} --target COLUMN"))));
            }
            Ok(())
        }
        Some(Action::Show { dataset, rows }) => {
            let dataset = names::named(api, "datasets", "dataset", &dataset).await?;
            match rows {
                None if arguments.json => print_json(&dataset),
                None => print(&describe::dataset(&dataset)),
                Some(count) => show_rows(api, &dataset, count, arguments.json).await,
            }
        }
        Some(Action::Rm { datasets }) => {
            for dataset in &datasets {
                let dataset = names::named(api, "datasets", "dataset", dataset).await?;
                api.delete(&["datasets", dataset["id"].as_str().unwrap_or_default()]).await?;
                note(format_args!("deleted the dataset {}", text_of(&dataset["name"])));
            }
            Ok(())
        }
    }
}

async fn list(api: &Api, limit: usize, is_json: bool) -> Result<(), Failure> {
    let page = api.list(&["datasets"], &[], limit).await?;
    if is_json {
        return print_json(&page);
    }
    let datasets = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if datasets.is_empty() {
        note(format_args!("there are no datasets yet: upload one with `{}`", api.command("datasets add FILE")));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = datasets
        .iter()
        .map(|dataset| {
            let columns = dataset["columns"].as_array().map(|columns| columns.len().to_string());
            let created = text_of(&dataset["created_at"]).chars().take(16).collect::<String>().replace('T', " ");
            let size = bytes(dataset["bytes"].as_u64().unwrap_or(0));
            vec![text_of(&dataset["name"]), text_of(&dataset["rows"]), columns.unwrap_or_default(), size, created]
        })
        .collect();
    print(&table(&["dataset", "rows", "columns", "size", "created"], &rows))?;
    if page["next"].is_string() {
        note(format_args!("there are more: --limit {}", limit.saturating_mul(5)));
    }
    Ok(())
}

async fn show_rows(api: &Api, dataset: &Value, count: usize, is_json: bool) -> Result<(), Failure> {
    let id = dataset["id"].as_str().unwrap_or_default();
    let page = api.list(&["datasets", id, "rows"], &[], count).await?;
    if is_json {
        return print_json(&page);
    }
    let columns = dataset["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    let heading: Vec<String> = columns.iter().map(|column| text_of(&column["name"])).collect();
    let rows: Vec<Vec<String>> = page["data"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|row| columns.iter().map(|column| cell(&row[column["name"].as_str().unwrap_or_default()])).collect())
        .collect();
    print(&table(&heading.iter().map(String::as_str).collect::<Vec<_>>(), &rows))
}

/// A cell as the file writes it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Number(number) => number.to_string(),
        other => text_of(other),
    }
}
