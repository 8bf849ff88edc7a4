//! Who may do what.

use crate::harness::{Harness, assert_problem};
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carryout::Issuer;
use carryout::client::Reply;
use carryout_lambda::ids::new_id;
use carryout_market::{MarketType, ids};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.carryout.local";
const AUDIENCE: &str = "carryout";

async fn quote_with(harness: &Harness, authorization: Option<&str>, cart: &Value) -> Result<Reply> {
    let headers: Vec<(&str, &str)> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    harness.client.send(Method::POST, "/v1/quotes", &headers, Some(cart.to_string().into_bytes())).await
}

fn claims(issuer: &str, audience: &str, subject: &str) -> Value {
    let now = Timestamp::now().as_second();
    json!({ "iss": issuer, "aud": audience, "sub": subject, "roles": ["operator"], "iat": now, "exp": now + 600 })
}

#[tokio::test]
async fn a_token_counts_only_from_the_issuer_and_in_time() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let (cart, subject) = (serde_json::to_value(fixture.cart())?, fixture.consumer.id.as_str());

    let own = Issuer::ensure(&harness.project.issuer_key()?)?;
    let kid = own.jwks()?["keys"][0]["kid"].as_str().context("the key has no id")?.to_owned();
    let own_key = EncodingKey::from_ec_der(&std::fs::read(harness.project.issuer_key()?)?);
    let folder = tempfile::tempdir()?;
    let other = Issuer::ensure(&folder.path().join("other.pk8"))?;
    let other_key = EncodingKey::from_ec_der(&std::fs::read(folder.path().join("other.pk8"))?);
    let header = |kid: &str| Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
    let sign = |kid: &str, claims: &Value, key: &EncodingKey| jsonwebtoken::encode(&header(kid), claims, key);

    let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
    let genuine = own.sign(subject, &[], now, hour)?;
    let unsigned = |alg: &str| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(&json!({ "alg": alg, "typ": "JWT", "kid": kid }));
        format!("{header}.{}.", part(&claims(ISSUER, AUDIENCE, subject)))
    };
    let hmac_with_public_key = {
        let public = serde_json::to_vec(&own.jwks()?["keys"][0])?;
        let header = Header { kid: Some(kid.clone()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims(ISSUER, AUDIENCE, subject), &EncodingKey::from_secret(&public))?
    };
    let (start, signature) = genuine.rsplit_once('.').context("the token has no signature")?;
    let operators = own.sign(subject, &["operator".to_owned()], now, hour)?;
    let operators_claims = operators.split('.').nth(1).context("the token has no claims")?;
    let header_part = start.split('.').next().context("the token has no header")?;

    let refused = [
        ("expired", own.sign(subject, &[], now - SignedDuration::from_hours(2), hour)?, "Token.Expired"),
        ("another key, its own id", other.sign(subject, &[], now, hour)?, "Token.Invalid"),
        ("another key, our id", sign(&kid, &claims(ISSUER, AUDIENCE, subject), &other_key)?, "Token.Invalid"),
        ("another issuer", sign(&kid, &claims("https://evil.example", AUDIENCE, subject), &own_key)?, "Token.Invalid"),
        ("for somebody else", sign(&kid, &claims(ISSUER, "another-service", subject), &own_key)?, "Token.Invalid"),
        ("no subject", sign(&kid, &claims(ISSUER, AUDIENCE, ""), &own_key)?, "Token.Invalid"),
        ("unsigned", unsigned("none"), "Token.Invalid"),
        ("unsigned, says ES256", unsigned("ES256"), "Token.Invalid"),
        ("the public key as a secret", hmac_with_public_key, "Token.Invalid"),
        ("other claims under the signature", format!("{header_part}.{operators_claims}.{signature}"), "Token.Invalid"),
        ("no signature", format!("{start}."), "Token.Invalid"),
        ("nonsense", "nonsense".to_owned(), "Token.Invalid"),
    ];
    for (what, token, code) in refused {
        let reply = quote_with(&harness, Some(&format!("Bearer {token}")), &cart).await?;
        eprintln!("{what}: {} {}", reply.status, reply.body);
        assert_problem(&reply, 401, code, None);
        // API Gateway renames it; https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
        let challenge = ["www-authenticate", "x-amzn-remapped-www-authenticate"].iter().find_map(|name| reply.headers.get(*name));
        assert!(challenge.is_some_and(|challenge| challenge.starts_with("Bearer")), "{what}: {:?}", reply.headers);
    }
    for authorization in [None, Some(""), Some("Bearer"), Some("Basic dXNlcjpwYXNz")] {
        assert_problem(&quote_with(&harness, authorization, &cart).await?, 401, "Token.Missing", None);
    }
    assert_eq!(harness.quotes_of(subject).await?, 0);
    assert_eq!(quote_with(&harness, Some(&format!("Bearer {genuine}")), &cart).await?.status, 201);
    Ok(())
}

#[tokio::test]
async fn every_route_that_shows_something_private_wants_a_token() -> Result<()> {
    let harness = Harness::set().await?;
    for (method, path) in [
        (Method::POST, "/v1/quotes"),
        (Method::POST, "/v1/checkouts"),
        (Method::GET, "/v1/orders/ord_1"),
        (Method::GET, "/v1/ops/sandbox/faults"),
        (Method::POST, "/v1/ops/sandbox/faults"),
        (Method::DELETE, "/v1/ops/sandbox/faults"),
        (Method::GET, "/v1/ops/sandbox/books/ord_1"),
    ] {
        let body = (method == Method::POST).then(|| b"{}".to_vec());
        assert_problem(&harness.client.send(method, path, &[], body).await?, 401, "Token.Missing", None);
    }
    Ok(())
}

#[tokio::test]
async fn operators_routes_want_the_role() -> Result<()> {
    let harness = Harness::set().await?;
    let consumer = new_id("con");
    let fault = json!({ "partner": "payment", "operation": "confirm", "kind": "fail_before", "consumer_id": consumer });
    for (method, path, body) in [
        (Method::POST, "/v1/ops/sandbox/faults", Some(&fault)),
        (Method::GET, "/v1/ops/sandbox/faults", None),
        (Method::DELETE, "/v1/ops/sandbox/faults", None),
        (Method::GET, "/v1/ops/sandbox/books/ord_1", None),
    ] {
        assert_problem(&harness.client.as_consumer(&consumer, method, path, body).await?, 403, "Token.RoleMissing", None);
    }
    let set: Value = harness.client.as_operator(Method::GET, "/v1/ops/sandbox/faults", None).await?.expect(200)?;
    assert!(!set.to_string().contains(&consumer), "the fault was set all the same");
    Ok(())
}

#[tokio::test]
async fn somebody_elses_order_does_not_exist_for_anybody_but_an_operator() -> Result<()> {
    let harness = Harness::set().await?;
    let (fixture, other) =
        futures::try_join!(harness.fixture(ids::US, MarketType::Restaurant), harness.fixture(ids::US, MarketType::Restaurant))?;
    let quote = fixture.quote(&fixture.pickup()).await?;
    let id = fixture.order(&quote).await?;
    let path = format!("/v1/orders/{id}");
    let theirs = harness.client.as_consumer(&other.consumer.id, Method::GET, &path, None).await?;
    assert_problem(&theirs, 404, "Order.Unknown", None);
    // Word for word what is said of an order that does not exist, but for its id.
    let nobodys = new_id("ord");
    let unknown = harness.client.as_consumer(&other.consumer.id, Method::GET, &format!("/v1/orders/{nobodys}"), None).await?;
    let said = |reply: &Reply, id: &str| reply.body["detail"].as_str().unwrap_or_default().replace(id, "…");
    assert_eq!(said(&theirs, &id), said(&unknown, &nobodys));

    let view = fixture.assert_placed(&id, &quote).await?;
    let seen = harness.client.as_operator(Method::GET, &path, None).await?;
    assert_eq!((seen.status, seen.body["status"].as_str()), (200, Some(view.status.name())));
    Ok(())
}
