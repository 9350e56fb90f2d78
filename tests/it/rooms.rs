//! The rooms of ARCHITECTURE.md, held by reading the source: who may use whom, and what the engine must not know.

mod references;

use references::Source;
use std::{collections::BTreeSet, path::Path, sync::LazyLock};

/// Each room with the rooms that it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("config", &["engine", "data", "memory", "store"]),
    ("engine", &[]),
    ("memory", &[]),
    ("data", &["engine"]),
    ("keras", &["engine", "data"]),
    ("job", &["engine", "data"]),
    ("store", &["engine", "data", "keras", "job"]),
    ("worker", &["engine", "data", "keras", "job", "memory", "store"]),
    ("serving", &["engine", "data", "keras", "job", "memory", "store"]),
    ("page", &[]),
    ("http", &["engine", "data", "keras", "job", "memory", "store", "worker", "serving", "page", "config"]),
    ("client", &["http", "config"]),
    ("demo", &["http", "client", "config"]),
    ("keys", &["job", "store", "config"]),
    ("log", &["config"]),
    ("main", &["engine", "keras", "store", "http", "client", "demo", "config", "keys", "log"]),
    ("lib", &[]),
];

/// What the engine must not know: a runtime, HTTP, SQL, files, the environment, the clock.
const NOT_IN_ENGINE: &[&str] = &[
    "tokio",
    "axum",
    "hyper",
    "tower",
    "sqlx",
    "object_store",
    "reqwest",
    "jiff",
    "clap",
    "tracing",
    "metrics",
    "std::fs",
    "std::env",
    "std::net",
    "std::time",
    "std::process",
];

static SOURCE: LazyLock<Source> = LazyLock::new(|| Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));

#[test]
fn rooms_depend_to_the_left_only() {
    let mut wrong = Vec::new();
    let mut between_rooms = 0;
    for ((from, to), mention) in &SOURCE.references {
        let (room, used) = (SOURCE.room(*from), SOURCE.room(*to));
        let (_, allowed) = ROOMS.iter().find(|(name, _)| *name == room).unwrap_or_else(|| panic!("no room {room}"));
        if room == used {
            continue;
        }
        between_rooms += 1;
        if !allowed.contains(&used) {
            wrong.push(format!("src/{}:{}: {room} uses {used}: {}", SOURCE.files[*from], mention.line, mention.path));
        }
    }
    assert!(between_rooms > 200, "only {between_rooms} references were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_is_read_and_belongs_to_a_room() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut unread) = (vec![source.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") && !SOURCE.files.contains(&name) {
                unread.push(name);
            }
        }
    }
    // What is left are files of unit tests.
    unread.retain(|name| {
        !["tests", "cases", "fuzz", "golden", "gradients", "walk"].iter().any(|word| name.contains(word))
    });
    assert!(unread.is_empty(), "{unread:?}");
    for file in 0..SOURCE.files.len() {
        let room = SOURCE.room(file);
        assert!(ROOMS.iter().any(|(name, _)| *name == room), "src/{} is in none of the rooms", SOURCE.files[file]);
    }
}

#[test]
fn files_refer_to_each_other_in_one_direction() {
    assert!(SOURCE.references.len() > 1000, "only {} references were found", SOURCE.references.len());
    let mut circles = Vec::new();
    for (group, circle) in SOURCE.circles() {
        circles.push(format!("{} files refer to each other in circles; a shortest circle:", group.len()));
        for step in circle.windows(2) {
            let mention = &SOURCE.references[&(step[0], step[1])];
            let (from, to) = (&SOURCE.files[step[0]], &SOURCE.files[step[1]]);
            circles.push(format!("  src/{from}:{} uses src/{to} ({})", mention.line, mention.path));
        }
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn engine_knows_no_runtime_file_clock_or_environment() {
    let (mut read, mut wrong) = (0, Vec::new());
    for (file, mention) in SOURCE.external.iter().filter(|(file, _)| SOURCE.room(*file) == "engine") {
        read += 1;
        let is_forbidden = |word: &&str| mention.path == **word || mention.path.starts_with(&format!("{word}::"));
        if NOT_IN_ENGINE.iter().any(is_forbidden) {
            wrong.push(format!("src/{}:{}: {}", SOURCE.files[*file], mention.line, mention.path));
        }
    }
    assert!(read > 300, "only {read} paths into other crates were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_commands_connect_to_anything() {
    let is_client =
        |path: &str| ["reqwest", "hyper::client", "hyper_util::client"].iter().any(|it| path.starts_with(it));
    let clients = SOURCE.external.iter().filter(|(_, mention)| is_client(&mention.path));
    let rooms: BTreeSet<&str> = clients.map(|(file, _)| SOURCE.room(*file)).collect();
    assert_eq!(rooms.into_iter().collect::<Vec<_>>(), ["client", "demo"]);
}

#[test]
fn unsafe_stays_in_the_kernel() {
    let (inside, outside): (Vec<_>, Vec<_>) =
        SOURCE.unsafe_code.iter().partition(|(file, _)| SOURCE.files[*file].starts_with("engine/kernel/"));
    assert!(!inside.is_empty(), "no unsafe code was found");
    let outside: Vec<&str> = outside.iter().map(|(file, _)| SOURCE.files[*file].as_str()).collect();
    // How soon free memory goes back to the system is a setting of the allocator.
    assert_eq!(outside, ["main.rs"]);
}

#[test]
fn paths_lead_through_imports_and_exports_to_the_file_that_defines_the_item() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("lib.rs", "pub mod a; pub mod b;"),
        ("main.rs", "fn main() { epoca::a::shown(); }"),
        ("a/mod.rs", "mod inner; mod other; pub use inner::*; pub use other::made as renamed; pub struct Own;"),
        ("a/inner.rs", "use super::Own; pub fn shown() { super::other::made(); }"),
        (
            "a/other.rs",
            "#[cfg(test)] use crate::b::User; pub fn made() { tokio::spawn(); } #[cfg(test)] mod t { use crate::b; }",
        ),
        (
            "b.rs",
            "use crate::a::{self, renamed}; pub struct User(a::Own); mod tests { use super::*; fn f() { call!(crate::a::shown); } }",
        ),
    ];
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let source = Source::read(folder.path());
    let found: BTreeSet<String> = source
        .references
        .keys()
        .map(|(from, to)| format!("{} -> {}", source.files[*from], source.files[*to]))
        .collect();
    let expected = [
        "a/inner.rs -> a/mod.rs",
        "a/inner.rs -> a/other.rs",
        "b.rs -> a/inner.rs",
        "b.rs -> a/mod.rs",
        "b.rs -> a/other.rs",
        "main.rs -> a/inner.rs",
    ];
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(source.external.iter().any(|(_, mention)| mention.path == "tokio::spawn"));
    assert!(source.circles().is_empty());
}
