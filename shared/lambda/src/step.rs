//! Serves one step of a workflow: reads what the state machine passes on, runs the step under its claim, answers.

use crate::clock::SystemClock;
use crate::{Error, Invocation, TaskError, lease_until, run_task};
use carryout_environment::HasErrorCode;
use carryout_workflow::{Effect, StepAction, StepInput, StepReply, UndoStore, run, run::RunError};
use serde::Deserialize;
use serde_json::Value;
use std::future::Future;
use std::sync::Arc;

/// Serves a step that acts on the world outside, and its undo.
///
/// # Errors
///
/// As [`run_task`].
pub async fn run_effect<S, T>(step: S, store: T) -> Result<(), Error>
where
    S: Effect<Subject = T::Subject, Note = T::Note> + Send + Sync + 'static,
    T: UndoStore + Send + Sync + 'static,
    T::Subject: Send,
    T::Note: Send,
{
    let served = Arc::new((step, store));
    run_task(move |event, invocation| {
        let served = Arc::clone(&served);
        async move {
            let (step, store) = served.as_ref();
            let input = input(event)?;
            let now = SystemClock.now_ms();
            let lease_until = lease_until(invocation.deadline_ms, now);
            answer(match input.action {
                StepAction::Process => run::process(step, store, &input, now, lease_until).await,
                StepAction::Undo => run::undo(step, store, &input, now, lease_until).await,
                StepAction::Fail | StepAction::Park => return Err(not_asked(&input)),
            })
        }
    })
    .await
}

/// Serves a step that is one conditional write to our own tables: `work` is given the input and now (milliseconds since
/// the Unix epoch).
///
/// # Errors
///
/// As [`run_task`].
pub async fn run_local<H, F, E>(work: H) -> Result<(), Error>
where
    H: Fn(StepInput, i64) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<StepReply, RunError<E>>> + Send + 'static,
    E: HasErrorCode,
{
    run_task(move |event, _: Invocation| {
        let work = work.clone();
        async move { answer(work(input(event)?, SystemClock.now_ms()).await) }
    })
    .await
}

fn input(event: Value) -> Result<StepInput, TaskError> {
    StepInput::deserialize(event)
        .map_err(|error| TaskError::new(run::STEP_UNKNOWN.name, format!("this is no input of a step: {error}")))
}

fn not_asked(input: &StepInput) -> TaskError {
    TaskError::new(run::STEP_UNKNOWN.name, format!("this step is never asked to {:?}", input.action))
}

fn answer<E: HasErrorCode>(result: Result<StepReply, RunError<E>>) -> Result<Value, TaskError> {
    match result {
        Ok(reply) => {
            serde_json::to_value(reply).map_err(|error| TaskError::new(carryout_environment::STORAGE_CORRUPT.name, error))
        }
        Err(error) => {
            let failure = error.failure();
            Err(TaskError::new(failure.code, failure.message))
        }
    }
}
