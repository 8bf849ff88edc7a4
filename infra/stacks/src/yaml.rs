//! YAML as JSON, with CloudFormation's short forms written out: `!Ref X` becomes `{"Ref": "X"}`, `!Sub "…"` becomes
//! `{"Fn::Sub": "…"}`, `!GetAtt A.B` becomes `{"Fn::GetAtt": ["A", "B"]}`.

use saphyr::{LoadableYamlNode as _, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

/// Reads one document.
///
/// # Errors
///
/// Where the text is no YAML, has a key twice, or has what JSON can't say.
pub fn parse(text: &str) -> Result<Value, String> {
    let documents = YamlOwned::load_from_str(text).map_err(|error| error.to_string())?;
    match documents.as_slice() {
        [document] => value(document),
        _ => Err(format!("expected one document, found {}", documents.len())),
    }
}

fn value(node: &YamlOwned) -> Result<Value, String> {
    Ok(match node {
        YamlOwned::Value(scalar) => match scalar {
            ScalarOwned::Null => Value::Null,
            ScalarOwned::Boolean(boolean) => (*boolean).into(),
            ScalarOwned::Integer(integer) => (*integer).into(),
            ScalarOwned::FloatingPoint(number) => number.into_inner().into(),
            ScalarOwned::String(text) => text.as_str().into(),
        },
        YamlOwned::Sequence(items) => items.iter().map(value).collect::<Result<Vec<Value>, String>>()?.into(),
        YamlOwned::Mapping(members) => {
            let mut object = Map::new();
            for (key, member) in members {
                let key = match value(key)? {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                object.insert(key, value(member)?);
            }
            object.into()
        }
        YamlOwned::Tagged(tag, node) => long_form(&tag.suffix, value(node)?),
        YamlOwned::Representation(..) | YamlOwned::Alias(_) | YamlOwned::BadValue => {
            return Err(format!("not understood: {node:?}"));
        }
    })
}

fn long_form(tag: &str, argument: Value) -> Value {
    match (tag, argument) {
        ("Ref" | "Condition", argument) => json!({ tag: argument }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((&path, ""));
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        (function, argument) => json!({ format!("Fn::{function}"): argument }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_are_written_out() {
        let text =
            "a: !Ref X\nb: !Sub \"${X}-y\"\nc: !GetAtt X.Arn\nd: !If [C, !Ref X, 1]\ne: { f: true }\n\"g\": \"2010-09-09\"\n";
        let expected = json!({
            "a": { "Ref": "X" },
            "b": { "Fn::Sub": "${X}-y" },
            "c": { "Fn::GetAtt": ["X", "Arn"] },
            "d": { "Fn::If": ["C", { "Ref": "X" }, 1] },
            "e": { "f": true },
            "g": "2010-09-09",
        });
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        assert!(parse("a: 1\na: 2\n").is_err());
    }
}
