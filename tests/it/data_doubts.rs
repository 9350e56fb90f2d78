//! Files that can be read in two ways: what is read has a warning, or the file is refused with the option that decides.

use crate::support::tables::{Tables, column};
use serde_json::{Value, json};

fn codes(dataset: &Value) -> Vec<&str> {
    dataset["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_may_be_meant_otherwise_has_a_warning() {
    let tables = Tables::start().await;
    for (index, (media_type, body, expected)) in [
        ("text/csv", "a;b\n1.234;x\n2.000;y\n", vec!["ambiguous_numbers"]),
        ("text/csv", "a;b\n1.234.567;x\n2.000;y\n", vec![]),
        ("text/csv", "1,5;2,5\n3,5;4,5\n", vec!["header_of_numbers"]),
        ("text/csv", "5,116,74\n3,100,60\n", vec!["header_of_numbers"]),
        ("text/csv", "2019,2020,2021\n1,2,3\n", vec![]),
        ("text/csv", "v,y\n1.5,a\n*,b\n2.5,a\n", vec!["placeholder"]),
        ("text/csv", "v,y\n12 kg,a\n15 kg,b\n", vec!["numbers_as_text"]),
        ("text/csv", "v,y\n0x1F,a\n0x2A,b\n", vec!["numbers_as_text"]),
        ("text/csv", "v,y\n3A,a\n12B,b\n7C,b\n", vec![]),
        ("text/csv", "d,y\n2024-01-01,1\n31/01/2024,2\n", vec!["mixed_column"]),
        ("text/csv", "f,y\n0,a\n1,b\ntrue,c\n", vec!["mixed_column"]),
        ("application/json", r#"[{"f": true}, {"f": "maybe"}, {"f": false}]"#, vec!["mixed_column"]),
        ("application/json", r#"{"r1": {"a": 1, "b": 2}, "r2": {"a": 3, "b": 4}}"#, vec!["row_labels"]),
        ("application/json", r#"{"a": {"0": 1, "1": 2}}"#, vec![]),
        ("application/json", r#"[{"a": "15.0"}, {"a": "16"}]"#, vec!["numbers_as_text"]),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, dataset) = tables.send(&format!("t{index}"), "", media_type, body).await;
        assert_eq!(status, 201, "{body}: {dataset:#}");
        assert_eq!(codes(&dataset), expected, "{body}: {dataset:#}");
    }
}

#[tokio::test]
async fn another_format_than_announced_is_refused_or_read_as_the_header_says() {
    let tables = Tables::start().await;
    for (media_type, body, reason) in [
        ("text/tab-separated-values", "a,b\n1,2\n3,4\n", "text/csv"),
        ("text/csv", "a^b\n1^2\n3^4\n", "separator=^"),
        ("text/csv", "a,b,y\n'1,5',2,p\n'2,5',3,q\n", "quote='"),
        ("text/csv", "a,y\n\"say \\\"hi\\\"\",p\n", "is doubled"),
        ("text/csv", "a,b\n1,2\n# the end\n", "comment=#"),
        ("application/json", "a,b\n1,2\n", "text/csv"),
    ] {
        let (status, problem) = tables.send("t", "", media_type, body).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 422 && detail.contains(reason), "{body}: {problem:#}");
    }
    let latin = b"name,y\nM\xfcller,1\n".to_vec();
    let (status, dataset) = tables.send("charset", "", "text/csv; charset=iso-8859-1", latin).await;
    assert_eq!((status, &dataset["read"]["encoding"]), (201, &json!("windows-1252")), "{dataset:#}");
    let (status, dataset) = tables.send("absent", "", "text/csv; header=absent", "1,x\n2,y\n").await;
    assert_eq!((status, &dataset["rows"]), (201, &json!(2)), "{dataset:#}");
    assert_eq!(tables.rows("absent").await[0], json!({"column_1": 1, "column_2": "x"}));
}

#[tokio::test]
async fn a_file_without_line_ends_is_what_curl_d_sends() {
    let tables = Tables::start().await;
    let data_binary = "curl's `-d` removes line ends: use `--data-binary @file`";
    // What `curl -d @file` makes of files of few and of many rows, with its own media type and with the right one.
    let iris = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/iris.csv")).unwrap();
    let long = format!("a,b,c\n{}", "1,2,3\n".repeat(600_000));
    let mut tried = 0;
    for (file, expected) in [
        ("a,b\n1,2\n3,4\n", "received one line"),
        ("\"a\",\"b\"\r\n\"1\",\"x\"\r\n", "received one line"),
        (iris.as_str(), "received one line"),
        (long.as_str(), "received 1200003 in one line"),
    ] {
        let sent = file.replace(['\r', '\n'], "");
        let detail = tables.refused(&sent).await;
        assert!(detail.contains(expected) && detail.contains(data_binary), "{file:.60}: {detail}");
        let (status, problem) = tables.send("t", "", "application/x-www-form-urlencoded", sent).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 415 && detail.contains("--data-binary @file -H 'Content-Type: text/csv'"), "{problem:#}");
        tried += 1;
    }
    assert_eq!(tried, 4);
    // Without a header one line can be meant.
    let (status, dataset) = tables.send("t", "&header=false", "text/csv", "1,2,34,5,6").await;
    assert_eq!((status, codes(&dataset)), (201, vec!["one_line"]), "{dataset:#}");
    let (status, dataset) = tables.send("u", "&header=false", "text/csv", "1,2,3\n").await;
    assert_eq!((status, codes(&dataset)), (201, vec![]), "{dataset:#}");
}

#[tokio::test]
async fn comments_of_every_style_are_no_header() {
    let tables = Tables::start().await;
    for (index, comment) in
        ["# by, me", "% by, me", "-- by, me", "// by, me", "! by, me", "\"# by, me\""].iter().enumerate()
    {
        let dataset = tables.csv(&format!("t{index}"), &format!("{comment}\na,b\n1,2\n3,4\n")).await;
        assert_eq!((&dataset["read"]["skip_rows"], codes(&dataset)), (&json!(1), vec![]), "{comment}");
        assert_eq!(tables.rows(&format!("t{index}")).await[0], json!({"a": 1, "b": 2}), "{comment}");
    }
    let changes = tables.csv("changes", "%change,x\n1,2\n3,4\n").await;
    assert_eq!(column(&changes, "%change")["max"], 3.0);
}

#[tokio::test]
async fn strings_are_numbers_where_the_client_says_so() {
    let tables = Tables::start().await;
    let records: Vec<Value> =
        (0..60).map(|n| json!({"age": n.to_string(), "fee": "", "paid": (n % 2 == 0).to_string(), "y": n})).collect();
    let types = "&types=%7B%22age%22:%22number%22,%22paid%22:%22boolean%22%7D";
    let (status, dataset) = tables.send("t", types, "application/json", json!(records).to_string()).await;
    assert_eq!(status, 201, "{dataset:#}");
    let age = column(&dataset, "age");
    assert_eq!((&age["type"], &age["missing"], &age["max"]), (&json!("number"), &json!(0), &json!(59.0)));
    assert_eq!(column(&dataset, "paid")["distinct"], 2);
    let row = json!({"age": 1, "fee": null, "paid": false, "y": 1});
    assert_eq!(tables.rows("t").await[1], row);
    let model = json!({"name": "t", "definition": {"layers": [{"type": "dense", "units": 1}]}});
    let url = tables.server.url();
    assert_eq!(tables.client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap().status(), 201);
    let job = json!({"model": "t", "dataset": "t", "target": "y", "features": ["age", "paid"],
                     "training": {"epochs": 300, "batch_size": "full", "optimizer": {"type": "adam", "learning_rate": 0.05}}});
    let job: Value =
        tables.client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap().json().await.unwrap();
    crate::support::client::wait_for_end(url, job["id"].as_str().unwrap()).await;
    let answers = tables.predict("t", json!([["30", "True"], [30, true], [30, 1]])).await;
    assert_eq!((&answers[0], &answers[0]), (&answers[1], &answers[2]));
    assert!((answers[0]["value"].as_f64().unwrap() - 30.0).abs() < 0.5, "{answers:#}");
}

#[tokio::test]
async fn white_space_of_every_kind_is_no_content_at_upload_and_at_prediction() {
    let tables = Tables::start().await;
    let rows = "30,\u{a0}Self,low\n40,\"\u{200b}Other \",high\n".repeat(20);
    let dataset = tables.csv("t", &format!("age,\u{feff}work\u{200b},y\n{rows}")).await;
    let levels: Vec<&Value> =
        column(&dataset, "work")["values"].as_array().unwrap().iter().map(|level| &level["value"]).collect();
    assert_eq!(levels, ["Other", "Self"]);
    tables.train("t", "y", json!([{"type": "dense", "units": 2, "activation": "softmax"}])).await;
    let (_, answer) =
        tables.ask_predictions("t", json!([[30, "Self"], [30, "\u{a0}Self"], [30, "Self\u{200b}\t"]])).await;
    assert_eq!(answer["warnings"], json!([]), "{answer:#}");
    assert_eq!(
        (&answer["predictions"][0], &answer["predictions"][0]),
        (&answer["predictions"][1], &answer["predictions"][2])
    );
}

#[tokio::test]
async fn a_doubled_quote_of_another_kind_is_one() {
    let tables = Tables::start().await;
    let (status, dataset) = tables.send("t", "&quote='", "text/csv", "a,y\n'it''s',1\n'x,y',2\n").await;
    assert_eq!(status, 201, "{dataset:#}");
    assert_eq!(tables.rows("t").await[0], json!({"a": "it's", "y": 1}));
}

#[tokio::test]
async fn lists_of_labels_are_named() {
    let tables = Tables::start().await;
    let rows = "1,a\n2,a|b\n3,b|c\n".repeat(10);
    tables.csv("t", &format!("x,tags\n{rows}")).await;
    let job = tables.train("t", "tags", json!([{"type": "dense", "units": 3, "activation": "softmax"}])).await;
    assert_eq!(job["warnings"][0]["code"], "label_lists", "{job:#}");
    tables.csv("u", &format!("x,tags\n{rows}4,c\n")).await;
    let detail = tables.refused_job("u", "tags", json!([{"type": "dense", "units": 3, "activation": "sigmoid"}])).await;
    assert!(detail.contains("3 labels one by one") && detail.contains("(a, b, c)"), "{detail}");
    // several labels a row are a column each
    let flags = "1,1,0\n2,0,1\n3,1,1\n4,0,0\n".repeat(10);
    tables.csv("v", &format!("x,a,b\n{flags}")).await;
    let model =
        json!({"name": "v", "definition": {"layers": [{"type": "dense", "units": 2, "activation": "sigmoid"}]}});
    let url = tables.server.url();
    assert_eq!(tables.client.post(format!("{url}/v1/models")).json(&model).send().await.unwrap().status(), 201);
    let job = json!({"model": "v", "dataset": "v", "target": ["a", "b"], "training": {"epochs": 2}});
    let job: Value =
        tables.client.post(format!("{url}/v1/jobs")).json(&job).send().await.unwrap().json().await.unwrap();
    assert_eq!(job["task"], "multilabel_classification", "{job:#}");
}

#[tokio::test]
async fn rows_of_separators_are_rows_of_missing_values_with_a_warning() {
    let tables = Tables::start().await;
    for (name, body, lines) in [
        ("middle", "a,b,c\n1,2,x\n,,\n3,4,y\n", json!([3])),
        ("end", "a,b,c\n1,2,x\n3,4,y\n,,\n,,\n", json!([4, 5])),
        ("start", "a;b;c\n;;\n1;2;x\n\n ; ;\t\n3;4;y\n", json!([2, 5])),
    ] {
        let dataset = tables.csv(name, body).await;
        assert_eq!(codes(&dataset), ["empty_rows"], "{body}: {dataset:#}");
        let warning = &dataset["warnings"][0];
        let count = lines.as_array().unwrap().len();
        assert_eq!((&warning["lines"], &warning["count"]), (&lines, &json!(count)), "{body}: {dataset:#}");
        assert_eq!(dataset["rows"], 2 + count, "{body}: {dataset:#}");
        for (column, kind) in [("a", "number"), ("b", "number"), ("c", "category")] {
            let column = self::column(&dataset, column);
            assert_eq!((&column["type"], &column["missing"]), (&json!(kind), &json!(count)), "{body}: {dataset:#}");
        }
    }
    assert_eq!(tables.rows("middle").await[1], json!({"a": null, "b": null, "c": null}));
    // a blank line is no row, a row with one cell is not empty, and neither is an empty cell of an only column
    for (name, body) in [("blank", "a,b\n1,2\n\n3,4\n\n"), ("one", "a,b\n1,2\n,4\n3,\n"), ("only", "a\n1\n\"\"\n2\n")] {
        assert_eq!(codes(&tables.csv(name, body).await), Vec::<&str>::new(), "{body}");
    }
}
