//! The footer, walked before it is decoded.

use super::{
    compact::{Compact, STRUCT},
    decode::damaged,
};
use crate::data::read::error::ReadError;
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

/// Maximum bytes of a footer.
const MAX_BYTES: u64 = 1 << 27;
/// Bytes behind it: its length, and the magic.
const END: u64 = 8;

/// Fails where the footer is not whole. The decoder passes over each element of a list that it does not know, and a boolean takes no byte
/// there: a list of a few bytes would take seconds.
pub(super) fn check(mut file: &File) -> Result<(), ReadError> {
    let length = file.metadata()?.len();
    let mut end = [0; END as usize];
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    file.read_exact(&mut end)?;
    let [a, b, c, d, ..] = end;
    let size = u64::from(u32::from_le_bytes([a, b, c, d]));
    let start = length.checked_sub(END + size).ok_or_else(|| damaged("footer"))?;
    if size > MAX_BYTES {
        return Err(ReadError::Invalid(format!("footer: expected at most {MAX_BYTES} bytes, received {size}")));
    }
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    Compact { bytes: &bytes, at: 0 }.skip(STRUCT, 0).ok_or_else(|| damaged("footer"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(footer: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b"PAR1", footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()).unwrap();
        file
    }

    #[test]
    fn a_list_has_no_more_elements_than_bytes() {
        // Field 15, a list of booleans: two of them, and 2^32 - 1 of them.
        assert!(check(&file(b"\xf9\x21\x01\x02\x00")).is_ok());
        assert!(check(&file(b"\xf9\xf1\xff\xff\xff\xff\x0f\x00")).is_err());
        // Lists within lists, deeper than any footer.
        let deep: Vec<u8> = [vec![0xf9], vec![0x19; 100], vec![0x00; 200]].concat();
        assert!(check(&file(&deep)).is_err());
        assert!(check(&file(b"\x15")).is_err(), "cut short");
    }

    #[test]
    fn its_length_is_that_of_the_file_at_most() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"PAR1\x00\xff\xff\xff\x7fPAR1").unwrap();
        assert!(check(&file).is_err());
    }
}
