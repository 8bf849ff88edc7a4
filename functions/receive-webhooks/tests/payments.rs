//! `POST /v1/webhooks/payments` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{
    ledger::{Balance, BalanceAmount, LedgerKind, LedgerPhase, fold},
    order::{OrderSubmitted, execution_input},
    ports::{Orders as _, Payments as _},
    steps::{authorize_payment::AuthorizePayment, capture_payment::CapturePayment},
};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::{KeyRing, sign_webhook},
};
use carryout_market::ids;
use carryout_testing::{
    FakePayments, Fault, FixedSecret, ManualClock, Store, StoreFault,
    samples::{self, NOON},
};
use carryout_workflow::{StepInput, run};
use receive_webhooks::payments::Payments;
use serde::Deserialize;
use serde_json::{Value, json};

const TOTAL: i64 = 2_175;
const LEASE: i64 = 10_000;

struct Harness {
    clock: ManualClock,
    store: Store,
    processor: FakePayments,
}

impl Harness {
    /// `ord_1`, which costs 21.75.
    async fn new() -> Self {
        let clock = ManualClock::at(NOON);
        let store = Store::new(&clock);
        let order = samples::restaurant_order("ord_1", ids::US).unwrap();
        samples::submit(&store, order).await.unwrap();
        Self { processor: FakePayments::new(&clock, true), clock, store }
    }

    async fn post(&self, signature: Option<String>, body: &[u8]) -> Result<Response, Problem> {
        let webhooks =
            Payments { ledgers: self.store.clone(), payments: self.processor.clone(), secret: FixedSecret::new("whsec") };
        let headers = signature.map(|signature| ("stripe-signature".to_owned(), signature)).into_iter().collect();
        let request = Request { headers, body: body.to_vec(), ..Request::default() };
        webhooks.handle(&self.clock, &request).await
    }

    async fn signed(&self, event: &Value) -> Result<Response, Problem> {
        let body = event.to_string();
        self.post(Some(sign("whsec", 0, body.as_bytes())), body.as_bytes()).await
    }

    /// Whether the event was news.
    async fn told(&self, event: &Value) -> bool {
        let reply = self.signed(event).await.unwrap();
        assert_eq!((reply.status(), &reply.json_body()["received"]), (200, &event["id"]));
        reply.json_body()["recorded"].as_bool().unwrap()
    }

    async fn balance(&self) -> Balance {
        fold(&self.store.order("ord_1").await.unwrap().unwrap().ledger).unwrap()
    }

    async fn step(&self, step: &str, undo: bool) -> bool {
        let order = self.store.order("ord_1").await.unwrap().unwrap();
        let mut input = execution_input(&OrderSubmitted::of(&order));
        input["action"] = json!(if undo { "undo" } else { "process" });
        let input = StepInput::deserialize(input).unwrap();
        let (now, store, payments) = (carryout_environment::Clock::now(&self.clock), &self.store, self.processor.clone());
        match (step, undo) {
            ("authorize", false) => run::process(&AuthorizePayment { payments }, store, &input, now, now + LEASE).await.is_ok(),
            ("authorize", true) => run::undo(&AuthorizePayment { payments }, store, &input, now, now + LEASE).await.is_ok(),
            (_, false) => run::process(&CapturePayment { payments }, store, &input, now, now + LEASE).await.is_ok(),
            (_, true) => run::undo(&CapturePayment { payments }, store, &input, now, now + LEASE).await.is_ok(),
        }
    }
}

/// A signature made `seconds` after noon.
fn sign(secret: &str, seconds: i64, body: &[u8]) -> String {
    sign_webhook(&KeyRing::new(secret, None), NOON / 1_000 + seconds, body)
}

fn event(kind: &str, object: Value) -> Value {
    json!({ "id": format!("evt_{kind}"), "object": "event", "type": kind, "created": NOON / 1_000, "data": { "object": object } })
}

fn intent(kind: &str, id: &str, order: &str, changes: &[(&str, Value)]) -> Value {
    let mut intent = json!({
        "id": id, "object": "payment_intent", "amount": TOTAL, "amount_capturable": 0, "amount_received": 0,
        "currency": "usd", "metadata": { "order_id": order }, "latest_charge": "ch_1", "last_payment_error": null,
    });
    for (name, value) in changes {
        intent[*name] = value.clone();
    }
    event(&format!("payment_intent.{kind}"), intent)
}

fn held(id: &str) -> Value {
    intent("amount_capturable_updated", id, "ord_1", &[("amount_capturable", json!(TOTAL))])
}

fn taken(id: &str) -> Value {
    intent("succeeded", id, "ord_1", &[("amount_received", json!(TOTAL))])
}

#[tokio::test]
async fn each_kind_of_event_says_where_the_money_is() {
    let all = BalanceAmount { amount: TOTAL, pending: 0 };
    let some = |amount| BalanceAmount { amount, pending: 0 };
    let harness = Harness::new().await;
    let order = harness.store.order("ord_1").await.unwrap().unwrap();
    let paid = harness.processor.create("k", &order).await.unwrap().id;
    assert!(harness.told(&held(&paid)).await);
    assert_eq!(harness.balance().await.authorized, all);
    assert!(harness.told(&taken(&paid)).await);
    assert_eq!((harness.balance().await.charged, harness.balance().await.authorized), (all, BalanceAmount::default()));

    // Refunds and disputes do not name the order: the processor knows whose payment it is.
    let refund = |id: &str, amount: i64, status: &str| {
        event(
            "refund.updated",
            json!({ "id": id, "amount": amount, "currency": "usd", "status": status, "payment_intent": paid }),
        )
    };
    assert!(harness.told(&refund("re_1", 500, "pending")).await);
    assert_eq!(harness.balance().await.refunded, BalanceAmount { amount: 500, pending: 500 });
    assert!(harness.told(&refund("re_1", 500, "succeeded")).await);
    assert_eq!(harness.balance().await.refunded, some(500));
    assert!(harness.told(&refund("re_2", 100, "failed")).await);
    assert_eq!(harness.balance().await.charged, some(TOTAL - 500));

    let dispute = |kind: &str, status: &str| {
        event(kind, json!({ "id": "dp_1", "amount": 700, "currency": "usd", "status": status, "payment_intent": paid }))
    };
    assert!(harness.told(&dispute("charge.dispute.created", "needs_response")).await);
    assert_eq!(harness.balance().await.charged, some(TOTAL - 500 - 700));
    assert!(harness.told(&dispute("charge.dispute.closed", "won")).await);
    assert_eq!(
        (harness.balance().await.charged, harness.balance().await.charged_back),
        (some(TOTAL - 500), BalanceAmount::default())
    );
}

#[tokio::test]
async fn what_was_held_is_let_go_and_what_was_declined_comes_to_nothing() {
    let harness = Harness::new().await;
    assert!(harness.told(&held("pi_1")).await);
    assert!(harness.told(&intent("canceled", "pi_1", "ord_1", &[])).await);
    assert_eq!((harness.balance().await.authorized, harness.balance().await.voided.amount), (BalanceAmount::default(), TOTAL));
    let declined = [("last_payment_error", json!({ "code": "card_declined" }))];
    assert!(harness.told(&intent("payment_failed", "pi_2", "ord_1", &declined)).await);
    assert!(!harness.told(&intent("canceled", "pi_2", "ord_1", &declined)).await, "the same was told already");
    assert_eq!(harness.balance().await.voided.amount, TOTAL);
}

#[tokio::test]
async fn an_event_that_comes_again_or_late_changes_nothing() {
    let harness = Harness::new().await;
    for event in [taken("pi_1"), held("pi_1")] {
        assert!(harness.told(&event).await);
        let before = harness.store.order("ord_1").await.unwrap();
        for _ in 0..2 {
            assert!(!harness.told(&event).await);
        }
        assert_eq!(harness.store.order("ord_1").await.unwrap(), before);
    }
    assert_eq!(harness.balance().await.charged.amount, TOTAL);
    assert_eq!(harness.balance().await.authorized, BalanceAmount::default());
}

#[tokio::test]
async fn webhook_and_step_may_race_and_the_order_is_charged_once() {
    // The webhook comes first, after the step, and between two attempts whose answers were lost.
    for webhook_after in 0..3 {
        let harness = Harness::new().await;
        let id = "pi_1_ord_1";
        let mut moment = 0;
        for (step, call, event) in [("authorize", "confirm", held(id)), ("capture", "capture", taken(id))] {
            harness.processor.faults().script(call, Fault::EffectThenUnclear);
            for attempt in 0..3 {
                if attempt == webhook_after {
                    harness.signed(&event).await.unwrap();
                }
                harness.clock.advance(1);
                let done = harness.step(step, false).await;
                assert_eq!(done, attempt > 0, "{step}, attempt {attempt}");
                moment += 1;
            }
        }
        assert_eq!(moment, 6);
        let (books, balance) = (harness.processor.books("ord_1"), harness.balance().await);
        assert_eq!((books.holds, books.captures, books.taken), (1, 1, TOTAL), "webhook before attempt {webhook_after}");
        let expected = BalanceAmount { amount: TOTAL, pending: 0 };
        assert_eq!((balance.charged, balance.authorized), (expected, BalanceAmount::default()), "{webhook_after}");
    }
}

#[tokio::test]
async fn a_payment_that_the_order_did_not_ask_for_is_neither_captured_nor_undone_by_its_steps() {
    let harness = Harness::new().await;
    assert!(harness.step("authorize", false).await);
    // A second payment of the order, of which only the processor tells.
    let order = harness.store.order("ord_1").await.unwrap().unwrap();
    let other = harness.processor.create("other", &order).await.unwrap().id;
    harness.processor.confirm("other", &other, "pm_card_visa").await.unwrap();
    assert!(harness.told(&held(&other)).await);
    assert!(harness.step("capture", false).await);
    let own = harness.store.order("ord_1").await.unwrap().unwrap();
    let own = own.steps.entry("authorize-payment").unwrap().reference.clone().unwrap();
    let status = async |id: &str| format!("{:?}", harness.processor.retrieve(id).await.unwrap().status);
    assert_eq!((status(&own).await.as_str(), status(&other).await.as_str()), ("Succeeded", "RequiresCapture"));
    assert!(harness.step("capture", true).await && harness.step("authorize", true).await);
    assert_eq!(status(&other).await, "RequiresCapture");
    assert_eq!(harness.processor.books("ord_1").refunded, TOTAL);
}

#[tokio::test]
async fn events_of_no_order_of_ours_and_of_no_interest_are_taken_and_change_nothing() {
    let harness = Harness::new().await;
    for event in [
        event("customer.created", json!({ "id": "cus_1" })),
        intent("succeeded", "pi_9", "ord_none", &[("amount_received", json!(1))]),
        intent("succeeded", "pi_9", "ord_1", &[("metadata", json!({})), ("amount_received", json!(1))]),
        event(
            "refund.updated",
            json!({ "id": "re_9", "amount": 1, "currency": "usd", "status": "succeeded", "payment_intent": "pi_9" }),
        ),
        event("charge.refunded", json!({ "id": "ch_9" })),
    ] {
        assert!(!harness.told(&event).await, "{event}");
    }
    assert!(harness.store.order("ord_1").await.unwrap().unwrap().ledger.is_empty());
}

#[tokio::test]
async fn only_what_the_processor_has_signed_just_now_is_believed() {
    let harness = Harness::new().await;
    let body = held("pi_1").to_string();
    for (signature, code) in [
        (None, "Webhook.SignatureMissing"),
        (Some("v1=00".to_owned()), "Webhook.SignatureInvalid"),
        (Some(sign("guess", 0, body.as_bytes())), "Webhook.SignatureInvalid"),
        (Some(sign("whsec", 0, b"{}")), "Webhook.SignatureInvalid"),
        (Some(sign("whsec", -301, body.as_bytes())), "Webhook.TooOld"),
        (Some(sign("whsec", 301, body.as_bytes())), "Webhook.TooOld"),
    ] {
        let problem = harness.post(signature.clone(), body.as_bytes()).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, code), "{signature:?}");
    }
    assert!(harness.store.order("ord_1").await.unwrap().unwrap().ledger.is_empty());
}

#[tokio::test]
async fn an_event_that_can_not_be_read_is_refused_and_names_the_field() {
    let harness = Harness::new().await;
    let field = async |event: Value| harness.signed(&event).await.unwrap_err().wrong_field().map(str::to_owned);
    assert_eq!(field(event("payment_intent.succeeded", json!({ "id": 7 }))).await.as_deref(), Some("data.object"));
    let doge = intent("succeeded", "pi_1", "ord_1", &[("currency", json!("doge"))]);
    assert_eq!(field(doge).await.as_deref(), Some("data.object.currency"));
    let negative = intent("succeeded", "pi_1", "ord_1", &[("amount_received", json!(-1))]);
    assert_eq!(field(negative).await.as_deref(), Some("data.object.amount"));
    assert!(harness.signed(&json!({ "id": "evt_1" })).await.is_err());
}

#[tokio::test]
async fn an_event_that_could_not_be_recorded_is_asked_for_again() {
    let harness = Harness::new().await;
    for fault in [StoreFault::Before, StoreFault::After] {
        harness.store.script("append", fault);
        let problem = harness.signed(&held("pi_1")).await.unwrap_err();
        assert_eq!((problem.status(), problem.code(), problem.is_retryable()), (503, "Storage.Unavailable", true));
    }
    assert!(!harness.told(&held("pi_1")).await, "it was written, and only the answer was lost");
    harness.processor.faults().script("listed", Fault::Unavailable);
    let dispute = json!({ "id": "dp_1", "amount": 1, "currency": "usd", "status": "lost", "payment_intent": "pi_1" });
    let problem = harness.signed(&event("charge.dispute.closed", dispute)).await.unwrap_err();
    assert_eq!((problem.status(), problem.code(), problem.is_retryable()), (503, "Payment.Unavailable", true));
    let ledger = harness.store.order("ord_1").await.unwrap().unwrap().ledger;
    assert_eq!(
        ledger.iter().map(|event| (event.kind, event.phase)).collect::<Vec<_>>(),
        [(LedgerKind::Authorization, LedgerPhase::Success)]
    );
}
