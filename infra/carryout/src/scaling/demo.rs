//! A day of the scaler in fast motion, on a local cloud.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use carryout_aws::{Aws, DynamoScaling, LambdaCapacity};
use carryout_environment::StorageError;
use carryout_forecast::{Market, Price, Setting};
use carryout_scaling::{
    Capacity as _, HORIZON_SLOTS, History, Mode, Observed, OfferedLoad, Outcome, SLOT, Scaler, ScalingStore as _, Settings,
    SettingsSource,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::forecast::{Chart, Moment};
use crate::stack::Stack;
use crate::trends::{COLUMNS, sparkline};
use local_cloud::Terminal;

/// Whose capacity is played with.
const FUNCTION: &str = "submit-checkout";
/// Days of demand before the one that is played.
const PAST_DAYS: i64 = 21;
/// Requests in five minutes, on average.
const MEAN: f64 = 12_000.0;
/// Seconds that a request keeps an environment busy.
const DURATION: f64 = 0.5;
/// How long a tick may take, in milliseconds.
const LEASE_MS: i64 = 60_000;

/// A day as it was played.
#[derive(Debug)]
pub struct Day {
    zone: TimeZone,
    slots: Vec<Played>,
    price: Price,
    memory: f64,
}

/// A slot of the day, in environments.
#[derive(Debug, Clone, Copy)]
struct Played {
    at: Timestamp,
    arrived: f64,
    forecast: (f64, f64, f64),
    /// As Lambda reports it at the end of the tick.
    set: u32,
}

/// Demand that was made up, known until a slot is over.
struct MadeUp {
    slots: BTreeMap<Timestamp, Observed>,
}

impl OfferedLoad for MadeUp {
    async fn observed(&self, _: &str, since: Timestamp, until: Timestamp) -> Result<BTreeMap<Timestamp, Observed>, StorageError> {
        Ok(self.slots.range(since..until).map(|(at, observed)| (*at, *observed)).collect())
    }
}

struct Given(Settings);

impl SettingsSource for Given {
    async fn settings(&self) -> Result<Settings, StorageError> {
        Ok(self.0.clone())
    }
}

/// Seeds three weeks of demand and plays the day that ends now, tick by tick: the scaler's own code on the stack's tables and
/// Lambda, with made-up demand and the clock of the day. The scaler's own items stay as they are, and what was set is deleted.
pub async fn play(stack: &Stack, terminal: &Terminal, seed: u64) -> Result<Day> {
    if stack.endpoint.is_none() {
        bail!("the demonstration provisions what nobody needs; it plays on a local cloud only");
    }
    let aws = stack.aws().await;
    let now = SLOT.floor(Timestamp::now());
    let begins = now - SignedDuration::from_hours(24);
    let zone = TimeZone::get("America/New_York")?;
    let slots = demand(begins, seed, zone.clone())?;
    let scaler = scaler(stack, &aws, &slots, zone.clone())?;
    let mut past = History::default();
    past.take_in(&slots.range(..begins).map(|(at, observed)| (*at, *observed)).collect());
    scaler.store.add(FUNCTION, &past).await.context("the history could not be seeded; is the local cloud up?")?;

    let ticks = 24 * 3_600 / SLOT.seconds();
    let progress = terminal.progress("playing a day", usize::try_from(ticks)?);
    let played = async {
        let mut day = Vec::new();
        for tick in 0..ticks {
            let at = begins + SignedDuration::from_secs(tick * SLOT.seconds());
            day.push(play_tick(&scaler, &slots, at).await?);
            progress.advance(1);
        }
        anyhow::Ok(day)
    };
    let played = played.await;
    let deleted = scaler.capacity.set(FUNCTION, Setting::Delete).await;
    let slots = played?;
    deleted.context("what was set could not be deleted")?;
    progress.done(&format!("played {ticks} ticks from {begins} on"));
    let Given(settings) = scaler.settings;
    Ok(Day { zone, slots, price: settings.account.price, memory: settings.tuning(FUNCTION).memory })
}

type Demo = Scaler<MadeUp, DynamoScaling, LambdaCapacity, Given>;

fn scaler(stack: &Stack, aws: &Aws, slots: &BTreeMap<Timestamp, Observed>, zone: TimeZone) -> Result<Demo> {
    let settings = Settings { mode: Mode::Apply, zone, ..Settings::default() };
    let scope = format!("demo-{}", Timestamp::now().as_second());
    Ok(Scaler {
        load: MadeUp { slots: slots.clone() },
        store: DynamoScaling::new(aws, stack.output("ScalingTable")?).in_scope(&scope),
        capacity: LambdaCapacity::new(aws, stack.output("FunctionPrefix")?),
        settings: Given(settings),
        functions: vec![FUNCTION.to_owned()],
        queued: Vec::new(),
    })
}

fn demand(begins: Timestamp, seed: u64, zone: TimeZone) -> Result<BTreeMap<Timestamp, Observed>> {
    let start = begins - SignedDuration::from_hours(24 * PAST_DAYS);
    let days = usize::try_from(PAST_DAYS + 1)?;
    let series = Market { seed, start, slot: SLOT, zone, days, mean: MEAN }.series()?;
    let slot = |index: usize| {
        let arrived = series.get(index)?;
        let concurrent = concurrency(arrived).ceil() as u32;
        Some((series.at(index), Observed { arrived, busy: arrived * DURATION, concurrent }))
    };
    Ok((0..series.len()).filter_map(slot).collect())
}

/// Environments that so many requests in a slot keep busy.
fn concurrency(arrived: f64) -> f64 {
    arrived / SLOT.seconds() as f64 * DURATION
}

async fn play_tick(scaler: &Demo, slots: &BTreeMap<Timestamp, Observed>, at: Timestamp) -> Result<Played> {
    match scaler.tick(at, Timestamp::now().as_millisecond() + LEASE_MS).await? {
        Outcome::Decided(decisions) => {
            if let Some(problem) = decisions.iter().flat_map(|decision| &decision.problems).next() {
                bail!("the tick of {at} failed: {problem}");
            }
        }
        other => bail!("the tick of {at} did not run: {other:?}"),
    }
    let (plan, reported) = futures::try_join!(scaler.store.plan(FUNCTION), scaler.capacity.reported(FUNCTION))?;
    let plan = plan.filter(|plan| plan.start == at && plan.set.len() == HORIZON_SLOTS).context("the tick kept no plan")?;
    let first = |loads: &[f64]| concurrency(loads.first().copied().unwrap_or(0.0));
    let arrived = slots.get(&at).map_or(0.0, |observed| concurrency(observed.arrived));
    let forecast = (first(&plan.low), first(&plan.expected), first(&plan.high));
    Ok(Played { at, arrived, forecast, set: reported.requested })
}

impl Day {
    /// Forecast, band, what was provisioned and what arrived, in environments.
    pub fn chart(&self) -> Chart {
        let moments = self.slots.iter().map(|slot| Moment {
            at: slot.at,
            load: Some(slot.arrived),
            forecast: Some(slot.forecast),
            set: Some(f64::from(slot.set)),
        });
        let title = format!("{FUNCTION}: environments busy and provisioned, five minutes ahead");
        Chart { title, zone: self.zone.clone(), moments: moments.collect() }
    }

    /// The day in a few lines, hour by hour, and its bill.
    pub fn print(&self) -> String {
        let mut text = format!(
            "{FUNCTION}, a day of made-up demand: environments (requests of {DURATION} s)\n\n{:<6} {:>9} {:>9} {:>9}\n",
            "hour", "forecast", "set", "arrived"
        );
        let per_hour = usize::try_from(3_600 / SLOT.seconds()).unwrap_or(1);
        for hour in self.slots.chunks(per_hour) {
            let mean = |of: &dyn Fn(&Played) -> f64| hour.iter().map(of).sum::<f64>() / hour.len() as f64;
            let clock = hour.first().map(|slot| slot.at.to_zoned(self.zone.clone()).strftime("%H:%M").to_string());
            let _ = writeln!(
                text,
                "{:<6} {:>9.1} {:>9.1} {:>9.1}",
                clock.unwrap_or_default(),
                mean(&|slot| slot.forecast.1),
                mean(&|slot| f64::from(slot.set)),
                mean(&|slot| slot.arrived),
            );
        }
        let line = |name: &str, of: &dyn Fn(&Played) -> f64| {
            let columns = self.slots.chunks(self.slots.len().div_ceil(COLUMNS).max(1));
            let means: Vec<Option<f64>> =
                columns.map(|slots| Some(slots.iter().map(of).sum::<f64>() / slots.len() as f64)).collect();
            format!("{name:<10} {}\n", sparkline(&means))
        };
        text.push('\n');
        text.push_str(&line("forecast", &|slot| slot.forecast.1));
        text.push_str(&line("set", &|slot| f64::from(slot.set)));
        text.push_str(&line("arrived", &|slot| slot.arrived));
        text.push_str(&self.bill());
        text
    }

    fn bill(&self) -> String {
        let gb_seconds = self.memory * SLOT.seconds() as f64;
        let usd = |capacity: &dyn Fn(&Played) -> f64| -> f64 {
            self.slots.iter().map(|slot| self.price.cost(slot.arrived, capacity(slot)) * gb_seconds).sum()
        };
        let (ahead, on_demand, oracle) = (usd(&|slot| f64::from(slot.set)), usd(&|_| 0.0), usd(&|slot| slot.arrived));
        let peak = self.slots.iter().map(|slot| slot.arrived).fold(0.0, f64::max).ceil();
        let part = |cost: f64| format!("{cost:>8.4} USD  {:>5.1} %", 100.0 * cost / on_demand);
        let load: f64 = self.slots.iter().map(|slot| slot.arrived).sum();
        let short: f64 = self.slots.iter().map(|slot| (slot.arrived - f64::from(slot.set)).max(0.0)).sum();
        format!(
            "\nthe bill for {} GB, without request fees, at the prices of us-east-1:\n  \
             as set ahead   {}, with {:.2} % of the demand above what was set\n  \
             on demand      {}\n  \
             the day's peak {}\n  \
             an oracle      {}\n\n\
             What was set is what the Lambda API reports. A local cloud stores provisioned concurrency and simulates none, so\n\
             no environment was made and no request was sent: arrivals and the bill are computed.\n",
            self.memory,
            part(ahead),
            100.0 * short / load,
            part(on_demand),
            part(usd(&|_| peak)),
            part(oracle),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bill_of_a_perfect_day_is_an_oracles() {
        let at = |index: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(index * SLOT.seconds());
        let slot = |index| Played { at: at(index), arrived: 4.0, forecast: (3.0, 4.0, 5.0), set: 4 };
        let day = Day { zone: TimeZone::UTC, slots: (0..288).map(slot).collect(), price: Price::default(), memory: 0.25 };
        let text = day.print();
        assert!(text.contains("00:00        4.0       4.0       4.0"), "{text}");
        assert_eq!(text.matches(" 83.3 %").count(), 3, "as set, at the peak, and an oracle: {text}");
        assert!(text.contains("simulates none"));
    }
}
