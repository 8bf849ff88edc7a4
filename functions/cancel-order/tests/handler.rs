//! `POST /v1/orders/{id}/cancellation` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use cancel_order::handle;
use carryout_checkout::{
    ports::{Closing as _, Orders as _},
    workflows::orchestrator,
};
use carryout_lambda::http::{Problem, Request, Response};
use carryout_lambda::testing::TestIssuer;
use carryout_market::ids;
use carryout_testing::{
    FakeCallbacks, ManualClock, Store, StoreFault,
    samples::{self, NOON},
};

/// A store with the order `ord_1` of `con_sample`.
async fn store() -> Store {
    let store = Store::new(&ManualClock::at(NOON));
    let order = samples::restaurant_order("ord_1", ids::US).unwrap();
    samples::submit(&store, order).await.unwrap();
    store
}

fn ask(id: &str) -> Request {
    Request { method: "POST".to_owned(), path_params: [("id".to_owned(), id.to_owned())].into(), ..Request::default() }
}

async fn post(store: &Store, issuer: &TestIssuer, request: &Request) -> Result<Response, Problem> {
    let callbacks = FakeCallbacks::default();
    handle(store, &callbacks, &orchestrator(), &ManualClock::at(NOON), &issuer.verifier(), request).await
}

#[tokio::test]
async fn an_order_is_cancelled_by_its_consumer_and_once() {
    let (store, issuer) = (store().await, TestIssuer::at(NOON));
    let mine = issuer.signed(ask("ord_1"), "con_sample", &[], 600);
    let first = post(&store, &issuer, &mine).await.unwrap();
    assert_eq!((first.status(), first.header_value("location")), (202, Some("/v1/orders/ord_1")));
    assert_eq!(first.json_body()["cancel_requested_at"], NOON);
    assert_eq!(post(&store, &issuer, &mine).await.unwrap().json_body(), first.json_body());
}

#[tokio::test]
async fn nobody_else_cancels_it_or_learns_that_it_exists() {
    let (store, issuer) = (store().await, TestIssuer::at(NOON));
    let before = store.order("ord_1").await.unwrap();
    for (id, subject, roles) in [("ord_1", "con_eve", &[][..]), ("ord_1", "op_1", &["operator"]), ("ord_none", "con_sample", &[])]
    {
        let problem = post(&store, &issuer, &issuer.signed(ask(id), subject, roles, 600)).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (404, "Order.Unknown"), "{id} {subject}");
    }
    let expired = issuer.signed(ask("ord_1"), "con_sample", &[], -31);
    for (request, code) in [(ask("ord_1"), "Token.Missing"), (expired, "Token.Expired")] {
        let problem = post(&store, &issuer, &request).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, code));
    }
    assert_eq!(store.order("ord_1").await.unwrap(), before);
}

#[tokio::test]
async fn too_late_is_a_conflict_and_a_busy_store_is_worth_a_retry() {
    let (store, issuer) = (store().await, TestIssuer::at(NOON));
    let mine = issuer.signed(ask("ord_1"), "con_sample", &[], 600);
    store.script("cancel", StoreFault::After);
    let problem = post(&store, &issuer, &mine).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (503, "Storage.Unavailable"));
    assert_eq!(post(&store, &issuer, &mine).await.unwrap().status(), 202, "it was written, and is said so now");

    let placed = self::store().await;
    placed.place("complete-order", "ord_1", 1, NOON).await.unwrap();
    let problem = post(&placed, &issuer, &mine).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (409, "Order.CancelTooLate"));
}
