//! Files that people have: read right, read with a warning, or refused with what they are.

use crate::support::tables::{Tables, column};
use serde_json::{Value, json};

/// The option `types` of a query.
fn types(column: &str, kind: &str) -> String {
    format!("&types=%7B%22{column}%22:%22{kind}%22%7D")
}

#[tokio::test]
async fn a_column_that_is_declared_boolean_takes_pairs_of_words() {
    let tables = Tables::start().await;
    for (index, (no, yes)) in [
        ("no", "yes"),
        ("F", "T"),
        ("N", "Y"),
        ("OFF", "on"),
        ("0", "1"),
        ("Nein", "Ja"),
        ("non", "OUI"),
        ("FALSCH", "WAHR"),
        ("false", "yes"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{index}");
        let csv = format!("b,y\n{yes},1\n{no},2\n{yes},3\n,4\n");
        let records = json!([{"b": yes, "y": 1}, {"b": no, "y": 2}, {"b": yes, "y": 3}, {"b": null, "y": 4}]);
        for (name, media_type, body) in
            [(name.clone(), "text/csv", csv), (format!("{name}j"), "application/json", records.to_string())]
        {
            let (status, dataset) = tables.send(&name, &types("b", "boolean"), media_type, body.as_str()).await;
            assert_eq!((status, &dataset["warnings"]), (201, &json!([])), "{body}: {dataset:#}");
            let levels = json!([{"value": false, "count": 1}, {"value": true, "count": 2}]);
            let found = column(&dataset, "b");
            assert_eq!((&found["values"], &found["missing"]), (&levels, &json!(1)), "{body}: {dataset:#}");
            let rows = tables.rows(&name).await;
            let values: Vec<&Value> = rows.as_array().unwrap().iter().map(|row| &row["b"]).collect();
            assert_eq!(values, [&json!(true), &json!(false), &json!(true), &Value::Null], "{body}");
        }
    }
    let (status, dataset) = tables.send("odd", &types("b", "boolean"), "text/csv", "b,y\nyes,1\nno,2\nmaybe,3\n").await;
    let warning = &dataset["warnings"][0];
    assert_eq!(
        (status, &warning["code"], &warning["lines"]),
        (201, &json!("not_a_boolean"), &json!([4])),
        "{dataset:#}"
    );
    for (body, first) in [("b,y\nM,1\nF,2\n", "line 2 has \"M\""), ("b,y\nred,1\ngreen,2\n", "line 2 has \"red\"")] {
        let (status, problem) = tables.send("none", &types("b", "boolean"), "text/csv", body).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(status == 422 && detail.contains(first) && detail.contains("yes and no"), "{problem:#}");
    }
}
