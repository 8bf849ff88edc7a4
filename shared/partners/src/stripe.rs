use crate::call::{Http, send};
use carryout_checkout::{
    order::Order,
    partners::PAYMENT,
    ports::{CallError, Intent, IntentPage, IntentStatus, ListedIntent, PaymentList, Payments, Refund},
};
use carryout_environment::Secrets;
use carryout_money::{Currency, Money};
use reqwest::RequestBuilder;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The payment processor by the Stripe API: payment intents with manual capture.
///
/// An intent is given its payment method when it is created and confirmed without one: that is all that every server of
/// this API takes, `localstripe` among them. Cards never come here, only the processor's tokens of them.
#[derive(Clone)]
pub struct StripePayments<S> {
    http: Http,
    base_url: String,
    secret_key: S,
}

/// A payment intent as the API writes it.
#[derive(Deserialize)]
struct IntentBody {
    id: String,
    status: IntentStatus,
    amount: i64,
    currency: String,
}

/// A refund as the API writes it.
#[derive(Deserialize)]
struct RefundBody {
    id: String,
    amount: i64,
    currency: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// A payment intent as lists show it.
#[derive(Deserialize)]
struct ListedBody {
    #[serde(flatten)]
    intent: IntentBody,
    /// `localstripe` does not tell; there it is all or nothing.
    amount_received: Option<i64>,
    created: i64,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// The metadata in which a refund keeps the key that it was asked for under.
const EFFECT: &str = "effect";

#[derive(Deserialize)]
struct ListBody<T> {
    data: Vec<T>,
    #[serde(default)]
    has_more: bool,
}

impl<S: Secrets> StripePayments<S> {
    /// The API below `base_url` (without `/v1`), as the account of `secret_key`.
    pub fn new(http: Http, base_url: impl Into<String>, secret_key: S) -> Self {
        Self { http, base_url: base_url.into(), secret_key }
    }

    async fn secret_key(&self) -> Result<String, CallError> {
        let secret = self.secret_key.secret().await;
        secret
            .map(|secret| secret.current)
            .map_err(|error| CallError::Unavailable { partner: PAYMENT.name, detail: error.to_string() })
    }

    async fn get(&self, path: &str) -> Result<RequestBuilder, CallError> {
        Ok(self.http.client().get(format!("{}/v1/{path}", self.base_url)).bearer_auth(self.secret_key().await?))
    }

    async fn post(&self, path: &str, key: &str, form: &[(&str, &str)]) -> Result<RequestBuilder, CallError> {
        let post = self.http.client().post(format!("{}/v1/{path}", self.base_url)).bearer_auth(self.secret_key().await?);
        Ok(post.header("Idempotency-Key", key).form(form))
    }
}

async fn intent(request: RequestBuilder) -> Result<Intent, CallError> {
    let body: IntentBody = send(&PAYMENT, request).await?;
    Ok(Intent { amount: money(body.amount, &body.currency)?, id: body.id, status: body.status })
}

fn refund_of(body: RefundBody) -> Result<Refund, CallError> {
    let failed = matches!(body.status.as_deref(), Some("failed" | "canceled"));
    let key = body.metadata.get(EFFECT).cloned().unwrap_or_default();
    Ok(Refund { amount: money(body.amount, &body.currency)?, id: body.id, failed, key })
}

fn listed(body: ListedBody) -> Result<ListedIntent, CallError> {
    let ListedBody { intent: IntentBody { id, status, amount, currency }, amount_received, created, mut metadata } = body;
    let all = if status == IntentStatus::Succeeded { amount } else { 0 };
    Ok(ListedIntent {
        received: money(amount_received.unwrap_or(all), &currency)?,
        intent: Intent { amount: money(amount, &currency)?, id, status },
        order_id: metadata.remove("order_id"),
        created_at: created * 1_000,
    })
}

fn money(minor: i64, currency: &str) -> Result<Money, CallError> {
    let unclear =
        |error: carryout_money::UnknownCurrency| CallError::Unclear { partner: PAYMENT.name, detail: error.to_string() };
    Ok(Money::new(minor, currency.parse::<Currency>().map_err(unclear)?))
}

impl<S: Secrets> Payments for StripePayments<S> {
    async fn create(&self, key: &str, order: &Order) -> Result<Intent, CallError> {
        let total = order.total();
        let (amount, currency) = (total.minor.to_string(), total.currency.code().to_lowercase());
        let form = [
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("capture_method", "manual"),
            ("payment_method_types[]", "card"),
            ("payment_method", &order.payment_method.token),
            ("metadata[order_id]", &order.id),
            ("metadata[consumer_id]", &order.consumer.id),
        ];
        intent(self.post("payment_intents", key, &form).await?).await
    }

    async fn confirm(&self, key: &str, id: &str, _payment_method: &str) -> Result<Intent, CallError> {
        intent(self.post(&format!("payment_intents/{id}/confirm"), key, &[]).await?).await
    }

    async fn retrieve(&self, id: &str) -> Result<Intent, CallError> {
        intent(self.get(&format!("payment_intents/{id}")).await?).await
    }

    async fn capture(&self, key: &str, id: &str, amount: Money) -> Result<Intent, CallError> {
        intent(
            self.post(&format!("payment_intents/{id}/capture"), key, &[("amount_to_capture", &amount.minor.to_string())]).await?,
        )
        .await
    }

    async fn cancel(&self, key: &str, id: &str) -> Result<Intent, CallError> {
        intent(self.post(&format!("payment_intents/{id}/cancel"), key, &[]).await?).await
    }

    async fn refund(&self, key: &str, id: &str, amount: Money) -> Result<Refund, CallError> {
        let name = format!("metadata[{EFFECT}]");
        let form = [("payment_intent", id), ("amount", &amount.minor.to_string()), (name.as_str(), key)];
        refund_of(send(&PAYMENT, self.post("refunds", key, &form).await?).await?)
    }

    async fn refunds(&self, id: &str) -> Result<Vec<Refund>, CallError> {
        let list: ListBody<RefundBody> =
            send(&PAYMENT, self.get("refunds").await?.query(&[("payment_intent", id), ("limit", "100")])).await?;
        list.data.into_iter().map(refund_of).collect()
    }
}

impl<S: Secrets> PaymentList for StripePayments<S> {
    async fn list(&self, since: i64, after: Option<&str>) -> Result<IntentPage, CallError> {
        // Whole seconds: what was created within this one is listed, too.
        let since = since.div_euclid(1_000).to_string();
        let mut query = vec![("created[gte]", since.as_str()), ("limit", "100")];
        query.extend(after.map(|after| ("starting_after", after)));
        let list: ListBody<ListedBody> = send(&PAYMENT, self.get("payment_intents").await?.query(&query)).await?;
        let intents = list.data.into_iter().map(listed).collect::<Result<_, _>>()?;
        Ok(IntentPage { intents, has_more: list.has_more })
    }

    async fn listed(&self, id: &str) -> Result<ListedIntent, CallError> {
        listed(send(&PAYMENT, self.get(&format!("payment_intents/{id}")).await?).await?)
    }
}
