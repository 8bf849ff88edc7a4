//! Requests that are wrong: each is answered with the field that is, and writes nothing.

use crate::harness::{Harness, assert_problem};
use anyhow::Result;
use carryout_aws::DynamoSubmissions;
use carryout_checkout::{
    cart::{MAX_LINES, MAX_QUANTITY},
    ports::Submissions as _,
};
use carryout_lambda::http::MAX_BODY_BYTES;
use carryout_lambda::idempotency::record_id;
use carryout_lambda::ids::new_id;
use carryout_market::{MarketType, ids};
use reqwest::Method;
use serde_json::{Value, json};

struct Wrong {
    body: String,
    status: u16,
    code: &'static str,
    field: Option<&'static str>,
}

/// A change of a valid body, and the field that is wrong then.
fn changed(valid: &Value, change: impl FnOnce(&mut Value), field: &'static str) -> Wrong {
    let mut body = valid.clone();
    change(&mut body);
    Wrong { body: body.to_string(), status: 400, code: "Request.InvalidField", field: Some(field) }
}

fn unreadable(body: &str) -> Wrong {
    Wrong { body: body.to_owned(), status: 400, code: "Request.Malformed", field: None }
}

#[tokio::test]
async fn a_wrong_cart_gets_no_quote() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let cart = serde_json::to_value(fixture.cart())?;
    let line = |quantity: Value| json!({ "item_id": fixture.store.items[0].id, "quantity": quantity });
    let quantity = |quantity: Value| changed(&cart, |cart| cart["lines"][0]["quantity"] = quantity, "lines[0].quantity");
    let field = |name: &'static str, value: Value| changed(&cart, |cart| cart[name] = value, name);
    let without = |name: &'static str| changed(&cart, |cart| drop(cart.as_object_mut().and_then(|cart| cart.remove(name))), name);
    let unknown = |wrong: Wrong, code| Wrong { status: 404, code, ..wrong };
    let many: Vec<Value> = (0..=MAX_LINES).map(|_| json!({ "item_id": new_id("itm"), "quantity": 1 })).collect();

    let cases = [
        unreadable(""),
        unreadable("   "),
        unreadable("{\"store_id\": "),
        unreadable(&format!("{cart} {{}}")),
        Wrong { field: None, ..field("store_id", json!(1)) }.with_body("\"a cart\""),
        without("store_id"),
        without("lines"),
        without("fulfilment"),
        without("address_id"),
        field("coupon", json!("FREE")),
        field("store_id", json!(7)),
        field("lines", json!("two")),
        field("fulfilment", json!("teleport")),
        field("tip", json!(-1)),
        field("tip", json!(100_001)),
        field("tip", json!(1.5)),
        field("tip", json!(9_223_372_036_854_775_808_u64)),
        field("lines", json!([])),
        field("lines", json!(many)),
        field("address_id", json!(new_id("adr"))),
        field("address_id", json!("")),
        quantity(json!(0)),
        quantity(json!(-1)),
        quantity(json!(MAX_QUANTITY + 1)),
        quantity(json!(1_000_000_000_000_u64)),
        quantity(json!(1.5)),
        quantity(json!("1")),
        quantity(json!(null)),
        changed(&cart, |cart| cart["lines"][0]["note"] = json!("no onions"), "lines[0].note"),
        changed(&cart, |cart| cart["lines"] = json!([line(json!(MAX_QUANTITY)), line(json!(1))]), "lines[1].quantity"),
        unknown(field("store_id", json!(new_id("sto"))), "Store.Unknown"),
        unknown(field("store_id", json!("")), "Store.Unknown"),
        unknown(field("store_id", json!("s".repeat(3_000))), "Store.Unknown"),
        unknown(changed(&cart, |cart| cart["lines"][1]["item_id"] = json!(new_id("itm")), "lines[1].item_id"), "Item.Unknown"),
    ];
    let bearer = format!("Bearer {}", harness.client.token(&fixture.consumer.id, false)?);
    for case in cases {
        let body = Some(case.body.clone().into_bytes());
        let reply = harness.client.send(Method::POST, "/v1/quotes", &[("authorization", &bearer)], body).await?;
        eprintln!("{} -> {} {}", case.body.chars().take(200).collect::<String>(), reply.status, reply.body);
        assert_problem(&reply, case.status, case.code, case.field);
    }
    assert_eq!(harness.quotes_of(&fixture.consumer.id).await?, 0, "a wrong cart left a quote");
    fixture.quote(&fixture.cart()).await?;
    if harness.emulator.is_some() {
        assert_eq!(harness.quotes_of(&fixture.consumer.id).await?, 1);
    }
    Ok(())
}

impl Wrong {
    fn with_body(self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self }
    }
}

#[tokio::test]
async fn a_wrong_checkout_takes_no_order_and_leaves_the_quote() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let other = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let (quote, others_quote) = (fixture.quote(&fixture.pickup()).await?, other.quote(&other.pickup()).await?);
    let checkout = json!({
        "quote_id": quote.terms.id,
        "quote_signature": quote.signature,
        "payment_method_id": fixture.working_card()?.id,
    });
    let field = |name: &'static str, value: Value| changed(&checkout, |checkout| checkout[name] = value, name);
    let answered = |status, code, wrong: Wrong| Wrong { status, code, ..wrong };
    // Another MAC of the right length by the right key's name.
    let forged = format!("{}{}", &quote.signature[..quote.signature.len() - 43], "A".repeat(43));
    let of_other = changed(
        &checkout,
        |checkout| {
            checkout["quote_id"] = json!(others_quote.terms.id);
            checkout["quote_signature"] = json!(others_quote.signature);
        },
        "quote_id",
    );
    let cases = [
        unreadable(""),
        unreadable("{"),
        field("quote_id", json!(7)),
        field("coupon", json!("FREE")),
        changed(&checkout, |checkout| drop(checkout.as_object_mut().and_then(|all| all.remove("quote_id"))), "quote_id"),
        answered(404, "Quote.Unknown", field("quote_id", json!(new_id("quo")))),
        answered(404, "Quote.Unknown", field("quote_id", json!(""))),
        answered(404, "Quote.Unknown", field("quote_id", json!("q".repeat(3_000)))),
        answered(404, "Quote.Unknown", of_other),
        answered(422, "Quote.Forged", field("quote_signature", json!(forged))),
        answered(422, "Quote.Forged", field("quote_signature", json!(others_quote.signature))),
        answered(422, "Quote.Forged", field("quote_signature", json!(""))),
        answered(422, "PaymentMethod.Unknown", field("payment_method_id", json!(new_id("pay")))),
        answered(422, "PaymentMethod.Unknown", field("payment_method_id", json!(other.working_card()?.id))),
    ];
    let bearer = format!("Bearer {}", harness.client.token(&fixture.consumer.id, false)?);
    let outputs = ["OrdersTable", "IdempotencyTable", "QuotesTable", "ConsumersTable"].map(|name| harness.output(name));
    let [orders, idempotency, quotes, consumers] = outputs;
    let submissions = DynamoSubmissions::new(&harness.aws, orders?, idempotency?, quotes?, consumers?);
    for case in cases {
        let key = new_id("key");
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key.as_str())];
        let body = Some(case.body.clone().into_bytes());
        let reply = harness.client.send(Method::POST, "/v1/checkouts", &headers, body).await?;
        eprintln!("{} -> {} {}", case.body, reply.status, reply.body);
        assert_problem(&reply, case.status, case.code, case.field);
        let remembered = submissions.completed(&record_id("submit-checkout", &fixture.consumer.id, &key)).await?;
        assert_eq!(remembered, None, "a refused request is remembered");
    }
    for key in [None, Some(String::new()), Some("k".repeat(129)), Some("two words".to_owned())] {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(key.as_deref().map(|key| ("idempotency-key", key)));
        let reply = harness.client.send(Method::POST, "/v1/checkouts", &headers, Some(checkout.to_string().into())).await?;
        assert_problem(&reply, 400, "Idempotency.KeyMissing", Some("Idempotency-Key"));
    }
    assert_eq!(harness.orders_of(&fixture.consumer.id).await?, 0, "a wrong checkout left an order");
    let id = fixture.order(&quote).await?;
    fixture.assert_placed(&id, &quote).await?;
    if harness.emulator.is_some() {
        assert_eq!(harness.orders_of(&fixture.consumer.id).await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let bearer = format!("Bearer {}", harness.client.token(&fixture.consumer.id, false)?);
    let (key, body) = (new_id("key"), vec![b'{'; MAX_BODY_BYTES + 1]);
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", key.as_str())];
    for path in ["/v1/quotes", "/v1/checkouts", "/v1/webhooks/merchants"] {
        let reply = harness.client.send(Method::POST, path, &headers, Some(body.clone())).await?;
        assert_problem(&reply, 413, "Request.TooLarge", None);
        assert_eq!(reply.body["max_bytes"], MAX_BODY_BYTES);
        // One byte less is read, and is no JSON (or not signed).
        let reply = harness.client.send(Method::POST, path, &headers, Some(body[1..].to_vec())).await?;
        assert!(matches!(reply.status, 400 | 401), "{path}: {} {}", reply.status, reply.body);
    }
    Ok(())
}

#[tokio::test]
async fn what_does_not_exist_is_said_not_to() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let consumer = &fixture.consumer.id;
    let order = harness.client.as_consumer(consumer, Method::GET, &format!("/v1/orders/{}", new_id("ord")), None).await?;
    assert_problem(&order, 404, "Order.Unknown", None);
    // API Gateway itself answers here: 403 on AWS, 403 or 404 on emulators.
    for (method, path) in [(Method::GET, "/v1/nothing"), (Method::DELETE, "/v1/quotes"), (Method::GET, "/v1/checkouts")] {
        let reply = harness.client.as_consumer(consumer, method, path, None).await?;
        assert!(matches!(reply.status, 403..=405), "{path}: {} {}", reply.status, reply.body);
    }
    Ok(())
}

#[tokio::test]
async fn who_has_no_account_or_a_blocked_one_can_not_order() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let stranger = harness.client.quote(&new_id("con"), &fixture.cart()).await?;
    assert_problem(&stranger, 403, "Consumer.Unknown", None);

    let quote = fixture.quote(&fixture.cart()).await?;
    let mut blocked = fixture.consumer.clone();
    blocked.blocked = true;
    harness.sign_up(&blocked).await?;
    assert_problem(&fixture.checkout(&quote, &fixture.working_card()?).await?, 403, "Consumer.Blocked", None);
    assert_eq!(harness.orders_of(&fixture.consumer.id).await?, 0);
    Ok(())
}
