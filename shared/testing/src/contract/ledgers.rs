use super::{AUTHORIZE, Fixture, HELD, claim_of, done, event, progress};
use carryout_checkout::{
    ledger::{LedgerEvent, LedgerPhase},
    order::Order,
    ports::{Appended, Ledgers, OrderNote, OrderSteps, Orders, Quotes, Submissions},
};
use carryout_environment::Ids;
use carryout_workflow::StepState;

/// [`Ledgers`]: what is told twice stands once, whoever told it first; nothing else changes.
pub async fn ledgers<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    ledgers: &impl Ledgers,
    statuses: &impl OrderSteps,
) {
    let order = fixture.order().await;
    let told = event(LedgerPhase::Success, "pi_1", order.total());
    assert_eq!(done(ledgers.append(&order.id, &told).await), Appended::New);
    for at in [told.at, told.at + 1] {
        assert_eq!(done(ledgers.append(&order.id, &LedgerEvent { at, ..told.clone() }).await), Appended::Known);
    }
    let other = event(LedgerPhase::Success, "pi_2", order.total());
    assert_eq!(done(ledgers.append(&order.id, &other).await), Appended::New);
    let stored = fixture.stored(&order.id).await;
    assert_eq!(stored.ledger, [told, other]);
    let same = Order { ledger: Vec::new(), updated_at: order.updated_at, version: order.version + 2, ..stored.clone() };
    assert_eq!(
        same,
        Order { version: order.version + 2, ..order.clone() },
        "nothing but the ledger changes, and each write counts"
    );

    // What a step has written is known, too; while it holds its claim, others may tell something all the same.
    let claim = claim_of(&order, AUTHORIZE, HELD);
    let by_step = event(LedgerPhase::Request, "pi_1", order.total());
    let note = OrderNote { ledger: vec![by_step.clone()], flags: vec!["flag".to_owned()] };
    done(statuses.claim(&claim, &note).await);
    assert_eq!(done(ledgers.append(&order.id, &by_step).await), Appended::Known);
    let meanwhile = event(LedgerPhase::Failure, "pi_1", order.total());
    assert_eq!(done(ledgers.append(&order.id, &meanwhile).await), Appended::New);
    done(statuses.complete(&claim, StepState::Done, &progress("pi_1", OrderNote::default())).await);
    for nobody in [fixture.ids.new_id("ord"), String::new()] {
        assert_eq!(done(ledgers.append(&nobody, &by_step).await), Appended::NoOrder, "{nobody:?}");
    }
}
