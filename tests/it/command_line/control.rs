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
