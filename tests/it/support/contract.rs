//! Requests and answers against `openapi.yaml`.
//!
//! Checked are: every request that was honoured (its query, its media type, its JSON), and every answer (its status, its
//! media type, its headers, its JSON).

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| epoca::http::routes::document().unwrap().value().clone());

/// Compiled once a process, by the pointer of the schema in the document.
static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

/// One request and its answer.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub content_type: Option<String>,
    /// None where it is streamed or compressed.
    pub body: Option<Vec<u8>>,
    pub status: u16,
    pub headers: HeaderMap,
    pub answer: bytes::Bytes,
}

impl Exchange {
    /// The answer's media type, without parameters.
    pub fn answer_type(&self) -> &str {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        essence(value.unwrap_or_default())
    }
}

/// Panics where the answer that a raw connection received is not as the document says.
pub fn check_raw(method: &str, path: &str, received: &str) {
    let (head, body) = received.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {received:?}"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
    });
    check(&Exchange {
        method: method.to_owned(),
        path: path.split('?').next().unwrap().to_owned(),
        status: status.unwrap(),
        headers: headers.collect(),
        answer: bytes::Bytes::copy_from_slice(body.as_bytes()),
        ..Exchange::default()
    });
}

/// Panics where the exchange is not as the document says.
pub fn check(exchange: &Exchange) {
    if let Err(violation) = examine(exchange) {
        let Exchange { method, path, status, .. } = exchange;
        panic!("{method} {path} ({status}) is not as openapi.yaml says: {violation}");
    }
}

/// Compiles what would delay the first exchange of a test that depends on time.
pub fn warm_up(exchanges: &[(&str, &str, &str)]) {
    for (path, method, status) in exchanges {
        let operation = format!("/paths/{}/{method}", escape(path));
        validator(&format!("{operation}/responses/{status}/content/application~1json/schema"));
        let request = format!("{operation}/requestBody/content/application~1json/schema");
        if DOCUMENT.pointer(&request).is_some() {
            validator(&request);
        }
    }
}

/// The document.
pub fn document() -> &'static Value {
    &DOCUMENT
}

/// What is wrong with `value` by the schema at `pointer` (`/components/schemas/Job`).
pub fn validate(pointer: &str, value: &Value) -> Result<(), String> {
    let errors: Vec<String> = validator(pointer)
        .iter_errors(value)
        .take(3)
        .map(|error| format!("at {:?}: {:.600}", error.instance_path().as_str(), error.to_string()))
        .collect();
    if errors.is_empty() { Ok(()) } else { Err(format!("{errors:#?}\nby the schema {pointer}\nin {value:.3000}")) }
}

fn validator(pointer: &str) -> &'static Validator {
    let mut validators = VALIDATORS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(validator) = validators.get(pointer) {
        return validator;
    }
    assert!(DOCUMENT.pointer(pointer).is_some(), "openapi.yaml has no {pointer}");
    let mut schema = DOCUMENT.clone();
    schema["$ref"] = json!(format!("#{}", pointer.replace('{', "%7B").replace('}', "%7D")));
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let validator: &'static Validator = Box::leak(Box::new(validator));
    validators.insert(pointer.to_owned(), validator);
    validator
}

fn examine(exchange: &Exchange) -> Result<(), String> {
    let status = exchange.status;
    let method = exchange.method.to_lowercase();
    let template = template(&exchange.path);
    let operation = template.and_then(|template| {
        let method = if method == "head" { "get" } else { &method };
        let pointer = format!("/paths/{}/{method}", escape(template));
        DOCUMENT.pointer(&pointer).map(|operation| (pointer, operation))
    });
    let Some((pointer, operation)) = operation else {
        return match status {
            400.. => problem(exchange),
            _ if method == "options" || is_documentation(&exchange.path) => Ok(()),
            _ => Err("it is served, but not documented".to_owned()),
        };
    };
    if (200..300).contains(&status) {
        query(exchange, operation)?;
        request(exchange, &pointer, operation)?;
    }
    answer(exchange, &pointer, operation)
}

/// The description itself and its pages are not part of it.
fn is_documentation(path: &str) -> bool {
    path == "/" || ["/page/", "/docs", "/openapi."].iter().any(|start| path.starts_with(start))
}

/// The path of the document that fits best: the one with the fewest parameters.
fn template(path: &str) -> Option<&'static str> {
    let path = path.replace("%3A", ":").replace("%3a", ":");
    let fits = |template: &&str| {
        let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        wanted.len() == given.len()
            && wanted.iter().zip(given).all(|(wanted, given)| match wanted.split_once('}') {
                Some((_, verb)) => given.len() > verb.len() && given.ends_with(verb),
                None => *wanted == given,
            })
    };
    let names = DOCUMENT["paths"].as_object().unwrap().keys().map(String::as_str);
    names
        .filter(fits)
        .max_by_key(|template| (template.contains("}:"), std::cmp::Reverse(template.matches('{').count())))
}

fn query(exchange: &Exchange, operation: &Value) -> Result<(), String> {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (name, text) in &exchange.query {
        let known =
            parameters.iter().map(resolved).find(|(_, known)| known["in"] == "query" && known["name"] == **name);
        let Some((_, known)) = known else { return Err(format!("the parameter {name} is not documented")) };
        let value = match serde_json::from_str(text) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
            _ => json!(text),
        };
        let validator = jsonschema::validator_for(&json!({
            "components": DOCUMENT["components"], "anyOf": [known["schema"]],
        }));
        let validator = validator.unwrap();
        if !validator.is_valid(&value) && !validator.is_valid(&json!(text)) {
            return Err(format!("the parameter {name} is {text:?}, by the schema {}", known["schema"]));
        }
    }
    Ok(())
}

fn request(exchange: &Exchange, pointer: &str, operation: &Value) -> Result<(), String> {
    let content = &operation["requestBody"]["content"];
    let Some(media_type) = exchange.content_type.as_deref().map(essence) else { return Ok(()) };
    if exchange.body.as_ref().is_some_and(Vec::is_empty) {
        return Ok(());
    }
    let media_type = media_type.to_ascii_lowercase();
    if content.get(&media_type).is_none() {
        return Err(format!("a body of the type {media_type} is honoured, but not documented"));
    }
    match &exchange.body {
        Some(body) if media_type == "application/json" => {
            // a byte order mark is allowed in front of JSON
            let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
            let body = serde_json::from_slice(body).map_err(|error| format!("the request is no JSON: {error}"))?;
            let pointer = format!("{pointer}/requestBody/content/{}/schema", escape(&media_type));
            validate(&pointer, &body).map_err(|error| format!("the request, which was honoured, is not valid: {error}"))
        }
        _ => Ok(()),
    }
}

fn answer(exchange: &Exchange, pointer: &str, operation: &Value) -> Result<(), String> {
    let status = exchange.status.to_string();
    let Some(response) = operation["responses"].get(&status) else {
        return Err(format!("the status is not documented: {}", String::from_utf8_lossy(&exchange.answer)));
    };
    let (reference, response) = resolved(response);
    let pointer = reference.map_or_else(|| format!("{pointer}/responses/{status}"), str::to_owned);
    for name in response["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
        if !exchange.headers.contains_key(name) {
            return Err(format!("the header {name} is documented, but not there"));
        }
    }
    let media_type = exchange.answer_type();
    let Some(content) = response["content"].as_object() else {
        return match exchange.answer.is_empty() {
            true => Ok(()),
            false => Err(format!("no body is documented, but there is one of the type {media_type:?}")),
        };
    };
    let known = content.keys().find(|known| {
        *known == media_type
            || *known == "*/*"
            || (known.ends_with("/*") && media_type.starts_with(&known[..known.len() - 1]))
    });
    let Some(known) = known else {
        return Err(format!("the media type {media_type:?} is not documented"));
    };
    if !media_type.ends_with("json")
        || exchange.method == "HEAD"
        || exchange.headers.contains_key(header::CONTENT_ENCODING)
    {
        return Ok(());
    }
    validate(&format!("{pointer}/content/{}/schema", escape(known)), &json(exchange)?)
}

fn problem(exchange: &Exchange) -> Result<(), String> {
    match exchange.answer_type() {
        "application/problem+json" if exchange.method == "HEAD" => Ok(()),
        "application/problem+json" => validate("/components/schemas/Problem", &json(exchange)?),
        other => Err(format!("an error has the media type {other:?}")),
    }
}

fn json(exchange: &Exchange) -> Result<Value, String> {
    serde_json::from_slice(&exchange.answer).map_err(|error| format!("the answer is no JSON: {error}"))
}

/// What a `$ref` leads to, with its pointer.
pub fn resolved(value: &Value) -> (Option<&str>, &Value) {
    match value["$ref"].as_str() {
        Some(reference) => {
            let pointer = reference.trim_start_matches('#');
            (Some(pointer), DOCUMENT.pointer(pointer).unwrap_or(&Value::Null))
        }
        None => (None, value),
    }
}

/// A name as a segment of a JSON pointer.
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}
