//! What holds for every condition and all attributes.

mod any_json;

use carryout_predicate::{Case, Condition, Groups};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-20_i64..20).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec!["", "a", "B", "10", "1.2.3", "staff", "^a", "(", "null", "é"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..3).prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    select(vec![
        "a",
        "b",
        "a.b",
        "b.0",
        "$and",
        "$or",
        "$nor",
        "$not",
        "$eq",
        "$ne",
        "$lt",
        "$lte",
        "$gt",
        "$gte",
        "$in",
        "$nin",
        "$ini",
        "$nini",
        "$inGroup",
        "$notInGroup",
        "$all",
        "$alli",
        "$size",
        "$elemMatch",
        "$exists",
        "$type",
        "$regex",
        "$regexi",
        "$veq",
        "$vne",
        "$vlt",
        "$vlte",
        "$vgt",
        "$vgte",
        "$regx",
    ])
    .prop_map(str::to_owned)
}

fn attributes() -> impl Strategy<Value = Value> {
    (value(), value()).prop_map(|(a, b)| json!({ "a": a, "b": b }))
}

fn groups() -> Groups {
    Groups::from([("staff".to_owned(), vec![json!("a"), json!(3), Value::Null])])
}

proptest! {
    #[test]
    fn anything_can_be_parsed_and_asked(condition in value(), attributes in value()) {
        let (parsed, _) = Condition::parse_leniently(&condition);
        parsed.holds(&attributes, &groups());
        let attributes = attributes.as_object().cloned().unwrap_or_default();
        any_json::check(&Case { name: None, condition, attributes, groups: groups(), expected: None });
    }

    #[test]
    fn not_and_nor_are_opposites(condition in value(), attributes in attributes()) {
        prop_assume!(condition.is_object());
        let holds = |condition: Value| Condition::parse_leniently(&condition).0.holds(&attributes, &groups());
        let plain = holds(condition.clone());
        prop_assert_eq!(holds(json!({ "$not": &condition })), !plain);
        prop_assert_eq!(holds(json!({ "$nor": [&condition] })), !plain);
        prop_assert_eq!(holds(json!({ "$or": [&condition] })), plain);
        prop_assert_eq!(holds(json!({ "$and": [&condition, &condition] })), plain);
    }

    #[test]
    fn only_the_attributes_used_decide(condition in value(), attributes in attributes(), other in value()) {
        let (parsed, _) = Condition::parse_leniently(&condition);
        let mut changed = attributes.clone();
        for name in ["a", "b"] {
            if !parsed.attributes_used().iter().any(|path| path.split('.').next() == Some(name)) {
                changed[name] = other.clone();
            }
        }
        prop_assert_eq!(parsed.holds(&attributes, &groups()), parsed.holds(&changed, &groups()));
    }

    #[test]
    fn a_condition_survives_being_written(condition in value(), attributes in attributes()) {
        if let Ok(parsed) = Condition::parse(&condition) {
            let again: Condition = serde_json::from_str(&serde_json::to_string(&parsed).unwrap()).unwrap();
            prop_assert_eq!(parsed.holds(&attributes, &groups()), again.holds(&attributes, &groups()));
        }
    }

    #[test]
    fn exactly_one_of_less_equal_greater_holds_for_numbers(a in -1e9_f64..1e9, b in -1e9_f64..1e9) {
        let asked = ["$lt", "$eq", "$gt"].map(|operator| {
            Condition::parse(&json!({ "a": { operator: b } })).unwrap().holds(&json!({ "a": a }), &Groups::new())
        });
        prop_assert_eq!(asked.into_iter().filter(|holds| *holds).count(), 1);
    }
}
