//! What the forecaster answers in the situations that a market gets into.
#![expect(clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

use carryout_forecast::{
    Account, Architecture, Basis, Calendar, Choice, Effect, Environments, Event, Feed, Forecast, ForecastError, Function, Margin,
    Market, Method, Price, Series, Settings, Slot, backtest, compare, plan,
};
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

fn new_york() -> TimeZone {
    TimeZone::get("America/New_York").unwrap()
}

/// A series by a rule over local time.
fn by_local_time(start: &str, days: usize, mut load: impl FnMut(DateTime) -> Option<f64>) -> Series {
    let start: Timestamp = start.parse().unwrap();
    let local = |hour: usize| new_york().to_datetime(start + SignedDuration::from_hours(hour as i64));
    Series::new(start, Slot::Hour, new_york(), (0..days * 24).map(|hour| load(local(hour)))).unwrap()
}

/// Busy at noon and in the evening, busier at weekends.
fn usual(local: DateTime) -> f64 {
    let hour = f64::from(local.hour());
    let weekend = if local.weekday().to_monday_zero_offset() >= 5 { 1.5 } else { 1.0 };
    (20.0 + 100.0 * (-(hour - 12.0).powi(2) / 8.0).exp() + 160.0 * (-(hour - 19.0).powi(2) / 6.0).exp()) * weekend
}

fn forecast_with(series: &Series, calendar: &Calendar, wait: usize, horizon: usize) -> Forecast {
    let choice = Choice::learn(series, calendar, horizon).unwrap();
    Forecast::make(series, calendar, &choice, series.at(series.len() + wait), horizon).unwrap()
}

fn forecast(series: &Series, horizon: usize) -> Forecast {
    forecast_with(series, &Calendar::default(), 0, horizon)
}

fn market(seed: u64, days: usize) -> Series {
    let start = "2026-01-05T05:00:00Z".parse().unwrap();
    Market { seed, start, slot: Slot::HalfHour, zone: new_york(), days, mean: 400.0 }.series().unwrap()
}

fn settings(minutes: i64) -> Settings {
    Settings {
        skip_days: 28,
        horizons: vec![SignedDuration::from_mins(minutes)],
        delay: 0,
        quantile: 0.95,
        price: Price::of("us-east-1", Architecture::X86).unwrap(),
    }
}

fn event(name: &str, from: DateTime, hours: i64) -> Event {
    let until = from + SignedDuration::from_hours(hours);
    Event { name: name.to_owned(), from, until, multiplier: None, per_second: None }
}

#[test]
fn clocks_that_go_back_double_no_hour() {
    // The last slot known is 2014-11-01 23:00 in New York; clocks go back that night.
    let series = by_local_time("2014-10-05T04:00:00Z", 28, |local| Some(usual(local)));
    let forecast = forecast(&series, 49);
    for index in 0..49 {
        let local = new_york().to_datetime(series.at(series.len() + index));
        let expected = usual(local);
        assert!((forecast.expected(index) / expected - 1.0).abs() < 0.02, "{local}: {} {expected}", forecast.expected(index));
    }
    assert_eq!(new_york().to_datetime(series.at(series.len() + 48)), date(2014, 11, 3).at(23, 0, 0, 0));
}

#[test]
fn clocks_that_go_forward_lose_no_hour() {
    let series = by_local_time("2014-02-09T05:00:00Z", 28, |local| Some(usual(local)));
    let forecast = forecast(&series, 47);
    for index in 0..47 {
        let local = new_york().to_datetime(series.at(series.len() + index));
        let expected = usual(local);
        assert!((forecast.expected(index) / expected - 1.0).abs() < 0.02, "{local}: {} {expected}", forecast.expected(index));
    }
}

#[test]
fn a_function_without_history_is_not_guessed_at() {
    let nothing = Series::new(Timestamp::UNIX_EPOCH, Slot::Hour, new_york(), []).unwrap();
    let forecast = forecast(&nothing, 24);
    assert_eq!((forecast.basis(), forecast.expected(7), forecast.quantile(7, 0.99)), (Basis::Nothing, 0.0, 0.0));
    assert!(forecast.explain().contains("no history"), "{}", forecast.explain());
}

#[test]
fn a_function_of_some_hours_has_the_level_of_the_last_one() {
    let series = by_local_time("2026-01-05T05:00:00Z", 1, |local| (local.hour() < 9).then_some(f64::from(local.hour()))).until(9);
    let forecast = forecast(&series, 24);
    assert_eq!((forecast.basis(), forecast.expected(0), forecast.expected(20)), (Basis::Level, 8.0, 8.0));
    assert!(forecast.quantile(0, 0.95) > 10.0 && forecast.quantile(0, 0.05) < 6.0, "{}", forecast.quantile(0, 0.95));
}

#[test]
fn a_function_of_some_days_has_the_same_hours_of_those_days() {
    let series = by_local_time("2026-01-05T05:00:00Z", 3, |local| Some(usual(local)));
    let forecast = forecast(&series, 24);
    assert_eq!(forecast.basis(), Basis::Days(3));
    let dinner = usual(date(2026, 1, 8).at(19, 0, 0, 0));
    assert!((forecast.expected(19) / dinner - 1.0).abs() < 0.01, "{}", forecast.expected(19));
}

#[test]
fn a_feed_that_is_silent_keeps_the_pattern_in_a_wider_band_and_then_holds_what_is_set() {
    let series = market(3, 42);
    let width = |forecast: &Forecast| (forecast.quantile(0, 0.95) - forecast.quantile(0, 0.05)) / forecast.expected(0);
    let live = forecast(&series, 4);
    let late = forecast_with(&series, &Calendar::default(), 8, 4);
    let stopped = forecast_with(&series, &Calendar::default(), 60, 4);
    assert_eq!([live.feed(), late.feed(), stopped.feed()], [Feed::Live, Feed::Late, Feed::Stopped]);
    assert!(width(&late) > width(&live), "{} {}", width(&late), width(&live));

    let function = |current| Function { margin: Margin::None, current, ..Function::new("submit-checkout", 1.0, 500) };
    let price = Price::of("us-east-1", Architecture::X86).unwrap();
    let account = Account { limit: 1000, lead: SignedDuration::ZERO, hold: SignedDuration::ZERO, price };
    let least = |forecast: Forecast| {
        let plans = plan(&[(function(90), forecast)], &account).unwrap();
        plans[0].slots.iter().map(|slot| slot.set).min()
    };
    assert!(least(live) < Some(90));
    assert_eq!(least(stopped), Some(90));
}

#[test]
fn missing_slots_are_not_taken_for_quiet_ones() {
    let gap = date(2026, 1, 27);
    let load = |local: DateTime| (local.date() != gap).then(|| usual(local));
    let forecast = forecast(&by_local_time("2026-01-05T05:00:00Z", 29, load), 48);
    let dinner = usual(date(2026, 2, 3).at(19, 0, 0, 0));
    // 2026-02-03 is a week after the gap.
    assert!((forecast.expected(19) / dinner - 1.0).abs() < 0.02, "{} {dinner}", forecast.expected(19));
}

#[test]
fn a_spike_does_not_become_a_habit() {
    let spike = date(2026, 1, 29).at(3, 0, 0, 0);
    let load = |local: DateTime| Some(if local == spike { 1e6 } else { usual(local) });
    let series = by_local_time("2026-01-05T05:00:00Z", 28, load);
    let forecast = forecast(&series, 120);
    // 2026-02-05 is a week after the spike, and begins with the 72nd hour after the series.
    let begins = new_york().to_datetime(forecast.start() + SignedDuration::from_hours(72));
    assert_eq!(begins, date(2026, 2, 5).at(0, 0, 0, 0));
    let expected: f64 = (72..96).map(|index| forecast.expected(index)).sum();
    let day: f64 = (0..24).map(|hour| usual(begins + SignedDuration::from_hours(hour))).sum();
    assert!((expected / day - 1.0).abs() < 0.1, "{expected} {day}");
}

#[test]
fn an_event_is_learned_from_the_times_before() {
    let days = [date(2026, 1, 22), date(2026, 1, 29), date(2026, 2, 5)];
    let load = |local: DateTime| Some(if days[..2].contains(&local.date()) { 2.0 * usual(local) } else { usual(local) });
    let series = by_local_time("2026-01-05T05:00:00Z", 31, load);
    let fairs = Calendar::new(days.map(|day| event("fair", day.at(0, 0, 0, 0), 24)).to_vec()).unwrap();
    let effects = fairs.effects(&series);
    assert_eq!(effects[0].1, Effect::Unknown);
    let Effect::Learned { multiplier, occurrences: 2 } = effects[2].1 else { panic!("{effects:?}") };
    assert!((1.8..=2.0).contains(&multiplier), "{multiplier}");

    let dinner = usual(days[2].at(19, 0, 0, 0));
    let forecast = forecast_with(&series, &fairs, 0, 48);
    assert!((forecast.expected(19) / dinner - multiplier).abs() < 0.05, "{} {dinner}", forecast.expected(19));
    // The day after is as ever.
    let after = usual(date(2026, 2, 6).at(19, 0, 0, 0));
    assert!((forecast.expected(43) / after - 1.0).abs() < 0.03, "{} {after}", forecast.expected(43));
}

#[test]
fn an_override_is_taken_at_its_word() {
    let series = by_local_time("2026-01-05T05:00:00Z", 28, |local| Some(usual(local)));
    let closed = Event { per_second: Some(0.0), ..event("closed", date(2026, 2, 2).at(12, 0, 0, 0), 3) };
    let sale = Event { per_second: Some(2.0), ..event("sale", date(2026, 2, 2).at(18, 0, 0, 0), 1) };
    let halved = Event { multiplier: Some(0.5), ..event("storm", date(2026, 2, 2).at(21, 0, 0, 0), 1) };
    let forecast = forecast_with(&series, &Calendar::new(vec![sale, closed, halved]).unwrap(), 0, 24);
    let plain = forecast_with(&series, &Calendar::default(), 0, 24);
    assert_eq!((forecast.expected(12), forecast.quantile(14, 0.99), forecast.expected(18)), (0.0, 0.0, 7200.0));
    assert_eq!(forecast.expected(15), plain.expected(15));
    assert_eq!(forecast.expected(21), plain.expected(21) / 2.0);
}

#[test]
fn the_band_is_wider_where_the_past_was_wilder() {
    let mut seed = 7_u64;
    let series = by_local_time("2026-01-05T05:00:00Z", 42, |local| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let noise = (seed >> 33) as f64 / f64::from(1 << 30) - 1.0;
        Some(usual(local) * (1.0 + noise * if local.hour() >= 12 { 0.5 } else { 0.02 }))
    });
    let forecast = forecast(&series, 24);
    let width = |index| (forecast.quantile(index, 0.95) - forecast.quantile(index, 0.05)) / forecast.expected(index);
    assert!(width(19) > 2.0 * width(6), "{} {}", width(19), width(6));
}

#[test]
fn together_the_methods_beat_the_week_before() {
    for minutes in [30, 60, 24 * 60] {
        let backtests = backtest(&market(11, 63), &Calendar::default(), &settings(minutes)).unwrap();
        let of = |method| backtests.iter().find(|backtest| backtest.score.method == method).unwrap().score.clone();
        let (naive, combined) = (of(Method::WeeklyNaive), of(Method::Combined));
        assert!(combined.wape < 0.85 * naive.wape, "{combined:?} {naive:?}");
        let best = Method::ALL.map(|method| of(method).wape).into_iter().fold(f64::INFINITY, f64::min);
        assert!(combined.wape < 1.05 * best, "{combined:?} {best}");
    }
}

#[test]
fn the_band_of_the_combination_holds_what_it_says() {
    let backtests = backtest(&market(5, 91), &Calendar::default(), &settings(24 * 60)).unwrap();
    let points = &backtests.iter().find(|backtest| backtest.score.method == Method::Combined).unwrap().points;
    let below = points.iter().filter(|point| point.load <= point.high).count() as f64 / points.len() as f64;
    assert!((0.92..=0.98).contains(&below), "{below}");
}

#[test]
fn data_that_ends_earlier_forecasts_worse() {
    let of = |delay| {
        let backtests = backtest(&market(2, 56), &Calendar::default(), &Settings { delay, ..settings(30) }).unwrap();
        backtests.into_iter().find(|backtest| backtest.score.method == Method::Combined).unwrap().score.wape
    };
    assert!(of(0) < of(1) && of(1) < of(8), "{} {} {}", of(0), of(1), of(8));
}

#[test]
fn each_slot_is_forecast_once_for_each_horizon_from_midnight_for_whole_days() {
    let series = market(2, 35);
    for (minutes, slots) in [(30, 7 * 48), (60, 7 * 48), (24 * 60, 7 * 48)] {
        for backtest in backtest(&series, &Calendar::default(), &settings(minutes)).unwrap() {
            let indices: Vec<usize> = backtest.points.iter().map(|point| point.index).collect();
            assert_eq!(indices, (28 * 48..28 * 48 + slots).collect::<Vec<_>>(), "{minutes}");
        }
    }
}

#[test]
fn a_horizon_beyond_what_a_week_allows_is_refused() {
    let series = market(2, 28);
    let choice = Choice::learn(&series, &Calendar::default(), 48).unwrap();
    let make = |from: usize, horizon| Forecast::make(&series, &Calendar::default(), &choice, series.at(from), horizon);
    let end = series.len();
    assert!(matches!(make(end, 6 * 48 + 1), Err(ForecastError::Horizon { most: 288, .. })));
    assert!(matches!(make(end + 280, 9), Err(ForecastError::Horizon { slots: 289, .. })));
    assert!(matches!(make(end, 0), Err(ForecastError::Horizon { .. })));
    assert!(matches!(make(end - 1, 5), Err(ForecastError::Past { .. })));
    assert!(make(end + 280, 8).is_ok());
}

#[test]
fn the_more_important_function_gets_the_account_first() {
    let forecast = forecast(&market(2, 28), 48);
    let function = |name: &str, priority| Function { priority, quantile: Some(0.9), min: 2, ..Function::new(name, 300.0, 60) };
    let price = Price::of("us-east-1", Architecture::X86).unwrap();
    let account = Account { limit: 64, lead: SignedDuration::from_mins(5), hold: SignedDuration::ZERO, price };
    let functions = [(function("report", 0), forecast.clone()), (function("checkout", 9), forecast)];
    let plans = plan(&functions, &account).unwrap();
    assert_eq!([&plans[0].function, &plans[1].function], ["report", "checkout"]);
    assert!(plans[1].slots.iter().all(|slot| !slot.cut && slot.set >= slot.needed.min(60)));
    assert!(plans[0].slots.iter().any(|slot| slot.cut) && plans[0].slots.iter().all(|slot| slot.set >= 2));
}

#[test]
fn latency_has_a_price_and_the_plan_says_it() {
    let forecast = forecast(&market(2, 42), 96);
    let price = Price::of("us-east-1", Architecture::X86).unwrap();
    let account = Account { limit: 10_000, lead: SignedDuration::ZERO, hold: SignedDuration::ZERO, price };
    let premium = |quantile| {
        let function = Function { quantile, margin: Margin::None, ..Function::new("checkout", 300.0, 5_000) };
        let plans = plan(&[(function, forecast.clone())], &account).unwrap();
        assert!(plans[0].least < plans[0].on_demand);
        plans[0].premium() / plans[0].least
    };
    assert!(premium(None) < 0.005, "{}", premium(None));
    assert!(premium(Some(0.8)) > premium(None) && premium(Some(0.99)) > premium(Some(0.8)));
}

#[test]
fn forecasts_meet_fewer_cold_starts_than_reactions_for_about_the_price_of_an_oracle() {
    let start = "2026-01-05T05:00:00Z".parse().unwrap();
    let concurrency = Market { seed: 4, start, slot: Slot::HalfHour, zone: new_york(), days: 44, mean: 20.0 }.series().unwrap();
    let environments = Environments {
        duration: 2.0,
        cold_start: 1.5,
        warm_for: 600.0,
        lead: SignedDuration::from_mins(2),
        price: Price::of("us-east-1", Architecture::X86).unwrap(),
    };
    let compared = compare(&concurrency, &Calendar::default(), 2, 0.9, &environments, 4).unwrap();
    let of = |policy: &str| compared.iter().find(|compared| compared.policy == policy).unwrap();
    let (predictive, oracle) = (of("predictive"), of("oracle"));
    assert_eq!(of("on_demand").cost, 1.0);
    assert!(predictive.outcome.cold < of("on_demand").outcome.cold, "{compared:#?}");
    assert!(oracle.cost <= predictive.cost && predictive.cost < of("static").cost, "{compared:#?}");
    assert!(predictive.cost < of("target_tracking").cost, "{compared:#?}");
}
