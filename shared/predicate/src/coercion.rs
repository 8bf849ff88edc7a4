//! JavaScript's conversions (ECMA-262, section 7.1), which GrowthBook's comparisons rest on.

use serde_json::Value;
use std::{borrow::Cow, cmp::Ordering};

/// `String(value)`.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => if *flag { "true" } else { "false" }.into(),
        Value::Number(number) => number_text(number.as_f64().unwrap_or(f64::NAN)).into(),
        Value::String(text) => text.as_str().into(),
        Value::Array(elements) => {
            let parts: Vec<Cow<'_, str>> =
                elements.iter().map(|element| if element.is_null() { "".into() } else { text(element) }).collect();
            parts.join(",").into()
        }
        Value::Object(_) => "[object Object]".into(),
    }
}

/// `Number(value)`; NaN where it is none.
pub(crate) fn number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) => text_number(text),
        Value::Array(_) | Value::Object(_) => text_number(&text(value)),
    }
}

/// `Boolean(value)`.
pub(crate) fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// `a === b`, for values of JSON: two lists or two objects are never the same one.
pub(crate) fn identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::String(a), Value::String(b)) => a == b,
        _ => false,
    }
}

/// Whether two values are written alike, whatever the order of an object's members.
pub(crate) fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b)))
        }
        _ => identical(a, b),
    }
}

/// How `a < b` and `a > b` see two values; `None` where both are false.
pub(crate) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    let is_text = |value: &Value| matches!(value, Value::String(_) | Value::Array(_) | Value::Object(_));
    if is_text(a) && is_text(b) { Some(text_order(&text(a), &text(b))) } else { number(a).partial_cmp(&number(b)) }
}

/// Texts in the order of their UTF-16 code units.
pub(crate) fn text_order(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

fn number_text(number: f64) -> String {
    let magnitude = number.abs();
    if number == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&magnitude) {
        number.to_string()
    } else if number.is_finite() {
        let exponential = format!("{number:e}");
        if magnitude < 1.0 { exponential } else { exponential.replace('e', "e+") }
    } else {
        "NaN".to_owned()
    }
}

fn text_number(text: &str) -> f64 {
    let text = text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}');
    let radix = match text.get(..2) {
        Some("0x" | "0X") => Some(16),
        Some("0o" | "0O") => Some(8),
        Some("0b" | "0B") => Some(2),
        _ => None,
    };
    if let Some(radix) = radix {
        let digits = &text[2..];
        let add = |number: f64, digit: char| Some(number * f64::from(radix) + f64::from(digit.to_digit(radix)?));
        return if digits.is_empty() { f64::NAN } else { digits.chars().try_fold(0.0, add).unwrap_or(f64::NAN) };
    }
    match text {
        "" => 0.0,
        "Infinity" | "+Infinity" => f64::INFINITY,
        "-Infinity" => f64::NEG_INFINITY,
        // Rust also reads `inf` and `nan`, which JavaScript does not.
        _ if text.bytes().any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E')) => f64::NAN,
        _ => text.parse().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn writes_values_as_javascript_does() {
        for (value, written) in [
            (json!(10), "10"),
            (json!(10.0), "10"),
            (json!(-0.0), "0"),
            (json!(0.1), "0.1"),
            (json!(1e21), "1e+21"),
            (json!(1.5e-7), "1.5e-7"),
            (json!(100_000_000_000_000_000_000.0), "100000000000000000000"),
            (json!([1, null, ["a", true]]), "1,,a,true"),
            (json!({ "a": 1 }), "[object Object]"),
            (json!(null), "null"),
        ] {
            assert_eq!(text(&value), written);
        }
    }

    #[test]
    fn reads_numbers_as_javascript_does() {
        for (value, read) in [
            (json!(" 12.5 "), 12.5),
            (json!(""), 0.0),
            (json!("0x1F"), 31.0),
            (json!("-.5e1"), -5.0),
            (json!("5."), 5.0),
            (json!([7]), 7.0),
            (json!([]), 0.0),
            (json!(null), 0.0),
            (json!(true), 1.0),
            (json!("Infinity"), f64::INFINITY),
        ] {
            assert_eq!(number(&value), read, "{value}");
        }
        for nothing in [json!("inf"), json!("nan"), json!("1,2"), json!({}), json!("0x"), json!("."), json!("1 2")] {
            assert!(number(&nothing).is_nan(), "{nothing}");
        }
    }
}
