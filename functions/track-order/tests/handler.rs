//! `GET /v1/orders/{id}` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{ports::Orders, workflows::orchestrator};
use carryout_environment::StorageError;
use carryout_lambda::http::{Problem, Request, Response};
use carryout_lambda::testing::TestIssuer;
use carryout_market::ids;
use carryout_testing::{
    ManualClock, Store,
    samples::{self, NOON},
};
use track_order::handle;

/// A store with the order `ord_1` of `con_sample`.
async fn store() -> Store {
    let store = Store::new(&ManualClock::at(NOON));
    let order = samples::restaurant_order("ord_1", ids::US).unwrap();
    samples::submit(&store, order).await.unwrap();
    store
}

fn ask(id: &str) -> Request {
    Request { path_params: [("id".to_owned(), id.to_owned())].into(), ..Request::default() }
}

async fn get(orders: &impl Orders, issuer: &TestIssuer, request: &Request) -> Result<Response, Problem> {
    handle(orders, &orchestrator(), &issuer.verifier(), request).await
}

#[tokio::test]
async fn an_order_is_shown_to_its_consumer_and_to_operators_and_unknown_to_everybody_else() {
    let (store, issuer) = (store().await, TestIssuer::at(NOON));
    let view = get(&store, &issuer, &issuer.signed(ask("ord_1"), "con_sample", &[], 600)).await.unwrap();
    assert_eq!((view.status(), &view.json_body()["status"]), (200, &"SUBMITTED".into()));
    assert!(get(&store, &issuer, &issuer.signed(ask("ord_1"), "op_1", &["operator"], 600)).await.is_ok());
    let details = async |id: &str, subject, roles: &[&str]| {
        let problem = get(&store, &issuer, &issuer.signed(ask(id), subject, roles, 600)).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (404, "Order.Unknown"), "{id} {subject}");
        problem.detail().replace(id, "…")
    };
    // Nobody learns whether somebody else's order exists.
    let others = details("ord_1", "con_eve", &["consumer"]).await;
    assert_eq!(others, details("ord_none", "con_eve", &[]).await);
    assert_eq!(others, details("ord_none", "op_1", &["operator"]).await);
}

#[tokio::test]
async fn nothing_is_shown_without_a_token_that_holds() {
    let (store, issuer) = (store().await, TestIssuer::at(NOON));
    let expired = issuer.signed(ask("ord_1"), "con_sample", &[], -31);
    let strangers = TestIssuer::at(NOON).signed(ask("ord_1"), "con_sample", &["operator"], 600);
    for (request, code) in [(ask("ord_1"), "Token.Missing"), (expired, "Token.Expired"), (strangers, "Token.Invalid")] {
        let problem = get(&store, &issuer, &request).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, code));
    }
}

/// Orders that can't be read.
struct Down;

impl Orders for Down {
    async fn order(&self, _: &str) -> Result<Option<carryout_checkout::order::Order>, StorageError> {
        Err(StorageError::Unavailable("table orders-7f3a".to_owned()))
    }
}

#[tokio::test]
async fn orders_that_can_not_be_read_are_worth_a_retry() {
    let issuer = TestIssuer::at(NOON);
    for roles in [&[][..], &["operator"]] {
        let problem = get(&Down, &issuer, &issuer.signed(ask("ord_1"), "con_sample", roles, 600)).await.unwrap_err();
        let reply = problem.into_response("t");
        assert_eq!((reply.status(), reply.header_value("retry-after")), (503, Some("1")));
        assert!(!String::from_utf8_lossy(reply.body()).contains("7f3a"));
    }
}
