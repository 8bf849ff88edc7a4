//! Planted discrepancies of every kind are found, and mended once, whoever else is at it and whatever gets lost.

use crate::world::World;
use carryout_checkout::{
    ledger::{BalanceAmount, LedgerEvent, LedgerKind, LedgerPhase, fold},
    order::{Order, OrderStatus},
    ports::{Closing as _, Intent, Ledgers as _, Payments as _},
    reconcile::{Discrepancy, Reconcile, Reconciliation, Remedy, SETTLED_AFTER_MS},
};
use carryout_environment::Clock as _;
use carryout_money::Money;
use carryout_testing::{FakeReports, Fault, Pause, StoreFault};

type Reconciler = Reconcile<
    carryout_testing::FakePayments,
    carryout_testing::Store,
    carryout_testing::Store,
    FakeReports,
    carryout_testing::ManualClock,
>;

const AUTHORIZE: &str = "authorize-payment";
const NEVER: i64 = i64::MAX;

fn reconciler(world: &World) -> Reconciler {
    Reconcile {
        payments: world.payments.clone(),
        orders: world.store.clone(),
        ledgers: world.store.clone(),
        reports: FakeReports::default(),
        clock: world.clock.clone(),
        settled_after: SETTLED_AFTER_MS,
    }
}

async fn placed(world: &World) -> Order {
    let order = world.order().await;
    let order = world.run(&order.id).await;
    assert_eq!(order.status, OrderStatus::Placed);
    order
}

async fn failed(world: &World) -> Order {
    let order = world.order().await;
    world.payments.faults().script("capture", Fault::Refuse("card_declined".to_owned()));
    let order = world.run(&order.id).await;
    assert_eq!(order.status, OrderStatus::Failed);
    order
}

/// A second payment of the order, which it knows nothing of: created, held or taken.
async fn plant(world: &World, order: &Order, confirmed: bool, captured: bool) -> Intent {
    let key = format!("{}/planted", order.id);
    let intent = world.payments.create(&key, order).await.unwrap();
    if confirmed {
        world.payments.confirm(&key, &intent.id, "pm_card_visa").await.unwrap();
    }
    if captured {
        world.payments.capture(&key, &intent.id, order.total()).await.unwrap();
    }
    intent
}

fn found(report: &Reconciliation) -> Vec<(Discrepancy, Remedy)> {
    report.findings.iter().map(|finding| (finding.discrepancy, finding.remedy)).collect()
}

/// Once everything has settled: what the first reconciliation finds. The next one must find nothing to do any more.
async fn reconcile(world: &World) -> Vec<(Discrepancy, Remedy)> {
    world.clock.advance(SETTLED_AFTER_MS);
    let reconciler = reconciler(world);
    let first = reconciler.run(NEVER).await.unwrap();
    let second = reconciler.run(NEVER).await.unwrap();
    let done: Vec<_> = second.findings.iter().filter(|finding| finding.remedy != Remedy::Reported).collect();
    assert!(done.is_empty(), "a second reconciliation must find nothing left to do: {done:?}");
    found(&first)
}

#[tokio::test]
async fn where_all_agree_nothing_is_found() {
    let world = World::new();
    placed(&world).await;
    failed(&world).await;
    assert_eq!(reconcile(&world).await, []);
    assert_eq!(world.payments.faults().calls("cancel"), 1, "that was the failed order's own undo");
}

#[tokio::test]
async fn what_a_failed_order_left_behind_is_cancelled_or_given_back() {
    use Discrepancy::*;
    for (confirmed, captured, expected) in [
        (false, false, vec![(Unconfirmed, Remedy::Cancelled)]),
        (true, false, vec![(MissingInLedger, Remedy::Adopted), (HeldForClosedOrder, Remedy::Cancelled)]),
        (true, true, vec![(MissingInLedger, Remedy::Adopted), (ChargedForClosedOrder, Remedy::Refunded)]),
    ] {
        for world in [World::new(), World::ignoring_keys()] {
            let order = failed(&world).await;
            plant(&world, &order, confirmed, captured).await;
            assert_eq!(reconcile(&world).await, expected);
            assert!(world.payments.books(&order.id).is_clean());
            let balance = fold(&world.stored(&order.id).await.ledger).unwrap();
            assert_eq!((balance.charged, balance.authorized), (BalanceAmount::default(), BalanceAmount::default()));
        }
    }
}

#[tokio::test]
async fn a_second_payment_of_a_placed_order_is_cancelled_or_given_back_and_its_own_is_not_touched() {
    use Discrepancy::*;
    for (confirmed, captured, expected) in [
        (false, false, vec![(Unconfirmed, Remedy::Cancelled)]),
        (true, false, vec![(MissingInLedger, Remedy::Adopted), (DuplicateAuthorization, Remedy::Cancelled)]),
        (true, true, vec![(MissingInLedger, Remedy::Adopted), (ChargedTwice, Remedy::Refunded)]),
    ] {
        let world = World::new();
        let order = placed(&world).await;
        plant(&world, &order, confirmed, captured).await;
        assert_eq!(reconcile(&world).await, expected);
        let (books, total) = (world.payments.books(&order.id), order.total().minor);
        assert_eq!((books.taken - books.refunded, books.held), (total, 0));
        let balance = fold(&world.stored(&order.id).await.ledger).unwrap();
        assert_eq!(balance.charged, BalanceAmount { amount: total, pending: 0 });
    }
}

#[tokio::test]
async fn a_payment_of_an_order_that_does_not_exist_is_cancelled_or_given_back_and_one_of_another_system_is_left_alone() {
    for (confirmed, captured, remedy) in
        [(false, false, Remedy::Cancelled), (true, false, Remedy::Cancelled), (true, true, Remedy::Refunded)]
    {
        for (id, expected) in [("ord_gone", vec![(Discrepancy::UnknownOrder, remedy)]), ("", vec![])] {
            let world = World::new();
            let unknown = Order { id: id.to_owned(), ..world.order().await };
            plant(&world, &unknown, confirmed, captured).await;
            assert_eq!(reconcile(&world).await, expected, "{id:?}");
            assert_eq!(world.payments.books(id).is_clean(), !id.is_empty() || !confirmed, "{id:?}");
        }
    }
}

#[tokio::test]
async fn what_the_processor_knows_and_the_ledger_does_not_is_adopted() {
    let world = World::new();
    let order = placed(&world).await;
    let intent = order.steps.entry(AUTHORIZE).unwrap().reference.clone().unwrap();
    // Somebody gave a part back by hand.
    let given = Money { minor: 500, ..order.total() };
    let refund = world.payments.refund("by-hand", &intent, given).await.unwrap();
    assert_eq!(reconcile(&world).await, [(Discrepancy::MissingInLedger, Remedy::Adopted)]);
    let balance = fold(&world.stored(&order.id).await.ledger).unwrap();
    assert_eq!((balance.charged.amount, balance.refunded.amount), (order.total().minor - 500, 500));
    assert!(world.stored(&order.id).await.ledger.iter().any(|event| event.reference == refund.id));
}

#[tokio::test]
async fn what_no_program_can_mend_is_told_to_a_person_and_left_as_it_is() {
    // The order is closed as placed although its payment was only held.
    let world = World::new();
    let order = world.order().await;
    world.advance(&order.id, &[AUTHORIZE]).await;
    world.store.place("complete-order", &order.id, order.run, world.clock.now()).await.unwrap();
    assert_eq!(reconcile(&world).await, [(Discrepancy::CaptureMissing, Remedy::Reported)]);
    assert_eq!(world.payments.books(&order.id).held, order.total().minor);

    // Less was taken than it costs.
    let world = World::new();
    let order = world.order().await;
    world.advance(&order.id, &[AUTHORIZE]).await;
    let intent = world.entry(&order.id, AUTHORIZE).await.reference.unwrap();
    world.payments.capture("by-hand", &intent, Money { minor: 100, ..order.total() }).await.unwrap();
    world.store.place("complete-order", &order.id, order.run, world.clock.now()).await.unwrap();
    let expected = [(Discrepancy::MissingInLedger, Remedy::Adopted), (Discrepancy::AmountDiffers, Remedy::Reported)];
    assert_eq!(reconcile(&world).await, expected);

    // The ledger knows of a refund that never was.
    let world = World::new();
    let order = placed(&world).await;
    let refund = LedgerEvent {
        kind: LedgerKind::Refund,
        phase: LedgerPhase::Success,
        amount: order.total(),
        reference: "re_never".to_owned(),
        effect: String::new(),
        at: world.clock.now(),
    };
    world.store.append(&order.id, &refund).await.unwrap();
    assert_eq!(reconcile(&world).await, [(Discrepancy::RefundUnknown, Remedy::Reported)]);
    assert_eq!(world.payments.books(&order.id).refunded, 0);
}

#[tokio::test]
async fn the_payments_of_an_open_or_parked_order_are_left_to_it_and_those_of_a_young_one_too() {
    let world = World::new();
    let order = world.order().await;
    world.advance(&order.id, &[AUTHORIZE]).await;
    plant(&world, &order, true, true).await;
    let reconciler = reconciler(&world);
    for after in [0, SETTLED_AFTER_MS] {
        world.clock.advance(after);
        let report = reconciler.run(NEVER).await.unwrap();
        assert_eq!((report.intents, report.left_alone, found(&report)), (2, 2, vec![]));
    }
    world.store.park(&order.id, order.run, world.clock.now()).await.unwrap();
    // Long after both have left the list that is gone through.
    world.clock.advance(3 * 24 * 60 * 60 * 1_000);
    let report = reconciler.run(NEVER).await.unwrap();
    assert_eq!((report.intents, report.left_alone, found(&report)), (2, 2, vec![]));
    assert_eq!(world.payments.books(&order.id).refunds, 0);
}

#[tokio::test]
async fn two_reconciliations_at_once_give_back_once() {
    for mut world in [World::new(), World::ignoring_keys()] {
        let order = failed(&world).await;
        plant(&world, &order, true, true).await;
        world.clock.advance(SETTLED_AFTER_MS);
        world.payments = world.payments.clone().pausing(Pause::with(|_| Box::pin(tokio::task::yield_now())));
        let (one, other) = (reconciler(&world), reconciler(&world));
        let (one, other) = futures::join!(one.run(NEVER), other.run(NEVER));
        assert_eq!(one.unwrap().refunded + other.unwrap().refunded, 1);
        let books = world.payments.books(&order.id);
        assert_eq!((books.refunds, books.is_clean()), (1, true));
        let balance = fold(&world.stored(&order.id).await.ledger).unwrap();
        assert_eq!(balance.charged, BalanceAmount::default());
    }
}

#[tokio::test]
async fn whatever_gets_lost_the_next_reconciliation_finishes_it_and_nothing_happens_twice() {
    let faults = [Fault::Unavailable, Fault::UnclearWithoutEffect, Fault::EffectThenUnclear];
    for call in ["refund", "refunds", "cancel", "retrieve", "list"] {
        for fault in faults.clone() {
            for store_fault in [None, Some(StoreFault::Before), Some(StoreFault::After)] {
                let world = World::ignoring_keys();
                let (taken, held) = (failed(&world).await, failed(&world).await);
                plant(&world, &taken, true, true).await;
                plant(&world, &held, true, false).await;
                world.clock.advance(SETTLED_AFTER_MS);
                world.payments.faults().script(call, fault.clone());
                if let Some(store_fault) = store_fault {
                    world.store.script("append", store_fault);
                }
                let reconciler = reconciler(&world);
                for _ in 0..4 {
                    let _ = reconciler.run(NEVER).await;
                    world.clock.advance(SETTLED_AFTER_MS);
                }
                for order in [&taken, &held] {
                    let story = format!("{call} {fault:?} {store_fault:?}");
                    let books = world.payments.books(&order.id);
                    assert!(books.is_clean() && books.refunds <= 1, "{story}: {books:?}");
                    let balance = fold(&world.stored(&order.id).await.ledger).unwrap();
                    let nothing = (BalanceAmount::default(), BalanceAmount::default());
                    assert_eq!((balance.charged, balance.authorized), nothing, "{story}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_refund_that_failed_is_asked_for_anew() {
    let world = World::new();
    let order = failed(&world).await;
    plant(&world, &order, true, true).await;
    world.clock.advance(SETTLED_AFTER_MS);
    world.payments.fail_next_refunds(1);
    let reconciler = reconciler(&world);
    let postponed = (Discrepancy::ChargedForClosedOrder, Remedy::Postponed);
    assert!(found(&reconciler.run(NEVER).await.unwrap()).contains(&postponed));
    let refunded = (Discrepancy::ChargedForClosedOrder, Remedy::Refunded);
    assert!(found(&reconciler.run(NEVER).await.unwrap()).contains(&refunded));
    assert!(world.payments.books(&order.id).is_clean());
    assert_eq!(fold(&world.stored(&order.id).await.ledger).unwrap().charged, BalanceAmount::default());
}

#[tokio::test]
async fn a_reconciliation_without_time_is_gone_on_with_by_the_next_and_leaves_nothing_out() {
    let world = World::new();
    for _ in 0..5 {
        let order = failed(&world).await;
        plant(&world, &order, false, false).await;
    }
    world.clock.advance(SETTLED_AFTER_MS);
    let reconciler = reconciler(&world);
    let mut cancelled = 0;
    let mut runs = 0;
    loop {
        let report = reconciler.run(0).await.unwrap();
        (cancelled, runs) = (cancelled + report.cancelled, runs + 1);
        world.clock.advance(1);
        if report.resume_after.is_none() {
            break;
        }
    }
    assert_eq!((cancelled, runs), (5, 5), "ten payments, two on a page");
    let next = reconciler.run(NEVER).await.unwrap();
    assert_eq!((next.intents, next.findings.len()), (10, 0));
}
