//! The files in `events/pricing/` have the totals below, and follow `docs/pricing.schema.json`.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use carryout_pricing::{CRITICALITY, Context, Criticality, Pipeline, Price, Record, Refunded, explain, left_to_refund, price};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

/// Each example with its total.
const EXAMPLES: &[(&str, &str)] = &[
    ("grocery-by-weight", "32.66 USD"),
    ("kuwait-three-decimals", "18.315 KWD"),
    ("new-york-delivery", "37.20 USD"),
    ("plain", "29.00 USD"),
    ("quebec-compound-tax", "42.13 CAD"),
    ("sydney-included-gst", "27.60 AUD"),
    ("tokyo-no-decimals", "2487 JPY"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn names() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("events/pricing")).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap().trim_end_matches(".json").to_owned()).collect()
}

#[test]
fn every_example_has_its_total() {
    assert_eq!(names(), EXAMPLES.iter().map(|(name, _)| (*name).to_owned()).collect());
    for (name, total) in EXAMPLES {
        let context: Context = serde_json::from_value(read(&format!("events/pricing/{name}.json"))).unwrap();
        let price: Price = price(&context).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(price.total.to_string(), *total, "{name}");
        assert_eq!(left_to_refund(&price, &Refunded::default()), Ok(price.total), "{name}");
        let record = Record::of(context).unwrap();
        let again: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(again.replay(&Pipeline::standard()), Ok(()), "{name}");
    }
}

/// An order with every kind of charge.
const EVERY_KIND: &str = r#"{
    "currency": "CAD",
    "lines": [
        { "item_id": "itm_1", "name": "Ramen", "quantity": 2, "unit_price": 1450 },
        { "item_id": "itm_2", "name": "Water", "quantity": 6, "unit_price": 100, "deposit": 25 }
    ],
    "promotions": [
        { "id": "ten", "name": "10 % off", "benefit": { "percent": "0.10" } },
        { "id": "free", "name": "Free delivery", "benefit": "free_delivery" }
    ],
    "fees": [
        { "code": "delivery", "name": "Delivery fee", "amount": { "fixed": 299 } },
        { "code": "service", "name": "Service fee", "tax_class": "standard", "amount": { "fixed": 250 } }
    ],
    "taxes": { "rates": [
        { "code": "gst", "name": "GST", "rate": "0.05" },
        { "code": "qst", "name": "QST", "rate": "0.09975", "compound": true }
    ] },
    "tip": 300,
    "credits": [{ "id": "gift", "name": "Gift card", "amount": 500 }],
    "flags": [{ "provider": "consumer", "used": "default", "reason": "no answer within 400 ms" }]
}"#;

#[test]
fn price_json_is_stable_byte_for_byte() {
    // Signatures and stored records cover these bytes: a change breaks quotes and orders that exist.
    let expected = [
        r#"{"lines":[{"item_id":"itm_1","name":"Ramen","quantity":2,"unit_price":{"minor":1450,"currency":"CAD"},"amount":{"minor":2900,"currency":"CAD"}},{"item_id":"itm_2","name":"Water","quantity":6,"unit_price":{"minor":100,"currency":"CAD"},"amount":{"minor":600,"currency":"CAD"}}],"#,
        r#""subtotal":{"minor":3500,"currency":"CAD"},"#,
        r#""fees":[{"code":"delivery","name":"Delivery fee","amount":{"minor":299,"currency":"CAD"}},{"code":"service","name":"Service fee","amount":{"minor":250,"currency":"CAD"}}],"#,
        r#""discounts":[{"code":"ten","name":"10 % off","amount":{"minor":-350,"currency":"CAD"},"shares":{"lines":[-290,-60]}},{"code":"free","name":"Free delivery","amount":{"minor":-299,"currency":"CAD"},"shares":{"fees":[-299,0]}}],"#,
        r#""taxes":[{"code":"gst","name":"GST","amount":{"minor":171,"currency":"CAD"},"shares":{"lines":[131,27],"fees":[0,13]}},{"code":"qst","name":"QST","amount":{"minor":356,"currency":"CAD"},"shares":{"lines":[273,57],"fees":[0,26]}}],"#,
        r#""tip":{"minor":300,"currency":"CAD"},"#,
        r#""deposits":[{"code":"deposit","name":"Deposit","amount":{"minor":150,"currency":"CAD"},"shares":{"lines":[0,150]}}],"#,
        r#""credits":[{"code":"gift","name":"Gift card","amount":{"minor":-500,"currency":"CAD"},"shares":{"lines":[-344,-89],"fees":[0,-33],"tip":-34}}],"#,
        r#""total":{"minor":3877,"currency":"CAD"},"#,
        r#""policy":"standard-1","#,
        r#""engine":1,"#,
        r#""flags":[{"provider":"consumer","used":"default","reason":"no answer within 400 ms"}]}"#,
    ]
    .concat();
    let context: Context = serde_json::from_str(EVERY_KIND).unwrap();
    let priced = price(&context).unwrap();
    assert_eq!(serde_json::to_string(&priced).unwrap(), expected);
    assert_eq!(serde_json::from_str::<Price>(&expected).unwrap(), priced);
    // Deposits, policy, engine and flags are absent in prices that predate them.
    let (old, _) = expected.split_once(r#","policy""#).unwrap();
    let old: Price = serde_json::from_str(&format!("{old}}}")).unwrap();
    assert_eq!((old.charges, old.policy, old.engine), (priced.charges, String::new(), 0));
}

#[test]
fn documentation_shows_the_computed_table_and_the_declared_criticality() {
    let text = fs::read_to_string(root().join("docs/pricing.md")).unwrap();
    let context: Context = serde_json::from_value(read("events/pricing/quebec-compound-tax.json")).unwrap();
    let table = explain(&Pipeline::standard(), &context).unwrap();
    assert!(text.contains(&table), "docs/pricing.md should show\n{table}");
    for Criticality { provider, timeout, attempts, .. } in CRITICALITY {
        let row = format!("| {provider} | {timeout} ms | {attempts} |");
        assert!(text.contains(&row), "docs/pricing.md should have the row {row}");
    }
}

#[test]
fn every_example_follows_the_schema() {
    let schema = read("docs/pricing.schema.json");
    let mut used = BTreeSet::new();
    for name in names() {
        let example = read(&format!("events/pricing/{name}.json"));
        let written = serde_json::to_value(serde_json::from_value::<Context>(example.clone()).unwrap()).unwrap();
        for value in [example, written] {
            let mut check = Check { schema: &schema, found: Vec::new(), used: BTreeSet::new() };
            check.value(&schema, &value, &name);
            assert!(check.found.is_empty(), "{:#?}", check.found);
            used.extend(check.used);
        }
    }
    let mut named = BTreeSet::new();
    members(&schema, &mut named);
    assert_eq!(named.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "no example has these");
}

#[test]
fn schema_refuses_what_the_engine_refuses() {
    let schema = read("docs/pricing.schema.json");
    let plain = read("events/pricing/plain.json");
    for (pointer, wrong) in [
        ("/lines/0/colour", json!("red")),
        ("/tip", json!("3")),
        ("/tip", json!(-3)),
        ("/currency", json!("DOGE")),
        ("/lines", json!([])),
        ("/lines/0/quantity", json!(0)),
        ("/fees", json!([{ "code": "x", "name": "x", "amount": { "fixed": 1, "of_fee": {} } }])),
        ("/promotions", json!([{ "id": "x", "name": "x", "benefit": "free_lunch" }])),
        ("/credits", json!([{ "id": "x", "name": "x", "amount": 1, "limits": { "per_consumer": { "budget": -1 } } }])),
    ] {
        let mut context = plain.clone();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        context.pointer_mut(parent).unwrap()[member] = wrong;
        let mut check = Check { schema: &schema, found: Vec::new(), used: BTreeSet::new() };
        check.value(&schema, &context, "");
        assert!(!check.found.is_empty(), "the schema accepts {context}");
        let accepted = serde_json::from_value::<Context>(context).is_ok_and(|context| price(&context).is_ok());
        assert!(!accepted, "{pointer}");
    }
}

/// Collects every member that a schema names, prefixed by the required members of its object.
fn members(schema: &Value, named: &mut BTreeSet<String>) {
    match schema {
        Value::Object(parts) => {
            if let Some(Value::Object(properties)) = parts.get("properties") {
                let required = parts.get("required").map(Value::to_string).unwrap_or_default();
                named.extend(properties.keys().map(|name| format!("{required} {name}")));
            }
            parts.values().for_each(|part| members(part, named));
        }
        Value::Array(parts) => parts.iter().for_each(|part| members(part, named)),
        _ => {}
    }
}

/// Validates a value against the subset of JSON Schema that `docs/pricing.schema.json` uses, patterns aside.
struct Check<'a> {
    schema: &'a Value,
    found: Vec<String>,
    used: BTreeSet<String>,
}

impl Check<'_> {
    fn value(&mut self, schema: &Value, value: &Value, at: &str) {
        if let Some(name) = schema["$ref"].as_str() {
            let target = self.schema.pointer(name.trim_start_matches('#')).unwrap().clone();
            return self.value(&target, value, at);
        }
        if let Some(variants) = schema["oneOf"].as_array() {
            return self.one_of(variants, value, at);
        }
        let is_type = match schema["type"].as_str() {
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64(),
            Some("boolean") => value.is_boolean(),
            other => other.is_none(),
        };
        let is_named = schema["enum"].as_array().is_none_or(|names| names.contains(value));
        let is_const = schema.get("const").is_none_or(|wanted| wanted == value);
        let number = value.as_i64().or(value.as_array().map(|items| items.len() as i64));
        let length = value.as_str().map(|text| text.len() as i64);
        let within = |number: Option<i64>, least: &str, most: &str| {
            number.is_none_or(|number| {
                schema[least].as_i64().is_none_or(|least| number >= least)
                    && schema[most].as_i64().is_none_or(|most| number <= most)
            })
        };
        let in_range = within(number, "minimum", "maximum")
            && within(number, "minItems", "maxItems")
            && within(length, "minLength", "maxLength");
        if !(is_type && is_named && is_const && in_range) {
            self.found.push(format!("{at}: {value}"));
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            self.value(&schema["items"], item, &format!("{at}/{index}"));
        }
        if let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object()) {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !members.contains_key(name) {
                    self.found.push(format!("{at}/{name} is missing"));
                }
            }
            for (name, member) in members {
                match properties.get(name) {
                    Some(property) => {
                        self.used.insert(format!("{} {name}", schema["required"]));
                        self.value(property, member, &format!("{at}/{name}"));
                    }
                    None => self.found.push(format!("{at}/{name} is unknown")),
                }
            }
        }
    }

    fn one_of(&mut self, variants: &[Value], value: &Value, at: &str) {
        let mut fitting = Vec::new();
        for variant in variants {
            let mut check = Check { schema: self.schema, found: Vec::new(), used: BTreeSet::new() };
            check.value(variant, value, at);
            if check.found.is_empty() {
                fitting.push(check.used);
            }
        }
        match <[BTreeSet<String>; 1]>::try_from(fitting) {
            Ok([used]) => self.used.extend(used),
            Err(fitting) => self.found.push(format!("{at}: {value} is {} of the variants", fitting.len())),
        }
    }
}
