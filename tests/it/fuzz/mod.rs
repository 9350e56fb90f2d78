//! Fuzz targets: every parser of what a client, a file or a variable says gets changed bytes of something valid. None may panic, and
//! every refusal is in words of this service. Readers of tables have targets of their own, in `src/data/read/fuzz.rs`.
//!
//! The inputs of a usual run are the same each time. `EPOCA_FUZZ=100 cargo test --test it fuzz` runs a hundred times as many, others
//! each time.

mod definitions;
mod requests;
mod settings;
mod versions;

use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A change of some bytes.
#[derive(Debug, Clone)]
enum Edit {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, &'static [u8]),
    Replace(Index, usize, &'static [u8]),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Cut(Index),
}

/// What parsers of text trip over.
const TOKENS: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e400",
    b"-1e308",
    b"0.1",
    b"NaN",
    b"inf",
    b"18446744073709551615",
    b"9223372036854775808",
    b"99999999999999999999999",
    b"\\ud800",
    b"\\u0000",
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    "\u{202e}".as_bytes(),
    "\u{e9}".as_bytes(),
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"--",
    b"&",
    b"=",
    b";",
    b"%00",
    b"%",
    b"+",
    b"/",
    b"..",
    b"'",
    b" ",
    b"\t",
    b"[[[[[[[[[[[[[[[[",
    b"{\"a\":{\"a\":{\"a\":{\"a\":",
    b"\"type\":",
    b"\"\"",
    b"[]",
    b"{}",
];

fn edit() -> impl Strategy<Value = Edit> {
    let (at, token) = (any::<Index>, || prop::sample::select(TOKENS));
    prop_oneof![
        (at(), 0u8..8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (at(), token()).prop_map(|(at, token)| Edit::Insert(at, token)),
        (at(), 1usize..12, token()).prop_map(|(at, length, token)| Edit::Replace(at, length, token)),
        (at(), 1usize..20).prop_map(|(at, length)| Edit::Remove(at, length)),
        (at(), 1usize..20, 2usize..40).prop_map(|(at, length, times)| Edit::Repeat(at, length, times)),
        at().prop_map(Edit::Cut),
    ]
}

impl Edit {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: &Index, bytes: &Vec<u8>| at.index(bytes.len() + 1);
        let range = |at: &Index, length: usize, bytes: &Vec<u8>| {
            let start = place(at, bytes);
            start..bytes.len().min(start + length)
        };
        match self {
            Self::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Self::Set(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Flip(..) | Self::Set(..) => {}
            Self::Insert(at, token) => {
                let at = place(at, bytes);
                bytes.splice(at..at, token.iter().copied());
            }
            Self::Replace(at, length, token) => {
                bytes.splice(range(at, *length, bytes), token.iter().copied());
            }
            Self::Remove(at, length) => {
                bytes.drain(range(at, *length, bytes));
            }
            Self::Repeat(at, length, times) => {
                let range = range(at, *length, bytes);
                let again = bytes[range.clone()].repeat(*times);
                bytes.splice(range.end..range.end, again);
            }
            Self::Cut(at) => bytes.truncate(place(at, bytes)),
        }
    }
}

/// Runs `test` on `cases` changes of the `seeds`, after the seeds themselves; the smallest input that fails is printed. `test` says
/// whether the input was accepted.
fn fuzz(cases: u32, seeds: Vec<Vec<u8>>, test: impl Fn(&[u8]) -> bool) {
    for seed in &seeds {
        assert!(test(seed), "a seed is refused: {:.2000}", String::from_utf8_lossy(seed));
    }
    let times = std::env::var("EPOCA_FUZZ").ok().map(|times| times.parse::<u32>().unwrap());
    let cases = cases * times.unwrap_or(1);
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 2000, ..ProptestConfig::default() };
    let mut runner = match times {
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
        Some(_) => TestRunner::new(config),
    };
    let changed = (prop::sample::select(seeds), prop::collection::vec(edit(), 1..6));
    let (accepted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let outcome = runner.run(&changed, |(mut bytes, edits)| {
        edits.iter().for_each(|edit| edit.apply(&mut bytes));
        let count = if test(&bytes) { &accepted } else { &refused };
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let (accepted, refused) = (accepted.into_inner(), refused.into_inner());
    assert!(refused * 10 > cases as usize, "{accepted} inputs were accepted, {refused} refused");
}

/// Panics where a text that a client reads is none, or has words of a library or of Rust.
fn check_words(text: &str) {
    const OF_LIBRARIES: &[&str] = &[
        "invalid type:",
        "invalid value:",
        "invalid length",
        "unknown variant",
        "EOF while",
        "expected value at line",
        "trailing characters at",
        "did not match any variant",
        "invalid digit found",
        "UUID parsing",
        "number too large to fit",
        "ParseIntError",
        "ParquetError",
        "Parquet error",
        "Utf8Error",
        "Some(",
        "None,",
        "panicked",
        "src/",
    ];
    assert!(!text.trim().is_empty(), "an error without a text");
    for words in OF_LIBRARIES {
        assert!(!text.contains(words), "{words:?} in {text:?}");
    }
}
