//! Server-sent events as lines of bytes.

use serde_json::Value;

/// Takes chunks as they arrive and returns the objects in their `data` lines.
#[derive(Debug, Default)]
pub struct Parser {
    received: Vec<u8>,
    data: String,
}

impl Parser {
    /// The events that `chunk` completes. An error is a line that is not JSON.
    pub fn push(&mut self, chunk: &[u8]) -> serde_json::Result<Vec<Value>> {
        self.received.extend_from_slice(chunk);
        let mut events = Vec::new();
        let mut start = 0;
        while let Some(length) = self.received[start..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.received[start..start + length]);
            let line = line.trim_end_matches('\r');
            start += length + 1;
            if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data += data.strip_prefix(' ').unwrap_or(data);
            } else if line.is_empty() && !self.data.is_empty() {
                events.push(serde_json::from_str(&std::mem::take(&mut self.data))?);
            }
        }
        self.received.drain(..start);
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_complete_however_they_are_cut() {
        let text = "retry: 2000\n\nid: 1\nevent: status\ndata: {\"id\":1,\ndata: \"t\":\"é\"}\n\n: comment\n\ndata:{\"id\":2}\r\n\r\ndata: {\"id\":3}\n";
        for size in 1..text.len() {
            let mut parser = Parser::default();
            let events: Vec<Value> =
                text.as_bytes().chunks(size).flat_map(|chunk| parser.push(chunk).unwrap()).collect();
            assert_eq!(events, [json!({"id": 1, "t": "é"}), json!({"id": 2})], "the third one is not complete");
        }
        assert!(Parser::default().push(b"data: {\n\n").is_err());
    }
}
