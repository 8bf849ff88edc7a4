use crate::{Aws, corrupt, documents::document, now, transaction::text, unavailable};
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::{Client, config::Builder};
use carryout_checkout::{
    parity::{ROLLOUT_KEY, Rollout, Rollouts},
    routing::{RULES_KEY, Routing, RoutingRules},
};
use carryout_workflow::StoreError;
use serde::de::DeserializeOwned;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a document is used without asking again. Milliseconds; a change is noticed within it.
const FRESH_FOR_MS: i64 = 5_000;
/// How long the table may take. A request waits for it.
const PATIENCE: Duration = Duration::from_millis(300);

/// The routing rules in the control table, kept for some seconds.
#[derive(Clone)]
pub struct DynamoRouting {
    rules: Setting<RoutingRules>,
}

impl DynamoRouting {
    /// IAM actions on the control table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the control table.
    pub fn new(aws: &Aws, control: impl Into<String>) -> Self {
        Self { rules: Setting::new(aws, control, RULES_KEY) }
    }
}

impl Routing for DynamoRouting {
    async fn rules(&self) -> Result<RoutingRules, StoreError> {
        self.rules.current().await
    }
}

/// The rollout of our prices in the control table, kept for some seconds.
#[derive(Clone)]
pub struct DynamoRollouts {
    rollout: Setting<Rollout>,
}

impl DynamoRollouts {
    /// IAM actions on the control table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the control table.
    pub fn new(aws: &Aws, control: impl Into<String>) -> Self {
        Self { rollout: Setting::new(aws, control, ROLLOUT_KEY) }
    }
}

impl Rollouts for DynamoRollouts {
    async fn rollout(&self) -> Result<Rollout, StoreError> {
        self.rollout.current().await
    }
}

/// Reads documents of the control table.
#[derive(Clone)]
pub(crate) struct Settings {
    client: Client,
    table: String,
}

impl Settings {
    /// On the control table.
    pub(crate) fn new(aws: &Aws, control: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: control.into() }
    }

    /// The document under this key; the default where there is none.
    pub(crate) async fn read<T: Default + DeserializeOwned>(&self, (pk, sk): (&str, &str)) -> Result<T, StoreError> {
        let timeouts = TimeoutConfig::builder().operation_timeout(PATIENCE).build();
        let get = self.client.get_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk)).customize();
        let found = get.config_override(Builder::new().timeout_config(timeouts)).send().await;
        let Some(item) = found.map_err(|error| unavailable(&error))?.item else { return Ok(T::default()) };
        serde_json::from_value(document(&item)?.value).map_err(corrupt)
    }
}

/// One document of the control table, kept for some seconds.
///
/// A table that fails is asked again after those seconds, not by the next request; until then, and for as long as it fails,
/// what was read last holds.
#[derive(Clone)]
pub(crate) struct Setting<T> {
    settings: Settings,
    key: (&'static str, &'static str),
    kept: Arc<Mutex<Kept<T>>>,
}

#[derive(Default)]
struct Kept<T> {
    /// When the table was asked last, whatever it said.
    asked_at: Option<i64>,
    value: Option<T>,
}

impl<T: Clone + Default + DeserializeOwned> Setting<T> {
    pub(crate) fn new(aws: &Aws, control: impl Into<String>, key: (&'static str, &'static str)) -> Self {
        Self { settings: Settings::new(aws, control), key, kept: Arc::default() }
    }

    pub(crate) async fn current(&self) -> Result<T, StoreError> {
        let now = now();
        let is_due = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let is_due = kept.asked_at.is_none_or(|at| at + FRESH_FOR_MS <= now);
            if is_due {
                // Set before asking, so that of many requests at once only one waits for a table that hangs.
                kept.asked_at = Some(now);
            }
            is_due
        };
        let read = if is_due { Some(self.settings.read::<T>(self.key).await) } else { None };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (setting, _) = self.key;
        match (read, &kept.value) {
            (Some(Ok(value)), _) => {
                kept.value = Some(value.clone());
                Ok(value)
            }
            (Some(Err(error)), Some(value)) => {
                tracing::warn!(setting, %error, "a setting could not be read again; the kept one is used");
                Ok(value.clone())
            }
            (Some(Err(error)), None) => Err(error),
            (None, Some(value)) => Ok(value.clone()),
            (None, None) => Err(StoreError::Unavailable(format!("the setting {setting} could not be read a moment ago"))),
        }
    }
}
