//! Entity tags: `ETag` and `If-None-Match`.

use crate::http::problem::Problem;
use axum::http::{HeaderMap, HeaderValue, header};

/// The tag of a content with this SHA-256.
pub fn tag(sha256: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(&format!("\"{sha256}\"")).map_err(Problem::internal)
}

/// Whether the client has the content with this tag. A proxy that compresses marks tags as weak.
pub fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|value| value.split(',')).map(str::trim);
    known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known).as_bytes() == tag.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly() {
        let own = tag("5e").unwrap();
        for (sent, known) in [
            ("\"5e\"", true),
            ("W/\"5e\"", true),
            ("\"a\", \"5e\"", true),
            ("*", true),
            ("\"a\"", false),
            ("5e", false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(sent).unwrap())]);
            assert_eq!(is_known(&headers, &own), known, "{sent}");
        }
        assert!(!is_known(&HeaderMap::new(), &own));
    }
}
