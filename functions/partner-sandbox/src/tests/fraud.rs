use super::*;

fn check() -> Value {
    json!({ "order_id": "ord_1", "consumer_id": "con_1", "amount": 2000, "currency": "USD", "account_age_days": 400, "orders_placed": 12, "abroad": false })
}

#[tokio::test]
async fn ordinary_order_is_approved_and_one_with_all_signs_is_rejected() {
    let fixture = Fixture::new();
    let (status, answer) = fixture.call("POST", "/fraud/v1/checks", &check()).await;
    assert_eq!((status, answer), (200, json!({ "decision": "approve", "score": 5, "reason": "nothing unusual" })));

    let mut suspicious = check();
    for (member, value) in [("account_age_days", json!(1)), ("amount", json!(50_001)), ("abroad", json!(true))] {
        suspicious[member] = value;
    }
    let (_, answer) = fixture.call("POST", "/fraud/v1/checks", &suspicious).await;
    assert_eq!(answer, json!({ "decision": "reject", "score": 95, "reason": "new account, large amount, abroad" }));
    suspicious["orders_placed"] = 0.into();
    assert_eq!(fixture.call("POST", "/fraud/v1/checks", &suspicious).await.1["score"], 100);
    for (member, harmless) in [("account_age_days", json!(2)), ("amount", json!(50_000)), ("abroad", json!(false))] {
        let mut less = suspicious.clone();
        less[member] = harmless;
        assert_eq!(fixture.call("POST", "/fraud/v1/checks", &less).await.1["decision"], "approve", "{member}");
    }
}

#[tokio::test]
async fn repeated_check_is_recorded_once() {
    let fixture = Fixture::new();
    for _ in 0..2 {
        fixture.call("POST", "/fraud/v1/checks", &check()).await;
    }
    let books = fixture.books("ord_1").await;
    assert_eq!(books["fraud_checks"].as_array().unwrap().len(), 1);
    assert_eq!(books["fraud_checks"][0]["answer"]["decision"], "approve");
    assert_eq!(books["calls"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn malformed_check_is_refused() {
    let fixture = Fixture::new();
    let mut wrong = check();
    wrong["amount"] = "much".into();
    let (status, body) = fixture.call("POST", "/fraud/v1/checks", &wrong).await;
    assert_eq!((status, &body["code"]), (400, &json!("invalid_request")));
    assert!(body["message"].as_str().unwrap().contains("amount"));
    wrong = check();
    wrong["order_id"] = "a#b".into();
    assert_eq!(fixture.call("POST", "/fraud/v1/checks", &wrong).await.0, 400);
}
