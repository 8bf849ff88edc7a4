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
async fn newest_version_is_kept() {
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
async fn injected_failure_is_followed_by_success() {
    let fixture = Fixture::new();
    fixture.fault(json!({ "partner": "legacy", "operation": "upsert", "kind": "fail_before", "consumer_id": "con_1" })).await;
    assert_eq!(fixture.call("PUT", ORDER, &at(1, "SUBMITTED")).await.0, 503);
    assert_eq!(fixture.books("ord_1").await["legacy_order"], Value::Null);
    assert_eq!(fixture.call("PUT", ORDER, &at(1, "SUBMITTED")).await.0, 200);
    let calls = fixture.books("ord_1").await["calls"].take();
    assert_eq!((&calls[0]["outcome"], &calls[1]["outcome"]), (&json!("nothing"), &json!("done")));
}

#[tokio::test]
async fn malformed_order_or_mismatched_id_is_refused() {
    let fixture = Fixture::new();
    for body in [json!({}), Value::from("x"), json!({ "id": "ord_2" })] {
        assert_eq!(fixture.call("PUT", ORDER, &body).await.0, 400);
    }
    assert_eq!(fixture.call("PUT", "/legacy/orders/ord_2", &at(1, "SUBMITTED")).await.0, 400);
    assert_eq!(fixture.get(ORDER).await.0, 404);
}

/// `quantity` ramen at 3.33, with a service fee of 10 % and a tax of 5 %.
fn asked(market: &str, currency: &str, quantity: u32) -> Value {
    json!({
        "quote_id": "quo_1", "consumer_id": "con_1", "market": market,
        "context": {
            "currency": currency,
            "lines": [{ "item_id": "itm_1", "name": "Ramen", "quantity": quantity, "unit_price": 333 }],
            "fees": [{ "code": "service", "name": "Service fee", "amount": { "of_subtotal": { "rate": "0.1", "min": 0, "max": 9_999 } }, "tax_class": "standard" }],
            "taxes": { "rates": [{ "code": "tax", "name": "Tax", "rate": "0.05" }] },
        },
    })
}

#[tokio::test]
async fn prices_equal_the_engines_except_for_the_two_bugs() {
    let fixture = Fixture::new();
    for (market, currency, quantity, tax, total) in [
        // 5 % of 9.99 is 0.50, of the fee of 1.00 it is 0.05.
        ("PR", "USD", 3, 55, 999 + 100 + 55),
        // Three times 5 % of 3.33, 0.17 each, and 0.05.
        ("CA", "CAD", 3, 56, 999 + 100 + 56),
        // 5 % of 96.57 is 4.83, of the fee of 9.66 it is 0.48.
        ("US", "USD", 29, 531, 9_657 + 966 + 531),
        // 5 % of 103.23 is 5.16; no fee.
        ("US", "USD", 31, 516, 10_323 + 516),
    ] {
        let (status, price) = fixture.call("POST", "/legacy/prices", &asked(market, currency, quantity)).await;
        assert_eq!(status, 200, "{price}");
        let said = (&price["taxes"][0]["amount"]["minor"], &price["total"]["minor"]);
        assert_eq!(said, (&json!(tax), &json!(total)), "{market} {quantity}: {price}");
    }
    assert_eq!(fixture.call("POST", "/legacy/prices", &json!({ "market": "CA" })).await.0, 400);
}

#[tokio::test]
async fn price_fails_on_demand() {
    let fixture = Fixture::new();
    fixture.fault(json!({ "partner": "legacy", "operation": "price", "kind": "fail_before", "consumer_id": "con_1" })).await;
    assert_eq!(fixture.call("POST", "/legacy/prices", &asked("CA", "CAD", 3)).await.0, 503);
    assert_eq!(fixture.call("POST", "/legacy/prices", &asked("CA", "CAD", 3)).await.0, 200);
}
