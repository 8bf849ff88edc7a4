//! `POST /v1/quotes` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

#[path = "../../submit-checkout/tests/tokens/mod.rs"]
mod tokens;

use carryout_checkout::{
    market::{Country, MarketType},
    memory::{
        FixedSecret, ManualClock, SequentialIds, Store, StoreFault,
        samples::{self, NOON},
    },
};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::KeyRing,
};
use carryout_pricing::Quote;
use quote_price::QuotePrice;
use serde_json::{Value, json};
use tokens::Issuer;

struct Stage {
    issuer: Issuer,
    store: Store,
}

impl Stage {
    fn new() -> Self {
        let store = Store::new(&ManualClock::at(NOON));
        store.put_store(samples::store("sto_1", Country::US, MarketType::Restaurant));
        store.put_consumer(samples::consumer("con_1"));
        Self { issuer: Issuer::new(), store }
    }

    async fn handle(&self, request: &Request) -> Result<Response, Problem> {
        let function = QuotePrice {
            catalog: self.store.clone(),
            consumers: self.store.clone(),
            quotes: self.store.clone(),
            secret: FixedSecret::new("secret"),
            tokens: self.issuer.verifier(),
            clock: ManualClock::at(NOON),
            ids: SequentialIds::default(),
            lock_for: 600_000,
        };
        function.handle(request).await
    }

    async fn post(&self, body: &str) -> Result<Response, Problem> {
        self.handle(&self.issuer.signed(Request { body: body.into(), ..Request::default() }, "con_1", &[], 600)).await
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
