//! `POST /v1/orders/{id}/refunds` and `POST /v1/ops/refunds/{id}/redrive` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{
    ledger::{LedgerEvent, LedgerKind, LedgerPhase},
    order::Order,
    ports::{Closing as _, Orders as _, RefundClosing as _},
    refund::OrderRefund,
    request_refund::RequestRefund,
    workflows::refund_orchestrator,
};
use carryout_lambda::http::{Problem, Request, Response};
use carryout_lambda::testing::{FixedJwks, TestIssuer};
use carryout_market::ids;
use carryout_testing::{
    FakeExecutions, ManualClock, SequentialIds, Store, StoreFault,
    samples::{self, NOON},
};
use refund_order::RefundOrder;
use serde_json::{Value, json};

type Function = RefundOrder<Store, Store<OrderRefund>, FakeExecutions, ManualClock, SequentialIds, Store<OrderRefund>, FixedJwks>;

struct World {
    store: Store,
    executions: FakeExecutions,
    issuer: TestIssuer,
    function: Function,
}

impl World {
    /// With the placed order `ord_1` for 21.75: one ramen and one gyoza.
    async fn new() -> Self {
        let clock = ManualClock::at(NOON);
        let store = Store::new(&clock);
        let order = samples::restaurant_order("ord_1", ids::US).unwrap();
        let told = |kind, phase| LedgerEvent {
            kind,
            phase,
            amount: order.total(),
            reference: "pi_1".to_owned(),
            effect: String::new(),
            at: NOON,
        };
        let ledger = vec![
            told(LedgerKind::Authorization, LedgerPhase::Request),
            told(LedgerKind::Authorization, LedgerPhase::Success),
            told(LedgerKind::Charge, LedgerPhase::Success),
        ];
        samples::submit(&store, Order { ledger, ..order }).await.unwrap();
        store.place("complete-order", "ord_1", 1, NOON).await.unwrap();
        let (executions, issuer) = (FakeExecutions::default(), TestIssuer::at(NOON));
        let take = RequestRefund {
            orders: store.clone(),
            refunds: store.refunds(),
            executions: executions.clone(),
            markets: samples::markets().into_source(),
            orchestrator: refund_orchestrator(),
            clock,
            ids: SequentialIds::default(),
        };
        let function = RefundOrder { take, parked: store.refunds(), tokens: issuer.verifier() };
        Self { store, executions, issuer, function }
    }

    async fn ask(&self, request: Request) -> Result<Response, Problem> {
        self.function.handle(&self.issuer.signed(request, "op_1", &["operator"], 600)).await
    }
}

fn refund(id: &str, key: &str, body: &Value) -> Request {
    Request {
        method: "POST".to_owned(),
        route: "/v1/orders/{id}/refunds".to_owned(),
        path_params: [("id".to_owned(), id.to_owned())].into(),
        headers: if key.is_empty() { Vec::new() } else { vec![("idempotency-key".to_owned(), key.to_owned())] },
        body: body.to_string().into_bytes(),
        ..Request::default()
    }
}

fn redrive(id: &str) -> Request {
    Request { route: "/v1/ops/refunds/{id}/redrive".to_owned(), body: Vec::new(), ..refund(id, "", &json!({})) }
}

#[tokio::test]
async fn a_refund_is_taken_once_and_started() {
    let world = World::new().await;
    let body = json!({ "lines": [{ "line": 1, "quantity": 1 }], "reason": "cold" });
    let first = world.ask(refund("ord_1", "k", &body)).await.unwrap();
    assert_eq!((first.status(), first.header_value("location")), (202, Some("/v1/orders/ord_1")));
    let answer = first.json_body();
    assert_eq!((&answer["amount"]["minor"], &answer["status"]), (&json!(725), &json!("SUBMITTED")));
    assert_eq!(world.ask(refund("ord_1", "k", &body)).await.unwrap().json_body(), answer);
    assert_eq!((world.executions.started().len(), world.store.all_refunds().len()), (1, 1));
    let other = world.ask(refund("ord_1", "k", &json!({ "everything": true, "reason": "cold" }))).await.unwrap_err();
    assert_eq!((other.status(), other.code(), other.wrong_field()), (422, "Idempotency.KeyReused", Some("Idempotency-Key")));
    let second = world.ask(refund("ord_1", "l", &body)).await.unwrap_err();
    assert_eq!((second.status(), second.code()), (409, "Refund.InProgress"));
}

#[tokio::test]
async fn what_is_wrong_is_named_and_changes_nothing() {
    let world = World::new().await;
    let before = world.store.order("ord_1").await.unwrap();
    let cold = |mut body: Value| {
        body["reason"] = "cold".into();
        body
    };
    let line = |line: u32, quantity: u32| cold(json!({ "lines": [{ "line": line, "quantity": quantity }] }));
    for (id, key, body, status, code, field) in [
        ("ord_1", "", cold(json!({ "everything": true })), 400, "Idempotency.KeyMissing", Some("Idempotency-Key")),
        ("ord_1", "k", json!({ "everything": true }), 400, "Request.InvalidField", Some("reason")),
        ("ord_1", "k", cold(json!({ "all": true })), 400, "Request.InvalidField", Some("all")),
        ("ord_1", "k", cold(json!({ "amount": 0 })), 400, "Request.InvalidField", Some("amount")),
        ("ord_1", "k", line(9, 1), 400, "Refund.NoLine", Some("lines")),
        ("ord_1", "k", line(0, 2), 409, "Refund.TooMuch", Some("lines")),
        ("ord_1", "k", cold(json!({ "amount": 2_176 })), 409, "Refund.TooMuch", Some("amount")),
        ("ord_none", "k", cold(json!({ "everything": true })), 404, "Order.Unknown", None),
    ] {
        let problem = world.ask(refund(id, key, &body)).await.unwrap_err();
        assert_eq!((problem.status(), problem.code(), problem.wrong_field()), (status, code, field), "{body}");
    }
    assert_eq!(world.store.order("ord_1").await.unwrap(), before);
}

#[tokio::test]
async fn only_operators_are_let_in() {
    let world = World::new().await;
    for request in [refund("ord_1", "k", &json!({ "everything": true, "reason": "cold" })), redrive("ref_000001")] {
        let consumer = world.issuer.signed(request.clone(), "con_sample", &["consumer"], 600);
        for (request, status) in [(request, 401), (consumer, 403)] {
            assert_eq!(world.function.handle(&request).await.unwrap_err().status(), status);
        }
    }
    assert!(world.store.all_refunds().is_empty());
}

#[tokio::test]
async fn a_parked_refund_is_redriven_and_no_other() {
    let world = World::new().await;
    let body = json!({ "everything": true, "reason": "cold" });
    let id = world.ask(refund("ord_1", "k", &body)).await.unwrap().json_body()["refund_id"].as_str().unwrap().to_owned();
    let problem = world.ask(redrive(&id)).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "Refund.NotParked"));
    world.store.refunds().park(&id, 1, NOON).await.unwrap();
    let redriven = world.ask(redrive(&id)).await.unwrap();
    assert_eq!((redriven.status(), &redriven.json_body()["status"]), (202, &json!("PROCESSING")));
    assert_eq!(world.executions.started().last().unwrap().name, format!("{id}-2"));
    let problem = world.ask(redrive("ref_none")).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (404, "Refund.Unknown"));
}

#[tokio::test]
async fn a_busy_store_is_worth_a_retry() {
    let world = World::new().await;
    world.store.script("request_refund", StoreFault::Before);
    let body = json!({ "everything": true, "reason": "cold" });
    let problem = world.ask(refund("ord_1", "k", &body)).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (503, "Storage.Unavailable"));
    for _ in 0..10 {
        world.store.script("request_refund", StoreFault::Conflict);
    }
    let problem = world.ask(refund("ord_1", "k", &body)).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (429, "Submit.Busy"));
}
