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

#[tokio::test]
async fn a_count_of_distinct_values_is_exact_or_says_that_it_is_an_estimate() {
    let tables = Tables::start().await;
    for rows in [4097, 5000, 6000, 7001, 8000] {
        let lines: String = (0..rows).map(|row| format!("customer {row},{},{}\n", row * 2, row % 7)).collect();
        let dataset = tables.csv(&format!("t{rows}"), &format!("id,amount,kind\n{lines}")).await;
        let (id, amount) = (column(&dataset, "id"), column(&dataset, "amount"));
        assert!(id["distinct_estimated"] == true && id["distinct"].as_u64().unwrap() <= rows, "{id:#}");
        assert!(id["distinct"].as_u64().unwrap() * 100 > rows * 95, "{id:#}");
        assert_eq!((&amount["distinct"], amount.get("distinct_estimated")), (&json!(rows), None));
        assert_eq!(column(&dataset, "kind").get("distinct_estimated"), None);
    }
}

#[tokio::test]
async fn dates_of_every_year_have_a_minimum_and_a_maximum_and_are_counted_as_times() {
    let tables = Tables::start().await;
    for (index, (days, distinct, missing, min, max)) in [
        (vec!["9999-12-31", "2020-01-01", "1850-05-05"], 3, 0, "1850-05-05T00:00:00Z", "9999-12-31T00:00:00Z"),
        (vec!["0001-01-01", "1969-12-31T23:59:59"], 2, 0, "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z"),
        (vec!["9999-12-31T23:59:59", "1900-01-01"], 2, 0, "1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        (
            vec!["NaT", "2020-01-01", "2020-01-01T00:00", "NaT", "2020-01-02", ""],
            2,
            3,
            "2020-01-01T00:00:00Z",
            "2020-01-02T00:00:00Z",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let rows: String = days.iter().map(|day| format!("{day},1\n")).collect();
        let dataset = tables.csv(&format!("t{index}"), &format!("d,y\n{rows}")).await;
        let found = column(&dataset, "d");
        assert_eq!((&found["type"], &found["distinct"]), (&json!("datetime"), &json!(distinct)), "{found:#}");
        assert_eq!((&found["min"], &found["max"]), (&json!(min), &json!(max)), "{found:#}");
        assert_eq!(found["missing"], missing, "{found:#}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_table_of_cells_is_refused_with_what_it_is() {
    let tables = Tables::start().await;
    for (body, words) in [
        ("+----+------+\n| id | name |\n+----+------+\n|  1 | bob  |\n+----+------+\n2 rows in set\n", "mysql --batch"),
        (" id | name \n----+------\n  1 | bob\n  2 | ann\n(2 rows)\n\n", "psql --csv"),
        ("id    name\n----  ----\n1     bob\n2     ann\n", "underlined"),
        ("a,b\n---,-----\n1,2\n", "underlined"),
        ("\u{250c}\u{2500}\u{2510}\n\u{2502}a\u{2502}\n", "drawn with lines"),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", "Markdown"),
        ("a | b\n---|---\n1 | 2\n", "Markdown"),
        ("INSERT INTO t (a,b) VALUES (1,2);\nINSERT INTO t (a,b) VALUES (3,4);\n", "SQL"),
        ("-- MySQL dump\nDROP TABLE IF EXISTS `t`;\nINSERT INTO `t` VALUES (1,2),(3,4);\n", "SQL"),
        ("- a: 1\n  b: 2\n- a: 3\n  b: 4\n", "YAML"),
        ("- {a: 1, b: 2}\n- {a: 3, b: 4}\n", "YAML"),
        ("[server]\nhost = x\nport = 3\n", "TOML"),
        ("[[rows]]\na = 1\n\n[[rows]]\na = 2\n", "TOML"),
        ("host=a,b\nport=1,2\n", "name=value"),
        ("<rows>\n<row a='1'/>\n<row a='2'/>\n</rows>\n", "XML"),
        ("+1 3:1 11:1 14:1\n-1 3:1 6:1 17:1\n-1 5:1 6:1\n", "LIBSVM"),
        ("%\n@relation iris\n@attribute a numeric\n@data\n1\n", "ARFF"),
        ("{'a': 1, 'b': 2}\n{'a': 3, 'b': 4}\n", "Python"),
        ("\"a\" \"b\"\n\"1\" 5 3\n\"2\" 6 4\n", "write.table"),
    ] {
        for media_type in ["text/csv", "text/tab-separated-values"] {
            let (status, problem) = tables.send("t", "", media_type, body).await;
            let detail = problem["detail"].as_str().unwrap_or_default();
            assert!(status == 422 && detail.contains(words), "{media_type}: {body}\n{problem:#}");
        }
    }
    // a client that names the separator knows the file
    let (status, dataset) = tables.send("known", "&separator=,", "text/csv", "host=a,b\nport=1,2\n").await;
    assert_eq!((status, &dataset["rows"]), (201, &json!(1)), "{dataset:#}");
}

#[tokio::test]
async fn quotes_and_times_between_tabs_are_cells() {
    let tables = Tables::start().await;
    let quoted = "\"a\"\t\"b\"\n\"1\"\t\"x y\"\n\"2\"\t\"z\"\n";
    for (index, (media_type, query, body, first)) in [
        ("text/tab-separated-values", "", quoted, json!({"a": 1, "b": "x y"})),
        ("text/csv", "", quoted, json!({"a": 1, "b": "x y"})),
        ("text/csv", "&header=false", "1\t10:30\n2\t11:45\n", json!({"column_1": 1, "column_2": "10:30"})),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{index}");
        let (status, dataset) = tables.send(&name, query, media_type, body).await;
        assert_eq!((status, &dataset["rows"]), (201, &json!(2)), "{body}: {dataset:#}");
        assert_eq!(tables.rows(&name).await[0], first, "{body}");
    }
}

#[tokio::test]
async fn row_names_of_r_and_the_index_of_pandas_are_labels_of_the_rows() {
    let tables = Tables::start().await;
    for (index, (csv, label, value)) in [
        (",a,b\n0,5,x\n1,6,y\n", "index", json!("0")),
        (";a;b\nMazda RX4;5;x\nDatsun;6;y\n", "index", json!("Mazda RX4")),
        ("\"\",\"a\",\"b\"\n\"Mazda\",5,\"x\"\n\"Datsun\",6,\"y\"\n", "index", json!("Mazda")),
        ("\"a\",\"b\"\n\"Mazda\",5,\"x\"\n\"Datsun\",6,\"y\"\n", "row_names", json!("Mazda")),
        ("a\tb\n1\t5\tx\n2\t6\ty\n3\t7\tz\n", "row_names", json!("1")),
        ("Unnamed: 0,a,b\n0,5,x\n1,6,y\n", "Unnamed: 0", json!("0")),
        (",index,a,b\n0,7,5,x\n1,8,6,y\n", "index_", json!("0")),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{index}");
        let dataset = tables.csv(&name, csv).await;
        let found = column(&dataset, label);
        assert_eq!(found["type"], "ignored", "{csv}: {dataset:#}");
        let warning = &dataset["warnings"][0];
        assert_eq!((&warning["code"], &warning["column"]), (&json!("row_labels"), &json!(label)), "{dataset:#}");
        assert_eq!(column(&dataset, "a")["min"], 5.0, "{csv}: {dataset:#}");
        let rows = tables.rows(&name).await;
        assert_eq!((&rows[0][label], &rows[0]["a"], &rows[0]["b"]), (&value, &json!(5), &json!("x")), "{csv}");
    }
    let (status, dataset) = tables.send("given", &types("index", "number"), "text/csv", ",a\n0,5\n1,6\n").await;
    assert_eq!((status, &dataset["warnings"]), (201, &json!([])), "{dataset:#}");
    assert_eq!(column(&dataset, "index")["max"], 1.0);
}

fn codes(dataset: &Value) -> Vec<&str> {
    dataset["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_first_line_of_values_is_no_header() {
    let tables = Tables::start().await;
    for (index, (csv, rows)) in [
        ("red,small\nblue,large\nred,large\nblue,small\nred,small\n", 5),
        ("39,Private,<=50K\n50,Private,>50K\n38,Gov,<=50K\n", 3),
        ("5.1\tsetosa\n4.9\tsetosa\n6.3\tvirginica\n", 3),
        ("p;x;p\ne;x;p\np;y;e\n", 3),
        ("2024-01-01,5\n2024-01-02,6\n2024-01-03,7\n", 3),
        ("6,148,72,33.6\n1,85,66,26.6\n", 2),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{index}");
        let dataset = tables.csv(&name, csv).await;
        assert_eq!((codes(&dataset), &dataset["rows"]), (vec!["no_header"], &json!(rows)), "{csv}: {dataset:#}");
        assert_eq!(dataset["read"]["header"], false, "{dataset:#}");
        let first = tables.rows(&name).await[0]["column_1"].to_string();
        assert!(csv.starts_with(first.trim_matches('"')), "{csv}: {first}");
        let (status, dataset) = tables.send(&format!("{name}h"), "&header=true", "text/csv", csv).await;
        match status {
            201 => assert_eq!((codes(&dataset), &dataset["rows"]), (vec![], &json!(rows - 1)), "{csv}: {dataset:#}"),
            _ => assert_eq!(csv.find("p;x;p"), Some(0), "{dataset:#}"),
        }
    }
    let (status, dataset) = tables
        .send("named", &types("red", "category"), "text/csv", "red,small\nblue,large\nred,large\nblue,small\n")
        .await;
    assert_eq!((status, &dataset["read"]["header"], &dataset["rows"]), (201, &json!(true), &json!(3)), "{dataset:#}");
    for (index, (csv, code)) in [
        ("red\nred\nblue\n", "header_of_values"),
        ("John Smith,London\nAnn Lee,Paris\nBob Ray,London\n", "header_of_values"),
        ("2020-01-01,x\n2020-01-02,y\n2020-01-03,z\n", "header_of_values"),
        ("name,kind\nx,kind\ny,b\nz,c\n", "header_of_values"),
        ("name,n\nx,2\nname,n\ny,4\nname,n\n", "repeated_header"),
    ]
    .into_iter()
    .enumerate()
    {
        let dataset = tables.csv(&format!("u{index}"), csv).await;
        assert!(codes(&dataset).contains(&code), "{csv}: {dataset:#}");
        let (status, dataset) = tables.send(&format!("v{index}"), "&header=true", "text/csv", csv).await;
        assert!(status == 201 && !codes(&dataset).contains(&code), "{csv}: {dataset:#}");
    }
    let words = format!("word,pos\nword,noun\n{}", (0..30).map(|row| format!("w{row},noun\n")).collect::<String>());
    for (index, csv) in [
        "colour,size\nblue,large\nred,large\n",
        "kind,n\na,1\nb,2\n",
        "d,x\n2020-01-02,y\n",
        // a value that is the name by chance
        words.as_str(),
    ]
    .iter()
    .enumerate()
    {
        let dataset = tables.csv(&format!("w{index}"), csv).await;
        assert_eq!((codes(&dataset), &dataset["read"]["header"]), (vec![], &json!(true)), "{csv}: {dataset:#}");
    }
}

#[tokio::test]
async fn records_of_few_keys_over_many_columns_are_a_table() {
    const KEYS: usize = 300;
    let tables = Tables::start().await;
    let records: Vec<String> = (0..30_000).map(|row| format!("{{\"k{}\":{row}}}", row * 7919 % KEYS)).collect();
    let body = format!("[{}]", records.join(","));
    let (status, dataset) = tables.send("sparse", "", "application/json", body).await;
    assert_eq!((status, &dataset["rows"]), (201, &json!(30_000)), "{:.300}", dataset.to_string());
    let first = column(&dataset, "k0");
    assert_eq!((&first["missing"], &first["distinct"]), (&json!(29_900), &json!(100)), "{first:#}");
    assert_eq!((&first["min"], &first["max"]), (&json!(0.0), &json!(29_700.0)), "{first:#}");
    let rows = tables.rows("sparse").await;
    assert_eq!((&rows[0]["k0"], &rows[0]["k1"], &rows[1]["k119"]), (&json!(0), &Value::Null, &json!(1)));
}

#[tokio::test]
async fn a_type_that_may_surprise_has_a_reason_or_a_warning() {
    let tables = Tables::start().await;
    for (index, (media_type, body, kind, reason, code)) in [
        ("application/json", r#"[{"v": "True"}, {"v": "False"}]"#, "category", None, Some("booleans_as_text")),
        (
            "application/json",
            r#"[{"v": 1}, {"v": "x"}, {"v": "y"}]"#,
            "category",
            Some("1 numbers and 2 other texts"),
            None,
        ),
        (
            "application/json",
            r#"[{"v": null, "w": 1}, {"v": null, "w": 2}]"#,
            "number",
            Some("no cell has a value"),
            None,
        ),
        ("text/csv", "v,w\nNA,1\n,2\n", "number", Some("no cell has a value"), None),
        ("text/csv", "v,w\n12:30,1\n9:45 PM,2\n", "category", None, Some("times_as_text")),
        ("text/csv", "v,w\n12:30,1\nnoon,2\n", "category", None, None),
        ("text/csv", "v,w\n2023-W05,1\n2023-W06,2\n", "category", None, Some("periods_as_text")),
        ("text/csv", "v,w\nQ1 2023,1\nQ2 2023,2\n", "category", None, Some("periods_as_text")),
        ("text/csv", "v,w\n2024-01-01 10:00 CET,1\n2024-01-02 10:00 CET,2\n", "category", None, Some("dates_as_text")),
        ("text/csv", "v;w\nMon, 01 Jan 2024;1\nTue, 02 Jan 2024;2\n", "category", None, Some("dates_as_text")),
        ("text/csv", "v,w\nMon,1\nTue,2\n", "category", None, None),
        ("text/csv", "v,w\nJan 2023,1\nFebruary 2023,2\n", "datetime", None, None),
        ("text/csv", "v,w\nTrue,1\nfalse,2\n", "boolean", None, None),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, dataset) = tables.send(&format!("t{index}"), "", media_type, body).await;
        assert_eq!(status, 201, "{body}: {dataset:#}");
        let found = column(&dataset, "v");
        assert_eq!((found["type"].as_str(), found["reason"].as_str()), (Some(kind), reason), "{body}: {dataset:#}");
        assert_eq!(codes(&dataset), code.into_iter().collect::<Vec<_>>(), "{body}: {dataset:#}");
    }
    for (cell, hint) in [("inf", "`missing`"), ("-Infinity", "`missing`"), ("1e300", "scale"), ("1e400", "scale")] {
        let detail = tables.refused(&format!("a,b\n1,2\n{cell},3\n")).await;
        assert!(detail.starts_with("line 3, column \"a\"") && detail.contains(hint), "{detail}");
        let (status, dataset) =
            tables.send(&cell[1..], &format!("&missing={cell}"), "text/csv", format!("a,b\n1,2\n{cell},3\n")).await;
        assert_eq!((status, &column(&dataset, "a")["missing"]), (201, &json!(1)), "{dataset:#}");
    }
}

#[tokio::test]
async fn a_last_row_that_is_a_sum_has_a_warning() {
    let tables = Tables::start().await;
    for (index, (csv, lines)) in [
        ("name,n\nx,2\ny,4\nTotal,6\n", Some(4)),
        ("name;n\nx;2\ny;4\nGesamt:;6\n", Some(4)),
        ("year,name,n\n1,x,2\n2,y,4\n,Total,6\n", Some(4)),
        ("sex,n\nm,2\nTotal,4\nf,2\nTotal,4\n", None),
        ("name,n\nTotal,2\nx,4\n", None),
    ]
    .into_iter()
    .enumerate()
    {
        let dataset = tables.csv(&format!("t{index}"), csv).await;
        let found = dataset["warnings"].as_array().unwrap().iter().find(|warning| warning["code"] == "total_row");
        assert_eq!(
            found.map(|warning| warning["lines"].clone()),
            lines.map(|line| json!([line])),
            "{csv}: {dataset:#}"
        );
    }
}

#[tokio::test]
async fn values_within_cells_of_json_are_refused_with_what_to_send() {
    let tables = Tables::start().await;
    for (body, hint) in [
        (r#"[{"a": {"b": 1}, "c": 2}]"#, "a column for each of its values"),
        (r#"[{"a": [1, 2], "c": 2}]"#, "a column for each element"),
        (r#"{"results": [{"a": 1}, {"a": 2}]}"#, "send it alone"),
        (r#"{"status": "ok", "rows": [{"a": 1}]}"#, "that list alone"),
        (r#"{"total": 2, "data": [{"a": 1}]}"#, "that list alone"),
        (r#"{"type": "FeatureCollection", "features": [{"type": "Feature"}]}"#, "that list alone"),
    ] {
        let (status, problem) = tables.send("t", "", "application/json", body).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 422 && detail.contains(hint), "{body}: {problem:#}");
    }
}
