//! What a file is that is not of the announced format, by its first bytes.

/// Bytes that are looked at where a reader has no larger sample.
pub(super) const SAMPLE_BYTES: u64 = 512;

/// What begins with these bytes, if it is neither text with cells nor JSON; with what to do.
pub(super) fn other_than_text(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii_start();
    let lower: Vec<u8> = text.iter().take(32).map(u8::to_ascii_lowercase).collect();
    let is_markup = || {
        let starts = ["<!doctype", "<html", "<head", "<body", "<table", "<?xml", "<!--", "<!entity"];
        let is_element = matches!(lower.as_slice(), [b'<', b'a'..=b'z' | b'_', ..])
            && (contains(text, b"</") || contains(text, b"/>"));
        is_element || starts.into_iter().any(|start| lower.starts_with(start.as_bytes()))
    };
    Some(if bytes.starts_with(b"PK\x03\x04") {
        "a ZIP archive, such as an .xlsx workbook; save the sheet as CSV"
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        "an .xls workbook; save the sheet as CSV"
    } else if bytes.starts_with(b"PAR1") {
        "a Parquet file; send it with Content-Type application/vnd.apache.parquet, or the option `format=parquet`"
    } else if bytes.starts_with(b"%PDF") {
        "a PDF document"
    } else if bytes.starts_with(b"{\\rtf") {
        "an RTF document; save it as CSV"
    } else if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\x28\xb5\x2f\xfd") {
        "a file that is compressed twice"
    } else if bytes.starts_with(b"ARROW1") {
        "an Arrow file; write CSV or Parquet"
    } else if bytes.starts_with(b"ORC") && bytes.get(3).is_some_and(|byte| *byte < b'\t') {
        "an ORC file; write CSV or Parquet"
    } else if bytes.starts_with(b"Obj\x01") {
        "an Avro file; write CSV or Parquet"
    } else if bytes.starts_with(b"\x93NUMPY") {
        "a NumPy file; write CSV or Parquet"
    } else if bytes.starts_with(b"\x89HDF") {
        "an HDF5 file; write CSV or Parquet"
    } else if bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff") {
        "an image"
    } else if bytes.starts_with(b"SQLite format 3") {
        "an SQLite database; write CSV or Parquet"
    } else if bytes.starts_with(b"BZh") || bytes.starts_with(b"\xfd7zXZ") || bytes.starts_with(b"7z\xbc\xaf") {
        "a bzip2, xz or 7z file; compress it by gzip or zstd"
    } else if bytes.starts_with(b"$FL2") || bytes.starts_with(b"<stata_dta>") {
        "an SPSS or Stata file; write CSV or Parquet"
    } else if matches!(bytes, [b'R', b'D', b'A' | b'X', b'2' | b'3', b'\n', ..]) || bytes.starts_with(b"X\n\0\0\0") {
        "a data file of R; use write.csv(x, row.names = FALSE)"
    } else if bytes.starts_with(b"MATLAB 5.0 MAT") {
        "a MATLAB file; write CSV"
    } else if matches!(bytes, [0x80, 2..=5, ..]) {
        "a pickle; write CSV or Parquet"
    } else if bytes.get(257..262) == Some(b"ustar") {
        "a tar archive; send the file within it"
    } else if has_many_zeros(bytes) {
        "UTF-16 or UTF-32 without a byte order mark, or no text; send the option `encoding`, such as `encoding=utf-16le`"
    } else if is_markup() {
        "an HTML or XML document; write the table as CSV"
    } else if lower.starts_with(b"@relation") || lower.starts_with(b"%") && contains(bytes, b"\n@relation") {
        "an ARFF file; send the lines after @data with a header line"
    } else {
        return None;
    })
}

/// Whether a quarter of the first bytes is zero.
fn has_many_zeros(bytes: &[u8]) -> bool {
    let first = bytes.get(..64).unwrap_or(bytes);
    first.len() > 3 && first.iter().filter(|byte| **byte == 0).count() * 4 >= first.len()
}

/// Whether the bytes are JSON records or columns; with what to do.
pub(super) fn json(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii_start();
    let second = text.get(1..).unwrap_or_default().trim_ascii_start().first();
    let is_json = match text.first() {
        Some(b'{') => matches!(second, Some(b'"' | b'}')),
        Some(b'[') => matches!(second, Some(b'{' | b'[' | b'"' | b']')),
        _ => false,
    };
    is_json.then_some("JSON; send it with Content-Type application/json or application/x-ndjson")
}

/// What a file is that was announced as JSON and begins with other bytes than `{` and `[`. A single JSON value is left to the
/// parser.
pub(super) fn other_than_json(bytes: &[u8]) -> Option<&'static str> {
    let text = bytes.trim_ascii();
    let is_scalar = || serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok();
    let is_word =
        |word: &[u8]| text.starts_with(word) && text.get(word.len()).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    match text.first() {
        None | Some(b'{' | b'[') => other_than_text(bytes).filter(|_| text.starts_with(b"{\\rtf")),
        Some(_) => other_than_text(bytes).or_else(|| {
            let is_value = is_scalar() || is_word(b"NaN") || is_word(b"Infinity");
            (!is_value).then_some("text that is no JSON; if it is CSV, send it with Content-Type text/csv")
        }),
    }
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(b"PK\x03\x04zip", Some(".xlsx"))]
    #[case(b"\xd0\xcf\x11\xe0old", Some(".xls"))]
    #[case(b"PAR1", Some("Parquet"))]
    #[case(b"  <!DOCTYPE html>", Some("HTML"))]
    #[case(b"<table><tr>", Some("HTML"))]
    #[case(b"<rows>\n<row a='1'/>\n</rows>", Some("XML"))]
    #[case(b"<5 yr,<9 yr\n1,2\n", None)]
    #[case(b"<b,c\n1,2\n", None)]
    #[case(b"%\n%x\n@RELATION x", Some("ARFF"))]
    #[case(b"RDX3\nX\n\0", Some("of R"))]
    #[case(b"% a comment\n@RELATION x", Some("ARFF"))]
    #[case(b"\x80\x04\x95", Some("pickle"))]
    #[case(b"ORC\x00\x01", Some("ORC"))]
    #[case(b"ORC,ELF\n1,2\n", None)]
    #[case(b"Obj,y\n1,2\n", None)]
    #[case(b"a,b\n1,2\n", None)]
    fn kinds(#[case] bytes: &[u8], #[case] word: Option<&str>) {
        match (other_than_text(bytes), word) {
            (Some(found), Some(word)) => assert!(found.contains(word), "{found}"),
            (found, word) => assert_eq!(found, word),
        }
    }

    #[rstest]
    #[case(b"a,y\n1,p\n", Some("text/csv"))]
    #[case(b"\"a\",\"y\"\n1,2\n", Some("text/csv"))]
    #[case(b"1,2\n3,4\n", Some("text/csv"))]
    #[case(b"<html>", Some("HTML"))]
    #[case(b"PK\x03\x04", Some(".xlsx"))]
    #[case(b"7", None)]
    #[case(b" \"text\"\n", None)]
    #[case(b"NaN", None)]
    #[case(b" [1", None)]
    #[case(b"{\"a\"", None)]
    #[case(b" \n", None)]
    fn what_is_no_json(#[case] bytes: &[u8], #[case] word: Option<&str>) {
        match (other_than_json(bytes), word) {
            (Some(found), Some(word)) => assert!(found.contains(word), "{found}"),
            (found, word) => assert_eq!(found, word),
        }
    }
}
