//! Values in YAML's flow style, with CloudFormation's short forms: `!Ref X`, `!Sub "…"`, `!If [A, B, C]`.

use serde_json::Value;

/// A text as a YAML scalar: plain where that is safe, else in double quotes.
pub fn scalar(text: &str) -> String {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(|each| each.is_ascii_alphanumeric() || "-_./ ()'".contains(each))
        && !text.ends_with(' ')
        && !matches!(text, "true" | "false" | "yes" | "no" | "null");
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `!Ref X`.
pub fn reference(name: &str) -> String {
    format!("!Ref {}", scalar(name))
}

/// `!Sub "…"`.
pub fn sub(text: &str) -> String {
    format!("!Sub {}", quoted(text))
}

/// `!If [condition, then, otherwise]`.
pub fn if_else(condition: &str, then: &str, otherwise: &str) -> String {
    format!("!If [{condition}, {then}, {otherwise}]")
}

/// What CloudFormation takes for an absent value.
pub const NO_VALUE: &str = "!Ref \"AWS::NoValue\"";

/// The ARN of something in this account and region.
pub fn arn(service: &str, resource: &str) -> String {
    sub(&format!("arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{resource}"))
}

/// `[a, b]`.
pub fn list(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.as_ref().to_owned()).collect();
    format!("[{}]", items.join(", "))
}

/// A parsed value on one line.
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => scalar(text),
        Value::Array(items) => list(items.iter().map(inline)),
        Value::Object(members) => {
            if let Some(short) = members.iter().next().filter(|_| members.len() == 1).and_then(short_form) {
                return short;
            }
            let members: Vec<String> = members.iter().map(|(key, value)| format!("{}: {}", scalar(key), inline(value))).collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

fn short_form((key, argument): (&String, &Value)) -> Option<String> {
    match (key.as_str(), argument) {
        ("Ref" | "Condition", Value::String(name)) => Some(format!("!{key} {}", scalar(name))),
        ("Fn::Sub", Value::String(text)) => Some(sub(text)),
        ("Fn::GetAtt", Value::Array(path)) => {
            let path: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
            Some(format!("!GetAtt {}", path.join(".")))
        }
        (key, argument) => key.strip_prefix("Fn::").map(|name| format!("!{name} {}", inline(argument))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_reads_back_as_it_was_written() {
        for text in [
            "!If [HasLegacyUrl, !Ref LegacyUrl, !Ref \"AWS::NoValue\"]",
            "!Sub \"${ApiUrl}/v1/webhooks/merchants\"",
            "!Not [!Equals [!Ref LocalEndpoint, \"\"]]",
            "!GetAtt OrdersTable.Arn",
            "{ Name: service, Value: quote-price }",
        ] {
            assert_eq!(inline(&crate::yaml::parse(text).unwrap()), text);
        }
    }

    #[test]
    fn texts_that_yaml_reads_otherwise_are_quoted() {
        for text in ["true", "a: b", "#", "", "900", "*", "x, y", "[a"] {
            assert_eq!(scalar(text), format!("\"{text}\""));
        }
        assert_eq!(scalar("GET /v1/orders"), "GET /v1/orders");
    }
}
