//! `GET /v1/ops/orders/parked` and `POST /v1/ops/orders/{id}/redrive` over in-memory ports.

#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_checkout::{ports::Closing as _, workflows::orchestrator};
use carryout_lambda::http::{Problem, Request, Response};
use carryout_lambda::testing::TestIssuer;
use carryout_market::ids;
use carryout_testing::{
    FakeExecutions, ManualClock, Store, StoreFault,
    samples::{self, NOON},
};
use redrive_orders::handle;

struct World {
    store: Store,
    executions: FakeExecutions,
    issuer: TestIssuer,
}

impl World {
    /// With the parked order `ord_1`.
    async fn new() -> Self {
        let store = Store::new(&ManualClock::at(NOON));
        let order = samples::restaurant_order("ord_1", ids::US).unwrap();
        samples::submit(&store, order).await.unwrap();
        store.park("ord_1", 1, NOON).await.unwrap();
        Self { store, executions: FakeExecutions::default(), issuer: TestIssuer::at(NOON) }
    }

    async fn ask(&self, request: &Request) -> Result<Response, Problem> {
        let clock = ManualClock::at(NOON);
        handle(&self.store, &self.executions, &orchestrator(), &clock, &self.issuer.verifier(), request).await
    }

    fn operator(&self, request: Request) -> Request {
        self.issuer.signed(request, "op_1", &["operator"], 600)
    }
}

fn list() -> Request {
    Request { method: "GET".to_owned(), ..Request::default() }
}

fn redrive(id: &str) -> Request {
    Request { method: "POST".to_owned(), path_params: [("id".to_owned(), id.to_owned())].into(), ..Request::default() }
}

#[tokio::test]
async fn a_parked_order_is_listed_redriven_and_no_longer_listed() {
    let world = World::new().await;
    let listed = world.ask(&world.operator(list())).await.unwrap();
    assert_eq!((listed.status(), &listed.json_body()["orders"][0]["order_id"]), (200, &"ord_1".into()));
    let redriven = world.ask(&world.operator(redrive("ord_1"))).await.unwrap();
    assert_eq!((redriven.status(), redriven.header_value("location")), (202, Some("/v1/orders/ord_1")));
    assert_eq!((&redriven.json_body()["status"], &redriven.json_body()["run"]), (&"PROCESSING".into(), &2.into()));
    assert_eq!(world.executions.started()[0].name, "ord_1-2");
    assert_eq!(world.ask(&world.operator(list())).await.unwrap().json_body()["orders"], serde_json::json!([]));
    let again = world.ask(&world.operator(redrive("ord_1"))).await.unwrap_err();
    assert_eq!((again.status(), again.code()), (409, "Order.NotParked"));
}

#[tokio::test]
async fn only_operators_are_let_in() {
    let world = World::new().await;
    for request in [list(), redrive("ord_1")] {
        let problem = world.ask(&request).await.unwrap_err();
        assert_eq!((problem.status(), problem.code()), (401, "Token.Missing"));
        let problem = world.ask(&world.issuer.signed(request, "con_sample", &["consumer"], 600)).await.unwrap_err();
        assert_eq!(problem.status(), 403);
    }
    assert!(world.executions.started().is_empty());
}

#[tokio::test]
async fn what_does_not_exist_is_unknown_and_a_busy_store_is_worth_a_retry() {
    let world = World::new().await;
    let problem = world.ask(&world.operator(redrive("ord_none"))).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (404, "Order.Unknown"));
    world.store.script("reopen", StoreFault::Before);
    let problem = world.ask(&world.operator(redrive("ord_1"))).await.unwrap_err();
    assert_eq!((problem.status(), problem.code()), (503, "Storage.Unavailable"));
}
