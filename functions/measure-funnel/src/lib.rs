//! Counts how many applicants come how far, as metrics.

use carryout_environment::{Clock, StorageError};
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_onboarding::{
    funnel::Funnel,
    ports::{ApplicantPages, MarketSource},
};
use serde_json::{Value, json};

/// Counts every applicant, and says of each market, version and step how many came to it, completed it, dropped out and wait, and how
/// long half of those who completed it took at most.
pub async fn handle(
    applicants: &impl ApplicantPages,
    markets: &impl MarketSource,
    clock: &impl Clock,
    metrics: &Metrics,
) -> Result<Value, TaskError> {
    let failed = |error: StorageError| TaskError::new(error.code().name, error);
    let (markets, now) = (markets.markets().await.map_err(failed)?, clock.now());
    let (mut funnel, mut counted) = (Funnel::default(), 0_u64);
    let count = |applicant| {
        funnel.count(&markets, &applicant, now);
        counted += 1;
    };
    applicants.each(count).await.map_err(failed)?;
    for (place, figures) in funnel.figures() {
        let metrics = metrics.with("market", &place.market).with("version", place.version).with("step", &place.step);
        let mut measured = vec![
            Metric::count("FunnelEntered", figures.entered as u64),
            Metric::count("FunnelFinished", figures.finished as u64),
            Metric::count("FunnelDropped", figures.dropped as u64),
            Metric::count("FunnelWaiting", figures.waiting as u64),
        ];
        measured.extend(figures.median_ms().map(|took| Metric::milliseconds("FunnelTook", took as f64)));
        metrics.emit(&measured);
    }
    Ok(json!({ "applicants": counted }))
}
