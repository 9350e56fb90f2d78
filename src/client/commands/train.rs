//! `epoca train`.

use crate::client::{
    api::{Api, NOBODY},
    definition, describe,
    failure::{EXIT_CODES, Failure},
    names,
    notes::{note, tell},
    output::{clean, print, print_json, print_line},
    settings::{Setting, setting},
    source::STDIN,
    suggest::{self, TEMPLATES, suggest},
    upload,
    watch::{self, Shown},
};
use clap::Args;
use serde_json::{Map, Value, json};
use std::io::BufRead;

const EXAMPLES: &str = "\
Examples:
  epoca train --data iris.csv --target species
  epoca train --data iris.csv --target species --model model.json --epochs 100 --set optimizer.learning_rate=1e-3
  zcat iris.csv.gz | epoca train --data - --target species
  epoca train --from @last --set optimizer.learning_rate=1e-4
  epoca train --data iris.csv --target species --dry-run";

/// What is trained on what.
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "epoca train --data FILE --target COLUMN [OPTIONS]\n       epoca train --from JOB [OPTIONS]"
)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Train {
    /// The table: a file, which is uploaded, `-` for stdin, or a dataset of the service
    #[arg(long, value_name = "FILE|DATASET")]
    data: Option<String>,

    /// The column to predict
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,

    /// The columns to predict it from, separated by commas [default: all others]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    features: Vec<String>,

    /// The model: a JSON file (epoca's or Keras's), `-` for stdin, a model of the service, `mlp`, `linear`, or the name of a classical model as `gradient_boosting` [default: an `mlp` for the table]
    #[arg(long, value_name = "FILE|MODEL")]
    model: Option<String>,

    /// Name of the model, where a new one is made [default: DATASET-mlp, or that of the file]
    #[arg(long)]
    name: Option<String>,

    /// Repeat a job; other arguments change it
    #[arg(long, value_name = "JOB")]
    from: Option<String>,

    /// Maximum number of epochs
    #[arg(long, value_name = "N")]
    epochs: Option<u64>,

    /// Rows of a step
    #[arg(long, value_name = "N")]
    batch_size: Option<u64>,

    /// Share of the rows that is held out to validate on, 0 to 1
    #[arg(long, value_name = "SHARE")]
    validation_split: Option<f64>,

    /// End after N epochs without a better validation loss, and restore the best weights
    #[arg(long, value_name = "N")]
    early_stopping: Option<u64>,

    /// Seed of the random numbers
    #[arg(long, value_name = "N")]
    seed: Option<u64>,

    /// Any field of the job, of its training, or of the model's definition: optimizer.learning_rate=1e-3, class_weight=balanced, definition.n_estimators=200; repeat it for several
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<Setting>,

    /// How to read the file: format, separator, decimal, header, missing, types.COLUMN …; repeat it for several
    #[arg(long = "read", value_name = "NAME=VALUE", value_parser = setting)]
    options: Vec<Setting>,

    /// Watch the job to its end (the default); with --json, print its events as NDJSON and the job as the last line
    #[arg(long, conflicts_with_all = ["detach", "dry_run"])]
    watch: bool,

    /// Print the job's id and return at once
    #[arg(long, conflicts_with_all = ["dry_run", "local"])]
    detach: bool,

    /// Check the request and print what would be trained; nothing is stored, and a file is uploaded only for the check
    #[arg(long)]
    dry_run: bool,

    /// Print the API's own objects
    #[arg(long)]
    json: bool,

    /// Print a line an epoch where stderr is no terminal, in place of about 20 lines with the first, the last and the best epoch
    #[arg(short, long, conflicts_with_all = ["detach", "dry_run"])]
    verbose: bool,
}

/// Uploads, defines and trains.
pub async fn run(api: &Api, arguments: Train) -> Result<(), Failure> {
    let mut made = Vec::new();
    let submitted = submit(api, &arguments, &mut made).await;
    if arguments.dry_run || submitted.is_err() {
        // A failure leaves nothing behind, and neither does a dry run.
        for [list, id] in made.iter().rev() {
            api.delete(&[list, id]).await.ok();
        }
    }
    let (job, dataset) = submitted?;
    if arguments.dry_run {
        note("this is what would be trained; nothing was stored");
        return if arguments.json { print_json(&job) } else { print(&describe::plan(&job)) };
    }
    let id = job["id"].as_str().unwrap_or_default();
    if arguments.detach {
        if arguments.json {
            return print_json(&job);
        }
        print(&format!("{id}\n"))?;
        let short = names::short_ids(&[id]).join("");
        note(format_args!("next:  {}", api.command(&format!("watch {short}"))));
        return Ok(());
    }
    tell(&describe::warnings(&job));
    let shown = match (arguments.json && arguments.watch, arguments.verbose) {
        (true, _) => Shown::Events,
        (false, true) => Shown::EveryEpoch,
        (false, false) => Shown::Progress,
    };
    let job = watch::to_end(api, &job, shown).await?;
    match (arguments.json, arguments.watch) {
        (true, true) => print_line(&job)?,
        (true, false) => print_json(&job)?,
        (false, _) if job["status"] == "succeeded" => {
            print(&describe::result(&job, Some(&dataset)))?;
            let version = describe::version_of(&job);
            let file =
                arguments.data.as_deref().filter(|data| *data != STDIN && upload::is_file(data)).unwrap_or("FILE");
            note(format_args!("\nnext:  {}", api.command(&format!("predict {version} {}", quoted(file)))));
        }
        (false, _) => {}
    }
    watch::verdict(&job)
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "._-/+:@%,=~".contains(character);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// The job as the service took it, with the dataset. What is created on the way is added to `made`.
async fn submit(api: &Api, arguments: &Train, made: &mut Vec<[String; 2]>) -> Result<(Value, Value), Failure> {
    let (mut body, dataset) = match &arguments.from {
        Some(job) => again(api, arguments, &names::job(api, job).await?, made).await?,
        None => first(api, arguments, made).await?,
    };
    let training = body.entry("training").or_insert_with(|| json!({}));
    if let Value::Object(training) = training {
        override_training(training, arguments);
    }
    if !arguments.features.is_empty() {
        body.insert("features".to_owned(), json!(arguments.features));
    }
    let of_job = arguments.settings.iter().filter(|setting| !setting.is_of_definition());
    of_job.for_each(|setting| setting.of_job().apply(&mut body));
    let query: &[(&str, &str)] = if arguments.dry_run { &[("dry_run", "true")] } else { &[] };
    let posted = api.post(&["jobs"], query, &Value::Object(body)).await;
    let job = posted.map_err(|failure| match failure {
        Failure::Error(text) if text.contains("/training/") && text.contains("unknown field") => {
            Failure::Error(format!("{text}\n  a setting of the model itself is `--set definition.NAME=VALUE`"))
        }
        other => other,
    })?;
    Ok((job, dataset))
}

/// Whether a `--set` is about the model.
fn changes_definition(arguments: &Train) -> bool {
    arguments.settings.iter().any(Setting::is_of_definition)
}

/// The definition with what `--set definition.NAME=VALUE` says.
fn changed(definition: Value, arguments: &Train) -> Result<Value, Failure> {
    let mut object = Map::from_iter([("definition".to_owned(), definition)]);
    for setting in arguments.settings.iter().filter(|setting| setting.is_of_definition()) {
        let is_within_list = setting.path.len() > 2 && object["definition"][&setting.path[1]].is_array();
        if setting.path.len() < 2 || is_within_list {
            let path = setting.path.join(".");
            return Err(Failure::Usage(format!(
                "--set {path}: expected a field of the definition, as definition.NAME"
            )));
        }
        setting.apply(&mut object);
    }
    Ok(object.remove("definition").unwrap_or_default())
}

/// The request of a new job: a model and settings that suit the table, unless the user names them.
async fn first(
    api: &Api,
    arguments: &Train,
    made: &mut Vec<[String; 2]>,
) -> Result<(Map<String, Value>, Value), Failure> {
    if arguments.data.as_deref() == Some(STDIN) && arguments.model.as_deref() == Some(STDIN) {
        return Err(Failure::Usage("--data and --model cannot both be stdin: give one as a file".to_owned()));
    }
    let Some(data) = &arguments.data else {
        return Err(Failure::Usage("expected --data FILE, the table to learn from".to_owned()));
    };
    let Some(target) = &arguments.target else {
        let shown = first_line(data).map(|line| format!("; the first line of {data} is\n  {line}")).unwrap_or_default();
        return Err(Failure::Usage(format!("expected --target COLUMN, the column to predict{shown}")));
    };
    let dataset = uploaded(api, arguments, data, made).await?;
    let word = arguments.model.as_deref().unwrap_or(TEMPLATES[0]);
    let (model, training, definition) = model(api, arguments, word, (&dataset, target), made).await?;
    let mut body = Map::new();
    body.insert("model".to_owned(), model);
    body.extend(definition.map(|definition| ("definition".to_owned(), definition)));
    body.insert("dataset".to_owned(), dataset["id"].clone());
    body.insert("target".to_owned(), json!(target));
    body.insert("training".to_owned(), Value::Object(training));
    Ok((body, dataset))
}

/// The request of an earlier job, with another table, target or model where the user names them.
async fn again(
    api: &Api,
    arguments: &Train,
    job: &Value,
    made: &mut Vec<[String; 2]>,
) -> Result<(Map<String, Value>, Value), Failure> {
    let mut body = Map::new();
    for field in ["target", "features", "inputs", "training"] {
        if !job[field].is_null() && (field != "features" || job["inputs"].is_null()) {
            body.insert(field.to_owned(), job[field].clone());
        }
    }
    let dataset = match &arguments.data {
        Some(data) => uploaded(api, arguments, data, made).await?,
        None => api.get(&["datasets", job["dataset_id"].as_str().unwrap_or_default()], &[]).await?,
    };
    if let Some(target) = &arguments.target {
        body.insert("target".to_owned(), json!(target));
        body.remove("features");
    }
    let own = job["model_id"].as_str().filter(|_| changes_definition(arguments));
    let model = match arguments.model.as_deref().or(own) {
        Some(word) => {
            let target = arguments.target.as_deref().or(job["target"].as_str()).unwrap_or_default();
            let (model, _, definition) = model(api, arguments, word, (&dataset, target), made).await?;
            body.extend(definition.map(|definition| ("definition".to_owned(), definition)));
            model
        }
        None => job["model_id"].clone(),
    };
    body.insert("model".to_owned(), model);
    body.insert("dataset".to_owned(), dataset["id"].clone());
    if let Some(id) = job["validation_dataset_id"].as_str() {
        body.insert("validation_dataset".to_owned(), json!(id));
    }
    Ok((body, dataset))
}

async fn uploaded(api: &Api, arguments: &Train, data: &str, made: &mut Vec<[String; 2]>) -> Result<Value, Failure> {
    let uploaded = upload::dataset(api, data, None, &arguments.options).await?;
    if uploaded.is_new {
        made.push(["datasets".to_owned(), uploaded.dataset["id"].as_str().unwrap_or_default().to_owned()]);
    }
    tell(&describe::warnings(&uploaded.dataset));
    Ok(uploaded.dataset)
}

/// The model to train, the settings that suit it, and its definition where it does not exist yet.
async fn model(
    api: &Api,
    arguments: &Train,
    word: &str,
    (dataset, target): (&Value, &str),
    made: &mut Vec<[String; 2]>,
) -> Result<(Value, Map<String, Value>, Option<Value>), Failure> {
    let data = dataset["name"].as_str().unwrap_or_default();
    let (name, definition, training) = if TEMPLATES.contains(&word) {
        let suggestion = suggest(dataset, target, word)?;
        note(format_args!("{}: {}", clean(data), suggestion.summary));
        (format!("{data}-{word}"), suggestion.definition, suggestion.training)
    } else {
        if !target.is_empty() {
            suggest::column(dataset, target)?;
        }
        if upload::is_file(word) {
            (definition::name_of(word), definition::read(word)?, Map::new())
        } else {
            let model = names::named(api, "models", "model", word).await.map_err(|failure| match failure {
                Failure::Missing(text) if !text.starts_with(NOBODY) => Failure::Missing(format!(
                    "{text}; --model also takes a JSON file, or one of {}{}",
                    TEMPLATES.join(", "),
                    suggest::did_you_mean(word)
                )),
                other => other,
            })?;
            if !changes_definition(arguments) {
                return Ok((model["id"].clone(), Map::new(), None));
            }
            (model["name"].as_str().unwrap_or_default().to_owned(), model["definition"].clone(), Map::new())
        }
    };
    let definition = changed(definition, arguments)?;
    let name = arguments.name.clone().unwrap_or(name);
    if arguments.dry_run {
        // The service tries a definition without storing it.
        return Ok((json!(name), training, Some(definition)));
    }
    let (model, is_new) = definition::find_or_create(api, &name, &definition).await?;
    if is_new {
        made.push(["models".to_owned(), model["id"].as_str().unwrap_or_default().to_owned()]);
    }
    tell(&describe::warnings(&model));
    Ok((model["id"].clone(), training, None))
}

/// Flags before what the table suggests.
fn override_training(training: &mut Map<String, Value>, arguments: &Train) {
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            training.insert(name.to_owned(), value);
        }
    };
    set("epochs", arguments.epochs.map(Value::from));
    set("batch_size", arguments.batch_size.map(Value::from));
    set("validation_split", arguments.validation_split.map(Value::from));
    set("seed", arguments.seed.map(Value::from));
    let has_validation = arguments.validation_split.is_none_or(|share| share > 0.0);
    let monitor = if has_validation { "val_loss" } else { "loss" };
    let stopping = |patience: u64| json!({"monitor": monitor, "patience": patience, "restore_best_weights": true});
    set("early_stopping", arguments.early_stopping.map(stopping));
    if arguments.early_stopping.is_none() && !has_validation {
        // Nothing is left to watch.
        training.remove("early_stopping");
    } else if arguments.early_stopping.is_some() && has_validation {
        training.entry("validation_split").or_insert_with(|| json!(0.2));
    }
}

/// The beginning of a text file, to show its columns.
fn first_line(file: &str) -> Option<String> {
    let mut line = String::new();
    let file = std::fs::File::open(file).ok()?;
    std::io::BufReader::new(std::io::Read::take(file, 4096)).read_line(&mut line).ok()?;
    Some(clean(line.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        train: Train,
        #[arg(long)]
        local: bool,
    }

    fn training(suggested: Value, flags: &[&str]) -> Value {
        let Command { train, local } = Command::parse_from([&["train"], flags].concat());
        assert!(!local);
        let Value::Object(mut training) = suggested else { panic!("{suggested} is not an object") };
        override_training(&mut training, &train);
        Value::Object(training)
    }

    #[test]
    fn flags_come_before_what_the_table_suggests() {
        let suggested = || json!({"epochs": 5, "validation_split": 0.2, "early_stopping": {"patience": 3}});
        assert_eq!(training(suggested(), &["--epochs", "9"])["epochs"], 9);
        let without = training(suggested(), &["--validation-split", "0"]);
        assert_eq!(without, json!({"epochs": 5, "validation_split": 0.0}), "there is no val_loss to watch");
        let stopping = training(json!({}), &["--early-stopping", "7"]);
        assert_eq!(stopping["early_stopping"]["monitor"], "val_loss");
        assert_eq!(stopping["validation_split"], 0.2);
    }
}
