//! What errors say to people who are near to what is right.

use crate::support::{Client, client::problem, http::RequestBuilder, tables::Tables};
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

/// Words of the libraries that read requests, and of types of the program.
const FOREIGN: &[&str] = &[
    "EOF",
    "invalid type",
    "invalid length",
    "invalid value",
    "invalid digit",
    "invalid number",
    "struct ",
    "enum ",
    "tuple",
    "newtype",
    "u64",
    "u32",
    "usize",
    "f32",
    "f64",
    "did not match any",
    "duplicate field",
    "key must be",
    "trailing",
    "expected value",
    "expected ident",
    "identifier",
    "a sequence",
    "number too large",
    "UUID parsing",
    "at line",
];

/// Nothing in a refusal is in the words of a library; returns whether it was refused.
async fn is_refused(request: RequestBuilder, what: &str) -> bool {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    assert!(status < 500, "{what}: {status}");
    if status < 400 {
        return false;
    }
    let problem: Value = answer.json().await.unwrap();
    let errors = problem["errors"].as_array().cloned().unwrap_or_else(|| vec![problem.clone()]);
    for detail in errors.iter().map(|error| error["detail"].as_str().unwrap()) {
        for word in FOREIGN {
            assert!(!detail.contains(word), "{what}: {detail}");
        }
    }
    true
}

/// What no JSON parser reads.
const NO_JSON: &[&str] = &[
    "",
    "{",
    "{\"a\":",
    "{\"a\" 1}",
    "{\"a\":1,}",
    "[1,]",
    "{\"a\":01}",
    "{\"a\":1e999}",
    "tru",
    "\"\\x\"",
    "\"\\ud800\"",
    "{\"a\":\"\n\"}",
    "{}x",
    "{\"a\":NaN}",
    "{1:2}",
    "{'a':1}",
    "\"abc",
    "{\"name\":\"a\",\"name\":\"b\"}",
    "[1 2]",
    "]",
    "+1",
    "{\"a\":\"\u{1}\"}",
    "trux",
];

#[tokio::test]
async fn what_is_no_json_is_explained_in_plain_words() {
    let tables = Tables::start().await;
    tables.csv("line", "x,y\n1,2\n2,4\n").await;
    let url = tables.server.url();
    for path in ["/v1/models", "/v1/jobs", "/v1/models/none:predict"] {
        for body in NO_JSON {
            let request = Client::new().post(format!("{url}{path}")).header("content-type", "application/json");
            assert!(is_refused(request.body(*body), &format!("{path} {body}")).await, "{path} {body}");
        }
    }
    for (body, expected) in [
        ("{\"a\":1,}", "expected JSON: line 1, column 8: expected no comma at the end of a list or an object"),
        ("{'a':1}", "line 1, column 2: expected a name in double quotes"),
        ("{\n\"a\": [1", "line 2, column 7: expected `]` at the end of the list, received the end of the text"),
        ("{\"a\":NaN}", "line 1, column 6: expected a number, received NaN, which JSON does not have; send null"),
    ] {
        let request = Client::new().post(format!("{url}/v1/jobs")).header("content-type", "application/json");
        let detail = problem(request.body(body).send().await.unwrap(), 400).await["detail"].clone();
        assert!(detail.as_str().unwrap().ends_with(expected), "{body}: {detail}");
    }
}

#[tokio::test]
async fn wrong_types_are_explained_in_plain_words() {
    let tables = Tables::start().await;
    tables.csv("line", "x,y\n1,2\n2,4\n3,6\n").await;
    let url = tables.server.url();
    let document = epoca::http::routes::document().unwrap();
    let schemas = document.value()["components"]["schemas"].as_object().unwrap();
    let fields = |schema: &str| -> Vec<String> {
        let properties = schemas[schema]["properties"].as_object();
        properties.unwrap_or_else(|| panic!("{schema} has no fields")).keys().cloned().collect()
    };
    let values = [
        json!(true),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!("x"),
        json!(""),
        json!([]),
        json!([1]),
        json!(["x"]),
        json!([[1]]),
        json!({}),
        json!({"x": 1}),
        json!({"type": "x"}),
        json!({"type": 1}),
        json!([null]),
        json!([1, 2, 3, 4, 5]),
    ];
    let with = |place: &str, field: &str, value: &Value| {
        let mut job = json!({"model": "none", "definition": {"layers": [{"type": "dense", "units": 1}]}, "dataset": "line", "target": "y"});
        match place {
            "" => job[field] = value.clone(),
            place => job[place] = json!({field: value}),
        }
        job
    };
    let mut refused = 0;
    for (place, schema) in [
        ("", "JobRequest"),
        ("training", "TrainingRequest"),
        ("split", "SplitRequest"),
        ("preprocessing", "PreprocessingRequest"),
    ] {
        for field in fields(schema) {
            for value in &values {
                let body = with(place, &field, value);
                let request = Client::new().post(format!("{url}/v1/jobs?dry_run=true")).json(&body);
                refused += usize::from(is_refused(request, &format!("{place}/{field} {value}")).await);
            }
        }
    }
    for kind in ["dense", "conv2d", "lstm", "dropout", "reshape", "embedding", "multi_head_attention"] {
        for field in [
            "units",
            "filters",
            "kernel_size",
            "activation",
            "kernel_initializer",
            "rate",
            "target_shape",
            "use_bias",
            "axis",
        ] {
            for value in &values {
                let body = json!({"name": "m", "definition": {"layers": [{"type": kind, field: value}]}});
                let request = Client::new().post(format!("{url}/v1/models")).json(&body);
                refused += usize::from(is_refused(request, &format!("{kind}.{field} {value}")).await);
            }
        }
    }
    for value in &values {
        for body in
            [value.clone(), json!({"instances": value}), json!({"name": "m", "definition": value}), json!(["m", value])]
        {
            for path in ["/v1/models", "/v1/jobs", "/v1/models/none:predict"] {
                let request = Client::new().post(format!("{url}{path}")).json(&body);
                refused += usize::from(is_refused(request, &format!("{path} {body}")).await);
            }
        }
    }
    assert!(refused > 1500, "{refused}");
}

#[tokio::test]
async fn a_list_is_no_object() {
    let tables = Tables::start().await;
    let body = json!(["m", {"layers": [{"type": "dense", "units": 1}]}]);
    assert_eq!(refused(&tables, "/v1/models", body).await, "expected an object, received an array");
}

#[tokio::test]
async fn parameters_of_queries_say_what_was_expected() {
    let tables = Tables::start().await;
    tables.csv("line", "x,y\n1,2\n2,4\n").await;
    for (query, pointer, expected) in [
        ("skip_rows=x", "/skip_rows", "expected a whole number of at least 0, received \"x\""),
        ("skip_rows=-1", "/skip_rows", "expected a whole number of at least 0, received \"-1\""),
        ("skip_rows=99999999999999999999", "/skip_rows", "expected a whole number of at least 0"),
        ("header=yes", "/header", "expected true or false, received \"yes\""),
        ("strict=1&strict=2", "/strict", "expected the parameter once, received it twice"),
        ("separator=;;", "/separator", "expected one ASCII character, received \";;\""),
        ("missing=[1]", "/missing/0", "expected a string, received 1"),
        ("types=x", "/types", "expected types by column such as {\"zip\": \"category\"}"),
        ("types={\"x\":1}", "/types/x", "expected a type such as \"category\", or an object with `type`, received 1"),
        ("types={\"x\":\"numbr\"}", "/types/x", "did you mean `number`?"),
        ("types={\"x\":{\"type\":\"ordinal\",\"order\":1}}", "/types/x/order", "expected an array, received 1"),
        ("types={\"x\":\"number\",\"x\":\"category\"}", "/types", "received \"x\" twice"),
        ("types={\"z\":\"number\"}", "/types", "expected columns of the file, received \"z\""),
        ("nam=x", "/nam", "did you mean `name`?"),
    ] {
        let (status, problem) = tables.send("d", &format!("&{query}"), "text/csv", "x,y\n1,2\n").await;
        assert_eq!(status, 422, "{query}: {problem:#}");
        let error = &problem["errors"][0];
        let detail = error["detail"].as_str().unwrap();
        assert_eq!(error["pointer"], pointer, "{query}: {detail}");
        assert!(detail.contains(expected) && detail.matches("did you mean").count() < 2, "{query}: {detail}");
    }
    for (path, expected) in [
        ("/v1/jobs?limit=0", "in the query: limit: expected 1 to 100, received \"0\""),
        ("/v1/jobs?limit=1&limit=2", "in the query: limit: expected the parameter once, received it twice"),
        ("/v1/jobs?full=maybe", "in the query: full: expected true or false, received \"maybe\""),
        ("/v1/jobs?status=done", "in the query: status: expected one of `queued`, `running`"),
        ("/v1/datasets?after=x", "in the query: after: expected the `next` of a page, a UUID, received \"x\""),
        ("/v1/events?jobs=x", "in the query: jobs: expected 1 to 100 ids with commas between them, received \"x\""),
    ] {
        let answer = Client::new().get(format!("{}{path}", tables.server.url())).send().await.unwrap();
        let detail = problem(answer, 400).await["detail"].clone();
        assert!(detail.as_str().unwrap().starts_with(expected), "{path}: {detail}");
    }
}

#[tokio::test]
async fn options_of_a_form_have_their_pointers() {
    let tables = Tables::start().await;
    for (options, pointer, expected) in [
        ("{", "/options", "expected `}` at the end of the object"),
        ("[]", "/options", "expected an object, received an array"),
        (r#"{"skip_rows": -1}"#, "/options/skip_rows", "expected a whole number of at least 0, received -1"),
        (r#"{"types": {"x": "numbr"}}"#, "/options/types/x", "did you mean `number`?"),
        (r#"{"types": {"z": "number"}}"#, "/options/types", "expected columns of the file"),
        (r#"{"separator": ";;"}"#, "/options/separator", "expected one ASCII character"),
    ] {
        let file = reqwest::multipart::Part::text("x,y\n1,2\n").file_name("d.csv").mime_str("text/csv").unwrap();
        let form = reqwest::multipart::Form::new().text("options", options).part("file", file);
        let request = Client::new().post(format!("{}/v1/datasets", tables.server.url())).multipart(form);
        let problem = problem(request.send().await.unwrap(), 422).await;
        let error = &problem["errors"][0];
        assert_eq!(error["pointer"], pointer, "{options}: {problem:#}");
        assert!(error["detail"].as_str().unwrap().contains(expected), "{options}: {error}");
    }
}
