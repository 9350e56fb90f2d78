//! Tasks of contributors: `cargo xtask generate` writes the generated files, `cargo xtask check` runs every check, `cargo xtask sbom`
//! prints the bill of materials.

mod sbom;

use anyhow::{Context, bail, ensure};
use epoca::{engine, http, keras};
use std::{path::Path, process::Command};

const USAGE: &str = "usage: cargo xtask generate | check | sbom";

/// Every generated file with its content.
fn generated() -> anyhow::Result<[(&'static str, Vec<u8>); 4]> {
    Ok([
        ("openapi.yaml", http::routes::document()?.yaml().to_vec()),
        ("docs/LAYERS.md", engine::reference::markdown().into_bytes()),
        ("docs/MODELS.md", engine::classical::reference::markdown().into_bytes()),
        ("docs/KERAS.md", keras::reference::markdown().into_bytes()),
    ])
}

fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("generate") => generate(),
        Some("check") => check(),
        Some("sbom") => {
            println!("{:#}", sbom::bill()?);
            Ok(())
        }
        _ => bail!(USAGE),
    }
}

fn generate() -> anyhow::Result<()> {
    for (name, content) in generated()? {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        if std::fs::read(&path).ok().as_ref() == Some(&content) {
            println!("{name} is up to date");
        } else {
            std::fs::write(&path, content).with_context(|| format!("cannot write {name}"))?;
            println!("{name} is written");
        }
    }
    Ok(())
}

fn check() -> anyhow::Result<()> {
    for (name, content) in generated()? {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        ensure!(std::fs::read(path)? == content, "{name} is out of date: run `cargo xtask generate`");
    }
    cargo(&["fmt", "--check"], "")?;
    cargo(&["clippy", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"], "")?;
    cargo(&["doc", "--no-deps", "--locked", "--quiet"], "-D warnings")?;
    cargo(&["test", "--locked"], "")
}

fn cargo(arguments: &[&str], rustdoc_flags: &str) -> anyhow::Result<()> {
    println!("\n== cargo {}", arguments.join(" "));
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !rustdoc_flags.is_empty() {
        command.env("RUSTDOCFLAGS", rustdoc_flags);
    }
    let status = command.status().context("cannot run cargo")?;
    ensure!(status.success(), "`cargo {}` failed", arguments.join(" "));
    Ok(())
}
