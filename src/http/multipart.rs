//! Forms with files (`multipart/form-data`), read as they arrive. Every length that a client chooses is bounded.

use crate::http::problem::{Kind, Problem};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};
use memchr::memmem::Finder;
use std::pin::Pin;

/// Maximum bytes before the first boundary.
const MAX_PREAMBLE: usize = 4 << 10;

/// Maximum bytes of a part's headers.
const MAX_HEAD: usize = 8 << 10;

/// Maximum length of a boundary (RFC 2046).
const MAX_BOUNDARY: usize = 70;

/// The bytes of a body.
type Body = Pin<Box<dyn Stream<Item = Result<Bytes, Problem>> + Send>>;

/// A form, part after part.
pub struct Form {
    body: Body,
    /// Arrived and not yet read.
    buffer: BytesMut,
    /// CR LF, two dashes, and the boundary.
    delimiter: Finder<'static>,
    has_begun: bool,
    is_in_part: bool,
    has_ended: bool,
}

/// The head of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The name of the field.
    pub name: String,
    /// The name of the file.
    pub file_name: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
}

impl Form {
    /// A form in `body`, whose boundary is in `content_type`.
    pub fn new(
        content_type: &str,
        body: impl Stream<Item = Result<Bytes, Problem>> + Send + 'static,
    ) -> Result<Self, Problem> {
        let boundary =
            parameter(content_type, "boundary").filter(|boundary| (1..=MAX_BOUNDARY).contains(&boundary.len()));
        let boundary = boundary.ok_or_else(|| {
            malformed(format!("expected Content-Type multipart/form-data with a boundary of 1 to {MAX_BOUNDARY} bytes"))
        })?;
        let delimiter = Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
        // The first delimiter has no line before it.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Ok(Self { body: Box::pin(body), buffer, delimiter, has_begun: false, is_in_part: false, has_ended: false })
    }

    /// The head of the next part, whose bytes [`Form::chunk`] has; none at the end. What is left of the part before is skipped.
    pub async fn next_part(&mut self) -> Result<Option<Head>, Problem> {
        while self.is_in_part {
            self.chunk().await?;
        }
        if !self.has_begun {
            self.has_begun = true;
            self.skip_preamble().await?;
        }
        if self.has_ended || self.is_last().await? {
            self.has_ended = true;
            return Ok(None);
        }
        let head = self.head().await?;
        self.is_in_part = true;
        Ok(Some(head))
    }

    /// The next bytes of the part; none at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        if !self.is_in_part {
            return Ok(None);
        }
        loop {
            if let Some(end) = self.delimiter.find(&self.buffer) {
                let data = self.buffer.split_to(end).freeze();
                if data.is_empty() {
                    let _ = self.buffer.split_to(self.delimiter.needle().len());
                    self.is_in_part = false;
                    return Ok(None);
                }
                return Ok(Some(data));
            }
            // A delimiter may have begun in the last bytes.
            let sure = self.buffer.len().saturating_sub(self.delimiter.needle().len() - 1);
            if sure > 0 {
                return Ok(Some(self.buffer.split_to(sure).freeze()));
            }
            self.more().await?;
        }
    }

    /// The bytes of the part as a stream.
    pub fn data(&mut self) -> impl Stream<Item = Result<Bytes, Problem>> + Send + '_ {
        stream::try_unfold(self, |form| async {
            let chunk = form.chunk().await?;
            Ok(chunk.map(|chunk| (chunk, form)))
        })
    }

    /// Reads more of the body, which must not end here.
    async fn more(&mut self) -> Result<(), Problem> {
        match self.body.next().await {
            Some(chunk) => {
                self.buffer.extend_from_slice(&chunk?);
                Ok(())
            }
            None => {
                Err(malformed("expected the form to end with its boundary, received the end of the body".to_owned()))
            }
        }
    }

    async fn skip_preamble(&mut self) -> Result<(), Problem> {
        loop {
            if let Some(start) = self.delimiter.find(&self.buffer) {
                let _ = self.buffer.split_to(start + self.delimiter.needle().len());
                return Ok(());
            }
            if self.buffer.len() > MAX_PREAMBLE {
                return Err(malformed(format!(
                    "expected the first boundary within {MAX_PREAMBLE} bytes, received more"
                )));
            }
            self.more().await?;
        }
    }

    /// Whether two dashes after the boundary say that it is the last one.
    async fn is_last(&mut self) -> Result<bool, Problem> {
        while self.buffer.len() < 2 {
            self.more().await?;
        }
        Ok(self.buffer.starts_with(b"--"))
    }

    async fn head(&mut self) -> Result<Head, Problem> {
        let end = loop {
            let window = self.buffer.get(..self.buffer.len().min(MAX_HEAD)).unwrap_or_default();
            if let Some(end) = memchr::memmem::find(window, b"\r\n\r\n") {
                break end;
            }
            if self.buffer.len() >= MAX_HEAD {
                return Err(malformed(format!("expected a part's headers within {MAX_HEAD} bytes, received more")));
            }
            self.more().await?;
        };
        let head = self.buffer.split_to(end + 4);
        let text =
            std::str::from_utf8(&head).map_err(|_| malformed("expected a part's headers in UTF-8".to_owned()))?;
        let mut read = Head::default();
        let mut has_name = false;
        for line in text.split("\r\n").map(str::trim_end).filter(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(':') else {
                return Err(malformed("expected a part's headers as `name: value`".to_owned()));
            };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-disposition") {
                read.name = parameter(value, "name").unwrap_or_default();
                read.file_name = parameter(value, "filename");
                has_name = true;
            } else if name.eq_ignore_ascii_case("content-type") {
                read.content_type = Some(value.to_owned());
            }
        }
        match has_name {
            true => Ok(read),
            false => Err(malformed("expected a part with Content-Disposition: form-data; name=\"file\"".to_owned())),
        }
    }
}

/// The text of a short part.
pub async fn text(form: &mut Form, max: usize) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(chunk) = form.chunk().await? {
        text.extend_from_slice(&chunk);
        if text.len() > max {
            let detail = format!("expected a form field of at most {max} bytes, received more");
            return Err(Problem::new(Kind::TooLarge, detail));
        }
    }
    String::from_utf8(text).map_err(|_| malformed("expected a form field of UTF-8".to_owned()))
}

/// A parameter of a header's value, such as `name` in `form-data; name="file"`.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (text, next) = match after.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = after.find(';').unwrap_or(after.len());
                let (text, next) = after.split_at(end);
                (text.trim().to_owned(), next)
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = next.trim_start().strip_prefix(';')?;
    }
}

/// A text in quotes, and what follows it. Browsers escape the quote as `%22`, others with a backslash.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut unquoted = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((unquoted, text.get(at + 1..)?)),
            '\\' if text.get(at + 1..)?.starts_with(['"', '\\']) => unquoted.push(letters.next()?.1),
            other => unquoted.push(other),
        }
    }
    None
}

fn malformed(detail: String) -> Problem {
    Problem::new(Kind::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every part of a form that arrives in pieces of `size` bytes.
    async fn parts(body: &str, size: usize) -> Result<Vec<(Head, String)>, String> {
        let pieces: Vec<_> = body.as_bytes().chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let mut form =
            Form::new("multipart/form-data; boundary=\"b\"", stream::iter(pieces)).map_err(|e| e.to_string())?;
        let mut parts = Vec::new();
        while let Some(head) = form.next_part().await.map_err(|error| error.to_string())? {
            let text = text(&mut form, 1 << 20).await.map_err(|error| error.to_string())?;
            parts.push((head, text));
        }
        Ok(parts)
    }

    #[tokio::test]
    async fn parts_are_the_same_however_they_arrive() {
        let body = "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\niris\r\n--b\r\n\
                    content-type: text/csv\r\ncontent-disposition: form-data; filename=\"a\\\"; b.csv\"; name=file\r\n\r\na,b\r\n--\r\n1,2\r\n\r\n--b--\r\nepilogue";
        for size in 1..body.len() {
            let parts = parts(body, size).await.unwrap();
            assert_eq!(parts.len(), 2, "{size}");
            assert_eq!((parts[0].0.name.as_str(), parts[0].1.as_str()), ("name", "iris"), "{size}");
            assert_eq!(parts[1].0.file_name.as_deref(), Some("a\"; b.csv"), "{size}");
            assert_eq!(parts[1].0.content_type.as_deref(), Some("text/csv"), "{size}");
            assert_eq!(parts[1].1, "a,b\r\n--\r\n1,2\r\n", "{size}");
        }
    }

    #[tokio::test]
    async fn lengths_are_bounded_and_ends_are_missed() {
        let long = "x".repeat(10_000);
        for (body, expected) in [
            (long.clone(), "first boundary within 4096 bytes"),
            (format!("--b\r\nx: {long}\r\n\r\n"), "headers within 8192 bytes"),
            ("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nabc".to_owned(), "end with its boundary"),
            ("--b\r\n\r\nabc\r\n--b--".to_owned(), "Content-Disposition"),
            ("--b\r\nno colon\r\n\r\nabc\r\n--b--".to_owned(), "`name: value`"),
            (String::new(), "end with its boundary"),
        ] {
            for size in [1, 7, 4096, 1 << 20] {
                let error = parts(&body, size).await.unwrap_err();
                assert!(error.contains(expected), "{size} {body:.60}: {error}");
            }
        }
        for bad in ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"b"] {
            assert!(Form::new(bad, stream::empty()).is_err(), "{bad}");
        }
    }
}
