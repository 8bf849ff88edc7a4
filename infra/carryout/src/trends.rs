//! What prices do over time, drawn in the terminal.

use crate::stack::Stack;
use anyhow::{Context as _, Result};
use carryout_aws::{DynamoReports, DynamoTrends};
use carryout_checkout::ports::Reports as _;
use carryout_lambda::clock::SystemClock;
use carryout_market::{MarketId, Markets};
use carryout_money::Money;
use carryout_price_monitoring::{Anomaly, PriceWatch, Span, Statistics, Trends as _};
use carryout_pricing::PriceMeasure;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// One market, or all.
    pub market: Option<MarketId>,
    /// One component, or all.
    pub component: Option<PriceMeasure>,
    /// Hours back from now.
    pub hours: u16,
    /// The length of a slot.
    pub span: Span,
}

/// A component of a market over time. Amounts in minor units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    /// The store's country.
    pub market: MarketId,
    /// The component.
    pub component: PriceMeasure,
    /// The length of a slot.
    pub span: Span,
    /// Quotes of all slots.
    pub quotes: u64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// Their median, to 2.5 %.
    pub median: f64,
    /// Every slot, oldest first.
    pub slots: Vec<Slot>,
}

/// A slot of a series. Amounts in minor units; none where there was no quote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slot {
    /// When it starts. Milliseconds since the Unix epoch.
    pub start: i64,
    /// Quotes that were made in it.
    pub quotes: u64,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation.
    pub deviation: Option<f64>,
    /// Their median, to 2.5 %.
    pub median: Option<f64>,
}

/// The series of the deployed stack in which there is anything.
pub async fn series(stack: &Stack, wanted: Wanted) -> Result<Vec<Series>> {
    let Wanted { market, component, hours, span } = wanted;
    let trends = DynamoTrends::new(&stack.aws().await, stack.output("TrendsTable")?);
    let until = span.start_of(SystemClock.now_ms()) + span.ms();
    let since = until - i64::from(hours) * Span::Hour.ms();
    let mut found = Vec::new();
    for market in Markets::embedded()?.ids().filter(|one| market.is_none_or(|market| market == *one)) {
        for component in PriceMeasure::ALL.into_iter().filter(|one| component.is_none_or(|component| component == *one)) {
            let slots = trends.series(market, component, span, since, until).await;
            let slots = slots.context("the trends can't be read; is the stack deployed and the local cloud up?")?;
            found.extend(drawn(market, component, span, since, until, &slots));
        }
    }
    Ok(found)
}

/// What the last whole hour was found to be, if any was looked at.
pub async fn watched(stack: &Stack) -> Result<Option<PriceWatch>> {
    let reports = DynamoReports::new(&stack.aws().await, stack.output("ReportsTable")?);
    reports.latest().await.context("the reports can't be read; is the stack deployed and the local cloud up?")
}

fn drawn(
    market: MarketId,
    component: PriceMeasure,
    span: Span,
    since: i64,
    until: i64,
    kept: &BTreeMap<i64, Statistics>,
) -> Option<Series> {
    let mut all = Statistics::default();
    kept.values().for_each(|slot| all.merge(slot));
    let nothing = Statistics::default();
    let starts = std::iter::successors(Some(since), |start| Some(start + span.ms())).take_while(|start| *start < until);
    let slots = starts.map(|start| {
        let slot = kept.get(&start).unwrap_or(&nothing);
        Slot { start, quotes: slot.count(), mean: slot.mean(), deviation: slot.deviation(), median: slot.median() }
    });
    Some(Series {
        market,
        component,
        span,
        quotes: all.count(),
        mean: all.mean()?,
        deviation: all.deviation()?,
        median: all.median()?,
        slots: slots.collect(),
    })
}

/// A bar for each mean, from the lowest to the highest; a blank where there is none.
pub(crate) fn sparkline(means: &[Option<f64>]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let known = || means.iter().flatten().copied();
    let (low, high) = (known().fold(f64::INFINITY, f64::min), known().fold(f64::NEG_INFINITY, f64::max));
    let bar = |mean: f64| {
        let height = if high > low { (mean - low) / (high - low) } else { 0.5 };
        BARS.get((height * 7.0).round() as usize).copied().unwrap_or('█')
    };
    means.iter().map(|mean| mean.map_or(' ', bar)).collect()
}

/// The widest drawing. Several slots share a column where there are more.
pub(crate) const COLUMNS: usize = 72;

/// The series for people.
pub fn chart(series: &[Series]) -> String {
    let Some(first) = series.first() else {
        return "there are no quotes in this time; they are counted within seconds\n".to_owned();
    };
    let mut text = String::new();
    if let (Some(from), Some(to)) = (first.slots.first(), first.slots.last()) {
        let span = first.span;
        text.push_str(&format!("means by {} from {} to {}\n\n", span.name(), moment(from.start), moment(to.start + span.ms())));
    }
    let width = first.slots.len().min(COLUMNS);
    text.push_str(&format!(
        "{:<6} {:<10} {:<width$} {:>7} {:>13} {:>10} {:>13}\n",
        "market", "component", "", "quotes", "mean", "deviation", "median"
    ));
    for one in series {
        let per_column = one.slots.len().div_ceil(COLUMNS).max(1);
        let means: Vec<Option<f64>> = one.slots.chunks(per_column).map(mean_of).collect();
        let amount = |minor: f64| amount(one.market, minor);
        let deviation = amount(one.deviation);
        text.push_str(&format!(
            "{:<6} {:<10} {:<width$} {:>7} {:>13} {:>10} {:>13}\n",
            one.market,
            one.component,
            sparkline(&means),
            one.quotes,
            amount(one.mean),
            deviation.split(' ').next().unwrap_or_default(),
            amount(one.median),
        ));
    }
    text
}

/// The mean of the quotes of several slots.
fn mean_of(slots: &[Slot]) -> Option<f64> {
    let quotes: u64 = slots.iter().map(|slot| slot.quotes).sum();
    let sum: f64 = slots.iter().filter_map(|slot| Some(slot.mean? * slot.quotes as f64)).sum();
    (quotes > 0).then(|| sum / quotes as f64)
}

/// What was found about the last whole hour, for people.
pub fn summary(watched: Option<&PriceWatch>) -> String {
    let Some(PriceWatch { hour, watched, anomalies }) = watched else {
        return "\nno hour was looked at yet\n".to_owned();
    };
    let mut text =
        format!("\nhour of {}: {watched} series looked at, {} unlike the weeks before\n", moment(*hour), anomalies.len());
    for Anomaly { market, component, quotes, mean, median, z, .. } in anomalies {
        let (mean, median) = (amount(*market, *mean), amount(*market, *median));
        text.push_str(&format!(
            "  {market:<6} {component:<10} {mean} in {quotes} quotes, {median} before: {z:+.1} spreads off\n"
        ));
    }
    text
}

/// A statistic as an amount in the market's currency, rounded to the minor unit; in minor units if the market is gone.
fn amount(market: MarketId, minor: f64) -> String {
    let minor = minor.round() as i64;
    let currency = Markets::embedded().ok().and_then(|markets| Some(markets.market(market)?.currency));
    currency.map_or_else(|| minor.to_string(), |currency| Money::new(minor, currency).to_string())
}

fn moment(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use carryout_market::ids;
    use carryout_pricing::ChargeKind;

    fn hour(amounts: &[i64]) -> Statistics {
        let mut statistics = Statistics::default();
        amounts.iter().for_each(|amount| statistics.add(*amount));
        statistics
    }

    #[test]
    fn a_series_is_drawn_from_its_lowest_to_its_highest_mean() {
        assert_eq!(sparkline(&[Some(10.0), None, Some(80.0), Some(45.0)]), "▁ █▅");
        assert_eq!(sparkline(&[Some(3.0), Some(3.0)]), "▅▅");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_row_has_every_slot_and_what_all_of_them_come_to() {
        let ms = Span::Hour.ms();
        let kept = BTreeMap::from([(0, hour(&[1_000, 3_000])), (2 * ms, hour(&[5_000, 7_000]))]);
        let series = drawn(ids::CA, PriceMeasure::Total, Span::Hour, 0, 3 * ms, &kept).unwrap();
        assert_eq!((series.quotes, series.mean, series.slots.len()), (4, 4_000.0, 3));
        assert_eq!((series.slots[1].quotes, series.slots[1].mean), (0, None));
        let text = chart(&[series]);
        assert!(text.starts_with("means by hour from 1970-01-01T00:00:00Z to 1970-01-01T03:00:00Z\n"), "{text}");
        assert!(text.contains("CA     total      ▁ █       4     40.00 CAD      22.36"), "{text}");
        assert_eq!(drawn(ids::CA, PriceMeasure::Total, Span::Hour, 0, ms, &BTreeMap::new()), None);
        assert!(chart(&[]).contains("no quotes"));
    }

    #[test]
    fn more_slots_than_columns_share_them() {
        let ms = Span::Minute.ms();
        let kept = (0..180).map(|minute| (minute * ms, hour(&[minute]))).collect();
        let series = drawn(ids::US, PriceMeasure::Tip, Span::Minute, 0, 180 * ms, &kept).unwrap();
        let text = chart(&[series]);
        let bars = text.chars().filter(|char| ('▁'..='█').contains(char)).count();
        assert_eq!(bars, 60, "{text}");
    }

    #[test]
    fn an_anomaly_says_what_it_was_and_is() {
        let anomaly = Anomaly {
            market: ids::NZ,
            component: PriceMeasure::Charges(ChargeKind::Tax),
            quotes: 50,
            mean: 600.0,
            median: 154.5,
            spread: 3.0,
            z: 148.5,
        };
        let text = summary(Some(&PriceWatch { hour: 0, watched: 40, anomalies: vec![anomaly] }));
        assert!(text.contains("NZ     tax        6.00 NZD in 50 quotes, 1.55 NZD before: +148.5 spreads off\n"), "{text}");
        assert!(summary(None).contains("no hour"));
    }
}
