//! The matrix with few seeds, and the proof that it would notice: without any one guard, named cases fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "what can't be read or is not there fails the test, and says why")]

use sim::{
    adapters::Guard,
    cases,
    faults::RandomFaults,
    machines::Machines,
    matrix::{Subject, run_all, run_in_weather, run_one},
    verdict::judge,
};
use std::sync::{Arc, OnceLock};

fn machines() -> &'static Arc<Machines> {
    static READ: OnceLock<Arc<Machines>> = OnceLock::new();
    READ.get_or_init(|| Arc::new(Machines::checked_in().unwrap()))
}

#[test]
fn every_case_goes_off_and_keeps_every_promise() {
    let mut work: Vec<(Subject, u64)> = cases::all().into_iter().map(|case| (Subject::Case(case), 6)).collect();
    work.push((Subject::Pair, 200));
    let tallies = run_all(machines(), &work, None, 2, &|_| {});
    assert_eq!(tallies.len(), work.len());
    for (subject, tally) in &tallies {
        assert_eq!(tally.first_broken, None, "{}", subject.name());
        // A merchant that answers twice is no fault of any call.
        let goes_off = tally.struck > 0 || subject.name() == "receive-webhooks/answered-twice";
        assert!(goes_off, "{}: nothing went wrong in {} runs", subject.name(), tally.runs);
    }
    let sum = |of: fn(&sim::matrix::Tally) -> u64| tallies.values().map(of).sum::<u64>();
    assert!(sum(|tally| tally.placed) > 100 && sum(|tally| tally.failed) > 100 && sum(|tally| tally.parked) > 20);
}

#[test]
fn the_same_seed_is_the_same_history() {
    for seed in 0..20 {
        let history = |seed| run_one(machines(), Subject::Pair, seed, None, true).cloud.faults.history.lines();
        let lines = history(seed);
        assert!(lines.len() > 20);
        assert_eq!(lines, history(seed));
        assert_ne!(lines, history(seed + 1));
    }
}

#[test]
fn retries_place_nearly_every_payable_order() {
    let random_faults = RandomFaults { fail: 20, lose_answer: 5 };
    let with = run_in_weather(machines(), random_faults, None, 150);
    let without = run_in_weather(machines(), random_faults, Some(Guard::Retries), 150);
    assert!(with.placed * 100 >= with.runs * 97, "{with:?}");
    assert!(without.placed * 100 < without.runs * 50, "{without:?}");
    assert_eq!((with.first_broken, without.first_broken), (None, None));
}

/// Without this guard, each of these cases breaks a promise under some seed.
fn is_noticed(guard: Guard, names: &[&str]) {
    for name in names {
        let subject = Subject::named(name).unwrap_or_else(|| panic!("there is no case {name}"));
        let breaks = |seed: &u64| !judge(&run_one(machines(), subject, *seed, Some(guard), false)).is_empty();
        assert!((0..400).any(|seed| breaks(&seed)), "{name} does not notice that {} is missing", guard.name());
    }
}

#[test]
fn an_effect_that_was_not_named_first_happens_twice() {
    is_noticed(
        Guard::NameFirst,
        &["authorize-payment/timeout-with-effect", "authorize-payment/killed-after", "create-delivery/late-after-lookup"],
    );
}

#[test]
fn an_effect_that_is_not_looked_up_stays() {
    is_noticed(
        Guard::Lookup,
        &[
            "create-delivery/timeout-with-effect",
            "undo-create-delivery/killed-before",
            "undo-capture-payment/timeout-with-effect",
        ],
    );
}

#[test]
fn two_attempts_at_once_are_noticed() {
    is_noticed(Guard::Lease, &["authorize-payment/killed-before", "authorize-payment/delivered-twice"]);
}

#[test]
fn going_forward_after_turning_round_is_noticed() {
    is_noticed(Guard::Direction, &["undo-capture-payment/two-runs", "undo-notify-merchant/two-runs"]);
}

#[test]
fn a_superseded_run_that_acts_is_noticed() {
    is_noticed(Guard::Run, &["authorize-payment/two-runs", "reserve-items/two-runs"]);
}

#[test]
fn an_undo_that_skips_the_failed_step_is_noticed() {
    is_noticed(Guard::FailedStepFirst, &["authorize-payment/late-after-undo", "create-delivery/timeout-with-effect"]);
}

#[test]
fn an_undo_that_stops_halfway_is_noticed() {
    is_noticed(Guard::WholeChain, &["undo-authorize-payment/error-before", "undo-create-delivery/throttled-before"]);
}

#[test]
fn an_undo_that_keeps_promotions_and_credits_is_noticed() {
    is_noticed(Guard::GiveBack, &["undo-reserve-items/error-before", "check-fraud/cancelled", "close-as-failed/killed-before"]);
}

#[test]
fn an_undo_that_fails_unseen_is_noticed() {
    is_noticed(Guard::Parking, &["park/error-before", "park/timeout-without-effect"]);
}
