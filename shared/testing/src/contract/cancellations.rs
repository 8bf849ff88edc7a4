use super::{AUTHORIZE, COMPLETE, CONFIRM, ENDED, Fixture, HELD, claim_of, done, held, refused};
use crate::samples::NOON;
use carryout_checkout::{
    cancel::is_accepted,
    order::{OrderFacts, OrderStatus},
    ports::{
        Answers, Cancellations, Closing, MerchantAnswer, OrderNote, OrderSteps, Orders, QuoteLocks, Quotes, Refused, Submissions,
    },
    steps::{await_merchant, notify_merchant},
};
use carryout_environment::Ids;
use carryout_workflow::{Direction, Progress, StepState};

/// [`Cancellations`]: an order is marked once, by its consumer, until its store has accepted; then no step begins.
pub async fn cancellations<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    cancellations: &impl Cancellations,
    statuses: &impl OrderSteps,
    locks: &impl QuoteLocks,
    answers: &impl Answers,
    closing: &impl Closing,
) {
    let order = fixture.order().await;
    let consumer = order.consumer.id.as_str();
    assert_eq!(refused(cancellations.request(&order.id, "con_other", NOON).await), order, "somebody else's order");
    let marked = done(cancellations.request(&order.id, consumer, NOON).await);
    assert_eq!((marked.cancel_requested_at, marked.version), (Some(NOON), order.version + 1));
    assert_eq!((marked.status, marked.direction), (order.status, Direction::Forward));
    assert_eq!(fixture.stored(&order.id).await, marked);

    // No step begins any more, and nothing is written.
    assert_eq!(refused(cancellations.request(&order.id, consumer, NOON + 1).await), marked, "it is marked once");
    assert_eq!(held(statuses.claim(&claim_of(&order, AUTHORIZE, HELD), &OrderNote::default()).await), marked);
    let facts = OrderFacts { quote_id: order.quote.terms.id.clone(), total: order.total() };
    assert_eq!(refused(locks.confirm(CONFIRM, &order.id, 1, &facts, NOON).await), marked);
    assert_eq!(refused(answers.wait_for(await_merchant::NAME, &order.id, 1, "token", NOON).await), marked);
    assert_eq!(refused(closing.place(COMPLETE, &order.id, 1, NOON).await), marked);
    fixture.is_untouched(&marked).await;
    // What was done is undone.
    assert_eq!(done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), None).await).direction, Direction::Undo);

    // A step that has begun ends; the store's answer is recorded.
    let order = fixture.order().await;
    let claim = claim_of(&order, AUTHORIZE, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(cancellations.request(&order.id, consumer, NOON).await);
    done(statuses.complete(&claim, StepState::Done, &Progress::default()).await);
    done(answers.record(await_merchant::NAME, &order.id, &MerchantAnswer::Accepted, NOON).await);

    // Accepted by its answer: too late. Where the workflow waits for an answer, being told is not accepting.
    let order = fixture.order().await;
    let claim = claim_of(&order, notify_merchant::NAME, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.complete(&claim, StepState::Done, &Progress::default()).await);
    let accepted = done(answers.record(await_merchant::NAME, &order.id, &MerchantAnswer::Accepted, NOON).await);
    assert_eq!(refused(cancellations.request(&order.id, consumer, NOON).await), accepted);
    let order = fixture.order().await;
    let claim = claim_of(&order, notify_merchant::NAME, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.complete(&claim, StepState::Done, &Progress::default()).await);
    done(cancellations.request(&order.id, consumer, NOON).await);

    // Where it does not wait, it is.
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await;
    done(fixture.submissions.submit(&submission).await);
    let claim = claim_of(&submission.order, notify_merchant::NAME, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.complete(&claim, StepState::Done, &Progress::default()).await);
    assert!(is_accepted(&refused(cancellations.request(&submission.order.id, consumer, NOON).await)));

    // One that turned, one that is closed, none at all.
    let order = fixture.order().await;
    done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), None).await);
    let turned = fixture.stored(&order.id).await;
    assert_eq!(refused(cancellations.request(&order.id, consumer, NOON).await), turned);
    let order = fixture.order().await;
    done(closing.place(COMPLETE, &order.id, 1, NOON).await);
    assert_eq!(refused(cancellations.request(&order.id, consumer, NOON).await).status, OrderStatus::Placed);
    for nothing in [fixture.ids.new_id("ord"), String::new()] {
        let result = cancellations.request(&nothing, consumer, NOON).await;
        assert!(matches!(result, Err(Refused::NotFound)), "{nothing:?}: {result:?}");
    }
}
