//! What lists show, whose jobs a name has, and how long lists of errors are.

use crate::{
    http_events::job,
    support::{Client, Server, client::problem, get},
};
use reqwest::StatusCode;
use serde_json::{Value, json};

async fn listed(server: &Server, query: &str) -> Vec<Value> {
    let page: Value = get(format!("{}/v1/jobs{query}", server.url())).await.unwrap().json().await.unwrap();
    page["data"].as_array().unwrap_or_else(|| panic!("{page:#}")).clone()
}

#[tokio::test]
async fn a_list_of_jobs_is_an_overview_unless_it_is_to_be_full() {
    let server = Server::start().await;
    let id = job(server.url(), 2).await;
    let shown = server.wait_for_end(&id).await;
    assert_eq!(listed(&server, "?full=true").await, std::slice::from_ref(&shown));
    let overview = listed(&server, "").await;
    let left_out = ["features", "training", "preprocessing", "warnings", "summary", "confusion_matrix"];
    let mut expected = shown;
    for name in left_out {
        assert!(expected.as_object_mut().unwrap().shift_remove(name).is_some(), "{name}");
    }
    assert_eq!(overview, [expected]);
}

#[tokio::test]
async fn a_model_and_a_dataset_of_a_deleted_name_do_not_inherit_its_jobs() {
    let server = Server::start().await;
    let url = server.url();
    let first = job(url, 1).await;
    let ended = server.wait_for_end(&first).await;
    let ids = async |query: &str| -> Vec<String> {
        listed(&server, query).await.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("?model=m&dataset=t").await, std::slice::from_ref(&first));
    for path in ["models/m", "datasets/t"] {
        let answer = Client::new().delete(format!("{url}/v1/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    assert_eq!(ids("?model=m").await, std::slice::from_ref(&first), "nothing else has the name");
    let second = job(url, 1).await;
    assert_eq!(ids("?model=m").await, std::slice::from_ref(&second));
    assert_eq!(ids("?dataset=t").await, std::slice::from_ref(&second));
    for (name, id) in [("model", &ended["model_id"]), ("dataset", &ended["dataset_id"])] {
        assert_eq!(ids(&format!("?{name}={}", id.as_str().unwrap())).await, std::slice::from_ref(&first));
    }
    assert_eq!(ids("").await, [second, first]);
}

#[tokio::test]
async fn twenty_errors_are_listed_and_all_are_counted() {
    let server = Server::start().await;
    let layers = vec![json!({"type": "dense", "units": 0}); 50];
    let body = json!({"name": "m", "definition": {"layers": layers}});
    let answer = Client::new().post(format!("{}/v1/models", server.url())).json(&body).send().await.unwrap();
    let problem = problem(answer, 422).await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 20, "{problem:#}");
    assert!(problem["detail"].as_str().unwrap().starts_with("50 fields"), "{problem:#}");
    let mut keras = json!({"class_name": "Sequential", "config": {"name": "s", "layers": []}});
    keras.as_object_mut().unwrap().extend((0..30).map(|index| (format!("x{index}"), json!(1))));
    let body = json!({"name": "m", "definition": keras});
    let answer = Client::new().post(format!("{}/v1/models", server.url())).json(&body).send().await.unwrap();
    let problem = self::problem(answer, 422).await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 20, "{problem:#}");
    assert!(problem["detail"].as_str().unwrap().starts_with("31 fields"), "{problem:#}");
    let id = job(server.url(), 1).await;
    server.wait_for_end(&id).await;
    let body = json!({"instances": vec![Value::Null; 1000]});
    let answer = Client::new().post(format!("{}/v1/models/m:predict", server.url())).json(&body).send().await.unwrap();
    let problem = self::problem(answer, 422).await;
    assert_eq!(problem["errors"].as_array().unwrap().len(), 20, "{problem:#}");
    assert!(problem["detail"].as_str().unwrap().starts_with("1000 fields"), "{problem:#}");
    let unknown: serde_json::Map<String, Value> = (0..50_000).map(|index| (format!("x{index}"), json!(1))).collect();
    let names: Vec<String> = (0..50_000).map(|index| format!("x{index}")).collect();
    for (setting, body) in [
        ("training", json!({"model": "m", "dataset": "t", "target": "y", "training": unknown})),
        ("features", json!({"model": "m", "dataset": "t", "target": "y", "features": names})),
        ("target", json!({"model": "m", "dataset": "t", "target": names})),
    ] {
        let answer = Client::new().post(format!("{}/v1/jobs", server.url())).json(&body).send().await.unwrap();
        let problem = self::problem(answer, 422).await;
        let errors = problem["errors"].as_array().unwrap();
        assert!((1..=3).contains(&errors.len()), "{setting}: {problem:#}");
        assert!(errors[0]["detail"].as_str().unwrap().contains("received 50000"), "{setting}: {problem:#}");
    }
}
