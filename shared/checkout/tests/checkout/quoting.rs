//! What a cart must be to be priced.

use crate::world::{CONSUMER, SHOP, World};
use carryout_checkout::{
    memory::{StoreFault, samples},
    quoting::{Cart, CartFulfilment, CartLine, MAX_LINES, MAX_TIP, QuoteError},
};
use carryout_workflow::Coded as _;

fn line(item: &str, quantity: u32) -> CartLine {
    CartLine { item_id: item.to_owned(), quantity }
}

fn ramen(quantity: u32) -> CartLine {
    line(&format!("itm_{SHOP}_ramen"), quantity)
}

async fn refused(cart: &Cart) -> (String, Option<String>) {
    let world = World::new();
    let error = world.quoting().quote(CONSUMER, cart).await.unwrap_err();
    assert_eq!(world.store.writes(), 0, "nothing is written");
    (error.code().name.to_owned(), error.field().map(str::to_owned))
}

#[tokio::test]
async fn a_cart_that_can_not_be_priced_names_the_field() {
    let good = samples::cart(SHOP, 1);
    let many = (0..=MAX_LINES).map(|index| line(&format!("itm_{index}"), 1)).collect();
    let cases = [
        (Cart { lines: Vec::new(), ..good.clone() }, "Request.InvalidField", "lines"),
        (Cart { lines: many, ..good.clone() }, "Request.InvalidField", "lines"),
        (Cart { lines: vec![ramen(1), ramen(0)], ..good.clone() }, "Request.InvalidField", "lines[1].quantity"),
        (Cart { lines: vec![ramen(1_000)], ..good.clone() }, "Request.InvalidField", "lines[0].quantity"),
        (Cart { lines: vec![ramen(u32::MAX)], ..good.clone() }, "Request.InvalidField", "lines[0].quantity"),
        (Cart { lines: vec![ramen(999), ramen(1)], ..good.clone() }, "Request.InvalidField", "lines[1].quantity"),
        (Cart { tip: -1, ..good.clone() }, "Request.InvalidField", "tip"),
        (Cart { tip: MAX_TIP + 1, ..good.clone() }, "Request.InvalidField", "tip"),
        (Cart { address_id: None, ..good.clone() }, "Request.InvalidField", "address_id"),
        (Cart { address_id: Some("adr_other".to_owned()), ..good.clone() }, "Request.InvalidField", "address_id"),
        (Cart { store_id: "sto_none".to_owned(), ..good.clone() }, "Store.Unknown", "store_id"),
        // The line is named as the consumer sent it, also behind lines that are added up.
        (Cart { lines: vec![ramen(1), ramen(1), line("itm_x", 1)], ..good }, "Item.Unknown", "lines[2].item_id"),
    ];
    for (cart, code, field) in cases {
        assert_eq!(refused(&cart).await, (code.to_owned(), Some(field.to_owned())), "{cart:?}");
    }
}

#[tokio::test]
async fn an_unknown_account_gets_no_price() {
    let world = World::new();
    let error = world.quoting().quote("con_nobody", &samples::cart(SHOP, 1)).await.unwrap_err();
    assert!(matches!(error, QuoteError::NoConsumer), "{error}");
}

#[tokio::test]
async fn the_account_is_refused_before_the_store_whichever_is_read_first() {
    let world = World::new();
    let cart = Cart { store_id: "sto_none".to_owned(), ..samples::cart(SHOP, 1) };
    let error = world.quoting().quote("con_nobody", &cart).await.unwrap_err();
    assert!(matches!(error, QuoteError::NoConsumer), "{error}");
}

#[tokio::test]
async fn lines_of_one_item_are_added_up() {
    let world = World::new();
    let cart = Cart { lines: vec![ramen(1), line(&format!("itm_{SHOP}_gyoza"), 1), ramen(2)], ..samples::cart(SHOP, 1) };
    let quote = world.quoting().quote(CONSUMER, &cart).await.unwrap();
    let lines: Vec<_> = quote.terms.price.lines.iter().map(|line| (line.name.as_str(), line.quantity)).collect();
    assert_eq!(lines, [("Ramen", 3), ("Gyoza", 1)]);
    assert_eq!(quote.terms.price.subtotal.minor, 3 * 1_450 + 725);
}

#[tokio::test]
async fn a_pickup_has_no_delivery_fee_and_no_address() {
    let world = World::new();
    let delivered = world.quote().await;
    let cart = Cart { fulfilment: CartFulfilment::Pickup, ..samples::cart(SHOP, 2) };
    let fetched = world.quoting().quote(CONSUMER, &cart).await.unwrap();
    assert_eq!(fetched.terms.address_id, None);
    assert_eq!(delivered.terms.price.total.minor - fetched.terms.price.total.minor, 299);
}

#[tokio::test]
async fn a_quote_that_could_not_be_kept_is_not_given() {
    let world = World::new();
    world.store.script("save", StoreFault::Before);
    let error = world.quoting().quote(CONSUMER, &samples::cart(SHOP, 1)).await.unwrap_err();
    assert_eq!(error.code().name, "Store.Unavailable");
}
