//! The balance depends on what happened alone: not on who told of it, how often, or in which order.

use carryout_checkout::ledger::{Balance, BalanceAmount, FoldError, LedgerEvent, LedgerKind, LedgerPhase, fold};
use carryout_money::{Currency, Money};
use proptest::{collection::vec, prelude::*, sample::select};

const KINDS: [LedgerKind; 5] =
    [LedgerKind::Authorization, LedgerKind::Charge, LedgerKind::Refund, LedgerKind::Void, LedgerKind::Chargeback];
const PHASES: [LedgerPhase; 5] =
    [LedgerPhase::Request, LedgerPhase::Failure, LedgerPhase::Success, LedgerPhase::Adjustment, LedgerPhase::Reversal];

fn event(kind: LedgerKind, phase: LedgerPhase, minor: i64, reference: &str, effect: &str, at: i64) -> LedgerEvent {
    let amount = Money::new(minor, Currency::USD);
    LedgerEvent { kind, phase, amount, reference: reference.to_owned(), effect: effect.to_owned(), at }
}

/// Any event of a small world: few references and moments, so that many are about the same things.
fn events() -> impl Strategy<Value = LedgerEvent> {
    let names =
        select(vec![("pi_1", "o/a"), ("pi_1", ""), ("pi_2", "o/a"), ("o/a", "o/a"), ("re_1", "o/b"), ("o/b", "o/b"), ("x", "")]);
    (select(&KINDS[..]), select(&PHASES[..]), 0..1_000_i64, names, 0..6_i64)
        .prop_map(|(kind, phase, minor, (reference, effect), at)| event(kind, phase, minor, reference, effect, at))
}

/// A ledger, and the same one told in another order with some events twice.
fn told_otherwise() -> impl Strategy<Value = (Vec<LedgerEvent>, Vec<LedgerEvent>)> {
    vec(events(), 0..12).prop_flat_map(|ledger| {
        let again = if ledger.is_empty() { Just(Vec::new()).boxed() } else { vec(select(ledger.clone()), 0..8).boxed() };
        let all = again.prop_map({
            let ledger = ledger.clone();
            move |again| [ledger.clone(), again].concat()
        });
        (Just(ledger), all.prop_flat_map(|all| Just(all).prop_shuffle()))
    })
}

proptest! {
    #[test]
    fn order_and_repetition_change_nothing((ledger, otherwise) in told_otherwise()) {
        prop_assert_eq!(fold(&ledger), fold(&otherwise));
    }

    #[test]
    fn only_what_was_paid_can_be_below_zero(ledger in vec(events(), 0..12)) {
        let balance = fold(&ledger).unwrap();
        for standing in [balance.authorized, balance.refunded, balance.voided, balance.charged_back] {
            prop_assert!(standing.amount >= 0 && (0..=standing.amount).contains(&standing.pending), "{:?}", balance);
        }
        prop_assert!(balance.charged.pending >= 0);
    }

    #[test]
    fn a_request_that_failed_leaves_no_trace(
        ledger in vec(events(), 0..12), kind in select(&KINDS[..]), minor in 0..1_000_i64, named in any::<bool>(),
    ) {
        let reference = if named { "new" } else { "o/new" };
        let request = event(kind, LedgerPhase::Request, minor, reference, "o/new", 10);
        // The answer may know the processor's name of it, or its effect alone.
        for answer in ["new", "o/new"] {
            let failure = event(kind, LedgerPhase::Failure, minor, answer, "o/new", 11);
            prop_assert_eq!(fold(&[&ledger[..], &[request.clone(), failure]].concat()), fold(&ledger).map(in_dollars));
        }
    }

    #[test]
    fn an_answer_that_knows_the_effect_alone_is_the_same_answer(minor in 0..1_000_i64, kind in select(&KINDS[..])) {
        let request = event(kind, LedgerPhase::Request, minor, "o/a", "o/a", 1);
        let named = event(kind, LedgerPhase::Success, minor, "pi_1", "o/a", 0);
        prop_assert_eq!(fold(&[request, named.clone()]), fold(&[named]));
    }
}

/// An empty ledger has no currency; one with an event of no effect has.
fn in_dollars(balance: Balance) -> Balance {
    Balance { currency: Some(Currency::USD), ..balance }
}

#[test]
fn a_repeated_request_does_not_outdate_a_success_but_a_failure() {
    let charge = |phase, at| event(LedgerKind::Charge, phase, 500, "o/a", "o/a", at);
    let done = event(LedgerKind::Charge, LedgerPhase::Success, 500, "pi_1", "o/a", 1);
    let again = fold(&[done, charge(LedgerPhase::Request, 9)]).unwrap();
    assert_eq!(again.charged, BalanceAmount { amount: 500, pending: 0 });
    let retried = fold(&[charge(LedgerPhase::Failure, 1), charge(LedgerPhase::Request, 9)]).unwrap();
    assert_eq!(retried.charged, BalanceAmount { amount: 500, pending: 500 });
}

#[test]
fn a_request_is_answered_by_what_was_sent_under_a_key_below_its_effect_and_by_no_other() {
    let request = event(LedgerKind::Refund, LedgerPhase::Request, 500, "ref_1", "ref_1", 1);
    let told = |key: &str| event(LedgerKind::Refund, LedgerPhase::Success, 500, "re_1", key, 2);
    for (key, refunded) in [("ref_1/refund-payment/1", 500), ("ref_1", 500), ("ref_10/refund-payment/1", 1_000), ("", 1_000)] {
        let balance = fold(&[request.clone(), told(key)]).unwrap();
        assert_eq!(balance.refunded.amount, refunded, "{key:?}");
    }
}

#[test]
fn what_is_no_ledger_of_one_order_is_refused() {
    let usd = event(LedgerKind::Charge, LedgerPhase::Success, 1, "a", "", 0);
    let aud = LedgerEvent { amount: Money::new(1, Currency::AUD), ..usd.clone() };
    assert_eq!(fold(&[usd.clone(), aud]), Err(FoldError::MixedCurrencies(Currency::USD, Currency::AUD)));
    let negative = LedgerEvent { amount: Money::new(-1, Currency::USD), ..usd.clone() };
    assert_eq!(fold(&[negative]), Err(FoldError::NegativeAmount(-1)));
    let huge = |reference: &str| event(LedgerKind::Charge, LedgerPhase::Success, i64::MAX, reference, "", 0);
    assert_eq!(fold(&[huge("a"), huge("b")]), Err(FoldError::Overflow));
    assert!(fold(&[huge("a"), huge("a")]).is_ok());
}
