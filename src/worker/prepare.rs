//! Preparation of a job: from its definition and its files to a network and tensors.

use crate::{
    data::{
        read::{ReadError, columnar::load_columns, load},
        recipe::{FittedRecipe, Logits, OutputTargets, Recipe, Scale, Task, label_text},
        schema::Column,
        split::{Part, Split, SplitBy, SplitMethod, split},
        table::{Cells, Table},
        weights::{ClassWeight, oversampled, weights},
    },
    engine::{
        cancel::until_cancelled,
        field::FieldError,
        fit::Samples,
        network::Network,
        shape::Shape,
        spec::{Architecture, Definition, Limits},
    },
    job::{Dataset, Job, JobError, JobSplit, Model, preprocessing::by_feature, training::Training},
    store::artifacts::{Source, StoredColumns},
    worker::{checkpoints::Checkpoints, link::Link},
};
use ndarray::{Array1, Array2, Axis};
use std::{
    collections::{BTreeSet, HashMap},
    io::{BufRead, Error, ErrorKind, Read},
    sync::LazyLock,
};

/// A dataset's record and its file.
pub struct Input {
    pub dataset: Dataset,
    pub source: Source,
    pub columns: Option<StoredColumns>,
}

/// The files that the baselines of a job read.
pub struct BaselineInputs {
    pub data: Input,
    pub validation: Option<Input>,
}

/// Everything that a job needs.
pub struct Inputs {
    pub job: Job,
    pub model: Model,
    pub data: Input,
    pub validation: Option<Input>,
    /// The same files again, for the baselines.
    pub baselines: Option<BaselineInputs>,
    pub checkpoints: Checkpoints,
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
    /// Rows to measure on at the end.
    pub test: Option<Tensors>,
    /// What the user is told.
    pub warnings: Vec<String>,
}

/// Why a job is not ready to fit.
#[derive(Debug)]
pub enum PrepareError {
    /// A stop was requested.
    Stopped,
    /// The job fails.
    Failed(JobError),
}

/// The columns that a job names, and the rows of each part.
pub struct Parts {
    pub table: Table,
    pub rows: Split,
    /// The columns that are read.
    pub names: Vec<String>,
}

/// Reads the dataset of a job and divides its rows.
pub fn read_parts(job: &Job, data: Input, has_validation: bool, link: &Link) -> Result<Parts, PrepareError> {
    let shared = job.training.shared();
    let mut names = job.features.clone();
    let split = job.split.clone();
    let split = split.unwrap_or_else(|| JobSplit::of_rows(shared.validation_split, shared.split_shuffle, shared.seed));
    let of_split = split.column.clone();
    let weight = shared.sample_weight.map(str::to_owned);
    for column in job.target_columns().into_iter().chain(weight).chain(of_split) {
        if !names.contains(&column) {
            names.push(column);
        }
    }
    let table = read(data, &names, link)?;
    let rows = divide(&table, &split, &job.target_columns(), has_validation)
        .map_err(|detail| failed("invalid_data", format!("the dataset {:?}: {detail}", job.dataset)))?;
    Ok(Parts { table, rows, names })
}

/// Fails for a job that takes more memory than the service has.
pub fn check_memory(job: &Job, limits: &Limits) -> Result<(), PrepareError> {
    match job.summary.filter(|summary| summary.memory.exceeds(limits.memory_bytes)) {
        Some(summary) => Err(failed("memory_limit", summary.memory.excess(limits.memory_bytes))),
        None => Ok(()),
    }
}

pub fn prepare(
    inputs: Inputs,
    definition: &Definition,
    training: &Training,
    limits: &Limits,
    link: &Link,
) -> Result<Prepared, PrepareError> {
    let Inputs { job, data, validation, .. } = inputs;
    check_memory(&job, limits)?;
    let columns = data.dataset.columns.clone();
    let missing = data.dataset.read.options().missing.unwrap_or_default();
    let Parts { table, rows, names } = read_parts(&job, data, validation.is_some(), link)?;
    let features: Vec<&[String]> = match &job.inputs {
        None => vec![&job.features],
        Some(inputs) => {
            let of_inputs = definition.inputs.iter().map(|input| Some(inputs.get(&input.name)?.as_slice()));
            of_inputs.collect::<Option<_>>().ok_or_else(|| incomplete("an input has no columns"))?
        }
    };
    let preparations =
        by_feature(&job.preprocessing.applied, &job.features, job.inputs.as_ref(), &columns, &training.preprocessing);
    let mut next = 0;
    let mut width = |names: &&[String]| {
        let mine = preparations.iter().skip(next).zip(names.iter());
        next += names.len();
        let of = |name: &String| columns.iter().find(|column: &&Column| column.name == *name);
        mine.filter_map(|(preparation, name)| Some(preparation.width(of(name)?))).sum()
    };
    let widths: Vec<usize> = features.iter().map(&mut width).collect();
    let architecture = definition.resolve_features(&widths, limits).map_err(invalid)?;
    let outputs = outputs(&job, training, definition, &architecture)?;
    let of_inputs = features.concat();
    let mut fitted =
        Recipe::fit(&table, &columns, &of_inputs, &outputs, &preparations, &rows.training).map_err(invalid)?;
    fitted.recipe.set_missing(missing);
    check_stop(link)?;
    let recipe = &fitted.recipe;
    let architecture = architecture.with_columns(recipe.input_columns());
    let warnings = classes_not_trained(recipe, &table, &rows).into_iter().collect();

    let sample_weight = training.sample_weight.as_deref();
    let tensors = |x: Array2<f32>, table: &Table, rows: &[usize], class_weight: Option<&ClassWeight>, dataset: &str| {
        let explain = |error: FieldError| failed("invalid_data", format!("the dataset {dataset:?}: {}", error.detail));
        recipe.check_scaled(table, rows, &x).map_err(explain)?;
        Ok::<_, PrepareError>(Tensors {
            x,
            y: recipe.targets(table, rows).map_err(explain)?,
            weights: weights(recipe, table, rows, class_weight, sample_weight).map_err(explain)?,
        })
    };
    let mut inputs = fitted.training_inputs(&table, &rows.training);
    let mut training_rows = rows.training;
    if training.oversampling {
        let explain =
            |error: FieldError| failed("invalid_data", format!("the dataset {:?}: {}", job.dataset, error.detail));
        let positions = oversampled(&recipe.classes(&table, &training_rows).map_err(explain)?);
        inputs = inputs.select(Axis(0), &positions);
        training_rows = positions.iter().filter_map(|position| training_rows.get(*position).copied()).collect();
    }
    let training_tensors = tensors(inputs, &table, &training_rows, training.class_weight.as_ref(), &job.dataset)?;
    let validation_tensors = match validation {
        Some(input) => {
            let name = input.dataset.name.clone();
            let table = read(input, &names, link)?;
            let rows: Vec<usize> = (0..table.rows).collect();
            Some(tensors(recipe.inputs(&table, &rows), &table, &rows, None, &name)?)
        }
        None if rows.validation.is_empty() => None,
        None => Some(tensors(recipe.inputs(&table, &rows.validation), &table, &rows.validation, None, &job.dataset)?),
    };
    let test_tensors = match rows.test.is_empty() {
        true => None,
        false => Some(tensors(recipe.inputs(&table, &rows.test), &table, &rows.test, None, &job.dataset)?),
    };
    check_stop(link)?;

    for tensors in std::iter::once(&training_tensors).chain(&validation_tensors).chain(&test_tensors) {
        let checked = architecture.check_indices(tensors.x.view());
        checked.map_err(|error| failed("invalid_data", format!("the features: {error}")))?;
    }
    let network = Network::initialize_unless(architecture, training.seed, &|| link.must_stop());
    check_stop(link)?;
    let FittedRecipe { recipe, .. } = fitted;
    let (training, validation, test) = (training_tensors, validation_tensors, test_tensors);
    Ok(Prepared { network, recipe, training, validation, test, warnings })
}

/// A warning about classes that rows which validate or test have, and no row that trains.
pub fn classes_not_trained(recipe: &Recipe, table: &Table, rows: &Split) -> Option<String> {
    const MAX_NAMED: usize = 10;
    let labels = recipe.labels();
    let classes = |rows: &[usize]| recipe.classes(table, rows).unwrap_or_default();
    let mut is_trained = vec![false; labels.len()];
    for class in classes(&rows.training) {
        if let Some(is_trained) = is_trained.get_mut(class) {
            *is_trained = true;
        }
    }
    let others = classes(&rows.validation).into_iter().chain(classes(&rows.test));
    let others: BTreeSet<usize> = others.filter(|class| is_trained.get(*class) == Some(&false)).collect();
    let mut named: Vec<String> =
        others.iter().filter_map(|class| labels.get(*class)).take(MAX_NAMED).map(label_text).collect();
    named.extend((others.len() > MAX_NAMED).then(|| format!("{} more", others.len() - MAX_NAMED)));
    (!others.is_empty()).then(|| {
        let named = named.join(", ");
        format!(
            "rows that validate or test have classes that no row to train on has, and that are not learned: {named}"
        )
    })
}

/// The rows of each part. With a validation dataset no rows of this one validate.
fn divide(table: &Table, job: &JobSplit, targets: &[String], has_validation: bool) -> Result<Split, String> {
    let cells = |name: &str| table.columns.iter().find(|column| column.name == name).map(|column| &column.cells);
    let column = job.column.as_deref().and_then(cells);
    let classes;
    let groups;
    let parts;
    let by = match (job.method, column) {
        (SplitMethod::Stratified, _) => {
            classes = targets.first().and_then(|name| cells(name)).map(keys).unwrap_or_default();
            SplitBy::Classes(&classes)
        }
        (SplitMethod::Group, Some(cells)) => {
            groups = keys(cells).into_iter().map(|key| key as u64).collect::<Vec<_>>();
            SplitBy::Groups(&groups)
        }
        (SplitMethod::Time, Some(Cells::Number(times) | Cells::Datetime(times))) => SplitBy::Times(times),
        (SplitMethod::Column, Some(Cells::Category { codes, levels })) => {
            let of_levels: Vec<Option<Part>> = levels.iter().map(|level| Part::named(level)).collect();
            let part = |(row, code): (usize, &u32)| {
                let part = of_levels.get(*code as usize).copied().flatten();
                part.ok_or_else(|| {
                    format!("row {}: expected train, validation or test in the column of the split", row + 1)
                })
            };
            parts = codes.iter().enumerate().map(part).collect::<Result<Vec<_>, _>>()?;
            SplitBy::Parts(&parts)
        }
        _ => SplitBy::Rows { shuffle: job.shuffle },
    };
    let validation = if has_validation { 0.0 } else { job.validation };
    split(table.rows, validation, job.test, by, job.seed)
}

/// Equal numbers for equal cells: codes, or the places of numbers in order of first appearance.
fn keys(cells: &Cells) -> Vec<usize> {
    match cells {
        // a missing cell is one past the levels
        Cells::Category { codes, levels } => codes.iter().map(|code| (*code as usize).min(levels.len())).collect(),
        Cells::Boolean(values) => values.iter().map(|value| usize::from(*value == Some(true))).collect(),
        Cells::Number(values) | Cells::Datetime(values) => {
            let mut known: HashMap<u64, usize> = HashMap::new();
            let mut key = |value: &f64| {
                let next = known.len();
                *known.entry((value + 0.0).to_bits()).or_insert(next)
            };
            until_cancelled(values.iter()).map(&mut key).collect()
        }
    }
}

/// Of targets that are no regression.
pub static NO_SCALE: LazyLock<Scale> = LazyLock::new(Scale::none);

/// The targets of each output, in the model's order. Target, task and loss are found by the output's name.
fn outputs<'a>(
    job: &'a Job,
    training: &'a Training,
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
        let loss = training.loss.as_ref()?.get(name, index)?;
        let activation = loss.and_then(|loss| loss.probability_activation(architecture.last_activation(index)));
        let probabilities = loss.is_some_and(|loss| loss.reads_probabilities());
        let logits = activation.map(|activation| Logits { activation, width: shape.last() });
        let name = if several { name } else { "" };
        let ignore_class = loss.and_then(|loss| loss.ignore_class());
        let scales = job.preprocessing.target.iter();
        let mut scales = scales.filter(|scale| scale.output.as_deref().unwrap_or_default() == name);
        let scale = scales.next().map_or(&*NO_SCALE, |scale| &scale.scale);
        Some(OutputTargets { name, task, columns, logits, probabilities, shape, ignore_class, scale })
    };
    let outputs = names.into_iter().zip(architecture.output_shapes()).enumerate().map(of_output);
    outputs.collect::<Option<_>>().ok_or_else(|| incomplete("an output has no target, task or loss"))
}

/// A job without a part of its model.
fn incomplete(detail: &str) -> PrepareError {
    failed("invalid_job", format!("the job does not fit its model: {detail}"))
}

pub fn read(input: Input, columns: &[String], link: &Link) -> Result<Table, PrepareError> {
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

pub fn check_stop(link: &Link) -> Result<(), PrepareError> {
    if link.must_stop() { Err(PrepareError::Stopped) } else { Ok(()) }
}

pub fn failed(code: &str, detail: String) -> PrepareError {
    PrepareError::Failed(JobError { code: code.to_owned(), detail })
}

pub fn invalid(errors: Vec<FieldError>) -> PrepareError {
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
        if self.link.must_stop() {
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
