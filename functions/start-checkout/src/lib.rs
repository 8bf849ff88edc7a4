//! Starts the market's workflow for each submitted order.

use carryout_checkout::{order::OrderSubmitted, ports::Executions, start::start};
use carryout_environment::HasErrorCode;
use carryout_lambda::batch::{BatchItemError, Message};
use carryout_workflow::Orchestrator;

/// Starts the workflow of the order in `message`. A repeated message starts nothing twice.
pub async fn handle(orchestrator: &Orchestrator, executions: &impl Executions, message: &Message) -> Result<(), BatchItemError> {
    let submitted: OrderSubmitted = message.json()?;
    start(orchestrator, executions, &submitted)
        .await
        .map_err(|error| BatchItemError::new(error.code().name, error.to_string()))?;
    tracing::info!(order.id = %submitted.order_id, run = submitted.run, "workflow started");
    Ok(())
}
