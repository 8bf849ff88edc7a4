use super::*;

const ORDER: &str = "/legacy/orders/ord_1";

fn at(version: u64, status: &str) -> Value {
    let money = json!({ "minor": 1_450, "currency": "USD" });
    json!({
        "id": "ord_1", "version": version, "status": status, "country": "US", "fulfilment": "pickup",
        "consumer": { "id": "con_1", "name": "Ada" }, "store": { "id": "sto_1", "name": "Golden Wok" },
        "lines": [{ "item_id": "itm_1", "name": "Ramen", "quantity": 1, "amount": money }], "total": money,
        "created_at": START_MS, "updated_at": START_MS, "correlation_id": "client-1",
    })
}

#[tokio::test]
async fn the_newest_version_stays() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get(ORDER).await.0, 404);
    for (version, status, applied) in
        [(2, "PROCESSING", true), (1, "SUBMITTED", false), (5, "PLACED", true), (5, "PLACED", false)]
    {
        assert_eq!(fixture.call("PUT", ORDER, &at(version, status)).await, (200, json!({ "applied": applied })));
    }
    assert_eq!(fixture.get(ORDER).await, (200, at(5, "PLACED")));
    assert_eq!(fixture.books("ord_1").await["legacy_order"], at(5, "PLACED"));
}

#[tokio::test]
async fn it_fails_as_told_and_takes_the_order_afterwards() {
    let fixture = Fixture::new();
    fixture.fault(json!({ "partner": "legacy", "operation": "upsert", "kind": "fail_before", "consumer_id": "con_1" })).await;
    assert_eq!(fixture.call("PUT", ORDER, &at(1, "SUBMITTED")).await.0, 503);
    assert_eq!(fixture.books("ord_1").await["legacy_order"], Value::Null);
    assert_eq!(fixture.call("PUT", ORDER, &at(1, "SUBMITTED")).await.0, 200);
    let calls = fixture.books("ord_1").await["calls"].take();
    assert_eq!((&calls[0]["outcome"], &calls[1]["outcome"]), (&json!("nothing"), &json!("done")));
}

#[tokio::test]
async fn an_order_must_be_one_and_under_its_own_id() {
    let fixture = Fixture::new();
    for body in [json!({}), Value::from("x"), json!({ "id": "ord_2" })] {
        assert_eq!(fixture.call("PUT", ORDER, &body).await.0, 400);
    }
    assert_eq!(fixture.call("PUT", "/legacy/orders/ord_2", &at(1, "SUBMITTED")).await.0, 400);
    assert_eq!(fixture.get(ORDER).await.0, 404);
}
