//! The tests that docs/SECURITY.md names exist.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The file of a module, or every file of its folder.
fn files_of(module: &Path) -> Vec<PathBuf> {
    let file = module.with_extension("rs");
    let mut files: Vec<PathBuf> = file.is_file().then_some(file).into_iter().collect();
    let entries = fs::read_dir(module).into_iter().flatten().map(|entry| entry.unwrap().path());
    files.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")));
    files
}

/// Whether `name` (`http_keys`, `hostile::memory`, `http_tls::wrong_files_are_named`, `http::access::tests`) has tests.
fn has_tests(name: &str) -> bool {
    let segments: Vec<&str> = name.split("::").collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    ["tests/it", "src"].iter().any(|folder| {
        let module =
            |count: usize| segments[..count].iter().fold(root.join(folder), |path, segment| path.join(segment));
        let Some(count) = (1..=segments.len()).rev().find(|count| !files_of(&module(*count)).is_empty()) else {
            return false;
        };
        let texts: Vec<String> =
            files_of(&module(count)).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let has = |words: &str| texts.iter().any(|text| text.contains(words));
        let named = segments[count..].iter().all(|name| match *name {
            "tests" => has("mod tests {"),
            name => {
                has(&format!("\n    fn {name}("))
                    || has(&format!("\nfn {name}("))
                    || has(&format!("\nasync fn {name}("))
            }
        });
        named && (has("#[test]") || has("#[tokio::test") || has("#[rstest]"))
    })
}

#[test]
fn every_risk_names_tests_that_exist() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SECURITY.md")).unwrap();
    let (mut rows, mut names) = (0, 0);
    let mut in_table = false;
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if !line.starts_with('|') {
            in_table = false;
        } else if cells.last() == Some(&"test") {
            in_table = true;
        } else if in_table && !line.starts_with("| ---") {
            rows += 1;
            let tests: Vec<&str> = cells.last().unwrap().split('`').skip(1).step_by(2).collect();
            assert!(!tests.is_empty(), "no test in {line}");
            for name in tests {
                assert!(has_tests(name), "there is no test {name}: {line}");
                names += 1;
            }
        }
    }
    assert!(rows >= 30 && names >= rows, "{rows} rows, {names} names");
    assert!(!has_tests("hostile::nothing") && !has_tests("http_keys::nothing") && !has_tests("support::contract"));
}
