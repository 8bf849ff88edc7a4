//! Finds orders and refunds that stopped moving and drives them on.
//!
//! An order stops when its message or its execution is lost, or its execution ended without closing it. A new run
//! starts only when the workflow service says that the one before has ended; it goes the way that is recorded on the
//! order.

use crate::{
    order::{Startable, execution_name},
    ports::{ExecutionState, Executions, StuckOrders},
    start::{StartError, start_run},
};
use carryout_environment::Clock;
use carryout_workflow::Orchestrator;
use serde::Serialize;

/// Orders that one sweep looks at, at most.
const AT_MOST: usize = 100;
/// When an order is looked at again. Milliseconds.
const LOOK_AGAIN_AFTER_MS: i64 = 60_000;

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Orders whose run is under way: left alone.
    pub running: u32,
    /// Orders whose run had never begun: started.
    pub started: u32,
    /// Orders whose run had ended too early: the next run was started.
    pub resumed: u32,
    /// Orders that could not be looked at; the next sweep does.
    pub failed: u32,
}

/// Drives on every order, or every refund, whose deadline has passed; with the orchestrator that they began with.
pub async fn sweep<S: Startable>(
    stuck: &impl StuckOrders<Subject = S>,
    executions: &impl Executions,
    orchestrator: &Orchestrator,
    clock: &impl Clock,
) -> Result<Swept, StartError> {
    let mut swept = Swept::default();
    for order in stuck.stuck(clock.now(), AT_MOST).await? {
        match drive_on(&order, stuck, executions, orchestrator, clock.now()).await {
            Ok(Drive::Running) => swept.running += 1,
            Ok(Drive::Started) => swept.started += 1,
            Ok(Drive::Resumed) => swept.resumed += 1,
            Ok(Drive::Closed) => {}
            Err(error) => {
                swept.failed += 1;
                tracing::warn!(order.id = %order.id(), %error, "a stuck order could not be driven on");
            }
        }
    }
    Ok(swept)
}

enum Drive {
    Running,
    Started,
    Resumed,
    Closed,
}

async fn drive_on<S: Startable>(
    order: &S,
    stuck: &impl StuckOrders<Subject = S>,
    executions: &impl Executions,
    orchestrator: &Orchestrator,
    now: i64,
) -> Result<Drive, StartError> {
    let look_again_at = now + LOOK_AGAIN_AFTER_MS;
    match executions
        .state(&order.release_track().state_machine(order.workflow()), &execution_name(order.id(), order.run()))
        .await?
    {
        ExecutionState::Running => {
            stuck.look_again(order.id(), order.run(), look_again_at).await?;
            Ok(Drive::Running)
        }
        // Its message was lost, or the last sweep ended between counting the run and starting it.
        ExecutionState::NotFound => {
            start_run(orchestrator, executions, order, order.run()).await?;
            stuck.look_again(order.id(), order.run(), look_again_at).await?;
            Ok(Drive::Started)
        }
        ExecutionState::Ended => {
            if !stuck.next_run(order.id(), order.run(), look_again_at).await? {
                return Ok(Drive::Closed);
            }
            start_run(orchestrator, executions, order, order.run() + 1).await?;
            Ok(Drive::Resumed)
        }
    }
}
