use crate::coercion::text;
use serde_json::Value;

/// A version in a form that texts of it sort as the versions do (semantic versioning 2.0, section 11).
///
/// A leading `v` and the build (`+…`) don't count. Parts are separated by `.` or `-`; numbers are padded to five digits, so
/// that 9 comes before 10; and three parts alone come after the same three with a pre-release. What is neither text nor
/// number counts as version 0.
pub(crate) fn padded(value: &Value) -> String {
    let version = match value {
        Value::String(_) | Value::Number(_) => text(value),
        _ => "0".into(),
    };
    let version = if version.is_empty() { "0" } else { version.as_ref() };
    let version = version.strip_prefix('v').unwrap_or(version);
    let version = version.split_once('+').map_or(version, |(version, _)| version);
    let mut parts: Vec<String> = version
        .split(['.', '-'])
        .map(|part| {
            let numeric = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            if numeric { format!("{part:>5}") } else { part.to_owned() }
        })
        .collect();
    if parts.len() == 3 {
        parts.push("~".to_owned());
    }
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::coercion::text_order;
    use serde_json::json;
    use std::cmp::Ordering;

    #[test]
    fn versions_sort_by_number_and_releases_after_their_pre_releases() {
        let ascending = ["0", "1.9.0", "1.10.0-alpha", "1.10.0-alpha.2", "1.10.0-alpha.11", "1.10.0-beta", "v1.10.0", "1.10.1+5"];
        for pair in ascending.windows(2) {
            assert_eq!(text_order(&padded(&json!(pair[0])), &padded(&json!(pair[1]))), Ordering::Less, "{pair:?}");
        }
        assert_eq!(padded(&json!("v2.0.1+build")), padded(&json!("2-0-1")));
        assert_eq!(padded(&json!(null)), padded(&json!("0")));
        assert_eq!(padded(&json!(3)), padded(&json!("3")));
    }
}
