//! Forecasts demand every five minutes and provisions concurrency ahead of it.

use carryout_environment::Clock;
use carryout_lambda::{
    Invocation, TaskError,
    metrics::{Metric, Metrics},
};
use carryout_scaling::{Action, Capacity, Decision, OfferedLoad, Outcome, Scaler, ScalingStore, SettingsSource};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How far a tick is from the clock at most. One from next year would leave none until then, and one that comes late is about a
/// load that is over.
const MOST_OFF: SignedDuration = SignedDuration::from_mins(10);
/// How long a tick may take where nobody stops it, in milliseconds.
const LEASE_MS: i64 = 240_000;

/// Runs the tick that the schedule's event is due for, reports what went wrong, and answers what was decided.
pub async fn handle<L: OfferedLoad, S: ScalingStore, C: Capacity, O: SettingsSource>(
    scaler: &Scaler<L, S, C, O>,
    clock: &impl Clock,
    metrics: &Metrics,
    invocation: &Invocation,
) -> Result<Value, TaskError> {
    let now_ms = clock.now();
    let now = Timestamp::from_millisecond(now_ms).unwrap_or(Timestamp::UNIX_EPOCH);
    let at = invocation.scheduled_at.map_or(now, |due| due.clamp(now - MOST_OFF, now + MOST_OFF));
    let until = if invocation.deadline_ms == 0 { now_ms.saturating_add(LEASE_MS) } else { invocation.deadline_ms };
    let outcome = scaler.tick(at, until).await.map_err(|error| TaskError::new(error.code().name, error))?;
    let (name, decisions) = match outcome {
        Outcome::Off => ("off", Vec::new()),
        Outcome::Over => ("over", Vec::new()),
        Outcome::Running => ("running", Vec::new()),
        Outcome::Decided(decisions) => ("decided", decisions),
    };
    decisions.iter().for_each(log);
    let problems: usize = decisions.iter().map(|decision| decision.problems.len()).sum();
    metrics.emit(&[Metric::count("ScalingTicks", 1), Metric::count("ScalingProblems", problems as u64)]);
    let set = |decision: &Decision| match decision.action {
        Action::Set(count) => Some(json!({ "function": decision.function, "set": count })),
        Action::Keep | Action::WouldSet(_) => None,
    };
    let changed: Vec<Value> = decisions.iter().filter_map(set).collect();
    Ok(json!({ "outcome": name, "decided": decisions.len(), "changed": changed, "problems": problems }))
}

fn log(decision: &Decision) {
    let Decision { function, wanted, in_use, action, .. } = decision;
    for problem in &decision.problems {
        tracing::warn!(function, wanted, in_use, "{problem}");
    }
    if *action != Action::Keep {
        tracing::info!(function, wanted, in_use, ?action, mode = %decision.mode, "provisioned concurrency");
    }
}
