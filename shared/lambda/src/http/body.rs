use super::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::Segment;
use std::fmt::Write as _;

/// The largest accepted body, in bytes: 64 KiB. A larger one is refused before anything else happens.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// Decodes the body of a proxy event.
pub(super) fn decode(body: String, is_base64_encoded: bool) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        Problem::new(413, "Request.TooLarge", format!("the body is larger than {MAX_BODY_BYTES} bytes"))
            .advice("Send less in one request.")
            .with("max_bytes", MAX_BODY_BYTES)
    };
    let longest = if is_base64_encoded { MAX_BODY_BYTES.div_ceil(3) * 4 } else { MAX_BODY_BYTES };
    if body.len() > longest {
        return Err(too_large());
    }
    if !is_base64_encoded {
        return Ok(body.into_bytes());
    }
    let body = STANDARD
        .decode(body)
        .map_err(|error| Problem::new(400, "Request.Malformed", format!("the body is not valid base64: {error}")))?;
    if body.len() > MAX_BODY_BYTES { Err(too_large()) } else { Ok(body) }
}

/// Parses a JSON body; a problem names the field, or the line and column.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(400, "Request.Malformed", "the body is empty; send a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| match error.inner().classify() {
        Category::Data => invalid_field(&error),
        Category::Syntax | Category::Eof | Category::Io => malformed(error.inner()),
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(
        400,
        "Request.Malformed",
        format!("the body is not valid JSON at line {}, column {}: {}", error.line(), error.column(), text(error)),
    )
    .with("line", error.line())
    .with("column", error.column())
}

fn invalid_field(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let text = text(error.inner());
    let mut path = String::new();
    for segment in error.path() {
        // Writing to a string can't fail.
        let _ = match segment {
            Segment::Seq { index } => write!(path, "[{index}]"),
            Segment::Map { key: name } | Segment::Enum { variant: name } => push_member(&mut path, name),
            Segment::Unknown => Ok(()),
        };
    }
    // serde reports a missing field at its parent, and an unknown one at itself or, behind `flatten`, at its parent.
    let named = ["missing field `", "unknown field `"].iter().find_map(|start| text.strip_prefix(start)?.split('`').next());
    if let Some(name) = named
        && path != name
        && !path.ends_with(&format!(".{name}"))
    {
        let _ = push_member(&mut path, name);
    }
    let detail = if path.is_empty() { text } else { format!("{path}: {text}") };
    let problem = Problem::new(400, "Request.InvalidField", detail);
    if path.is_empty() { problem } else { problem.field(path) }
}

fn push_member(path: &mut String, name: &str) -> std::fmt::Result {
    let separator = if path.is_empty() { "" } else { "." };
    write!(path, "{separator}{name}")
}

/// The message of an error without serde_json's position, which goes elsewhere.
fn text(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Cart {
        store: String,
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Line {
        quantity: u32,
    }

    #[test]
    fn a_field_that_is_wrong_is_named() {
        for (body, field) in [
            (r#"{"store":"s","lines":[{"quantity":1},{"quantity":"two"}]}"#, Some("lines[1].quantity")),
            (r#"{"store":"s","lines":[{"quantity":-1}]}"#, Some("lines[0].quantity")),
            (r#"{"store":"s","lines":[{}]}"#, Some("lines[0].quantity")),
            (r#"{"store":"s","lines":[{"quantity":1,"price":1}]}"#, Some("lines[0].price")),
            (r#"{"lines":[]}"#, Some("store")),
            (r#"{"store":"s","lines":[],"extra":1}"#, Some("extra")),
            ("17", None),
        ] {
            let problem = parse::<Cart>(body.as_bytes()).unwrap_err();
            assert_eq!((problem.code(), problem.wrong_field()), ("Request.InvalidField", field), "{body}: {problem}");
        }
    }

    #[test]
    fn a_body_that_is_not_json_is_located() {
        for (body, place) in [
            ("{\n  \"store\": }", "line 2, column 12"),
            ("{\"store\":\"s\"", "line 1, column 12"),
            ("{\"store\":\"s\",\"lines\":[]} x", "line 1, column 26"),
        ] {
            let problem = parse::<Cart>(body.as_bytes()).unwrap_err();
            assert_eq!((problem.status(), problem.code()), (400, "Request.Malformed"));
            assert!(problem.detail().contains(place), "{problem}");
        }
        assert!(parse::<Cart>(b" ").unwrap_err().detail().contains("empty"));
    }
}
