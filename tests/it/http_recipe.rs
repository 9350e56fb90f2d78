//! Preprocessing, column types, splits and scaled targets, from `POST /v1/jobs` to the prediction.

use crate::support::{Client, Server, client};
use serde_json::{Value, json};

async fn send(client: &Client, url: &str, body: &Value, status: u16) -> Value {
    let answer = client.post(url).json(body).send().await.unwrap();
    let received = answer.status().as_u16();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(received, status, "{answer:#}");
    answer
}

async fn upload(client: &Client, url: &str, query: &str, csv: String, status: u16) -> Value {
    let request = client.post(format!("{url}/v1/datasets?{query}")).header("content-type", "text/csv").body(csv);
    let answer = request.send().await.unwrap();
    let received = answer.status().as_u16();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(received, status, "{answer:#}");
    answer
}

async fn get(client: &Client, url: String) -> Value {
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    answer.json().await.unwrap()
}

async fn finished(client: &Client, url: &str, job: &Value) -> Value {
    let job = send(client, &format!("{url}/v1/jobs"), job, 202).await;
    let ended = client::wait_for_end(url, job["id"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended:#}");
    ended
}

fn dense(units: usize, activation: &str) -> Value {
    json!({"layers": [{"type": "dense", "units": units, "activation": activation}]})
}

/// Sales by day, size, shop and an odd amount; the target follows from the size.
fn sales(rows: usize) -> String {
    let mut csv = "day,size,shop,amount,code,price\n".to_owned();
    for row in 0..rows {
        let size = ["S", "M", "L"][row % 3];
        let amount = if row % 10 == 4 { String::new() } else { (row * row % 97).to_string() };
        let price = 200_000 + 50_000 * (row % 3);
        let day = row % 28 + 1;
        csv += &format!(
            "{day:02}.{:02}.2023,{size},shop{},{amount},{},{price}\n",
            row / 28 % 12 + 1,
            row % 4,
            row % 5 + 1
        );
    }
    csv
}

#[tokio::test]
async fn every_step_through_a_job_and_its_recipe() {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    let types = r#"{"size": {"type": "ordinal", "order": ["S", "M", "L"]}}"#;
    let query = format!(
        "name=sales&types={}",
        types.replace(' ', "%20").replace('{', "%7B").replace('}', "%7D").replace('"', "%22")
    );
    let dataset = upload(&client, url, &query, sales(120), 201).await;
    let column =
        |name: &str| dataset["columns"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap().clone();
    assert_eq!(
        (column("day")["type"].clone(), column("day")["format"].clone()),
        (json!("datetime"), json!("%d.%m.%Y"))
    );
    assert_eq!(column("day")["min"], "2023-01-01T00:00:00Z");
    assert_eq!(column("size")["values"][0]["value"], "S");

    send(&client, &format!("{url}/v1/models"), &json!({"name": "m", "definition": dense(1, "linear")}), 201).await;
    let job = json!({
        "model": "m", "dataset": "sales", "target": "price",
        "split": {"method": "time", "column": "day", "validation": 0.2, "test": 0.1},
        "preprocessing": {
            "number": {"scale": ["log1p", "standardize"], "missing": "indicator"},
            "category": {"encode": {"type": "hashing", "n_features": 4}},
            "columns": {"code": {"type": "category", "encode": "target"}, "day": {"features": ["trend", "week_cycle"]}}},
        "training": {"epochs": 400, "batch_size": 8, "seed": 1, "optimizer": {"type": "adam", "learning_rate": 0.05}}});
    let ended = finished(&client, url, &job).await;
    let of = |name: &str| {
        let applied = ended["preprocessing"]["applied"].as_array().unwrap();
        applied.iter().find(|it| it["columns"].as_array().unwrap().contains(&json!(name))).unwrap().clone()
    };
    assert_eq!(of("amount")["scale"], json!(["log1p", "standardize"]));
    assert_eq!(of("shop")["encode"], json!({"type": "hashing", "n_features": 4, "alternate_sign": true}));
    assert_eq!((of("size")["type"].clone(), of("size")["order"].clone()), (json!("ordinal"), json!(["S", "M", "L"])));
    assert_eq!((of("code")["type"].clone(), of("code")["encode"].clone()), (json!("category"), json!("target")));
    assert_eq!(ended["preprocessing"]["target"][0]["loss_of"], "scaled_target");
    assert_eq!((ended["split"]["method"].clone(), ended["split"]["test"].clone()), (json!("time"), json!(0.1)));

    // the loss is of the scaled target, the metrics are in its units
    let metrics = &ended["metrics"];
    let (loss, error) = (metrics["loss"].as_f64().unwrap(), metrics["mean_absolute_error"].as_f64().unwrap());
    assert!(loss < 0.1 && error > 10.0 && error < 20_000.0, "{metrics:#}");
    assert!(metrics["test_mean_absolute_error"].as_f64().unwrap() < 60_000.0, "{metrics:#}");

    let version = get(&client, format!("{url}/v1/models/m/versions/1")).await;
    assert_eq!(version["metrics"]["test_loss"], metrics["test_loss"]);
    let recipe = get(&client, format!("{url}/v1/models/m/versions/1/recipe")).await;
    let features = recipe["features"].as_array().unwrap();
    let kinds: Vec<&str> = features.iter().map(|feature| feature["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["datetime", "ordinal", "hashing", "number", "target"], "{recipe:#}");
    assert_eq!(recipe["outputs"][0]["targets"][0]["scale"][0]["type"], "standardize");

    let known = json!({"day": "05.01.2023", "size": "L", "shop": "shop1", "amount": 5, "code": 2});
    let odd = json!({"day": "2023-01-05", "size": "XL", "shop": "shop9", "amount": 5, "code": 99});
    let body = json!({"instances": [known, odd]});
    let answer = send(&client, &format!("{url}/v1/models/m:predict"), &body, 200).await;
    let price = answer["predictions"][0]["value"].as_f64().unwrap();
    assert!((price - 300_000.0).abs() < 30_000.0, "{answer:#}");
    let warnings = answer["warnings"].as_array().unwrap();
    let codes: Vec<_> =
        warnings.iter().map(|it| (it["pointer"].as_str().unwrap(), it["code"].as_str().unwrap())).collect();
    let expected = [
        ("/instances/1/day", "not_a_date"),
        ("/instances/1/size", "unseen_level"),
        ("/instances/1/code", "unseen_level"),
    ];
    assert_eq!(codes, expected);
}

#[tokio::test]
async fn ambiguous_dates_ask_for_their_form() {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    let csv: String = "day,y\n"
        .chars()
        .chain((0..30).flat_map(|row| {
            format!("{:02}/{:02}/2023,{}\n", row % 12 + 1, row % 5 + 1, row % 7).chars().collect::<Vec<_>>()
        }))
        .collect();
    let dataset = upload(&client, url, "name=d", csv.clone(), 201).await;
    assert_eq!(dataset["columns"][0]["date_formats"], json!(["%d/%m/%Y", "%m/%d/%Y"]), "{dataset:#}");
    assert_eq!(dataset["warnings"][0]["code"], "ambiguous_dates");
    send(&client, &format!("{url}/v1/models"), &json!({"name": "m", "definition": dense(1, "linear")}), 201).await;
    let mut job = json!({"model": "m", "dataset": "d", "target": "y", "training": {"epochs": 2}});
    let problem = send(&client, &format!("{url}/v1/jobs"), &job, 422).await;
    assert_eq!(problem["errors"][0]["pointer"], "/preprocessing/columns/day", "{problem:#}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("%d/%m/%Y or %m/%d/%Y"), "{problem:#}");
    job["preprocessing"] = json!({"columns": {"day": {"type": "datetime", "format": "%m/%d/%Y"}}});
    // a split by them needs the form at upload, unless their texts are groups
    for split in
        [json!({"column": "day", "validation": 0.2}), json!({"method": "time", "column": "day", "validation": 0.2})]
    {
        job["split"] = split;
        let problem = send(&client, &format!("{url}/v1/jobs"), &job, 422).await;
        let (error, words) = (&problem["errors"][0], ["%d/%m/%Y or %m/%d/%Y", "`types`", "group"]);
        assert_eq!(error["pointer"], "/split/column", "{problem:#}");
        assert!(words.iter().all(|word| error["detail"].as_str().unwrap().contains(word)), "{problem:#}");
    }
    job["split"] = json!({"method": "group", "column": "day", "validation": 0.2});
    job["features"] = json!(["day"]);
    let ended = finished(&client, url, &job).await;
    assert_eq!(ended["preprocessing"]["applied"][0]["format"], "%m/%d/%Y");

    let given = |form: &str| format!("name=e&types=%7B%22day%22:%7B%22type%22:%22datetime%22{form}%7D%7D");
    let refused = upload(&client, url, &given(""), csv.clone(), 422).await;
    assert!(refused["detail"].as_str().unwrap_or_default().contains("day and month cannot be told"), "{refused:#}");
    let form = ",%22format%22:%22%25d/%25m/%25Y%22";
    assert_eq!(upload(&client, url, &given(form), csv, 201).await["columns"][0]["type"], "datetime");
}

fn classes(rows: usize) -> String {
    let mut csv = "x,person,part,y\n".to_owned();
    for row in 0..rows {
        let y = if row % 10 == 0 { "rare" } else { "usual" };
        let part = ["train", "train", "train", "validation", "test"][row % 5];
        csv += &format!("{},p{},{part},{y}\n", row % 10, row / 6);
    }
    csv
}

#[tokio::test]
async fn splits_and_their_test_metrics() {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    upload(&client, url, "name=d", classes(100), 201).await;
    send(&client, &format!("{url}/v1/models"), &json!({"name": "m", "definition": dense(1, "sigmoid")}), 201).await;
    let job = |split: Value| {
        json!({"model": "m", "dataset": "d", "target": "y", "features": ["x"], "split": split,
               "training": {"epochs": 2, "batch_size": 16}})
    };
    for (split, method, tested) in [
        (json!({"validation": 0.2, "test": 0.1}), "stratified", true),
        (json!({"method": "random", "validation": 0.2, "seed": 5}), "random", false),
        (json!({"method": "group", "column": "person", "validation": 0.2, "test": 0.2}), "group", true),
        (json!({"column": "part"}), "column", true),
    ] {
        let ended = finished(&client, url, &job(split)).await;
        assert_eq!(ended["split"]["method"], method, "{ended:#}");
        assert!(ended["metrics"]["val_loss"].is_number(), "{ended:#}");
        assert_eq!(ended["metrics"]["test_accuracy"].is_number(), tested, "{ended:#}");
    }
    // each class in the same shares: 2 of the 20 validation rows are rare
    let ended = finished(&client, url, &job(json!({"validation": 0.2}))).await;
    let counts: Vec<u64> = ended["confusion_matrix"]["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum())
        .collect();
    assert_eq!(counts, [2, 18]);

    for (split, pointer) in [
        (json!({"method": "group", "validation": 0.2}), "/split/column"),
        (json!({"method": "time", "column": "person", "validation": 0.2}), "/split/column"),
        (json!({"column": "part", "validation": 0.2}), "/split/validation"),
        (json!({"method": "column", "column": "person"}), "/split/column"),
        (json!({"validation": 0.6, "test": 0.6}), "/split/validation"),
        (json!({"validation": 1}), "/split/validation"),
        (json!({"column": "prt"}), "/split/column"),
        (json!({"method": "stratifed"}), "/split/method"),
    ] {
        let problem = send(&client, &format!("{url}/v1/jobs"), &job(split.clone()), 422).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{split}: {problem:#}");
    }
    let mut both = job(json!({"validation": 0.2}));
    both["training"]["validation_split"] = json!(0.2);
    let problem = send(&client, &format!("{url}/v1/jobs"), &both, 422).await;
    assert_eq!(problem["errors"][0]["pointer"], "/split");
}

#[tokio::test]
async fn oversampling_repeats_the_rows_of_smaller_classes() {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    upload(&client, url, "name=d", classes(100), 201).await;
    send(&client, &format!("{url}/v1/models"), &json!({"name": "m", "definition": dense(1, "sigmoid")}), 201).await;
    let mut job = json!({"model": "m", "dataset": "d", "target": "y", "features": ["x"],
                         "training": {"epochs": 60, "batch_size": 10, "oversampling": true}});
    let ended = finished(&client, url, &job).await;
    // every row once and the ten rare ones eight times more
    let counts: u64 =
        ended["confusion_matrix"]["counts"][0].as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).sum();
    assert_eq!(counts, 90, "{ended:#}");
    job["training"]["class_weight"] = json!("balanced");
    let problem = send(&client, &format!("{url}/v1/jobs"), &job, 422).await;
    assert_eq!(problem["errors"][0]["pointer"], "/training/oversampling");
}

#[tokio::test]
async fn settings_that_do_not_fit_are_refused_where_they_are() {
    let (server, client) = (Server::start().await, Client::new());
    let url = server.url();
    upload(&client, url, "name=d", sales(60), 201).await;
    send(&client, &format!("{url}/v1/models"), &json!({"name": "m", "definition": dense(1, "linear")}), 201).await;
    let job = |preprocessing: Value| json!({"model": "m", "dataset": "d", "target": "price", "preprocessing": preprocessing, "training": {"epochs": 1}});
    for (preprocessing, pointer) in [
        (json!({"number": {"scale": "standardise"}}), "/preprocessing/number/scale"),
        (json!({"number": {"encode": "one_hot"}}), "/preprocessing/number/encode"),
        (json!({"number": {"missing": "level"}}), "/preprocessing/number/missing"),
        (json!({"number": {"missing": "keep"}}), "/preprocessing/number/missing"),
        (
            json!({"number": {"scale": {"type": "robust", "quantile_range": [80, 20]}}}),
            "/preprocessing/number/scale/quantile_range",
        ),
        (
            json!({"category": {"encode": {"type": "hashing", "n_features": 0}}}),
            "/preprocessing/category/encode/n_features",
        ),
        (json!({"columns": {"amout": {"scale": "none"}}}), "/preprocessing/columns/amout"),
        (json!({"columns": {"amount": {"type": "datetime"}}}), "/preprocessing/columns/amount/format"),
        (json!({"columns": {"size": {"type": "ordinal", "order": ["S", "M"]}}}), "/preprocessing/columns/size/order"),
        (json!({"columns": {"shop": {"type": "number"}}}), "/preprocessing/columns/shop/type"),
        (json!({"columns": {"day": {"features": []}}}), "/preprocessing/columns/day/features"),
        (json!({"target": {"scale": "quantile"}}), "/preprocessing/target/scale"),
        (json!({"numbers": {}}), "/preprocessing/numbers"),
    ] {
        let problem = send(&client, &format!("{url}/v1/jobs"), &job(preprocessing.clone()), 422).await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{preprocessing}: {problem:#}");
    }
    let mut both = job(json!({"number": {"scale": "robust"}}));
    both["training"]["preprocessing"] = json!("none");
    let problem = send(&client, &format!("{url}/v1/jobs"), &both, 422).await;
    assert_eq!(problem["errors"][0]["pointer"], "/preprocessing/number/scale");
}
