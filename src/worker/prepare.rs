//! From a job and the files it names to tensors and a network.

use crate::{
    data::{
        read::{ReadError, load},
        recipe::{Logits, OutputTargets, Preprocessing, Recipe, input_width},
        split::{Split, split},
        table::Table,
        weights::{ClassWeight, weights},
    },
    engine::{
        field::FieldError,
        fit::Samples,
        network::Network,
        shape::Shape,
        spec::{Definition, Limits},
    },
    job::{
        Dataset, Job, JobError, Model,
        preprocessing::{ChosenBy, by_feature, choose},
    },
    store::artifacts::Source,
    worker::link::Link,
};
use ndarray::{Array1, Array2};
use std::io::{BufRead, Error, ErrorKind, Read};

/// A dataset's record and its file.
pub struct Input {
    pub dataset: Dataset,
    pub source: Source,
}

/// Everything that a job needs.
pub struct Inputs {
    pub job: Job,
    pub model: Model,
    pub data: Input,
    pub validation: Option<Input>,
}

/// Rows as the engine takes them.
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
    pub input_shapes: Vec<Shape>,
    pub recipe: Recipe,
    pub training: Tensors,
    pub validation: Option<Tensors>,
}

/// Why there is nothing to fit.
#[derive(Debug)]
pub enum Unprepared {
    /// It was asked to end.
    Stopped,
    /// It cannot be.
    Failed(JobError),
}

pub fn prepare(inputs: Inputs, limits: &Limits, link: &Link) -> Result<Prepared, Unprepared> {
    let Inputs { job, model, data, validation } = inputs;
    let training = &job.training;
    let columns = data.dataset.columns.clone();
    let mut wanted = [job.features.clone(), job.target_columns()].concat();
    wanted.extend(training.sample_weight.clone().filter(|column| !wanted.contains(column)));
    let table = read(data, &wanted, link)?;
    let rows = match &validation {
        Some(_) => Split { training: (0..table.rows).collect(), validation: Vec::new() },
        None => split(table.rows, training.validation_split, training.split_shuffle, training.seed),
    };
    let definition = Definition::from_value(&model.definition).map_err(invalid)?;
    let features: Vec<&[String]> = match &job.inputs {
        None => vec![&job.features],
        Some(inputs) => inputs.0.iter().map(|(_, features)| features.as_slice()).collect(),
    };
    let widths: Vec<usize> = features.iter().map(|features| input_width(&columns, features)).collect();
    let input_shapes = definition.input_shapes(&widths).map_err(|error| invalid(vec![error]))?;
    let architecture = definition.resolve(&input_shapes, limits).map_err(invalid)?;
    let named = job.inputs.as_ref();
    let scales = match job.preprocessing.is_empty() {
        false => job.preprocessing.clone(),
        // A job of a version that did not choose by column: its setting holds for all that are not looked up.
        true => choose(&architecture, &job.features, named, &columns, training.preprocessing, ChosenBy::Job).0,
    };
    let scales = by_feature(&scales, &job.features, named);
    let preprocessing = |feature: usize| scales.get(feature).copied().unwrap_or(Preprocessing::None);
    let targets = job.target.named().into_iter().zip(job.task.values());
    let logits = |output: usize| {
        let activation = training.loss.values().get(output)?.answers_through(architecture.last_activation(output))?;
        Some(Logits { activation, width: architecture.output_shapes().nth(output)?.last() })
    };
    let outputs: Vec<OutputTargets<'_>> = targets
        .zip(architecture.output_shapes().zip(training.loss.values()))
        .enumerate()
        .map(|(output, (((name, columns), task), (shape, loss)))| {
            let (task, columns, logits) = (*task, columns.names(), logits(output));
            OutputTargets { name, task, columns, logits, shape, ignore_class: loss.ignore_class() }
        })
        .collect();
    let recipe =
        Recipe::fit(&table, &columns, &job.features, &outputs, preprocessing, &rows.training).map_err(invalid)?;
    go_on(link)?;

    let sample_weight = training.sample_weight.as_deref();
    let tensors = |table: &Table, rows: &[usize], class_weight: Option<&ClassWeight>, dataset: &str| {
        let explain = |error: FieldError| failed("invalid_data", format!("the dataset {dataset:?}: {}", error.detail));
        Ok::<_, Unprepared>(Tensors {
            x: recipe.inputs(table, rows),
            y: recipe.targets(table, rows).map_err(explain)?,
            weights: weights(&recipe, table, rows, class_weight, sample_weight).map_err(explain)?,
        })
    };
    let learned = tensors(&table, &rows.training, training.class_weight.as_ref(), &job.dataset)?;
    let measured = match validation {
        Some(input) => {
            let name = input.dataset.name.clone();
            let table = read(input, &wanted, link)?;
            Some(tensors(&table, &(0..table.rows).collect::<Vec<_>>(), None, &name)?)
        }
        None if rows.validation.is_empty() => None,
        None => Some(tensors(&table, &rows.validation, None, &job.dataset)?),
    };
    go_on(link)?;

    for tensors in std::iter::once(&learned).chain(&measured) {
        let checked = architecture.check_indices(tensors.x.view());
        checked.map_err(|error| failed("invalid_data", format!("the features: {error}")))?;
    }
    let network = Network::initialize(architecture, training.seed);
    Ok(Prepared { network, input_shapes, recipe, training: learned, validation: measured })
}

fn read(input: Input, wanted: &[String], link: &Link) -> Result<Table, Unprepared> {
    let Input { dataset, source } = input;
    let mut source = Stoppable { source, link };
    let table = load(&mut source, dataset.format, &dataset.columns, wanted, dataset.rows);
    // What lies behind the table's end is checked too.
    let checked = table.and_then(|table| source.source.finish().map(|()| table).map_err(ReadError::Io));
    checked.map_err(|error| match error {
        _ if link.is_stopping() => Unprepared::Stopped,
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

fn go_on(link: &Link) -> Result<(), Unprepared> {
    if link.is_stopping() { Err(Unprepared::Stopped) } else { Ok(()) }
}

fn failed(code: &str, detail: String) -> Unprepared {
    Unprepared::Failed(JobError { code: code.to_owned(), detail })
}

fn invalid(errors: Vec<FieldError>) -> Unprepared {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    failed("invalid_job", texts.join("; "))
}

/// A source that fails once the job is asked to end: reading a large file may take long.
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
