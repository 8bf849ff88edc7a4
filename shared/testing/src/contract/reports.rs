use super::done;
use crate::samples::NOON;
use carryout_checkout::{ports::Reports, reconcile::Reconciliation};

/// [`Reports`]: the newest one is the one that began last. Nobody else may write reports meanwhile.
pub async fn reports(reports: &impl Reports<Reconciliation>) {
    assert_eq!(done(reports.latest().await), None);
    let report = |started_at| Reconciliation { started_at, ..Default::default() };
    for (saved, latest) in [(NOON, NOON), (NOON + 1, NOON + 1), (NOON - 1, NOON + 1)] {
        done(reports.save(&report(saved)).await);
        assert_eq!(done(reports.latest().await), Some(report(latest)));
    }
    let again = Reconciliation { intents: 7, ..report(NOON + 1) };
    done(reports.save(&again).await);
    assert_eq!(done(reports.latest().await), Some(again), "a report is kept under the moment at which it began");
}
