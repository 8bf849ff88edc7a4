//! Whole orders, from the first step to the last, or back.

use crate::world::{CONSUMER, SHOP, World};
use carryout_checkout::{
    consumer::{Consumer, StoredCredit},
    ledger::LedgerKind::*,
    order::{Order, OrderStatus},
    ports::MerchantAnswer,
    redemptions::UsageCounter,
};
use carryout_market::ids;
use carryout_money::{Currency, Money, Rate};
use carryout_pricing::{Allowance, Benefit, ChargeKind, Limits, Promotion};
use carryout_testing::{Fault, PaymentBooks, samples};

/// Nothing of the order is left anywhere.
fn is_clean(world: &World, order: &Order) {
    let books = world.payments.books(&order.id);
    assert!(books.is_clean(), "money: {books:?}");
    assert_eq!(world.ramen_left(), 20, "stock");
    assert_eq!(world.logistics.live(&order.id), 0, "courier");
    assert!(!world.merchants.books(&order.id).is_made(), "kitchen");
    assert_eq!(world.store.user_of_quote(&order.quote.terms.id), None, "quote");
    assert_eq!(order.status, OrderStatus::Failed);
}

fn code(order: &Order) -> &str {
    order.failure.as_ref().map_or("", |failure| failure.code.as_str())
}

#[tokio::test]
async fn an_order_is_placed_with_one_charge_one_courier_and_less_stock() {
    for world in [World::new(), World::ignoring_keys(), World::accepting()] {
        let order = world.order().await;
        let placed = world.run(&order.id).await;
        let total = order.total().minor;
        assert_eq!((placed.status, code(&placed), placed.steps.retries()), (OrderStatus::Placed, "", 0));
        let expected = PaymentBooks { intents: 1, holds: 1, captures: 1, taken: total, ..PaymentBooks::default() };
        assert_eq!(world.payments.books(&order.id), expected);
        assert_eq!(world.ledger(&order.id).await, [(Authorization, total), (Charge, total)]);
        assert_eq!((world.ramen_left(), world.logistics.live(&order.id)), (18, 1));
        assert!(world.merchants.books(&order.id).is_made());
        assert!(placed.steps.0.values().all(|entry| entry.is_complete() && entry.lease_until == 0));
    }
}

#[tokio::test]
async fn a_declined_card_releases_the_reservation() {
    let world = World::new();
    let order = world.order_of(samples::cart(SHOP, 2), "pay_poor").await;
    let failed = world.run(&order.id).await;
    assert_eq!(code(&failed), "Payment.Declined");
    is_clean(&world, &failed);
    assert_eq!(world.ledger(&order.id).await, []);
    assert_eq!(world.logistics.faults().calls("create") + world.merchants.faults().calls("send"), 0);
}

#[tokio::test]
async fn fraud_releases_the_reservation_of_its_neighbour() {
    let world = World::new();
    world.fraud.reject(CONSUMER);
    let order = world.order().await;
    let failed = world.run(&order.id).await;
    assert_eq!(code(&failed), "Fraud.Rejected");
    is_clean(&world, &failed);
    assert_eq!(world.payments.faults().calls("create"), 0);
}

#[tokio::test]
async fn the_last_items_go_to_one_order_and_the_other_fails_clean() {
    let world = World::new();
    let (first, second) =
        (world.order_of(samples::cart(SHOP, 12), "pay_visa").await, world.order_of(samples::cart(SHOP, 12), "pay_visa").await);
    assert_eq!(world.run(&first.id).await.status, OrderStatus::Placed);
    let failed = world.run(&second.id).await;
    assert_eq!((failed.status, code(&failed)), (OrderStatus::Failed, "Item.SoldOut"));
    assert_eq!(failed.failure.unwrap().message, "sold out: Ramen");
    assert_eq!(world.ramen_left(), 8, "nothing was taken for it, and nothing put back");
    assert!(world.payments.books(&second.id).is_clean());
}

/// A tenth off the items within these limits, and 5.00 of credit.
fn with_limited(world: &World, limits: Limits) {
    let tenth = Promotion::new("tenth", "10% off", Benefit::Percent(Rate::from_milli_percent(10_000)));
    world.store.put_promotions(ids::US, vec![Promotion { limits, ..tenth }]);
    let amount = Money::new(500, Currency::USD);
    let credit = StoredCredit { id: "cre_gift".to_owned(), name: "Gift card".to_owned(), amount };
    world.store.put_consumer(Consumer { credits: vec![credit], ..samples::consumer(CONSUMER) });
}

#[tokio::test]
async fn the_last_use_of_a_promotion_goes_to_one_order_and_a_fresh_quote_is_without_it() {
    let world = World::new();
    with_limited(&world, Limits { total: Allowance { uses: Some(1), budget: None }, ..Limits::default() });
    let (first, second) = (world.order().await, world.order().await);
    assert_eq!(world.run(&first.id).await.status, OrderStatus::Placed);
    let failed = world.run(&second.id).await;
    assert_eq!((failed.status, code(&failed)), (OrderStatus::Failed, "Promotion.UsedUp"));
    assert_eq!(failed.failure.unwrap().message, "used up: 10% off");
    assert_eq!(world.ramen_left(), 18, "nothing was taken for it");
    assert!(world.payments.books(&second.id).is_clean());
    let fresh = world.quote().await.terms.price;
    assert_eq!((fresh.charges[ChargeKind::Discount].len(), fresh.charges[ChargeKind::Credit].len()), (0, 0));
}

#[tokio::test]
async fn a_credit_is_spent_on_one_order_and_the_other_fails_clean() {
    let world = World::new();
    with_limited(&world, Limits::default());
    let (first, second) = (world.order().await, world.order().await);
    assert_eq!(world.run(&first.id).await.status, OrderStatus::Placed);
    let failed = world.run(&second.id).await;
    assert_eq!((failed.status, code(&failed)), (OrderStatus::Failed, "Credit.Spent"));
    assert_eq!(failed.failure.unwrap().message, "spent on another order: Gift card");
}

#[tokio::test]
async fn an_order_that_fails_gives_back_its_promotion_and_its_credit() {
    let world = World::new();
    with_limited(&world, Limits { per_consumer: Allowance { uses: Some(1), budget: None }, ..Limits::default() });
    let order = world.order_of(samples::cart(SHOP, 2), "pay_poor").await;
    assert_eq!(code(&world.run(&order.id).await), "Payment.Declined");
    let counters = world.store.all_counters();
    assert_eq!(counters.len(), 2, "both were taken");
    assert!(counters.values().all(|counter| *counter == UsageCounter::default()), "{counters:?}");
    let again = world.order().await;
    assert_eq!(
        (again.quote.terms.price.charges[ChargeKind::Discount].len(), again.quote.terms.price.charges[ChargeKind::Credit].len()),
        (1, 1)
    );
    assert_eq!(world.run(&again.id).await.status, OrderStatus::Placed);
}

#[tokio::test]
async fn a_refusal_at_any_step_leaves_nothing_behind() {
    for (partner, call, code_of_failure) in [
        ("logistics", "create", "Delivery.Refused"),
        ("merchants", "send", "Merchant.Refused"),
        ("payments", "capture", "Payment.Refused"),
        ("payments", "create", "Payment.Refused"),
    ] {
        let world = World::ignoring_keys();
        let faults = match partner {
            "logistics" => world.logistics.faults(),
            "merchants" => world.merchants.faults(),
            _ => world.payments.faults(),
        };
        faults.script(call, Fault::Refuse("not_today".to_owned()));
        let order = world.order().await;
        let failed = world.run(&order.id).await;
        assert_eq!(code(&failed), code_of_failure);
        is_clean(&world, &failed);
    }
}

#[tokio::test]
async fn a_partner_that_stays_unclear_ends_in_a_clean_failure_whether_it_acted_or_not() {
    for fault in [Fault::Unavailable, Fault::UnclearWithoutEffect, Fault::EffectThenUnclear, Fault::LateEffect(7_000)] {
        for (partner, call) in [("logistics", "create"), ("merchants", "send"), ("payments", "capture"), ("payments", "create")] {
            let world = World::ignoring_keys();
            let faults = match partner {
                "logistics" => world.logistics.faults(),
                "merchants" => world.merchants.faults(),
                _ => world.payments.faults(),
            };
            // All attempts of the way forward; of a payment's, the look finds what the first one did.
            faults.script_times(call, fault.clone(), 7);
            let order = world.order().await;
            let ended = world.run(&order.id).await;
            world.clock.advance(60_000);
            if ended.status == OrderStatus::Placed {
                let books = world.payments.books(&order.id);
                assert_eq!((books.holds, books.captures), (1, 1), "{call} {fault:?}");
            } else {
                is_clean(&world, &ended);
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_refuses_or_stays_silent_costs_nothing() {
    for (answer, expected) in
        [(Some(MerchantAnswer::Refused { reason: "no eggs".to_owned() }), "Merchant.Refused"), (None, "Merchant.Silent")]
    {
        let world = World { answer, ..World::accepting() };
        let order = world.order().await;
        let failed = world.run(&order.id).await;
        assert_eq!(code(&failed), expected);
        is_clean(&world, &failed);
        let total = order.total().minor;
        assert_eq!(world.ledger(&order.id).await, [(Authorization, total), (Void, total)]);
        assert_eq!(world.logistics.faults().calls("create"), 0, "no courier before the store accepts");
    }
}
