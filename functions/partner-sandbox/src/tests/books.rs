use super::*;

#[tokio::test]
async fn unknown_order_has_empty_books() {
    let fixture = Fixture::new();
    let (status, books) = fixture.operate("GET", "books/ord_unknown", &Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(
        books,
        json!({
            "order_id": "ord_unknown",
            "payment_intents": [],
            "refunds": [],
            "deliveries": [],
            "merchant_orders": [],
            "fraud_checks": [],
            "legacy_order": null,
            "vendor_requests": [],
            "calls": [],
            "summary": {
                "authorized": 0, "captured": 0, "refunded": 0, "net_charged": 0, "charges": 0, "live_deliveries": 0, "merchant_status": null,
            },
        })
    );
}

#[tokio::test]
async fn summary_covers_all_partners() {
    let fixture = Fixture::new();
    let id = fixture.authorized("ord_1").await;
    fixture.call("POST", "/logistics/v1/deliveries", &logistics::delivery("ord_1")).await;
    fixture.call("PUT", "/merchant/v1/stores/sto_1/orders/ord_1", &merchant::notification(None)).await;
    fixture.pay(&format!("payment_intents/{id}/capture"), "c", &[("amount_to_capture", "1800")]).await;
    fixture.pay("refunds", "r", &[("payment_intent", &id), ("amount", "300")]).await;
    // A second charge is visible.
    fixture.pay("payment_intents", "other", &create_form("ord_1")).await;
    assert_eq!(
        fixture.summary("ord_1").await,
        json!({
            "authorized": 0, "captured": 1800, "refunded": 300, "net_charged": 1500, "charges": 1, "live_deliveries": 1, "merchant_status": "received",
        })
    );
}

#[tokio::test]
async fn calls_are_recorded_in_order() {
    let fixture = Fixture::new();
    let id = fixture.authorized("ord_1").await;
    fixture.pass(5);
    fixture.pay(&format!("payment_intents/{id}/confirm"), "again", &[]).await;
    fixture.get(&format!("/payment/v1/payment_intents/{id}")).await;
    let calls = fixture.books("ord_1").await["calls"].take();
    let seen: Vec<(&str, &str, &str)> = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| (call["operation"].as_str().unwrap(), call["key"].as_str().unwrap(), call["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ("create", "create", "done"),
            ("confirm", "confirm", "done"),
            ("confirm", "again", "refused"),
            ("lookup", "key", "done")
        ]
    );
    assert_eq!((&calls[2]["partner"], &calls[2]["at"]), (&json!("payment"), &json!(START_MS + 5)));
}
