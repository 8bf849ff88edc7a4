use super::*;
use carryout_lambda::signature::verify_webhook;

const ORDER: &str = "/merchant/v1/stores/sto_1/orders/ord_1";

pub(super) fn notification(answer_to: Option<&str>) -> Value {
    json!({ "consumer_id": "con_1", "consumer_name": "Ada", "fulfilment": "delivery", "lines": [{ "name": "Ramen", "quantity": 2 }], "answer_to": answer_to })
}

#[tokio::test]
async fn order_is_received_once_and_can_be_cancelled() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get(ORDER).await.0, 404);
    for _ in 0..2 {
        assert_eq!(fixture.call("PUT", ORDER, &notification(None)).await, (200, json!({ "status": "received" })));
    }
    assert!(fixture.scheduled().is_empty(), "no answer was requested");
    assert_eq!(fixture.get(ORDER).await.1["status"], "received");
    for _ in 0..2 {
        let (status, body) = fixture.call("POST", &format!("{ORDER}/cancel"), &Value::Null).await;
        assert_eq!((status, &body["status"]), (200, &json!("cancelled")));
    }
    assert_eq!(fixture.summary("ord_1").await["merchant_status"], "cancelled");
    assert_eq!(fixture.books("ord_1").await["merchant_orders"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn order_cancelled_before_its_notification_stays_cancelled() {
    let fixture = Fixture::new();
    let (status, body) = fixture.call("POST", &format!("{ORDER}/cancel"), &Value::Null).await;
    assert_eq!((status, &body["status"]), (200, &json!("cancelled")));
    let (status, body) = fixture.call("PUT", ORDER, &notification(Some(CALLBACK_URL))).await;
    assert_eq!((status, &body["code"]), (409, &json!("order_cancelled")));
    assert!(fixture.scheduled().is_empty());
    assert_eq!(fixture.summary("ord_1").await["merchant_status"], "cancelled");
}

#[tokio::test]
async fn store_answers_on_request_with_a_signature() {
    let fixture = Fixture::new();
    for _ in 0..2 {
        let request = json_request("PUT", ORDER, &notification(Some(CALLBACK_URL)));
        fixture.send(Request { correlation_id: "client-1".into(), ..request }).await;
    }
    assert_eq!(fixture.scheduled(), [1]);
    assert_eq!(fixture.deliver().await, [Ok(())]);
    let posted = fixture.posted();
    let [(url, headers, body)] = posted.as_slice() else { panic!("{posted:?}") };
    assert_eq!(url, CALLBACK_URL);
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), json!({ "order_id": "ord_1", "answer": "accepted", "reason": "" }));
    assert_eq!(headers[0].0, "Carryout-Signature");
    assert_eq!(headers[1], ("X-Correlation-Id".to_owned(), "client-1".to_owned()));
    verify_webhook(&keys(), Some(&headers[0].1), body.as_bytes(), START_MS / 1_000, 0).unwrap();
    assert_eq!(fixture.summary("ord_1").await["merchant_status"], "accepted");
}

#[tokio::test]
async fn lost_answer_is_retried_and_a_refused_one_is_not() {
    for (receiver, again) in [(Some(500), true), (None, true), (Some(404), false)] {
        let fixture = Fixture::new();
        fixture.call("PUT", ORDER, &notification(Some(CALLBACK_URL))).await;
        fixture.receiver(receiver);
        let results = fixture.deliver().await;
        assert_eq!(results[0].is_err(), again, "{receiver:?}");
        assert_eq!(fixture.books("ord_1").await["merchant_orders"][0]["answers"], json!([receiver]));
        // A receiver that rejected the answer gets another one on a new notification.
        fixture.call("PUT", ORDER, &notification(Some(CALLBACK_URL))).await;
        assert_eq!(fixture.scheduled().len(), usize::from(!again));
    }
}

#[tokio::test]
async fn store_does_not_answer_for_a_cancelled_order() {
    let fixture = Fixture::new();
    fixture.call("PUT", ORDER, &notification(Some(CALLBACK_URL))).await;
    fixture.call("POST", &format!("{ORDER}/cancel"), &Value::Null).await;
    assert_eq!(fixture.deliver().await, [Ok(())]);
    assert!(fixture.posted().is_empty());
    assert_eq!(fixture.summary("ord_1").await["merchant_status"], "cancelled");
}

#[tokio::test]
async fn stores_answer_to_allowed_addresses_only() {
    let fixture = Fixture::new();
    for url in ["http://169.254.169.254/latest", "https://api.example.com.evil.test/v1/webhooks/merchants"] {
        let (status, body) = fixture.call("PUT", ORDER, &notification(Some(url))).await;
        assert_eq!((status, &body["code"]), (400, &json!("invalid_request")));
    }
    assert_eq!(fixture.get(ORDER).await.0, 404);
}
