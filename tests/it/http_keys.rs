//! API keys: scopes, limits, ends, and the audit log.

use crate::support::{Client, Process, Server, client::problem, raw};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use std::{path::Path, process::Command};

/// `epoca keys …` on a folder; what it prints on stdout.
fn keys(data_dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_epoca"));
    let output = command.arg("keys").args(arguments).arg("--data-dir").arg(data_dir).output().unwrap();
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned()),
        false => Err(String::from_utf8(output.stderr).unwrap()),
    }
}

fn create(data_dir: &Path, name: &str, scopes: &str, more: &[&str]) -> String {
    keys(data_dir, &[&["create", "--name", name, "--scopes", scopes], more].concat()).unwrap()
}

struct Keyed<'a> {
    url: &'a str,
    key: &'a str,
}

impl Keyed<'_> {
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = Client::new().request(method, format!("{}{path}", self.url));
        if !self.key.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.key));
        }
        match body {
            Some(body) => request.json(&body).send().await.unwrap(),
            None => request.send().await.unwrap(),
        }
    }

    async fn upload(&self, name: &str, body: String) -> Response {
        let request = Client::new().post(format!("{}/v1/datasets?name={name}", self.url));
        let request =
            request.header("authorization", format!("Bearer {}", self.key)).header("content-type", "text/csv");
        request.body(body).send().await.unwrap()
    }
}

fn model(name: &str) -> Option<Value> {
    Some(json!({"name": name, "definition": {"layers": [{"type": "dense", "units": 1}]}}))
}

#[tokio::test]
async fn the_first_key_closes_the_service_and_each_scope_opens_a_part() {
    let server = Server::start().await;
    let open = Keyed { url: server.url(), key: "" };
    assert_eq!(open.send(Method::POST, "/v1/models", model("before")).await.status(), 201);

    let read = create(server.data_dir(), "reader", "read", &[]);
    let train = create(server.data_dir(), "trainer", "train", &[]);
    let predict = create(server.data_dir(), "predictor", "predict", &[]);
    let admin = create(server.data_dir(), "boss", "admin", &[]);
    assert!(read.starts_with("epoca_") && read.len() == 6 + 12 + 1 + 64, "{read}");

    let mut answers = 0;
    let instances = || Some(json!({"instances": [[1]]}));
    for (method, path, body, scope) in [
        (Method::GET, "/v1/datasets", None, "read"),
        (Method::GET, "/v1/server", None, "read"),
        (Method::GET, "/metrics", None, "read"),
        (Method::POST, "/v1/models", model("again"), "train"),
        (Method::DELETE, "/v1/models/none", None, "train"),
        (Method::POST, "/v1/models/before:predict", instances(), "predict"),
        (Method::GET, "/v1/audit", None, "admin"),
    ] {
        let unnamed = open.send(method.clone(), path, body.clone()).await;
        assert_eq!(unnamed.headers()["www-authenticate"], "Bearer realm=\"epoca\"", "{path}");
        problem(unnamed, 401).await;
        for (name, key) in [("read", &read), ("train", &train), ("predict", &predict), ("admin", &admin)] {
            let answer = Keyed { url: server.url(), key }.send(method.clone(), path, body.clone()).await;
            if name == scope || name == "admin" {
                let passed = !matches!(answer.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                assert!(passed, "{name} {method} {path}: {}", answer.status());
            } else {
                let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
                assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
                let refused = problem(answer, 403).await;
                assert!(refused["detail"].as_str().unwrap().contains(&format!("scope `{scope}`")), "{refused:#}");
            }
            answers += 1;
        }
    }
    assert_eq!(answers, 28);
    for path in ["/livez", "/readyz", "/docs/", "/problems/unauthorized", "/openapi.json"] {
        assert_eq!(open.send(Method::GET, path, None).await.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn only_the_exact_key_is_taken() {
    let server = Server::start().await;
    let key = create(server.data_dir(), "ci", "read", &[]);
    let last = key.chars().last().unwrap();
    let wrong = format!("{}{}", &key[..key.len() - 1], if last == '0' { '1' } else { '0' });
    let mut refused = 0;
    for (header, expected) in [
        (format!("authorization: Bearer {key}\r\n"), 200),
        (format!("authorization: bearer   {key}\r\n"), 200),
        (format!("authorization: Bearer {wrong}\r\n"), 401),
        (format!("authorization: Bearer {}\r\n", &key[..key.len() - 1]), 401),
        (format!("authorization: Bearer {key}0\r\n"), 401),
        (format!("authorization: Bearer {}\r\n", key.to_uppercase()), 401),
        (format!("authorization: Basic {key}\r\n"), 401),
        (format!("authorization: {key}\r\n"), 401),
        ("authorization: Bearer\r\n".to_owned(), 401),
        (format!("authorization: Bearer {key}\r\nauthorization: Bearer {key}\r\n"), 401),
        (format!("x-api-key: {key}\r\n"), 401),
    ] {
        let (status, answer) =
            raw::request(server.url(), "GET", "/v1/server", &format!("host: localhost\r\n{header}")).await;
        assert_eq!(status, expected, "{header}: {answer}");
        assert!(!answer.contains(&key[20..]), "the secret comes back: {answer}");
        refused += u32::from(status == 401);
    }
    assert_eq!(refused, 9);
}

#[tokio::test]
async fn keys_end_by_themselves_or_at_once() {
    let server = Server::start().await;
    let folder = server.data_dir();
    let kept = create(folder, "kept", "read", &["--expires", "1h"]);
    let short = create(folder, "short", "read", &["--expires", "1s"]);
    let revoked = create(folder, "revoked", "read", &[]);
    let status = async |key: &str| Keyed { url: server.url(), key }.send(Method::GET, "/v1/jobs", None).await.status();
    assert_eq!(status(&revoked).await, 200);
    keys(folder, &["revoke", "revoked"]).unwrap();
    assert_eq!(status(&revoked).await, 401);
    assert!(keys(folder, &["revoke", "revoked"]).unwrap_err().contains("no key \"revoked\""));
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert_eq!(status(&short).await, 401);
    assert_eq!(status(&kept).await, 200);

    let list = keys(folder, &["list"]).unwrap();
    for (name, state) in [("kept", "active"), ("short", "expired"), ("revoked", "revoked")] {
        let line = list.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.ends_with(state), "{list}");
    }
    assert!(!list.contains(&kept[20..]), "a secret is listed: {list}");
    let listed: Value = serde_json::from_str(&keys(folder, &["list", "--json"]).unwrap()).unwrap();
    let states: Vec<(&str, &str)> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["name"].as_str().unwrap(), key["state"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("kept", "active"), ("short", "expired"), ("revoked", "revoked")]);
    let first = &listed["data"][0];
    assert_eq!((&first["scopes"], first["prefix"].as_str()), (&json!(["read"]), kept.split('_').nth(1)));
    assert!(
        first["expires_at"].is_string() && first.get("hash").is_none() && !listed.to_string().contains(&kept[20..])
    );
    // The last key that ends does not open the service.
    keys(folder, &["revoke", "kept"]).unwrap();
    assert_eq!(status("").await, 401);
    // A name may be used again; the secret is nowhere on the disk.
    let again = create(folder, "revoked", "read", &[]);
    assert_eq!(status(&again).await, 200);
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(memchr::memmem::find(&bytes, &again.as_bytes()[19..]).is_none(), "{}", file.display());
    }
}

#[tokio::test]
async fn a_key_has_its_rate_and_its_room() {
    let server = Server::start().await;
    let slow = create(server.data_dir(), "slow", "read", &["--requests-per-second", "0.5"]);
    let slow = Keyed { url: server.url(), key: &slow };
    assert_eq!(slow.send(Method::GET, "/v1/jobs", None).await.status(), 200);
    let refused = slow.send(Method::GET, "/v1/jobs", None).await;
    assert_eq!(refused.headers()["retry-after"], "2");
    problem(refused, 429).await;

    let small = create(server.data_dir(), "small", "train,read", &["--max-bytes", "1000"]);
    let small = Keyed { url: server.url(), key: &small };
    let table = |rows: usize| format!("a,b\n{}", "1,2\n".repeat(rows));
    assert_eq!(small.upload("fits", table(100)).await.status(), 201);
    let full = problem(small.upload("more", table(200)).await, 507).await;
    assert!(full["detail"].as_str().unwrap().contains("at most 1000 bytes"), "{full:#}");
    assert_eq!(small.upload("rest", table(140)).await.status(), 201);
    // Of several at a time no more is kept than fits.
    let other = create(server.data_dir(), "other", "train", &["--max-bytes", "1000"]);
    let other = Keyed { url: server.url(), key: &other };
    let uploads = (0..6).map(|each| other.upload(["p0", "p1", "p2", "p3", "p4", "p5"][each], table(100)));
    let answers = futures::future::join_all(uploads).await;
    let stored = answers.iter().filter(|answer| answer.status() == 201).count();
    assert_eq!(stored, 2, "{answers:?}");
    // What is deleted makes room again.
    assert_eq!(small.send(Method::DELETE, "/v1/datasets/fits", None).await.status(), 204);
    assert_eq!(small.upload("again", table(90)).await.status(), 201);
}

#[tokio::test]
async fn writes_are_in_the_audit_log() {
    let server = Server::start().await;
    let open = Keyed { url: server.url(), key: "" };
    open.send(Method::POST, "/v1/models", model("first")).await;
    let key = create(server.data_dir(), "ci", "train", &[]);
    let ci = Keyed { url: server.url(), key: &key };
    let created = ci.send(Method::POST, "/v1/models", model("second")).await;
    let id = created.headers()["x-request-id"].to_str().unwrap().to_owned();
    let location = created.headers()["location"].to_str().unwrap().to_owned();
    ci.send(Method::POST, "/v1/models", model("second")).await;
    ci.send(Method::DELETE, "/v1/models/first", None).await;

    let boss = create(server.data_dir(), "boss", "admin", &[]);
    let boss = Keyed { url: server.url(), key: &boss };
    let log: Value = boss.send(Method::GET, "/v1/audit", None).await.json().await.unwrap();
    let said: Vec<(&str, &str, &Value)> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["method"].as_str().unwrap(), entry["path"].as_str().unwrap(), &entry["key_name"]))
        .collect();
    // Newest first; what was refused changed nothing. The keys themselves come from commands.
    let (ci, nobody) = (json!("ci"), Value::Null);
    assert_eq!(
        said,
        [
            ("COMMAND", "keys create --name boss --scopes admin", &nobody),
            ("DELETE", "/v1/models/first", &ci),
            ("POST", "/v1/models", &ci),
            ("COMMAND", "keys create --name ci --scopes train", &nobody),
            ("POST", "/v1/models", &nobody)
        ]
    );
    let entry = &log["data"][2];
    assert_eq!((&entry["request_id"], &entry["location"]), (&json!(id), &json!(location)));
    assert_eq!((&entry["status"], &entry["address"]), (&json!(201), &json!("127.0.0.1")));
    let first: Value = boss.send(Method::GET, "/v1/audit?limit=1", None).await.json().await.unwrap();
    let next = first["next"].as_str().unwrap();
    let second: Value = boss.send(Method::GET, &format!("/v1/audit?after={next}"), None).await.json().await.unwrap();
    assert_eq!(second["data"].as_array().unwrap().len(), 4, "{second:#}");
    keys(server.data_dir(), &["revoke", "ci"]).unwrap();
    keys(server.data_dir(), &["revoke", "ci"]).unwrap_err();
    let log: Value = boss.send(Method::GET, "/v1/audit?limit=2", None).await.json().await.unwrap();
    let paths: Vec<&Value> = log["data"].as_array().unwrap().iter().map(|entry| &entry["path"]).collect();
    assert_eq!(paths, ["keys revoke ci", "keys create --name boss --scopes admin"]);
    assert!(!log.to_string().contains(&key[20..]), "a secret is in the log: {log}");
}

#[tokio::test]
async fn another_address_needs_a_key_or_the_flag() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let serve = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_epoca"));
        command.args(["serve", "--listen", "0.0.0.0:0", "--data-dir"]).arg(&data).args(more);
        command
    };
    let refused = serve(&[]).output().unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{text}");
    assert!(text.contains("epoca keys create") && text.contains("--insecure-no-auth"), "{text}");

    let open = Process::start(&data, &["--listen", "0.0.0.0:0", "--insecure-no-auth"]);
    let url = open.url().replace("0.0.0.0", "127.0.0.1");
    assert_eq!(Keyed { url: &url, key: "" }.send(Method::GET, "/v1/jobs", None).await.status(), 200);
    open.kill();

    let key = create(&data, "ci", "read", &[]);
    let closed = Process::start(&data, &["--listen", "0.0.0.0:0"]);
    let url = closed.url().replace("0.0.0.0", "127.0.0.1");
    assert_eq!(Keyed { url: &url, key: "" }.send(Method::GET, "/v1/jobs", None).await.status(), 401);
    assert_eq!(Keyed { url: &url, key: &key }.send(Method::GET, "/v1/jobs", None).await.status(), 200);
}

#[test]
fn commands_say_what_they_expected() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (&["create", "--name", "a b", "--scopes", "read"][..], "such as ci"),
        (&["create", "--name", "a", "--scopes", "write"], "expected read, train, predict or admin"),
        (&["create", "--name", "a", "--scopes", "read", "--expires", "soon"], "such as 90d"),
        (&["create", "--name", "a"], "--scopes"),
        (&["revoke", "none"], "expected a database"),
        (&["list"], "expected a database"),
    ] {
        let refused = keys(folder.path(), arguments).unwrap_err();
        assert!(refused.contains(expected), "{arguments:?}: {refused}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made of a wrong folder");
    create(folder.path(), "ci", "read", &[]);
    assert!(keys(folder.path(), &["revoke", "none"]).unwrap_err().contains("no key \"none\""));
    let taken = keys(folder.path(), &["create", "--name", "ci", "--scopes", "read"]).unwrap_err();
    assert!(taken.contains("a key named \"ci\" exists already"), "{taken}");
}
