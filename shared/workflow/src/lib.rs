//! One workflow model for everything in Carryout that takes several steps and may have to be undone.
//!
//! Top-down, in the order in which a subject (an order, an applicant) meets them:
//!
//! 1. [`Orchestrator`] picks a [`Workflow`] by country and market type, and does nothing else.
//! 2. [`Workflow`] is plain data: an ordered list of steps, some of them side by side.
//!    [`compile`] turns it into an Amazon States Language machine with an undo chain.
//! 3. [`Step`] is a self-contained module: it calls its partner and reports. It knows neither its workflow nor its
//!    neighbours.
//! 4. [`run::process`] and [`run::undo`] run one step under a claim, against a [`StatusStore`].
//! 5. [`StatusMap`] holds one entry per step; each step writes only its own.
//!
//! [`Plan`] is for what comes before a workflow: loading many things at once, in the order their dependencies allow.

mod asl;
mod definition;
mod orchestrator;
mod plan;
pub mod run;
mod status;
mod step;

pub use asl::{compile, compile_wait, function_resource};
pub use definition::{Composite, InvalidWorkflow, RetryClass, Stage, StepSpec, Wait, Workflow};
pub use orchestrator::{NoWorkflow, Orchestrator, Route};
pub use plan::{Plan, PlanReport, Task, TaskReport};
pub use run::{Claim, ClaimRefused, Refused, Release, StatusStore};
pub use status::{Direction, StatusMap, StepEntry, StepState, UndoState};
pub use step::{Action, Attempt, Effect, Outcome, Progress, Step, StepInput, StepReply, Subject};
