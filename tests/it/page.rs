//! The web page: what its files are, and how they are served. `tests/page/` drives it in a browser.

use crate::support::{Client, Server, client::problem, contract, get};
use std::{collections::BTreeSet, path::Path};

/// Bytes of all files as a browser loads them, compressed one by one.
const MAX_SENT: usize = 100_000;

fn files() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/page");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = entries.filter(|path| path.extension().is_some_and(|end| end != "rs"));
    read.map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    })
    .collect()
}

#[tokio::test]
async fn every_file_is_served_with_its_type_and_a_tag() {
    let server = Server::start().await;
    let names: BTreeSet<String> = files().into_iter().map(|(name, _)| name).collect();
    let known: BTreeSet<String> = epoca::page::FILES.iter().map(|file| file.name.to_owned()).collect();
    assert_eq!(names, known);
    assert!(names.len() > 20, "{names:?}");
    let mut sent = 0;
    for (name, text) in files() {
        let url = match &*name {
            "index.html" => server.url().to_owned() + "/",
            name => format!("{}/page/{name}", server.url()),
        };
        let answer = get(&*url).await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        let headers = answer.headers().clone();
        let expected = match name.rsplit('.').next().unwrap() {
            "html" => "text/html; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other}"),
        };
        assert_eq!(headers["content-type"], expected, "{name}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-cache");
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.text().await.unwrap(), text, "{name}");
        let etag = headers["etag"].to_str().unwrap();
        let again = Client::new().get(&*url).header("if-none-match", etag).send().await.unwrap();
        assert_eq!(again.status(), 304, "{name}");
        let compressed = Client::new().get(&*url).header("accept-encoding", "gzip").send().await.unwrap();
        sent += compressed.bytes().await.unwrap().len();
    }
    assert!(sent < MAX_SENT, "{sent} bytes");
    problem(get(format!("{}/page/absent.js", server.url())).await.unwrap(), 404).await;
}

#[test]
fn modules_import_modules_that_exist_by_relative_paths() {
    let files = files();
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| &**name).collect();
    let mut followed = 0;
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".js")) {
        for line in text.lines().filter(|line| !line.trim_start().starts_with('*')) {
            let quoted = line.split("from \"").nth(1).or_else(|| line.split("import(\"").nth(1));
            let quoted = quoted.or_else(|| line.strip_prefix("import \""));
            let Some(path) = quoted.and_then(|rest| rest.split('"').next()) else { continue };
            let imported = path.strip_prefix("./").unwrap_or_else(|| panic!("{name} imports {path}"));
            assert!(names.contains(imported), "{name} imports {path}");
            followed += 1;
        }
    }
    assert!(followed > 60, "{followed}");
}

#[test]
fn nothing_comes_from_elsewhere_and_no_text_becomes_markup() {
    let mut read = 0;
    for (name, text) in files() {
        for line in text.lines() {
            let elsewhere = line.replace("http://www.w3.org/", "");
            assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{name}: {line}");
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"] {
                assert!(!line.contains(word), "{name}: {line}");
            }
        }
        assert!(text.lines().count() < 400, "{name}");
        read += text.len();
    }
    assert!(read > 50_000);
    let index = epoca::page::file("index.html").unwrap();
    let index = std::str::from_utf8(index.bytes).unwrap();
    // The page works below a path of a reverse proxy, and runs under the policy of the service.
    for forbidden in ["href=\"/", "src=\"/", "style=", "<style", "onclick="] {
        assert!(!index.contains(forbidden), "{forbidden}");
    }
    assert!(!index.contains("<script>"));
}

#[test]
fn the_page_uses_the_documented_api_only() {
    let paths = contract::document()["paths"].as_object().unwrap();
    let templates: Vec<Vec<&str>> = paths.keys().map(|path| path.split('/').collect()).collect();
    let mut found = 0;
    for (name, text) in files().iter().filter(|(name, _)| name.ends_with(".js")) {
        for call in text.split(['"', '`']).filter(|text| text.starts_with("v1/")) {
            // `v1/jobs/${part(id)}/history${search(query)}` is `/v1/jobs/*/history`.
            let call = call.split("${search").next().unwrap().split('?').next().unwrap();
            let mut path = String::from("/");
            let mut rest = call;
            while let Some((before, after)) = rest.split_once("${") {
                path += before;
                path.push('*');
                let mut depth = 1;
                let end = after.find(|character| {
                    depth += i32::from(character == '{') - i32::from(character == '}');
                    depth == 0
                });
                rest = &after[end.unwrap() + 1..];
            }
            path += rest;
            let wanted: Vec<&str> = path.split('/').collect();
            let fits = |template: &&Vec<&str>| {
                template.len() == wanted.len()
                    && template.iter().zip(&wanted).all(|(known, own)| {
                        let verb = |text: &str| text.split_once(':').map(|(_, verb)| verb.to_owned());
                        known == own || (known.starts_with('{') && own.starts_with('*') && verb(known) == verb(own))
                    })
            };
            assert!(templates.iter().any(|template| fits(&template)), "{name}: {path}");
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
}
