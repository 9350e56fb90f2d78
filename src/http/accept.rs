//! The header `Accept`.

use crate::http::{
    body::media_type_essence,
    problem::{Kind, Problem},
};
use axum::http::{HeaderMap, header};

/// The one of `offered` that the client prefers, the first of equals, and the first where it says nothing; 406 where it
/// takes none.
pub fn preferred<'o>(headers: &HeaderMap, offered: &[&'o str]) -> Result<&'o str, Problem> {
    let accepted: Vec<String> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|range| range.trim().to_ascii_lowercase())
        .collect();
    let quality = |media_type: &str| {
        if accepted.is_empty() {
            return 1.0;
        }
        let group = media_type.split('/').next().unwrap_or_default();
        let of = |wanted: &str| {
            accepted
                .iter()
                .filter(|range| media_type_essence(range) == wanted)
                .map(|range| weight(range))
                .reduce(f32::max)
        };
        of(media_type).or_else(|| of(&format!("{group}/*"))).or_else(|| of("*/*")).unwrap_or(0.0)
    };
    let best = offered.iter().map(|media_type| (quality(media_type), *media_type));
    let best = best.reduce(|best, next| if next.0 > best.0 { next } else { best });
    match best {
        Some((quality, media_type)) if quality > 0.0 => Ok(media_type),
        _ => {
            let detail = format!("expected to Accept {}, received {:?}", offered.join(" or "), accepted.join(", "));
            Err(Problem::new(Kind::NotAcceptable, detail))
        }
    }
}

fn weight(range: &str) -> f32 {
    let quality = range.split(';').find_map(|parameter| parameter.trim().strip_prefix("q=")?.parse::<f32>().ok());
    quality.filter(|quality| (0.0..=1.0).contains(quality)).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const OFFERED: [&str; 2] = ["application/json", "text/event-stream"];

    fn accepting(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_str(accept).unwrap())])
    }

    #[test]
    fn the_client_chooses() {
        for (accept, stream) in [
            ("text/event-stream", true),
            ("text/event-stream, */*;q=0.1", true),
            ("application/json", false),
            ("*/*", false),
            ("text/*", true),
            ("application/json;q=0.5, text/event-stream", true),
            ("application/json, text/event-stream;q=0.5", false),
        ] {
            assert_eq!(preferred(&accepting(accept), &OFFERED).unwrap(), OFFERED[usize::from(stream)], "{accept}");
        }
        assert_eq!(preferred(&HeaderMap::new(), &OFFERED).unwrap(), OFFERED[0]);
        assert_eq!(preferred(&accepting("image/png"), &OFFERED).unwrap_err().kind(), Kind::NotAcceptable);
    }
}
