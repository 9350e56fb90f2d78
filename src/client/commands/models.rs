//! `epoca models`.

use crate::client::{
    api::Api,
    definition, describe,
    failure::{EXIT_CODES, Failure},
    list::{self, limit},
    names,
    notes::note,
    output::{pairs, print, print_json, table, text_of},
};
use clap::{Args, Subcommand};
use serde_json::Value;

/// Models, newest first; or what to do with some.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Models {
    #[command(subcommand)]
    action: Option<Action>,

    /// Models to list [default: 20]
    #[arg(long, value_name = "N", value_parser = limit)]
    limit: Option<usize>,

    /// Print the API's own objects
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// List models, as without an action
    #[command(hide = true, alias = "ls")]
    List,
    /// Add a model from a file: a definition, or the JSON of Keras's `model.to_json()`
    Add {
        /// The file, or `-` for stdin
        #[arg(value_name = "FILE")]
        file: String,
        /// Name of the model [default: that of the file]
        #[arg(long)]
        name: Option<String>,
    },
    /// Show a model and its versions, or one version
    Show {
        /// The model, or MODEL@VERSION: a name, an id, its first characters, or `@last`
        #[arg(value_name = "MODEL", default_value = names::LAST)]
        model: String,
    },
    /// Delete models with their versions, or single versions
    #[command(aliases = ["delete", "remove"])]
    Rm {
        /// The models, or MODEL@VERSION: names, ids, or their first characters
        #[arg(value_name = "MODEL", required = true)]
        models: Vec<String>,
    },
}

/// Lists, adds, shows or deletes models.
pub async fn run(api: &Api, arguments: Models) -> Result<(), Failure> {
    list::only_without_action(
        &[("--limit", arguments.limit.is_some())],
        arguments.action.as_ref().is_some_and(|action| !matches!(action, Action::List)),
    )?;
    match arguments.action {
        None | Some(Action::List) => list(api, arguments.limit.unwrap_or(list::DEFAULT_LIMIT), arguments.json).await,
        Some(Action::Add { file, name }) => {
            let read = definition::read(&file)?;
            let model = definition::create(api, name.as_deref().unwrap_or(&definition::name_of(&file)), &read).await?;
            if arguments.json {
                return print_json(&model);
            }
            print(&described(&model, &[]))?;
            let name = model["name"].as_str().unwrap_or_default();
            note(format_args!(
                "\nnext:  {}",
                api.command(&format!("train --model {name} --data FILE --target COLUMN"))
            ));
            Ok(())
        }
        Some(Action::Show { model }) if has_version(&model) => {
            let version = names::version(api, &model).await?;
            if arguments.json { print_json(&version) } else { print(&describe::version(&version)) }
        }
        Some(Action::Show { model }) => {
            let model = names::named(api, "models", "model", &model).await?;
            if arguments.json {
                return print_json(&model);
            }
            let id = model["id"].as_str().unwrap_or_default();
            let versions = api.list(&["models", id, "versions"], &[], 100).await?;
            print(&described(&model, versions["data"].as_array().map(Vec::as_slice).unwrap_or_default()))
        }
        Some(Action::Rm { models }) => {
            for model in &models {
                if has_version(model) {
                    let version = names::version(api, model).await?;
                    let (name, number) =
                        (version["model"].as_str().unwrap_or_default(), version["version"].to_string());
                    api.delete(&["models", name, "versions", &number]).await?;
                    note(format_args!("deleted the version {}", describe::version_of(&version)));
                    continue;
                }
                let model = names::named(api, "models", "model", model).await?;
                api.delete(&["models", model["id"].as_str().unwrap_or_default()]).await?;
                note(format_args!("deleted the model {}", text_of(&model["name"])));
            }
            Ok(())
        }
    }
}

/// Whether `text` is MODEL@VERSION; `@last` is a model.
fn has_version(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(model, _)| !model.is_empty())
}

async fn list(api: &Api, limit: usize, is_json: bool) -> Result<(), Failure> {
    let page = api.list(&["models"], &[], limit).await?;
    if is_json {
        return print_json(&page);
    }
    let models = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    if models.is_empty() {
        let train = api.command("train --data FILE --target COLUMN");
        note(format_args!("there are no models yet: `{train}` makes and trains one"));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = models
        .iter()
        .map(|model| {
            let created = text_of(&model["created_at"]).chars().take(16).collect::<String>().replace('T', " ");
            vec![text_of(&model["name"]), text_of(&model["latest_version"]), kind_of(model), created]
        })
        .collect();
    print(&table(&["model", "version", "kind", "created"], &rows))?;
    if page["next"].is_string() {
        note(format_args!("there are more: --limit {}", limit.saturating_mul(5)));
    }
    Ok(())
}

/// The type of a classical model, or the number of layers.
fn kind_of(model: &Value) -> String {
    match model["definition"]["layers"].as_array() {
        Some(layers) if layers.len() == 1 => "1 layer".to_owned(),
        Some(layers) => format!("{} layers", layers.len()),
        None => text_of(&model["definition"]["type"]),
    }
}

fn described(model: &Value, versions: &[Value]) -> String {
    let rows = [("model", "name"), ("id", "id"), ("version", "latest_version"), ("created", "created_at")];
    let rows = rows.map(|(name, field)| (name.to_owned(), text_of(&model[field])));
    let layers: Vec<Vec<String>> = model["definition"]["layers"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|layer| {
            let kind = text_of(&layer["type"]);
            let size = ["units", "filters", "rate", "output_dim"].iter().find(|name| layer[**name].is_number());
            let size = size.map(|name| format!("{name} {}", layer[*name])).unwrap_or_default();
            let activation = layer["activation"].as_str().unwrap_or_default();
            vec![text_of(&layer["name"]), kind, size, activation.to_owned()]
        })
        .collect();
    let mut text = pairs(&rows);
    if layers.is_empty() {
        text += &pairs(&[("kind".to_owned(), describe::brief(&model["definition"]))]);
    } else {
        text += &format!("\n{}", table(&["layer", "type", "size", "activation"], &layers));
    }
    text += &describe::warnings(model);
    if !versions.is_empty() {
        let rows: Vec<Vec<String>> = versions
            .iter()
            .map(|version| {
                let (name, value) = describe::main_metric(&version["metrics"]);
                vec![
                    describe::version_of(version),
                    text_of(&version["dataset"]),
                    format!("{name} {value}"),
                    text_of(&version["job"]),
                ]
            })
            .collect();
        text += &format!("\n{}", table(&["version", "dataset", "metric", "job"], &rows));
    }
    text
}
