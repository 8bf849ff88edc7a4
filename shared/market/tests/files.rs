//! Market files: those in `markets/` are valid, and lint names file, path and remedy for each error.

use carryout_market::{MarketRule, MarketType, Markets, file_of, ids, lint, parse, workflows};
use serde_json::{Value, json};
use std::fs;

/// The file of a market, as JSON.
fn file(id: &str) -> Value {
    let path = format!("{}/markets/{id}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The file of the United States with one value replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut market = file("us");
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    market.pointer_mut(parent).unwrap()[member] = value;
    market
}

/// Everything that lint finds in `us.json` with this content, beside the other markets.
fn findings(market: &Value) -> Vec<(MarketRule, String)> {
    let market = match parse("us.json", &market.to_string()) {
        Ok(market) => market,
        Err(finding) => return vec![(finding.rule, finding.to_string())],
    };
    let embedded = Markets::embedded().unwrap();
    let others = embedded.iter().filter(|other| other.id != ids::US).map(|other| (file_of(other.id), (**other).clone()));
    let all: Vec<_> = others.chain([("us.json".to_owned(), market)]).collect();
    lint(&all).into_iter().map(|finding| (finding.rule, finding.to_string())).collect()
}

/// The one error of `us.json` with one value replaced.
fn error(pointer: &str, value: Value) -> (MarketRule, String) {
    let mut found = findings(&with(pointer, value));
    assert_eq!(found.len(), 1, "{pointer}: {found:?}");
    found.remove(0)
}

#[test]
fn embedded_markets_have_no_errors_and_are_named_after_their_files() {
    let embedded = Markets::embedded().unwrap();
    let markets: Vec<_> = embedded.iter().map(|market| (file_of(market.id), (**market).clone())).collect();
    assert_eq!(lint(&markets), []);
    for entry in fs::read_dir(format!("{}/markets", env!("CARGO_MANIFEST_DIR"))).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(embedded.ids().any(|id| file_of(id) == name), "{name} has another market's id");
    }
}

#[test]
fn every_embedded_market_has_workflows_for_orders_and_refunds() {
    let (orders, refunds) = (workflows::of_orders().unwrap(), workflows::of_refunds().unwrap());
    for market in Markets::embedded().unwrap().iter() {
        for market_type in MarketType::ALL {
            let name = market.workflow_of(market_type).unwrap();
            assert!(orders.iter().any(|workflow| workflow.name == name), "{} {market_type}", market.id);
        }
        assert!(refunds.iter().any(|workflow| workflow.name == market.checkout.refunds));
    }
}

#[test]
fn an_unknown_currency_is_refused() {
    let (rule, text) = error("/currency", json!("EURO"));
    assert_eq!(rule, MarketRule::UnknownCurrency);
    assert_eq!(text, "us.json: currency: unknown currency \"EURO\"; write an active ISO 4217 code such as EUR");
    let (_, text) = error("/currency", json!("XAU"));
    assert!(text.contains("such as XA"), "{text}");
}

#[test]
fn overlapping_regions_are_refused() {
    let overlap = |us: &[&str], other: &[&str]| {
        let mut second = with("/id", json!("US-NY"));
        second["regions"] = json!(other);
        let first = parse("us.json", &with("/regions", json!(us)).to_string()).unwrap();
        let second = parse("us-ny.json", &second.to_string()).unwrap();
        lint(&[("us.json".to_owned(), first), ("us-ny.json".to_owned(), second)])
    };
    for (us, other, problem) in [
        (&[] as &[_], &["NY"] as &[_], "us.json covers all of US"),
        (&["CA", "NY"], &["NY", "NJ"], "us.json covers NY too"),
        (&["CA"], &[], "all of US contains the regions of us.json"),
        (&[], &[], "us.json covers all of US too"),
    ] {
        let found = overlap(us, other);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].file.as_str(), found[0].path.as_str()), ("us-ny.json", "regions"));
        assert_eq!((found[0].rule, found[0].problem.as_str()), (MarketRule::OverlappingRegions, problem));
        assert_eq!(found[0].instead, "list in each market of US the regions that no other has");
    }
    assert_eq!(overlap(&["CA"], &["NY"]), []);
}

#[test]
fn an_unknown_workflow_is_refused() {
    let (rule, text) = error("/checkout/orders/grocery", json!("checkout-groceries"));
    assert_eq!(rule, MarketRule::UnknownWorkflow);
    assert_eq!(
        text,
        "us.json: checkout.orders.grocery: there is no workflow \"checkout-groceries\"; \
         write one of checkout-accepted, checkout-grocery, checkout-standard"
    );
    let (_, text) = error("/checkout/refunds", json!("checkout-standard"));
    assert_eq!(text, "us.json: checkout.refunds: there is no workflow \"checkout-standard\"; write one of refund-standard");
}

#[test]
fn a_tax_that_names_no_class_is_refused() {
    let found = findings(&with("/tax/rates/0/classes", json!([])));
    assert_eq!(
        found[0],
        (
            MarketRule::TaxWithoutClass,
            "us.json: tax.rates[0].classes: the tax names no class; write the tax classes of its items, such as [\"standard\"]"
                .to_owned()
        )
    );
    let (rule, text) = error("/tax/rates/0/classes", json!(["standard", "none"]));
    assert_eq!(rule, MarketRule::TaxWithoutClass);
    assert_eq!(text, "us.json: tax.rates[0].classes: \"none\" is the class of untaxed items; write a class that is taxed");
}

#[test]
fn a_fee_of_a_class_that_no_tax_names_is_refused() {
    let (rule, text) = error("/fees/0/tax_class", json!("reduced"));
    assert_eq!(rule, MarketRule::UnknownTaxClass);
    assert_eq!(text, "us.json: fees[0].tax_class: no tax names the class \"reduced\"; write one of none, standard");
}

#[test]
fn a_missing_locale_is_refused() {
    let found = findings(&with("/locales", json!(["en-US", "es-US"])));
    assert_eq!(found.len(), 4, "a tax and three fees have no Spanish text: {found:?}");
    assert!(found.iter().all(|(rule, _)| *rule == MarketRule::MissingLocale));
    assert_eq!(found[1].1, "us.json: fees[0].name: no text in es-US; add \"es-US\" with the text");
}

#[test]
fn every_text_needs_every_locale_and_no_other() {
    let found = findings(&with("/locales", json!([])));
    assert!(found.iter().any(|(_, text)| text.starts_with("us.json: locales: no locale; write at least one BCP 47 tag")));
    let (rule, text) = error("/fees/1/name", json!({ "en-US": "Service fee", "es-US": "Cargo" }));
    assert_eq!(rule, MarketRule::MissingLocale);
    assert_eq!(text, "us.json: fees[1].name: es-US is not a locale of the market; remove it, or add the locale to `locales`");
    let (_, text) = error("/tax/rates/0/name", json!({}));
    assert_eq!(text, "us.json: tax.rates[0].name: no text in en-US; add \"en-US\" with the text");
    let wrong = findings(&with("/locales", json!(["English"])));
    assert!(wrong.iter().any(|(_, text)| text.contains("\"English\" is not a locale; write a BCP 47 tag such as en-US")));
}

#[test]
fn other_errors_name_file_path_and_remedy() {
    for (pointer, value, rule, text) in [
        ("/id", json!("FR"), MarketRule::Id, "us.json: country: market FR is not in US; write \"FR\""),
        ("/version", json!(0), MarketRule::Version, "us.json: version: 0 is not a version; count from 1"),
        (
            "/time_zones",
            json!(["Mars/Olympus"]),
            MarketRule::UnknownTimeZone,
            "us.json: time_zones[0]: unknown time zone \"Mars/Olympus\"; write an IANA time zone such as America/Chicago",
        ),
        (
            "/limits/tip",
            json!(-1),
            MarketRule::OutOfRange,
            "us.json: limits.tip: -1 is out of range; write 0 to 1000000000 minor units",
        ),
        (
            "/opening/rollout",
            json!({ "percent": 5 }),
            MarketRule::Rollout,
            "us.json: opening.rollout: a rollout is read of a planned market only; remove it, or write \"planned\" as the state",
        ),
        (
            "/tax/rates/0/rate",
            json!("19"),
            MarketRule::OutOfRange,
            "us.json: tax.rates[0].rate: the rate is out of range; write a share from 0 to 1: \"0.19\" for 19 %",
        ),
        (
            "/fees/1/code",
            json!("delivery"),
            MarketRule::Duplicate,
            "us.json: fees[1].code: \"delivery\" occurs twice; rename one",
        ),
        (
            "/regions",
            json!(["New York"]),
            MarketRule::Malformed,
            "us.json: regions: \"New York\" is not a region; write the second half of its ISO 3166-2 code, such as NY",
        ),
    ] {
        assert_eq!(error(pointer, value), (rule, text.to_owned()));
    }
}

#[test]
fn a_file_that_is_not_a_market_names_the_path() {
    for (pointer, value, start) in [
        ("/opening/state", json!("ajar"), "us.json: opening.state: unknown variant `ajar`"),
        ("/tax/rates/0/rate", json!(0.19), "us.json: tax.rates[0].rate: invalid type"),
        ("/colour", json!("red"), "us.json: colour: unknown field `colour`"),
        ("/id", json!("usa"), "us.json: id: \"usa\" is not a market id"),
        ("/checkout/orders/florist", json!("x"), "us.json: checkout.orders"),
    ] {
        let (rule, text) = error(pointer, value);
        assert_eq!(rule, MarketRule::Malformed);
        assert!(text.starts_with(start), "{text}");
    }
    assert!(parse("us.json", "{").unwrap_err().to_string().starts_with("us.json: not JSON: EOF"));
}

#[test]
fn an_override_replaces_its_market_only_with_a_higher_version() {
    let embedded = Markets::embedded().unwrap();
    let mut market = (**embedded.market(ids::NZ).unwrap()).clone();
    let error = embedded.with("override NZ", market.clone()).unwrap_err();
    assert_eq!(error.to_string(), "override NZ: version: version 1 of NZ is in force; write 2");
    market.version = 2;
    market.limits.tip = 5;
    let changed = embedded.with("override NZ", market.clone()).unwrap();
    assert_eq!(changed.market(ids::NZ).unwrap().limits.tip, 5);
    assert_eq!(changed.ids().collect::<Vec<_>>(), embedded.ids().collect::<Vec<_>>());
    market.checkout.refunds = "refund-by-hand".to_owned();
    market.version = 3;
    assert_eq!(changed.with("override NZ", market).unwrap_err().0[0].rule, MarketRule::UnknownWorkflow);
}
