use super::*;

pub(super) fn delivery(order_id: &str) -> Value {
    json!({
        "order_id": order_id,
        "consumer_id": "con_1",
        "pickup": { "name": "Ramen Bar", "address": "1 Main Street", "lat": 37.770, "lng": -122.420 },
        "dropoff": { "name": "Ada", "phone": "+15550100", "address": "2 Side Street", "lat": 37.780, "lng": -122.410 },
        "ready_in_minutes": 15,
    })
}

#[tokio::test]
async fn delivery_is_scheduled_found_and_cancelled() {
    let fixture = Fixture::new();
    let (status, made) = fixture.call("POST", "/logistics/v1/deliveries", &delivery("ord_1")).await;
    assert_eq!((status, &made["status"]), (201, &json!("scheduled")));
    // 1.4 km at 333 m a minute, after 15 minutes in the kitchen.
    assert_eq!(made["eta_minutes"], 20);
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("dlv_ord_1_"));

    let (_, found) = fixture.get("/logistics/v1/deliveries?order_id=ord_1").await;
    assert_eq!(found, json!({ "deliveries": [made] }));
    assert_eq!(fixture.get("/logistics/v1/deliveries?order_id=ord_2").await.1, json!({ "deliveries": [] }));
    assert_eq!(fixture.summary("ord_1").await["live_deliveries"], 1);

    for _ in 0..2 {
        let (status, cancelled) = fixture.call("POST", &format!("/logistics/v1/deliveries/{id}/cancel"), &Value::Null).await;
        assert_eq!((status, &cancelled["status"]), (200, &json!("cancelled")));
    }
    assert_eq!(fixture.summary("ord_1").await["live_deliveries"], 0);
    // A late duplicate of the first call doesn't schedule a courier again.
    let (_, again) = fixture.call("POST", "/logistics/v1/deliveries", &delivery("ord_1")).await;
    assert_eq!(again["status"], "cancelled");
}

#[tokio::test]
async fn key_creates_one_delivery() {
    let fixture = Fixture::new();
    let (_, first) = fixture.call("POST", "/logistics/v1/deliveries", &delivery("ord_1")).await;
    assert_eq!(fixture.call("POST", "/logistics/v1/deliveries", &delivery("ord_1")).await, (201, first));
    let mut other = delivery("ord_1");
    other["ready_in_minutes"] = 30.into();
    let (status, body) = fixture.call("POST", "/logistics/v1/deliveries", &other).await;
    assert_eq!((status, &body["code"]), (409, &json!("idempotency_key_reused")));
    assert_eq!(fixture.summary("ord_1").await["live_deliveries"], 1);
}

#[tokio::test]
async fn missing_key_is_refused_and_unknown_deliveries_are_not_found() {
    let fixture = Fixture::new();
    let mut request = json_request("POST", "/logistics/v1/deliveries", &delivery("ord_1"));
    request.headers.clear();
    let (status, body) = fixture.send(request).await;
    assert_eq!((status, &body["code"]), (400, &json!("idempotency_key_missing")));
    for id in ["dlv_ord_1_0", "nonsense"] {
        assert_eq!(fixture.call("POST", &format!("/logistics/v1/deliveries/{id}/cancel"), &Value::Null).await.0, 404);
    }
    assert_eq!(fixture.get("/logistics/v1/deliveries").await.0, 400);
}

#[tokio::test]
async fn delivery_range_is_twelve_kilometres() {
    let fixture = Fixture::new();
    let coverage = async |lat: f64| {
        let points = json!({ "from": { "lat": 37.77, "lng": -122.42 }, "to": { "lat": lat, "lng": -122.42 } });
        fixture.call("POST", "/logistics/v1/coverage", &points).await.1
    };
    assert_eq!(coverage(37.77).await, json!({ "available": true, "distance_metres": 0 }));
    assert_eq!(coverage(37.877).await["available"], true);
    assert_eq!(coverage(37.879).await["available"], false);
    let mut far = delivery("ord_1");
    far["dropoff"]["lat"] = 38.5.into();
    let (status, body) = fixture.call("POST", "/logistics/v1/deliveries", &far).await;
    assert_eq!((status, &body["code"]), (422, &json!("out_of_range")));
    assert_eq!(fixture.summary("ord_1").await["live_deliveries"], 0);
}
