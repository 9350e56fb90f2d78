//! What the service consists of: licences, sources and versions of its dependencies, and their bill of materials.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

/// Licences that let the service be used, changed and passed on by anyone.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The one source of dependencies.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Packages in two versions, since what needs the older one has no release yet that does not; Windows's are not compiled here.
const KNOWN_DUPLICATES: &[&str] = &[
    "base64",
    "bit-vec",
    "block-buffer",
    "cpufeatures",
    "crypto-common",
    "digest",
    "getrandom",
    "hashbrown",
    "itertools",
    "num-bigint",
    "r-efi",
    "rand",
    "rand_chacha",
    "rand_core",
    "sha2",
    "syn",
    "synstructure",
    "tower-http",
];

fn metadata() -> Value {
    let arguments = ["metadata", "--format-version", "1", "--locked", "--offline"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether an SPDX expression leaves a choice of allowed licences.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut rest = expression.trim();
    // The parts of the outermost AND; within each, one of the alternatives suffices.
    let mut depth = 0;
    for (at, letter) in rest.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && rest[at..].starts_with(" AND ") => {
                return is_allowed(&rest[..at]) && is_allowed(&rest[at + 5..]);
            }
            _ => {}
        }
    }
    if let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        rest = inner.trim();
    }
    rest.split(" OR ").any(|licence| LICENCES.contains(&licence.trim()))
}

#[test]
fn licences_sources_and_versions_are_known() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 200, "{}", packages.len());
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        versions.entry(name).or_default().insert(package["version"].as_str().unwrap());
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_allowed(licence) {
            wrong.push(format!("{name} has the licence {licence}"));
        }
        let source = package["source"].as_str();
        if source.is_some_and(|source| source != REGISTRY) || (source.is_none() && name != "epoca") {
            wrong.push(format!("{name} comes from {source:?}"));
        }
    }
    for (name, versions) in
        versions.iter().filter(|(name, versions)| versions.len() > 1 && !name.starts_with("windows"))
    {
        if !KNOWN_DUPLICATES.contains(name) {
            wrong.push(format!("{name} is there in the versions {versions:?}: use one, or list it"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn licence_expressions_are_read() {
    for good in ["MIT", "Apache-2.0/MIT", "GPL-3.0 OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0", "Apache-2.0 / MIT"] {
        assert!(is_allowed(good), "{good}");
    }
    for bad in ["none", "GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR AGPL-3.0) AND MIT"] {
        assert!(!is_allowed(bad), "{bad}");
    }
}
