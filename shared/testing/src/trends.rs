use crate::lock;
use carryout_environment::StorageError;
use carryout_market::MarketId;
use carryout_price_monitoring::{Observation, Span, Statistics, Trends};
use carryout_pricing::PriceMeasure;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

/// Statistics that are kept for ever.
#[derive(Debug, Clone, Default)]
pub struct FakeTrends(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    events: BTreeSet<String>,
    slots: BTreeMap<(MarketId, PriceMeasure, Span, i64), Statistics>,
    failing: u32,
}

impl FakeTrends {
    /// Lets the next counts fail after their first quote.
    pub fn fail_next(&self, times: u32) {
        lock(&self.0).failing = times;
    }
}

impl Trends for FakeTrends {
    async fn observe(&self, observations: &[Observation]) -> Result<(), StorageError> {
        let mut kept = lock(&self.0);
        for (place, Observation { event_id, market, at, figures }) in observations.iter().enumerate() {
            if place == 1 && kept.failing > 0 {
                kept.failing -= 1;
                return Err(StorageError::Unavailable("told to fail".to_owned()));
            }
            if !kept.events.insert(event_id.clone()) {
                continue;
            }
            for (figure, amount) in figures {
                for span in Span::ALL {
                    kept.slots.entry((*market, *figure, span, span.start_of(*at))).or_default().add(*amount);
                }
            }
        }
        Ok(())
    }

    async fn slot(
        &self,
        market: MarketId,
        figure: PriceMeasure,
        span: Span,
        start: i64,
    ) -> Result<Option<Statistics>, StorageError> {
        Ok(lock(&self.0).slots.get(&(market, figure, span, start)).cloned())
    }

    async fn series(
        &self,
        market: MarketId,
        figure: PriceMeasure,
        span: Span,
        since: i64,
        until: i64,
    ) -> Result<BTreeMap<i64, Statistics>, StorageError> {
        let kept = lock(&self.0);
        let slots = kept.slots.range((market, figure, span, since)..(market, figure, span, until.max(since)));
        Ok(slots.map(|((.., start), statistics)| (*start, statistics.clone())).collect())
    }
}
