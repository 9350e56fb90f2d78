//! Jobs that are paused, resumed, finished and run again.

use super::{Shell, example};

#[tokio::test]
async fn a_job_is_paused_resumed_finished_and_run_again() {
    let shell = Shell::start();
    let iris = example("iris.csv");
    let long = ["--target", "species", "--epochs", "1000000", "--set", "early_stopping=null"];
    let id = shell.run(&[&["train", "--data", &iris, "--detach"][..], &long].concat()).succeeded().out;
    let id = id.trim_end();
    let until = async |status: &str| {
        while shell.get(&format!("jobs/{id}")).await["status"] != status {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    until("running").await;
    let done = shell.run(&["jobs", "pause", &id[..13]]).succeeded();
    assert!(done.err.contains(&format!("the job {id} is about to be paused")) && done.out.is_empty(), "{done:#?}");
    until("paused").await;
    let done = shell.run(&["jobs", "pause", "@last", "--json"]).succeeded();
    assert_eq!(done.json()["status"], "paused");
    let done = shell.run(&["jobs", "--status", "paused"]).succeeded();
    assert!(done.out.contains(&id[..13]) && done.out.contains("paused"), "{done:#?}");
    shell.run(&["jobs", "retry", "@last"]).failed(1, "is paused: cancel it first");

    shell.run(&["jobs", "resume", "@last"]).succeeded();
    until("running").await;
    shell.run(&["jobs", "resume", "@last"]).failed(1, "not paused");
    shell.run(&["jobs", "finish", "@last"]).succeeded();
    let done = shell.run(&["watch", "@last"]).succeeded();
    for word in ["paused", "finished on request after epoch"] {
        assert!(done.err.contains(word), "no {word}: {done:#?}");
    }
    shell.run(&["jobs", "finish", "@last"]).failed(1, "has ended already");

    let done = shell.run(&["jobs", "retry", id]).succeeded();
    let again = done.out.trim_end();
    assert!(again != id && done.err.contains(&format!("epoca watch {}", &again[..13])), "{done:#?}");
    let job = shell.get(&format!("jobs/{again}")).await;
    assert_eq!(job["training"], shell.get(&format!("jobs/{id}")).await["training"]);
    shell.run(&["jobs", "cancel", again]).succeeded();
}

#[tokio::test]
async fn jobs_have_labels_and_are_deleted_after_their_versions() {
    let shell = Shell::start();
    let iris = example("iris.csv");
    let train = |label: &str| {
        let train = ["train", "--data", &iris, "--target", "species", "--epochs", "1", "--json", "--set", label];
        shell.run(&train).succeeded().json()["id"].as_str().unwrap().to_owned()
    };
    let (a, b) = (train("labels.team=a"), train("labels.team=b"));
    for (label, listed) in [("team=a", vec![&a]), ("team=b", vec![&b]), ("team", vec![&b, &a]), ("owner", vec![])] {
        let page = shell.run(&["jobs", "--label", label, "--json"]).succeeded().json();
        let ids: Vec<&str> = page["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
        assert_eq!(ids, listed, "{label}");
    }
    let none = shell.run(&["jobs", "--label", "owner"]).succeeded();
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "no jobs match\n"));
    let described = shell.run(&["jobs", "show", &b]).succeeded().out;
    assert!(described.lines().any(|line| line.starts_with("labels ") && line.ends_with(" team=b")), "{described}");
    let done = shell.run(&["jobs", "rm", &a]).failed(1, "made version 1");
    assert!(done.err.contains("delete that first: `epoca models rm iris-mlp@1`"), "{done:#?}");
    shell.run(&["models", "rm", "iris-mlp@1"]).succeeded();
    let done = shell.run(&["jobs", "rm", &a]).succeeded();
    assert!(done.out.is_empty() && done.err.contains(&format!("deleted the job {a}")), "{done:#?}");
    shell.run(&["jobs", "show", &a]).failed(3, "job");
    // The other one has its version and its job still.
    shell.run(&["models", "show", "iris-mlp@2"]).succeeded();
    shell.run(&["jobs", "show", &b]).succeeded();
}
