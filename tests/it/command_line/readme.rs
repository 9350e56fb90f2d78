//! The lines of the README, as a reader pastes them.

use super::{Done, Shell};
use std::{path::Path, process::Command};

/// The block of shell lines of the README that contains `part`.
fn block(part: &str) -> String {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let mut blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.find(|block| block.contains(part)).unwrap_or_else(|| panic!("no block has {part}")).to_owned()
}

/// Runs lines in a folder that has the examples; a line that fails ends them.
fn paste(shell: &Shell, lines: &str) -> Done {
    let binary = Path::new(env!("CARGO_BIN_EXE_epoca"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let lines = lines.replace("http://127.0.0.1:8080", shell.service.url());
    let script = format!("set -eo pipefail\ncurl() {{ command curl --fail-with-body \"$@\"; }}\n{lines}");
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).env("PATH", path).env("EPOCA_URL", shell.service.url()).env_remove("EPOCA_API_KEY");
    Done::of(bash.current_dir(shell.folder.path()).output().unwrap()).succeeded()
}

#[tokio::test]
async fn the_lines_of_the_readme_work_in_both_orders() {
    let commands = block("epoca train --data");
    let requests = block("curl -sS --data-binary");
    assert_eq!((commands.lines().count(), requests.lines().count()), (6, 5));
    // A machine without curl runs the commands.
    let has_curl = Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success());
    let orders = if has_curl { vec![[&commands, &requests], [&requests, &commands]] } else { vec![[&commands; 2]] };
    for order in orders {
        let shell = Shell::start();
        std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), shell.path("examples"))
            .unwrap();
        for lines in order {
            let done = paste(&shell, lines);
            if *lines == requests {
                let predicted = done.out.rfind("\"predictions\":").map(|at| &done.out[at..]);
                assert!(predicted.is_some_and(|text| text.contains("\"label\":")), "{done:#?}");
            } else {
                let predicted = std::fs::read_to_string(shell.path("predicted.csv")).unwrap();
                assert_eq!(predicted.lines().count(), 151);
                assert!(shell.path("iris.safetensors").exists() && done.out.contains("val_accuracy"), "{done:#?}");
            }
        }
    }
}
