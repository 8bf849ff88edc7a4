//! A client of the HTTP API: what a consumer's app and an operator's console would send.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use carryout_checkout::{
    cart::Cart,
    request_refund::RefundBody,
    submit::{CheckoutAnswer, CheckoutRequest},
    track::OrderView,
};
use carryout_pricing::Quote;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::stack::Stack;
use crate::token::Issuer;
use local_cloud::Project;

/// How often an order that somebody watches is asked for.
pub const POLL: Duration = Duration::from_millis(250);

/// A reply: its status, the headers that matter, and its body as JSON (null where it has none).
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Value,
}

impl Reply {
    /// The body as a `T`, if the status is the expected one.
    pub fn expect<T: DeserializeOwned>(&self, status: u16) -> Result<T> {
        if self.status != status {
            bail!("expected {status}, got {}: {}", self.status, self.body);
        }
        serde_json::from_value(self.body.clone()).with_context(|| format!("cannot read {}", self.body))
    }

    /// This reply, unless it says that nobody can answer now, but later: 429 or 5xx.
    pub fn or_unavailable(self) -> Result<Self> {
        if self.status == 429 || self.status >= 500 {
            bail!("unavailable: {} {}", self.status, self.body);
        }
        Ok(self)
    }

    /// The problem's code, if this is a problem.
    pub fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }
}

/// The API of a deployed stack, as its consumers and operators.
pub struct Client {
    http: reqwest::Client,
    url: String,
    issuer: Issuer,
    tokens: Mutex<BTreeMap<String, String>>,
    operator_token: Option<String>,
}

impl Client {
    /// The API of `stack`, with tokens of this checkout's local issuer.
    pub fn new(project: &Project, stack: &Stack) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(35)).build()?;
        let issuer = Issuer::ensure(&project.issuer_key()?)?;
        Ok(Self { http, url: stack.output("ApiUrl")?.to_owned(), issuer, tokens: Mutex::default(), operator_token: None })
    }

    /// Sends this token as an operator, in place of one of the local issuer.
    #[must_use]
    pub fn with_operator_token(self, token: Option<String>) -> Self {
        Self { operator_token: token, ..self }
    }

    /// The base URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A token for a consumer, or with the role of an operator. The same one for as long as this client lives.
    pub fn token(&self, subject: &str, operator: bool) -> Result<String> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(&format!("{subject}/{operator}")) {
            return Ok(token.clone());
        }
        let roles = if operator { vec!["operator".to_owned()] } else { Vec::new() };
        let token = self.issuer.sign(subject, &roles, Timestamp::now(), SignedDuration::from_hours(1))?;
        tokens.insert(format!("{subject}/{operator}"), token.clone());
        Ok(token)
    }

    /// Any request, with these headers.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Result<Reply> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let reply = request.send().await.context("the API does not answer; is the local cloud up? Try `make up`")?;
        let status = reply.status().as_u16();
        let headers = reply
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = reply.bytes().await?;
        Ok(Reply { status, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
    }

    /// A request as a consumer.
    pub async fn as_consumer(&self, consumer: &str, method: Method, path: &str, body: Option<&Value>) -> Result<Reply> {
        let bearer = format!("Bearer {}", self.token(consumer, false)?);
        self.send(method, path, &[("authorization", &bearer)], body.map(|body| body.to_string().into_bytes())).await
    }

    /// A request as an operator.
    pub async fn as_operator(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply> {
        let token = self.operator_token.clone().map_or_else(|| self.token("operator", true), Ok)?;
        let bearer = format!("Bearer {token}");
        self.send(method, path, &[("authorization", &bearer)], body.map(|body| body.to_string().into_bytes())).await
    }

    /// Gives back what was paid for an order, or a part of it, as an operator.
    pub async fn refund(&self, order_id: &str, refund: &RefundBody, key: &str) -> Result<Reply> {
        let token = self.operator_token.clone().map_or_else(|| self.token("operator", true), Ok)?;
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
        self.send(Method::POST, &format!("/v1/orders/{order_id}/refunds"), &headers, Some(serde_json::to_vec(refund)?)).await
    }

    /// Asks what a cart costs.
    pub async fn quote(&self, consumer: &str, cart: &Cart) -> Result<Reply> {
        self.as_consumer(consumer, Method::POST, "/v1/quotes", Some(&serde_json::to_value(cart)?)).await
    }

    /// Orders at a quote.
    pub async fn checkout(&self, consumer: &str, quote: &Quote, payment_method: &str, key: &str) -> Result<Reply> {
        let request = CheckoutRequest {
            quote_id: quote.terms.id.clone(),
            quote_signature: quote.signature.clone(),
            payment_method_id: payment_method.to_owned(),
        };
        let bearer = format!("Bearer {}", self.token(consumer, false)?);
        let headers = [("authorization", bearer.as_str()), ("idempotency-key", key)];
        self.send(Method::POST, "/v1/checkouts", &headers, Some(serde_json::to_vec(&request)?)).await
    }

    /// Orders a cart: quote and checkout, both of which must succeed.
    pub async fn order_cart(&self, consumer: &str, cart: &Cart, payment_method: &str, key: &str) -> Result<CheckoutAnswer> {
        let quote: Quote = self.quote(consumer, cart).await?.expect(201)?;
        self.checkout(consumer, &quote, payment_method, key).await?.expect(202)
    }

    /// Where an order stands.
    pub async fn order(&self, consumer: &str, id: &str) -> Result<OrderView> {
        self.as_consumer(consumer, Method::GET, &format!("/v1/orders/{id}"), None).await?.expect(200)
    }

    /// Follows an order to its end, asking for it `every` so often and telling each view of it.
    ///
    /// # Errors
    ///
    /// Where it has not ended within `patience`.
    pub async fn follow(
        &self,
        consumer: &str,
        id: &str,
        patience: Duration,
        every: Duration,
        mut tell: impl FnMut(&OrderView),
    ) -> Result<OrderView> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let order = self.order(consumer, id).await?;
            tell(&order);
            if order.status.is_closed() {
                return Ok(order);
            }
            if tokio::time::Instant::now() > deadline {
                bail!("order {id} is still {} after {} s", order.status, patience.as_secs());
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Tells the sandbox to fail.
    pub async fn set_fault(&self, fault: &Value) -> Result<()> {
        let reply = self.as_operator(Method::POST, "/v1/ops/sandbox/faults", Some(fault)).await?;
        if reply.status >= 300 {
            bail!("the sandbox did not take the fault {fault}: {}", reply.body);
        }
        Ok(())
    }

    /// Tells the sandbox to behave.
    pub async fn clear_faults(&self) -> Result<()> {
        let reply = self.as_operator(Method::DELETE, "/v1/ops/sandbox/faults", None).await?;
        if reply.status >= 300 {
            bail!("the sandbox did not clear its faults: {}", reply.body);
        }
        Ok(())
    }

    /// What the sandbox's books say of an order.
    pub async fn books(&self, order_id: &str) -> Result<Books> {
        let path = format!("/v1/ops/sandbox/books/{order_id}");
        let all: Value = self.as_operator(Method::GET, &path, None).await?.expect(200)?;
        let summary = serde_json::from_value(all["summary"].clone()).with_context(|| format!("cannot read the books {all}"))?;
        Ok(Books { summary, all })
    }
}

/// What the sandbox's books say of one order.
#[derive(Debug, Clone)]
pub struct Books {
    /// The sums.
    pub summary: BooksSummary,
    /// Everything.
    pub all: Value,
}

/// The sums of the books. Amounts in minor units.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct BooksSummary {
    /// Still held on cards.
    pub authorized: i64,
    /// Ever taken.
    pub captured: i64,
    /// Given back.
    pub refunded: i64,
    /// Taken and not given back.
    pub net_charged: i64,
    /// Payments that were taken.
    pub charges: u32,
    /// Couriers that still come.
    pub live_deliveries: u32,
    /// What the store was told last: `received`, `accepted`, `refused`, `cancelled`; nothing if it was told nothing.
    pub merchant_status: Option<String>,
}

impl BooksSummary {
    /// What contradicts an order that was placed at `total`; nothing if the books agree.
    pub fn contradicts_placed(&self, total: i64, delivery: bool) -> Option<String> {
        let expected_deliveries = u32::from(delivery);
        if self.charges > 1 {
            Some(format!("charged {} times", self.charges))
        } else if self.net_charged != total {
            Some(format!("charged {} instead of {total}", self.net_charged))
        } else if self.authorized != 0 {
            Some(format!("{} still held besides the charge", self.authorized))
        } else if self.live_deliveries != expected_deliveries {
            Some(format!("{} couriers instead of {expected_deliveries}", self.live_deliveries))
        } else if !matches!(self.merchant_status.as_deref(), Some("received" | "accepted")) {
            Some(format!("the store thinks it is {:?}", self.merchant_status))
        } else {
            None
        }
    }

    /// What contradicts an order of which nothing is left; nothing if the books agree.
    pub fn contradicts_undone(&self) -> Option<String> {
        if self.net_charged != 0 {
            Some(format!("{} is still charged", self.net_charged))
        } else if self.authorized != 0 {
            Some(format!("{} is still held", self.authorized))
        } else if self.live_deliveries != 0 {
            Some(format!("{} couriers still come", self.live_deliveries))
        } else if matches!(self.merchant_status.as_deref(), Some("received" | "accepted")) {
            Some("the store still makes it".to_owned())
        } else {
            None
        }
    }
}
