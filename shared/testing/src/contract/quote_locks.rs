use super::{AUTHORIZE, CONFIRM, ENDED, Fixture, claim_of, done, refused, some};
use crate::samples::NOON;
use carryout_checkout::{
    order::{OrderFacts, OrderStatus, OrderSubmitted},
    ports::{OrderSteps, Orders, QuoteLocks, Quotes, Refused, Submissions},
};
use carryout_environment::Ids;
use carryout_money::Money;
use carryout_workflow::{Direction, StepState};

/// [`QuoteLocks`]: checks the quote and completes the entry in one.
pub async fn quote_locks<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    locks: &impl QuoteLocks,
    statuses: &impl OrderSteps,
) {
    let order = fixture.order().await;
    let facts = OrderSubmitted::of(&order).facts;
    let dearer = OrderFacts { total: Money { minor: facts.total.minor + 1, ..facts.total }, ..facts.clone() };
    let others = OrderFacts { quote_id: fixture.order().await.quote.terms.id, ..facts.clone() };
    for wrong in [&dearer, &others] {
        let result = locks.confirm(CONFIRM, &order.id, 1, wrong, NOON).await;
        assert!(matches!(result, Err(Refused::Other)), "the quote does not hold: {result:?}");
    }
    fixture.is_untouched(&order).await;
    assert_eq!(refused(locks.confirm(CONFIRM, &order.id, 2, &facts, NOON).await), order);
    let result = locks.confirm(CONFIRM, &fixture.ids.new_id("ord"), 1, &facts, NOON).await;
    assert!(matches!(result, Err(Refused::NotFound)), "{result:?}");

    done(locks.confirm(CONFIRM, &order.id, 1, &facts, NOON).await);
    let stored = fixture.stored(&order.id).await;
    let entry = some(stored.steps.entry(CONFIRM), CONFIRM);
    assert_eq!((entry.state, entry.run, entry.attempts, entry.sent_at), (StepState::Done, 1, 1, Some(NOON)));
    assert_eq!(stored.status, OrderStatus::Processing);
    assert_eq!(refused(locks.confirm(CONFIRM, &order.id, 1, &facts, NOON).await), stored, "done is not done again");

    let turned = fixture.order().await;
    done(statuses.claim_undo(&claim_of(&turned, AUTHORIZE, ENDED), None).await);
    let facts = OrderSubmitted::of(&turned).facts;
    assert_eq!(refused(locks.confirm(CONFIRM, &turned.id, 1, &facts, NOON).await).direction, Direction::Undo);
}
