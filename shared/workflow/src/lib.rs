//! One workflow model for everything in Carryout that takes several steps.
//!
//! Top-down, in the order in which a subject (an order, an applicant) meets them:
//!
//! 1. [`Orchestrator`] picks a [`Workflow`] by country and market type, and does nothing else.
//! 2. [`Workflow`] is plain data: an ordered list of stages of steps. There are two kinds, one for each executor. A [saga](saga) is
//!    compiled into an Amazon States Language machine with a compensation chain ([`compile`]); a [form workflow](form) is interpreted
//!    as a person submits forms.
//! 3. [`Step`] is a self-contained module: it calls its partner and reports. It knows neither its workflow nor its neighbours.
//! 4. [`run::process`] and [`run::undo`] run one step under a claim, against a [`StatusStore`].
//! 5. [`StatusMap`] holds one entry per step; each step writes only its own.
//!
//! [`Plan`] loads many things at once before a workflow begins, in the order that their dependencies allow.

mod asl;
mod definition;
pub mod form;
mod orchestrator;
mod plan;
pub mod run;
pub mod saga;
mod status;
mod step;

pub use asl::{compile, compile_wait, function_resource};
pub use definition::{InvalidWorkflow, Stage, StepSpec, Workflow};
pub use form::{Composite, FormStage, FormStep, FormWait, FormWorkflow};
pub use orchestrator::{NoWorkflow, Orchestrator, Route};
pub use plan::{Plan, PlanReport, Task, TaskReport};
pub use run::{Claim, ClaimRefused, Refused, Release, StatusStore, UndoStore};
pub use saga::{RetryClass, SagaStage, SagaStep, SagaWait};
pub use status::{Direction, StatusMap, StepEntry, StepState, UndoState};
pub use step::{Attempt, Effect, Outcome, Progress, Step, StepAction, StepInput, StepReply, Subject, UndoOutcome};
