use super::{Fixture, HELD, done, is_stuck};
use carryout_checkout::{
    order::{Order, OrderStatus},
    ports::{Orders, Quotes, StuckOrders, Submissions},
};
use carryout_environment::Ids;
use carryout_workflow::Direction;

/// [`StuckOrders`]: what has passed its deadline is found, and each run begins once.
pub async fn stuck_orders<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    stuck: &impl StuckOrders<Subject = Order>,
) {
    // Deadlines of long ago, so that the suite's orders come before anybody else's.
    let (early, late) = (2_000, 3_000);
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), late).await;
    done(fixture.submissions.submit(&submission).await);
    let id = &submission.order.id;
    assert!(!is_stuck(stuck, id, early).await, "its deadline has not passed");
    assert!(is_stuck(stuck, id, late).await);
    let found = done(stuck.stuck(late, 10_000).await);
    assert_eq!(found.iter().find(|order| order.id == *id), Some(&submission.order), "the whole order comes");

    done(stuck.look_again(id, 1, late + 10).await);
    assert!(!is_stuck(stuck, id, late).await && is_stuck(stuck, id, late + 10).await);
    assert_eq!(fixture.stored(id).await.run, 1);
    // Somebody else's run: nothing changes.
    done(stuck.look_again(id, 2, early).await);
    assert!(!is_stuck(stuck, id, late).await);

    assert!(done(stuck.next_run(id, 1, late + 20).await));
    assert!(!done(stuck.next_run(id, 1, early).await), "each run begins once");
    assert!(!is_stuck(stuck, id, late + 10).await && is_stuck(stuck, id, late + 20).await);
    let stored = fixture.stored(id).await;
    assert_eq!((stored.run, stored.direction, stored.status), (2, Direction::Forward, OrderStatus::Submitted));
    assert!(!done(stuck.next_run(&fixture.ids.new_id("ord"), 1, early).await));
    done(stuck.look_again(&fixture.ids.new_id("ord"), 1, early).await);
    // Out of the way of whoever comes next.
    done(stuck.look_again(id, 2, HELD).await);
}
