//! Files that are damaged, or inflate too far, and dates that cannot be read.

use super::{Mistake, check};
use crate::support::Server;
use flate2::write::GzEncoder;
use std::{io::Write, path::Path};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parquet").join(name)).unwrap()
}

#[tokio::test]
async fn compressed_files_that_are_damaged_or_inflate_too_far() {
    let server = Server::start().await;
    let table = "a,b\n1,x\n2,y\n".repeat(500);
    let (gz, zst) = (gzip(table.as_bytes()), zstd::encode_all(table.as_bytes(), 3).unwrap());
    let bomb = [b"a\n".as_slice(), &b"1\n".repeat(12 << 20)].concat();
    let mut damaged = gz.clone();
    damaged[30] ^= 0x55;
    let mistakes = vec![
        Mistake::text("half a gzip file", &gz[..gz.len() / 2], 422, &["whole gzip file"]),
        Mistake::text("a gzip file without its checksum", &gz[..gz.len() - 8], 422, &["whole gzip file"]),
        Mistake::text("a damaged gzip file", damaged, 422, &["gzip"]),
        Mistake::text("a gzip header alone", &gz[..10], 422, &["gzip"]),
        Mistake::text("a second member that is cut", [gz.as_slice(), &gz[..40]].concat(), 422, &["gzip"]),
        Mistake::text("a gzip bomb", gzip(&bomb), 422, &["400 inflated bytes per byte"]),
        Mistake::text("a gzip file in a gzip file", gzip(&gzip(&gzip(table.as_bytes()))), 422, &["received"]),
        Mistake::text("half a zstd file", &zst[..zst.len() / 2], 422, &["whole zstd file"]),
        Mistake::text(
            "a zstd bomb",
            zstd::encode_all(bomb.as_slice(), 3).unwrap(),
            422,
            &["400 inflated bytes per byte"],
        ),
        Mistake::text("a zstd window of 2 GB", [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0], 422, &["zstd file"]),
    ];
    check(&server, "/v1/datasets?name=t", "text/csv", mistakes).await;
}

#[tokio::test]
async fn parquet_files_that_are_damaged_or_forged() {
    let server = Server::start().await;
    let whole = fixture("kinds_snappy.parquet");
    let end = whole.len();
    let footer = |bytes: [u8; 4]| [&whole[..end - 8], bytes.as_slice(), b"PAR1"].concat();
    let mistakes = vec![
        Mistake::text("text", "a,b\n1,2\n", 422, &["expected a Parquet file"]),
        Mistake::text("the magic alone", "PAR1PAR1", 422, &["expected a Parquet file"]),
        Mistake::text("a file without its end", &whole[..end - 1], 422, &["Parquet file", "truncated"]),
        Mistake::text("a file without its footer", &whole[..end / 2], 422, &["Parquet file", "truncated"]),
        Mistake::text("a footer of 4 GB", footer([0xff; 4]), 422, &["footer"]),
        Mistake::text("a footer of no bytes", footer([0; 4]), 422, &["footer"]),
        Mistake::text("nested columns", fixture("nested.parquet"), 422, &["nested"]),
    ];
    check(&server, "/v1/datasets?name=t", "application/vnd.apache.parquet", mistakes).await;
    let types = "/v1/datasets?name=t&separator=%3B";
    let typed = vec![Mistake::text("an option of text tables", whole, 422, &["separator", "parquet"])];
    check(&server, types, "application/vnd.apache.parquet", typed).await;
}

/// Every answer is a table or a 422, whatever byte is changed, and the service goes on.
#[tokio::test]
async fn parquet_files_with_changed_bytes_are_answered() {
    let server = Server::start().await;
    let http = crate::support::Client::new();
    let (mut read, mut refused) = (0, 0);
    for name in ["kinds_snappy.parquet", "kinds_zstd_v2.parquet"] {
        let whole = fixture(name);
        // the pages at the beginning, and the footer
        let places = (4..200).step_by(7).chain((whole.len() - 600..whole.len() - 8).step_by(11));
        for (at, value) in places.flat_map(|at| [(at, 0x00), (at, 0x7f), (at, 0xff)]) {
            let mut forged = whole.clone();
            forged[at] = value;
            let url = format!("{}/v1/datasets?name=t-{read}", server.url());
            let request = http.post(url).header("content-type", "application/vnd.apache.parquet").body(forged);
            match request.send().await.unwrap().status().as_u16() {
                201 => read += 1,
                422 => refused += 1,
                status => panic!("{name}: {status} with byte {at} changed to {value}"),
            }
        }
    }
    assert!(refused > 100 && read > 0, "{refused} refused, {read} read");
}

#[tokio::test]
async fn dates_that_cannot_be_read() {
    let server = Server::start().await;
    let types = |given: &str| format!("/v1/datasets?name=t&types={given}");
    let datetime = types("%7B%22d%22:%22datetime%22%7D");
    let mistakes = vec![
        Mistake::text("texts that are no dates", "d,y\nsoon,1\nlater,2\n", 422, &["column \"d\"", "dates of one form"]),
        Mistake::text(
            "day and month that cannot be told",
            "d,y\n01/02/2024,1\n03/04/2024,2\n",
            422,
            &["%d/%m/%Y", "%m/%d/%Y"],
        ),
        Mistake::text("a day that no month has", "d,y\n2024-02-31,1\n2024-02-30,2\n", 422, &["column \"d\""]),
    ];
    check(&server, &datetime, "text/csv", mistakes).await;
    let strict = vec![Mistake::text(
        "mixed time zones in a strict read",
        "d,y\n2024-01-01T00:00:00Z,1\n2024-01-02T00:00:00,2\n",
        422,
        &["time zone"],
    )];
    check(&server, "/v1/datasets?name=t&strict=true", "text/csv", strict).await;
}

#[tokio::test]
async fn a_cell_of_100_megabytes() {
    let server = Server::start().await;
    let cell = "x".repeat(100 << 20);
    let mistakes = vec![
        Mistake::text("a cell of 100 MB", format!("a,y\n{cell},1\n"), 422, &["line 2", "bytes"]),
        Mistake::text(
            "a compressed cell of 100 MB",
            zstd::encode_all(format!("a,y\n{cell},1\n").as_bytes(), 1).unwrap(),
            422,
            &["received"],
        ),
    ];
    check(&server, "/v1/datasets?name=t", "text/csv", mistakes).await;
    let json = format!("[{{\"a\": \"{cell}\"}}]");
    let mistakes = vec![Mistake::text("a cell of 100 MB", json.clone(), 422, &["line 1", "bytes"])];
    check(&server, "/v1/datasets?name=t", "application/json", mistakes).await;
    let mistakes = vec![Mistake::text("a cell of 100 MB", &json[1..json.len() - 1], 422, &["line 1", "bytes"])];
    check(&server, "/v1/datasets?name=t", "application/x-ndjson", mistakes).await;
}
