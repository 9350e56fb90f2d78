//! Jobs that are only checked.

use crate::support::{Client, Server, client::problem, get};
use serde_json::{Value, json};

const IRIS: &str = include_str!("../../examples/data/iris.csv");

async fn with_iris() -> Server {
    let server = Server::start().await;
    let upload = Client::new().post(format!("{}/v1/datasets?name=iris", server.url()));
    let upload = upload.header("content-type", "text/csv").body(IRIS).send().await.unwrap();
    assert_eq!(upload.status(), 201);
    server
}

fn mlp(units: Value) -> Value {
    json!({"layers": [{"type": "dense", "units": units, "activation": "relu"}, {"type": "dense", "units": 3, "activation": "softmax"}]})
}

#[tokio::test]
async fn a_dry_run_answers_what_the_job_would_be_and_stores_nothing() {
    let server = with_iris().await;
    let url = |path: &str| format!("{}{path}", server.url());
    let mut request = json!({"model": "new", "dataset": "iris", "target": "species", "definition": mlp(json!(16)),
                             "training": {"epochs": 7}});
    let answer = Client::new().post(url("/v1/jobs?dry_run=true")).json(&request).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut plan: Value = answer.json().await.unwrap();
    let seconds = plan["seconds_per_epoch"].take().as_f64().unwrap();
    assert!(seconds > 0.0 && seconds < 10.0, "{seconds}");
    let shapes: Vec<&Value> = plan["layers"].as_array().unwrap().iter().map(|layer| &layer["output_shape"]).collect();
    assert_eq!(shapes, [&json!([16]), &json!([3])]);
    assert_eq!(plan["summary"]["parameters"], 4 * 16 + 16 + 16 * 3 + 3);
    assert_eq!((&plan["task"], &plan["training"]["epochs"]), (&json!("multiclass_classification"), &json!(7)));
    assert!(plan["summary"]["memory"]["peak_bytes"].as_u64() > Some(0));
    for list in ["/v1/jobs", "/v1/models"] {
        let list: Value = get(url(list)).await.unwrap().json().await.unwrap();
        assert_eq!(list["data"], json!([]));
    }

    // A job that is stored is the one that was planned.
    let model = json!({"name": "new", "definition": request["definition"]});
    assert_eq!(Client::new().post(url("/v1/models")).json(&model).send().await.unwrap().status(), 201);
    request.as_object_mut().unwrap().remove("definition");
    let answer = Client::new().post(url("/v1/jobs?dry_run=true")).json(&request).send().await.unwrap();
    let mut again: Value = answer.json().await.unwrap();
    again["seconds_per_epoch"].take();
    assert_eq!(again, plan);
    let job: Value = Client::new().post(url("/v1/jobs")).json(&request).send().await.unwrap().json().await.unwrap();
    let mut compared = 0;
    for (name, value) in
        plan.as_object().unwrap().iter().filter(|(name, _)| !["layers", "seconds_per_epoch"].contains(&name.as_str()))
    {
        assert_eq!(job[name], *value, "{name}");
        compared += 1;
    }
    assert!(compared >= 9, "{compared}");
}

#[tokio::test]
async fn what_takes_long_is_not_measured_to_the_end() {
    let server = with_iris().await;
    let layers = json!([{"type": "dense", "units": 3000, "kernel_initializer": "orthogonal"},
                        {"type": "dense", "units": 3000, "kernel_initializer": "orthogonal"},
                        {"type": "dense", "units": 3, "activation": "softmax"}]);
    for definition in [json!({ "layers": layers }), json!({"type": "gaussian_nb"})] {
        let request = json!({"model": "new", "dataset": "iris", "target": "species", "definition": definition});
        let started = std::time::Instant::now();
        let answer =
            Client::new().post(format!("{}/v1/jobs?dry_run=true", server.url())).json(&request).send().await.unwrap();
        let plan: Value = answer.json().await.unwrap();
        assert_eq!(plan["seconds_per_epoch"], Value::Null, "{plan:#}");
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn errors_point_into_the_definition_of_the_request() {
    let server = with_iris().await;
    let request =
        |definition: Value| json!({"model": "new", "dataset": "iris", "target": "species", "definition": definition});
    let wrong_later =
        json!({"layers": [{"type": "conv2d", "filters": 1, "kernel_size": 3}, {"type": "dense", "units": 3}]});
    for (body, pointer) in [
        (request(mlp(json!(0))), "/definition/layers/0/units"),
        (request(mlp(json!("x"))), "/definition/layers/0/units"),
        (request(wrong_later), "/definition/layers/0"),
        (json!({"model": "a b", "dataset": "iris", "target": "species", "definition": mlp(json!(1))}), "/model"),
        (json!({"model": "absent", "dataset": "iris", "target": "species"}), "/model"),
        (json!({"model": "m", "dataset": "absent", "target": "species", "definition": mlp(json!(1))}), "/dataset"),
        (json!({"model": "m", "dataset": "iris", "target": "kind", "definition": mlp(json!(1))}), "/target"),
    ] {
        let answer =
            Client::new().post(format!("{}/v1/jobs?dry_run=true", server.url())).json(&body).send().await.unwrap();
        let said = problem(answer, 422).await;
        let found = said["errors"][0]["pointer"].as_str().unwrap();
        assert!(found.starts_with(pointer), "{pointer}: {said:#}");
    }
    let stored =
        Client::new().post(format!("{}/v1/jobs", server.url())).json(&request(mlp(json!(2)))).send().await.unwrap();
    let said = problem(stored, 422).await;
    assert_eq!(said["errors"][0]["pointer"], "/definition", "{said:#}");
}
