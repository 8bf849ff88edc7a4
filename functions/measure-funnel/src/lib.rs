//! Publishes the funnel of applicants as metrics.

use carryout_environment::{Clock, StorageError};
use carryout_lambda::{
    TaskError,
    metrics::{Metric, Metrics},
};
use carryout_onboarding::{funnel::Funnel, markets::MarketSource, ports::ApplicantPages};
use serde_json::{Value, json};

/// The ports of the function.
pub trait Ports: Send + Sync + 'static {
    /// All applicants.
    type Applicants: ApplicantPages;
    /// The markets.
    type Markets: MarketSource;
    /// The clock.
    type Clock: Clock;
}

/// The function.
pub struct MeasureFunnel<P: Ports> {
    /// All applicants.
    pub applicants: P::Applicants,
    /// The markets.
    pub markets: P::Markets,
    /// The clock.
    pub clock: P::Clock,
    /// The metrics.
    pub metrics: Metrics,
}

impl<P: Ports> MeasureFunnel<P> {
    /// Counts every applicant, and publishes for each market, version and step how many entered, finished, dropped out and wait, and
    /// the median time to complete it.
    ///
    /// # Errors
    ///
    /// If storage failed.
    pub async fn handle(&self) -> Result<Value, TaskError> {
        let failed = |error: StorageError| TaskError::new(error.code().name, error);
        let (markets, now) = (self.markets.markets().await.map_err(failed)?, self.clock.now());
        let (mut funnel, mut counted) = (Funnel::default(), 0_u64);
        let count = |applicant| {
            funnel.count(&markets, &applicant, now);
            counted += 1;
        };
        self.applicants.each(count).await.map_err(failed)?;
        for (step, counts) in funnel.counts() {
            let metrics = self.metrics.with("market", &step.market).with("version", step.version).with("step", &step.step);
            let mut measured = vec![
                Metric::count("FunnelEntered", counts.entered as u64),
                Metric::count("FunnelFinished", counts.finished as u64),
                Metric::count("FunnelDropped", counts.dropped as u64),
                Metric::count("FunnelWaiting", counts.waiting as u64),
            ];
            measured.extend(counts.median_ms().map(|took| Metric::milliseconds("FunnelTook", took as f64)));
            metrics.emit(&measured);
        }
        Ok(json!({ "applicants": counted }))
    }
}
