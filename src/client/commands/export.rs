//! `epoca export`.

use crate::client::{
    api::Api,
    describe,
    failure::{EXIT_CODES, Failure, of_file, of_stdout},
    names,
    notes::note,
    output::bytes,
    sink::Sink,
};
use clap::Args;
use futures::StreamExt;
use std::io::{IsTerminal, Write};

/// Which version, and where to.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Export {
    /// The model, or MODEL@VERSION; `@last` is what was trained last [default version: the latest]
    #[arg(value_name = "MODEL[@VERSION]")]
    model: String,

    /// File to write, `-` for stdout; `.json` for the definition [default: MODEL-vVERSION.safetensors]
    #[arg(short, long, value_name = "FILE")]
    output: Option<String>,
}

/// Writes the weights of a version, or its definition.
pub async fn run(api: &Api, arguments: Export) -> Result<(), Failure> {
    let version = names::version(api, &arguments.model).await?;
    let (model, number) = (version["model"].as_str().unwrap_or_default(), version["version"].to_string());
    let output = arguments.output.unwrap_or_else(|| format!("{model}-v{number}.safetensors"));
    if output == "-" && std::io::stdout().is_terminal() {
        return Err(Failure::Usage("weights are not text: name a file with -o, or redirect stdout".to_owned()));
    }
    let written = if output.to_ascii_lowercase().ends_with(".json") {
        let found = api.get(&["models", model], &[]).await?;
        let text = format!("{:#}\n", found["definition"]);
        let mut sink = Sink::create(&output)?;
        sink.write_all(text.as_bytes()).map_err(|error| of_file("write", &output, &error))?;
        sink.finish()?;
        text.len() as u64
    } else {
        let answer = api.download(&["models", model, "versions", &number, "weights"]).await?;
        let mut sink = Sink::create(&output)?;
        let mut written = 0;
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Failure::Error(format!("the connection to {} broke off", api.url())))?;
            written += chunk.len() as u64;
            let failed = |error| if output == "-" { of_stdout(&error) } else { of_file("write", &output, &error) };
            sink.write_all(&chunk).map_err(failed)?;
        }
        sink.finish()?;
        written
    };
    if output != "-" {
        note(format_args!("wrote {} of {} to {output}", bytes(written), describe::version_of(&version)));
    }
    Ok(())
}
