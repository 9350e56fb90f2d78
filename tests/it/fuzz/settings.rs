//! Flags of the process.

use super::{check_words, fuzz};
use clap::{CommandFactory, FromArgMatches, Parser};
use epoca::config::Config;

#[derive(Parser)]
#[command(no_binary_name = true)]
struct Flags {
    #[command(flatten)]
    _config: Config,
}

/// Flags, a line each.
#[test]
fn flags() {
    let seeds = [
        "--listen=127.0.0.1:8080\n--workers=2\n--max-memory=8G\n--cors-origin=https://a.example,http://b:80",
        "--database-url=sqlite:///tmp/x.sqlite3\n--artifacts-url=file:///tmp/x\n--body-timeout=1.5\n--allowed-host=a.example",
        "--max-upload-bytes=1000\n--keep-events-days=3\n--log=epoca=debug\n--log-format=json\n--min-bytes-per-second=1",
    ];
    fuzz(4000, seeds.map(|seed| seed.as_bytes().to_vec()).into(), |bytes| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let matches = Flags::command().mut_args(|arg| arg.env(None::<&str>)).try_get_matches_from(text.split('\n'));
        match matches.and_then(|matches| Flags::from_arg_matches(&matches)) {
            Ok(_) => true,
            Err(error) => {
                check_words(&error.to_string());
                false
            }
        }
    });
}
