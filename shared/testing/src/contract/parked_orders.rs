use super::{AUTHORIZE, ENDED, Fixture, HELD, claim_of, done, failure, is_stuck, refused};
use crate::samples::NOON;
use carryout_checkout::{
    order::{Order, OrderStatus},
    ports::{Closing, OrderSteps, Orders, ParkedOrders, Quotes, Refused, StuckOrders, Submissions},
};
use carryout_environment::Ids;
use carryout_workflow::{Claim, Direction};

/// [`ParkedOrders`]: a parked order is found, and opened again once, in its next run.
pub async fn parked_orders<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    parked: &impl ParkedOrders,
    statuses: &impl OrderSteps,
    closing: &impl Closing,
    stuck: &impl StuckOrders<Subject = Order>,
) {
    let is_parked = async |id: &str| done(parked.parked(10_000).await).into_iter().find(|order| order.id == id);
    let order = fixture.order().await;
    assert_eq!(refused(parked.reopen(&order.id, ENDED).await), order, "only a parked order");
    done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), Some(&failure("Payment.Declined"))).await);
    assert_eq!(is_parked(&order.id).await, None);
    let closed = done(closing.park(&order.id, 1, NOON).await);
    assert_eq!(is_parked(&order.id).await, Some(closed.clone()));

    let opened = done(parked.reopen(&order.id, 2_000).await);
    assert_eq!((opened.status, opened.direction, opened.run), (OrderStatus::Processing, Direction::Undo, 2));
    assert_eq!((&opened.steps, &opened.failure), (&closed.steps, &closed.failure), "what is to be undone is kept");
    assert_eq!(fixture.stored(&order.id).await, opened);
    assert_eq!(is_parked(&order.id).await, None);
    assert!(is_stuck(stuck, &order.id, 2_000).await, "a lost start is found by the sweeper");
    assert_eq!(refused(parked.reopen(&order.id, ENDED).await), opened, "it is opened once");
    assert_eq!(refused(closing.park(&order.id, 1, NOON).await), opened, "its old run is over");
    let claim = Claim { run: 2, ..claim_of(&order, AUTHORIZE, HELD) };
    assert_eq!(done(statuses.claim_undo(&claim, None).await).failure, Some(failure("Payment.Declined")));
    done(stuck.look_again(&order.id, 2, HELD).await);
    for nothing in [fixture.ids.new_id("ord"), String::new()] {
        let result = parked.reopen(&nothing, ENDED).await;
        assert!(matches!(result, Err(Refused::NotFound)), "{nothing:?}: {result:?}");
    }
}
