use super::{AUTHORIZE, COMPLETE, ENDED, Fixture, claim_of, done, failure, is_stuck, refused, some, with_quote};
use crate::samples::NOON;
use carryout_checkout::{
    order::{Order, OrderStatus},
    ports::{Closing, OrderSteps, Orders, Quotes, Refused, StuckOrders, Submissions, SubmitRefused},
};
use carryout_environment::Ids;
use carryout_workflow::{Direction, StepState, Workflow};

/// [`Closing`]: an order is closed once, by its own run; a failed one releases its quote.
pub async fn closing<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    closing: &impl Closing,
    statuses: &impl OrderSteps,
    stuck: &impl StuckOrders<Subject = Order>,
) {
    let quote = |order: &Order| order.quote.terms.id.clone();
    let reason = failure("Payment.Declined");
    let submit = async |workflow: &Workflow, stuck_at| {
        let submission = fixture.submission(workflow, stuck_at).await;
        done(fixture.submissions.submit(&submission).await);
        submission.order
    };
    let workflow = fixture.workflow("checkout-standard");

    // Placed.
    let order = submit(&workflow, ENDED).await;
    assert_eq!(refused(closing.place(COMPLETE, &order.id, 2, NOON).await), order, "another run's order");
    assert_eq!(refused(closing.fail(&order.id, 2, &quote(&order), OrderStatus::Failed, None, NOON).await), order);
    assert_eq!(refused(closing.park(&order.id, 2, NOON).await), order);
    done(closing.place(COMPLETE, &order.id, 1, NOON).await);
    let placed = fixture.stored(&order.id).await;
    assert_eq!((placed.status, placed.direction), (OrderStatus::Placed, Direction::Forward));
    let entry = some(placed.steps.entry(COMPLETE), COMPLETE);
    assert_eq!((entry.state, entry.attempts, entry.sent_at), (StepState::Done, 1, Some(NOON)));
    assert_eq!(refused(closing.place(COMPLETE, &order.id, 1, NOON).await), placed);
    assert_eq!(refused(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Failed, Some(&reason), NOON).await), placed);
    assert_eq!(refused(closing.park(&order.id, 1, NOON).await), placed);
    fixture.is_untouched(&placed).await;
    let thief = with_quote(fixture.submission(&workflow, NOON).await, &placed);
    let result = fixture.submissions.submit(&thief).await;
    assert!(matches!(result, Err(SubmitRefused::QuoteUsed)), "a placed order keeps its quote: {result:?}");

    // Failed: the quote is free for the next order.
    let order = submit(&workflow, ENDED).await;
    done(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Failed, Some(&reason), NOON).await);
    let failed = fixture.stored(&order.id).await;
    assert_eq!((failed.status, failed.direction), (OrderStatus::Failed, Direction::Undo));
    assert_eq!(failed.failure, Some(reason.clone()));
    assert_eq!(refused(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Failed, None, NOON).await), failed);
    let next = with_quote(fixture.submission(&workflow, ENDED).await, &order);
    done(fixture.submissions.submit(&next).await);
    // The quote is the next order's now: another failing order does not release it.
    let other = submit(&workflow, ENDED).await;
    done(closing.fail(&other.id, 1, &quote(&next.order), OrderStatus::Failed, None, NOON).await);
    let thief = with_quote(fixture.submission(&workflow, NOON).await, &order);
    let result = fixture.submissions.submit(&thief).await;
    assert!(matches!(result, Err(SubmitRefused::QuoteUsed)), "{result:?}");

    // The reason that was recorded first counts.
    let order = submit(&workflow, ENDED).await;
    done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), Some(&failure("Item.SoldOut"))).await);
    assert_eq!(refused(closing.place(COMPLETE, &order.id, 1, NOON).await).direction, Direction::Undo);
    done(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Failed, Some(&reason), NOON).await);
    assert_eq!(fixture.stored(&order.id).await.failure, Some(failure("Item.SoldOut")));

    // Cancelled: told apart from failed, and the quote is free as well.
    let order = submit(&workflow, ENDED).await;
    let cancelled = failure("Order.CancelRequested");
    done(closing.fail(&order.id, 1, &quote(&order), OrderStatus::Cancelled, Some(&cancelled), NOON).await);
    assert_eq!(fixture.stored(&order.id).await.status, OrderStatus::Cancelled);
    done(fixture.submissions.submit(&with_quote(fixture.submission(&workflow, ENDED).await, &order)).await);

    // Parked.
    let order = submit(&workflow, ENDED).await;
    let parked = done(closing.park(&order.id, 1, NOON).await);
    assert_eq!(parked.status, OrderStatus::Parked);
    assert_eq!(fixture.stored(&order.id).await, parked);
    assert_eq!(refused(closing.park(&order.id, 1, NOON).await), parked);

    let nobody = fixture.ids.new_id("ord");
    let results = [
        closing.place(COMPLETE, &nobody, 1, NOON).await,
        closing.fail(&nobody, 1, "quo_none", OrderStatus::Failed, None, NOON).await,
        closing.park(&nobody, 1, NOON).await.map(drop),
    ];
    for result in results {
        assert!(matches!(result, Err(Refused::NotFound)), "{result:?}");
    }
    for closed in [&placed, &failed, &parked] {
        assert!(!done(stuck.next_run(&closed.id, 1, NOON).await), "a closed order has no next run");
        assert!(!is_stuck(stuck, &closed.id, ENDED).await, "a closed order is not looked for");
    }
}
