//! The columns of a large dataset are stored beside its file: jobs learn the same with them, without them, and where they are
//! damaged.

use crate::support::{Client, Server, client, tables::Tables};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// 2 MB with numbers, missing cells, booleans and a category.
fn table() -> String {
    let row = |n: u32| {
        let x = (f64::from(n) * 0.37).sin();
        let missing = if n.is_multiple_of(11) { String::new() } else { format!("{:.12}", x * 7.0) };
        format!("{x:.15},{missing},{},k{},{:.9}\n", n.is_multiple_of(3), n % 37, x * 2.0 + f64::from(n % 37) * 0.1)
    };
    format!("a,b,c,d,y\n{}", (0..40_000).map(row).collect::<String>())
}

fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.flatten();
    files.into_iter().find_map(|file| match file.file_type().ok()?.is_dir() {
        true => find(&file.path(), name),
        false => (file.file_name() == name && folder.ends_with("columns")).then(|| file.path()),
    })
}

async fn stored(server: &Server, id: &str) -> PathBuf {
    for _ in 0..1000 {
        if let Some(path) = find(server.data_dir(), id) {
            return path;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the columns are not stored");
}

/// Trains a version and returns its SHA-256.
async fn train(tables: &Tables) -> Value {
    let url = tables.server.url();
    let training = json!({"epochs": 1, "batch_size": 1000, "validation_split": 0.1, "seed": 3});
    let job = json!({"model": "m", "dataset": "t", "target": "y", "training": training});
    let job: Value =
        tables.client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap().json().await.unwrap();
    let job = client::wait_for_end(url, job["id"].as_str().unwrap()).await;
    assert_eq!(job["status"], "succeeded", "{job:#}");
    let version = format!("{url}/v1/models/m/versions/{}", job["version"]);
    crate::support::get(version).await.unwrap().json::<Value>().await.unwrap()["sha256"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_learn_the_same_from_stored_columns() {
    let mut tables = Tables { server: Server::start().await, client: Client::new() };
    let dataset = tables.csv("t", &table()).await;
    let id = dataset["id"].as_str().unwrap().to_owned();
    let model = json!({"name": "m", "definition": {"layers": [{"type": "dense", "units": 1}]}});
    let answer = tables.client.post(format!("{}/v1/models", tables.server.url())).json(&model).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let path = stored(&tables.server, &id).await;
    let with = train(&tables).await;

    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(train(&tables).await, with, "damaged columns are not used");
    assert!(!path.exists() || std::fs::read(&path).unwrap() != bytes, "damaged columns are removed");
    assert_eq!(train(&tables).await, with, "they are made again");
    let path = stored(&tables.server, &id).await;

    std::fs::write(path.with_file_name("leftover"), "x").unwrap();
    tables.server.restart().await;
    assert!(path.exists() && !path.with_file_name("leftover").exists());
    assert_eq!(train(&tables).await, with);
    // the job keeps the dataset: a new one goes with its columns
    let dataset = tables.csv("u", &table()).await;
    let path = stored(&tables.server, dataset["id"].as_str().unwrap()).await;
    let answer = tables.client.delete(format!("{}/v1/datasets/u", tables.server.url())).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), path.exists()), (204, false));
}
