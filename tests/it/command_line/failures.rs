//! Every exit code, and what is said.

use super::{Done, Shell, epoca, example};
use std::{
    io::{Read, Write},
    net::TcpListener,
    time::{Duration, Instant},
};

#[test]
fn where_nobody_listens_one_line_says_so_at_once() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    for arguments in [
        &["train", "--data", &example("iris.csv"), "--target", "species"][..],
        &["predict", "iris", &example("iris.csv")],
        &["export", "iris"],
        &["logs"],
        &["watch"],
        &["jobs"],
        &["jobs", "show", "01a2"],
        &["datasets", "add", &example("iris.csv")],
        &["models", "rm", "iris"],
    ] {
        let started = Instant::now();
        let done = Done::of(epoca(&[arguments, &["--url", &url]].concat()).output().unwrap());
        let done = done.failed(3, &format!("nobody listens at {url}: start the service with `epoca`"));
        assert!(started.elapsed() < Duration::from_secs(2), "{arguments:?}");
        assert_eq!(done.err.lines().count(), 1, "{arguments:?}: {done:#?}");
    }
}

#[test]
fn addresses_are_taken_with_the_version_and_refused_with_tls_where_there_is_none() {
    let shell = Shell::start();
    let url = shell.service.url();
    for base in [format!("{url}/v1"), format!("{url}/v1/")] {
        shell.run(&["jobs", "--url", &base]).succeeded();
    }
    let tls = url.replace("http://", "https://");
    shell.run(&["jobs", "--url", &tls]).failed(1, "answers without TLS: use http://");
}

#[test]
fn models_that_are_no_json_are_named() {
    let shell = Shell::start();
    for (start, says) in [
        (&b"PK\x03\x04\x14\x00"[..], "received a ZIP archive, as a .keras file is"),
        (b"\x89HDF\r\n", "received an HDF5 file"),
        (b" \n", "received an empty file"),
        (b"{\"layers\"", "expected a model's definition in JSON: "),
    ] {
        std::fs::write(shell.path("model.keras"), start).unwrap();
        shell.run(&["models", "add", "model.keras"]).failed(1, says);
    }
}

#[test]
fn usage_is_explained_with_code_2() {
    let shell = Shell::start();
    for (arguments, says) in [
        (&["train"][..], "expected --data FILE"),
        (&["train", "--data", &example("iris.csv")], "sepal_length,sepal_width,petal_length,petal_width,species"),
        (&["train", "--watch", "--detach"], "cannot be used with"),
        (&["train", "--set", "epochs"], "expected NAME=VALUE"),
        (&["train", "--epochs", "many"], "--epochs"),
        (&["jobs", "--url", "ftp://x"], "expected --url to be like"),
        (&["jobs", "shwo"], "shwo"),
        (&["jobs", "--status", "failed", "show"], "--status is for the list"),
        (&["jobs", "--status", "done"], "queued, running, paused, succeeded, failed, cancelled"),
        (&["jobs", "--label", "team", "rm", "@last"], "--label is for the list"),
        (&["models", "rm", "ü@b"], "\"b\" is not a number"),
        (&["datasets", "show", "iris", "--rows", "0"], "expected at least 1"),
        (&["man", "nope"], "there is no command \"nope\""),
        (&["man", "jobs", "nope"], "there is no command \"jobs nope\""),
        (&["models", "--limit", "0"], "expected at least 1"),
        (&["predict", "a@b", "x.csv"], "\"b\" is not a number"),
        (&["predict", "iris", "x.csv", "-o", "out.csv.gz"], "expected a name of uncompressed CSV"),
        (&["predict", "iris", "x.csv", "-o", "out.parquet", "--to", "csv"], "received out.parquet"),
        (&["jobs", "--data-dir", "x"], "--local"),
        (&["nonsense"], "nonsense"),
        (&["compare"], "tip: use `epoca jobs compare`"),
        (&["jobs", "stop", "@last"], "tip: use `epoca jobs cancel`"),
    ] {
        shell.run(arguments).failed(2, says);
    }
    let help = Done::of(epoca(&["--help"]).output().unwrap()).succeeded().out;
    for line in ["0    success", "2    wrong usage", "5    the job failed", "6    the job was cancelled", "130  Ctrl-C"]
    {
        assert!(help.contains(line), "no {line}: {help}");
    }
}

#[test]
fn what_is_not_there_is_code_3_and_what_is_wrong_is_code_1() {
    let shell = Shell::start();
    let iris = example("iris.csv");
    shell.run(&["jobs", "show"]).failed(3, "there are no jobs yet");
    shell.run(&["predict", "@last", &iris]).failed(3, "no model is trained yet");
    let train = |more: &[&str]| shell.run(&[&["train", "--data", &iris, "--target", "species"], more].concat());
    let detached = train(&["--epochs", "1", "--detach"]).succeeded().out;
    shell.run(&["watch", detached.trim()]).succeeded();
    for (arguments, says) in [
        (&["jobs", "show", "ffff"][..], "no job is named \"ffff\""),
        (&["jobs", "cancel", "zzz"], "no job is named"),
        (&["datasets", "show", "nope"], "no dataset is named"),
        (&["models", "show", "nope"], "no model is named"),
        (
            &["train", "--data", &iris, "--target", "species", "--model", "cnn"],
            "a JSON file, or one of mlp, linear, gradient_boosting",
        ),
        (&["models", "show", "iris-mlp@9"], "version 9"),
        (&["predict", "nope", &iris], "no model is named"),
        (&["predict", "iris-mlp", "nope.csv"], "nope.csv"),
        (&["train", "--data", "nope.csv", "--target", "y"], "nope.csv"),
        (&["train", "--data", "nope", "--target", "y"], "nope"),
        (&["models", "add", "nope.json"], "nope.json"),
    ] {
        shell.run(arguments).failed(3, says);
    }
    train(&["--epochs", "0"]).failed(1, "/training/epochs: expected 1 to ");
    train(&["--set", "optimzer=adam"]).failed(1, "did you mean `optimizer`?");
    shell.run(&["train", "--data", &iris, "--target", "Species"]).failed(1, "did you mean `species`?");
    // Ids begin with the time: the first characters of two jobs of one test are the same.
    train(&["--epochs", "1"]).succeeded();
    let prefix = &detached[..4];
    let done = shell.run(&["jobs", "show", prefix]).failed(1, &format!("2 jobs begin with \"{prefix}\""));
    assert!(done.err.contains(detached.trim()), "{done:#?}");
}

#[test]
fn a_job_that_fails_is_code_5() {
    let shell = Shell::start();
    let arguments =
        ["train", "--data", &example("iris.csv"), "--target", "species", "--set", "optimizer.learning_rate=1e38"];
    let done = shell.run(&arguments);
    assert!(done.code == 5 && done.err.contains("failed: ") && done.out.is_empty(), "{done:#?}");
    shell.run(&["watch", "@last"]).failed(5, "failed: ");
    let done = shell.run(&["watch", "@last", "--json"]);
    assert!(done.code == 5 && done.out.lines().last().unwrap().contains("\"failed\""), "{done:#?}");
}

/// A service that answers its first requests with `answers`, one a connection; the requests that it received.
fn answering(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = std::thread::spawn(move || {
        let answer = |answer: String| {
            let (mut connection, _) = listener.accept().unwrap();
            connection.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
            // A body comes behind its head: what has arrived when the client waits is all of it.
            let (mut request, mut part) = (Vec::new(), [0; 4096]);
            while let Ok(length @ 1..) = connection.read(&mut part) {
                request.extend_from_slice(&part[..length]);
            }
            connection.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        };
        answers.into_iter().map(answer).collect()
    });
    (url, received)
}

#[test]
fn a_busy_service_is_asked_again() {
    let answer = |status: &str, body: &str| {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    };
    let busy = |seconds: u32| {
        let status = format!("429 Too Many Requests\r\nretry-after: {seconds}");
        answer(&status, r#"{"title": "Too Many Requests", "detail": "too many"}"#)
    };
    let unavailable = answer("503 Service Unavailable\r\nretry-after: 0", r#"{"detail": "full"}"#);
    let (url, received) = answering(vec![busy(1), unavailable, answer("200 OK", r#"{"data": [], "next": null}"#)]);
    let started = Instant::now();
    let done = Done::of(epoca(&["jobs", "--json", "--url", &url]).output().unwrap()).succeeded();
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(done.json()["data"], serde_json::json!([]));
    for said in
        ["is busy (429 Too Many Requests); trying again in 1 s", "(503 Service Unavailable); trying again in 0 s"]
    {
        assert!(done.err.contains(said), "no {said}: {done:#?}");
    }
    assert_eq!(received.join().unwrap().len(), 3);

    // An upload is sent again from its start.
    let dataset = answer("201 Created", r#"{"name": "x", "rows": 1}"#);
    let missing = answer("404 Not Found", r#"{"detail": "no dataset"}"#);
    let (url, received) = answering(vec![missing, busy(0), dataset]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.csv"), "a,b\n1,2\n").unwrap();
    let mut command = epoca(&["datasets", "add", "x.csv", "--json", "--url", &url]);
    let done = Done::of(command.current_dir(folder.path()).output().unwrap()).succeeded();
    assert_eq!(done.json()["name"], "x");
    let received = received.join().unwrap();
    assert!(received[1..].iter().all(|request| request.contains("a,b\n1,2\n")), "{received:#?}");

    // A service that stays busy is an error in the end.
    let (url, received) = answering((0..5).map(|_| busy(0)).collect());
    let done = Done::of(epoca(&["jobs", "--url", &url]).output().unwrap());
    assert!(done.code == 1 && done.err.ends_with("error: too many\n"), "{done:#?}");
    assert_eq!(received.join().unwrap().len(), 5);
}

#[test]
fn a_service_that_wants_a_key_is_code_4_and_a_stranger_code_1() {
    let answer = |text: &'static str| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let length = connection.read(&mut request).unwrap();
            connection.write_all(text.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).to_lowercase()
        });
        (url, received)
    };
    let problem = "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/problem+json\r\nconnection: close\r\n\r\n{\"title\": \"Unauthorized\", \"detail\": \"no API key\"}";
    let (url, received) = answer(problem);
    Done::of(epoca(&["jobs", "--url", &url]).output().unwrap()).failed(4, "--api-key or EPOCA_API_KEY");
    assert!(!received.join().unwrap().contains("authorization"));
    let (url, received) = answer(problem);
    let mut command = epoca(&["jobs", "--url", &url]);
    Done::of(command.env("EPOCA_API_KEY", "secret").output().unwrap()).failed(4, "no API key");
    assert!(received.join().unwrap().contains("authorization: bearer secret\r\n"));
    let (url, received) = answer("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    Done::of(epoca(&["jobs", "--url", &url]).output().unwrap()).failed(1, "does not answer like epoca");
    received.join().unwrap();
}
