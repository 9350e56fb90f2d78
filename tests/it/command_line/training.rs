//! `train`, `watch`, `logs`, `jobs`, `datasets`, `models`.

use super::{Done, Shell, epoca, example};
use serde_json::Value;

#[tokio::test]
async fn a_table_and_a_target_are_enough() {
    let shell = Shell::start();
    let done = shell.run(&["train", "--data", &example("iris.csv"), "--target", "species"]).succeeded();
    for part in ["iris-mlp@1", "val_accuracy", "baseline", "0.3333", "comparison", "on the same 30 validation rows"] {
        assert!(done.out.contains(part), "no {part}: {done:#?}");
    }
    assert!(done.err.contains("next:  epoca predict iris-mlp@1 "), "{done:#?}");
    assert!(done.err.contains("epoch   1/200  loss "), "a line where stderr is no terminal: {done:#?}");
    assert!(!done.out.contains('\u{1b}') && !done.err.contains('\u{1b}'), "no codes of a terminal: {done:#?}");
    let job = shell.get("jobs").await["data"][0].take();
    let accuracy = job["metrics"]["val_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.85, "{job:#}");

    // The same table and model again: the next version, and no second dataset.
    let done = shell.run(&["train", "--data", &example("iris.csv"), "--target", "species"]).succeeded();
    assert!(done.out.contains("iris-mlp@2"), "{done:#?}");
    assert_eq!(shell.get("datasets").await["data"].as_array().unwrap().len(), 1);
    assert_eq!(shell.get("models").await["data"].as_array().unwrap().len(), 1);
}

#[test]
fn many_rounds_have_some_lines_where_stderr_is_no_terminal() {
    let shell = Shell::start();
    let train = ["train", "--data", &example("iris.csv"), "--target", "species", "--model", "gradient_boosting"];
    let rounds = |done: &Done| done.err.lines().filter(|line| line.starts_with("round ")).count();
    let done = shell.run(&train).succeeded();
    assert!((20..=22).contains(&rounds(&done)), "{done:#?}");
    for part in ["round   1/100  loss ", "round 100/100  loss ", "\nbest val_loss "] {
        assert!(done.err.contains(part), "no {part}: {done:#?}");
    }
    let best = shell.run(&["jobs", "show", "--json"]).succeeded().json()["best_epoch"].as_u64().unwrap();
    assert!(done.err.contains(&format!(" at round {best}\nsucceeded\n")), "{best} is not the best: {done:#?}");
    assert_eq!(rounds(&shell.run(&["watch", "@last", "--verbose"]).succeeded()), 100);

    // An early end is shown, too.
    let stopped =
        ["--set", "early_stopping={\"monitor\": \"val_loss\", \"patience\": 6, \"restore_best_weights\": true}"];
    let train = ["train", "--data", &example("iris.csv"), "--target", "species", "--epochs", "1000", "--seed", "7"];
    let done = shell.run(&[&train[..], &stopped].concat()).succeeded();
    let job = shell.run(&["jobs", "show", "--json"]).succeeded().json();
    let last = job["progress"]["epoch"].as_u64().unwrap();
    let (line, message) = (format!("\nepoch {last:>4}/1000  loss "), "\nstopped early after epoch ");
    let places = (done.err.find(&line), done.err.find(message));
    assert!(last < 1000 && places.0.is_some() && places.0 < places.1, "{last}: {done:#?}");
}

#[tokio::test]
async fn every_kind_of_target_is_learned() {
    let shell = Shell::start();
    for (table, metric, min) in [("breast_cancer", "val_accuracy", 0.9), ("wine", "val_accuracy", 0.85)] {
        let file = example(&format!("{table}.csv"));
        let arguments = ["train", "--data", &file, "--target", "target", "--epochs", "40", "--seed", "3", "--json"];
        let job = shell.run(&arguments).succeeded().json();
        assert!(job["metrics"][metric].as_f64().unwrap() > min, "{table}: {:#}", job["metrics"]);
    }
    let file = example("diabetes.csv");
    let done = shell.run(&["train", "--data", &file, "--target", "target"]).succeeded();
    let job = shell.run(&["jobs", "show", "--json"]).succeeded().json();
    assert_eq!(job["task"], "regression");
    assert!(done.out.contains("root_mean_squared_error 77.0"), "the deviation of the target: {done:#?}");
    let error = job["metrics"]["val_root_mean_squared_error"].as_f64().unwrap();
    assert!(error < 65.0 && job["metrics"]["val_r2_score"].as_f64().unwrap() > 0.2, "{:#}", job["metrics"]);
}

#[tokio::test]
async fn json_is_the_apis_own() {
    let shell = Shell::start();
    let train = ["train", "--data", &example("iris.csv"), "--target", "species", "--epochs", "3", "--json"];
    let done = shell.run(&[&train[..], &["--watch"]].concat()).succeeded();
    let lines: Vec<Value> = done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (job, events) = lines.split_last().unwrap();
    let id = job["id"].as_str().unwrap();
    assert_eq!(*job, shell.get(&format!("jobs/{id}")).await);
    let kept: Vec<&Value> = events.iter().filter(|event| event["id"].is_u64()).collect();
    let listed = shell.get(&format!("jobs/{id}/events?limit=100")).await;
    assert_eq!(kept, listed["data"].as_array().unwrap().iter().collect::<Vec<_>>());
    assert_eq!(kept.iter().filter(|event| event["type"] == "epoch").count(), 3);

    for (arguments, path) in [
        (&["jobs", "--json"][..], "jobs"),
        (&["jobs", "show", "--json"], &format!("jobs/{id}")),
        (&["jobs", "--json", "show", &id[..20]], &format!("jobs/{id}")),
        (&["datasets", "--json"], "datasets"),
        (&["datasets", "show", "iris", "--json"], "datasets/iris"),
        (&["datasets", "show", "iris", "--rows", "5", "--json"], "datasets/iris/rows?limit=5"),
        (&["models", "--json"], "models"),
        (&["models", "show", "iris-mlp", "--json"], "models/iris-mlp"),
        (&["models", "show", "iris-mlp@1", "--json"], "models/iris-mlp/versions/1"),
    ] {
        assert_eq!(shell.run(arguments).succeeded().json(), shell.get(path).await, "{arguments:?}");
    }
    let logs = shell.run(&["logs", "@last", "--follow", "--json"]).succeeded().out;
    let logs: Vec<Value> = logs.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(logs.iter().collect::<Vec<_>>(), kept);
    let text = shell.run(&["logs"]).succeeded().out;
    assert_eq!(text.lines().count(), kept.len());
    assert!(text.contains("epoch 3/3  loss ") && text.contains("succeeded, version 1"), "{text}");
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let shell = Shell::start();
    let arguments = ["train", "--data", &example("iris.csv"), "--target", "species", "--dry-run"];
    let done = shell.run(&arguments).succeeded();
    assert!(done.out.contains("parameters") && done.out.contains("batch_size"), "{done:#?}");
    let plan = shell.run(&[&arguments[..], &["--json", "--epochs", "9"]].concat()).succeeded().json();
    assert_eq!((&plan["training"]["epochs"], &plan["id"]), (&Value::from(9), &Value::Null));
    shell.run(&[&arguments[..], &["--epochs", "0"]].concat()).failed(1, "/training/epochs");
    for list in ["jobs", "datasets", "models"] {
        assert_eq!(shell.get(list).await["data"].as_array().unwrap().len(), 0, "{list}");
    }
}

#[tokio::test]
async fn jobs_are_repeated_with_a_change_and_compared() {
    let shell = Shell::start();
    let train = ["train", "--data", &example("iris.csv"), "--target", "species", "--detach"];
    let done =
        shell.run(&[&train[..], &["--epochs", "4", "--set", "optimizer.learning_rate=0.001"]].concat()).succeeded();
    let first = done.out.trim();
    assert_eq!(first.len(), 36, "the id alone: {done:#?}");
    shell.run(&["watch", first]).succeeded();
    let second =
        shell.run(&["train", "--from", "@last", "--set", "optimizer.learning_rate=0.01", "--json"]).succeeded().json();
    let learning_rate = &second["training"]["optimizer"]["learning_rate"];
    assert_eq!((learning_rate, &second["training"]["epochs"]), (&Value::from(0.01), &Value::from(4)));
    assert_eq!(second["version"], 2);
    let text = shell.run(&["jobs", "compare", first, second["id"].as_str().unwrap()]).succeeded().out;
    let row = text.lines().find(|line| line.starts_with("optimizer.learning_rate")).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["optimizer.learning_rate", "0.001", "0.01"]);
    assert!(!text.contains("batch_size") && text.contains('*'), "{text}");
}

#[tokio::test]
async fn settings_reach_the_definition() {
    let shell = Shell::start();
    let iris = example("iris.csv");
    let train = ["train", "--data", &iris, "--target", "species", "--model", "random_forest", "--set"];
    let job = shell.run(&[&train[..], &["definition.n_estimators=7", "--json"]].concat()).succeeded().json();
    let trees = async |job: &Value| {
        let model = shell.get(&format!("models/{}", job["model_id"].as_str().unwrap())).await;
        model["definition"]["n_estimators"].clone()
    };
    assert_eq!(trees(&job).await, 7);
    let again = ["train", "--from", "@last", "--set", "definition.n_estimators=9", "--json"];
    let again = shell.run(&again).succeeded().json();
    assert_eq!((trees(&again).await, trees(&job).await), (Value::from(9), Value::from(7)));
    assert_eq!((&again["target"], &again["training"]), (&job["target"], &job["training"]));
    let done = shell.run(&[&train[..], &["n_estimators=7"]].concat()).failed(1, "unknown field `n_estimators`");
    assert!(done.err.contains("`--set definition.NAME=VALUE`"), "{done:#?}");
    let mlp = ["train", "--data", &iris, "--target", "species", "--set", "definition.layers.0=1"];
    shell.run(&mlp).failed(2, "expected a field of the definition");
}

#[tokio::test]
async fn datasets_and_models_come_and_go() {
    let shell = Shell::start();
    std::fs::write(shell.path("a.txt"), "x;y\n1,5;a\n2,5;b\n").unwrap();
    let arguments =
        ["datasets", "add", "a.txt", "--read", "format=csv", "--read", "separator=;", "--read", "decimal=,"];
    let done = shell.run(&arguments).succeeded();
    assert!(done.out.contains("x       number") && done.err.contains("train --data a --target COLUMN"), "{done:#?}");
    let definition = r#"{"layers": [{"type": "dense", "units": 2, "activation": "softmax"}]}"#;
    std::fs::write(shell.path("net.json"), definition).unwrap();
    shell.run(&["models", "add", "net.json", "--name", "m"]).succeeded();
    shell.run(&["models", "add", "net.json", "--name", "m"]).failed(1, "exists already");
    let done =
        shell.run(&["train", "--data", "a", "--target", "y", "--model", "net.json", "--epochs", "2"]).succeeded();
    assert!(done.out.contains("net@1"), "{done:#?}");
    for (list, name) in [("models", "net"), ("models", "m"), ("datasets", "a")] {
        let listed = shell.run(&[list]).succeeded().out;
        assert!(listed.lines().any(|line| line.starts_with(&format!("{name} "))), "{listed}");
        shell.run(&[list, "rm", name]).succeeded();
        shell.run(&[list, "show", name]).failed(3, "is named");
    }
}

#[tokio::test]
async fn a_table_may_come_from_stdin_or_another_pipe() {
    let shell = Shell::start();
    let iris = example("iris.csv");
    let train = ["train", "--data", "-", "--target", "species", "--epochs", "2"];
    let read = || std::fs::File::open(&iris).unwrap();
    let done = Done::of(shell.command(&train).stdin(read()).output().unwrap()).succeeded();
    assert!(done.out.contains("data-mlp@1") && done.err.contains("epoca predict data-mlp@1 FILE"), "{done:#?}");
    assert_eq!(shell.get("datasets/data").await["rows"], 150);
    // The same bytes again are the same dataset; other bytes are another one.
    let done = Done::of(shell.command(&["datasets", "add", "-"]).stdin(read()).output().unwrap()).succeeded();
    assert!(done.err.contains("stdin is there already"), "{done:#?}");
    let epoca = env!("CARGO_BIN_EXE_epoca");
    for (pipe, name, format) in [
        (r#"printf '[{"x": 1, "y": 2}, {"x": 2, "y": 3}]' | "$0" datasets add -"#, "data-2", "json"),
        (r#"printf 'x;y\n1;2\n3;4\n' | gzip | "$0" datasets add - --name packed"#, "packed", "csv"),
        (r#""$0" datasets add <(printf '{"x": 1}\n{"x": 2}\n') --name lines"#, "lines", "ndjson"),
    ] {
        let mut bash = std::process::Command::new("bash");
        let output = bash.args(["-c", pipe, epoca]).env("EPOCA_URL", shell.service.url()).output().unwrap();
        Done::of(output).succeeded();
        let dataset = shell.get(&format!("datasets/{name}")).await;
        assert_eq!((&dataset["format"], &dataset["rows"]), (&Value::from(format), &Value::from(2)), "{pipe}");
    }
    shell.run(&["datasets", "add", "-"]).failed(1, "stdin: expected a header line, received an empty file");
    shell.run(&["datasets", "add", "-", "-"]).failed(2, "stdin can be read once");
    let both = ["train", "--data", "-", "--target", "y", "--model", "-"];
    shell.run(&both).failed(2, "cannot both be stdin");
}

#[test]
fn a_command_may_run_the_service_itself() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let local = ["--local", "--data-dir", data.to_str().unwrap()];
    let run = |arguments: &[&str]| Done::of(epoca(&[arguments, &local[..]].concat()).output().unwrap());
    let done = run(&["train", "--data", &example("iris.csv"), "--target", "species", "--epochs", "3"]).succeeded();
    assert!(done.out.contains("iris-mlp@1"), "{done:#?}");
    let done = run(&["predict", "@last", &example("iris.csv")]).succeeded();
    assert_eq!(done.out.lines().count(), 151);
    let _service = crate::support::Process::start(&data, &[]);
    run(&["jobs"]).failed(1, "cannot run the service");
}

#[test]
fn completions_and_manual_pages_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Done::of(epoca(&["completions", shell]).output().unwrap()).succeeded().out;
        assert!(script.contains("compare") && script.contains("early-stopping"));
    }
    let ask = "source <(\"$0\" completions bash); COMP_WORDS=(epoca jobs co); COMP_CWORD=2; _epoca epoca co jobs; echo ${COMPREPLY[@]}";
    let output = std::process::Command::new("bash").args(["-c", ask, env!("CARGO_BIN_EXE_epoca")]).output().unwrap();
    assert_eq!(Done::of(output).succeeded().out, "compare\n");
    for (arguments, says) in [
        (&["man"][..], &["epoca \\-", "EPOCA_DATA_DIR", "130"][..]),
        (&["man", "train"], &["epoca\\-train", "EPOCA_URL", "130"]),
        (&["man", "jobs", "compare"], &["epoca\\-jobs\\-compare", "EPOCA_URL", "@last"]),
    ] {
        let page = Done::of(epoca(arguments).output().unwrap()).succeeded().out;
        assert!(page.contains(".TH"), "{page}");
        for part in says {
            assert!(page.contains(part), "no {part}: {page}");
        }
    }
}
