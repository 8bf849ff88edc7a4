//! Messages of the order queue over in-memory ports.

use carryout_checkout::workflows::orchestrator;
use carryout_lambda::batch::Message;
use carryout_testing::FakeExecutions;
use serde_json::{Value, json};
use start_checkout::handle;

fn submitted() -> Value {
    json!({
        "order_id": "ord_1",
        "country": "AU",
        "market_type": "restaurant",
        "run": 1,
        "direction": "FORWARD",
        "failure": null,
        "facts": { "quote_id": "quo_1", "total": { "minor": 1_000, "currency": "AUD" } },
        "correlation_id": "corr",
    })
}

fn message(body: &Value) -> Message {
    Message { body: body.to_string(), ..Message::default() }
}

#[tokio::test]
async fn a_message_starts_its_markets_workflow_once_however_often_it_comes() {
    let executions = FakeExecutions::default();
    for _ in 0..2 {
        handle(&orchestrator(), &executions, &message(&submitted())).await.unwrap();
    }
    let started = executions.started();
    assert_eq!(started.len(), 1);
    assert_eq!((started[0].workflow.as_str(), started[0].name.as_str()), ("checkout-accepted", "ord_1-1"));
    let input = &started[0].input;
    assert_eq!((&input["id"], &input["run"], &input["facts"]), (&json!("ord_1"), &json!(1), &submitted()["facts"]));
}

#[tokio::test]
async fn a_message_that_can_not_be_used_comes_back_with_a_code_and_starts_nothing() {
    let executions = FakeExecutions::default();
    let mut wrong = submitted();
    wrong["run"] = json!(-1);
    let mut closed = submitted();
    closed["country"] = json!("FR");
    for (body, code, hint) in
        [(json!({}), "Message.Malformed", "order_id"), (wrong, "Message.Malformed", "run"), (closed, "Market.Unknown", "FR")]
    {
        let error = handle(&orchestrator(), &executions, &message(&body)).await.unwrap_err();
        assert_eq!(error.code, code);
        assert!(error.message.contains(hint), "{error}");
    }
    executions.fail_next(1);
    let error = handle(&orchestrator(), &executions, &message(&submitted())).await.unwrap_err();
    assert_eq!(error.code, "Storage.Unavailable");
    assert!(executions.started().is_empty());
}
