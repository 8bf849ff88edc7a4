//! What the waiting machine asks: where an answer ends the wait, whether somebody still waits, and what becomes of a silence.

use carryout_environment::StorageError;
use carryout_lambda::TaskError;
use carryout_onboarding::{
    codes,
    ports::{Applicants, Awaited, MarketSource, Nudges, VendorError, Vendors, Waits},
    wait::{Moment, WaitError, look},
};
use carryout_workflow::run::STEP_UNKNOWN;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the machine asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum Ask {
    Register { awaited: Awaited, task_token: String },
    Remind { awaited: Awaited },
    Expire { awaited: Awaited },
}

/// The function with what it needs.
pub struct AwaitVendor<A, V, N, W, M> {
    /// Applicants.
    pub applicants: A,
    /// Vendors.
    pub vendors: V,
    /// Has applicants advanced.
    pub nudges: N,
    /// Ends waits.
    pub waits: W,
    /// The markets.
    pub markets: M,
}

impl<A: Applicants, V: Vendors, N: Nudges, W: Waits, M: MarketSource> AwaitVendor<A, V, N, W, M> {
    /// Answers the machine. `now` is in milliseconds since the Unix epoch.
    pub async fn handle(&self, event: Value, now: i64) -> Result<Value, TaskError> {
        let ask: Ask = serde_json::from_value(event).map_err(|error| TaskError::new(STEP_UNKNOWN.name, error))?;
        let (mut awaited, moment) = match ask {
            Ask::Register { awaited, task_token } => {
                // Whoever has answered before this ends the wait at once.
                if !self.applicants.register(&awaited, &task_token).await.map_err(failed)? {
                    self.waits.end(&task_token).await.map_err(failed)?;
                }
                return Ok(Value::Null);
            }
            Ask::Remind { awaited } => (awaited, Moment::Remind),
            Ask::Expire { awaited } => (awaited, Moment::Expire),
        };
        let markets = self.markets.markets().await.map_err(failed)?;
        let looked = look(&self.applicants, &self.vendors, &self.nudges, &markets, &awaited, moment, now).await;
        let still = looked.map_err(|error| match error {
            WaitError::Storage(error) => failed(error),
            WaitError::Vendor(error @ VendorError::Unavailable(_)) => TaskError::new(codes::VENDOR_UNAVAILABLE.name, error),
            WaitError::Vendor(error @ VendorError::NoAnswer(_)) => TaskError::new(codes::VENDOR_NO_ANSWER.name, error),
        })?;
        awaited.reminders = awaited.reminders.saturating_sub(1);
        Ok(json!({ "waiting": still.waiting, "awaited": awaited }))
    }
}

fn failed(error: StorageError) -> TaskError {
    TaskError::new(error.code().name, error)
}
