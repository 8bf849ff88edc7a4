//! A store, a consumer and orders to try things with.

use crate::PlainSeal;
use carryout_checkout::{
    cart::{Cart, CartFulfilment, CartLine},
    consumer::{Address, Consumer, PaymentMethod},
    order::{FraudFacts, Fulfilment, Order, OrderConsumer, OrderStatus, OrderStore},
    ports::{IdempotencyKey, Quotes as _, Submission, Submissions as _, SubmitRefused},
    routing::ReleaseTrack,
    store::{Item, Location, Opening, Store, StoreWithMenu},
    workflows::orchestrator,
};
use carryout_environment::Signer;
use carryout_market::{Market, MarketId, MarketType, Markets, ids};
use carryout_migration::mirror::{LegacyFulfilment, LegacyLine, LegacyOrder, LegacyParty};
use carryout_money::{Money, Rate};
use carryout_pricing::{
    Benefit, Charge, ChargeKind, Charges, Context, ContextLine, Price, PricedLine, Promotion, Quote, QuoteTerms, Record,
    Refunded, Shares,
};
use carryout_workflow::{Direction, NoWorkflow, StatusMap, Workflow};
use std::{collections::BTreeSet, sync::Arc};

/// Tuesday, 2 June 2026, 12:00 in New York. Milliseconds since the Unix epoch.
pub const NOON: i64 = 1_780_416_000_000;
/// One day. Milliseconds.
pub const DAY: i64 = 24 * 60 * 60 * 1_000;

/// The embedded markets.
#[expect(clippy::unwrap_used, reason = "a test of the market crate reads every embedded file")]
pub fn markets() -> Arc<Markets> {
    Markets::embedded().unwrap()
}

/// An embedded market.
#[expect(clippy::unwrap_used, reason = "a test that asks for a market without a file must fail")]
pub fn market(id: MarketId) -> Arc<Market> {
    Arc::clone(markets().require(id).unwrap())
}

/// A store in Manhattan that is always open, with twenty ramen (`itm_<id>_ramen`) and ten gyoza (`itm_<id>_gyoza`).
pub fn store(id: &str, country: MarketId, market_type: MarketType) -> StoreWithMenu {
    let money = |minor| Money::new(minor, market(country).currency);
    let item = |name: &str, price, stock| Item {
        id: format!("itm_{id}_{}", name.to_lowercase()),
        store_id: id.to_owned(),
        name: name.to_owned(),
        description: format!("{name} of the day."),
        section: "Mains".to_owned(),
        price: money(price),
        available: true,
        stock,
        weight: None,
        deposit: None,
        tax_class: None,
    };
    StoreWithMenu {
        store: Store {
            id: id.to_owned(),
            name: "Golden Wok".to_owned(),
            country,
            market_type,
            cuisine: "Ramen".to_owned(),
            address: "1 Mott Street".to_owned(),
            city: "New York".to_owned(),
            location: Location { lat: 40.715, lng: -73.998 },
            time_zone: "America/New_York".to_owned(),
            hours: (1..=7).map(|weekday| Opening { weekday, from: 0, until: 1_440 }).collect(),
            accepting_orders: true,
            delivery_radius: 6_000,
            delivery_fee: money(299),
            service_fee: Rate::from_milli_percent(10_000),
            service_fee_min: money(100),
            service_fee_max: money(500),
            small_order_minimum: money(1_000),
            small_order_fee_max: money(250),
            tax_rate: Rate::from_milli_percent(8_875),
            prep_minutes: 15,
            rating_tenths: 47,
        },
        items: vec![item("Ramen", 1_450, 20), item("Gyoza", 725, 10)],
    }
}

/// A consumer in Manhattan with one address (`adr_home`), one good card (`pay_visa`) and one without money (`pay_poor`).
pub fn consumer(id: &str) -> Consumer {
    let card = |id: &str, token: &str, last4: &str| PaymentMethod {
        id: id.to_owned(),
        token: token.to_owned(),
        brand: "Visa".to_owned(),
        last4: last4.to_owned(),
    };
    Consumer {
        id: id.to_owned(),
        name: "Ada Example".to_owned(),
        phone: "+12125550100".to_owned(),
        country: ids::US,
        created_at: NOON - 400 * DAY,
        orders_placed: 12,
        blocked: false,
        employee: false,
        addresses: vec![Address {
            id: "adr_home".to_owned(),
            label: "Home".to_owned(),
            line: "200 Canal Street".to_owned(),
            city: "New York".to_owned(),
            location: Location { lat: 40.718, lng: -74.001 },
        }],
        payment_methods: vec![
            card("pay_visa", "pm_card_visa", "4242"),
            card("pay_poor", "pm_card_visa_chargeDeclinedInsufficientFunds", "9995"),
        ],
        credits: Vec::new(),
    }
}

/// Two promotions: `ten_off`, a tenth off the items, and after it `bulk`, 3.00 off from 30.00.
pub fn promotions() -> Vec<Promotion> {
    let ten_off = Promotion::new("ten_off", "10% off", Benefit::Percent(Rate::from_milli_percent(10_000)));
    let bulk = Promotion::new("bulk", "3.00 off from 30.00", Benefit::Fixed(300));
    vec![Promotion { priority: 10, ..ten_off }, Promotion { minimum_subtotal: 3_000, ..bulk }]
}

/// A cart of `ramen` bowls from [`store`], delivered to [`consumer`]'s home.
pub fn cart(store_id: &str, ramen: u32) -> Cart {
    Cart {
        store_id: store_id.to_owned(),
        lines: vec![CartLine { item_id: format!("itm_{store_id}_ramen"), quantity: ramen }],
        fulfilment: CartFulfilment::Delivery,
        address_id: Some("adr_home".to_owned()),
        tip: 300,
    }
}

/// What a price depends on: a ramen for 14.50 with all of [`promotions`].
pub fn context() -> Context {
    let lines = vec![ContextLine::new("itm_ramen", "Ramen", 1, 1_450)];
    Context { promotions: promotions(), ..Context::new(market(ids::US).currency, lines) }
}

/// What a submit would write: a delivery of one ramen and one gyoza for 21.75, without fees, in `workflow`.
pub fn order(id: &str, quote_id: &str, store: &StoreWithMenu, workflow: &Workflow, signer: &impl Signer) -> Order {
    let consumer = consumer("con_sample");
    let shop = &store.store;
    let zero = Money::zero(market(shop.country).currency);
    let money = |minor| Money { minor, ..zero };
    let lines: Vec<PricedLine> = store
        .items
        .iter()
        .map(|item| PricedLine {
            item_id: item.id.as_str().into(),
            name: item.name.as_str().into(),
            quantity: 1,
            weight: None,
            unit_price: item.price,
            amount: item.price,
        })
        .collect();
    let total = money(lines.iter().map(|line| line.amount.minor).sum());
    let (code, name) = ("tax".to_owned(), "Sales tax".to_owned());
    let tax = Charge { code, name, amount: zero, included: false, shares: Shares::default() };
    let terms = QuoteTerms {
        id: quote_id.to_owned(),
        consumer_id: consumer.id.clone(),
        store_id: shop.id.clone(),
        market: shop.country.as_str().to_owned(),
        delivery: true,
        address_id: Some("adr_home".to_owned()),
        price: Price {
            lines,
            subtotal: total,
            charges: Charges::from_iter([(ChargeKind::Tax, tax)]),
            tip: zero,
            total,
            policy: String::new(),
            engine: 0,
            flags: Vec::new(),
        },
        limited: Vec::new(),
        reprices: None,
        expires_at: NOON + 10 * 60 * 1_000,
    };
    let (address, payment_method) = (consumer.addresses[0].clone(), consumer.payment_methods[0].clone());
    Order {
        id: id.to_owned(),
        consumer: OrderConsumer { id: consumer.id, name: consumer.name, phone: consumer.phone },
        store: OrderStore {
            id: shop.id.clone(),
            name: shop.name.clone(),
            address: shop.address.clone(),
            location: shop.location,
            prep_minutes: shop.prep_minutes,
        },
        country: shop.country,
        market_type: shop.market_type,
        workflow: workflow.name.clone(),
        release_track: ReleaseTrack::Live,
        fulfilment: Fulfilment::Delivery { address },
        quote: terms.signed(signer),
        payment_method,
        fraud_facts: FraudFacts { account_age_days: 400, orders_placed: 12, abroad: false },
        status: OrderStatus::Submitted,
        direction: Direction::Forward,
        run: 1,
        steps: StatusMap::pending(workflow.steps().map(|step| step.step.as_str())),
        failure: None,
        cancel_requested_at: None,
        flags: BTreeSet::new(),
        ledger: Vec::new(),
        refunded: Refunded::default(),
        open_refund: None,
        correlation_id: format!("corr-{id}"),
        created_at: NOON,
        updated_at: NOON,
        version: 1,
    }
}

/// An [`order`] with the quote `quo_<id>` at the restaurant `sto_1`, in the workflow of its country.
pub fn restaurant_order(id: &str, country: MarketId) -> Result<Order, NoWorkflow> {
    let shop = store("sto_1", country, MarketType::Restaurant);
    let orchestrator = orchestrator();
    let workflow = orchestrator.pick(country.as_str(), MarketType::Restaurant.name())?;
    Ok(order(id, &format!("quo_{id}"), &shop, workflow, &PlainSeal::default()))
}

/// What is kept of a quote from here: its price with [`context`], which does not give it.
pub fn record(quote: &Quote) -> Record {
    Record { context: context(), price: quote.terms.price.clone() }
}

/// Saves the order's quote and writes the order, as a checkout does.
pub async fn submit(store: &crate::Store, order: Order) -> Result<(), SubmitRefused> {
    store.save(&order.quote, &record(&order.quote)).await?;
    let key = IdempotencyKey { record_id: format!("key-{}", order.id), validation: "v".to_owned() };
    let submission = Submission { order, key, answer: "{}".to_owned(), remember_until: i64::MAX, stuck_at: NOON };
    store.submit(&submission).await
}

/// An order at version 1 as legacy readers see it: one ramen to be fetched.
pub fn legacy_order(id: &str) -> LegacyOrder {
    let price = Money::new(1_450, market(ids::US).currency);
    LegacyOrder {
        id: id.to_owned(),
        version: 1,
        status: OrderStatus::Submitted,
        failure: None,
        consumer: LegacyParty { id: "con_sample".to_owned(), name: "Ada Example".to_owned() },
        store: LegacyParty { id: "sto_sample".to_owned(), name: "Golden Wok".to_owned() },
        country: ids::US.as_str().to_owned(),
        fulfilment: LegacyFulfilment::Pickup,
        lines: vec![LegacyLine { item_id: "itm_ramen".to_owned(), name: "Ramen".to_owned(), quantity: 1, amount: price }],
        total: price,
        created_at: NOON,
        updated_at: NOON,
        correlation_id: format!("corr-{id}"),
    }
}
