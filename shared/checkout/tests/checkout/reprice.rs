//! What an order costs after something about its lines turned out otherwise.

use crate::world::{SHOP, World};
use carryout_checkout::{
    cart::{Cart, CartLine},
    consumer::StoredCredit,
    order::{Order, OrderStatus},
    ports::{Closing as _, Quotes as _},
    reprice::{LineChange, Reprice, RepriceBody, RepriceError, Repriced, Requester, Substitute},
    store::Item,
};
use carryout_environment::HasErrorCode as _;
use carryout_market::{MarketType, ids};
use carryout_money::{Currency, Money};
use carryout_pricing::{Allowance, Benefit, ChargeKind, ComponentId, Limits, Promotion, Weight};
use carryout_testing::samples::{self, NOON};

fn change(line: usize) -> LineChange {
    LineChange { line, quantity: None, weight: None, substitute: None }
}

fn quantity(line: usize, quantity: u32) -> LineChange {
    LineChange { quantity: Some(quantity), ..change(line) }
}

fn item(name: &str) -> String {
    format!("itm_{SHOP}_{name}")
}

impl World {
    async fn reprice_as(&self, id: &str, lines: Vec<LineChange>, who: Requester<'_>) -> Result<Repriced, RepriceError> {
        let quoting = self.quoting();
        let reprice = Reprice {
            orders: &self.store,
            catalog: &self.store,
            records: &self.store,
            quotes: &self.store,
            engine: &quoting.engine,
            signer: &quoting.signer,
            clock: &self.clock,
            ids: &self.ids,
            lock_for: 600_000,
        };
        reprice.reprice(id, &RepriceBody { lines }, who).await
    }

    async fn reprice(&self, id: &str, lines: Vec<LineChange>) -> Result<Repriced, RepriceError> {
        self.reprice_as(id, lines, Requester::Operator).await
    }

    /// A placed delivery of two ramen and tomatoes by weight: 2 × 14.50 and 0.500 × 4.00.
    async fn groceries(&self) -> Order {
        let mut store = samples::store(SHOP, ids::US, MarketType::Restaurant);
        let gyoza = store.items[1].clone();
        store.items[1].deposit = Some(Money::new(25, Currency::USD));
        store.items.push(Item {
            id: item("tomatoes"),
            name: "Tomatoes".to_owned(),
            price: Money::new(400, Currency::USD),
            weight: Some(Weight::from_thousandths(250)),
            ..gyoza
        });
        self.store.put_store(store);
        let cart = samples::cart(SHOP, 2);
        let tomatoes = CartLine { item_id: item("tomatoes"), quantity: 2 };
        let lines = cart.lines.iter().cloned().chain([tomatoes]).collect();
        let order = self.order_of(Cart { lines, ..cart }, "pay_visa").await;
        self.run(&order.id).await
    }
}

fn amounts(repriced: &Repriced) -> Vec<(&ComponentId, Option<i64>, Option<i64>)> {
    let minor = |money: Option<Money>| money.map(|money| money.minor);
    repriced.differences.iter().map(|one| (&one.component, minor(one.was), minor(one.now))).collect()
}

#[tokio::test]
async fn a_weighed_line_costs_what_it_weighs_and_says_where_that_is_more_than_was_authorized() {
    let world = World::new();
    let order = world.groceries().await;
    assert_eq!(order.status, OrderStatus::Placed);
    assert_eq!(order.quote.terms.price.lines[1].amount.minor, 200);
    let weighed = |text: &str| LineChange { weight: text.parse().ok(), ..change(1) };

    let lighter = world.reprice(&order.id, vec![weighed("0.421")]).await.unwrap();
    assert!(amounts(&lighter).contains(&(&ComponentId::Line(item("tomatoes").into()), Some(200), Some(168))), "{lighter:?}");
    assert_eq!((lighter.authorized, lighter.exceeds_authorized), (order.total(), None));
    let heavier = world.reprice(&order.id, vec![weighed("0.842")]).await.unwrap();
    assert_eq!(heavier.quote.terms.price.lines[1].amount.minor, 337);
    let above = heavier.quote.terms.price.total.minor - order.total().minor;
    assert!(above > 137, "with its fees and taxes");
    assert_eq!(heavier.exceeds_authorized, Some(Money { minor: above, ..order.total() }));

    // The order is as it was, and the price belongs to it.
    assert_eq!(world.stored(&order.id).await, order);
    let quote = &heavier.quote;
    assert_eq!(world.store.quote(&quote.terms.id).await.unwrap().as_ref(), Some(quote));
    assert_eq!(world.store.user_of_quote(&quote.terms.id).as_ref(), Some(&order.id));
    let stolen = world.submit(quote, "pay_visa", "other").await.unwrap_err();
    assert_eq!(stolen.code().name, "Quote.Used", "nobody orders at it");
}

#[tokio::test]
async fn a_line_that_is_missing_takes_its_fees_and_taxes_with_it() {
    let world = World::new();
    let order = world.groceries().await;
    let fewer = world.reprice(&order.id, vec![quantity(0, 1), quantity(1, 0)]).await.unwrap();
    let price = &fewer.quote.terms.price;
    assert_eq!((price.lines.len(), price.subtotal.minor), (1, 1_450));
    let cart = samples::cart(SHOP, 1);
    let alone = world.quoting().quote(crate::world::CONSUMER, &cart).await.unwrap().terms.price;
    assert_eq!(
        (price.total, &price.charges[ChargeKind::Fee], &price.charges[ChargeKind::Tax]),
        (alone.total, &alone.charges[ChargeKind::Fee], &alone.charges[ChargeKind::Tax]),
        "as if ordered so"
    );
    assert_eq!(amounts(&fewer).last(), Some(&(&ComponentId::Total, Some(order.total().minor), Some(alone.total.minor))));
    assert_eq!(fewer.exceeds_authorized, None);
}

#[tokio::test]
async fn a_substitute_costs_what_the_store_asks_now_with_its_deposit() {
    let world = World::new();
    let order = world.groceries().await;
    let gyoza = |quantity| LineChange { substitute: Some(Substitute { item_id: item("gyoza"), quantity }), ..change(0) };
    let repriced = world.reprice(&order.id, vec![gyoza(None)]).await.unwrap();
    let price = &repriced.quote.terms.price;
    assert_eq!((&*price.lines[0].name, price.lines[0].quantity, price.lines[0].amount.minor), ("Gyoza", 2, 1_450));
    assert_eq!(price.charges[ChargeKind::Deposit][0].amount.minor, 50);
    let one = world.reprice(&order.id, vec![gyoza(Some(1))]).await.unwrap();
    assert_eq!(one.quote.terms.price.lines[0].amount.minor, 725);
    assert_eq!(world.ramen_left(), 18, "the stock is left alone");
}

#[tokio::test]
async fn what_is_limited_gives_no_more_than_the_order_has_reserved() {
    let world = World::new();
    let benefit = Benefit::Percent(carryout_money::Rate::from_milli_percent(10_000));
    let limits = Limits { total: Allowance { uses: Some(5), budget: Some(10_000) }, ..Limits::default() };
    world.store.put_promotions(ids::US, vec![Promotion { limits, ..Promotion::new("tenth", "10% off", benefit) }]);
    let mut consumer = samples::consumer(crate::world::CONSUMER);
    let amount = Money::new(500, Currency::USD);
    consumer.credits = vec![StoredCredit { id: "cre_gift".to_owned(), name: "Gift card".to_owned(), amount }];
    world.store.put_consumer(consumer);
    let order = world.order().await;
    let order = world.run(&order.id).await;
    let price = &order.quote.terms.price;
    assert_eq!(
        (price.charges[ChargeKind::Discount][0].amount.minor, price.charges[ChargeKind::Credit][0].amount.minor),
        (-290, -500)
    );
    let more = world.reprice(&order.id, vec![quantity(0, 10)]).await.unwrap().quote.terms.price;
    assert_eq!(
        (more.charges[ChargeKind::Discount][0].amount.minor, more.charges[ChargeKind::Credit][0].amount.minor),
        (-290, -500)
    );
    let less = world.reprice(&order.id, vec![quantity(0, 1)]).await.unwrap().quote.terms.price;
    assert_eq!(
        (less.charges[ChargeKind::Discount][0].amount.minor, less.charges[ChargeKind::Credit][0].amount.minor),
        (-145, -500)
    );
}

#[tokio::test]
async fn what_can_not_be_priced_names_the_field() {
    let world = World::new();
    let order = world.groceries().await;
    let weight = |line, text: &str| LineChange { weight: text.parse().ok(), ..change(line) };
    let substitute =
        |id: &str, quantity| LineChange { substitute: Some(Substitute { item_id: id.to_owned(), quantity }), ..change(0) };
    for (lines, field) in [
        (vec![], "lines"),
        (vec![quantity(2, 1)], "lines[0].line"),
        (vec![quantity(0, 1), quantity(0, 2)], "lines[1].line"),
        (vec![change(0)], "lines[0].quantity"),
        (vec![quantity(0, 1_000)], "lines[0].quantity"),
        (vec![quantity(1, 2)], "lines[0].quantity"),
        (vec![weight(0, "1.5")], "lines[0].weight"),
        (vec![weight(1, "0")], "lines[0].weight"),
        (vec![LineChange { quantity: Some(1), ..weight(1, "1.5") }], "lines[0].quantity"),
        (vec![substitute("itm_none", None)], "lines[0].substitute.item_id"),
        (vec![substitute(&item("tomatoes"), None)], "lines[0].substitute.item_id"),
        (vec![substitute(&item("gyoza"), Some(0))], "lines[0].substitute.quantity"),
        (vec![quantity(0, 0), quantity(1, 0)], "lines"),
    ] {
        let error = world.reprice(&order.id, lines.clone()).await.unwrap_err();
        assert_eq!(error.field(), Some(field), "{lines:?}: {error}");
    }
}

#[tokio::test]
async fn a_store_sees_its_own_orders_and_nothing_is_priced_of_which_nothing_is_left() {
    let world = World::new();
    let order = world.order().await;
    let one = || vec![quantity(0, 1)];
    for (role, code) in [(format!("store:{SHOP}"), None), ("store:sto_other".to_owned(), Some("Order.Unknown"))] {
        let answer = world.reprice_as(&order.id, one(), Requester::Roles(&[role])).await;
        assert_eq!(answer.err().map(|error| error.code().name), code);
    }
    let before = world.reprice(&order.id, one()).await.unwrap();
    assert_eq!((before.authorized.minor, before.exceeds_authorized), (0, Some(before.quote.terms.price.total)));
    assert_eq!(world.reprice("ord_none", one()).await.unwrap_err().code().name, "Order.Unknown");
    world.store.fail(&order.id, 1, &order.quote.terms.id, OrderStatus::Failed, None, NOON).await.unwrap();
    assert_eq!(world.reprice(&order.id, one()).await.unwrap_err().code().name, "Order.Ended");
}
