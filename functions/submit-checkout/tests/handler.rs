//! `POST /v1/checkouts` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{
    quoting::{PriceEngine, Quoting},
    routing::{ReleaseTrack, RoutingRules},
    workflows::orchestrator,
};
use carryout_lambda::testing::{FixedJwks, TestIssuer};
use carryout_lambda::{
    http::{Problem, Request, Response},
    metrics::Metrics,
    signature::KeyRing,
};
use carryout_market::{MarketType, ids};
use carryout_predicate::cohort::Cohort;
use carryout_pricing::Quote;
use carryout_testing::{
    FakeLogistics, FakeQueue, FakeRouting, FixedSecret, FixedTimer, ManualClock, SequentialIds, Store, StoreFault,
    samples::{self, NOON},
};
use serde_json::{Value, json};
use std::sync::Arc;
use submit_checkout::SubmitCheckout;

type Function = SubmitCheckout<
    Store,
    Store,
    Store,
    Store,
    Store,
    FakeLogistics,
    FakeQueue,
    FakeRouting,
    FixedSecret,
    FixedJwks,
    ManualClock,
    SequentialIds,
>;

struct Harness {
    issuer: TestIssuer,
    clock: ManualClock,
    store: Store,
    queue: FakeQueue,
    routing: FakeRouting,
    function: Function,
}

impl Harness {
    fn new() -> Self {
        let (issuer, clock, queue) = (TestIssuer::at(NOON), ManualClock::at(NOON), FakeQueue::default());
        let (store, routing) = (Store::new(&clock), FakeRouting::default());
        store.put_store(samples::store("sto_1", ids::US, MarketType::Restaurant));
        store.put_consumer(samples::consumer("con_1"));
        let function = SubmitCheckout {
            catalog: store.clone(),
            consumers: store.clone(),
            promotions: store.clone(),
            quotes: store.clone(),
            engine: Arc::new(PriceEngine::standard(samples::markets().into_source(), FixedTimer::Never)),
            submissions: store.clone(),
            logistics: FakeLogistics::new(&clock),
            queue: queue.clone(),
            routing: routing.clone(),
            secret: FixedSecret::new("secret"),
            tokens: issuer.verifier(),
            orchestrator: orchestrator(),
            clock: clock.clone(),
            ids: SequentialIds::default(),
            lock_for: 600_000,
            metrics: Metrics::new("Test", "submit-checkout"),
        };
        Self { issuer, clock, store, queue, routing, function }
    }

    async fn quote(&self) -> Quote {
        let quoting = Quoting {
            catalog: self.store.clone(),
            consumers: self.store.clone(),
            promotions: self.store.clone(),
            quotes: self.store.clone(),
            engine: Arc::clone(&self.function.engine),
            signer: KeyRing::new("secret", None),
            clock: self.clock.clone(),
            ids: self.function.ids.clone(),
            lock_for: 600_000,
        };
        quoting.quote("con_1", &samples::cart("sto_1", 1)).await.unwrap()
    }

    async fn post(&self, key: Option<&str>, body: &str) -> Result<Response, Problem> {
        self.function.handle(&self.issuer.signed(request(key, body), "con_1", &[], 600)).await
    }

    /// Refused, and nothing written or sent.
    async fn refused(&self, key: Option<&str>, body: &str) -> (u16, String, Option<String>) {
        let before = self.store.writes();
        let problem = self.post(key, body).await.unwrap_err();
        assert_eq!((self.store.writes(), self.queue.sent().len()), (before, 0), "{problem}");
        (problem.status(), problem.code().to_owned(), problem.wrong_field().map(str::to_owned))
    }
}

fn request(key: Option<&str>, body: &str) -> Request {
    let headers = key.map(|key| ("idempotency-key".to_owned(), key.to_owned())).into_iter().collect();
    Request { method: "POST".to_owned(), headers, body: body.into(), correlation_id: "corr".to_owned(), ..Request::default() }
}

fn body(quote: &Quote) -> Value {
    json!({ "quote_id": quote.terms.id, "quote_signature": quote.signature, "payment_method_id": "pay_visa" })
}

#[tokio::test]
async fn an_order_is_answered_with_where_to_look_and_so_is_its_repetition() {
    let harness = Harness::new();
    let quote = harness.quote().await;
    let first = harness.post(Some("k"), &body(&quote).to_string()).await.unwrap();
    let id = first.json_body()["order_id"].as_str().unwrap().to_owned();
    assert_eq!((first.status(), first.header_value("location")), (202, Some(&*format!("/v1/orders/{id}"))));
    // The same body in other words.
    let reordered = format!(
        "{{ \"payment_method_id\":\"pay_visa\",\n\"quote_signature\":{},\"quote_id\":{} }}",
        json!(quote.signature),
        json!(quote.terms.id)
    );
    assert_eq!(harness.post(Some("k"), &reordered).await.unwrap(), first);
    assert_eq!((harness.store.all_orders().len(), harness.queue.sent().len()), (1, 1));
    assert_eq!(harness.store.all_orders()[0].correlation_id, "corr");

    let mut other = body(&quote);
    other["payment_method_id"] = "pay_poor".into();
    let problem = harness.post(Some("k"), &other.to_string()).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (422, "Idempotency.KeyReused"));
    let problem = harness.post(Some("k2"), &body(&quote).to_string()).await.unwrap_err();
    assert_eq!((problem.status(), problem.code(), problem.wrong_field()), (409, "Quote.Used", Some("quote_id")));
}

#[tokio::test]
async fn the_rules_choose_the_track_once_and_without_them_a_checkout_goes_live() {
    let harness = Harness::new();
    let chosen = RoutingRules(Cohort { consumers: ["con_1".to_owned()].into(), ..Cohort::default() });
    let employees = RoutingRules(Cohort { employees: true, ..Cohort::default() });
    let mut tracks = Vec::new();
    for (key, rules) in [("k1", Some(chosen)), ("k2", Some(employees)), ("k3", None)] {
        match rules {
            Some(rules) => harness.routing.set(rules),
            None => harness.routing.fail(),
        }
        let body = body(&harness.quote().await).to_string();
        harness.post(Some(key), &body).await.unwrap();
        let sent = harness.queue.sent().pop().unwrap();
        let order = harness.store.all_orders().into_iter().find(|order| order.id == sent.order_id).unwrap();
        assert_eq!(order.release_track, sent.release_track);
        tracks.push(order.release_track);
    }
    assert_eq!(tracks, [ReleaseTrack::Canary, ReleaseTrack::Live, ReleaseTrack::Live]);
}

#[tokio::test]
async fn the_key_must_be_there_and_fit() {
    let harness = Harness::new();
    let body = body(&harness.quote().await).to_string();
    for key in [None, Some(""), Some("  "), Some(&*"k".repeat(129)), Some("two words"), Some("schlüssel")] {
        let expected = (400, "Idempotency.KeyMissing".to_owned(), Some("Idempotency-Key".to_owned()));
        assert_eq!(harness.refused(key, &body).await, expected, "{key:?}");
    }
    assert!(harness.post(Some(&"k".repeat(128)), &body).await.is_ok());
}

#[tokio::test]
async fn a_body_that_is_no_checkout_names_the_field() {
    let harness = Harness::new();
    let good = body(&harness.quote().await);
    let with = |member: &str, value: Value| {
        let mut body = good.clone();
        body[member] = value;
        body.to_string()
    };
    let mut without = good.clone();
    without.as_object_mut().unwrap().remove("quote_id");
    for (body, code, field) in [
        (String::new(), "Request.Malformed", None),
        ("{\"quote_id\":".to_owned(), "Request.Malformed", None),
        (format!("{good} x"), "Request.Malformed", None),
        ("[]".to_owned(), "Request.InvalidField", None),
        (without.to_string(), "Request.InvalidField", Some("quote_id")),
        (with("quote_id", json!(7)), "Request.InvalidField", Some("quote_id")),
        (with("quote_signature", Value::Null), "Request.InvalidField", Some("quote_signature")),
        (with("total", json!(1)), "Request.InvalidField", Some("total")),
    ] {
        assert_eq!(harness.refused(Some("k"), &body).await, (400, code.to_owned(), field.map(str::to_owned)), "{body}");
    }
    for (body, status, code, field) in [
        (with("quote_id", json!("quo_none")), 404, "Quote.Unknown", Some("quote_id")),
        (with("quote_signature", json!("v1.x.y")), 422, "Quote.Forged", Some("quote_signature")),
        (with("payment_method_id", json!("pay_eve")), 422, "PaymentMethod.Unknown", Some("payment_method_id")),
    ] {
        assert_eq!(harness.refused(Some("k"), &body).await, (status, code.to_owned(), field.map(str::to_owned)), "{body}");
    }
}

#[tokio::test]
async fn nobody_orders_without_a_token_that_holds() {
    let harness = Harness::new();
    let body = body(&harness.quote().await).to_string();
    let before = harness.store.writes();
    let unsigned = request(Some("k"), &body);
    let expired = harness.issuer.signed(unsigned.clone(), "con_1", &[], -60);
    let strangers = TestIssuer::at(NOON).signed(unsigned.clone(), "con_1", &[], 600);
    for (request, code) in [(unsigned, "Token.Missing"), (expired, "Token.Expired"), (strangers, "Token.Invalid")] {
        let problem = harness.function.handle(&request).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, code));
    }
    assert_eq!(harness.store.writes(), before);
    // A genuine token of somebody who has no account, and of somebody else.
    for (subject, status) in [("con_nobody", 403), ("con_2", 404)] {
        harness.store.put_consumer(samples::consumer("con_2"));
        let request = harness.issuer.signed(request(Some("k"), &body), subject, &[], 600);
        assert_eq!(harness.function.handle(&request).await.unwrap_err().status(), status, "{subject}");
    }
    assert_eq!(harness.store.all_orders().len(), 0);
}

#[tokio::test]
async fn an_expired_quote_is_answered_with_a_fresh_one_and_what_changed() {
    let harness = Harness::new();
    let quote = harness.quote().await;
    harness.clock.advance(600_000);
    let problem = harness.post(Some("k"), &body(&quote).to_string()).await.unwrap_err();
    assert_eq!((problem.status(), problem.code(), problem.wrong_field()), (409, "Quote.Expired", Some("quote_id")));
    let reply = problem.into_response("t").json_body();
    assert_eq!(reply["quote"]["price"]["total"], json!(quote.terms.price.total));
    assert_ne!(reply["quote"]["id"], json!(quote.terms.id));

    let mut store = samples::store("sto_1", ids::US, MarketType::Restaurant);
    store.items[0].price.minor = 2_000;
    harness.store.put_store(store.clone());
    let problem = harness.post(Some("k"), &body(&quote).to_string()).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "Quote.Changed"));
    let reply = problem.into_response("t").json_body();
    let fresh: Quote = serde_json::from_value(reply["quote"].clone()).unwrap();
    assert_eq!(reply["differences"].as_array().unwrap().last().unwrap()["component"], "total");
    assert!(harness.post(Some("k"), &body(&fresh).to_string()).await.is_ok(), "the key is still free");

    // What it was for is gone: the reason says so.
    store.items.clear();
    harness.store.put_store(store);
    let problem = harness.post(Some("k3"), &body(&quote).to_string()).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "Quote.Expired"));
    assert_eq!(problem.into_response("t").json_body()["renewal"]["code"], "Item.Unknown");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_worth_a_retry_and_says_nothing_of_its_inside() {
    let harness = Harness::new();
    let body = body(&harness.quote().await).to_string();
    harness.store.script("submit", StoreFault::Before);
    let problem = harness.post(Some("k"), &body).await.unwrap_err();
    assert!(problem.is_retryable());
    let reply = problem.into_response("t");
    assert_eq!((reply.status(), reply.header_value("retry-after")), (503, Some("1")));
    assert!(!String::from_utf8_lossy(reply.body()).contains("told to fail"));
    for _ in 0..4 {
        harness.store.script("submit", StoreFault::Conflict);
    }
    let problem = harness.post(Some("k"), &body).await.unwrap_err();
    assert_eq!((problem.status(), problem.code(), problem.is_retryable()), (429, "Submit.Busy", true));
}
