//! The bill of materials of the binary: CycloneDX in JSON, from `cargo metadata` and `Cargo.lock`.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Everything that is compiled into the binary on this machine's target, with licences, hashes and who needs what.
pub fn bill() -> anyhow::Result<Value> {
    let metadata = metadata()?;
    let packages: BTreeMap<&str, &Value> =
        list(&metadata["packages"]).map(|package| (text(&package["id"]), package)).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let root = text(&metadata["resolve"]["root"]);
    let mut reached = BTreeSet::new();
    let mut waiting = vec![root];
    let mut dependencies = Vec::new();
    while let Some(id) = waiting.pop() {
        if !reached.insert(id) {
            continue;
        }
        let node = nodes.get(id).with_context(|| format!("no node {id}"))?;
        let needed: Vec<&str> = list(&node["deps"])
            .filter(|dependency| is_compiled_in(dependency))
            .map(|dependency| text(&dependency["pkg"]))
            .collect();
        waiting.extend(&needed);
        let needed: BTreeSet<String> =
            needed.iter().filter_map(|id| packages.get(id)).map(|package| purl(package)).collect();
        let package = packages.get(id).with_context(|| format!("no package {id}"))?;
        dependencies.push(json!({"ref": purl(package), "dependsOn": needed}));
    }
    let checksums = checksums()?;
    let component = |id: &str| -> anyhow::Result<Value> {
        let package = packages.get(id).with_context(|| format!("no package {id}"))?;
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        let mut component = json!({
            "type": if id == root { "application" } else { "library" },
            "bom-ref": purl(package), "purl": purl(package), "name": name, "version": version,
            "licenses": [{"expression": text(&package["license"]).replace('/', " OR ").replace("  ", " ")}],
        });
        if let Some(checksum) = checksums.get(&(name.to_owned(), version.to_owned())) {
            component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
        }
        Ok(component)
    };
    let libraries = reached.iter().copied().filter(|id| *id != root).map(&component);
    let libraries = libraries.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": component(root)?},
        "components": libraries,
        "dependencies": dependencies,
    }))
}

fn metadata() -> anyhow::Result<Value> {
    let version = Command::new(cargo()).arg("-vV").output().context("cannot run cargo")?;
    let version = String::from_utf8(version.stdout)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("cargo names no host")?;
    let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform", host];
    let output = Command::new(cargo()).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// SHA-256 of every package from a registry, by name and version.
fn checksums() -> anyhow::Result<BTreeMap<(String, String), String>> {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"))?;
    let mut checksums = BTreeMap::new();
    for package in lock.split("[[package]]") {
        let field = |name: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_prefix("= "));
            line.map(|value| value.trim_matches('"').to_owned())
        };
        if let (Some(name), Some(version), Some(checksum)) = (field("name"), field("version"), field("checksum")) {
            checksums.insert((name, version), checksum);
        }
    }
    Ok(checksums)
}

/// Whether a dependency is neither for tests nor for building alone.
fn is_compiled_in(dependency: &Value) -> bool {
    list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null())
}

fn purl(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(&package["name"]), text(&package["version"]))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
