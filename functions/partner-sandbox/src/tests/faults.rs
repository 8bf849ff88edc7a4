use super::*;
use crate::Partner;
use crate::call::{Call, Operation};
use crate::faults;

/// Confirms under a fault, and returns the status of the answer.
async fn confirm(fixture: &Fixture, id: &str, key: &str) -> u16 {
    fixture.pay(&format!("payment_intents/{id}/confirm"), key, &[("payment_method", "pm_card_visa")]).await.0
}

fn fault(kind: &str) -> Value {
    json!({ "partner": "payment", "operation": "confirm", "order_id": "ord_1", "kind": kind })
}

async fn held(fixture: &Fixture) -> i64 {
    fixture.summary("ord_1").await["authorized"].as_i64().unwrap()
}

#[tokio::test]
async fn each_fault_kind_determines_effect_answer_and_delay() {
    // kind, milliseconds, status, authorized amount at the time of the answer, sleeps, recorded outcome
    for (kind, milliseconds, status, money, sleeps, outcome) in [
        ("slow", Some(700), 200, 2000, vec![700], "done"),
        ("fail_before", None, 503, 0, vec![], "nothing"),
        ("fail_after", None, 500, 2000, vec![], "done"),
        ("hang", Some(900), 504, 0, vec![900], "nothing"),
        ("lose_answer", Some(900), 504, 2000, vec![900], "done"),
        ("late_effect", Some(2_500), 504, 0, vec![], "later"),
    ] {
        let fixture = Fixture::new();
        let id = fixture.intent("ord_1").await;
        let mut fault = fault(kind);
        fault["milliseconds"] = json!(milliseconds);
        fixture.fault(fault).await;
        assert_eq!(confirm(&fixture, &id, "k").await, status, "{kind}");
        assert_eq!(held(&fixture).await, money, "{kind}");
        assert_eq!(fixture.sleeps(), sleeps, "{kind}");
        let call = fixture.books("ord_1").await["calls"][1].take();
        assert_eq!((&call["outcome"], &call["status"], &call["fault"]["kind"]), (&json!(outcome), &json!(status), &json!(kind)));
        // The fault is consumed: the same key now succeeds, and the effect happens once.
        fixture.deliver().await;
        assert_eq!(confirm(&fixture, &id, "k").await, 200, "{kind}");
        assert_eq!(held(&fixture).await, 2000, "{kind}");
    }
}

#[tokio::test]
async fn late_effect_is_applied_after_the_caller_timed_out() {
    let fixture = Fixture::new();
    let id = fixture.intent("ord_1").await;
    let mut late = fault("late_effect");
    late["milliseconds"] = 2_500.into();
    fixture.fault(late).await;
    assert_eq!(confirm(&fixture, &id, "k").await, 504);
    assert_eq!(fixture.scheduled(), [3]);
    let stored = fixture.world.inside(|inside| serde_json::to_string(&inside.scheduled[0].0).unwrap());
    assert!(!stored.contains("sk_test"), "credentials are not kept: {stored}");
    assert_eq!(fixture.deliver().await, [Ok(())]);
    assert_eq!(held(&fixture).await, 2000);
    let calls = fixture.books("ord_1").await["calls"].take();
    assert_eq!((&calls[2]["outcome"], &calls[2]["status"]), (&json!("done"), &Value::Null));
}

#[tokio::test]
async fn impossible_late_effect_is_recorded_as_refused() {
    let fixture = Fixture::new();
    let id = fixture.intent("ord_1").await;
    let mut late = fault("late_effect");
    late["milliseconds"] = 1_000.into();
    fixture.fault(late).await;
    confirm(&fixture, &id, "k").await;
    fixture.pay(&format!("payment_intents/{id}/cancel"), "c", &[]).await;
    assert_eq!(fixture.deliver().await, [Ok(())]);
    let books = fixture.books("ord_1").await;
    assert_eq!((&books["summary"]["authorized"], &books["calls"][3]["outcome"]), (&json!(0), &json!("refused")));
}

#[tokio::test]
async fn partners_decline_on_demand() {
    let fixture = Fixture::new();
    for (partner, operation) in [("payment", "confirm"), ("fraud", "check"), ("logistics", "deliver")] {
        fixture
            .fault(json!({ "partner": partner, "operation": operation, "kind": "decline", "code": "insufficient_funds" }))
            .await;
    }
    let id = fixture.intent("ord_1").await;
    let (status, body) = fixture.pay(&format!("payment_intents/{id}/confirm"), "k", &[("payment_method", "pm_card_visa")]).await;
    assert_eq!((status, &body["error"]["decline_code"]), (402, &json!("insufficient_funds")));
    let check = json!({ "order_id": "ord_1", "consumer_id": "c", "amount": 1, "currency": "USD", "account_age_days": 9, "orders_placed": 9, "abroad": false });
    let (_, verdict) = fixture.call("POST", "/fraud/v1/checks", &check).await;
    assert_eq!(verdict, json!({ "decision": "reject", "score": 100, "reason": "insufficient_funds" }));
    let (status, body) = fixture.call("POST", "/logistics/v1/deliveries", &logistics::delivery("ord_1")).await;
    assert_eq!((status, &body["code"]), (422, &json!("insufficient_funds")));
    assert_eq!(fixture.summary("ord_1").await["live_deliveries"], 0);
}

#[tokio::test]
async fn merchants_refuse_stay_silent_or_answer_twice_on_demand() {
    let order = "/merchant/v1/stores/sto_1/orders/ord_1";
    let notify = async |fault: Value, answer_to: Option<&str>| {
        let fixture = Fixture::new();
        fixture.fault(fault).await;
        let answer = fixture.call("PUT", order, &merchant::notification(answer_to)).await;
        (fixture, answer)
    };
    let fault = |kind: &str| json!({ "partner": "merchant", "operation": "notify", "kind": kind, "reason": Some("out of noodles").filter(|_| kind == "refuse") });

    let (fixture, (status, _)) = notify(fault("refuse"), Some(CALLBACK_URL)).await;
    assert_eq!(status, 200);
    assert_eq!(fixture.deliver().await, [Ok(())]);
    let answer: Value = serde_json::from_str(&fixture.posted()[0].2).unwrap();
    assert_eq!(answer, json!({ "order_id": "ord_1", "answer": "refused", "reason": "out of noodles" }));
    assert_eq!(fixture.summary("ord_1").await["merchant_status"], "refused");

    let (fixture, (status, body)) = notify(fault("refuse"), None).await;
    assert_eq!((status, &body["code"], &body["message"]), (422, &json!("order_refused"), &json!("out of noodles")));
    assert_eq!(fixture.summary("ord_1").await["merchant_status"], "refused");

    let (fixture, (status, _)) = notify(fault("silent"), Some(CALLBACK_URL)).await;
    assert_eq!((status, fixture.scheduled().len()), (200, 0));
    fixture.call("PUT", order, &merchant::notification(Some(CALLBACK_URL))).await;
    assert!(fixture.scheduled().is_empty(), "it stays silent");

    let (fixture, _) = notify(fault("answer_twice"), Some(CALLBACK_URL)).await;
    assert_eq!(fixture.scheduled(), [1, 2]);
    assert_eq!(fixture.deliver().await, [Ok(()), Ok(())]);
    assert_eq!(fixture.posted().len(), 2);
}

#[tokio::test]
async fn fault_matches_its_order_and_consumer_for_its_number_of_calls() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.intent("ord_1").await, fixture.intent("ord_2").await);
    fixture.fault(json!({ "partner": "payment", "operation": "*", "consumer_id": "con_1", "order_id": "ord_1", "kind": "fail_before", "times": 2 })).await;
    fixture.fault(json!({ "partner": "payment", "operation": "confirm", "consumer_id": "con_2", "kind": "fail_before" })).await;
    assert_eq!(confirm(&fixture, &two, "k").await, 200);
    assert_eq!(confirm(&fixture, &one, "k").await, 503);
    assert_eq!(fixture.operate("GET", "faults", &Value::Null).await.1["faults"][0]["times"], 1);
    assert_eq!(fixture.get(&format!("/payment/v1/payment_intents/{one}")).await.0, 503);
    assert_eq!(confirm(&fixture, &one, "k").await, 200);
    let (_, left) = fixture.operate("GET", "faults", &Value::Null).await;
    assert_eq!((left["faults"].as_array().unwrap().len(), &left["faults"][0]["consumer_id"]), (1, &json!("con_2")));
    assert_eq!(fixture.operate("DELETE", "faults", &Value::Null).await.0, 204);
    assert_eq!(fixture.operate("GET", "faults", &Value::Null).await.1, json!({ "faults": [] }));
}

#[tokio::test]
async fn concurrent_calls_consume_a_fault_exactly_as_often_as_it_was_set() {
    let fixture = Fixture::new();
    fixture.fault(json!({ "partner": "payment", "operation": "create", "kind": "fail_before", "times": 3 })).await;
    const CREATE: &Operation = &Operation::effect("create");
    let call = Call { partner: Partner::Payment, operation: CREATE, order_id: None, consumer_id: None, key: None };
    let taken = futures::future::try_join_all((0..10).map(|_| faults::take(&fixture.sandbox.documents, &call))).await.unwrap();
    assert_eq!(taken.iter().flatten().count(), 3);
}

#[tokio::test]
async fn invalid_fault_is_refused_by_field() {
    let fixture = Fixture::new();
    for (fault, field) in [
        (json!({ "partner": "payment", "operation": "confirm", "kind": "explode" }), "kind"),
        (json!({ "partner": "payment", "operation": "confirm", "kind": "refuse" }), "kind"),
        (json!({ "partner": "payment", "operation": "lookup", "kind": "late_effect", "milliseconds": 1 }), "kind"),
        (json!({ "partner": "payment", "operation": "deliver", "kind": "fail_before" }), "operation"),
        (json!({ "partner": "bank", "operation": "*", "kind": "fail_before" }), "partner"),
        (json!({ "partner": "payment", "operation": "*", "kind": "hang" }), "milliseconds"),
        (json!({ "partner": "payment", "operation": "*", "kind": "hang", "milliseconds": 25_001 }), "milliseconds"),
        (json!({ "partner": "payment", "operation": "*", "kind": "fail_before", "times": 0 }), "times"),
        (json!({ "partner": "payment", "operation": "*", "kind": "fail_before", "tmes": 1 }), "tmes"),
    ] {
        let (status, body) = fixture.operate("POST", "faults", &fault).await;
        assert_eq!((status, body["field"].as_str()), (400, Some(field)), "{fault}: {body}");
    }
    assert_eq!(fixture.operate("GET", "faults", &Value::Null).await.1, json!({ "faults": [] }));
}

#[tokio::test]
async fn only_operators_set_faults_and_read_books() {
    let fixture = Fixture::new();
    for (method, path) in [("POST", "faults"), ("GET", "faults"), ("DELETE", "faults"), ("GET", "books/ord_1")] {
        let mut request = json_request(method, &format!("/v1/ops/sandbox/{path}"), &fault("fail_before"));
        let (status, body) = fixture.send(request.clone()).await;
        assert_eq!((status, &body["code"]), (401, &json!("Token.Missing")));
        request.headers.push(("authorization".into(), format!("Bearer {}", token(&["consumer"]))));
        let (status, body) = fixture.send(request).await;
        assert_eq!((status, &body["code"]), (403, &json!("Token.RoleMissing")));
    }
    assert_eq!(fixture.operate("GET", "nothing", &Value::Null).await.0, 404);
}
