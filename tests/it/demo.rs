//! The `demo` command, as the README says to run it.

use std::{
    io::Read,
    process::{Command, Stdio},
};

#[test]
fn the_demo_runs_and_succeeds() {
    let output = Command::new(env!("CARGO_BIN_EXE_epoca")).arg("demo").output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    for name in ["iris", "breast_cancer", "digits"] {
        for part in [format!("/v1/datasets?name={name}'"), format!("/v1/models/{name}-mlp:predict'")] {
            assert!(out.lines().any(|line| line.starts_with("$ curl ") && line.contains(&part)), "no {part}: {out}");
        }
        let row =
            out.lines().rev().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no row of {name}: {out}"));
        let accuracies: Vec<f64> = row.split_whitespace().rev().take(2).map(|cell| cell.parse().unwrap()).collect();
        assert!(accuracies.iter().all(|accuracy| (0.8..=1.0).contains(accuracy)), "{row}");
    }
    assert!(err.contains("epoch  1/60"), "an epoch has a line where stderr is no terminal: {err}");
    // Nothing is left behind.
    let folder = out.split(" and keeps its data in ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
    assert!(!std::path::Path::new(folder).exists(), "{folder} is still there");
}

#[test]
fn a_reader_that_has_enough_ends_the_demo_quietly() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_epoca"));
    let mut child = command.arg("demo").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 5];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !err.contains("error:") && !err.contains("panicked"), "{output:?}");
}
