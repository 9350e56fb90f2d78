//! What takes memory: answers, activations, bodies, pages, jobs. All under a limit of address space.

use super::{expect, is_alive, post, start, start_with, train, upload};
use crate::support::Client;
use futures::future::join_all;
use serde_json::{Value, json};
use std::fmt::Write;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_size_of_an_answer_is_bounded_and_large_ones_are_streamed() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &["--max-answer-bytes=64M"]);
    let mut csv = "a,y\n".to_owned();
    for class in 0..500 {
        writeln!(csv, "{class},{class:0>500}x").unwrap();
    }
    upload(&process, "d", csv).await;
    let job = train(
        &process,
        "m",
        json!([{"type": "dense", "units": 500, "activation": "softmax"}]),
        "d",
        json!({"epochs": 1}),
    )
    .await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    let url = format!("{}/v1/models/m:predict", process.url());
    let instances = |count: usize| json!({"instances": vec![[1]; count]});

    let small = expect(Client::new().post(&url).json(&instances(1)).send().await.unwrap(), 200).await;
    let large = expect(Client::new().post(&url).json(&instances(100)).send().await.unwrap(), 200).await;
    let predictions = large["predictions"].as_array().unwrap();
    assert_eq!(predictions.len(), 100);
    assert!(predictions.iter().all(|prediction| *prediction == small["predictions"][0]), "the parts are the whole");
    assert_eq!((&large["model"], &large["warnings"]), (&small["model"], &small["warnings"]));

    // 26 MB each: what is not read is not in memory.
    let body = instances(100).to_string();
    let address = process.url().strip_prefix("http://").unwrap();
    let mut unread = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /v1/models/m:predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        unread.push(stream);
    }
    is_alive(&process).await;
    drop(unread);

    let problem = expect(Client::new().post(&url).json(&instances(20_000)).send().await.unwrap(), 422).await;
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], "/instances");
    assert!(error["detail"].as_str().unwrap().contains("at most 67108864 bytes, received 20000 instances"), "{error}");
    let raw =
        expect(Client::new().post(format!("{url}?format=raw")).json(&instances(5000)).send().await.unwrap(), 200).await;
    assert_eq!(raw["predictions"].as_array().unwrap().len(), 5000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_working_memory_of_predictions_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    upload(&process, "d", "a,y\n1,2\n3,4\n5,7\n".to_owned()).await;
    // 40 MB of activations a row.
    let layers = json!([{"type": "dense", "units": 1}, {"type": "repeat_vector", "n": 10_000_000},
        {"type": "global_average_pooling1d"}, {"type": "dense", "units": 1}]);
    let job = train(&process, "wide", layers, "d", json!({"epochs": 1, "batch_size": 1})).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    let body = json!({"instances": vec![[1]; 2]});
    let answers = join_all((0..12).map(|_| post(&process, "/v1/models/wide:predict", &body))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert!(statuses.iter().all(|status| [200, 503].contains(status)) && statuses.contains(&200), "{statuses:?}");
    for answer in answers.into_iter().filter(|answer| answer.status() == 503) {
        assert!(answer.headers().contains_key("retry-after"));
    }
    is_alive(&process).await;
    expect(post(&process, "/v1/models/wide:predict", &json!({"instances": [[1]]})).await, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn predictions_of_many_elements_are_refused_before_they_are_computed() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &["--max-answer-bytes=1000G"]);
    let mut csv = "a,y\n".to_owned();
    (0..2000).for_each(|row| writeln!(csv, "{row},class-{row}").unwrap());
    upload(&process, "d", csv).await;
    let layers = json!([{"type": "dense", "units": 2000, "activation": "softmax"}]);
    let job = train(&process, "m", layers, "d", json!({"epochs": 1})).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    let body = json!({"instances": vec![[1]; 100_000]});
    let problem = expect(post(&process, "/v1/models/m:predict?format=raw", &body).await, 422).await;
    let detail = problem["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("at most 1073741824 bytes of memory") && detail.contains("100000 instances"), "{detail}");
    is_alive(&process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_are_bounded_while_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    let filled = |start: &str, unit: &str, end: &str| {
        let count = ((32 << 20) - start.len() - end.len() - 1) / unit.len();
        format!("{start}{}{}{end}", unit.repeat(count - 1), unit.trim_end_matches(','))
    };
    let bodies = [
        ("/v1/models", filled(r#"{"name":"a","definition":{"layers":["#, r#"{"a":1},"#, "]}}")),
        ("/v1/models", filled(r#"{"name":"a","definition":["#, "1,", "]}")),
        ("/v1/jobs", filled(r#"{"model":"a","dataset":"b","target":"c","features":["#, r#""x","#, "]}")),
        ("/v1/jobs", filled(r#"{"model":"a","dataset":"b","target":"c","training":{"metrics":["#, r#""mse","#, "]}}")),
    ];
    let send = |path: &str, body: &str| {
        let request = Client::new().post(format!("{}{path}", process.url())).header("content-type", "application/json");
        request.body(body.to_owned()).send()
    };
    for (path, body) in &bodies {
        let answer = send(path, body).await.unwrap();
        assert_eq!(answer.status(), 413);
        let text = answer.text().await.unwrap();
        assert!(text.contains("at most 1048576 JSON values, received more") && text.len() < 1000, "{text:.1000}");
    }
    let together = bodies.iter().cycle().take(16).map(|(path, body)| send(path, body));
    for answer in join_all(together).await {
        let status = answer.unwrap().status().as_u16();
        assert!([413, 503].contains(&status), "{status}");
    }
    is_alive(&process).await;

    // Instances are counted before anything is made of them.
    upload(&process, "d", "a,y\n1,2\n3,4\n5,7\n".to_owned()).await;
    train(&process, "m", json!([{"type": "dense", "units": 1}]), "d", json!({"epochs": 1})).await;
    let answer = send("/v1/models/m:predict", &filled(r#"{"instances":["#, "[],", "]}")).await.unwrap();
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains("expected 1 to 100000 instances, received 11184"));
    let answer = send("/v1/models/m:predict", &filled(r#"{"instances":[["#, "[],", "]]}")).await.unwrap();
    assert_eq!(answer.status(), 413);
    is_alive(&process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_rows_is_bounded_in_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    let mut csv = (0..8).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    let cell = "x".repeat(1_000_000);
    for row in 0..10 {
        csv.push('\n');
        csv.push_str(&(0..8).map(|column| format!("{row}-{column}-{cell}")).collect::<Vec<_>>().join(","));
    }
    upload(&process, "d", csv).await;
    let url = format!("{}/v1/datasets/d/rows?limit=100", process.url());
    let (mut after, mut read) = (String::new(), Vec::new());
    loop {
        let page: Value = expect(crate::support::get(format!("{url}{after}")).await.unwrap(), 200).await;
        let rows = page["data"].as_array().unwrap();
        assert!((1..=2).contains(&rows.len()), "{}", rows.len());
        read.extend(rows.iter().map(|row| row["c0"].as_str().unwrap()[..2].to_owned()));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(read, (0..10).map(|row| format!("{row}-")).collect::<Vec<_>>());
    let together = join_all((0..24).map(|_| crate::support::get(&url))).await;
    let statuses: Vec<u16> = together.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    is_alive(&process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_states_what_its_confusion_matrix_takes_and_jobs_share_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let process = start_with("--max-memory=400M", folder.path(), &["--workers=3"]);
    let rows: String = (0..8).map(|row| format!("{row},{}\n", ["no", "yes"][row % 2])).collect();
    upload(&process, "d", format!("a,y\n{rows}")).await;
    let layers = |width: usize| {
        json!([{"type": "dense", "units": 1}, {"type": "repeat_vector", "n": width},
            {"type": "global_average_pooling1d"}, {"type": "dense", "units": 2, "activation": "softmax"}])
    };
    let training = json!({"epochs": 1, "batch_size": 1});
    let names = ["a", "b", "c", "d"];
    let jobs = names.iter().map(|name| train(&process, name, layers(5_000_000), "d", training.clone()));
    for job in join_all(jobs).await {
        assert_eq!(job["status"], "succeeded", "{job:#}");
        let memory = &job["summary"]["memory"];
        assert!(memory["other_phases_bytes"].as_u64().unwrap() > 100_000_000, "{memory:#}");
        assert!(memory["peak_bytes"].as_u64().unwrap() < 400 << 20, "{memory:#}");
    }
    let model = json!({"name": "huge", "definition": {"layers": layers(100_000_000)}});
    expect(post(&process, "/v1/models", &model).await, 201).await;
    let job = json!({"model": "huge", "dataset": "d", "target": "y", "training": training});
    let problem = expect(post(&process, "/v1/jobs", &job).await, 422).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("at most 419430400 bytes of memory, received one that needs"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_list_is_bounded_in_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let process = start(folder.path(), &[]);
    let name = "n".repeat(10_000);
    let header: Vec<String> = (0..200).map(|column| format!("{column}{name}")).collect();
    let csv = format!("{}\n{}\n", header.join(","), vec!["1"; 200].join(","));
    for number in 0..8 {
        upload(&process, &format!("d{number}"), csv.clone()).await;
    }
    let url = format!("{}/v1/datasets?limit=100", process.url());
    let (mut after, mut names, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let text = crate::support::get(format!("{url}{after}")).await.unwrap().text().await.unwrap();
        assert!(text.len() < 16 << 20, "{}", text.len());
        let page: Value = serde_json::from_str(&text).unwrap();
        names.extend(
            page["data"].as_array().unwrap().iter().map(|dataset| dataset["name"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!(names, (0..8).rev().map(|number| format!("d{number}")).collect::<Vec<_>>());
    assert!(pages > 1);
}
