//! Starts the market's workflow for an order or a refund.

use crate::{
    order::{OrderSubmitted, Startable, execution_input, execution_name},
    ports::Executions,
};
use carryout_environment::{ErrorCode, HasErrorCode, StorageError};
use carryout_workflow::{NoWorkflow, Orchestrator, Workflow};

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
    const CODES: &'static [ErrorCode] = &[crate::codes::MARKET_UNKNOWN, carryout_environment::STORAGE_UNAVAILABLE];

    fn code(&self) -> ErrorCode {
        match self {
            Self::NoWorkflow(_) => crate::codes::MARKET_UNKNOWN,
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
    let workflow = workflow_of(orchestrator, message.workflow.as_deref(), (&message.country, &message.market_type))?;
    let name = execution_name(&message.order_id, message.run);
    executions.start(&message.release_track.state_machine(&workflow.name), &name, &execution_input(message)).await?;
    Ok(())
}

/// The workflow that a subject began with, whatever its market says by now; that of its market if it is not known or gone.
fn workflow_of<'o>(
    orchestrator: &'o Orchestrator,
    name: Option<&str>,
    (country, market_type): (&str, &str),
) -> Result<&'o Workflow, NoWorkflow> {
    match name.and_then(|name| orchestrator.newest(name)) {
        Some(workflow) => Ok(workflow),
        None => orchestrator.pick(country, market_type),
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
    let workflow = workflow_of(orchestrator, Some(subject.workflow()), (country.as_str(), market_type.name()))?;
    let machine = subject.release_track().state_machine(&workflow.name);
    executions.start(&machine, &execution_name(subject.id(), run), &subject.execution_input(run)).await?;
    Ok(())
}
