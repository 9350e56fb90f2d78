//! What pages use to watch jobs: one stream of all jobs, history in columns, the best epoch, labels and notes.

use crate::http_events::job;
use crate::support::{
    Client, Server,
    client::{Event, Events, problem},
    get,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn json_of(url: String) -> Value {
    let answer = get(url).await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.json().await.unwrap()
}

fn data(event: &Event) -> Value {
    serde_json::from_str(&event.data).unwrap()
}

/// A second job on the model and dataset of the first.
async fn again(url: &str, epochs: u32) -> String {
    let request = json!({"model": "m", "dataset": "t", "target": "y", "training": {"epochs": epochs, "batch_size": 1}});
    let answer = Client::new().post(format!("{url}/v1/jobs")).json(&request).send().await.unwrap();
    answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_stream_has_all_jobs_from_their_start_to_their_end() {
    let server = Server::start().await;
    let long = job(server.url(), 1_000_000).await;
    let mut stream = Events::of_all_jobs(server.url(), "").await;
    // What had not ended before comes first.
    let first = data(&stream.next().await.unwrap());
    assert_eq!((first["type"].as_str(), first["data"]["id"].as_str()), (Some("job"), Some(&*long)));
    assert!(first["data"].get("training").is_none(), "{first:#}");
    let short = again(server.url(), 3).await;
    let (mut statuses, mut epochs) = (Vec::new(), Vec::new());
    while statuses.last().is_none_or(|last| last != "succeeded") {
        let event = data(&stream.next().await.unwrap());
        match event["data"]["id"].as_str() {
            Some(id) if id == short => {
                let status = event["data"]["status"].as_str().unwrap().to_owned();
                if statuses.last() != Some(&status) {
                    statuses.push(status);
                }
            }
            // The other one ends when its watcher has seen some epochs, so that a single worker can take this one.
            Some(id) if id == long => {
                epochs.push(event["data"]["progress"]["epoch"].as_u64().unwrap());
                if epochs.len() == 5 {
                    Client::new().post(format!("{}/v1/jobs/{long}/cancel", server.url())).send().await.unwrap();
                }
            }
            _ => assert_eq!(event["type"], "progress", "{event:#}"),
        }
    }
    assert_eq!(statuses.first().map(String::as_str), Some("queued"), "{statuses:?}");
    assert!(epochs.is_sorted() && epochs.last() > epochs.first(), "{epochs:?}");
}

#[tokio::test]
async fn a_stream_of_named_jobs_has_them_only_and_begins_with_what_they_are() {
    let server = Server::start().await;
    let ended = job(server.url(), 2).await;
    server.wait_for_end(&ended).await;
    let none = json_of(format!("{}/v1/events", server.url())).await;
    assert_eq!(none["data"], json!([]));
    let named = json_of(format!("{}/v1/events?jobs={ended}", server.url())).await;
    assert_eq!(named["data"][0]["data"]["status"], "succeeded", "{named:#}");

    let mut stream = Events::of_all_jobs(server.url(), &format!("?jobs={ended}")).await;
    assert_eq!(data(&stream.next().await.unwrap())["data"]["id"], ended);
    let other = again(server.url(), 2).await;
    server.wait_for_end(&other).await;
    let url = format!("{}/v1/jobs/{ended}", server.url());
    Client::new().patch(url).json(&json!({"note": "seen"})).send().await.unwrap();
    let next = data(&stream.next().await.unwrap());
    assert_eq!((&next["data"]["id"], &next["data"]["note"]), (&json!(ended), &json!("seen")));

    for (query, status) in [("x", 400), ("", 400), ("0196f0c2-7a53-7cc0-8000-000000000000", 400)] {
        let answer = get(format!("{}/v1/events?jobs={query}", server.url())).await.unwrap();
        problem(answer, status).await;
    }
}

#[tokio::test]
async fn a_stream_of_all_jobs_ends_with_the_service_and_begins_again_with_what_is_left() {
    let mut server = Server::start().await;
    let id = job(server.url(), 1_000_000).await;
    let mut stream = Events::of_all_jobs(server.url(), "").await;
    stream.next().await.unwrap();
    server.restart().await;
    while stream.next().await.is_some() {}
    let mut stream = Events::of_all_jobs(server.url(), "").await;
    assert_eq!(data(&stream.next().await.unwrap())["data"]["id"], id);
    Client::new().post(format!("{}/v1/jobs/{id}/cancel", server.url())).send().await.unwrap();
}

#[tokio::test]
async fn history_is_the_events_in_columns() {
    let server = Server::start().await;
    let id = job(server.url(), 150).await;
    let ended = server.wait_for_end(&id).await;
    let events = Events::open(server.url(), &id, None).await.kept().await;
    let epochs: Vec<Value> = events.iter().filter(|event| event.name == "epoch").map(data).collect();
    assert_eq!(epochs.len(), 150);

    let history = json_of(format!("{}/v1/jobs/{id}/history", server.url())).await;
    assert_eq!(history["bucket"], 1);
    assert_eq!(history["epoch"].as_array().unwrap().len(), 150);
    let mut compared = 0;
    for (index, event) in epochs.iter().enumerate() {
        assert_eq!(history["at"][index], event["at"]);
        for (name, value) in event["data"].as_object().unwrap() {
            if !["epoch", "epochs", "unit"].contains(&name.as_str()) {
                assert_eq!(history["metrics"][name]["last"][index], *value, "{name}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 150 * 4, "{compared}");
    let names: BTreeSet<&String> = history["metrics"].as_object().unwrap().keys().collect();
    assert!(names.contains(&"learning_rate".to_owned()) && !names.contains(&"epoch".to_owned()), "{names:?}");

    // 150 epochs in at most 20 buckets are buckets of 8: 0 to 7, 8 to 15 and so on.
    let coarse = json_of(format!("{}/v1/jobs/{id}/history?points=20", server.url())).await;
    assert_eq!(coarse["bucket"], 8);
    assert_eq!(coarse["epoch"].as_array().unwrap()[..3], [json!(7), json!(15), json!(23)]);
    let loss = |from: usize, to: usize| (from..=to).map(|epoch| epochs[epoch - 1]["data"]["loss"].as_f64().unwrap());
    assert_eq!(coarse["metrics"]["loss"]["max"][1], loss(8, 15).fold(f64::MIN, f64::max));
    assert_eq!(coarse["metrics"]["loss"]["min"][0], loss(1, 7).fold(f64::MAX, f64::min));
    let part = json_of(format!("{}/v1/jobs/{id}/history?from=149&to=149", server.url())).await;
    assert_eq!(part["epoch"], json!([149]));

    // The best epoch is that of the lowest loss, and its logs are those of its event.
    let best = ended["best_epoch"].as_u64().unwrap() as usize;
    assert_eq!(ended["best"]["loss"], epochs[best - 1]["data"]["loss"]);
    let lowest = loss(1, 150).fold(f64::MAX, f64::min);
    assert_eq!(ended["best"]["loss"].as_f64(), Some(lowest));

    for query in ["points=1", "points=x", "from=-1", "to=a", "point=3"] {
        let answer = get(format!("{}/v1/jobs/{id}/history?{query}", server.url())).await.unwrap();
        let said = problem(answer, 400).await;
        let name = query.split('=').next().unwrap();
        assert!(said["detail"].as_str().unwrap().contains(name), "{said:#}");
    }
    let absent = "0196f0c2-7a53-7cc0-8000-000000000000";
    problem(get(format!("{}/v1/jobs/{absent}/history", server.url())).await.unwrap(), 404).await;
}

#[tokio::test]
async fn labels_and_a_note_are_set_changed_and_found() {
    let server = Server::start().await;
    let first = job(server.url(), 1).await;
    let jobs = format!("{}/v1/jobs", server.url());
    let labels = json!({"team": "a=b", "kind": "x"});
    let request = json!({"model": "m", "dataset": "t", "target": "y", "training": {"epochs": 1}, "labels": labels,
                         "note": "the first"});
    let answer = Client::new().post(&*jobs).json(&request).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let second: Value = answer.json().await.unwrap();
    assert_eq!((&second["labels"], &second["note"]), (&labels, &json!("the first")));
    let second = second["id"].as_str().unwrap();
    server.wait_for_end(second).await;

    let patch = |body: Value| Client::new().patch(format!("{jobs}/{second}")).json(&body).send();
    let changed: Value =
        patch(json!({"labels": {"kind": null, "old": null, "n": "1"}})).await.unwrap().json().await.unwrap();
    assert_eq!((&changed["labels"], &changed["note"]), (&json!({"team": "a=b", "n": "1"}), &json!("the first")));
    let changed: Value = patch(json!({"note": null})).await.unwrap().json().await.unwrap();
    assert_eq!(changed["note"], Value::Null);
    assert_eq!(changed["status"], "succeeded");

    for (label, expected) in [
        ("team", vec![second]),
        ("team=a%3Db", vec![second]),
        ("team=a", vec![]),
        ("kind", vec![]),
        ("n=1", vec![second]),
    ] {
        let found = json_of(format!("{jobs}?label={label}")).await;
        let ids: Vec<&str> = found["data"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{label}");
    }
    assert_eq!(json_of(format!("{jobs}/{first}")).await["labels"], json!({}));

    let many: serde_json::Map<String, Value> = (0..64).map(|index| (format!("l{index}"), json!("x"))).collect();
    for (body, pointer) in [
        (json!({"labels": many}), "/labels"),
        (json!({"labels": {"": "x"}}), "/labels"),
        (json!({"labels": {"a": 1}}), "/labels/a"),
        (json!({"note": "x".repeat(10_001)}), "/note"),
        (json!({"status": "queued"}), "/status"),
    ] {
        let said = problem(patch(body).await.unwrap(), 422).await;
        assert_eq!(said["errors"][0]["pointer"], pointer, "{said:#}");
    }
    assert_eq!(json_of(format!("{jobs}/{second}")).await["labels"], json!({"team": "a=b", "n": "1"}));
}

#[tokio::test]
async fn a_curve_is_a_picture_of_a_metric() {
    let server = Server::start().await;
    let id = job(server.url(), 30).await;
    server.wait_for_end(&id).await;
    let url = format!("{}/v1/jobs/{id}/curve.svg", server.url());
    for (query, colour) in [("", "#ffffff"), ("?theme=dark", "#1a1d23"), ("?metric=learning_rate", "#ffffff")] {
        let answer = get(format!("{url}{query}")).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "image/svg+xml");
        let picture = answer.text().await.unwrap();
        assert!(picture.starts_with("<svg xmlns=") && picture.contains(colour), "{picture}");
        // One point per epoch, and the best one marked.
        let path = picture.split("<path d=\"M").find(|path| path.contains('L')).unwrap();
        assert_eq!(path.matches('L').count(), 29, "{picture}");
        assert!(picture.contains("<title>best epoch"), "{picture}");
    }
    let said = problem(get(format!("{url}?metric=los")).await.unwrap(), 400).await;
    assert!(said["detail"].as_str().unwrap().contains("did you mean `loss`"), "{said:#}");
    problem(get(format!("{url}?theme=blue")).await.unwrap(), 400).await;
}
