use super::{AUTHORIZE, ENDED, Fixture, claim_of, done, refused, some};
use crate::samples::NOON;
use carryout_checkout::{
    order::{Order, OrderStatus},
    ports::{Answers, MerchantAnswer, OrderSteps, Orders, Quotes, Refused, Submissions},
    steps::await_merchant,
};
use carryout_environment::Ids;
use carryout_workflow::StepState;

/// [`Answers`]: the first answer counts, before the wait or after it.
pub async fn answers<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    answers: &impl Answers,
    statuses: &impl OrderSteps,
) {
    const STEP: &str = await_merchant::NAME;
    let accepted = MerchantAnswer::Accepted;
    let no = MerchantAnswer::Refused { reason: "no eggs".to_owned() };
    let entry = |order: &Order| some(order.steps.entry(STEP).cloned(), STEP);

    // The wait comes first.
    let order = fixture.order().await;
    let waiting = done(answers.wait_for(STEP, &order.id, 1, "token-1", NOON).await);
    let waits = entry(&waiting);
    assert_eq!((waits.state, waits.task_token.as_deref(), waits.attempts), (StepState::Waiting, Some("token-1"), 1));
    assert_eq!((waits.run, waits.sent_at, waiting.status), (1, Some(NOON), OrderStatus::Processing));
    // A retry waits with a token of its own.
    let waiting = done(answers.wait_for(STEP, &order.id, 1, "token-2", NOON).await);
    assert_eq!(entry(&waiting).task_token.as_deref(), Some("token-2"));
    let answered = done(answers.record(STEP, &order.id, &accepted, NOON).await);
    assert_eq!((entry(&answered).state, entry(&answered).task_token.as_deref()), (StepState::Done, Some("token-2")));
    assert_eq!(fixture.stored(&order.id).await, answered);
    for answer in [&accepted, &no] {
        assert_eq!(refused(answers.record(STEP, &order.id, answer, NOON).await), answered, "the first answer counts");
    }
    assert_eq!(refused(answers.wait_for(STEP, &order.id, 1, "token-3", NOON).await), answered);
    fixture.is_untouched(&answered).await;

    // The answer comes first.
    let order = fixture.order().await;
    let answered = done(answers.record(STEP, &order.id, &no, NOON).await);
    assert_eq!(entry(&answered).state, StepState::Failed);
    let failure = some(entry(&answered).failure, "the refusal");
    assert_eq!(failure.code, "Merchant.Refused");
    assert!(failure.message.contains("no eggs"), "{failure}");
    assert_eq!(entry(&answered).task_token, None);
    assert_eq!(refused(answers.wait_for(STEP, &order.id, 1, "token-1", NOON).await), answered);

    // Another run's wait, an order that turned, one that never waits, none at all.
    let order = fixture.order().await;
    assert_eq!(refused(answers.wait_for(STEP, &order.id, 2, "token-1", NOON).await), order);
    done(statuses.claim_undo(&claim_of(&order, AUTHORIZE, ENDED), None).await);
    let turned = fixture.stored(&order.id).await;
    assert_eq!(refused(answers.wait_for(STEP, &order.id, 1, "token-1", NOON).await), turned);
    assert_eq!(refused(answers.record(STEP, &order.id, &accepted, NOON).await), turned);
    fixture.is_untouched(&turned).await;
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await;
    done(fixture.submissions.submit(&submission).await);
    let result = answers.record(STEP, &submission.order.id, &accepted, NOON).await;
    assert!(matches!(result, Err(Refused::Other)), "its workflow has no such step: {result:?}");
    for nothing in [fixture.ids.new_id("ord"), String::new()] {
        let result = answers.record(STEP, &nothing, &accepted, NOON).await;
        assert!(matches!(result, Err(Refused::NotFound)), "{nothing:?}: {result:?}");
    }
}
