//! `POST /v1/webhooks/payments` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{
    ledger::{Balance, LedgerKind, LedgerPhase, Standing, fold},
    market::{Country, MarketType},
    memory::{
        FakePayments, Fault, FixedSecret, ManualClock, PlainSeal, Store, StoreFault,
        samples::{self, NOON},
    },
    ports::{IdempotencyKey, OrderSubmitted, Orders as _, Payments as _, Quotes as _, Submission, Submissions as _},
    start::execution_input,
    steps::{authorize_payment::AuthorizePayment, capture_payment::CapturePayment},
    workflows::orchestrator,
};
use carryout_lambda::{
    http::{Problem, Request, Response},
    signature::{KeyRing, sign_webhook},
};
use carryout_workflow::{StepInput, run};
use receive_webhooks::payments::Payments;
use serde::Deserialize;
use serde_json::{Value, json};

const TOTAL: i64 = 2_175;
const LEASE: i64 = 10_000;

struct Stage {
    clock: ManualClock,
    store: Store,
    processor: FakePayments,
}

impl Stage {
    /// `ord_1`, which costs 21.75.
    async fn new() -> Self {
        let clock = ManualClock::at(NOON);
        let store = Store::new(&clock);
        let shop = samples::store("sto_1", Country::US, MarketType::Restaurant);
        let orchestrator = orchestrator();
        let workflow = orchestrator.pick("US", "restaurant").unwrap();
        let order = samples::order("ord_1", "quo_1", &shop, workflow, &PlainSeal::default());
        store.save(&order.quote, &samples::context()).await.unwrap();
        let key = IdempotencyKey { record_id: "k".to_owned(), validation: "v".to_owned() };
        let submission = Submission { order, key, answer: "{}".to_owned(), remember_until: i64::MAX, stuck_at: NOON };
        store.submit(&submission).await.unwrap();
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
        let (now, store, payments) = (carryout_checkout::ports::Clock::now(&self.clock), &self.store, self.processor.clone());
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
    let all = Standing { amount: TOTAL, pending: 0 };
    let some = |amount| Standing { amount, pending: 0 };
    let stage = Stage::new().await;
    let order = stage.store.order("ord_1").await.unwrap().unwrap();
    let paid = stage.processor.create("k", &order).await.unwrap().id;
    assert!(stage.told(&held(&paid)).await);
    assert_eq!(stage.balance().await.authorized, all);
    assert!(stage.told(&taken(&paid)).await);
    assert_eq!((stage.balance().await.charged, stage.balance().await.authorized), (all, Standing::default()));

    // Refunds and disputes do not name the order: the processor knows whose payment it is.
    let refund = |id: &str, amount: i64, status: &str| {
        event(
            "refund.updated",
            json!({ "id": id, "amount": amount, "currency": "usd", "status": status, "payment_intent": paid }),
        )
    };
    assert!(stage.told(&refund("re_1", 500, "pending")).await);
    assert_eq!(stage.balance().await.refunded, Standing { amount: 500, pending: 500 });
    assert!(stage.told(&refund("re_1", 500, "succeeded")).await);
    assert_eq!(stage.balance().await.refunded, some(500));
    assert!(stage.told(&refund("re_2", 100, "failed")).await);
    assert_eq!(stage.balance().await.charged, some(TOTAL - 500));

    let dispute = |kind: &str, status: &str| {
        event(kind, json!({ "id": "dp_1", "amount": 700, "currency": "usd", "status": status, "payment_intent": paid }))
    };
    assert!(stage.told(&dispute("charge.dispute.created", "needs_response")).await);
    assert_eq!(stage.balance().await.charged, some(TOTAL - 500 - 700));
    assert!(stage.told(&dispute("charge.dispute.closed", "won")).await);
    assert_eq!((stage.balance().await.charged, stage.balance().await.charged_back), (some(TOTAL - 500), Standing::default()));
}

#[tokio::test]
async fn what_was_held_is_let_go_and_what_was_declined_comes_to_nothing() {
    let stage = Stage::new().await;
    assert!(stage.told(&held("pi_1")).await);
    assert!(stage.told(&intent("canceled", "pi_1", "ord_1", &[])).await);
    assert_eq!((stage.balance().await.authorized, stage.balance().await.voided.amount), (Standing::default(), TOTAL));
    let declined = [("last_payment_error", json!({ "code": "card_declined" }))];
    assert!(stage.told(&intent("payment_failed", "pi_2", "ord_1", &declined)).await);
    assert!(!stage.told(&intent("canceled", "pi_2", "ord_1", &declined)).await, "the same was told already");
    assert_eq!(stage.balance().await.voided.amount, TOTAL);
}

#[tokio::test]
async fn an_event_that_comes_again_or_late_changes_nothing() {
    let stage = Stage::new().await;
    for event in [taken("pi_1"), held("pi_1")] {
        assert!(stage.told(&event).await);
        let before = stage.store.order("ord_1").await.unwrap();
        for _ in 0..2 {
            assert!(!stage.told(&event).await);
        }
        assert_eq!(stage.store.order("ord_1").await.unwrap(), before);
    }
    assert_eq!(stage.balance().await.charged.amount, TOTAL);
    assert_eq!(stage.balance().await.authorized, Standing::default());
}

#[tokio::test]
async fn webhook_and_step_may_race_and_the_order_is_charged_once() {
    // The webhook comes first, after the step, and between two attempts whose answers were lost.
    for webhook_after in 0..3 {
        let stage = Stage::new().await;
        let id = "pi_1_ord_1";
        let mut moment = 0;
        for (step, call, event) in [("authorize", "confirm", held(id)), ("capture", "capture", taken(id))] {
            stage.processor.faults().script(call, Fault::EffectThenUnclear);
            for attempt in 0..3 {
                if attempt == webhook_after {
                    stage.signed(&event).await.unwrap();
                }
                stage.clock.advance(1);
                let done = stage.step(step, false).await;
                assert_eq!(done, attempt > 0, "{step}, attempt {attempt}");
                moment += 1;
            }
        }
        assert_eq!(moment, 6);
        let (books, balance) = (stage.processor.books("ord_1"), stage.balance().await);
        assert_eq!((books.holds, books.captures, books.taken), (1, 1, TOTAL), "webhook before attempt {webhook_after}");
        let expected = Standing { amount: TOTAL, pending: 0 };
        assert_eq!((balance.charged, balance.authorized), (expected, Standing::default()), "{webhook_after}");
    }
}

#[tokio::test]
async fn a_payment_that_the_order_did_not_ask_for_is_neither_captured_nor_undone_by_its_steps() {
    let stage = Stage::new().await;
    assert!(stage.step("authorize", false).await);
    // A second payment of the order, of which only the processor tells.
    let order = stage.store.order("ord_1").await.unwrap().unwrap();
    let other = stage.processor.create("other", &order).await.unwrap().id;
    stage.processor.confirm("other", &other, "pm_card_visa").await.unwrap();
    assert!(stage.told(&held(&other)).await);
    assert!(stage.step("capture", false).await);
    let own = stage.store.order("ord_1").await.unwrap().unwrap();
    let own = own.steps.entry("authorize-payment").unwrap().reference.clone().unwrap();
    let status = async |id: &str| format!("{:?}", stage.processor.retrieve(id).await.unwrap().status);
    assert_eq!((status(&own).await.as_str(), status(&other).await.as_str()), ("Succeeded", "RequiresCapture"));
    assert!(stage.step("capture", true).await && stage.step("authorize", true).await);
    assert_eq!(status(&other).await, "RequiresCapture");
    assert_eq!(stage.processor.books("ord_1").refunded, TOTAL);
}

#[tokio::test]
async fn events_of_no_order_of_ours_and_of_no_interest_are_taken_and_change_nothing() {
    let stage = Stage::new().await;
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
        assert!(!stage.told(&event).await, "{event}");
    }
    assert!(stage.store.order("ord_1").await.unwrap().unwrap().ledger.is_empty());
}

#[tokio::test]
async fn only_what_the_processor_has_signed_just_now_is_believed() {
    let stage = Stage::new().await;
    let body = held("pi_1").to_string();
    for (signature, code) in [
        (None, "Webhook.SignatureMissing"),
        (Some("v1=00".to_owned()), "Webhook.SignatureInvalid"),
        (Some(sign("guess", 0, body.as_bytes())), "Webhook.SignatureInvalid"),
        (Some(sign("whsec", 0, b"{}")), "Webhook.SignatureInvalid"),
        (Some(sign("whsec", -301, body.as_bytes())), "Webhook.TooOld"),
        (Some(sign("whsec", 301, body.as_bytes())), "Webhook.TooOld"),
    ] {
        let problem = stage.post(signature.clone(), body.as_bytes()).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, code), "{signature:?}");
    }
    assert!(stage.store.order("ord_1").await.unwrap().unwrap().ledger.is_empty());
}

#[tokio::test]
async fn an_event_that_can_not_be_read_is_refused_and_names_the_field() {
    let stage = Stage::new().await;
    let field = async |event: Value| stage.signed(&event).await.unwrap_err().wrong_field().map(str::to_owned);
    assert_eq!(field(event("payment_intent.succeeded", json!({ "id": 7 }))).await.as_deref(), Some("data.object"));
    let doge = intent("succeeded", "pi_1", "ord_1", &[("currency", json!("doge"))]);
    assert_eq!(field(doge).await.as_deref(), Some("data.object.currency"));
    let negative = intent("succeeded", "pi_1", "ord_1", &[("amount_received", json!(-1))]);
    assert_eq!(field(negative).await.as_deref(), Some("data.object.amount"));
    assert!(stage.signed(&json!({ "id": "evt_1" })).await.is_err());
}

#[tokio::test]
async fn an_event_that_could_not_be_recorded_is_asked_for_again() {
    let stage = Stage::new().await;
    for fault in [StoreFault::Before, StoreFault::After] {
        stage.store.script("append", fault);
        let problem = stage.signed(&held("pi_1")).await.unwrap_err();
        assert_eq!((problem.status(), problem.code(), problem.is_retryable()), (503, "Store.Unavailable", true));
    }
    assert!(!stage.told(&held("pi_1")).await, "it was written, and only the answer was lost");
    stage.processor.faults().script("listed", Fault::Unavailable);
    let dispute = json!({ "id": "dp_1", "amount": 1, "currency": "usd", "status": "lost", "payment_intent": "pi_1" });
    let problem = stage.signed(&event("charge.dispute.closed", dispute)).await.unwrap_err();
    assert_eq!((problem.status(), problem.code(), problem.is_retryable()), (503, "Payment.Unavailable", true));
    let ledger = stage.store.order("ord_1").await.unwrap().unwrap().ledger;
    assert_eq!(
        ledger.iter().map(|event| (event.kind, event.phase)).collect::<Vec<_>>(),
        [(LedgerKind::Authorization, LedgerPhase::Success)]
    );
}
