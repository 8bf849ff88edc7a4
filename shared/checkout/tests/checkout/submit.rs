//! Taking an order: checked whole, written once.

use crate::world::{CONSUMER, SHOP, World};
use carryout_checkout::{
    consumer::Consumer,
    order::OrderStatus,
    ports::Quotes as _,
    store::{Location, Opening, Store, StoreWithMenu},
    submit::{COVERAGE_BY_RADIUS, SubmitError},
    sweep::sweep,
    workflows::orchestrator,
};
use carryout_environment::HasErrorCode as _;
use carryout_market::{MarketType, ids};
use carryout_pricing::Quote;
use carryout_testing::{Fault, StoreFault, samples};

impl World {
    fn change_store(&self, change: impl FnOnce(&mut StoreWithMenu)) {
        let mut store = samples::store(SHOP, ids::US, MarketType::Restaurant);
        change(&mut store);
        self.store.put_store(store);
    }

    fn change_consumer(&self, change: impl FnOnce(&mut Consumer)) {
        let mut consumer = samples::consumer(CONSUMER);
        change(&mut consumer);
        self.store.put_consumer(consumer);
    }

    /// Refused, with nothing written and nothing sent.
    async fn refuses(&self, quote: &Quote) -> SubmitError {
        let before = (self.store.writes(), self.queue.sent());
        let error = self.submit(quote, "pay_visa", "k").await.unwrap_err();
        assert_eq!((self.store.writes(), self.queue.sent()), before, "{error}: nothing is written, nothing sent");
        assert_eq!(self.store.user_of_quote(&quote.terms.id), None, "{error}: the quote stays free");
        error
    }
}

#[tokio::test]
async fn an_order_is_written_once_with_everything_its_steps_need_and_one_message() {
    let world = World::new();
    let quote = world.quote().await;
    let submitted = world.submit(&quote, "pay_visa", "k").await.unwrap();
    assert!(submitted.first && submitted.message_sent);
    let order = world.stored(&submitted.answer.order_id).await;
    assert_eq!((order.status, order.run, order.workflow.as_str()), (OrderStatus::Submitted, 1, "checkout-standard"));
    assert_eq!((&order.quote, order.total()), (&quote, quote.terms.price.total));
    assert_eq!((order.payment_method.token.as_str(), order.fraud_facts.account_age_days), ("pm_card_visa", 400));
    assert_eq!(order.steps.0.len(), 8);
    assert_eq!(submitted.answer.status_url, format!("/v1/orders/{}", order.id));
    let sent = world.queue.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].order_id.as_str(), sent[0].run, sent[0].facts.total), (order.id.as_str(), 1, order.total()));
    assert_eq!(world.store.user_of_quote(&quote.terms.id), Some(order.id));
}

#[tokio::test]
async fn a_twin_gets_the_winners_answer() {
    let world = World::new();
    let quote = world.quote().await;
    let (one, other) = futures::join!(world.submit(&quote, "pay_visa", "k"), world.submit(&quote, "pay_visa", "k"));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.answer, other.answer);
    assert!(one.first != other.first, "one of them wrote the order");
    assert_eq!((world.store.all_orders().len(), world.queue.sent().len()), (1, 1));
}

#[tokio::test]
async fn a_repetition_is_answered_the_same_after_the_quote_has_expired_and_the_item_is_sold_out() {
    let world = World::new();
    let quote = world.quote().await;
    let first = world.submit(&quote, "pay_visa", "k").await.unwrap();
    world.clock.advance(3_600_000);
    world.change_store(|store| store.items[0].stock = 0);
    let again = world.submit(&quote, "pay_visa", "k").await.unwrap();
    assert_eq!((again.answer, again.first), (first.answer, false));
    assert_eq!(world.store.all_orders().len(), 1);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let world = World::new();
    let quote = world.quote().await;
    world.submit(&quote, "pay_visa", "k").await.unwrap();
    // Also where the other body is worth nothing by itself.
    let expired = Quote { signature: "forged".to_owned(), ..quote.clone() };
    for other in [&quote, &expired] {
        let error = world.submit(other, "pay_poor", "k").await.unwrap_err();
        assert_eq!((error.code().name, error.field()), ("Idempotency.KeyReused", Some("Idempotency-Key")));
    }
    assert_eq!(world.store.all_orders().len(), 1);
}

#[tokio::test]
async fn a_quote_serves_one_order() {
    let world = World::new();
    let quote = world.quote().await;
    world.submit(&quote, "pay_visa", "k1").await.unwrap();
    let error = world.submit(&quote, "pay_visa", "k2").await.unwrap_err();
    assert_eq!((error.code().name, error.field()), ("Quote.Used", Some("quote_id")));
    assert_eq!((world.store.all_orders().len(), world.queue.sent().len()), (1, 1));
}

#[tokio::test]
async fn a_message_that_was_not_sent_loses_nothing_and_the_sweeper_starts_the_order() {
    let world = World::new();
    world.queue.fail_next(1);
    let submitted = world.submit(&world.quote().await, "pay_visa", "k").await.unwrap();
    assert!(submitted.first && !submitted.message_sent, "the order is taken all the same");
    let sweep = async || sweep(&world.store, &world.executions, &orchestrator(), &world.clock).await.unwrap();
    assert_eq!(sweep().await.started, 0, "not before its time");
    world.clock.advance(60_000);
    assert_eq!(sweep().await.started, 1);
    let started = world.executions.started();
    assert_eq!(started[0].name, format!("{}-1", submitted.answer.order_id));
    assert_eq!((started[0].workflow.as_str(), started[0].input["direction"].as_str()), ("checkout-standard", Some("FORWARD")));
}

#[tokio::test]
async fn a_lost_answer_of_the_store_is_found_by_the_repetition() {
    let world = World::new();
    let quote = world.quote().await;
    world.store.script("submit", StoreFault::After);
    let error = world.submit(&quote, "pay_visa", "k").await.unwrap_err();
    assert_eq!(error.code().name, "Storage.Unavailable");
    let again = world.submit(&quote, "pay_visa", "k").await.unwrap();
    assert!(!again.first);
    assert_eq!(world.store.all_orders().len(), 1);
}

#[tokio::test]
async fn conflicts_are_tried_again_and_then_said_to_be_conflicts() {
    let world = World::new();
    let quote = world.quote().await;
    for _ in 0..4 {
        world.store.script("submit", StoreFault::Conflict);
    }
    assert_eq!(world.submit(&quote, "pay_visa", "k").await.unwrap_err().code().name, "Submit.Busy");
    for _ in 0..3 {
        world.store.script("submit", StoreFault::Conflict);
    }
    assert!(world.submit(&quote, "pay_visa", "k").await.unwrap().first);
}

#[tokio::test]
async fn a_forged_quote_is_refused() {
    let world = World::new();
    let quote = world.quote().await;
    let forged = Quote { signature: format!("{}0", quote.signature), ..quote.clone() };
    let error = world.refuses(&forged).await;
    assert_eq!((error.code().name, error.field()), ("Quote.Forged", Some("quote_signature")));
    // Also where the store itself holds terms that the key never signed.
    let mut cheap = quote;
    cheap.terms.id = "quo_cheap".to_owned();
    cheap.terms.price.total.minor = 1;
    world.store.save(&cheap, &samples::record(&cheap)).await.unwrap();
    assert_eq!(world.refuses(&cheap).await.code().name, "Quote.Forged");
}

#[tokio::test]
async fn another_consumers_quote_is_unknown() {
    let world = World::new();
    world.store.put_consumer(samples::consumer("con_eve"));
    let quote = world.quote().await;
    let error = world.submit_as("con_eve", &quote, "pay_visa", "k").await.unwrap_err();
    assert_eq!((error.code().name, error.field()), ("Quote.Unknown", Some("quote_id")));
    assert_eq!(world.store.all_orders().len(), 0);
    let nothing = Quote { terms: carryout_pricing::QuoteTerms { id: "quo_none".to_owned(), ..quote.terms }, ..quote };
    assert_eq!(world.refuses(&nothing).await.code().name, "Quote.Unknown");
}

#[tokio::test]
async fn a_blocked_or_unknown_account_can_not_order() {
    let world = World::new();
    let quote = world.quote().await;
    world.change_consumer(|consumer| consumer.blocked = true);
    assert_eq!(world.refuses(&quote).await.code().name, "Consumer.Blocked");
    assert_eq!(world.submit_as("con_nobody", &quote, "pay_visa", "k").await.unwrap_err().code().name, "Consumer.Unknown");
}

#[tokio::test]
async fn somebody_elses_card_and_a_deleted_address_are_refused() {
    let world = World::new();
    let quote = world.quote().await;
    let error = world.submit(&quote, "pay_eve", "k").await.unwrap_err();
    assert_eq!((error.code().name, error.field()), ("PaymentMethod.Unknown", Some("payment_method_id")));
    world.change_consumer(|consumer| consumer.addresses.clear());
    assert_eq!(world.refuses(&quote).await.code().name, "Address.Unknown");
}

#[tokio::test]
async fn a_closed_store_says_when_it_opens() {
    let world = World::new();
    let quote = world.quote().await;
    // It is Tuesday noon there.
    world.change_store(|store| store.store.hours = vec![Opening { weekday: 3, from: 11 * 60, until: 22 * 60 }]);
    let error = world.refuses(&quote).await;
    assert_eq!((error.code().name, error.to_string().as_str()), ("Store.Closed", "Golden Wok is closed; it opens Wed 11:00"));
    world.change_store(|store| store.store.accepting_orders = false);
    assert_eq!(world.refuses(&quote).await.code().name, "Store.NotAccepting");
}

#[tokio::test]
async fn what_is_sold_out_is_named() {
    let world = World::new();
    let quote = world.quote().await;
    for change in [
        (|store: &mut StoreWithMenu| store.items[0].stock = 1) as fn(&mut StoreWithMenu),
        |store| store.items[0].available = false,
        |store| drop(store.items.remove(0)),
    ] {
        world.change_store(change);
        let error = world.refuses(&quote).await;
        assert_eq!((error.code().name, error.to_string().as_str()), ("Item.SoldOut", "sold out: Ramen"));
    }
}

#[tokio::test]
async fn an_address_out_of_reach_is_refused_and_a_pickup_is_not() {
    let world = World::new();
    let quote = world.quote().await;
    world.logistics.stay_home();
    assert_eq!(world.refuses(&quote).await.code().name, "Delivery.OutOfReach", "no courier goes there");
    let world = World::new();
    let quote = world.quote().await;
    world.change_consumer(|consumer| consumer.addresses[0].location = Location { lat: 40.8, lng: -73.998 });
    assert_eq!(world.refuses(&quote).await.code().name, "Delivery.OutOfReach", "beyond the store's own radius");
    assert_eq!(world.logistics.faults().calls("covers"), 0);
    assert_eq!(world.pickup().await.status, OrderStatus::Submitted);
}

#[tokio::test]
async fn while_the_courier_partner_is_down_the_stores_radius_decides_and_the_order_is_flagged() {
    let world = World::new();
    world.logistics.faults().script("covers", Fault::Unavailable);
    assert!(world.order().await.flags.contains(COVERAGE_BY_RADIUS));
    assert!(world.order().await.flags.is_empty());
}

#[tokio::test]
async fn a_market_without_a_workflow_takes_no_orders() {
    let world = World::new();
    let quote = world.quote().await;
    let mut checkout = world.checkout();
    checkout.orchestrator = carryout_workflow::Orchestrator::new(Vec::new(), Vec::new());
    let request = carryout_checkout::submit::CheckoutRequest {
        quote_id: quote.terms.id.clone(),
        quote_signature: quote.signature.clone(),
        payment_method_id: "pay_visa".to_owned(),
    };
    let key = carryout_checkout::ports::IdempotencyKey { record_id: "k".to_owned(), validation: "v".to_owned() };
    let error = checkout.submit(CONSUMER, &request, &key, "c", || 0.0).await.unwrap_err();
    assert_eq!(error.code().name, "Market.Unknown");
    assert_eq!(world.store.user_of_quote(&quote.terms.id), None);
}

#[tokio::test]
async fn an_expired_quote_is_renewed_and_says_what_changed() {
    let world = World::new();
    let quote = world.quote().await;
    world.clock.advance(599_999);
    assert!(world.submit(&quote, "pay_visa", "in time").await.is_ok());
    let quote = world.quote().await;
    world.clock.advance(600_000);
    let SubmitError::Expired(expired) = world.refuses(&quote).await else { panic!("it must be expired") };
    let (fresh, differences) = world.checkout().renew(&expired).await.unwrap();
    assert!(differences.is_empty(), "nothing changed but the time");
    assert_eq!((fresh.terms.price == quote.terms.price, fresh.terms.id == quote.terms.id), (true, false));
    assert!(world.submit(&fresh, "pay_visa", "fresh").await.is_ok());

    world.change_store(|store| store.items[0].price.minor += 50);
    let (dearer, differences) = world.checkout().renew(&expired).await.unwrap();
    let changed: Vec<String> = differences.iter().map(|difference| difference.component.to_string()).collect();
    let ramen = format!("lines.itm_{SHOP}_ramen");
    assert_eq!(changed, ["fees.service", ramen.as_str(), "taxes.tax", "total"]);
    assert_eq!(dearer.terms.price.tip, quote.terms.price.tip, "the tip is kept");
    assert!(dearer.terms.price.total.minor > quote.terms.price.total.minor);
}

#[tokio::test]
async fn the_earliest_declared_error_wins_whatever_else_is_wrong() {
    let world = World::new();
    let quote = world.quote().await;
    world.logistics.stay_home();
    let wrong: [(&str, &dyn Fn()); 5] = [
        ("Delivery.OutOfReach", &|| {}),
        ("Item.SoldOut", &|| world.change_store(|store| store.items[0].stock = 0)),
        ("Store.Closed", &|| {
            world.change_store(|store| {
                store.items[0].stock = 0;
                store.store = Store { hours: Vec::new(), accepting_orders: false, ..store.store.clone() };
            });
        }),
        ("Quote.Expired", &|| world.clock.advance(600_000)),
        ("Consumer.Blocked", &|| world.change_consumer(|consumer| consumer.blocked = true)),
    ];
    for (code, and_also) in wrong {
        and_also();
        assert_eq!(world.refuses(&quote).await.code().name, code);
    }
}
