//! Character encodings of text files.

use super::error::{ReadError, Refused};
use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::{
    io::{BufRead, Cursor, Read, Result},
    ops::Range,
};

/// A text in UTF-8, and the name of the encoding that it was in.
pub(super) struct Decoded<'s> {
    pub text: Box<dyn BufRead + 's>,
    pub name: String,
}

/// The encoding of this name: of the Web's names and of Python's spellings of them, such as `latin-1` and `utf_16_le`.
pub fn named(name: &str) -> Option<&'static Encoding> {
    let name = name.trim().to_ascii_lowercase().replace('_', "-");
    let bare = name.replace('-', "");
    let unmarked = name.strip_suffix("-sig").unwrap_or(&name);
    let order = bare.strip_prefix("utf16").map(|order| format!("utf-16{order}")).unwrap_or_default();
    [unmarked, &bare, &order].into_iter().find_map(|name| Encoding::for_label(name.as_bytes()))
}

/// The bytes of `source` as UTF-8. Without an encoding it is UTF-8, or UTF-16 by its byte order mark.
pub(super) fn decoded<'s>(
    source: &'s mut dyn BufRead,
    encoding: Option<&'static Encoding>,
) -> std::result::Result<Decoded<'s>, ReadError> {
    let mut start = Vec::with_capacity(2);
    (&mut *source).take(2).read_to_end(&mut start)?;
    let marked = match start.as_slice() {
        [0xff, 0xfe] => Some(UTF_16LE),
        [0xfe, 0xff] => Some(UTF_16BE),
        _ => None,
    };
    let encoding = match (encoding, marked) {
        (None, marked) => marked.unwrap_or(UTF_8),
        // the mark says which of the two
        (Some(given), Some(marked)) if [UTF_16LE, UTF_16BE].contains(&given) => marked,
        (Some(given), _) => given,
    };
    let name = encoding.name().to_ascii_lowercase();
    let source = Cursor::new(start).chain(source);
    // readers check UTF-8 themselves, and know the column
    let text: Box<dyn BufRead + 's> = if encoding == UTF_8 {
        Box::new(source)
    } else {
        let (decoder, buffer) = (encoding.new_decoder_with_bom_removal(), vec![0; BUFFER_BYTES]);
        Box::new(Text { source, decoder, encoding, line: 1, ended: false, buffer, unread: 0..0 })
    };
    Ok(Decoded { text, name })
}

/// Bytes that are decoded at a time.
const BUFFER_BYTES: usize = 1 << 16;

/// Decodes what it reads.
struct Text<R> {
    source: R,
    decoder: Decoder,
    encoding: &'static Encoding,
    /// Of the next character.
    line: u64,
    ended: bool,
    buffer: Vec<u8>,
    /// The part of the buffer that is not read yet.
    unread: Range<usize>,
}

impl<R: BufRead> Text<R> {
    /// Decodes some bytes into the buffer; none at the end.
    fn decode(&mut self) -> Result<()> {
        while self.unread.is_empty() && !self.ended {
            let bytes = self.source.fill_buf()?;
            let last = bytes.is_empty();
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.buffer, last);
            self.unread = 0..written;
            let text = self.buffer.get(..written).unwrap_or_default();
            self.line += memchr::memchr_iter(b'\n', text).count() as u64;
            let wrong = bytes.get(..read).and_then(<[u8]>::last).copied();
            self.source.consume(read);
            if let DecoderResult::Malformed(..) = result {
                let received = wrong.map_or("the end of the file".to_owned(), |byte| format!("the byte 0x{byte:02x}"));
                let (line, name) = (self.line, self.encoding.name());
                return Err(Refused::error(format!("line {line}: expected {name}, received {received}")));
            }
            self.ended = last && result == DecoderResult::InputEmpty;
        }
        Ok(())
    }
}

impl<R: BufRead> BufRead for Text<R> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        if self.unread.is_empty() {
            self.decode()?;
        }
        Ok(self.buffer.get(self.unread.clone()).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.unread.start = (self.unread.start + amount).min(self.unread.end);
    }
}

impl<R: BufRead> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut decoded = self.fill_buf()?;
        let count = decoded.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::io::BufReader;

    fn decode(bytes: &[u8], encoding: Option<&str>) -> std::result::Result<(String, String), String> {
        let mut source = BufReader::with_capacity(3, bytes);
        let mut decoded =
            decoded(&mut source, encoding.map(|name| named(name).unwrap())).map_err(|it| it.to_string())?;
        let mut text = String::new();
        decoded.text.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok((text, decoded.name))
    }

    #[rstest]
    #[case(b"a\xe9\n\x80", Some("latin-1"), "a\u{e9}\n\u{20ac}", "windows-1252")]
    #[case(b"a\xe9", Some("windows-1252"), "a\u{e9}", "windows-1252")]
    #[case(b"\xff\xfea\0,\0\xac\x20", None, "a,\u{20ac}", "utf-16le")]
    #[case(b"\xfe\xff\0a\x20\xac", None, "a\u{20ac}", "utf-16be")]
    #[case(b"\xfe\xff\0a", Some("utf-16"), "a", "utf-16be")]
    #[case(b"a\0", Some("utf-16le"), "a", "utf-16le")]
    #[case(b"\x82\xa0", Some("shift_jis"), "\u{3042}", "shift_jis")]
    #[case("\u{e9}".as_bytes(), None, "\u{e9}", "utf-8")]
    #[case(b"", Some("latin-1"), "", "windows-1252")]
    fn texts(#[case] bytes: &[u8], #[case] encoding: Option<&str>, #[case] text: &str, #[case] name: &str) {
        assert_eq!(decode(bytes, encoding), Ok((text.to_owned(), name.to_owned())));
    }

    #[test]
    fn what_cannot_be_decoded_has_its_line() {
        let error = decode(b"a\nb\n\x81\xff", Some("shift_jis")).unwrap_err();
        assert!(error.starts_with("line 3: expected Shift_JIS, received the byte 0x"), "{error}");
        let error = decode(b"\xff\xfea\0\n\0\x3d\xd8", None).unwrap_err();
        assert_eq!(error, "line 2: expected UTF-16LE, received the end of the file");
        assert_eq!(named("klingon"), None);
        for (spelling, encoding) in
            [("latin1", "latin-1"), ("UTF-8-sig", "utf-8"), ("utf_16_le", "utf-16le"), ("cp1252", "windows-1252")]
        {
            assert!(named(spelling).is_some() && named(spelling) == named(encoding), "{spelling}");
        }
    }
}
