//! Whether a value is what a schema of the OpenAPI document says: the part of JSON Schema that the document uses.

use crate::openapi::OpenApi;
use serde_json::Value;
use std::collections::BTreeSet;

/// What is wrong with `value`, one sentence each. Members that the schema does not name count as wrong: examples show what
/// is documented.
pub fn violations(openapi: &OpenApi, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(openapi, schema, value, "", &mut found);
    unnamed(openapi, schema, value, "", &mut found);
    found
}

fn check(openapi: &OpenApi, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = openapi.resolve(schema);
    let types = match &schema["type"] {
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    };
    if !types.is_empty() && !types.iter().any(|kind| is(kind, value)) {
        found.push(format!("{at}: {value} is no {types:?}"));
        return;
    }
    let allowed = schema["enum"].as_array();
    if allowed.is_some_and(|allowed| !allowed.contains(value)) || schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value} is not one of the values"));
    }
    let number = value.as_f64();
    let below = number.zip(schema["minimum"].as_f64()).is_some_and(|(number, least)| number < least);
    let above = number.zip(schema["maximum"].as_f64()).is_some_and(|(number, most)| number > most);
    if below || above {
        found.push(format!("{at}: {value} is out of range"));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.as_object().is_some_and(|members| !members.contains_key(name)) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(value) = value.get(name) {
            check(openapi, member, value, &format!("{at}/{name}"), found);
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if !schema["items"].is_null() {
            check(openapi, &schema["items"], item, &format!("{at}/{index}"), found);
        }
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(openapi, part, value, at, found);
    }
    for choice in ["oneOf", "anyOf"] {
        let fits = |part: &Value| {
            let mut wrong = Vec::new();
            check(openapi, part, value, at, &mut wrong);
            wrong.is_empty()
        };
        let parts = schema[choice].as_array();
        if parts.is_some_and(|parts| !parts.iter().any(fits)) {
            found.push(format!("{at}: {value} fits none of {choice}"));
        }
    }
}

/// Finds members that no part of the schema names, at every level.
fn unnamed(openapi: &OpenApi, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let names = names(openapi, schema);
    for (name, member) in value.as_object().into_iter().flatten().filter(|_| !names.is_empty()) {
        if !names.contains(name) {
            found.push(format!("{at}: {name} is not documented"));
        }
        for schema in member_schemas(openapi, schema, name) {
            unnamed(openapi, schema, member, &format!("{at}/{name}"), found);
        }
    }
    let items = &openapi.resolve(schema)["items"];
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        unnamed(openapi, items, item, &format!("{at}/{index}"), found);
    }
}

fn parts<'a>(openapi: &'a OpenApi, schema: &'a Value) -> Vec<&'a Value> {
    let schema = openapi.resolve(schema);
    let inner = ["allOf", "oneOf", "anyOf"].iter().flat_map(|choice| schema[choice].as_array().into_iter().flatten());
    std::iter::once(schema).chain(inner.flat_map(|part| parts(openapi, part))).collect()
}

fn names(openapi: &OpenApi, schema: &Value) -> BTreeSet<String> {
    parts(openapi, schema).into_iter().flat_map(|part| crate::template::keys(&part["properties"])).collect()
}

fn member_schemas<'a>(openapi: &'a OpenApi, schema: &'a Value, name: &str) -> Vec<&'a Value> {
    parts(openapi, schema).into_iter().filter_map(|part| part["properties"].get(name)).collect()
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_of_violation_is_found() {
        let openapi = OpenApi(json!({ "components": { "schemas": { "Count": { "type": "integer", "minimum": 1 } } } }));
        let schema = json!({
            "type": "object",
            "required": ["a"],
            "properties": { "a": { "$ref": "#/components/schemas/Count" }, "b": { "enum": ["x"] }, "c": { "type": "array", "items": { "type": "string" } } },
        });
        let wrong = |value: Value| violations(&openapi, &schema, &value).len();
        assert_eq!(wrong(json!({ "a": 1, "b": "x", "c": ["y"] })), 0);
        for value in [
            json!({}),
            json!({ "a": 0 }),
            json!({ "a": "1" }),
            json!({ "a": 1, "b": "y" }),
            json!({ "a": 1, "c": [1] }),
            json!({ "a": 1, "d": 1 }),
            json!([]),
        ] {
            assert_eq!(wrong(value.clone()), 1, "{value}");
        }
    }
}
