//! Files with damage of every kind, read by every reader: an answer or a refusal, never a panic.
//!
//! `EPOCA_FUZZ_SECONDS=600 cargo test --lib read::fuzz -- --nocapture` runs each reader for ten minutes, and `EPOCA_FUZZ_FORMAT=csv`
//! one alone. A failure names the seed of the file and of the damage: `EPOCA_FUZZ_SEED=7` reads this file again.

use super::{Format, ReadError, ReadOptions, RowRange, TableLimits, encoding_named, inspect, load, rows};
use crate::data::schema::{ColumnType, GivenType};
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng};
use rstest::rstest;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

const LIMITS: TableLimits = TableLimits { rows: 5_000, columns: 60, cell_bytes: 5_000 };
/// Damaged files of each reader without the environment variable.
const QUICK: u64 = 400;
/// Texts that mean something to a reader.
const TOKENS: [&[u8]; 24] = [
    b"\"",
    b"\"\"",
    b",",
    b";",
    b"\t",
    b"|",
    b"\n",
    b"\r\n",
    b"\r",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"1e999",
    b"-0",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\0",
    b"sep=;\n",
    b"# c\n",
    b"NaN",
    b"12345678901234567890",
    b"\xff\xff\xff\xff\x0f",
];

/// The files that are damaged: the committed examples and fixtures, and compressed ones.
fn seeds(format: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read(root.join(path)).unwrap();
    let iris = read("examples/data/iris.csv");
    let json = br#"[{"a": 1, "b": "x", "c": true}, {"a": 2.5, "c": null, "d": "\u00e9"}]"#.to_vec();
    match format {
        "csv" => {
            let utf16 = "\u{feff}a;b\n1,5;ä\n2,5;\"x;y\"\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
            let zstd = zstd::encode_all(iris.as_slice(), 3).unwrap();
            let mut gzip = flate2::read::GzEncoder::new(iris.as_slice(), flate2::Compression::fast());
            let mut compressed = Vec::new();
            std::io::Read::read_to_end(&mut gzip, &mut compressed).unwrap();
            vec![iris, b"a,b,c\n1,\"x, y\",true\n-2.5e3,\"p\"\"q\",\n".to_vec(), utf16, zstd, compressed]
        }
        "tsv" => vec![b"a\tb\n1\tx y\n2\t\n".to_vec()],
        "json" => vec![
            json,
            br#"{"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, null]]}"#.to_vec(),
            br#"{"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}}"#.to_vec(),
            br#"{"a": [1, 2], "b": ["x", null]}"#.to_vec(),
        ],
        "ndjson" => vec![b"{\"a\": 1, \"b\": \"x\"}\n{\"b\": null, \"c\": 9007199254740993}\n".to_vec()],
        "parquet" => ["kinds_snappy", "kinds_zstd_v2", "kinds_gzip_groups", "kinds_int96", "delta", "lz4", "nested"]
            .map(|name| read(&format!("tests/fixtures/parquet/{name}.parquet")))
            .to_vec(),
        other => panic!("no files of the format {other}"),
    }
}

fn damage(file: &mut Vec<u8>, random: &mut SmallRng) {
    for _ in 0..random.random_range(1..6) {
        let at = random.random_range(0..=file.len());
        let end = (at + random.random_range(0..40)).min(file.len());
        match random.random_range(0..9) {
            0 => file.truncate(at),
            1 => drop(file.drain(at..end)),
            2 => {
                let part = file[at..end].to_vec();
                let times = random.random_range(1..20);
                drop(file.splice(at..at, part.repeat(times)));
            }
            3 => {
                let token = TOKENS[random.random_range(0..TOKENS.len())];
                drop(file.splice(at..at, token.iter().copied()));
            }
            4 => file[at..end].iter_mut().for_each(|byte| *byte = random.random()),
            _ => {
                if let Some(byte) = file.get_mut(at) {
                    *byte = match random.random_range(0..4) {
                        0 => *byte ^ (1 << random.random_range(0..8)),
                        1 => 0xff,
                        2 => byte.wrapping_add(1),
                        _ => random.random(),
                    };
                }
            }
        }
    }
}

/// Reads a file in every way that the service does.
fn read(file: &[u8], format: Format, options: &ReadOptions) -> Result<(), ReadError> {
    let inspection = inspect(&mut &*file, format, options, &LIMITS)?;
    let (dialect, columns) = (&inspection.dialect, &inspection.columns);
    assert!(inspection.rows > 0 && inspection.rows <= LIMITS.rows && columns.len() <= LIMITS.columns);
    let records =
        rows(&mut &*file, format, dialect, columns, RowRange { first: 0, limit: usize::MAX, bytes: usize::MAX })?;
    assert_eq!(records.len() as u64, inspection.rows, "rows of the inspection and of the records");
    let listed = columns.iter().filter(|column| column.kind.name() != "category" || column.values.is_some());
    let names: Vec<String> = listed.map(|column| column.name.clone()).collect();
    let table = load(&mut &*file, format, dialect, columns, &names, inspection.rows)?;
    assert_eq!(table.rows as u64, inspection.rows, "rows of the inspection and of the table");
    Ok(())
}

/// The file of this seed, and how it is read.
fn damaged(format: &str, seeds: &[Vec<u8>], seed: u64) -> (Vec<u8>, ReadOptions) {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut file = seeds[seed as usize % seeds.len()].clone();
    damage(&mut file, &mut random);
    let encoding = random.random_bool(0.1).then(|| encoding_named("windows-1252").unwrap());
    let mut options = ReadOptions { encoding: encoding.filter(|_| format != "parquet"), ..ReadOptions::default() };
    if matches!(format, "csv" | "tsv") {
        let mut byte = |bytes: &[u8]| random.random_bool(0.1).then(|| bytes[random.random_range(0..bytes.len())]);
        (options.separator, options.quote) = (byte(b",;|\t "), byte(b"'\""));
        (options.decimal, options.comment) = (byte(b".,"), byte(b"#%1"));
        options.header = random.random_bool(0.1).then(|| random.random());
        options.skip_rows = random.random_bool(0.1).then(|| random.random_range(0..5));
    }
    if random.random_bool(0.2) {
        let kind =
            [ColumnType::Number, ColumnType::Boolean, ColumnType::Category, ColumnType::Datetime, ColumnType::Ignored];
        let kind = kind[random.random_range(0..kind.len())];
        options.types = [("a".to_owned(), GivenType { kind, order: Vec::new(), format: None })].into();
    }
    (file, options)
}

#[rstest]
fn damaged_files_are_answered(#[values("csv", "tsv", "json", "ndjson", "parquet")] name: &str) {
    let format = Format::named(name).unwrap();
    if std::env::var("EPOCA_FUZZ_FORMAT").is_ok_and(|only| only != name) {
        return;
    }
    let setting = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seeds = seeds(name);
    if let Some(seed) = setting("EPOCA_FUZZ_SEED") {
        let (file, options) = damaged(name, &seeds, seed);
        eprintln!("{name}: {:?}", String::from_utf8_lossy(&file));
        return eprintln!("{:?}", read(&file, format, &options));
    }
    let seconds = setting("EPOCA_FUZZ_SECONDS");
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let first: u64 = if seconds.is_some() { SmallRng::from_rng(&mut rand::rng()).next_u64() >> 20 } else { 0 };
    let (mut tried, mut readable) = (0, 0);
    while until.map_or(tried < QUICK, |until| Instant::now() < until) {
        let seed = first + tried;
        let (file, options) = damaged(name, &seeds, seed);
        let began = Instant::now();
        match catch_unwind(AssertUnwindSafe(|| read(&file, format, &options))) {
            Ok(outcome) => readable += u64::from(outcome.is_ok()),
            Err(_) => panic!("{name}: the file of the seed {seed} panics"),
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{name}: the file of the seed {seed} takes long");
        tried += 1;
    }
    eprintln!("{name}: {tried} damaged files, {readable} of them readable");
    assert!(tried >= QUICK || until.is_some(), "{tried}");
    assert!(readable > 0, "damage that leaves nothing readable finds nothing");
}

#[test]
fn every_format_has_files() {
    Format::all().for_each(|format| assert!(!seeds(format.name()).is_empty(), "{format:?}"));
}
