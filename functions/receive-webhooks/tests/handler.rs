//! `POST /v1/webhooks/merchants` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{
    ports::{Answers as _, Orders as _},
    steps::await_merchant::{self, AwaitMerchant},
};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::{KeyRing, sign_webhook},
};
use carryout_market::ids;
use carryout_testing::{
    FakeCallbacks, FixedSecret, ManualClock, Store,
    samples::{self, NOON},
};
use receive_webhooks::handle;
use serde_json::{Value, json};

struct Harness {
    store: Store,
    callbacks: FakeCallbacks,
}

impl Harness {
    /// `ord_wait` waits for its store with the token `t1`; `ord_never` never waits.
    async fn new() -> Self {
        let store = Store::new(&ManualClock::at(NOON));
        for (id, country) in [("ord_wait", ids::AU), ("ord_never", ids::US)] {
            let order = samples::restaurant_order(id, country).unwrap();
            samples::submit(&store, order).await.unwrap();
        }
        store.wait_for(await_merchant::NAME, "ord_wait", 1, "t1", NOON).await.unwrap();
        Self { store, callbacks: FakeCallbacks::default() }
    }

    async fn post(&self, signature: Option<String>, body: &[u8]) -> Result<Response, Problem> {
        let step = AwaitMerchant { answers: self.store.clone(), callbacks: self.callbacks.clone() };
        let headers = signature.map(|signature| ("carryout-signature".to_owned(), signature)).into_iter().collect();
        let request = Request { headers, body: body.to_vec(), ..Request::default() };
        handle(&step, &FixedSecret::new("secret"), &ManualClock::at(NOON), &request).await
    }

    async fn signed(&self, body: &Value) -> Result<Response, Problem> {
        let body = body.to_string();
        self.post(Some(sign("secret", 0, body.as_bytes())), body.as_bytes()).await
    }
}

/// A signature made `seconds` after noon.
fn sign(secret: &str, seconds: i64, body: &[u8]) -> String {
    sign_webhook(&KeyRing::new(secret, None), NOON / 1_000 + seconds, body)
}

fn accepts(id: &str) -> Value {
    json!({ "order_id": id, "answer": "accepted" })
}

#[tokio::test]
async fn an_answer_is_recorded_once_and_sent_on_however_often_it_comes() {
    let harness = Harness::new().await;
    for recorded in [true, false] {
        let reply = harness.signed(&accepts("ord_wait")).await.unwrap();
        assert_eq!((reply.status(), &reply.json_body()["recorded"]), (200, &recorded.into()));
    }
    assert!(harness.callbacks.answer_to("t1").unwrap().is_ok());
    let refuses = json!({ "order_id": "ord_wait", "answer": "refused", "reason": "no eggs" });
    let problem = harness.signed(&refuses).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "Merchant.AnsweredBefore"));
}

#[tokio::test]
async fn only_what_the_merchant_has_signed_just_now_is_believed() {
    let harness = Harness::new().await;
    let body = accepts("ord_wait").to_string();
    let other = sign("secret", 0, accepts("ord_never").to_string().as_bytes());
    for (signature, code) in [
        (None, "Webhook.SignatureMissing"),
        (Some(String::new()), "Webhook.SignatureMissing"),
        (Some("v1=00".to_owned()), "Webhook.SignatureInvalid"),
        (Some(sign("guess", 0, body.as_bytes())), "Webhook.SignatureInvalid"),
        (Some(other), "Webhook.SignatureInvalid"),
        (Some(sign("secret", -301, body.as_bytes())), "Webhook.TooOld"),
        (Some(sign("secret", 301, body.as_bytes())), "Webhook.TooOld"),
    ] {
        let problem = harness.post(signature.clone(), body.as_bytes()).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, code), "{signature:?}");
    }
    assert!(harness.callbacks.sent().is_empty());
    assert!(harness.store.order("ord_wait").await.unwrap().unwrap().version == 2, "nothing was written");
}

#[tokio::test]
async fn a_body_that_is_no_answer_changes_nothing() {
    let harness = Harness::new().await;
    for (body, code) in [
        (json!("x"), "Request.InvalidField"),
        (json!({ "answer": "accepted" }), "Request.InvalidField"),
        (json!({ "order_id": "ord_wait" }), "Request.InvalidField"),
        (json!({ "order_id": 7, "answer": "accepted" }), "Request.InvalidField"),
        (json!({ "order_id": "ord_wait", "answer": "maybe" }), "Request.InvalidField"),
        (json!({ "order_id": "ord_wait", "answer": "refused", "reason": 7 }), "Request.InvalidField"),
    ] {
        let problem = harness.signed(&body).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (400, code), "{body}");
    }
    let malformed = b"{\"order_id\":";
    let problem = harness.post(Some(sign("secret", 0, malformed)), malformed).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (400, "Request.Malformed"));
    assert!(harness.store.order("ord_wait").await.unwrap().unwrap().version == 2, "nothing was written");
}

#[tokio::test]
async fn an_order_that_does_not_wait_is_told_apart() {
    let harness = Harness::new().await;
    for id in ["ord_never", "ord_none"] {
        let problem = harness.signed(&accepts(id)).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (404, "Order.Unknown"), "{id}");
    }
    carryout_checkout::ports::Closing::park(&harness.store, "ord_wait", 1, NOON).await.unwrap();
    let problem = harness.signed(&accepts("ord_wait")).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "Order.NotWaiting"));
}

#[tokio::test]
async fn an_answer_that_could_not_be_sent_on_is_asked_for_again() {
    let harness = Harness::new().await;
    harness.callbacks.fail_next(1);
    let problem = harness.signed(&accepts("ord_wait")).await.unwrap_err();
    assert_eq!((problem.status(), problem.is_retryable()), (503, true));
    assert!(harness.signed(&accepts("ord_wait")).await.is_ok());
    assert!(harness.callbacks.answer_to("t1").unwrap().is_ok());
}
