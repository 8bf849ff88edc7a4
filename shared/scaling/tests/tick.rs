//! Ticks over in-memory adapters.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test reports what should not happen by panicking")]

use carryout_forecast::{Market, Slot};
use carryout_scaling::{
    Action, Decision, HISTORY_DAYS, HORIZON_SLOTS, History, Mode, Observed, Outcome, Override, SLOT, Scaler, ScalingStore as _,
    Settings, Status, Tuning,
};
use carryout_testing::scaling::{FakeCapacity, FakeLoad, FakeSettings, FakeStore};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use std::collections::BTreeMap;

const CHECKOUT: &str = "submit-checkout";
const QUOTES: &str = "quote-price";
const START: &str = "start-checkout";
/// A tick's lease, in milliseconds.
const LEASE_MS: i64 = 240_000;

type World = Scaler<FakeLoad, FakeStore, FakeCapacity, FakeSettings>;

/// A Tuesday, an hour before dinner.
fn now() -> Timestamp {
    "2026-02-03T17:30Z".parse().unwrap()
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn apply() -> Settings {
    Settings { mode: Mode::Apply, ..Settings::default() }
}

/// Functions without any history or setting, under an account that gives what is asked for.
fn world(functions: &[&str], settings: Settings) -> World {
    let functions: Vec<String> = functions.iter().map(|name| (*name).to_owned()).collect();
    Scaler {
        load: FakeLoad::default(),
        store: FakeStore::default(),
        capacity: FakeCapacity::with_limit(1_000),
        settings: FakeSettings::of(settings),
        queued: functions.iter().filter(|name| *name == START).cloned().collect(),
        functions,
    }
}

/// Demand of some weeks before [`now`] and of the day after it, of which a request keeps an environment busy for a second.
fn demand(days: usize) -> BTreeMap<Timestamp, Observed> {
    let start = now() - SignedDuration::from_hours(24 * i64::try_from(days).unwrap());
    let market = Market { seed: 7, start, slot: Slot::FiveMinutes, zone: TimeZone::UTC, days: days + 1, mean: 3_000.0 };
    let series = market.series().unwrap();
    let slot = |index: usize| {
        let arrived = series.get(index)?;
        let concurrent = (arrived / 300.0).ceil() as u32;
        Some((series.at(index), Observed { arrived, busy: arrived, concurrent }))
    };
    (0..series.len()).filter_map(slot).collect()
}

/// Seeds the store with what was known until [`now`], and lets the feed tell what comes after.
async fn seed(world: &World, function: &str, days: usize) {
    let demand = demand(days);
    let mut history = History::default();
    history.take_in(&demand.range(..now()).map(|(at, observed)| (*at, *observed)).collect());
    world.store.add(function, &history).await.unwrap();
    world.load.put(function, demand);
}

async fn tick(world: &World, at: Timestamp) -> Outcome {
    world.store.now(at.as_millisecond());
    world.tick(at, at.as_millisecond() + LEASE_MS).await.unwrap()
}

async fn decisions(world: &World, at: Timestamp) -> Vec<Decision> {
    match tick(world, at).await {
        Outcome::Decided(decisions) => decisions,
        other => panic!("{other:?}"),
    }
}

async fn decide(world: &World, at: Timestamp) -> Decision {
    decisions(world, at).await.remove(0)
}

#[tokio::test]
async fn dinner_is_provisioned_before_it_comes() {
    let world = world(&[CHECKOUT], apply());
    seed(&world, CHECKOUT, 21).await;
    let mut slots = Vec::new();
    for step in 0..288 {
        let at = now() + minutes(5 * step);
        let decision = decide(&world, at).await;
        assert!(decision.problems.is_empty(), "{decision:?}");
        slots.push((at, world.capacity.of(CHECKOUT)));
    }
    let demand = demand(21);
    let load = |at: &Timestamp| demand.get(at).map_or(0.0, |slot| slot.arrived / 300.0);
    let (arrived, short) = slots
        .iter()
        .fold((0.0, 0.0), |(arrived, short), (at, set)| (arrived + load(at), short + (load(at) - f64::from(*set)).max(0.0)));
    assert!(short / arrived < 0.12, "{}: the cheapest quantile leaves some demand without", short / arrived);
    let at_hour = |hour: i64| slots.iter().find(|(at, _)| *at == now() + minutes(60 * hour)).unwrap().1;
    assert!(at_hour(1) > 2 * at_hour(10), "dinner {} and night {}", at_hour(1), at_hour(10));
    let plan = world.store.plan(CHECKOUT).await.unwrap().unwrap();
    assert_eq!((plan.set.len(), plan.start), (HORIZON_SLOTS, now() + minutes(5 * 287)));
    assert!(plan.cost < plan.on_demand);
}

#[tokio::test]
async fn after_a_deployment_nothing_is_set_and_the_plan_is_kept() {
    let world = world(&[CHECKOUT], Settings::default());
    seed(&world, CHECKOUT, 21).await;
    let decision = decide(&world, now()).await;
    assert!(matches!(decision.action, Action::WouldSet(count) if count > 3), "{decision:?}");
    assert_eq!(world.capacity.of(CHECKOUT), 0);
    assert!(world.store.plan(CHECKOUT).await.unwrap().is_some());
    assert_eq!(world.store.decision(CHECKOUT).await.unwrap(), Some(decision));
}

#[tokio::test]
async fn off_leaves_what_is_set() {
    let world = world(&[CHECKOUT], apply());
    seed(&world, CHECKOUT, 21).await;
    decide(&world, now()).await;
    let set = world.capacity.of(CHECKOUT);
    world.settings.change(Some(Settings { mode: Mode::Off, ..Settings::default() }));
    assert_eq!(tick(&world, now() + minutes(5)).await, Outcome::Off);
    assert!(set > 0 && world.capacity.of(CHECKOUT) == set);
}

#[tokio::test]
async fn a_tick_counts_once_however_often_it_comes() {
    let world = world(&[CHECKOUT], apply());
    seed(&world, CHECKOUT, 21).await;
    decide(&world, now()).await;
    assert_eq!(tick(&world, now()).await, Outcome::Over);
    decide(&world, now() + minutes(5)).await;
    assert_eq!(tick(&world, now()).await, Outcome::Over, "a late copy of an earlier tick");
}

#[tokio::test]
async fn of_two_ticks_at_once_one_runs_and_a_dead_ones_lease_ends() {
    let world = world(&[CHECKOUT], apply());
    seed(&world, CHECKOUT, 21).await;
    world.store.now(now().as_millisecond());
    world.store.claim(now(), now().as_millisecond() + LEASE_MS).await.unwrap();
    assert_eq!(tick(&world, now()).await, Outcome::Running);
    let decision = decide(&world, now() + minutes(5)).await;
    assert_eq!(decision.action, Action::Set(world.capacity.of(CHECKOUT)));
}

#[tokio::test]
async fn silence_lowers_nothing() {
    let world = world(&[CHECKOUT], apply());
    seed(&world, CHECKOUT, 21).await;
    let peak = now() + minutes(90);
    for step in 0..=18 {
        decide(&world, now() + minutes(5 * step)).await;
    }
    let set = world.capacity.of(CHECKOUT);
    world.load.fail(true);
    for step in 1..=60 {
        let decision = decide(&world, peak + minutes(5 * step)).await;
        assert!(decision.problems.iter().any(|problem| problem.contains("offered load")), "{decision:?}");
        assert!(step <= 3 || world.capacity.of(CHECKOUT) >= set.min(decision.reported.unwrap().requested));
    }
    let late = world.capacity.of(CHECKOUT);
    world.load.fail(false);
    let night = peak + minutes(60 * 8);
    let decision = decide(&world, night).await;
    assert!(decision.problems.is_empty() && world.capacity.of(CHECKOUT) < late, "{decision:?}");
}

#[tokio::test]
async fn capacity_in_use_stays() {
    let pinned = |concurrency| Settings {
        overrides: [(CHECKOUT.to_owned(), Override { concurrency, until: now() + minutes(60), reason: None })].into(),
        ..apply()
    };
    let world = world(&[CHECKOUT], pinned(60));
    seed(&world, CHECKOUT, 21).await;
    decide(&world, now()).await;
    assert_eq!(world.capacity.of(CHECKOUT), 60);
    world.settings.change(Some(pinned(0)));
    let decision = decide(&world, now() + minutes(5)).await;
    let in_use = decision.in_use.unwrap();
    assert!(in_use > 0);
    assert_eq!((decision.action, world.capacity.of(CHECKOUT)), (Action::Set(in_use), in_use), "{decision:?}");
}

#[tokio::test]
async fn an_operators_number_ends_by_itself() {
    let until = now() + minutes(10);
    let overrides = [(CHECKOUT.to_owned(), Override { concurrency: 77, until, reason: Some("derby".to_owned()) })];
    let world = world(&[CHECKOUT], Settings { overrides: overrides.into(), ..apply() });
    seed(&world, CHECKOUT, 21).await;
    assert_eq!(decide(&world, now()).await.overridden_until, Some(until));
    assert_eq!(world.capacity.of(CHECKOUT), 77);
    let plan = world.store.plan(CHECKOUT).await.unwrap().unwrap();
    assert!(plan.set[1] == 77 && plan.set[4] < 77, "{:?}", &plan.set[..6]);
    decide(&world, until + minutes(5)).await;
    assert!(world.capacity.of(CHECKOUT) < 77);
}

#[tokio::test]
async fn a_failed_setting_goes_back_to_what_was_ready() {
    let world = world(&[CHECKOUT], apply());
    seed(&world, CHECKOUT, 21).await;
    decide(&world, now()).await;
    let ready = world.capacity.of(CHECKOUT);
    decide(&world, now() + minutes(5)).await;
    let overrides = [(CHECKOUT.to_owned(), Override { concurrency: 90, until: now() + minutes(15), reason: None })];
    world.settings.change(Some(Settings { overrides: overrides.into(), ..apply() }));
    world.capacity.limit(80);
    decide(&world, now() + minutes(10)).await;
    world.settings.change(Some(apply()));
    let failed = decide(&world, now() + minutes(15)).await;
    assert_eq!(failed.reported.as_ref().unwrap().status, Status::Failed);
    assert_eq!(failed.problems.len(), 1, "{failed:?}");
    let set = world.capacity.of(CHECKOUT);
    assert!(set < 80 && set >= ready.min(set), "{set}");
    assert!(decide(&world, now() + minutes(20)).await.problems.is_empty());
}

#[tokio::test]
async fn lambda_that_fails_is_a_problem_of_the_tick_and_of_nothing_else() {
    let world = world(&[CHECKOUT], apply());
    seed(&world, CHECKOUT, 21).await;
    world.capacity.fail(true);
    let decision = decide(&world, now()).await;
    assert_eq!((decision.action, decision.problems.len()), (Action::Keep, 1), "{decision:?}");
    world.capacity.fail(false);
    assert!(matches!(decide(&world, now() + minutes(5)).await.action, Action::Set(_)));
}

#[tokio::test]
async fn a_store_that_fails_leaves_what_is_set() {
    let world = world(&[CHECKOUT], apply());
    seed(&world, CHECKOUT, 21).await;
    decide(&world, now()).await;
    let set = world.capacity.of(CHECKOUT);
    world.store.fail(true);
    let decision = decide(&world, now() + minutes(300)).await;
    assert_eq!((decision.action, world.capacity.of(CHECKOUT)), (Action::Keep, set), "{decision:?}");
    assert!(!decision.problems.is_empty());
}

#[tokio::test]
async fn settings_that_cannot_be_read_change_nothing() {
    let world = world(&[CHECKOUT], apply());
    world.settings.change(None);
    assert!(world.tick(now(), 0).await.is_err());
    world.settings.change(Some(apply()));
    assert!(matches!(tick(&world, now()).await, Outcome::Decided(_)), "the tick was not used up");
}

#[tokio::test]
async fn what_cloudwatch_remembers_is_learned_a_day_with_every_tick() {
    let world = world(&[CHECKOUT], Settings::default());
    world.load.put(CHECKOUT, demand(30));
    for step in 0..=HISTORY_DAYS {
        decide(&world, now() + minutes(5 * step)).await;
    }
    let history = world.store.history(CHECKOUT, 0).await.unwrap();
    let settled = now() + minutes(5 * HISTORY_DAYS - 5);
    let expected = demand(30).range(..settled).count();
    assert_eq!(history.slots().count(), expected);
    assert_eq!(history.days.len(), usize::try_from(HISTORY_DAYS).unwrap() + 1, "days of which nothing is known count as seen");
}

#[tokio::test]
async fn without_any_history_a_function_has_its_minimum() {
    let tuning = Tuning { min: 2, ..Tuning::default() };
    let world = world(&[CHECKOUT], Settings { functions: [(CHECKOUT.to_owned(), tuning)].into(), ..apply() });
    decide(&world, now()).await;
    assert_eq!(world.capacity.of(CHECKOUT), 2);
    let plan = world.store.plan(CHECKOUT).await.unwrap().unwrap();
    assert!(plan.rests_on.contains("no history"), "{}", plan.rests_on);
}

#[tokio::test]
async fn the_accounts_limit_goes_to_the_more_important_function_first() {
    let tuning = |priority| Tuning { priority, ..Tuning::default() };
    let functions = [(CHECKOUT.to_owned(), tuning(1)), (QUOTES.to_owned(), tuning(0))];
    let mut settings = Settings { functions: functions.into(), ..apply() };
    settings.account.limit = 12;
    let world = world(&[QUOTES, CHECKOUT], settings);
    seed(&world, CHECKOUT, 21).await;
    seed(&world, QUOTES, 21).await;
    decisions(&world, now()).await;
    let (checkout, quotes) = (world.capacity.of(CHECKOUT), world.capacity.of(QUOTES));
    assert!(checkout > quotes && checkout + quotes == 12, "{checkout} {quotes}");
}

#[tokio::test]
async fn a_queues_maximum_concurrency_follows_its_function() {
    let world = world(&[START], apply());
    world.capacity.queue(START);
    seed(&world, START, 21).await;
    let decision = decide(&world, now()).await;
    let ceiling = world.capacity.ceiling_of(START);
    assert_eq!(ceiling, decision.ceiling);
    assert!(ceiling.unwrap() >= 2 * world.capacity.of(START), "{ceiling:?}");
}

#[tokio::test]
async fn a_tick_begins_with_its_slot() {
    let world = world(&[CHECKOUT], Settings::default());
    let decision = decide(&world, now() + SignedDuration::from_secs(73)).await;
    assert_eq!((decision.at, SLOT.floor(decision.at)), (now(), now()));
}
