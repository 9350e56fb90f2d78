//! Prints YAML with short collections on one line.

use serde_json::Value;

/// The longest line of a collection within another.
const WIDTH: usize = 200;

/// Plain words that YAML readers take for something else than text.
const RESERVED: [&str; 12] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan", "infinity"];

/// `value` in YAML.
pub fn print(value: &Value) -> String {
    let mut lines = Vec::new();
    block(value, 0, &mut lines);
    lines.push(String::new());
    lines.join("\n")
}

/// Adds the entries of a collection, an entry a line where it fits.
fn block(value: &Value, indent: usize, lines: &mut Vec<String>) {
    let space = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let head = format!("{space}{}:", text(name));
                match one_line(value, head.len()) {
                    Some(short) => lines.push(format!("{head} {short}")),
                    None if wraps(value) => {
                        lines.push(format!("{head} ["));
                        wrapped(value, indent + 2, lines);
                    }
                    None => {
                        lines.push(head);
                        block(value, if value.is_object() { indent + 2 } else { indent }, lines);
                    }
                }
            }
        }
        Value::Array(values) if !values.is_empty() => {
            for value in values {
                match one_line(value, indent + 1) {
                    Some(short) => lines.push(format!("{space}- {short}")),
                    None => {
                        let mut inner = Vec::new();
                        block(value, indent + 2, &mut inner);
                        if let Some(first) = inner.first_mut() {
                            *first = format!("{space}- {}", first.trim_start());
                        }
                        lines.append(&mut inner);
                    }
                }
            }
        }
        other => lines.push(format!("{space}{}", flow(other))),
    }
}

/// Whether `value` is a list of scalars.
fn wraps(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(|value| !value.is_object() && !value.is_array()))
}

/// Adds a list's scalars, as many a line as fit.
fn wrapped(value: &Value, indent: usize, lines: &mut Vec<String>) {
    let space = " ".repeat(indent);
    let mut line = String::new();
    for value in value.as_array().into_iter().flatten() {
        let next = flow(value);
        if !line.is_empty() && indent + line.chars().count() + next.chars().count() + 2 > WIDTH {
            lines.push(format!("{space}{}", line.trim_end()));
            line.clear();
        }
        line.push_str(&next);
        line.push_str(", ");
    }
    lines.push(format!("{space}{}]", line.trim_end_matches(", ")));
}

/// The rest of a line after `head` characters: a scalar, or a collection that is empty or fits.
fn one_line(value: &Value, head: usize) -> Option<String> {
    let line = flow(value);
    let is_scalar = match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => true,
    };
    (is_scalar || head + 1 + line.chars().count() <= WIDTH).then_some(line)
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}: {}", text(name), flow(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(value) => text(value),
        Value::Number(number) => {
            let number = number.to_string();
            // YAML 1.1 takes 1e-7 for text.
            if number.contains('.') { number } else { number.replacen('e', ".0e", 1) }
        }
        other => other.to_string(),
    }
}

/// Text without quotes where no reader takes it for something else.
fn text(value: &str) -> String {
    let is_plain = value.starts_with(|first: char| first.is_ascii_alphabetic() || first == '$')
        && !value.ends_with(' ')
        && value.chars().all(|each| each.is_ascii_alphanumeric() || "$_./-() ".contains(each))
        && !RESERVED.contains(&value.to_ascii_lowercase().as_str());
    if is_plain {
        value.to_owned()
    } else if value.contains(char::is_control) {
        Value::from(value).to_string()
    } else {
        format!("'{}'", value.replace('\'', "''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_printed_reads_back() {
        let value = json!({
            "words": ["true", "No", "1", "1e5", "", " a", "a ", "a: b", "a #b", "it's", "two\nlines", "tab\t", "Σ x", "- a", "{a}"],
            "numbers": [1e-7, 1.5, -3, 0, 2147483647, true, null],
            "empty": [{}, []],
            "200": {"long": "x".repeat(130), "$many": vec!["Word one"; 40], "list": [["y".repeat(130)], {"z": "z".repeat(130), "after": [1, {"a": []}]}]},
        });
        let printed = print(&value);
        assert_eq!(yaml_serde::from_str::<Value>(&printed).unwrap(), value, "{printed}");
        assert!(printed.contains("[1.0e-7, 1.5, -3, 0,"), "{printed}");
    }

    #[test]
    fn the_description_of_the_service_reads_back() {
        let document = crate::http::routes::document().unwrap();
        let printed = print(document.value());
        assert_eq!(&yaml_serde::from_str::<Value>(&printed).unwrap(), document.value());
    }
}
