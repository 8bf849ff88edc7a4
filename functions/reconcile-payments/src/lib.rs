//! Holds the processor's payments against orders and ledgers.

use carryout_checkout::{
    ports::{Ledgers, Orders, PaymentList, Payments, Reports},
    reconcile::{Reconcile, Reconciliation},
};
use carryout_environment::Clock;
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use serde_json::{Value, json};

/// Time that is kept for what a reconciliation has begun when it may begin nothing more, and for its report. Milliseconds.
const KEPT_BACK_MS: i64 = 30_000;

/// Reconciles until shortly before `deadline_ms` (milliseconds since the Unix epoch; 0 for none), and reports what was found
/// as metrics. The report itself is kept for people.
pub async fn handle<P: Payments + PaymentList, O: Orders, L: Ledgers, R: Reports<Reconciliation>, C: Clock>(
    reconcile: &Reconcile<P, O, L, R, C>,
    deadline_ms: i64,
    metrics: &Metrics,
) -> Result<Value, TaskError> {
    let deadline = if deadline_ms == 0 { i64::MAX } else { deadline_ms - KEPT_BACK_MS };
    let report = reconcile.run(deadline).await.map_err(|error| TaskError::of(&error))?;
    metrics.emit(&[
        Metric::count("PaymentsReconciled", report.intents),
        Metric::count("LedgerEventsAdopted", report.adopted),
        Metric::count("OrphansCancelled", report.cancelled),
        Metric::count("OrphansRefunded", report.refunded),
        Metric::count("DiscrepanciesReported", report.reported),
        Metric::count("RemediesPostponed", report.postponed),
        Metric::count("ReconciliationsUnfinished", u64::from(report.resume_after.is_some())),
    ]);
    Ok(json!({
        "intents": report.intents,
        "adopted": report.adopted,
        "cancelled": report.cancelled,
        "refunded": report.refunded,
        "reported": report.reported,
        "postponed": report.postponed,
        "finished": report.resume_after.is_none(),
    }))
}
