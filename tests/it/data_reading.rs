//! What a text table says is what is read: separators, lines before the header, quotes, blanks, codes, large integers.

use crate::support::tables::{Tables, column, columns};
use serde_json::{Value, json};

fn names(dataset: &Value) -> Vec<String> {
    columns(dataset).into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn separators_are_detected_outside_quotes_and_before_the_rows() {
    let tables = Tables::start().await;
    for (index, (csv, separator, skip_rows, expected)) in [
        ("Name\tCost per 1,000\nA\t10,5\nB\t20,7\n", "\t", 0, vec!["Name", "Cost per 1,000"]),
        ("Preis, EUR;Menge\n0,0;0\n1,1;1\n2,2;2\n", ";", 0, vec!["Preis, EUR", "Menge"]),
        ("\"Weight, kg\";\"Height, cm\";sex\n60;160;m\n61;161;f\n", ";", 0, vec!["Weight, kg", "Height, cm", "sex"]),
        ("\na;b\n1;2\n", ";", 1, vec!["a", "b"]),
        ("sep=;\na;b\n1;2\n", ";", 1, vec!["a", "b"]),
        ("# made by, X\na,b\n1,2\n3,4\n", ",", 1, vec!["a", "b"]),
        ("# exported, by, me\na,b,y\n0,0,p\n1,2,q\n", ",", 1, vec!["a", "b", "y"]),
        ("a|b\n1|2\n", "|", 0, vec!["a", "b"]),
        ("a,b,y\r0,0,p\r1,2,q\r", ",", 0, vec!["a", "b", "y"]),
        ("a,b\n1,2\n  \n\u{1a}", ",", 0, vec!["a", "b"]),
        ("\u{feff}\u{feff}a,b\n1,2\n", ",", 0, vec!["a", "b"]),
        ("a,b,\n1,2,\n3,4,\n", ",", 0, vec!["a", "b"]),
        ("a,b\n1,2,\n3,4,\n", ",", 0, vec!["a", "b"]),
    ]
    .into_iter()
    .enumerate()
    {
        let dataset = tables.csv(&format!("t{index}"), csv).await;
        assert_eq!(names(&dataset), expected, "{csv}");
        assert_eq!(dataset["read"]["separator"], separator, "{csv}");
        assert_eq!(dataset["read"]["skip_rows"], skip_rows, "{csv}");
        assert_eq!(dataset["warnings"], json!([]), "{csv}");
        let first = tables.rows(&format!("t{index}")).await;
        assert!(first[0].as_object().unwrap().values().all(|value| !value.is_null()), "{first:#}");
    }
    let german = tables.csv("german", "a;b\n1,5;2\n-0,25;3\n").await;
    assert_eq!((&german["read"]["decimal"], &column(&german, "a")["min"]), (&json!(","), &json!(-0.25)));
    assert_eq!(tables.rows("german").await, json!([{"a": 1.5, "b": 2}, {"a": -0.25, "b": 3}]));
}

#[tokio::test]
async fn what_is_no_table_is_named() {
    let tables = Tables::start().await;
    for (file, reason) in [
        ("a b\n1 2\n3 4\n", "blanks"),
        ("\"a,b,y\"\n\"0,0,p\"\n\"1,2,q\"\n", "quoted as a whole"),
        ("<!doctype html>\n<html><body>Not found</body></html>\n", "HTML"),
        ("[{\"a\":1}]", "JSON"),
        ("PK\u{3}\u{4}\u{14}", ".xlsx"),
        ("\"Data Source\",\"Indicators\",\n\na,b,y\n0,0,p\n1,2,q\n", "skip_rows=2"),
        ("Report May, 2024\na;b;y\n1;2;p\n", "skip_rows=1"),
        ("a,b,y\n0,0,p,\n1,2,q,r\n", "line 3: expected 3 cells, received 4"),
        ("0,0,p\n1,2,q\n", "header=false"),
    ] {
        let detail = tables.refused(file).await;
        assert!(detail.contains(reason), "{file}: {detail}");
    }
}

#[tokio::test]
async fn blanks_around_and_within_quotes_are_no_content() {
    let tables = Tables::start().await;
    let dataset = tables.csv("a", "\"x\", \"kind\", \"n\"\n\"1\", \"red\", \"5\"\n\"2\", \"blue\", \"6\"\n").await;
    let expected = [("x", "number"), ("kind", "category"), ("n", "number")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(columns(&dataset), expected);
    assert_eq!(tables.rows("a").await[0], json!({"x": 1, "kind": "red", "n": 5}));
    let place = tables.csv("b", "x, place, y\n0, \"Lyon, FR\", 0\n1, \"Lyon, FR\", 1\n").await;
    assert_eq!(column(&place, "place")["values"], json!([{"value": "Lyon, FR", "count": 2}]));
    let padded = tables.csv("c", "a,b\n\"  1\",\" \"\n\"  2\",\" x \"\n").await;
    assert_eq!((&column(&padded, "a")["type"], &column(&padded, "b")["missing"]), (&json!("number"), &json!(1)));
    assert_eq!(column(&padded, "b")["values"], json!([{"value": "x", "count": 1}]));
}

#[tokio::test]
async fn codes_keep_their_spelling_and_say_why() {
    let tables = Tables::start().await;
    for (index, (csv, levels, reason)) in [
        ("zip,y\n\"02134\",a\n\"2134\",b\n", vec!["02134", "2134"], "leading zeros"),
        ("v,y\n1.1,p\n1.10,q\n1.2,p\n", vec!["1.1", "1.10", "1.2"], "\"1.1\" and \"1.10\" are both there"),
        ("a,y\n12E4,p\n3E10,q\n120000,p\n", vec!["120000", "12E4", "3E10"], "codes such as \"12E4\" among integers"),
        (
            "code,x\n\"100000001\",0\n\"100000002\",1\n",
            vec!["100000001", "100000002"],
            "numbers in quotes, beside columns of numbers without",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let dataset = tables.csv(&format!("t{index}"), csv).await;
        let code = &dataset["columns"][0];
        let found: Vec<&str> =
            code["values"].as_array().unwrap().iter().map(|level| level["value"].as_str().unwrap()).collect();
        assert_eq!((found, code["reason"].as_str()), (levels, Some(reason)), "{csv}");
    }
    let amounts = tables.csv("amounts", "price,x\n1.50,1\n1.10,2\n0.75,10\n").await;
    assert_eq!((&amounts["columns"][0]["type"], &amounts["columns"][1]["type"]), (&json!("number"), &json!("number")));
}

#[tokio::test]
async fn integers_of_64_bits_are_exact() {
    let tables = Tables::start().await;
    let dataset = tables.csv("csv", "id,n\n1500000000000000001,1\n1500000000000000002,2\n").await;
    let id = column(&dataset, "id");
    assert_eq!(id["distinct"], 2);
    assert_eq!(
        (id["min"].to_string(), id["max"].to_string()),
        ("1500000000000000001".into(), "1500000000000000002".into())
    );
    assert_eq!(id["values"][1]["value"].to_string(), "1500000000000000002");
    assert_eq!(dataset["warnings"][0]["code"], "inexact_integers");
    assert_eq!(tables.rows("csv").await[0]["id"].to_string(), "1500000000000000001");
    let records = r#"[{"id": 9007199254740993, "c": 18446744073709551615}, {"id": 9007199254740992, "c": "x"}]"#;
    let (status, dataset) = tables.send("json", "", "application/json", records).await;
    assert_eq!((status, &column(&dataset, "id")["distinct"]), (201, &json!(2)), "{dataset:#}");
    assert_eq!(column(&dataset, "c")["values"][0]["value"], "18446744073709551615");
    assert_eq!(tables.rows("json").await[0]["id"].to_string(), "9007199254740993");
    let own = tables
        .send("own", "&types=%7B%22id%22%3A%22category%22%7D", "text/csv", "id,n\n1500000000000000001,1\n7,2\n")
        .await
        .1;
    assert_eq!(column(&own, "id")["values"][0]["value"], "1500000000000000001", "{own:#}");
}

#[tokio::test]
async fn integers_past_64_bits_do_not_merge() {
    let tables = Tables::start().await;
    let (json, ndjson) = ("application/json", "application/x-ndjson");
    for (media_type, body, place) in [
        (json, "[{\"id\": 18446744073709551617},\n{\"id\": 18446744073709551618}]", "line 1: "),
        (json, "[{\"id\": 7},\n{\"id\": 18446744073709551617}]", "line 2: "),
        (json, "{\"id\": [1,\n18446744073709551617\n]}", "line 2: "),
        (json, "{\"columns\": [\"id\"], \"data\": [[18446744073709551617]]}", "line 1: "),
        (ndjson, "{\"id\": 7}\n{\"id\": -18446744073709551617}\n", "line 2: "),
    ] {
        let (status, problem) = tables.send("large", "", media_type, body).await;
        assert_eq!(status, 422, "{body}: {problem:#}");
        let detail = problem["detail"].as_str().unwrap();
        let says = detail.contains(place) && detail.contains("18446744073709551617") && detail.contains("as text");
        assert!(says, "{body}: {detail}");
    }
    // floats as JavaScript and Python write them
    for (name, media_type, body) in [
        ("floats", json, "[{\"v\": 100000000000000000000}, {\"v\": 123456789012345680000}, {\"v\": 1e30}]"),
        ("lines", ndjson, "{\"v\": 100000000000000000000}\n{\"v\": 18446744073709551616}\n{\"v\": 2}\n"),
    ] {
        let (status, dataset) = tables.send(name, "", media_type, body).await;
        assert_eq!((status, &column(&dataset, "v")["distinct"]), (201, &json!(3)), "{dataset:#}");
    }
    let texts = "[{\"id\": \"18446744073709551617\"}, {\"id\": \"18446744073709551618\"}]";
    let (status, dataset) = tables.send("texts", "", json, texts).await;
    assert_eq!((status, &column(&dataset, "id")["distinct"]), (201, &json!(2)), "{dataset:#}");
}

/// A number of a prediction is the level that has all of its digits, or none.
#[tokio::test]
async fn large_numbers_are_no_other_level_at_prediction() {
    let tables = Tables::start().await;
    let rows: String =
        (0..40).map(|row| if row % 2 == 0 { "9007199254740993,a\n" } else { "18446744073709551617,b\n" }).collect();
    let types = "&types=%7B%22id%22%3A%22category%22%7D";
    let (status, dataset) = tables.send("ids", types, "text/csv", format!("id,y\n{rows}")).await;
    assert_eq!((status, &column(&dataset, "id")["distinct"]), (201, &json!(2)), "{dataset:#}");
    tables.train("ids", "y", json!([{"type": "dense", "units": 2, "activation": "softmax"}])).await;
    let mut unseen = 0;
    for (id, label) in [
        (json!(9_007_199_254_740_993u64), Some("a")),
        (json!(9_007_199_254_740_992u64), None),
        (json!("18446744073709551617"), Some("b")),
        (serde_json::from_str("18446744073709551618").unwrap(), None),
    ] {
        let (status, answer) = tables.ask_predictions("ids", json!([[id]])).await;
        assert_eq!(status, 200, "{id}: {answer:#}");
        match label {
            Some(label) => assert_eq!(
                (&answer["predictions"][0]["label"], &answer["warnings"]),
                (&json!(label), &json!([])),
                "{id}: {answer:#}"
            ),
            None => assert_eq!(answer["warnings"][0]["code"], "unseen_level", "{id}: {answer:#}"),
        }
        unseen += usize::from(label.is_none());
    }
    assert_eq!(unseen, 2);
}

#[tokio::test]
async fn some_odd_cells_do_not_turn_a_number_column_into_a_category() {
    let tables = Tables::start().await;
    let csv = |odd: &[usize]| -> String {
        let cell = |row: usize| if odd.contains(&row) { "ERR".to_owned() } else { format!("{}.5", row % 90) };
        std::iter::once("temp,y\n".to_owned()).chain((0..1000).map(|row| format!("{},a\n", cell(row)))).collect()
    };
    let dataset = tables.csv("few", &csv(&[990])).await;
    let temp = column(&dataset, "temp");
    assert_eq!((&temp["type"], &temp["missing"], &temp["distinct"]), (&json!("number"), &json!(1), &json!(90)));
    let warning = &dataset["warnings"][0];
    assert_eq!((&warning["code"], &warning["column"]), (&json!("not_a_number"), &json!("temp")));
    assert_eq!(
        (&warning["lines"], &warning["examples"], &warning["count"]),
        (&json!([992]), &json!(["ERR"]), &json!(1))
    );
    assert_eq!(warning["detail"], "999 of 1000 cells are numbers; line 992 has \"ERR\": what is no number is missing");
    let (status, refused) = tables.send("strict", "&strict=true", "text/csv", csv(&[990])).await;
    assert!(status == 422 && refused["detail"].as_str().unwrap().contains("line 992 has \"ERR\""), "{refused:#}");

    let many = tables.csv("many", &csv(&(0..40).collect::<Vec<_>>())).await;
    assert_eq!(column(&many, "temp")["type"], "category");
    assert_eq!(many["warnings"][0]["code"], "mixed_column");
    assert_eq!(many["warnings"][0]["count"], 40);
    let placeholders = tables.csv("placeholders", "v,y\n1.5,a\n*,b\n\\N,a\n#DIV/0!,a\n2.5,a\n").await;
    let v = column(&placeholders, "v");
    assert_eq!((&v["type"], &v["missing"]), (&json!("number"), &json!(3)));
    let money = tables.csv("money", "x,price\n0,$900.00\n1,$913.00\n").await;
    assert_eq!(money["warnings"][0]["code"], "numbers_as_text");
}

#[tokio::test]
async fn other_spellings_of_tables_are_read() {
    let tables = Tables::start().await;
    let expected = json!([{"a": 1, "y": "p"}, {"a": 2, "y": "q"}]);
    for (index, (media_type, body)) in [
        ("application/json", r#"{"a": [1, 2], "y": ["p", "q"]}"#),
        ("application/json", r#"{"a": {"0": 1, "1": 2}, "y": {"0": "p", "1": "q"}}"#),
        ("application/json", r#"{"0": {"a": 1, "y": "p"}, "1": {"a": 2, "y": "q"}}"#),
        ("application/json", r#"{"data": [{"a": 1, "y": "p"}, {"a": 2, "y": "q"}]}"#),
        ("application/json", "\u{feff}[{\"a\": 1, \"y\": \"p\"}, {\"a\": 2, \"y\": \"q\"}]"),
        ("text/tab-separated-values", "a\ty\n1\tp\n2\tq\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("t{index}");
        let (status, dataset) = tables.send(&name, "", media_type, body).await;
        assert_eq!(status, 201, "{body}: {dataset:#}");
        assert_eq!(tables.rows(&name).await, expected, "{body}");
    }
    let (status, refused) = tables.send("nan", "", "application/json", r#"[{"a": NaN}]"#).await;
    assert!(status == 422 && refused["detail"].as_str().unwrap().contains("send null"), "{refused:#}");
}

#[tokio::test]
async fn gzip_files_are_read_and_unknown_encodings_refused() {
    use std::io::Write;
    let tables = Tables::start().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"a,y\n1,p\n2,q\n").unwrap();
    let file = encoder.finish().unwrap();
    let url = format!("{}/v1/datasets", tables.server.url());
    let send = |encoding: &'static str| {
        let request = tables.client.post(format!("{url}?name={encoding}")).header("content-type", "text/csv");
        request.header("content-encoding", encoding).body(file.clone()).send()
    };
    assert_eq!(send("gzip").await.unwrap().status(), 201);
    assert_eq!(tables.rows("gzip").await, json!([{"a": 1, "y": "p"}, {"a": 2, "y": "q"}]));
    crate::support::client::problem(send("br").await.unwrap(), 415).await;
    let part =
        reqwest::multipart::Part::bytes(file.clone()).file_name("t.csv.gz").mime_str("application/gzip").unwrap();
    let form = reqwest::multipart::Form::new().text("name", "form").part("file", part);
    assert_eq!(tables.client.post(&url).multipart(form).send().await.unwrap().status(), 201);
    let models = format!("{}/v1/models", tables.server.url());
    let request =
        tables.client.post(models).header("content-type", "application/json").header("content-encoding", "zstd");
    crate::support::client::problem(request.body("{}").send().await.unwrap(), 400).await;
}

#[tokio::test]
async fn json_bodies_may_be_compressed() {
    let tables = Tables::start().await;
    let models = format!("{}/v1/models", tables.server.url());
    let body = json!({"name": "m", "definition": {"layers": [{"type": "dense", "units": 1}]}}).to_string();
    let post = |body: Vec<u8>, encoding: &'static str| {
        let request = tables.client.post(&models).header("content-type", "application/json");
        request.header("content-encoding", encoding).body(body).send()
    };
    let compressed = zstd::encode_all(body.as_bytes(), 1).unwrap();
    assert_eq!(post(compressed.clone(), "zstd").await.unwrap().status(), 201);
    crate::support::client::problem(post(compressed[..10].to_vec(), "zstd").await.unwrap(), 400).await;
    crate::support::client::problem(post(compressed, "br").await.unwrap(), 415).await;
    let bomb = zstd::encode_all([b' '; 1 << 20].repeat(200).as_slice(), 1).unwrap();
    let refused = post(bomb, "zstd").await.unwrap().status();
    assert!(refused == 413 || refused == 400, "{refused}");
}

#[tokio::test]
async fn files_in_other_encodings_are_read_or_refused_with_the_line() {
    let tables = Tables::start().await;
    let latin = b"name,y\nM\xfcller,1\nPl\xe1,2\n";
    let (status, refused) = tables.send("t", "", "text/csv", latin.to_vec()).await;
    let detail = refused["detail"].as_str().unwrap();
    assert!(status == 422 && detail.contains("line 2") && detail.contains("encoding=windows-1252"), "{refused:#}");
    let (status, dataset) = tables.send("latin", "&encoding=latin-1", "text/csv", latin.to_vec()).await;
    assert_eq!((status, &dataset["read"]["encoding"]), (201, &json!("windows-1252")), "{dataset:#}");
    assert_eq!(tables.rows("latin").await, json!([{"name": "M\u{fc}ller", "y": 1}, {"name": "Pl\u{e1}", "y": 2}]));
    let units: Vec<u8> =
        "\u{feff}name;y\nM\u{fc}ller;1,5\nPl\u{e1};2,5\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let (status, dataset) = tables.send("utf16", "", "text/csv", units).await;
    assert_eq!((status, &dataset["read"]["encoding"]), (201, &json!("utf-16le")), "{dataset:#}");
    assert_eq!(tables.rows("utf16").await[0], json!({"name": "M\u{fc}ller", "y": 1.5}));
    tables.train("utf16", "y", json!([{"type": "dense", "units": 1}])).await;
    let (status, refused) = tables.send("u", "&encoding=klingon", "text/csv", "a\n1\n").await;
    assert!(status == 422 && refused["errors"][0]["pointer"] == "/encoding", "{refused:#}");
}

#[tokio::test]
async fn options_say_how_a_file_is_read() {
    let tables = Tables::start().await;
    let file = "made by X\n1^2,5^'a^b'\n3^-^'c'\n";
    let query =
        "&skip_rows=1&separator=%5E&decimal=,&quote='&header=false&missing=-&types=%7B%22column_1%22:%22category%22%7D";
    let (status, dataset) = tables.send("t", query, "text/csv", file).await;
    assert_eq!(status, 201, "{dataset:#}");
    let read = &dataset["read"];
    assert_eq!((&read["separator"], &read["quote"], &read["decimal"]), (&json!("^"), &json!("'"), &json!(",")));
    assert_eq!((&read["header"], &read["skip_rows"], &read["missing"]), (&json!(false), &json!(1), &json!(["", "-"])));
    assert_eq!(column(&dataset, "column_1")["reason"], "the option `types`");
    let expected = json!([{"column_1": "1", "column_2": 2.5, "column_3": "a^b"}, {"column_1": "3", "column_2": null, "column_3": "c"}]);
    assert_eq!(tables.rows("t").await, expected);

    let options = json!({"name": "form", "separator": "^", "decimal": ",", "quote": "'", "skip_rows": 1, "header": false,
                         "missing": ["-"], "types": {"column_1": "category"}});
    let file = reqwest::multipart::Part::text(file).file_name("t.csv").mime_str("text/csv").unwrap();
    let form = reqwest::multipart::Form::new().text("options", options.to_string()).part("file", file);
    let answer =
        tables.client.post(format!("{}/v1/datasets", tables.server.url())).multipart(form).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let same: Value = answer.json().await.unwrap();
    assert_eq!((&same["name"], &same["columns"], &same["read"]), (&json!("form"), &dataset["columns"], read));
    for (query, reason) in [
        ("&separator=ab", "one ASCII character"),
        ("&types=%7B%22b%22:%22category%22%7D", "expected columns of the file, received \"b\""),
        ("&separator=%22", "separator and quote"),
    ] {
        let (status, problem) = tables.send("wrong", query, "text/csv", "a,c\n1,2\n").await;
        assert!(status == 422 && problem["detail"].as_str().unwrap().contains(reason), "{problem:#}");
    }
    let (status, problem) = tables.send("wrong", "&decimal=,", "application/json", "[{\"a\": 1}]").await;
    assert!(status == 422 && problem["detail"].as_str().unwrap().contains("decimal"), "{problem:#}");
}

#[tokio::test]
async fn classes_are_listed_in_wide_tables() {
    let tables = Tables::start().await;
    let pixels = 3072;
    let header: String = (0..pixels).map(|pixel| format!("p{pixel},")).collect();
    let row = |index: usize| -> String {
        (0..pixels).map(|pixel| format!("{},", (index * 31 + pixel * 7) % 256)).collect::<String>()
            + &format!("{}\n", index % 100)
    };
    let csv: String = std::iter::once(format!("{header}label\n")).chain((0..300).map(row)).collect();
    let dataset = tables.csv("t", &csv).await;
    let label = column(&dataset, "label");
    assert_eq!((&label["distinct"], label["values"].as_array().map(Vec::len)), (&json!(100), Some(100)));
    let layers = json!([{"type": "dense", "units": 100, "activation": "softmax"}]);
    let (status, job) = tables.ask("t", "label", layers).await;
    assert_eq!((status.as_u16(), &job["task"]), (202, &json!("multiclass_classification")), "{job:#}");
    let cancel = format!("{}/v1/jobs/{}/cancel", tables.server.url(), job["id"].as_str().unwrap());
    tables.client.post(cancel).send().await.unwrap();
}
