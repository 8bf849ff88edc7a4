//! Starts the market's workflow for an order.

use crate::{
    order::execution_name,
    ports::{Executions, OrderSubmitted},
};
use carryout_workflow::{Coded, ErrorCode, NoWorkflow, Orchestrator, StoreError};
use serde_json::{Value, json};

/// Why a workflow was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The market is not open.
    #[error(transparent)]
    NoWorkflow(#[from] NoWorkflow),
    /// The workflow service failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Coded for StartError {
    const CODES: &'static [ErrorCode] = &[crate::submit::MARKET_UNKNOWN, carryout_workflow::run::STORE_UNAVAILABLE];

    fn code(&self) -> ErrorCode {
        match self {
            Self::NoWorkflow(_) => crate::submit::MARKET_UNKNOWN,
            Self::Store(error) => error.code(),
        }
    }
}

/// Starts the workflow of a submitted order. A repeated message starts nothing twice: the execution's name is the
/// order and its run.
pub async fn start(
    orchestrator: &Orchestrator,
    executions: &impl Executions,
    message: &OrderSubmitted,
) -> Result<(), StartError> {
    let workflow = orchestrator.pick(&message.country, &message.market_type)?;
    let name = execution_name(&message.order_id, message.run);
    executions.start(&message.lane.state_machine(&workflow.name), &name, &execution_input(message)).await?;
    Ok(())
}

/// What an execution is given: ids and small facts.
pub fn execution_input(message: &OrderSubmitted) -> Value {
    json!({
        "id": message.order_id,
        "run": message.run,
        "direction": message.direction,
        "failure": message.failure,
        "facts": message.facts,
        "correlation_id": message.correlation_id,
    })
}
