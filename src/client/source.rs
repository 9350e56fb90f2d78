//! Tables to upload: files, and what comes from stdin or another pipe.

use super::{
    failure::{Failure, of_file},
    notes::note,
    output::clean,
    rows::Format,
};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, IsTerminal, Read, Seek},
    path::Path,
};

/// The name of stdin on the command line.
pub const STDIN: &str = "-";

/// How much of a pipe is read to recognize its format.
const START_BYTES: u64 = 1 << 16;

/// An open table that can be read from its start several times.
#[derive(Debug)]
pub struct Source {
    file: File,
    /// How messages call it.
    pub shown: String,
    /// A file name by which the service knows the format.
    pub file_name: String,
    /// The length in bytes.
    pub bytes: u64,
    /// Whether it was a pipe, whose name says nothing.
    pub is_piped: bool,
}

impl Source {
    /// Opens `file`, where `-` is stdin.
    pub async fn open(file: &str) -> Result<Self, Failure> {
        let file = file.to_owned();
        let opened = tokio::task::spawn_blocking(move || open(&file)).await;
        opened.unwrap_or_else(|error| Err(Failure::Error(format!("cannot read the table: {error}"))))
    }

    /// The whole, from its start. What is read from an earlier one is read from this one, too: one at a time.
    pub fn rewound(&self) -> Result<File, Failure> {
        let opened = self.file.try_clone().and_then(|mut file| file.rewind().map(|()| file));
        opened.map_err(|error| of_file("read", &self.shown, &error))
    }

    /// The SHA-256, in hexadecimal.
    pub fn digest(&self) -> Result<String, Failure> {
        let mut file = self.rewound()?;
        let mut hash = Sha256::new();
        let mut block = vec![0; 1 << 16];
        loop {
            let count = file.read(&mut block).map_err(|error| of_file("read", &self.shown, &error))?;
            if count == 0 {
                return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
            }
            hash.update(&block[..count]);
        }
    }
}

fn open(file: &str) -> Result<Source, Failure> {
    if file == STDIN {
        if io::stdin().is_terminal() {
            note("reading the table from the terminal; end it with Ctrl-D");
        }
        return copied(io::stdin().lock(), "stdin").map_err(|error| of_file("read", "stdin", &error));
    }
    let shown = clean(file);
    let cannot_read = |error: io::Error| of_file("read", &shown, &error);
    let opened = File::open(file).map_err(cannot_read)?;
    let metadata = opened.metadata().map_err(cannot_read)?;
    if metadata.is_dir() {
        return Err(Failure::Error(format!("cannot read {shown}: it is a folder")));
    }
    if !metadata.is_file() {
        return copied(opened, &shown).map_err(cannot_read);
    }
    let file_name = Path::new(file).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Source { file: opened, file_name, bytes: metadata.len(), is_piped: false, shown })
}

/// A pipe, copied into a file without a name: an upload is compared with what is there, and may be sent again.
fn copied(mut pipe: impl Read, shown: &str) -> io::Result<Source> {
    let mut file = tempfile::tempfile()?;
    let bytes = io::copy(&mut pipe, &mut file)?;
    file.rewind()?;
    let mut start = Vec::new();
    file.by_ref().take(START_BYTES).read_to_end(&mut start)?;
    let file_name = format!("stdin.{}", extension(&start));
    Ok(Source { file, file_name, bytes, is_piped: true, shown: shown.to_owned() })
}

/// What the name of a file that begins like this would end with.
fn extension(start: &[u8]) -> &'static str {
    match start {
        [b'P', b'A', b'R', b'1', ..] => "parquet",
        [0x1f, 0x8b, ..] => {
            // The start ends within a block: what was decoded until then counts.
            let mut text = Vec::new();
            drop(flate2::read::MultiGzDecoder::new(start).take(START_BYTES).read_to_end(&mut text));
            match Format::of_start(&text) {
                Format::Json => "json.gz",
                Format::Ndjson => "ndjson.gz",
                Format::Csv | Format::Tsv => "csv.gz",
            }
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "csv.zst",
        _ => match Format::of_start(start) {
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Csv | Format::Tsv => "csv",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_start_of_a_pipe_tells_its_format() {
        let packed = |text: &str| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        for (start, expected) in [
            (b"a;b\n1;2\n".to_vec(), "csv"),
            (b"[{\"a\": 1}]".to_vec(), "json"),
            (b"{\"a\": 1}\n{\"a\": 2}\n".to_vec(), "ndjson"),
            (b"{\"a\": [1, 2]}\n".to_vec(), "json"),
            (b"PAR1\x15".to_vec(), "parquet"),
            (packed("a,b\n1,2\n"), "csv.gz"),
            (packed("[{\"a\": 1}]"), "json.gz"),
            (Vec::new(), "csv"),
        ] {
            assert_eq!(extension(&start), expected, "{}", String::from_utf8_lossy(&start));
        }
    }

    #[test]
    fn a_pipe_is_read_several_times() {
        let source = copied(&b"a\n1\n"[..], "stdin").unwrap();
        for _ in 0..2 {
            let mut text = String::new();
            source.rewound().unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "a\n1\n");
        }
        assert_eq!((source.bytes, source.file_name.as_str(), source.digest().unwrap().len()), (4, "stdin.csv", 64));
    }
}
