//! The dashboard and the alert rules in `deploy/`: every metric that they name exists, and every metric is explained.

use crate::support::{Server, get, tables::Tables};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path};

/// Names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_part(letter))
        .filter(|word| word.starts_with("epoca_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

fn metrics_of(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn dashboard_and_alerts_name_metrics_that_exist() {
    let tables = Tables::start().await;
    let rows: String = (0..20).map(|row| format!("{row},{}\n", 2 * row)).collect();
    tables.csv("line", &format!("x,y\n{rows}")).await;
    tables.train("line", "y", json!([{"type": "dense", "units": 1}])).await;
    tables.predict("line", json!([[1]])).await;
    let text = get(format!("{}/metrics", tables.server.url())).await.unwrap().text().await.unwrap();
    let known = metrics_of(&text);

    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let dashboard = std::fs::read_to_string(folder.join("grafana/epoca.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&dashboard).unwrap();
    let mut named = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            named.extend(names(target["expr"].as_str().unwrap()));
        }
    }
    let rules = std::fs::read_to_string(folder.join("prometheus/epoca.rules.yml")).unwrap();
    let rules: Value = yaml_serde::from_str(&rules).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    assert!(rules.len() >= 7);
    for rule in rules {
        named.extend(names(rule["expr"].as_str().unwrap()));
    }
    assert!(named.len() >= 14, "{named:?}");
    let missing: Vec<_> = named.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?} are not among {known:?}");
}

#[tokio::test]
async fn every_metric_has_a_prefix_and_an_explanation() {
    let server = Server::start().await;
    get(format!("{}/livez", server.url())).await.unwrap();
    let text = get(format!("{}/metrics", server.url())).await.unwrap().text().await.unwrap();
    let known = metrics_of(&text);
    for name in [
        "epoca_connections",
        "epoca_event_streams",
        "epoca_instances_predicted_total",
        "epoca_memory_reserved_bytes",
        "epoca_jobs_queued",
        "process_resident_memory_bytes",
    ] {
        assert!(known.contains(name), "{name} is not among {known:?}");
    }
    for name in &known {
        assert!(name.starts_with("epoca_") || name.starts_with("process_"), "{name}");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let explained = [family, name].iter().any(|name| text.contains(&format!("# HELP {name} ")));
        assert!(explained, "{name} has no HELP in {text}");
    }
}
