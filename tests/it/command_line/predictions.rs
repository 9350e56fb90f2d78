//! `predict` and `export`.

use super::{Done, Shell, example};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    process::Stdio,
};

/// A shell with a model of irises.
fn trained() -> Shell {
    let shell = Shell::start();
    let train = ["train", "--data", &example("iris.csv"), "--target", "species", "--epochs", "20"];
    shell.run(&train).succeeded();
    shell
}

fn with_stdin(shell: &Shell, arguments: &[&str], stdin: &str) -> Done {
    let mut child = shell.command(arguments);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    Done::of(child.wait_with_output().unwrap())
}

#[tokio::test]
async fn predictions_stand_beside_their_rows_in_every_format() {
    let shell = trained();
    let iris = example("iris.csv");
    let table = std::fs::read_to_string(&iris).unwrap();
    let csv = shell.run(&["predict", "iris-mlp", &iris]).succeeded().out;
    let added = "predicted_species,probability_setosa,probability_versicolor,probability_virginica";
    assert_eq!(csv.lines().next().unwrap(), format!("{},{added}", table.lines().next().unwrap()));
    let right = csv.lines().skip(1).filter(|line| line.split(',').nth(4) == line.split(',').nth(5)).count();
    assert!(right > 120 && csv.lines().count() == 151, "{right} are right");
    for (row, line) in table.lines().zip(csv.lines()) {
        assert!(line.starts_with(&format!("{row},")), "{line}");
    }

    // The same rows in other formats are predicted the same.
    let numbers = |row: &str| row.split(',').take(4).map(|cell| cell.parse().unwrap()).collect::<Vec<f64>>();
    let names: Vec<&str> = table.lines().next().unwrap().split(',').take(4).collect();
    let records: Vec<Value> = table
        .lines()
        .skip(1)
        .map(|row| {
            names.iter().zip(numbers(row)).map(|(name, number)| (name.to_string(), Value::from(number))).collect()
        })
        .collect();
    let predicted: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').nth(5).unwrap()).collect();
    std::fs::write(shell.path("rows.json"), serde_json::to_string(&records).unwrap()).unwrap();
    let array = shell.run(&["predict", "iris-mlp@1", "rows.json", "--json"]).succeeded().json();
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    let lines = with_stdin(&shell, &["predict", "@last", "-", "--to", "ndjson"], &lines).succeeded().out;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(array, json!(lines));
    let labels: Vec<&str> = lines.iter().map(|line| line["prediction"]["label"].as_str().unwrap()).collect();
    assert_eq!(labels, predicted);
    let tabs = with_stdin(&shell, &["predict", "iris-mlp", "-", "--to", "csv"], &table.replace(',', ";")).succeeded();
    assert_eq!(tabs.out, csv);

    let done = shell.run(&["predict", "iris-mlp", &iris, "-o", "out.csv"]).succeeded();
    assert!(done.out.is_empty() && done.err.contains("wrote 150 predictions of iris-mlp@1 to out.csv"), "{done:#?}");
    assert_eq!(std::fs::read_to_string(shell.path("out.csv")).unwrap(), csv);
}

#[test]
fn rows_that_are_wrong_are_named_and_leave_no_file() {
    let shell = trained();
    let table = std::fs::read_to_string(example("iris.csv")).unwrap();
    let mut lines: Vec<String> = std::iter::repeat_n(table.lines().skip(1), 8).flatten().map(str::to_owned).collect();
    lines[1100] = "wide,3.5,1.4,0.2,setosa".to_owned();
    let wrong = format!("{}\n{}\n", table.lines().next().unwrap(), lines.join("\n"));
    std::fs::write(shell.path("wrong.csv"), wrong).unwrap();
    let done = shell.run(&["predict", "iris-mlp", "wrong.csv", "-o", "out.csv"]);
    done.failed(1, "row 1101, column sepal_length: expected a number");
    let left: Vec<_> = std::fs::read_dir(shell.path(".")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with("out")), "{left:?}");
    for (text, says) in [
        ("a,b\n1,2\n", "no column is a feature"),
        ("sepal_length,sepal_width\n1,2\n3\n", "line 3: expected 2 cells"),
        ("", "received an empty file"),
        ("sepal_length,species\n\"[1, 2]\",setosa\n", "row 1, column sepal_length: expected a number"),
        ("PAR1\u{15}\u{4}", "expected CSV, TSV, JSON or NDJSON, received a Parquet file"),
        ("[{\"alcohol\": 13.2}]", "no field is a feature of the model"),
        (
            "[{\"sepal_length\": {\"cm\": 5}}]",
            "row 1, column sepal_length: expected a number or null, received an object",
        ),
    ] {
        let name = if text.starts_with('[') { "bad.json" } else { "bad.csv" };
        std::fs::write(shell.path(name), text).unwrap();
        let done = shell.run(&["predict", "iris-mlp", name]).failed(1, says);
        assert!(done.err.contains(name), "{done:#?}");
    }
    let done = with_stdin(&shell, &["predict", "iris-mlp", "-"], "{\"sepal_length\": 5.1}\n{\"sepal_length\": 5.2}\n");
    let err = done.succeeded().err;
    assert!(err.contains("row 1, column petal_width") && err.contains("and 1 more like it"), "{err}");
}

#[test]
fn rows_keep_what_is_no_feature_in_every_form() {
    let shell = trained();
    let columns = r#"{"sepal_length": [5.1, 6.2], "sepal_width": [3.5, 2.9], "petal_length": [1.4, 4.3],
        "petal_width": [0.2, 1.3], "species": ["setosa", "?"], "tags": [["a", 1], {"b": null}]}"#;
    std::fs::write(shell.path("columns.json"), columns).unwrap();
    let done = shell.run(&["predict", "iris-mlp", "columns.json", "--to", "ndjson"]).succeeded();
    assert_eq!(done.err, "", "nothing is missing");
    let rows: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((rows.len(), &rows[1]["species"], &rows[1]["tags"]), (2, &json!("?"), &json!({"b": null})));
    let fields: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
    let names = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species", "tags", "prediction"];
    assert_eq!(fields, names);
    let csv = shell.run(&["predict", "iris-mlp", "columns.json"]).succeeded().out;
    assert!(csv.lines().nth(1).unwrap().starts_with(r#"5.1,3.5,1.4,0.2,setosa,"[""a"",1]","#), "{csv}");
    // One record alone has no other columns than its own.
    let one = with_stdin(&shell, &["predict", "iris-mlp", "-"], r#"{"sepal_length": 5.1, "petal_width": 0.2}"#);
    assert!(one.succeeded().out.starts_with("sepal_length,petal_width,predicted_species,"));
    let packed = "gzip -c \"$1\" | \"$0\" predict iris-mlp -";
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", packed, env!("CARGO_BIN_EXE_epoca"), &example("iris.csv")]).env("EPOCA_URL", shell.service.url());
    assert_eq!(Done::of(bash.output().unwrap()).succeeded().out.lines().count(), 151);
}

#[test]
fn a_reader_that_has_enough_ends_a_command_quietly() {
    let shell = trained();
    let table = std::fs::read_to_string(example("iris.csv")).unwrap();
    let rows: Vec<&str> = table.lines().skip(1).collect();
    let long = format!("{}\n{}\n", table.lines().next().unwrap(), vec![rows.join("\n"); 200].join("\n"));
    std::fs::write(shell.path("long.csv"), long).unwrap();
    let mut command = shell.command(&["predict", "iris-mlp", "long.csv"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let done = Done::of(child.wait_with_output().unwrap()).succeeded();
    assert_eq!(done.err, "");
}

#[tokio::test]
async fn weights_and_definitions_are_exported() {
    let shell = trained();
    let done = shell.run(&["export", "iris-mlp"]).succeeded();
    assert!(done.out.is_empty() && done.err.contains("iris-mlp-v1.safetensors"), "{done:#?}");
    let bytes = std::fs::read(shell.path("iris-mlp-v1.safetensors")).unwrap();
    let url = format!("{}/v1/models/iris-mlp/versions/1/weights", shell.service.url());
    let served = crate::support::get(url).await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes, served);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let parameters: usize = tensors.iter().map(|(_, tensor)| tensor.shape().iter().product::<usize>()).sum();
    assert_eq!(parameters, 4 * 32 + 32 + 32 * 16 + 16 + 16 * 3 + 3);
    let piped = shell.command(&["export", "@last", "-o", "-"]).output().unwrap();
    assert_eq!(piped.stdout, bytes);
    shell.run(&["export", "iris-mlp@1", "-o", "net.json"]).succeeded();
    let definition: Value = serde_json::from_slice(&std::fs::read(shell.path("net.json")).unwrap()).unwrap();
    assert_eq!(definition, shell.get("models/iris-mlp").await["definition"]);
    shell.run(&["export", "iris-mlp@7"]).failed(3, "version 7");
}
