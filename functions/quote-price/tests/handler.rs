//! `POST /v1/quotes` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

#[path = "../../submit-checkout/tests/tokens/mod.rs"]
mod tokens;

use carryout_checkout::{
    market::{Country, MarketType},
    memory::{
        FakeLegacyPrices, FakeRollouts, FakeSampleQueue, FixedSecret, ManualClock, SampleFault, SequentialIds, Store, StoreFault,
        samples::{self, NOON},
    },
    parity::Rollout,
};
use carryout_lambda::{
    http::{Problem, Request, Response},
    metrics::Metrics,
    signature::KeyRing,
};
use carryout_pricing::{ENGINE, Figure, Quote};
use quote_price::QuotePrice;
use serde_json::{Value, json};
use tokens::Issuer;

struct Stage {
    issuer: Issuer,
    store: Store,
    rollouts: FakeRollouts,
    legacy: FakeLegacyPrices,
    samples: FakeSampleQueue,
    ids: SequentialIds,
}

impl Stage {
    fn new() -> Self {
        let store = Store::new(&ManualClock::at(NOON));
        store.put_store(samples::store("sto_1", Country::US, MarketType::Restaurant));
        store.put_consumer(samples::consumer("con_1"));
        Self {
            issuer: Issuer::new(),
            store,
            rollouts: FakeRollouts::default(),
            // It charges one cent less for the items.
            legacy: FakeLegacyPrices::spoiling(|price| {
                price.lines[0].amount.minor -= 1;
                price.subtotal.minor -= 1;
                price.total.minor -= 1;
            }),
            samples: FakeSampleQueue::default(),
            ids: SequentialIds::default(),
        }
    }

    async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let function = QuotePrice {
            catalog: self.store.clone(),
            consumers: self.store.clone(),
            quotes: self.store.clone(),
            rollouts: self.rollouts.clone(),
            legacy: Some(self.legacy.clone()),
            samples: Some(self.samples.clone()),
            secret: FixedSecret::new("secret"),
            tokens: self.issuer.verifier(),
            clock: ManualClock::at(NOON),
            ids: self.ids.clone(),
            lock_for: 600_000,
            metrics: Metrics::new("Carryout", "quote-price"),
        };
        function.handle(request).await
    }

    async fn post(&self, body: &str) -> Result<Response, Problem> {
        self.handle(&self.issuer.signed(Request { body: body.into(), ..Request::default() }, "con_1", &[], 600)).await
    }
}

impl Stage {
    /// Sets a rollout and asks for a quote under it.
    async fn quote_under(&self, rollout: Value) -> Quote {
        let rollout: Rollout = serde_json::from_value(rollout).unwrap();
        self.rollouts.set(rollout);
        let response = self.post(&cart().to_string()).await.unwrap();
        assert_eq!(response.status(), 201);
        serde_json::from_value(response.json_body()).unwrap()
    }
}

fn cart() -> Value {
    json!({
        "store_id": "sto_1",
        "lines": [{ "item_id": "itm_sto_1_ramen", "quantity": 2 }],
        "fulfilment": "delivery",
        "address_id": "adr_home",
        "tip": 300,
    })
}

#[tokio::test]
async fn a_cart_gets_a_signed_price_that_holds_for_ten_minutes() {
    let stage = Stage::new();
    let response = stage.post(&cart().to_string()).await.unwrap();
    assert_eq!(response.status(), 201);
    let quote: Quote = serde_json::from_value(response.json_body()).unwrap();
    assert!(quote.is_genuine(&KeyRing::new("secret", None)));
    assert!(!quote.is_genuine(&KeyRing::new("another", None)));
    // 2 900, delivery 299, service 10 % 290, tax 8.875 % of both (257 + 26), tip 300.
    assert_eq!((quote.terms.price.total.minor, quote.terms.expires_at), (2_900 + 299 + 290 + 283 + 300, NOON + 600_000));
}

#[tokio::test]
async fn a_cart_that_is_none_names_the_field_and_writes_nothing() {
    let stage = Stage::new();
    let with = |pointer: &str, value: Value| {
        let mut cart = cart();
        *cart.pointer_mut(pointer).unwrap() = value;
        cart.to_string()
    };
    let mut missing = cart();
    missing.as_object_mut().unwrap().remove("lines");
    let mut unknown = cart();
    unknown["discount"] = json!(1);
    for (body, status, code, field) in [
        ("".to_owned(), 400, "Request.Malformed", None),
        ("{".to_owned(), 400, "Request.Malformed", None),
        (missing.to_string(), 400, "Request.InvalidField", Some("lines")),
        (unknown.to_string(), 400, "Request.InvalidField", Some("discount")),
        (with("/lines", json!([])), 400, "Request.InvalidField", Some("lines")),
        (with("/lines/0/quantity", json!(-1)), 400, "Request.InvalidField", Some("lines[0].quantity")),
        (with("/lines/0/quantity", json!(0)), 400, "Request.InvalidField", Some("lines[0].quantity")),
        (with("/lines/0/quantity", json!(1_000)), 400, "Request.InvalidField", Some("lines[0].quantity")),
        (with("/lines/0/quantity", json!(99_999_999_999_i64)), 400, "Request.InvalidField", Some("lines[0].quantity")),
        (with("/lines/0/quantity", json!(1.5)), 400, "Request.InvalidField", Some("lines[0].quantity")),
        (with("/lines/0/quantity", json!("2")), 400, "Request.InvalidField", Some("lines[0].quantity")),
        (with("/tip", json!(-1)), 400, "Request.InvalidField", Some("tip")),
        (with("/tip", json!(1e30)), 400, "Request.InvalidField", Some("tip")),
        (with("/fulfilment", json!("drone")), 400, "Request.InvalidField", Some("fulfilment")),
        (with("/address_id", Value::Null), 400, "Request.InvalidField", Some("address_id")),
        (with("/address_id", json!("adr_eve")), 400, "Request.InvalidField", Some("address_id")),
        (with("/store_id", json!("sto_none")), 404, "Store.Unknown", Some("store_id")),
        (with("/lines/0/item_id", json!("itm_none")), 404, "Item.Unknown", Some("lines[0].item_id")),
    ] {
        let problem = stage.post(&body).await.unwrap_err();
        assert_eq!((problem.status(), problem.code(), problem.wrong_field()), (status, code, field), "{body}: {problem}");
    }
    assert_eq!(stage.store.writes(), 0);
}

#[tokio::test]
async fn a_price_needs_a_token_and_an_account() {
    let stage = Stage::new();
    let request = Request { body: cart().to_string().into(), ..Request::default() };
    assert_eq!(stage.handle(&request).await.unwrap_err().code(), "Token.Missing");
    let expired = stage.issuer.signed(request.clone(), "con_1", &[], -31);
    assert_eq!(stage.handle(&expired).await.unwrap_err().code(), "Token.Expired");
    let problem = stage.handle(&stage.issuer.signed(request, "con_nobody", &[], 600)).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (403, "Consumer.Unknown"));
    assert_eq!(stage.store.writes(), 0);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_worth_a_retry() {
    let stage = Stage::new();
    stage.store.script("save", StoreFault::Before);
    let reply = stage.post(&cart().to_string()).await.unwrap_err().into_response("t");
    assert_eq!((reply.status(), reply.header_value("retry-after")), (503, Some("1")));
    assert!(!String::from_utf8_lossy(reply.body()).contains("told to fail"));
}

/// 2 900, delivery 299, service 290, tax 283, tip 300.
const OURS: i64 = 2_900 + 299 + 290 + 283 + 300;

#[tokio::test]
async fn in_a_market_that_moves_only_who_is_in_the_rollout_is_shown_our_price() {
    let stage = Stage::new();
    for (markets, shown, engine) in [
        (json!({}), OURS, ENGINE),
        (json!({ "CA": {} }), OURS, ENGINE),
        (json!({ "US": { "consumers": ["con_1"] } }), OURS, ENGINE),
        (json!({ "US": { "percent": 100 } }), OURS, ENGINE),
        (json!({ "US": { "consumers": ["con_2"], "employees": true } }), OURS - 1, 0),
    ] {
        let quote = stage.quote_under(json!({ "markets": markets })).await;
        assert!(quote.is_genuine(&KeyRing::new("secret", None)));
        let price = quote.terms.price;
        assert_eq!((price.total.minor, price.engine, price.flags.len()), (shown, engine, 0), "{markets}");
    }
    assert!(stage.samples.sent().is_empty(), "nothing is compared unless a share is set");
}

#[tokio::test]
async fn our_price_with_a_flag_stands_in_for_a_legacy_one_that_does_not_come_or_does_not_add_up() {
    let mut stage = Stage::new();
    let everybody_legacy = json!({ "markets": { "US": {} } });
    stage.legacy.fail_next(1);
    let without = stage.quote_under(everybody_legacy.clone()).await.terms.price;
    stage.legacy = FakeLegacyPrices::spoiling(|price| price.total.minor += 1);
    let wrong = stage.quote_under(everybody_legacy).await.terms.price;
    for (price, reason) in [(without, "Legacy.Unavailable"), (wrong, "Legacy.Unclear")] {
        assert_eq!((price.total.minor, price.flags.len()), (OURS, 1));
        assert_eq!((&*price.flags[0].provider, &*price.flags[0].reason), ("legacy", reason));
    }
}

#[tokio::test]
async fn a_sampled_quote_is_sent_with_our_figures_whoevers_price_is_shown() {
    let stage = Stage::new();
    let quote = stage.quote_under(json!({ "sample": 100, "markets": { "US": {} } })).await;
    let sent = stage.samples.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((&sent[0].request.quote_id, sent[0].at), (&quote.terms.id, NOON));
    assert_eq!(sent[0].ours[&Figure::Total], OURS);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fails_or_hangs_costs_nobody_a_quote() {
    let stage = Stage::new();
    for fault in [SampleFault::Fails, SampleFault::Hangs] {
        stage.samples.fail(fault);
        let began = tokio::time::Instant::now();
        assert_eq!(stage.quote_under(json!({ "sample": 100 })).await.terms.price.total.minor, OURS);
        assert!(began.elapsed() <= std::time::Duration::from_millis(150), "{fault:?}: {:?}", began.elapsed());
    }
    assert!(stage.samples.sent().is_empty());
}
