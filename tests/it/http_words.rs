//! What errors say to people who are near to what is right.

use crate::support::{Client, client::problem, tables::Tables};
use serde_json::{Value, json};

async fn refused(tables: &Tables, path: &str, body: Value) -> String {
    let answer = Client::new().post(format!("{}{path}", tables.server.url())).json(&body).send().await.unwrap();
    problem(answer, 422).await["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_unknown_layer_is_answered_with_the_nearest_one() {
    let tables = Tables::start().await;
    for (kind, nearest) in [("Dense", "dense"), ("Conv2D", "conv2d"), ("LSTM", "lstm"), ("denze", "dense")] {
        let model = json!({"name": "m", "definition": {"layers": [{"type": kind, "units": 1}]}});
        let detail = refused(&tables, "/v1/models", model).await;
        assert!(detail.contains(&format!("unknown layer type `{kind}`; did you mean `{nearest}`?")), "{detail}");
        assert!(detail.len() < 700, "{detail}");
    }
    let model = json!({"name": "m", "definition": {"layers": [{"units": 1}]}});
    let detail = refused(&tables, "/v1/models", model).await;
    assert!(detail.contains("expected the type of a layer") && detail.len() < 700, "{detail}");
}

#[tokio::test]
async fn settings_of_others_are_sent_to_their_place() {
    let tables = Tables::start().await;
    tables.csv("line", "x,y\n1,2\n2,4\n3,6\n").await;
    let model = json!({"name": "line", "definition": {"layers": [{"type": "dense", "units": 1}]}});
    let made = Client::new().post(format!("{}/v1/models", tables.server.url())).json(&model).send().await.unwrap();
    assert_eq!(made.status(), 201);
    for (field, hint) in
        [("learning_rate", "expected `learning_rate` in `optimizer`"), ("epoch", "did you mean `epochs`?")]
    {
        let job = json!({"model": "line", "dataset": "line", "target": "y", "training": {field: 1}});
        let detail = refused(&tables, "/v1/jobs", job).await;
        assert!(detail.contains(hint), "{field}: {detail}");
    }
}
