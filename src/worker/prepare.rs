//! Preparation of a job: from its definition and its files to a network and tensors.

use crate::{
    data::{
        read::{ReadError, columnar::load_columns, load},
        recipe::{Logits, OutputTargets, Preprocessing, Recipe, Task, input_width},
        schema::ColumnType,
        split::{Split, split},
        table::Table,
        weights::{ClassWeight, weights},
    },
    engine::{
        field::FieldError,
        fit::Samples,
        network::Network,
        shape::Shape,
        spec::{Architecture, Definition, Limits},
    },
    job::{
        Dataset, Job, JobError, Model,
        preprocessing::{ChosenBy, by_feature, choose},
    },
    store::artifacts::{Source, StoredColumns},
    worker::link::Link,
};
use ndarray::{Array1, Array2};
use std::io::{BufRead, Error, ErrorKind, Read};

/// A dataset's record and its file.
pub struct Input {
    pub dataset: Dataset,
    pub source: Source,
    pub columns: Option<StoredColumns>,
}

/// Everything that a job needs.
pub struct Inputs {
    pub job: Job,
    pub model: Model,
    pub data: Input,
    pub validation: Option<Input>,
}

/// Rows as the engine reads them.
pub struct Tensors {
    x: Array2<f32>,
    y: Array2<f32>,
    weights: Option<Array1<f32>>,
}

impl Tensors {
    pub fn samples(&self) -> Samples<'_, f32> {
        Samples { x: self.x.view(), y: self.y.view(), weights: self.weights.as_ref().map(|weights| weights.view()) }
    }

    pub fn rows(&self) -> usize {
        self.x.nrows()
    }
}

/// Ready to fit.
pub struct Prepared {
    pub network: Network<f32>,
    pub recipe: Recipe,
    pub training: Tensors,
    pub validation: Option<Tensors>,
}

/// Why a job is not ready to fit.
#[derive(Debug)]
pub enum PrepareError {
    /// A stop was requested.
    Stopped,
    /// The job fails.
    Failed(JobError),
}

pub fn prepare(inputs: Inputs, limits: &Limits, link: &Link) -> Result<Prepared, PrepareError> {
    let Inputs { job, model, data, validation } = inputs;
    let excess = job.summary.filter(|summary| summary.memory.exceeds(limits.memory_bytes));
    if let Some(summary) = excess {
        return Err(failed("memory_limit", summary.memory.excess(limits.memory_bytes)));
    }
    let training = &job.training;
    let columns = data.dataset.columns.clone();
    let mut names = job.features.clone();
    for column in job.target_columns().into_iter().chain(training.sample_weight.clone()) {
        if !names.contains(&column) {
            names.push(column);
        }
    }
    let table = read(data, &names, link)?;
    let rows = match &validation {
        Some(_) => Split { training: (0..table.rows).collect(), validation: Vec::new() },
        None => split(table.rows, training.validation_split, training.split_shuffle, training.seed),
    };
    let definition = model.parse_definition().map_err(invalid)?;
    let features: Vec<&[String]> = match &job.inputs {
        None => vec![&job.features],
        Some(inputs) => {
            let of_inputs = definition.inputs.iter().map(|input| Some(inputs.get(&input.name)?.as_slice()));
            of_inputs.collect::<Option<_>>().ok_or_else(|| incomplete("an input has no columns"))?
        }
    };
    let widths: Vec<usize> = features.iter().map(|features| input_width(&columns, features)).collect();
    let architecture = definition.resolve_features(&widths, limits).map_err(invalid)?;
    let named = job.inputs.as_ref();
    let scales = match job.preprocessing.is_empty() {
        false => job.preprocessing.clone(),
        // A job stored by a version that had one setting for all columns that are not looked up.
        true => choose(&architecture, &job.features, named, &columns, training.preprocessing, ChosenBy::Job).0,
    };
    let scales = by_feature(&scales, &job.features, named);
    let outputs = outputs(&job, &definition, &architecture)?;
    let of_inputs = features.concat();
    let preprocessing = |feature: usize| {
        let column = of_inputs.get(feature).and_then(|name| columns.iter().find(|column| column.name == *name));
        match column.map(|column| column.kind) {
            Some(ColumnType::Number) | None => scales.get(feature).copied().unwrap_or(Preprocessing::None),
            Some(ColumnType::Category | ColumnType::Boolean) => training.preprocessing,
        }
    };
    let recipe = Recipe::fit(&table, &columns, &of_inputs, &outputs, preprocessing, &rows.training).map_err(invalid)?;
    let architecture = architecture.with_columns(recipe.input_columns());
    check_stop(link)?;

    let sample_weight = training.sample_weight.as_deref();
    let tensors = |table: &Table, rows: &[usize], class_weight: Option<&ClassWeight>, dataset: &str| {
        let explain = |error: FieldError| failed("invalid_data", format!("the dataset {dataset:?}: {}", error.detail));
        Ok::<_, PrepareError>(Tensors {
            x: recipe.inputs(table, rows),
            y: recipe.targets(table, rows).map_err(explain)?,
            weights: weights(&recipe, table, rows, class_weight, sample_weight).map_err(explain)?,
        })
    };
    let training_tensors = tensors(&table, &rows.training, training.class_weight.as_ref(), &job.dataset)?;
    let validation_tensors = match validation {
        Some(input) => {
            let name = input.dataset.name.clone();
            let table = read(input, &names, link)?;
            Some(tensors(&table, &(0..table.rows).collect::<Vec<_>>(), None, &name)?)
        }
        None if rows.validation.is_empty() => None,
        None => Some(tensors(&table, &rows.validation, None, &job.dataset)?),
    };
    check_stop(link)?;

    for tensors in std::iter::once(&training_tensors).chain(&validation_tensors) {
        let checked = architecture.check_indices(tensors.x.view());
        checked.map_err(|error| failed("invalid_data", format!("the features: {error}")))?;
    }
    let network = Network::initialize_unless(architecture, training.seed, &|| link.is_stopping());
    check_stop(link)?;
    Ok(Prepared { network, recipe, training: training_tensors, validation: validation_tensors })
}

/// The targets of each output, in the model's order. Target, task and loss are found by the output's name.
fn outputs<'a>(
    job: &'a Job,
    definition: &'a Definition,
    architecture: &'a Architecture,
) -> Result<Vec<OutputTargets<'a>>, PrepareError> {
    let names = definition.output_names();
    let several = names.len() > 1;
    let of_output = |(index, (name, shape)): (usize, (&'a str, &'a Shape))| {
        let task = *job.task.get(name)?;
        let columns = match task {
            Task::Raw => &[],
            _ => job.target.get(name)?.names(),
        };
        let loss = job.training.loss.as_ref()?.get(name, index)?;
        let activation = loss.and_then(|loss| loss.probability_activation(architecture.last_activation(index)));
        let logits = activation.map(|activation| Logits { activation, width: shape.last() });
        let name = if several { name } else { "" };
        let ignore_class = loss.and_then(|loss| loss.ignore_class());
        Some(OutputTargets { name, task, columns, logits, shape, ignore_class })
    };
    let outputs = names.into_iter().zip(architecture.output_shapes()).enumerate().map(of_output);
    outputs.collect::<Option<_>>().ok_or_else(|| incomplete("an output has no target, task or loss"))
}

/// A job without a part of its model.
fn incomplete(detail: &str) -> PrepareError {
    failed("invalid_job", format!("the job does not fit its model: {detail}"))
}

fn read(input: Input, columns: &[String], link: &Link) -> Result<Table, PrepareError> {
    let Input { dataset, source, columns: stored } = input;
    if let Some(stored) = stored {
        let (sha256, known, rows) = (&dataset.sha256, &dataset.columns, dataset.rows);
        match load_columns(&stored.file, sha256, known, columns, rows, &|| link.is_stopping()) {
            Ok(Some(table)) => return Ok(table),
            _ if link.is_stopping() => return Err(PrepareError::Stopped),
            // Columns with too many levels are not stored, but those cannot be trained on either.
            outcome => {
                tracing::warn!(?outcome, dataset = %dataset.id, "the stored columns are of no use; the file is read");
                stored.discard();
            }
        }
    }
    let mut source = Stoppable { source, link };
    let table = load(&mut source, dataset.format, &dataset.read, &dataset.columns, columns, dataset.rows);
    // Bytes after the table are part of the checksum.
    let checked = table.and_then(|table| source.source.finish().map(|()| table).map_err(ReadError::Io));
    checked.map_err(|error| match error {
        _ if link.is_stopping() => PrepareError::Stopped,
        ReadError::Invalid(text) => failed("invalid_data", format!("the dataset {:?}: {text}", dataset.name)),
        ReadError::Io(error) if error.kind() == ErrorKind::InvalidData => {
            tracing::error!(%error, dataset = %dataset.id, "a stored dataset is damaged");
            let detail = format!(
                "the stored file of the dataset {:?} is damaged: delete the dataset and upload it again",
                dataset.name
            );
            failed("invalid_data", detail)
        }
        ReadError::Io(error) => {
            tracing::error!(%error, dataset = %dataset.id, "a stored dataset cannot be read");
            failed("internal", format!("the stored file of the dataset {:?} cannot be read", dataset.name))
        }
    })
}

fn check_stop(link: &Link) -> Result<(), PrepareError> {
    if link.is_stopping() { Err(PrepareError::Stopped) } else { Ok(()) }
}

fn failed(code: &str, detail: String) -> PrepareError {
    PrepareError::Failed(JobError { code: code.to_owned(), detail })
}

fn invalid(errors: Vec<FieldError>) -> PrepareError {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    failed("invalid_job", texts.join("; "))
}

/// A source that fails once a stop is requested, since reading a large file takes long.
struct Stoppable<'a> {
    source: Source,
    link: &'a Link,
}

impl BufRead for Stoppable<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.link.is_stopping() {
            return Err(Error::other("stopped on request"));
        }
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.source.consume(amount);
    }
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.source.read(buffer)
    }
}
