use crate::{Aws, corrupt, now, transaction::text, unavailable};
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::{Client, config::Builder};
use carryout_checkout::routing::{RULES_KEY, Routing, RoutingRules};
use carryout_workflow::StoreError;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long rules are used without asking again. Milliseconds; a change of the rules is noticed within it.
const FRESH_FOR_MS: i64 = 5_000;
/// How long the table may take. A checkout waits for it.
const PATIENCE: Duration = Duration::from_millis(300);

/// The routing rules in the control table, kept for some seconds.
///
/// A table that fails is asked again after those seconds, not by the next checkout; until then, and for as long as it fails,
/// the rules that were read last hold.
#[derive(Clone)]
pub struct DynamoRouting {
    client: Client,
    table: String,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    /// When the table was asked last, whatever it said.
    asked_at: Option<i64>,
    rules: Option<RoutingRules>,
}

impl DynamoRouting {
    /// IAM actions on the control table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the control table.
    pub fn new(aws: &Aws, control: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: control.into(), kept: Arc::default() }
    }

    async fn read(&self) -> Result<RoutingRules, StoreError> {
        let (pk, sk) = RULES_KEY;
        let timeouts = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
        let get = self.client.get_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk)).customize();
        let found = get.config_override(Builder::new().timeout_config(timeouts)).send().await;
        let Some(item) = found.map_err(|error| unavailable(&error))?.item else { return Ok(RoutingRules::default()) };
        let document = item.get("document").and_then(|document| document.as_s().ok());
        serde_json::from_str(document.ok_or_else(|| corrupt("routing rules without a document"))?).map_err(corrupt)
    }
}

impl Routing for DynamoRouting {
    async fn rules(&self) -> Result<RoutingRules, StoreError> {
        let now = now();
        let is_due = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = kept.asked_at.is_none_or(|at| at + FRESH_FOR_MS <= now);
            if is_due {
                // Set before asking, so that of many checkouts at once only one waits for a table that hangs.
                kept.asked_at = Some(now);
            }
            is_due
        };
        let read = if is_due { Some(self.read().await) } else { None };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match (read, &kept.rules) {
            (Some(Ok(rules)), _) => {
                kept.rules = Some(rules.clone());
                Ok(rules)
            }
            (Some(Err(error)), Some(rules)) => {
                tracing::warn!(%error, "the routing rules could not be read again; the kept ones are used");
                Ok(rules.clone())
            }
            (Some(Err(error)), None) => Err(error),
            (None, Some(rules)) => Ok(rules.clone()),
            (None, None) => Err(StoreError::Unavailable("the routing rules could not be read a moment ago".to_owned())),
        }
    }
}
