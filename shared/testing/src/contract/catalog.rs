use super::{Fixture, done, some};
use carryout_checkout::{
    consumer::Consumer,
    ports::{Catalog, Consumers, Promotions},
    store::Location,
};
use carryout_environment::Ids;
use carryout_market::MarketId;
use carryout_pricing::Promotion;

/// [`Catalog`]: `fixture.store` is known, and findable by where it is.
pub async fn catalog<W, Q, O, I: Ids>(fixture: &Fixture<W, Q, O, I>, catalog: &impl Catalog) {
    let expected = &fixture.store;
    let found = some(done(catalog.store(&expected.store.id).await), "the store");
    assert_eq!(&found, expected, "a store comes with its items in the menu's order");
    for nothing in [fixture.ids.new_id("sto"), String::new()] {
        assert_eq!(done(catalog.store(&nothing).await), None, "{nothing:?}");
    }

    let there = expected.store.location;
    let beside = |metres: f64| Location { lat: there.lat + metres / 111_195.0, lng: there.lng };
    let is_near =
        async |point, radius| done(catalog.near(point, radius, 100).await).iter().any(|store| store.id == expected.store.id);
    assert!(is_near(beside(900.0), 1_000).await);
    assert!(!is_near(beside(1_100.0), 1_000).await, "beyond the radius");
    let near = done(catalog.near(there, 5_000, 100).await);
    assert!(near.is_sorted_by_key(|store| there.metres_to(store.location).round() as i64), "nearest first");
    assert_eq!(done(catalog.near(there, 5_000, 1).await).len(), 1, "at most as many as asked for");
}

/// [`Consumers`]: `known` is there as it was written.
pub async fn consumers(consumers: &impl Consumers, known: &Consumer, ids: &impl Ids) {
    assert_eq!(done(consumers.consumer(&known.id).await).as_ref(), Some(known));
    for nothing in [ids.new_id("con"), String::new()] {
        assert_eq!(done(consumers.consumer(&nothing).await), None, "{nothing:?}");
    }
}

/// [`Promotions`]: `known` are those of its country, in their order; another market has none.
pub async fn promotions(promotions: &impl Promotions, (country, known): (MarketId, &[Promotion]), without: MarketId) {
    assert_eq!(done(promotions.promotions(country).await), known);
    assert_eq!(done(promotions.promotions(without).await), []);
}
