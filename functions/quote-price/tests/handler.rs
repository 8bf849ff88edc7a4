//! `POST /v1/quotes` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{
    order::{Order, OrderStatus},
    quoting::PriceEngine,
};
use carryout_lambda::testing::TestIssuer;
use carryout_lambda::{
    http::{Problem, Request, Response},
    metrics::Metrics,
    signature::KeyRing,
};
use carryout_market::{MarketType, ids};
use carryout_migration::parity::Rollout;
use carryout_pricing::{Context, ENGINE, Pipeline, PriceBreakdown, PriceMeasure, Quote, Rule};
use carryout_testing::{
    FakeLegacyPrices, FakeRollouts, FakeSampleQueue, FixedSecret, FixedTimer, ManualClock, SampleFault, SequentialIds, Store,
    StoreFault,
    samples::{self, NOON},
};
use quote_price::QuotePrice;
use serde_json::{Value, json};
use std::sync::Arc;

struct Harness {
    issuer: TestIssuer,
    store: Store,
    engine: Arc<PriceEngine>,
    rollouts: FakeRollouts,
    legacy: FakeLegacyPrices,
    samples: FakeSampleQueue,
    ids: SequentialIds,
}

impl Harness {
    fn new() -> Self {
        Self::with(Pipeline::standard())
    }

    fn with(pipeline: Pipeline) -> Self {
        let store = Store::new(&ManualClock::at(NOON));
        store.put_store(samples::store("sto_1", ids::US, MarketType::Restaurant));
        store.put_consumer(samples::consumer("con_1"));
        Self {
            issuer: TestIssuer::at(NOON),
            store,
            engine: Arc::new(PriceEngine::new(pipeline, samples::markets().into_source(), FixedTimer::Never)),
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
            promotions: self.store.clone(),
            quotes: self.store.clone(),
            records: self.store.clone(),
            orders: self.store.clone(),
            engine: Arc::clone(&self.engine),
            rollouts: self.rollouts.clone(),
            legacy: Some(self.legacy.clone()),
            samples: Some(self.samples.clone()),
            secret: FixedSecret::new("secret"),
            tokens: self.issuer.verifier(),
            clock: ManualClock::at(NOON),
            ids: self.ids.clone(),
            lock_for: 600_000,
            metrics: Metrics::new("Test", "quote-price"),
        };
        function.handle(request).await
    }

    async fn post(&self, body: &str) -> Result<Response, Problem> {
        self.handle(&self.issuer.signed(Request { body: body.into(), ..Request::default() }, "con_1", &[], 600)).await
    }
}

impl Harness {
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
    let harness = Harness::new();
    let response = harness.post(&cart().to_string()).await.unwrap();
    assert_eq!(response.status(), 201);
    let quote: Quote = serde_json::from_value(response.json_body()).unwrap();
    assert!(quote.verify(&KeyRing::new("secret", None)));
    assert!(!quote.verify(&KeyRing::new("another", None)));
    // 2 900, delivery 299, service 10 % 290, tax 8.875 % of both (257 + 26), tip 300.
    assert_eq!((quote.terms.price.total.minor, quote.terms.expires_at), (2_900 + 299 + 290 + 283 + 300, NOON + 600_000));
}

#[tokio::test]
async fn a_cart_that_is_none_names_the_field_and_writes_nothing() {
    let harness = Harness::new();
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
        let problem = harness.post(&body).await.unwrap_err();
        assert_eq!((problem.status(), problem.code(), problem.wrong_field()), (status, code, field), "{body}: {problem}");
    }
    assert_eq!(harness.store.writes(), 0);
}

#[tokio::test]
async fn a_price_needs_a_token_and_an_account() {
    let harness = Harness::new();
    let request = Request { body: cart().to_string().into(), ..Request::default() };
    assert_eq!(harness.handle(&request).await.unwrap_err().code(), "Token.Missing");
    let expired = harness.issuer.signed(request.clone(), "con_1", &[], -31);
    assert_eq!(harness.handle(&expired).await.unwrap_err().code(), "Token.Expired");
    let problem = harness.handle(&harness.issuer.signed(request, "con_nobody", &[], 600)).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (403, "Consumer.Unknown"));
    assert_eq!(harness.store.writes(), 0);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_worth_a_retry() {
    let harness = Harness::new();
    harness.store.script("save", StoreFault::Before);
    let reply = harness.post(&cart().to_string()).await.unwrap_err().into_response("t");
    assert_eq!((reply.status(), reply.header_value("retry-after")), (503, Some("1")));
    assert!(!String::from_utf8_lossy(reply.body()).contains("told to fail"));
}

/// A rule that no price keeps.
struct Never;

impl Rule for Never {
    fn violation(&self, _: &Context, _: &PriceBreakdown<'_>) -> Option<String> {
        Some("a price is never right".to_owned())
    }
}

/// A request to an operator's route of quotes.
fn of_operators(method: &str, route: &str, id: &str) -> Request {
    Request {
        method: method.to_owned(),
        route: route.to_owned(),
        path_params: [("id".to_owned(), id.to_owned())].into(),
        ..Request::default()
    }
}

const RECORD: &str = "/v1/ops/quotes/{id}";
const REPLAY: &str = "/v1/ops/quotes/{id}/replay";

impl Harness {
    async fn operator(&self, method: &str, route: &str, id: &str) -> Result<Response, Problem> {
        self.handle(&self.issuer.signed(of_operators(method, route, id), "op_1", &["operator"], 600)).await
    }
}

#[tokio::test]
async fn an_operator_sees_what_a_price_depended_on_and_finds_it_again() {
    let harness = Harness::new();
    harness.store.put_promotions(ids::US, samples::promotions());
    let quote: Quote = serde_json::from_value(harness.post(&cart().to_string()).await.unwrap().json_body()).unwrap();
    let id = &quote.terms.id;
    let record = harness.operator("GET", RECORD, id).await.unwrap().json_body();
    assert_eq!(record["context"]["promotions"][0]["id"], "ten_off");
    assert_eq!(record["context"]["attributes"]["consumer"]["orders"], 12);
    assert_eq!(record["price"]["total"]["minor"], quote.terms.price.total.minor);
    assert_eq!(record["kept_until"], (NOON + 600_000) / 1_000 + 86_400);
    let replay = harness.operator("POST", REPLAY, id).await.unwrap();
    assert_eq!((replay.status(), &replay.json_body()["identical"]), (200, &json!(true)));
}

#[tokio::test]
async fn a_wrong_price_is_kept_and_never_shown() {
    let harness = Harness::with(Pipeline::standard().rule(Never));
    let problem = harness.post(&cart().to_string()).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (500, "Price.Wrong"));
    let reply = problem.into_response("t").json_body();
    let id = reply["quote_id"].as_str().unwrap();
    assert!(!reply.to_string().contains("never right"), "{reply}");
    let record = harness.operator("GET", RECORD, id).await.unwrap().json_body();
    assert_eq!(record["invalid"], "the price is wrong: a price is never right");
    assert_eq!(record.get("price"), None);
    assert_eq!(harness.operator("POST", REPLAY, id).await.unwrap().json_body()["identical"], true);
}

#[tokio::test]
async fn records_are_for_operators_and_unknown_ones_are_unknown() {
    let harness = Harness::new();
    for (method, route) in [("GET", RECORD), ("POST", REPLAY)] {
        let asked = of_operators(method, route, "quo_none");
        assert_eq!(harness.handle(&asked).await.unwrap_err().code(), "Token.Missing");
        let consumer = harness.handle(&harness.issuer.signed(asked, "con_1", &[], 600)).await.unwrap_err();
        assert_eq!(consumer.status(), 403);
        let problem = harness.operator(method, route, "quo_none").await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (404, "Quote.Unknown"));
    }
}

const REPRICE: &str = "/v1/orders/{id}/quotes";

impl Harness {
    /// Asks for another price of an order.
    async fn reprice(&self, id: &str, body: Value, roles: &[&str]) -> Result<Response, Problem> {
        let request = Request { body: body.to_string().into(), ..of_operators("POST", REPRICE, id) };
        self.handle(&self.issuer.signed(request, "usr_1", roles, 600)).await
    }
}

#[tokio::test]
async fn operators_and_the_orders_own_store_get_another_price_for_it_and_nobody_else() {
    let harness = Harness::new();
    samples::submit(&harness.store, samples::restaurant_order("ord_1", ids::US).unwrap()).await.unwrap();
    let two = json!({ "lines": [{ "line": 0, "quantity": 2 }] });
    for role in ["operator", "store:sto_1"] {
        let response = harness.reprice("ord_1", two.clone(), &[role]).await.unwrap();
        assert_eq!(response.status(), 201);
        let answer = response.json_body();
        let quote: Quote = serde_json::from_value(answer["quote"].clone()).unwrap();
        assert!(quote.verify(&KeyRing::new("secret", None)));
        assert_eq!((&answer["order_id"], quote.terms.reprices.as_deref()), (&json!("ord_1"), Some("ord_1")));
        // A tenth off the second ramen as well.
        assert_eq!(quote.terms.price.total.minor, 2_900 - 290);
    }
    let problem = |result: Result<Response, Problem>| {
        let problem = result.unwrap_err();
        (problem.status(), problem.code().to_owned())
    };
    let written = harness.store.writes();
    assert_eq!(problem(harness.reprice("ord_1", two.clone(), &["store:sto_2"]).await), (404, "Order.Unknown".to_owned()));
    assert_eq!(problem(harness.reprice("ord_1", two.clone(), &[]).await).0, 403);
    assert_eq!(problem(harness.handle(&of_operators("POST", REPRICE, "ord_1")).await), (401, "Token.Missing".to_owned()));
    assert_eq!(problem(harness.reprice("ord_2", two, &["operator"]).await), (404, "Order.Unknown".to_owned()));
    for (line, field) in [
        (json!({ "line": 9, "quantity": 2 }), "lines[0].line"),
        (json!({ "line": 0, "weight": "0.500" }), "lines[0].weight"),
        (json!({ "line": 0, "substitute": { "item_id": "itm_none" } }), "lines[0].substitute.item_id"),
    ] {
        let problem = harness.reprice("ord_1", json!({ "lines": [line] }), &["operator"]).await.unwrap_err();
        let reply = problem.into_response("t").json_body();
        assert_eq!(reply["field"], field, "{reply}");
    }
    assert_eq!(harness.store.writes(), written, "what is refused writes nothing");
}

#[tokio::test]
async fn an_order_that_has_ended_without_effect_has_no_other_price() {
    let harness = Harness::new();
    let order = samples::restaurant_order("ord_1", ids::US).unwrap();
    samples::submit(&harness.store, Order { status: OrderStatus::Failed, ..order }).await.unwrap();
    let problem = harness.reprice("ord_1", json!({ "lines": [{ "line": 0, "quantity": 2 }] }), &["operator"]).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "Order.Ended"));
}

/// 2 900, delivery 299, service 290, tax 283, tip 300.
const OURS: i64 = 2_900 + 299 + 290 + 283 + 300;

#[tokio::test]
async fn in_a_market_that_moves_only_who_is_in_the_rollout_is_shown_our_price() {
    let harness = Harness::new();
    for (markets, shown, engine) in [
        (json!({}), OURS, ENGINE),
        (json!({ "CA": {} }), OURS, ENGINE),
        (json!({ "US": { "consumers": ["con_1"] } }), OURS, ENGINE),
        (json!({ "US": { "percent": 100 } }), OURS, ENGINE),
        (json!({ "US": { "consumers": ["con_2"], "employees": true } }), OURS - 1, 0),
    ] {
        let quote = harness.quote_under(json!({ "markets": markets })).await;
        assert!(quote.verify(&KeyRing::new("secret", None)));
        let price = quote.terms.price;
        assert_eq!((price.total.minor, price.engine, price.flags.len()), (shown, engine, 0), "{markets}");
    }
    assert!(harness.samples.sent().is_empty(), "nothing is compared unless a share is set");
}

#[tokio::test]
async fn our_price_with_a_flag_stands_in_for_a_legacy_one_that_does_not_come_or_does_not_add_up() {
    let mut harness = Harness::new();
    let everybody_legacy = json!({ "markets": { "US": {} } });
    harness.legacy.fail_next(1);
    let without = harness.quote_under(everybody_legacy.clone()).await.terms.price;
    harness.legacy = FakeLegacyPrices::spoiling(|price| price.total.minor += 1);
    let wrong = harness.quote_under(everybody_legacy).await.terms.price;
    for (price, reason) in [(without, "Legacy.Unavailable"), (wrong, "Legacy.Unclear")] {
        assert_eq!((price.total.minor, price.flags.len()), (OURS, 1));
        assert_eq!((&*price.flags[0].provider, &*price.flags[0].reason), ("legacy", reason));
    }
}

#[tokio::test]
async fn the_record_is_of_our_price_whoevers_price_is_shown() {
    let harness = Harness::new();
    let everybody_legacy = json!({ "markets": { "US": {} } });
    let quote = harness.quote_under(everybody_legacy.clone()).await;
    let record = harness.operator("GET", RECORD, &quote.terms.id).await.unwrap().json_body();
    assert_eq!((&record["price"]["total"]["minor"], &record["shown"]["total"]["minor"]), (&json!(OURS), &json!(OURS - 1)));
    let replay = harness.operator("POST", REPLAY, &quote.terms.id).await.unwrap().json_body();
    assert_eq!((&replay["identical"], &replay["shown"]["minor"]), (&json!(true), &json!(OURS - 1)));

    harness.legacy.fail_next(1);
    let flagged = harness.quote_under(everybody_legacy).await;
    let replay = harness.operator("POST", REPLAY, &flagged.terms.id).await.unwrap().json_body();
    assert_eq!((&replay["identical"], replay.get("shown")), (&json!(true), None), "ours is shown, and its flag is found again");
}

#[tokio::test]
async fn a_sampled_quote_is_sent_with_our_figures_whoevers_price_is_shown() {
    let harness = Harness::new();
    let quote = harness.quote_under(json!({ "sample": 100, "markets": { "US": {} } })).await;
    let sent = harness.samples.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((&sent[0].request.quote_id, sent[0].at), (&quote.terms.id, NOON));
    assert_eq!(sent[0].ours[&PriceMeasure::Total], OURS);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_fails_or_hangs_costs_nobody_a_quote() {
    let harness = Harness::new();
    for fault in [SampleFault::Fails, SampleFault::Hangs] {
        harness.samples.fail(fault);
        let began = tokio::time::Instant::now();
        assert_eq!(harness.quote_under(json!({ "sample": 100 })).await.terms.price.total.minor, OURS);
        assert!(began.elapsed() <= std::time::Duration::from_millis(150), "{fault:?}: {:?}", began.elapsed());
    }
    assert!(harness.samples.sent().is_empty());
}
