//! Each operator, against attributes that it accepts and that it does not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a case that can't be read fails its test")]

use carryout_predicate::{Condition, Groups, Problems};
use serde_json::{Value, json};

/// A consumer of whom something of each type is known.
fn attributes() -> Value {
    json!({
        "name": "Alice", "orders": 7, "rating": 4.5, "plus": true, "blocked": false, "none": null, "empty": "", "text_number": "8",
        "tags": ["Vegan", "cold"], "nothing": [], "scores": [0, 3, 12],
        "address": { "city": "Boise", "lines": ["1 Main St", "Apt 2"] },
        "cards": [{ "brand": "visa", "limit": 100 }, { "brand": "amex", "limit": 900 }],
        "app": "v2.10.0-rc.2+77", "odd": "a/b",
    })
}

fn holds(condition: &Value) -> bool {
    let groups: Groups = serde_json::from_value(json!({ "staff": ["Alice", "Bob"], "counts": [7], "tags": ["cold"] })).unwrap();
    let condition = Condition::parse(condition).unwrap_or_else(|problems| panic!("{condition}: {problems}"));
    condition.holds(&attributes(), &groups)
}

#[test]
fn each_operator_accepts_and_refuses() {
    let accepted = [
        json!({}),
        json!({ "name": "Alice", "orders": 7, "plus": true, "blocked": false, "none": null, "missing": null }),
        json!({ "orders": "7", "text_number": 8, "rating": "4.5", "plus": "true", "tags": "Vegan,cold" }),
        json!({ "missing": 0, "missing.further.down": "null", "empty": 0 }),
        json!({ "tags": ["Vegan", "cold"], "address": { "lines": ["1 Main St", "Apt 2"], "city": "Boise" } }),
        json!({ "address.city": "Boise", "address.lines.1": "Apt 2", "cards.0.brand": "visa" }),
        json!({ "orders": { "$eq": 7, "$ne": 8, "$gt": 6, "$gte": 7, "$lt": 8, "$lte": 7 } }),
        json!({ "text_number": { "$gt": 7, "$lt": 10 }, "orders": { "$gt": "6", "$lt": "10" } }),
        json!({ "name": { "$gt": "Al", "$lt": "Bob" }, "missing": { "$gt": -1, "$lt": 1, "$ne": 7 } }),
        json!({ "name": { "$in": ["Bob", "Alice"] }, "tags": { "$in": ["hot", "cold"], "$nin": ["hot"] }, "missing": { "$in": [null] } }),
        json!({ "name": { "$ini": ["ALICE"], "$nini": ["bob"], "$nin": ["ALICE"] }, "tags": { "$ini": ["VEGAN"] } }),
        json!({ "name": { "$inGroup": "staff", "$notInGroup": "nobody" }, "orders": { "$inGroup": "counts" }, "tags": { "$inGroup": "tags" } }),
        json!({ "tags": { "$all": ["cold", { "$regex": "^Ve" }], "$alli": ["COLD", "vegan"] }, "nothing": { "$all": [] } }),
        json!({ "tags": { "$size": 2 }, "nothing": { "$size": 0 }, "scores": { "$size": { "$gt": 2 } } }),
        json!({ "scores": { "$elemMatch": { "$gt": 10 } }, "cards": { "$elemMatch": { "brand": "amex", "limit": { "$gte": 900 } } } }),
        json!({ "name": { "$exists": true }, "none": { "$exists": false }, "missing": { "$exists": false }, "empty": { "$exists": true } }),
        json!({ "name": { "$type": "string" }, "orders": { "$type": "number" }, "plus": { "$type": "boolean" },
                "tags": { "$type": "array" }, "address": { "$type": "object" }, "missing": { "$type": "null" } }),
        json!({ "name": { "$regex": "^A.*e$", "$regexi": "^alice$" }, "missing": { "$regex": "^null$" }, "odd": { "$regex": "a/b" } }),
        json!({ "app": { "$vgt": "2.9.9", "$vgte": "2.10.0-rc.2", "$vlt": "2.10.0", "$vlte": "2.10.0-rc.10", "$veq": "2.10.0-rc.2", "$vne": "2.10" } }),
        json!({ "name": { "$not": { "$in": ["Bob"] } }, "$not": { "orders": 8 } }),
        json!({ "$and": [{ "orders": 7 }, { "$or": [{ "name": "Bob" }, { "plus": true }] }], "$nor": [{ "blocked": true }] }),
        json!({ "$or": [] }),
        json!({ "$and": [] }),
    ];
    for condition in accepted {
        assert!(holds(&condition), "{condition}");
    }
    let refused = [
        json!({ "name": "alice" }),
        json!({ "none": false }),
        json!({ "missing": "" }),
        json!({ "tags": ["cold", "Vegan"] }),
        json!({ "address": { "city": "Boise" } }),
        json!({ "name": {} }),
        json!({ "orders": { "$eq": "7" } }),
        json!({ "orders": { "$gt": 6, "$lt": 7 } }),
        json!({ "name": { "$gt": 0 } }),
        json!({ "name": { "$lt": 0 } }),
        json!({ "nothing": { "$in": ["a"] } }),
        json!({ "tags": { "$in": ["vegan"] } }),
        json!({ "name": { "$notInGroup": "staff" } }),
        json!({ "name": { "$inGroup": "nobody" } }),
        json!({ "tags": { "$all": ["cold", "hot"] } }),
        json!({ "tags": { "$all": ["vegan"] } }),
        json!({ "name": { "$all": ["Alice"] } }),
        json!({ "name": { "$size": 5 } }),
        json!({ "scores": { "$elemMatch": { "$lt": 1 } } }),
        json!({ "cards": { "$elemMatch": { "brand": "visa", "limit": { "$gte": 900 } } } }),
        json!({ "name": { "$elemMatch": { "$eq": "Alice" } } }),
        json!({ "name": { "$regex": "^alice$" } }),
        json!({ "app": { "$vgt": "2.10.0-rc.10" } }),
        json!({ "app": { "$vlt": "2.9.0" } }),
        json!({ "$nor": [] }),
        json!({ "$nor": [{ "orders": 1 }, { "orders": 7 }] }),
        json!({ "$not": {} }),
    ];
    for condition in refused {
        assert!(!holds(&condition), "{condition}");
    }
}

#[test]
fn every_mistake_is_reported_where_it_is() {
    let condition = json!({
        "name": { "$regx": "x" },
        "$or": [{ "orders": { "$in": 3 } }, 5],
        "a/b": { "$not": { "$regex": "(?=x)" } },
        "address": { "$gt": 1, "city": "Boise" },
        "$gt": 5,
        "tags": { "$type": "list", "$all": [{ "$size": { "$or": [] } }] },
    });
    let Err(Problems(problems)) = Condition::parse(&condition) else { panic!("accepted {condition}") };
    let mut pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/$gt",
            "/$or/0/orders/$in",
            "/$or/1",
            "/address",
            "/a~1b/$not/$regex",
            "/name/$regx",
            "/tags/$all/0/$size/$or",
            "/tags/$type"
        ]
    );
    let (condition, _) = Condition::parse_leniently(&json!({ "name": { "$not": { "$regx": "x" } } }));
    assert!(condition.holds(&attributes(), &Groups::new()), "what is wrong counts as false, and its opposite as true");
}

#[test]
fn nesting_without_end_is_refused() {
    let deep = (0..100).fold(json!({ "orders": 7 }), |inner, _| json!({ "$not": inner }));
    assert!(Condition::parse(&deep).is_err());
    let test = (0..100).fold(json!(7), |inner, _| json!({ "$not": inner }));
    assert!(Condition::parse(&json!({ "orders": test })).is_err());
}

#[test]
fn tells_the_attributes_that_it_reads() {
    let condition = json!({
        "$or": [{ "consumer.orders": 1 }, { "$not": { "market": { "$in": ["US"] } } }],
        "cart.lines": { "$elemMatch": { "category": "drinks" } },
        "market": "US",
    });
    let condition = Condition::parse(&condition).unwrap();
    assert_eq!(condition.attributes_used().into_iter().collect::<Vec<_>>(), ["cart.lines", "consumer.orders", "market"]);
}
