//! The rooms of ARCHITECTURE.md, held by reading the source: who may use whom, and what the engine must not know.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each room with the rooms that it may use.
const ROOMS: &[(&str, &[&str])] = &[
    ("engine", &[]),
    ("data", &["engine"]),
    ("keras", &["engine", "data"]),
    ("job", &["engine", "data"]),
    ("store", &["engine", "data", "keras", "job"]),
    ("worker", &["engine", "data", "keras", "job", "store"]),
    ("serving", &["engine", "data", "keras", "job", "store"]),
    ("http", &["engine", "data", "keras", "job", "store", "worker", "serving", "config"]),
    ("demo", &["http", "config"]),
];

/// Words that stand for what the engine must not know.
const NOT_IN_ENGINE: &[&str] = &[
    "tokio",
    "axum",
    "sqlx",
    "reqwest",
    "std::fs",
    "std::env",
    "std::net",
    "std::time",
    "Instant::now",
    "SystemTime",
    "jiff",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The code lines of a file, without comments and without its unit tests, which may be all of it, numbered from 1.
fn code(path: &Path) -> Vec<(usize, String)> {
    if path.ends_with("tests.rs") {
        return Vec::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().enumerate();
    let mut code = Vec::new();
    while let Some((index, line)) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            skip_item(lines.by_ref().map(|(_, line)| line));
        } else {
            code.push((index + 1, line.split("//").next().unwrap_or_default().to_owned()));
        }
    }
    code
}

/// Reads over an item: to the semicolon that ends it, or to the brace in the column in which it begins.
fn skip_item<'a>(lines: impl Iterator<Item = &'a str>) {
    let mut column = None;
    let mut open = false;
    for line in lines {
        let begins = line.len() - line.trim_start().len();
        let column = *column.get_or_insert(begins);
        if open && begins == column && line.trim_start().starts_with('}') {
            return;
        }
        let ends_here = line.ends_with(';') || (line.contains('{') && line.ends_with('}'));
        if !open && ends_here {
            return;
        }
        open |= line.contains('{');
    }
}

#[test]
fn what_stands_behind_an_item_of_tests_is_read() {
    for item in ["mod walk;", "mod tests {\n    mod inner;\n    fn f() {\n    }\n}", "use a::{b, c};", "fn f() {}"] {
        let text = format!("{item}\nuse crate::store;");
        let mut lines = text.lines();
        skip_item(lines.by_ref());
        assert_eq!(lines.collect::<Vec<_>>(), ["use crate::store;"], "{item}");
    }
}

/// Rooms named in a file's code: `crate::room` alone and every `room::` directly inside `use crate::{…}`.
fn rooms_used(path: &Path) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    let mut inside_braces = 0usize;
    for (number, line) in code(path) {
        let mut rest = line.as_str();
        let mut at_top = inside_braces == 1;
        while !rest.is_empty() {
            if inside_braces == 0 {
                let Some(start) = rest.find("crate::") else { break };
                rest = &rest[start + "crate::".len()..];
                if let Some(list) = rest.strip_prefix('{') {
                    (inside_braces, at_top, rest) = (1, true, list);
                } else {
                    let end =
                        rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
                    used.push((number, rest[..end].to_owned()));
                    rest = &rest[end..];
                }
                continue;
            }
            let trimmed = rest.trim_start();
            let end = trimmed.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(trimmed.len());
            if at_top && end > 0 {
                used.push((number, trimmed[..end].to_owned()));
            }
            rest = &trimmed[end..];
            let Some(letter) = rest.chars().next() else { break };
            match letter {
                '{' => inside_braces += 1,
                '}' => inside_braces -= 1,
                _ => {}
            }
            at_top = inside_braces == 1 && (letter == ',' || (at_top && letter.is_whitespace()));
            rest = &rest[letter.len_utf8()..];
        }
    }
    used
}

#[test]
fn rooms_depend_to_the_left_only() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut read = 0;
    for (room, allowed) in ROOMS {
        for file in sources(&source.join(room)) {
            for (line, used) in rooms_used(&file) {
                read += 1;
                let known = ROOMS.iter().any(|(name, _)| *name == used) || used == "config";
                if known && used != *room && !allowed.contains(&used.as_str()) {
                    wrong.push(format!("{}:{line}: {room} uses {used}", file.display()));
                }
            }
        }
    }
    assert!(read > 100, "only {read} uses were found: the reader no longer understands the source");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_of_the_source_is_a_room() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(source).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().into_string().unwrap();
        assert!(ROOMS.iter().any(|(room, _)| *room == name), "src/{name} is not among the rooms");
    }
}

#[test]
fn engine_knows_no_runtime_file_clock_or_environment() {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
    let mut wrong = Vec::new();
    for file in sources(&engine) {
        for (number, line) in code(&file) {
            for word in NOT_IN_ENGINE.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{}:{number}: {word}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stays_in_the_kernel() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut elsewhere = Vec::new();
    for file in sources(&source).into_iter().filter(|file| !file.starts_with(source.join("engine/kernel"))) {
        for (_, line) in code(&file) {
            if line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "unsafe") {
                elsewhere.push((file.clone(), line.trim().to_owned()));
            }
        }
    }
    // How soon free memory goes back to the system is asked of the allocator itself.
    let setting = "unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, 0) };";
    assert_eq!(elsewhere, [(source.join("main.rs"), setting.to_owned())]);
}
