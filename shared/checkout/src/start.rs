//! Starts the market's workflow for an order or a refund.

use crate::{
    market::{Country, MarketType},
    order::{Order, execution_name},
    ports::{Executions, OrderSubmitted},
    routing::ReleaseTrack,
};
use carryout_environment::{ErrorCode, HasErrorCode, StorageError};
use carryout_workflow::{NoWorkflow, Orchestrator, Subject};
use serde_json::{Value, json};

/// Why a workflow was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The market is not open.
    #[error(transparent)]
    NoWorkflow(#[from] NoWorkflow),
    /// The workflow service failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl HasErrorCode for StartError {
    const CODES: &'static [ErrorCode] = &[crate::submit::MARKET_UNKNOWN, carryout_environment::STORAGE_UNAVAILABLE];

    fn code(&self) -> ErrorCode {
        match self {
            Self::NoWorkflow(_) => crate::submit::MARKET_UNKNOWN,
            Self::Storage(error) => error.code(),
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
    executions.start(&message.release_track.state_machine(&workflow.name), &name, &execution_input(message)).await?;
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

/// What a market's workflow works on, run after run: an order, a refund.
pub trait Startable: Subject {
    /// Its market, by which its workflow is picked.
    fn market(&self) -> (Country, MarketType);

    /// The workflow that its runs so far were of.
    fn workflow(&self) -> &str;

    /// The track that all its runs take.
    fn release_track(&self) -> ReleaseTrack {
        ReleaseTrack::Live
    }

    /// What its execution in `run` is given: ids and small facts.
    fn execution_input(&self, run: u32) -> Value;
}

impl Startable for Order {
    fn market(&self) -> (Country, MarketType) {
        (self.country, self.market_type)
    }

    fn workflow(&self) -> &str {
        &self.workflow
    }

    fn release_track(&self) -> ReleaseTrack {
        self.release_track
    }

    fn execution_input(&self, run: u32) -> Value {
        execution_input(&OrderSubmitted { run, ..OrderSubmitted::of(self) })
    }
}

/// Starts a run of the subject's workflow. A run that was started before is not started twice.
pub async fn start_run(
    orchestrator: &Orchestrator,
    executions: &impl Executions,
    subject: &impl Startable,
    run: u32,
) -> Result<(), StartError> {
    let (country, market_type) = subject.market();
    let workflow = orchestrator.pick(country.code(), market_type.name())?;
    let machine = subject.release_track().state_machine(&workflow.name);
    executions.start(&machine, &execution_name(subject.id(), run), &subject.execution_input(run)).await?;
    Ok(())
}
