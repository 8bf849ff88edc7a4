//! The function of the waiting machine: registers the task token that ends a wait, polls the vendor, and ends a wait that expires.

use carryout_environment::{Clock, StorageError};
use carryout_lambda::TaskError;
use carryout_onboarding::{
    Onboarding, Ports, codes,
    markets::MarketSource,
    ports::{AdvanceQueue, Applicants, Awaited, Vendors, Waits},
    vendor::VendorError,
    wait::{Look, WaitError},
};
use carryout_workflow::run::STEP_UNKNOWN;
use serde::Deserialize;
use serde_json::{Value, json};

/// A request of the waiting machine.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum WaitRequest {
    Register { awaited: Awaited, task_token: String },
    Remind { awaited: Awaited },
    Expire { awaited: Awaited },
}

/// The function, over the service.
pub struct AwaitVendor<P: Ports>(pub Onboarding<P>);

impl<P> AwaitVendor<P>
where
    P: Ports<Applicants: Applicants, Vendors: Vendors, Queue: AdvanceQueue, Waits: Waits, Markets: MarketSource, Clock: Clock>,
{
    /// Answers the waiting machine.
    ///
    /// # Errors
    ///
    /// The error on which the machine retries.
    pub async fn handle(&self, event: Value) -> Result<Value, TaskError> {
        let request: WaitRequest = serde_json::from_value(event).map_err(|error| TaskError::new(STEP_UNKNOWN.name, error))?;
        let (mut awaited, look) = match request {
            WaitRequest::Register { awaited, task_token } => {
                self.0.register_wait(&awaited, &task_token).await.map_err(failed)?;
                return Ok(Value::Null);
            }
            WaitRequest::Remind { awaited } => (awaited, Look::Remind),
            WaitRequest::Expire { awaited } => (awaited, Look::Expire),
        };
        let is_waiting = self.0.look(&awaited, look).await.map_err(|error| match error {
            WaitError::Storage(error) => failed(error),
            WaitError::Vendor(error @ VendorError::Unavailable(_)) => TaskError::new(codes::VENDOR_UNAVAILABLE.name, error),
            WaitError::Vendor(error @ VendorError::NoAnswer(_)) => TaskError::new(codes::VENDOR_NO_ANSWER.name, error),
        })?;
        awaited.reminders = awaited.reminders.saturating_sub(1);
        Ok(json!({ "waiting": is_waiting, "awaited": awaited }))
    }
}

fn failed(error: StorageError) -> TaskError {
    TaskError::new(error.code().name, error)
}
