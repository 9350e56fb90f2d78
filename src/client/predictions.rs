//! Rows with their predictions beside them, in the format of the output.

use super::{
    failure::Failure,
    rows::{Format, Original, Row},
    sink::Sink,
};
use serde_json::Value;
use std::io::{self, Write};

/// Writes rows with predictions.
#[derive(Debug)]
pub struct Writer {
    sink: Sink,
    format: Format,
    target: String,
    header: Vec<String>,
    fields: Option<Vec<Field>>,
    written: usize,
}

/// A column of predictions: its name, and where its value is.
#[derive(Debug, Clone, PartialEq)]
struct Field {
    name: String,
    path: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Writer {
    /// Predictions of `version` in `format`.
    pub fn new(sink: Sink, format: Format, version: &Value) -> Self {
        let target = version["signature"]["outputs"][0]["name"].as_str().unwrap_or("value").to_owned();
        Self { sink, format, target, header: Vec::new(), fields: None, written: 0 }
    }

    /// The columns of a table, before its rows.
    pub fn header(&mut self, header: Vec<String>) {
        self.header = header;
    }

    /// Some rows with their predictions.
    pub fn write(&mut self, rows: impl Iterator<Item = (Row, Value)>) -> io::Result<()> {
        let mut text = Vec::new();
        for (row, prediction) in rows {
            match self.format {
                Format::Json => {
                    text.extend_from_slice(if self.written == 0 { b"[\n" } else { b",\n" });
                    serde_json::to_writer(&mut text, &self.record(row, prediction))?;
                }
                Format::Ndjson => {
                    serde_json::to_writer(&mut text, &self.record(row, prediction))?;
                    text.push(b'\n');
                }
                Format::Csv => self.cells(&mut text, b',', row.original, &prediction)?,
                Format::Tsv => self.cells(&mut text, b'\t', row.original, &prediction)?,
            }
            self.written += 1;
        }
        self.sink.write_all(&text)
    }

    /// Ends the file.
    pub fn finish(mut self, failed: impl Fn(io::Error) -> Failure) -> Result<(), Failure> {
        if self.format == Format::Json {
            self.sink.write_all(b"\n]\n").map_err(failed)?;
        }
        self.sink.finish()
    }

    fn record(&self, row: Row, prediction: Value) -> Value {
        let mut record = match row.original {
            Original::Cells(cells) => {
                // What the model was given, where it was: numbers are numbers.
                let value = |name: &String, cell| row.instance.get(name).cloned().unwrap_or(Value::String(cell));
                self.header.iter().zip(cells).map(|(name, cell)| (name.clone(), value(name, cell))).collect()
            }
            Original::Json(Value::Object(record)) => record,
            Original::Json(other) => [("instance".to_owned(), other)].into_iter().collect(),
        };
        record.insert(free_name("prediction", |name| record.contains_key(name)), prediction);
        Value::Object(record)
    }

    fn cells(&mut self, text: &mut Vec<u8>, separator: u8, original: Original, prediction: &Value) -> io::Result<()> {
        let is_first = self.fields.is_none();
        if is_first {
            if let (true, Original::Json(Value::Object(record))) = (self.header.is_empty(), &original) {
                self.header = record.keys().cloned().collect();
            }
            let mut fields = fields_of(&self.target, prediction);
            for field in &mut fields {
                field.name = free_name(&field.name, |name| self.header.iter().any(|known| known == name));
            }
            self.fields = Some(fields);
        }
        let fields = self.fields.as_deref().unwrap_or_default();
        let mut writer = csv::WriterBuilder::new().delimiter(separator).flexible(true).from_writer(text);
        if is_first {
            writer.write_record(self.header.iter().chain(fields.iter().map(|field| &field.name)))?;
        }
        let cells: Vec<String> = match original {
            Original::Cells(cells) => cells,
            Original::Json(record) => self.header.iter().map(|name| cell(&record[name.as_str()])).collect(),
        };
        let predicted = fields.iter().map(|field| cell(field.path.iter().fold(prediction, follow)));
        writer.write_record(cells.into_iter().chain(predicted))?;
        writer.flush()
    }
}

fn follow<'a>(value: &'a Value, step: &Step) -> &'a Value {
    static NONE: Value = Value::Null;
    match step {
        Step::Name(name) => value.get(name).unwrap_or(&NONE),
        Step::Index(index) => value.get(index).unwrap_or(&NONE),
    }
}

/// `name`, with underscores behind it while it is taken.
fn free_name(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = name.to_owned();
    while is_taken(&name) {
        name.push('_');
    }
    name
}

/// The columns of a prediction: `predicted_species` and `probability_setosa` …; with several outputs, those of each.
fn fields_of(target: &str, prediction: &Value) -> Vec<Field> {
    let is_one = prediction.get("label").is_some() || prediction.get("value").is_some();
    match prediction {
        Value::Object(outputs) if !is_one => outputs
            .iter()
            .flat_map(|(output, prediction)| {
                let inner = fields_of(output, prediction);
                let several = outputs.len() > 1;
                inner.into_iter().map(move |mut field| {
                    field.path.insert(0, Step::Name(output.clone()));
                    if several && let Some(class) = field.name.strip_prefix("probability_") {
                        field.name = format!("probability_{output}_{class}");
                    }
                    field
                })
            })
            .collect(),
        Value::Object(fields) => {
            let predicted = format!("predicted_{target}");
            let mut columns = Vec::new();
            for (name, value) in fields {
                let path = vec![Step::Name(name.clone())];
                match (name.as_str(), value) {
                    ("probabilities", Value::Object(classes)) => columns.extend(classes.keys().map(|class| Field {
                        name: format!("probability_{class}"),
                        path: vec![Step::Name(name.clone()), Step::Name(class.clone())],
                    })),
                    ("label" | "value", Value::Array(values)) => columns.extend((0..values.len()).map(|index| Field {
                        name: format!("{predicted}_{index}"),
                        path: vec![Step::Name(name.clone()), Step::Index(index)],
                    })),
                    ("label" | "value", _) => columns.push(Field { name: predicted.clone(), path }),
                    _ => columns.push(Field { name: name.clone(), path }),
                }
            }
            columns
        }
        _ => vec![Field { name: format!("predicted_{target}"), path: Vec::new() }],
    }
}

/// A value as a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(format: Format, header: &[&str], rows: Vec<(Original, Value)>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let version = json!({"signature": {"outputs": [{"name": "y"}]}});
        let mut writer = Writer::new(Sink::create(path.to_str().unwrap()).unwrap(), format, &version);
        writer.header(header.iter().map(ToString::to_string).collect());
        let rows =
            rows.into_iter().map(|(original, prediction)| (Row { instance: json!({"a": 1.5}), original }, prediction));
        writer.write(rows).unwrap();
        writer.finish(|error| Failure::Error(error.to_string())).unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn predictions_are_beside_their_rows() {
        let cells = |text: &str| Original::Cells(text.split('|').map(str::to_owned).collect());
        let label = |label: &str| json!({"label": label, "probabilities": {"s": 0.75, "t": 0.25}});
        let text = written(Format::Csv, &["a", "b"], vec![(cells("1|x, y"), label("s")), (cells("2|"), label("t"))]);
        assert_eq!(text, "a,b,predicted_y,probability_s,probability_t\n1,\"x, y\",s,0.75,0.25\n2,,t,0.75,0.25\n");
        let text = written(Format::Tsv, &["predicted_y"], vec![(cells("1"), json!({"value": 2.5}))]);
        assert_eq!(text, "predicted_y\tpredicted_y_\n1\t2.5\n");
        let outputs = json!({"u": {"value": [1.0, 2.0]}, "v": label("s")});
        let text = written(Format::Csv, &["a"], vec![(cells("1"), outputs)]);
        assert_eq!(
            text,
            "a,predicted_u_0,predicted_u_1,predicted_v,probability_v_s,probability_v_t\n1,1.0,2.0,s,0.75,0.25\n"
        );
    }

    #[test]
    fn json_keeps_the_prediction_whole() {
        let row = || (Original::Json(json!({"a": 1})), json!({"value": 2.5}));
        let expected = json!({"a": 1, "prediction": {"value": 2.5}});
        let text = written(Format::Json, &[], vec![row(), row()]);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!([expected, expected]));
        assert_eq!(written(Format::Ndjson, &[], vec![row()]), format!("{expected}\n"));
        let cells = (Original::Cells(vec!["1,5".to_owned(), "x".to_owned()]), json!({"value": 2.5}));
        let expected = "{\"a\":1.5,\"b\":\"x\",\"prediction\":{\"value\":2.5}}\n";
        assert_eq!(written(Format::Ndjson, &["a", "b"], vec![cells]), expected);
        assert_eq!(written(Format::Csv, &[], vec![row()]), "a,predicted_y\n1,2.5\n");
    }
}
