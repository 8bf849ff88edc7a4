use super::*;
use carryout_lambda::signature::verify_payment_webhook;

#[tokio::test]
async fn payment_is_authorized_captured_and_refunded() {
    let fixture = Fixture::new();
    let id = fixture.intent("ord_1").await;
    assert!(id.starts_with("pi_ord_1_"));
    let (_, intent) = fixture.get(&format!("/payment/v1/payment_intents/{id}")).await;
    assert_eq!((&intent["object"], &intent["status"]), (&json!("payment_intent"), &json!("requires_payment_method")));
    assert_eq!((&intent["metadata"]["order_id"], &intent["created"]), (&json!("ord_1"), &json!(START_MS / 1_000)));

    let (status, held) = fixture.pay(&format!("payment_intents/{id}/confirm"), "k1", &[("payment_method", "pm_card_visa")]).await;
    assert_eq!((status, &held["amount_capturable"], &held["amount_received"]), (200, &json!(2000), &json!(0)));

    let (status, taken) = fixture.pay(&format!("payment_intents/{id}/capture"), "k2", &[("amount_to_capture", "1500")]).await;
    assert_eq!((status, &taken["status"]), (200, &json!("succeeded")));
    assert_eq!((&taken["amount_received"], &taken["amount_capturable"]), (&json!(1500), &json!(0)));

    let (status, refund) = fixture.pay("refunds", "k3", &[("payment_intent", &id), ("amount", "500")]).await;
    assert_eq!(
        (status, &refund["status"], &refund["amount"], &refund["charge"]),
        (200, &json!("succeeded"), &json!(500), &taken["latest_charge"])
    );
    let (_, rest) = fixture.pay("refunds", "k4", &[("payment_intent", &id)]).await;
    assert_eq!(rest["amount"], 1000);

    let (_, refunds) = fixture.get(&format!("/payment/v1/refunds?payment_intent={id}&limit=100")).await;
    assert_eq!(refunds["data"], json!([rest, refund]));
    assert_eq!(fixture.summary("ord_1").await["net_charged"], 0);
}

#[tokio::test]
async fn key_acts_once_and_repeats_its_reply() {
    let fixture = Fixture::new();
    let (_, first) = fixture.pay("payment_intents", "create", &create_form("ord_1")).await;
    let id = first["id"].as_str().unwrap().to_owned();
    let confirm = format!("payment_intents/{id}/confirm");
    let (_, confirmed) = fixture.pay(&confirm, "k", &[("payment_method", "pm_card_visa")]).await;
    fixture.pass(1_000);
    // The same key on another operation is another key.
    let (_, captured) = fixture.pay(&format!("payment_intents/{id}/capture"), "k", &[]).await;
    assert_eq!(captured["status"], "succeeded");

    assert_eq!(fixture.pay("payment_intents", "create", &create_form("ord_1")).await, (200, first));
    assert_eq!(fixture.pay(&confirm, "k", &[("payment_method", "pm_card_visa")]).await, (200, confirmed));
    for _ in 0..2 {
        let (status, _) = fixture.pay("refunds", "r", &[("payment_intent", &id), ("amount", "100")]).await;
        assert_eq!(status, 200);
    }
    let books = fixture.books("ord_1").await;
    assert_eq!(
        (books["payment_intents"].as_array().unwrap().len(), &books["summary"]["charges"], &books["summary"]["refunded"]),
        (1, &json!(1), &json!(100))
    );
}

#[tokio::test]
async fn replayed_reply_is_marked() {
    let fixture = Fixture::new();
    fixture.intent("ord_1").await;
    let replay =
        fixture.sandbox.clone().handle(payment_request("payment_intents", "create", &create_form("ord_1"))).await.unwrap();
    assert_eq!(replay.header_value("Idempotent-Replayed"), Some("true"));
}

#[tokio::test]
async fn key_with_other_parameters_is_an_error() {
    let fixture = Fixture::new();
    let id = fixture.intent("ord_1").await;
    let mut form = create_form("ord_1");
    form[0] = ("amount", "2001");
    let confirm = format!("payment_intents/{id}/confirm");
    fixture.pay(&confirm, "k", &[("payment_method", "pm_card_visa")]).await;
    for (status, body) in [
        fixture.pay("payment_intents", "create", &form).await,
        fixture.pay(&confirm, "k", &[("payment_method", "pm_other")]).await,
    ] {
        assert_eq!((status, &body["error"]["type"]), (400, &json!("idempotency_error")));
    }
    assert_eq!(fixture.summary("ord_1").await["authorized"], 2000);
}

#[tokio::test]
async fn concurrent_duplicates_create_one_intent() {
    let fixture = Fixture::new();
    let form = create_form("ord_1");
    let calls = (0..5).map(|_| fixture.pay("payment_intents", "create", &form));
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer == &answers[0]));
    let (_, list) = fixture.get("/payment/v1/payment_intents").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn test_cards_are_declined_as_stripe_does() {
    for (method, code, decline_code) in [
        ("pm_card_visa_chargeDeclined", "card_declined", json!("generic_decline")),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", json!("insufficient_funds")),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", Value::Null),
    ] {
        let fixture = Fixture::new();
        let id = fixture.intent("ord_1").await;
        let confirm = format!("payment_intents/{id}/confirm");
        let (status, body) = fixture.pay(&confirm, "k1", &[("payment_method", method)]).await;
        let error = &body["error"];
        assert_eq!(
            (status, &error["type"], &error["code"], &error["decline_code"]),
            (402, &json!("card_error"), &json!(code), &decline_code)
        );
        assert_eq!(error["payment_intent"]["status"], "requires_payment_method");
        assert!(error["message"].is_string());
        // The refusal is stored under its key; another key may try another card.
        assert_eq!(fixture.pay(&confirm, "k1", &[("payment_method", method)]).await.0, 402);
        assert_eq!(fixture.pay(&confirm, "k2", &[("payment_method", "pm_card_visa")]).await.0, 200);
    }
}

#[tokio::test]
async fn each_status_guards_its_transitions() {
    let fixture = Fixture::new();
    let unexpected = async |path: String, key: &str| {
        let (status, body) = fixture.pay(&path, key, &[]).await;
        assert_eq!((status, &body["error"]["code"]), (400, &json!("payment_intent_unexpected_state")), "{path}");
        assert!(body["error"]["payment_intent"]["id"].is_string());
    };
    let fresh = fixture.intent("ord_1").await;
    unexpected(format!("payment_intents/{fresh}/confirm"), "without-a-card").await;
    unexpected(format!("payment_intents/{fresh}/capture"), "a").await;
    let (status, _) = fixture.pay("refunds", "early", &[("payment_intent", &fresh)]).await;
    assert_eq!(status, 400);

    let held = fixture.authorized("ord_2").await;
    unexpected(format!("payment_intents/{held}/confirm"), "again").await;
    let (_, canceled) = fixture.pay(&format!("payment_intents/{held}/cancel"), "b", &[]).await;
    assert_eq!((&canceled["status"], &canceled["amount_capturable"]), (&json!("canceled"), &json!(0)));
    for operation in ["confirm", "capture", "cancel"] {
        unexpected(format!("payment_intents/{held}/{operation}"), "c").await;
    }

    let taken = fixture.authorized("ord_3").await;
    fixture.pay(&format!("payment_intents/{taken}/capture"), "d", &[]).await;
    for operation in ["confirm", "capture", "cancel"] {
        unexpected(format!("payment_intents/{taken}/{operation}"), "e").await;
    }
}

#[tokio::test]
async fn amounts_are_bounded() {
    let fixture = Fixture::new();
    let id = fixture.authorized("ord_1").await;
    let code = async |path: &str, key: &str, form: &[(&str, &str)]| fixture.pay(path, key, form).await.1["error"]["code"].take();
    let capture = format!("payment_intents/{id}/capture");
    assert_eq!(code(&capture, "a", &[("amount_to_capture", "2001")]).await, "amount_too_large");
    assert_eq!(code(&capture, "b", &[("amount_to_capture", "x")]).await, "parameter_invalid_integer");
    assert_eq!(code(&capture, "c", &[("amount_to_capture", "0")]).await, "parameter_invalid_integer");
    fixture.pay(&capture, "d", &[]).await;
    assert_eq!(code("refunds", "e", &[("payment_intent", &id), ("amount", "2001")]).await, "amount_too_large");
    fixture.pay("refunds", "f", &[("payment_intent", &id)]).await;
    assert_eq!(code("refunds", "g", &[("payment_intent", &id)]).await, "charge_already_refunded");
    assert_eq!(code("payment_intents", "h", &[("currency", "usd")]).await, "parameter_missing");
    assert_eq!(code("payment_intents", "i", &[("amount", "1"), ("currency", "dollars")]).await, "parameter_invalid");
}

#[tokio::test]
async fn unknown_intents_are_not_found() {
    let fixture = Fixture::new();
    for id in ["pi_ord_1_00000000000000000000", "pi_x", "nonsense"] {
        let (status, body) = fixture.get(&format!("/payment/v1/payment_intents/{id}")).await;
        assert_eq!((status, &body["error"]["code"]), (404, &json!("resource_missing")), "{id}");
        assert_eq!(fixture.pay(&format!("payment_intents/{id}/cancel"), "k", &[]).await.0, 404);
    }
    assert_eq!(fixture.get("/payment/v1/nothing").await.0, 404);
}

#[tokio::test]
async fn api_key_and_form_are_checked() {
    let fixture = Fixture::new();
    for authorization in ["", "Bearer ", "Basic sk_test_1"] {
        let mut request = payment_request("payment_intents", "k", &create_form("ord_1"));
        request.headers[0].1 = authorization.into();
        let (status, body) = fixture.send(request).await;
        assert_eq!((status, &body["error"]["type"]), (401, &json!("invalid_request_error")));
    }
    let (status, _) = fixture.call("POST", "/payment/v1/payment_intents", &json!({ "amount": 1 })).await;
    assert_eq!(status, 400);
    assert_eq!(fixture.books("ord_1").await["payment_intents"], json!([]));
}

#[tokio::test]
async fn intents_are_listed_newest_first_page_by_page() {
    let fixture = Fixture::new();
    let mut ids = Vec::new();
    for order in 0..5 {
        ids.push(fixture.intent(&format!("ord_{order}")).await);
        // Across minutes and within one.
        fixture.pass(if order % 2 == 0 { 61_000 } else { 1_000 });
    }
    ids.reverse();
    let page = async |query: String| {
        let (status, body) = fixture.get(&format!("/payment/v1/payment_intents?{query}")).await;
        assert_eq!(status, 200, "{body}");
        let found: Vec<String> =
            body["data"].as_array().unwrap().iter().map(|intent| intent["id"].as_str().unwrap().to_owned()).collect();
        (found, body["has_more"].as_bool().unwrap())
    };
    assert_eq!(page(String::new()).await, (ids.clone(), false));
    assert_eq!(page("limit=2".into()).await, (ids[..2].to_vec(), true));
    assert_eq!(page(format!("limit=2&starting_after={}", ids[1])).await, (ids[2..4].to_vec(), true));
    assert_eq!(page(format!("limit=2&starting_after={}", ids[3])).await, (ids[4..].to_vec(), false));
    let (_, third) = fixture.get(&format!("/payment/v1/payment_intents/{}", ids[2])).await;
    assert_eq!(page(format!("created[gte]={}", third["created"])).await.0, ids[..3]);
    assert_eq!(page(format!("created[lte]={}", third["created"])).await.0, ids[2..]);
    assert_eq!(fixture.get("/payment/v1/payment_intents?limit=0").await.0, 400);
    assert_eq!(fixture.get("/payment/v1/payment_intents?starting_after=pi_none_0").await.0, 404);
}

#[tokio::test]
async fn events_are_sent_once_to_the_subscriber() {
    let fixture = Fixture::new();
    let quiet = fixture.intent("ord_0").await;
    fixture.pay(&format!("payment_intents/{quiet}/cancel"), "k0", &[]).await;
    assert!(fixture.world.inside(|inside| inside.scheduled.is_empty()), "no subscriber");

    let elsewhere = fixture.pay("webhook_endpoints", "s", &[("url", "https://evil.test/v1/webhooks/payments")]).await;
    assert_eq!((elsewhere.0, &elsewhere.1["error"]["code"]), (400, &json!("url_invalid")));
    let url = "https://api.example.com/v1/webhooks/payments";
    assert_eq!(fixture.pay("webhook_endpoints", "s", &[("url", url)]).await.0, 200);

    let id = fixture.intent("ord_1").await;
    for _ in 0..2 {
        fixture.pay(&format!("payment_intents/{id}/confirm"), "k1", &[("payment_method", "pm_card_visa")]).await;
        fixture.pay(&format!("payment_intents/{id}/capture"), "k2", &[]).await;
        fixture.pay("refunds", "k3", &[("payment_intent", &id), ("metadata[effect]", "ord_1/x")]).await;
    }
    let poor = fixture.intent("ord_2").await;
    fixture.pay(&format!("payment_intents/{poor}/confirm"), "k4", &[("payment_method", "pm_card_chargeDeclined")]).await;
    fixture.pay(&format!("payment_intents/{poor}/cancel"), "k5", &[]).await;

    let scheduled = fixture.world.inside(|inside| std::mem::take(&mut inside.scheduled));
    let told: Vec<(String, String)> = scheduled
        .into_iter()
        .map(|(callback, delay)| {
            let Callback::PaymentEvent(event) = callback else { panic!("{callback:?}") };
            assert_eq!(delay, 0);
            let event: Value = serde_json::from_str(&event.body).unwrap();
            let order = &event["data"]["object"]["metadata"];
            let order = order["order_id"].as_str().or(order["effect"].as_str()).unwrap();
            (event["type"].as_str().unwrap().to_owned(), order.to_owned())
        })
        .collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(kind, order)| (kind.as_str(), order.as_str())).collect();
    let expected = [
        ("payment_intent.amount_capturable_updated", "ord_1"),
        ("payment_intent.succeeded", "ord_1"),
        ("refund.updated", "ord_1/x"),
        ("payment_intent.payment_failed", "ord_2"),
        ("payment_intent.canceled", "ord_2"),
    ];
    assert_eq!(told, expected, "a repeated key sends no event again");
}

#[tokio::test]
async fn event_is_signed_when_sent_and_retried_until_accepted() {
    let fixture = Fixture::new();
    let url = "https://api.example.com/v1/webhooks/payments";
    fixture.pay("webhook_endpoints", "s", &[("url", url)]).await;
    let id = fixture.intent("ord_1").await;
    fixture.pay(&format!("payment_intents/{id}/confirm"), "k1", &[("payment_method", "pm_card_visa")]).await;
    let scheduled = fixture.world.inside(|inside| inside.scheduled.clone());
    for (receiver, taken) in [(None, false), (Some(503), false), (Some(400), true), (Some(200), true)] {
        fixture.receiver(receiver);
        fixture.world.inside(|inside| inside.scheduled.clone_from(&scheduled));
        let delivered: Vec<bool> = fixture.deliver().await.iter().map(Result::is_ok).collect();
        assert_eq!(delivered, [taken], "{receiver:?}");
    }
    let (to, headers, body) = fixture.posted().remove(0);
    let signature = headers.iter().find(|(name, _)| name == "Stripe-Signature").map(|(_, value)| value.as_str());
    assert_eq!(to, url);
    verify_payment_webhook(&keys(), signature, body.as_bytes(), START_MS / 1_000, 300).unwrap();
}
