//! The money: held once, taken once, given back once, whatever gets lost on the way.

use crate::world::World;
use carryout_checkout::{
    codes,
    ledger::{LedgerKind::*, LedgerPhase},
};
use carryout_testing::{Fault, PaymentBooks, StoreFault};
use carryout_workflow::{StepState, UndoState};

const AUTHORIZE: &str = "authorize-payment";
const CAPTURE: &str = "capture-payment";

#[tokio::test]
async fn a_lost_answer_after_the_hold_does_not_hold_twice_even_where_keys_are_ignored() {
    for world in [World::new(), World::ignoring_keys()] {
        let order = world.order().await;
        world.payments.faults().script("confirm", Fault::EffectThenUnclear);
        let failure = world.process(&order.id, AUTHORIZE).await.unwrap_err();
        assert_eq!(failure.code, codes::PAYMENT_UNCLEAR.name);
        world.advance(&order.id, &[AUTHORIZE]).await;
        let (books, total) = (world.payments.books(&order.id), order.total().minor);
        assert_eq!(books, PaymentBooks { intents: 1, holds: 1, held: total, ..PaymentBooks::default() });
        assert_eq!(world.ledger(&order.id).await, [(Authorization, total)]);
        assert_eq!(world.payments.faults().calls("confirm"), 1, "it looked before it acted anew");
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_creation_holds_once() {
    for world in [World::new(), World::ignoring_keys()] {
        let order = world.order().await;
        world.payments.faults().script("create", Fault::EffectThenUnclear);
        world.process(&order.id, AUTHORIZE).await.unwrap_err();
        world.advance(&order.id, &[AUTHORIZE]).await;
        assert_eq!(world.payments.books(&order.id).holds, 1);
        assert_eq!(world.payments.books(&order.id).held, order.total().minor);
    }
}

#[tokio::test]
async fn a_hold_that_arrives_between_the_look_and_the_next_confirmation_counts() {
    let world = World::ignoring_keys();
    let order = world.order().await;
    world.payments.faults().script("confirm", Fault::LateEffect(5_000));
    world.process(&order.id, AUTHORIZE).await.unwrap_err();
    // The next attempt looks, finds it unconfirmed, and while it asks again the first request arrives.
    let clock = world.clock.clone();
    world.payments.faults().choose(move |call| {
        clock.advance(if call == "confirm" { 5_000 } else { 0 });
        None
    });
    world.advance(&order.id, &[AUTHORIZE]).await;
    assert_eq!(world.payments.faults().calls("confirm"), 2);
    let books = world.payments.books(&order.id);
    assert_eq!((books.intents, books.holds, books.held), (1, 1, order.total().minor));
}

#[tokio::test]
async fn a_lost_answer_after_the_capture_charges_once() {
    for world in [World::new(), World::ignoring_keys()] {
        let order = world.order().await;
        let total = order.total().minor;
        world.advance(&order.id, &[AUTHORIZE]).await;
        world.payments.faults().script("capture", Fault::EffectThenUnclear);
        assert_eq!(world.process(&order.id, CAPTURE).await.unwrap_err().code, codes::PAYMENT_UNCLEAR.name);
        world.advance(&order.id, &[CAPTURE]).await;
        let books = world.payments.books(&order.id);
        assert_eq!((books.captures, books.taken, books.held), (1, total, 0));
        assert_eq!(world.payments.faults().calls("capture"), 1, "it looked before it acted anew");
        assert_eq!(world.ledger(&order.id).await, [(Authorization, total), (Charge, total)]);
    }
}

#[tokio::test]
async fn a_capture_of_unknown_outcome_is_refunded_exactly_once_by_its_undo() {
    for world in [World::new(), World::ignoring_keys()] {
        let order = world.order().await;
        let total = order.total().minor;
        world.advance(&order.id, &[AUTHORIZE]).await;
        world.payments.faults().script("capture", Fault::EffectThenUnclear);
        world.process(&order.id, CAPTURE).await.unwrap_err();
        // The refund's answer gets lost, too.
        world.payments.faults().script("refund", Fault::EffectThenUnclear);
        assert_eq!(world.undo(&order.id, CAPTURE).await.unwrap_err().code, codes::PAYMENT_UNCLEAR.name);
        world.undo(&order.id, CAPTURE).await.unwrap();
        world.undo(&order.id, AUTHORIZE).await.unwrap();
        let books = world.payments.books(&order.id);
        assert_eq!((books.captures, books.refunds, books.refunded), (1, 1, total));
        assert!(books.is_clean());
        // The ledger tells what was found out, although no answer ever came.
        assert_eq!(world.ledger(&order.id).await, [(Authorization, total), (Charge, total), (Refund, total)]);
    }
}

#[tokio::test]
async fn a_capture_that_arrives_after_its_undo_is_given_back_by_the_next() {
    let world = World::new();
    let order = world.order().await;
    world.advance(&order.id, &[AUTHORIZE]).await;
    world.payments.faults().script("capture", Fault::LateEffect(2_000));
    world.process(&order.id, CAPTURE).await.unwrap_err();
    world.undo(&order.id, CAPTURE).await.unwrap();
    world.clock.advance(2_000);
    assert_eq!(world.payments.books(&order.id).captures, 1);
    world.undo(&order.id, AUTHORIZE).await.unwrap();
    assert!(world.payments.books(&order.id).is_clean());
}

#[tokio::test]
async fn a_refund_that_arrives_after_the_look_is_found_by_the_next_one() {
    let world = World::ignoring_keys();
    let order = world.order().await;
    world.advance(&order.id, &["authorize-payment", "capture-payment"]).await;
    // An earlier refund, late on its way, overtakes this one.
    world.payments.faults().script("refund", Fault::Refuse("charge_already_refunded".to_owned()));
    assert_eq!(world.undo(&order.id, "capture-payment").await.unwrap_err().code, codes::PAYMENT_UNCLEAR.name);
    world.undo(&order.id, "capture-payment").await.unwrap();
    assert!(world.payments.books(&order.id).is_clean());
}

#[tokio::test]
async fn a_refund_that_failed_does_not_count_and_is_asked_for_anew() {
    for world in [World::new(), World::ignoring_keys()] {
        let order = world.order().await;
        world.advance(&order.id, &[AUTHORIZE, CAPTURE]).await;
        world.payments.fail_next_refunds(1);
        assert_eq!(world.undo(&order.id, CAPTURE).await.unwrap_err().code, codes::PAYMENT_UNAVAILABLE.name);
        assert_eq!(world.payments.books(&order.id).refunded, 0);
        world.undo(&order.id, CAPTURE).await.unwrap();
        assert!(world.payments.books(&order.id).is_clean());
        assert_eq!(world.payments.books(&order.id).refunds, 1);
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_void_is_still_told_by_the_ledger() {
    let world = World::ignoring_keys();
    let order = world.order().await;
    let total = order.total().minor;
    world.advance(&order.id, &[AUTHORIZE]).await;
    world.payments.faults().script("cancel", Fault::EffectThenUnclear);
    world.undo(&order.id, AUTHORIZE).await.unwrap_err();
    world.undo(&order.id, AUTHORIZE).await.unwrap();
    assert!(world.payments.books(&order.id).is_clean());
    assert_eq!(world.ledger(&order.id).await, [(Authorization, total), (Void, total)]);
}

#[tokio::test]
async fn every_state_of_the_hold_can_be_undone() {
    type Before = (&'static str, &'static [(&'static str, Fault)], bool);
    let cases: [Before; 7] = [
        ("not begun", &[], false),
        ("not reached", &[("create", Fault::Unavailable)], true),
        ("created, answer lost", &[("create", Fault::EffectThenUnclear)], true),
        ("created, not confirmed", &[("confirm", Fault::Unavailable)], true),
        ("unknown and not held", &[("confirm", Fault::UnclearWithoutEffect)], true),
        ("unknown and held", &[("confirm", Fault::EffectThenUnclear)], true),
        ("held", &[], true),
    ];
    for (state, faults, begins) in cases {
        let world = World::ignoring_keys();
        let order = world.order().await;
        for (call, fault) in faults {
            world.payments.faults().script(call, fault.clone());
        }
        if begins {
            let _ = world.process(&order.id, AUTHORIZE).await;
        }
        for time in ["first", "again"] {
            world.undo(&order.id, AUTHORIZE).await.unwrap_or_else(|failure| panic!("{state}, {time}: {failure}"));
            assert!(world.payments.books(&order.id).is_clean(), "{state}, {time}");
        }
        let entry = world.entry(&order.id, AUTHORIZE).await;
        assert_eq!((entry.undo, entry.undo_attempts), (UndoState::Done, 1), "{state}");
        let ledger = world.ledger(&order.id).await;
        let sum: i64 = ledger.iter().map(|(kind, minor)| if *kind == Authorization { *minor } else { -minor }).sum();
        assert_eq!(sum, 0, "{state}: what the ledger says was held, it says was let go: {ledger:?}");
    }
}

#[tokio::test]
async fn every_state_of_the_capture_can_be_undone() {
    for (state, fault, begins) in [
        ("not begun", None, false),
        ("not reached", Some(Fault::Unavailable), true),
        ("unknown and not taken", Some(Fault::UnclearWithoutEffect), true),
        ("unknown and taken", Some(Fault::EffectThenUnclear), true),
        ("refused", Some(Fault::Refuse("card_declined".to_owned())), true),
        ("taken", None, true),
    ] {
        let world = World::ignoring_keys();
        let order = world.order().await;
        world.advance(&order.id, &[AUTHORIZE]).await;
        if let Some(fault) = fault {
            world.payments.faults().script("capture", fault);
        }
        if begins {
            let _ = world.process(&order.id, CAPTURE).await;
        }
        for step in [CAPTURE, CAPTURE, AUTHORIZE, AUTHORIZE] {
            world.undo(&order.id, step).await.unwrap_or_else(|failure| panic!("{state}: {failure}"));
        }
        let books = world.payments.books(&order.id);
        assert!(books.is_clean(), "{state}: {books:?}");
        assert!(books.refunds <= 1, "{state}: {books:?}");
    }
}

#[tokio::test]
async fn a_declined_card_is_not_asked_again_and_says_what_to_do() {
    let world = World::new();
    let order = world.order_of(carryout_testing::samples::cart(crate::world::SHOP, 1), "pay_poor").await;
    for _ in 0..2 {
        let failure = world.process(&order.id, AUTHORIZE).await.unwrap_err();
        assert_eq!(failure.code, codes::PAYMENT_DECLINED.name);
        assert_eq!(failure.message, "the card was declined: there is not enough money on it");
        assert_eq!(failure.advice, codes::PAYMENT_DECLINED.advice);
    }
    assert_eq!(world.payments.faults().calls("confirm"), 1, "a refusal is repeated, not tried again");
    let entry = world.entry(&order.id, AUTHORIZE).await;
    assert_eq!((entry.state, entry.key_version), (StepState::Failed, 2));
}

#[tokio::test]
async fn a_step_that_is_done_answers_from_the_status_map_without_calling_its_partner() {
    let world = World::new();
    let order = world.order().await;
    let first = world.process(&order.id, AUTHORIZE).await.unwrap();
    let calls = |name| world.payments.faults().calls(name);
    let before = (calls("create"), calls("confirm"), calls("retrieve"));
    assert_eq!(world.process(&order.id, AUTHORIZE).await.unwrap(), first);
    assert_eq!((calls("create"), calls("confirm"), calls("retrieve")), before);
}

#[tokio::test]
async fn the_intent_is_stored_before_it_is_confirmed() {
    let world = World::new();
    let order = world.order().await;
    world.store.script("remember", StoreFault::Before);
    world.process(&order.id, AUTHORIZE).await.unwrap_err();
    assert_eq!(world.payments.faults().calls("confirm"), 0, "what is not stored is not confirmed");
    world.advance(&order.id, &[AUTHORIZE]).await;
    assert_eq!(world.payments.books(&order.id).holds, 1);
    let ledger = world.stored(&order.id).await.ledger;
    let phases: Vec<_> = ledger.iter().map(|event| (event.kind, event.phase)).collect();
    assert_eq!(phases, [(Authorization, LedgerPhase::Request), (Authorization, LedgerPhase::Success)]);
}

#[tokio::test]
async fn a_lost_write_after_the_effect_is_caught_up_with() {
    for fault in [StoreFault::Before, StoreFault::After] {
        let world = World::ignoring_keys();
        let order = world.order().await;
        for step in [AUTHORIZE, CAPTURE] {
            world.store.script("complete", fault);
            world.process(&order.id, step).await.unwrap_err();
            // Whoever died while writing holds the entry until its lease ends.
            world.clock.advance(crate::world::LEASE);
            world.advance(&order.id, &[step]).await;
        }
        let (books, total) = (world.payments.books(&order.id), order.total().minor);
        assert_eq!((books.holds, books.captures, books.taken), (1, 1, total), "{fault:?}");
        assert_eq!(world.ledger(&order.id).await, [(Authorization, total), (Charge, total)], "{fault:?}");
    }
}
