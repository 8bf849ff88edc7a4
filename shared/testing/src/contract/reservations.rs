use super::{Fixture, HELD, RESERVE, broken, claim_of, done, some};
use carryout_checkout::ports::{Catalog, OrderNote, OrderSteps, Orders, Quotes, Reservations, ReserveRefused, Submissions};
use carryout_environment::{Ids, StorageError};
use carryout_workflow::{StepState, UndoState};

/// [`Reservations`]: all lines or none; the entry and the stock in one.
pub async fn reservations<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    reservations: &impl Reservations,
    statuses: &impl OrderSteps,
    catalog: &impl Catalog,
) {
    let store = &fixture.store.store.id;
    let stock = async || {
        let store = some(done(catalog.store(store).await), store);
        store.items.iter().map(|item| item.stock).collect::<Vec<_>>()
    };
    let full = stock().await;
    let order = fixture.order().await;
    let claim = claim_of(&order, RESERVE, HELD);
    let result = reservations.reserve(&claim, &order).await;
    assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "nothing without a claim: {result:?}");
    assert_eq!(stock().await, full);

    let order = done(statuses.claim(&claim, &OrderNote::default()).await);
    done(reservations.reserve(&claim, &order).await);
    let less: Vec<u32> = full.iter().map(|left| left - 1).collect();
    assert_eq!(stock().await, less);
    let entry = fixture.entry(&order.id, RESERVE).await;
    assert_eq!((entry.state, entry.lease_until), (StepState::Done, 0));
    let result = reservations.reserve(&claim, &order).await;
    assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "taken once: {result:?}");
    assert_eq!(stock().await, less);

    // Put back once, under a claim.
    let order = done(statuses.claim_undo(&claim, None).await);
    done(reservations.put_back(&claim, &order).await);
    assert_eq!(stock().await, full);
    assert_eq!(fixture.entry(&order.id, RESERVE).await.undo, UndoState::Done);
    let result = reservations.put_back(&claim, &order).await;
    assert!(matches!(result, Err(ReserveRefused::Storage(StorageError::ClaimLost))), "put back once: {result:?}");
    assert_eq!(stock().await, full);

    // One line too many: nothing of the order is taken, and only that line is named.
    let greedy = fixture.order().await;
    let claim = claim_of(&greedy, RESERVE, HELD);
    let mut greedy = done(statuses.claim(&claim, &OrderNote::default()).await);
    let too_much = some(greedy.quote.terms.price.lines.last_mut(), "a line");
    too_much.quantity = some(full.last(), "an item") + 1;
    let sold_out = too_much.item_id.clone();
    match reservations.reserve(&claim, &greedy).await {
        Err(ReserveRefused::SoldOut(items)) => assert_eq!(items, [sold_out]),
        other => broken("the sold-out line must be named", &other),
    }
    assert_eq!(stock().await, full);
    assert_eq!(fixture.entry(&greedy.id, RESERVE).await.lease_until, HELD, "the claim is still held");

    // An item that is gone has no stock to return to; the others return.
    let gone = fixture.order().await;
    let claim = claim_of(&gone, RESERVE, HELD);
    let gone = done(statuses.claim(&claim, &OrderNote::default()).await);
    done(reservations.reserve(&claim, &gone).await);
    let mut gone = done(statuses.claim_undo(&claim, None).await);
    some(gone.quote.terms.price.lines.first_mut(), "a line").item_id = fixture.ids.new_id("itm").into();
    done(reservations.put_back(&claim, &gone).await);
    let mut partly = full;
    partly[0] -= 1;
    assert_eq!(stock().await, partly);
}
