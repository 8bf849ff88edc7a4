use crate::{Aws, corrupt, documents::document, now, transaction::text, unavailable};
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::{Client, config::Builder};
use carryout_checkout::routing::{RULES_KEY, Routing, RoutingRules};
use carryout_environment::StorageError;
use carryout_migration::parity::{ROLLOUT_KEY, Rollout, Rollouts};
use serde::de::DeserializeOwned;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a document is used without asking again. Milliseconds; a change is noticed within it.
const FRESH_FOR_MS: i64 = 5_000;
/// How long the table may take to be asked again: a request waits for it, and what was read last would do.
const PATIENCE: Duration = Duration::from_millis(300);
/// How long it may take to be asked at first: there is nothing else to go by.
const FIRST_PATIENCE: Duration = Duration::from_secs(2);

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
    async fn rules(&self) -> Result<RoutingRules, StorageError> {
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
    async fn rollout(&self) -> Result<Rollout, StorageError> {
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
    pub(crate) async fn read<T: Default + DeserializeOwned>(&self, key: (&str, &str)) -> Result<T, StorageError> {
        self.read_within(key, PATIENCE).await
    }

    async fn read_within<T: Default + DeserializeOwned>(
        &self,
        (pk, sk): (&str, &str),
        patience: Duration,
    ) -> Result<T, StorageError> {
        let timeouts = TimeoutConfig::builder().operation_timeout(patience).build();
        let get = self.client.get_item().table_name(&self.table).key("pk", text(pk)).key("sk", text(sk)).customize();
        let found = get.config_override(Builder::new().timeout_config(timeouts)).send().await;
        let Some(item) = found.map_err(|error| unavailable(&error))?.item else { return Ok(T::default()) };
        serde_json::from_value(document(&item)?.value).map_err(corrupt)
    }
}

/// One document of the control table, kept for some seconds.
#[derive(Clone)]
pub(crate) struct Setting<T> {
    settings: Settings,
    key: (&'static str, &'static str),
    keeper: Keeper<T>,
}

impl<T: Clone + Default + DeserializeOwned> Setting<T> {
    pub(crate) fn new(aws: &Aws, control: impl Into<String>, key: (&'static str, &'static str)) -> Self {
        Self { settings: Settings::new(aws, control), key, keeper: Keeper::default() }
    }

    pub(crate) async fn current(&self) -> Result<T, StorageError> {
        let (setting, _) = self.key;
        self.keeper.current(setting, now(), async |patience| self.settings.read_within(self.key, patience).await).await
    }
}

/// Keeps what was read for some seconds.
///
/// Until it was read once, all requests wait for the one that reads it, and share its failure. A table that fails is asked again
/// after those seconds, not by the next request; until then, and for as long as it fails, what was read last holds.
#[derive(Clone)]
struct Keeper<T> {
    kept: Arc<Mutex<Kept<T>>>,
    first: Arc<futures::lock::Mutex<()>>,
}

struct Kept<T> {
    /// When the table was asked last, whatever it said.
    asked_at: Option<i64>,
    value: Option<T>,
}

impl<T> Default for Keeper<T> {
    fn default() -> Self {
        Self { kept: Arc::new(Mutex::new(Kept { asked_at: None, value: None })), first: Arc::default() }
    }
}

impl<T> Kept<T> {
    /// Whether the table is to be asked. Whoever is told so asks it; the others are not told again for some seconds, so that of many
    /// requests at once only one waits for a table that hangs.
    fn is_due(&mut self, now: i64) -> bool {
        let is_due = self.asked_at.is_none_or(|at| at + FRESH_FOR_MS <= now);
        if is_due {
            self.asked_at = Some(now);
        }
        is_due
    }
}

impl<T: Clone> Keeper<T> {
    /// What `setting` says at `now`, in milliseconds since the Unix epoch. `read` is told how long it may take.
    async fn current(
        &self,
        setting: &str,
        now: i64,
        read: impl AsyncFnOnce(Duration) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let known = self.kept().value.clone();
        let Some(known) = known else { return self.first(setting, now, read).await };
        if !self.kept().is_due(now) {
            return Ok(known);
        }
        match read(PATIENCE).await {
            Ok(value) => {
                self.kept().value = Some(value.clone());
                Ok(value)
            }
            Err(error) => {
                tracing::warn!(setting, %error, "a setting could not be read again; the kept one is used");
                Ok(known)
            }
        }
    }

    async fn first(
        &self,
        setting: &str,
        now: i64,
        read: impl AsyncFnOnce(Duration) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let _one_at_a_time = self.first.lock().await;
        let is_due = {
            let mut kept = self.kept();
            if let Some(value) = &kept.value {
                return Ok(value.clone());
            }
            kept.is_due(now)
        };
        if !is_due {
            return Err(StorageError::Unavailable(format!("the setting {setting} could not be read a moment ago")));
        }
        let value = read(FIRST_PATIENCE).await?;
        self.kept().value = Some(value.clone());
        Ok(value)
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::task::yield_now;

    #[tokio::test]
    async fn all_who_come_at_once_wait_for_the_first_read() {
        let (keeper, reads) = (Keeper::default(), AtomicUsize::new(0));
        let ask = || {
            keeper.current("rules", 0, async |_| {
                yield_now().await;
                Ok(reads.fetch_add(1, Ordering::Relaxed))
            })
        };
        let answers = join_all((0..10).map(|_| ask())).await;
        assert!(answers.into_iter().all(|answer| matches!(answer, Ok(0))));
        assert_eq!(reads.into_inner(), 1);
    }

    #[tokio::test]
    async fn all_who_wait_share_the_failure_of_the_first_read_until_it_is_time_to_ask_again() {
        let keeper = Keeper::<u8>::default();
        let fails = async |_| {
            yield_now().await;
            Err(StorageError::Unavailable("it hangs".to_owned()))
        };
        let answers = join_all((0..10).map(|_| keeper.current("rules", 0, fails))).await;
        assert!(answers.iter().all(|answer| matches!(answer, Err(StorageError::Unavailable(_)))), "{answers:?}");
        assert!(keeper.current("rules", FRESH_FOR_MS - 1, async |_| Ok(1)).await.is_err());
        assert!(matches!(keeper.current("rules", FRESH_FOR_MS, async |_| Ok(1)).await, Ok(1)));
    }

    #[tokio::test]
    async fn what_was_read_last_holds_while_the_table_fails() {
        let keeper = Keeper::<u8>::default();
        assert!(matches!(keeper.current("rules", 0, async |_| Ok(1)).await, Ok(1)));
        let fails = async |_| Err(StorageError::Unavailable("it hangs".to_owned()));
        assert!(matches!(keeper.current("rules", FRESH_FOR_MS, fails).await, Ok(1)));
        assert!(matches!(keeper.current("rules", FRESH_FOR_MS + 1, async |_| Ok(2)).await, Ok(1)), "not so soon again");
        assert!(matches!(keeper.current("rules", 2 * FRESH_FOR_MS, async |_| Ok(2)).await, Ok(2)));
    }
}
