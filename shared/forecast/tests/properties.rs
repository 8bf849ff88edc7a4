//! What holds for every series.
#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_forecast::{
    Account, Architecture, Backtest, Calendar, Choice, Event, Forecast, Function, Margin, Pinned, Price, Series, Settings, Slot,
    backtest, plan,
};
use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, sample::select};

const ZONES: [&str; 6] = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana"];

#[derive(Debug, Clone)]
struct Made {
    start: Timestamp,
    slot: Slot,
    zone: &'static str,
    values: Vec<Option<f64>>,
}

impl Made {
    fn series(&self) -> Series {
        Series::new(self.start, self.slot, TimeZone::get(self.zone).unwrap(), self.values.iter().copied()).unwrap()
    }

    fn with(&self, values: Vec<Option<f64>>) -> Series {
        Self { values, ..self.clone() }.series()
    }
}

/// Anything: nothing at all, zeros, gaps, spikes, and enough regular weeks now and then.
fn made() -> impl Strategy<Value = Made> {
    let load = prop_oneof![
        3 => (0.0..100.0_f64).prop_map(Some),
        2 => Just(Some(0.0)),
        1 => Just(None),
        1 => (0.0..=1e15_f64).prop_map(Some),
    ];
    let wild = prop::collection::vec(load, 0..700);
    let regular = (prop::collection::vec(1.0..500.0_f64, 24), 300..700_usize)
        .prop_map(|(day, len)| (0..len).map(|hour| Some(day[hour % 24] * if hour % 168 > 120 { 1.4 } else { 1.0 })).collect());
    // Around the days on which clocks change, too.
    let start = select(vec![1_394_000_000, 1_413_500_000, 1_414_700_000, 1_427_000_000, 0]);
    let slot = select(vec![Slot::Hour, Slot::HalfHour]);
    (prop_oneof![wild, regular], start, slot, select(ZONES.to_vec())).prop_map(|(values, start, slot, zone)| Made {
        start: Timestamp::from_second(start).unwrap(),
        slot,
        zone,
        values,
    })
}

fn settings(horizon_hours: i64, delay: usize) -> Settings {
    Settings {
        skip_days: 2,
        horizons: vec![SignedDuration::from_hours(horizon_hours)],
        delay,
        quantile: 0.9,
        price: Price::of("us-east-1", Architecture::X86).unwrap(),
    }
}

/// Every number of every method that was forecast when at most `known` slots were: expected, low, high and capacity by slot.
fn numbers(backtests: &[Backtest], known: usize) -> Vec<(usize, [f64; 4])> {
    let points = backtests.iter().flat_map(|backtest| &backtest.points).filter(|point| point.origin <= known);
    points.map(|point| (point.index, [point.expected, point.low, point.high, point.capacity])).collect()
}

fn calendar(name: &str) -> Calendar {
    let event = |from, until| Event { name: name.to_owned(), from, until, multiplier: None, per_second: None };
    let days = [date(2014, 3, 7), date(2014, 3, 12), date(2014, 10, 19), date(2014, 10, 25), date(2014, 11, 4)];
    Calendar::new(days.map(|day| event(day.at(9, 0, 0, 0), day.at(20, 0, 0, 0))).to_vec()).unwrap()
}

fn forecast(series: &Series, calendar: &Calendar, horizon: usize) -> Forecast {
    let choice = Choice::learn(series, calendar, horizon).unwrap();
    Forecast::make(series, calendar, &choice, series.at(series.len()), horizon).unwrap()
}

fn function() -> impl Strategy<Value = Function> {
    let margin =
        prop_oneof![Just(Margin::None), Just(Margin::Poisson), (0.01..0.5_f64).prop_map(|overflow| Margin::Erlang { overflow })];
    let limits = (0..20_u32, 0..60_u32, prop::option::of(1..30_u32));
    let now = (0..80_u32, 0..80_u32);
    (-2..3_i32, 0.001..3_000.0_f64, prop::option::of(0.01..0.99_f64), margin, limits, now).prop_map(
        |(priority, duration, quantile, margin, (min, room, step), (current, in_use))| Function {
            name: "any".to_owned(),
            priority,
            duration,
            memory: 0.5,
            quantile,
            margin,
            min,
            max: min + room,
            step,
            current,
            in_use: in_use.min(current),
            pinned: None,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_future_never_changes_a_forecast(
        made in made(),
        cut in 0.0..1.0_f64,
        other in prop::collection::vec(prop::option::of(0.0..1e6_f64), 700),
        hours in select(vec![1, 3, 24]),
        delay in 0..3_usize,
    ) {
        let now = (made.values.len() as f64 * cut) as usize;
        let mut changed = made.values.clone();
        for (value, other) in changed.iter_mut().zip(other).skip(now) {
            // What is unknown stays so: a backtest scores known slots only.
            *value = value.and(Some(other.unwrap_or(7.0)));
        }
        let calendar = calendar("fair");
        let before = backtest(&made.series(), &calendar, &settings(hours, delay)).unwrap();
        let after = backtest(&made.with(changed), &calendar, &settings(hours, delay)).unwrap();
        prop_assert_eq!(numbers(&before, now), numbers(&after, now));
    }

    #[test]
    fn a_backtest_forecasts_as_a_forecast_at_that_moment_would(made in made()) {
        let series = made.series();
        let at = |len: usize| backtest(&series.until(len), &Calendar::default(), &settings(1, 0)).unwrap();
        let half = series.len() / 2;
        let mut whole = numbers(&at(series.len()), half);
        // What a backtest of the first half can compare with what arrived.
        whole.retain(|(index, _)| *index < half);
        prop_assert_eq!(whole, numbers(&at(half), half));
    }

    #[test]
    fn twice_the_load_is_twice_the_forecast(made in made(), factor in select(vec![0.25, 2.0, 1024.0])) {
        let scale = |value: &Option<f64>| value.map(|value| value * factor / 2048.0);
        let small = made.values.iter().map(|value| value.map(|value| value / 2048.0)).collect();
        let large = made.values.iter().map(scale).collect();
        let [small, large] = [small, large].map(|values| forecast(&made.with(values), &Calendar::default(), 30));
        for index in 0..30 {
            prop_assert_eq!(small.expected(index) * factor, large.expected(index));
            prop_assert_eq!(small.quantile(index, 0.9) * factor, large.quantile(index, 0.9));
        }
    }

    #[test]
    fn a_higher_quantile_is_not_a_smaller_load(made in made(), mut shares in prop::collection::vec(0.0..=1.0_f64, 6)) {
        shares.sort_by(f64::total_cmp);
        let forecast = forecast(&made.series(), &calendar("fair"), 40);
        for index in 0..40 {
            let loads: Vec<f64> = shares.iter().map(|share| forecast.quantile(index, *share)).collect();
            prop_assert!(loads.is_sorted(), "slot {index}: {loads:?}");
            prop_assert!(loads.iter().all(|load| load.is_finite() && *load >= 0.0), "slot {index}: {loads:?}");
            prop_assert!(forecast.expected(index).is_finite() && forecast.expected(index) >= 0.0);
        }
    }

    #[test]
    fn every_series_has_scores(made in made(), delay in 0..4_usize, hours in select(vec![1, 2, 24, 48])) {
        for Backtest { score, points } in backtest(&made.series(), &calendar("fair"), &settings(hours, delay)).unwrap() {
            let numbers = [score.wape, score.pinball95, score.slots_short, score.demand_short, score.over];
            prop_assert!(numbers.iter().all(|number| number.is_finite() && *number >= 0.0), "{score:?}");
            prop_assert!(points.is_sorted_by_key(|point| point.index));
            prop_assert!(points.iter().all(|point| point.low <= point.high), "{score:?}");
        }
    }

    #[test]
    fn plans_stay_within_limits(
        made in made(),
        functions in prop::collection::vec((function(), prop::option::of((0..60_u32, 0..40_i32))), 1..6),
        limit in 0..150_u32,
        lead in 0..120_i64,
        hold in 0..120_i64,
    ) {
        let forecast = forecast(&made.series(), &Calendar::default(), 30);
        let account = Account {
            limit,
            lead: SignedDuration::from_mins(lead),
            hold: SignedDuration::from_mins(hold),
            price: Price::of("us-east-1", Architecture::Arm).unwrap(),
        };
        let slot = SignedDuration::from_secs(forecast.slot().seconds());
        let pin = |(concurrency, slots): (u32, i32)| Pinned { concurrency, until: forecast.start() + slot * slots };
        let functions: Vec<(Function, Forecast)> =
            functions.into_iter().map(|(function, pinned)| (Function { pinned: pinned.map(pin), ..function }, forecast.clone())).collect();
        let plans = plan(&functions, &account).unwrap();
        let promise = |function: &Function| function.pinned.map_or(0, |pinned| pinned.concurrency).max(function.min);
        let minima: u32 = functions.iter().map(|(function, _)| promise(function)).sum();
        for index in 0..30 {
            prop_assert!(plans.iter().map(|plan| plan.slots[index].set).sum::<u32>() <= limit, "slot {index}");
        }
        for (plan, (function, _)) in plans.iter().zip(&functions) {
            prop_assert!(plan.cost.is_finite() && plan.premium().is_finite());
            let mut before = function.current;
            for (index, slot) in plan.slots.iter().enumerate() {
                if let Some(Pinned { concurrency, .. }) = function.pinned.filter(|pinned| slot.at < pinned.until) {
                    let least = if minima > limit { 0 } else { concurrency };
                    let most = if index == 0 { concurrency.max(function.in_use) } else { concurrency };
                    prop_assert!((least..=most).contains(&slot.set), "{slot:?}");
                    before = slot.set;
                    continue;
                }
                prop_assert!(slot.set <= function.max || (index == 0 && slot.set <= function.in_use), "{slot:?}");
                prop_assert!(slot.set >= function.min || minima > limit, "{slot:?}");
                let within_step = slot.set.abs_diff(before) <= function.step.unwrap_or(u32::MAX);
                let is_bound = slot.set == function.max || slot.set == function.min || (index == 0 && slot.set == function.in_use);
                // Only a limit that is stronger breaks a step: the function's own, or what others leave of the account.
                prop_assert!(within_step || is_bound || slot.set < before || slot.cut, "slot {index}: {before} to {slot:?}");
                before = slot.set;
            }
        }
    }
}
