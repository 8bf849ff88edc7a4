use super::{AUTHORIZE, COMPLETE, ENDED, Fixture, HELD, broken, claim_of, done, event, failure, held, lost, progress, some};
use crate::samples::NOON;
use carryout_checkout::{
    ledger::LedgerPhase,
    order::{Order, OrderStatus},
    ports::{Closing, OrderNote, OrderSteps, Orders, Quotes, StuckOrders, Submissions},
    steps::await_merchant,
};
use carryout_environment::Ids;
use carryout_workflow::{Claim, ClaimRefused, Direction, Progress, Release, StepState, UndoState};

const CAPTURE: &str = "capture-payment";

/// [`StatusStore`]: claims, leases, fencing, the turn.
pub async fn status_store<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    statuses: &impl OrderSteps,
    stuck: &impl StuckOrders<Subject = Order>,
    closing: &impl Closing,
) {
    claim_forward(fixture, statuses).await;
    fencing(fixture, statuses).await;
    refusal(fixture, statuses).await;
    undo(fixture, statuses).await;
    undo_against_a_lease(fixture, statuses).await;
    runs(fixture, statuses, stuck).await;
    closed(fixture, statuses, closing).await;
    unknown_step(fixture, statuses).await;
}

/// A step that the order's workflow does not have is nobody's to claim, and turns nothing round.
async fn unknown_step<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let submission = fixture.submission(&fixture.workflow("checkout-standard"), NOON).await;
    done(fixture.submissions.submit(&submission).await);
    let claim = claim_of(&submission.order, await_merchant::NAME, ENDED);
    let forward = statuses.claim(&claim, &OrderNote::default()).await;
    assert!(matches!(forward, Err(ClaimRefused::NotFound)), "{forward:?}");
    let back = statuses.claim_undo(&claim, Some(&failure("Payment.Declined"))).await;
    assert!(matches!(back, Err(ClaimRefused::NotFound)), "{back:?}");
    fixture.is_untouched(&submission.order).await;
}

async fn claim_forward<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let order = fixture.order().await;
    let total = order.total();
    let request = event(LedgerPhase::Request, "pi_1", total);
    let note = OrderNote { ledger: vec![request.clone()], flags: vec!["seen".to_owned()] };
    let claim = claim_of(&order, AUTHORIZE, HELD);
    let claimed = done(statuses.claim(&claim, &note).await);
    let entry = some(claimed.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.attempts, entry.run, entry.lease_until), (StepState::Running, 1, 1, HELD));
    assert!(entry.sent_at.is_some(), "the moment of sending is stored with the claim");
    assert_eq!(entry.key_version, 1);
    assert_eq!((claimed.status, claimed.direction), (OrderStatus::Processing, Direction::Forward));
    assert_eq!(claimed.ledger, std::slice::from_ref(&request));
    assert!(claimed.flags.contains("seen"));
    assert!(claimed.version > order.version, "every write counts");
    assert_eq!(fixture.stored(&order.id).await, claimed, "the claim is also the read");
    for step in order.steps.0.keys().filter(|step| *step != AUTHORIZE) {
        assert_eq!(claimed.steps.entry(step), order.steps.entry(step), "a step writes only its own entry");
    }

    // Leased: nobody else may have it, not even the same run.
    let other = Claim { lease_until: HELD + 1, ..claim.clone() };
    assert_eq!(held(statuses.claim(&other, &OrderNote::default()).await), claimed);
    fixture.is_untouched(&claimed).await;

    done(statuses.remember(&claim, "pi_1", &OrderNote::default()).await);
    assert_eq!(fixture.entry(&order.id, AUTHORIZE).await.reference.as_deref(), Some("pi_1"));

    let success = event(LedgerPhase::Success, "pi_1", total);
    let note = OrderNote { ledger: vec![success.clone()], flags: vec!["seen".to_owned(), "held".to_owned()] };
    done(statuses.complete(&claim, StepState::Done, &progress("pi_1", note)).await);
    let stored = fixture.stored(&order.id).await;
    let entry = some(stored.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.lease_until), (StepState::Done, 0));
    assert!(entry.ended_at.is_some() && entry.failure.is_none());
    assert_eq!(entry.response, Some(serde_json::json!({ "ok": true })));
    assert_eq!(stored.ledger, [request, success], "events are appended");
    assert_eq!(stored.flags.len(), 2, "a flag is set once: {:?}", stored.flags);

    // Complete: no claim is given any more, and the refusal carries the answer.
    let again = held(statuses.claim(&other, &OrderNote::default()).await);
    assert_eq!(again, stored);
    fixture.is_untouched(&stored).await;

    // Unknown order, unknown step.
    let nobody = Claim { id: fixture.ids.new_id("ord"), ..claim.clone() };
    let result = statuses.claim(&nobody, &OrderNote::default()).await;
    assert!(matches!(result, Err(ClaimRefused::NotFound)), "{result:?}");
    let nothing = Claim { step: "no-such-step".to_owned(), ..claim };
    match statuses.claim(&nothing, &OrderNote::default()).await {
        Err(ClaimRefused::NotFound) => {}
        Err(ClaimRefused::ConditionFailed(order)) => assert_eq!(order.steps.entry("no-such-step"), None),
        other => broken("a step that the workflow does not have can't be claimed", &other),
    }
}

async fn fencing<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let order = fixture.order().await;
    let dead = claim_of(&order, AUTHORIZE, ENDED);
    done(statuses.claim(&dead, &OrderNote::default()).await);
    // Its lease has ended, so the next one gets it, and whatever the first one still writes is refused.
    let alive = claim_of(&order, AUTHORIZE, HELD);
    let claimed = done(statuses.claim(&alive, &OrderNote::default()).await);
    assert_eq!(some(claimed.steps.entry(AUTHORIZE), AUTHORIZE).attempts, 2);
    lost(statuses.remember(&dead, "pi_dead", &OrderNote::default()).await);
    lost(statuses.complete(&dead, StepState::Done, &progress("pi_dead", OrderNote::default())).await);
    lost(statuses.release(&dead, &failure("Payment.Unclear"), Release::Retry).await);
    lost(statuses.complete_undo(&dead, &OrderNote::default()).await);
    lost(statuses.release_undo(&dead, &failure("Payment.Unclear")).await);
    fixture.is_untouched(&claimed).await;
    done(statuses.release(&alive, &failure("Payment.Unclear"), Release::Retry).await);
    // Given back: not even the one who gave it back may write.
    lost(statuses.remember(&alive, "pi_late", &OrderNote::default()).await);
}

async fn refusal<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let order = fixture.order().await;
    let claim = claim_of(&order, AUTHORIZE, HELD);
    for attempt in [1, 2] {
        done(statuses.claim(&claim, &OrderNote::default()).await);
        done(statuses.release(&claim, &failure("Payment.Unclear"), Release::Retry).await);
        let entry = fixture.entry(&order.id, AUTHORIZE).await;
        assert_eq!((entry.state, entry.attempts, entry.lease_until), (StepState::Running, attempt, 0));
        assert_eq!(entry.key_version, 1, "the key stays until the partner has definitely refused");
        assert_eq!(entry.failure.map(|failure| failure.code).as_deref(), Some("Payment.Unclear"));
        assert_eq!(entry.ended_at, None);
    }
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.release(&claim, &failure("Payment.Declined"), Release::Refused).await);
    let stored = fixture.stored(&order.id).await;
    let entry = some(stored.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.key_version, entry.lease_until), (StepState::Failed, 2, 0));
    assert!(entry.ended_at.is_some());
    assert_eq!(entry.failure, Some(failure("Payment.Declined")));
    assert_eq!(stored.direction, Direction::Forward, "a step does not turn its order; the workflow does");
    held(statuses.claim(&claim, &OrderNote::default()).await);
    fixture.is_untouched(&stored).await;

    // A success after a failed attempt leaves no failure behind.
    let claim = claim_of(&order, CAPTURE, HELD);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.release(&claim, &failure("Payment.Unclear"), Release::Retry).await);
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.complete(&claim, StepState::Skipped, &Progress::default()).await);
    let entry = fixture.entry(&order.id, CAPTURE).await;
    assert_eq!((entry.state, entry.failure, entry.reference), (StepState::Skipped, None, None));
}

async fn undo<W: Submissions, Q: Quotes, O: Orders, I: Ids>(fixture: &Fixture<W, Q, O, I>, statuses: &impl OrderSteps) {
    let order = fixture.order().await;
    let claim = claim_of(&order, AUTHORIZE, HELD);
    // Undo accepts what was never begun.
    let claimed = done(statuses.claim_undo(&claim, Some(&failure("Item.SoldOut"))).await);
    let entry = some(claimed.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.undo, entry.undo_attempts), (StepState::Pending, UndoState::Running, 1));
    assert_eq!((entry.lease_until, entry.attempts, entry.sent_at), (HELD, 0, None));
    assert_eq!((claimed.direction, claimed.status), (Direction::Undo, OrderStatus::Processing));
    assert_eq!(claimed.failure, Some(failure("Item.SoldOut")));
    assert_eq!(fixture.stored(&order.id).await, claimed);

    // Turned: no step goes forward any more.
    held(statuses.claim(&claim_of(&order, CAPTURE, HELD), &OrderNote::default()).await);
    fixture.is_untouched(&claimed).await;
    // Leased: an undo waits, too.
    held(statuses.claim_undo(&Claim { lease_until: HELD + 1, ..claim.clone() }, None).await);
    fixture.is_untouched(&claimed).await;

    done(statuses.release_undo(&claim, &failure("Payment.Unclear")).await);
    let entry = fixture.entry(&order.id, AUTHORIZE).await;
    assert_eq!((entry.undo, entry.lease_until, entry.key_version), (UndoState::Running, 0, 1), "the undo stays asked for");
    assert_eq!(entry.failure, Some(failure("Payment.Unclear")));

    let claimed = done(statuses.claim_undo(&claim, Some(&failure("Other.Reason"))).await);
    assert_eq!(claimed.failure, Some(failure("Item.SoldOut")), "the first reason counts");
    assert_eq!(some(claimed.steps.entry(AUTHORIZE), AUTHORIZE).undo_attempts, 2);
    let event = event(LedgerPhase::Success, "pi_1", order.total());
    let note = OrderNote { ledger: vec![event.clone()], flags: Vec::new() };
    done(statuses.complete_undo(&claim, &note).await);
    let stored = fixture.stored(&order.id).await;
    let entry = some(stored.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.undo, entry.state, entry.lease_until), (UndoState::Done, StepState::Pending, 0));
    assert_eq!(stored.ledger, [event]);

    // Already undone.
    assert_eq!(held(statuses.claim_undo(&claim, None).await), stored);
    fixture.is_untouched(&stored).await;
    let nobody = Claim { id: fixture.ids.new_id("ord"), ..claim };
    let result = statuses.claim_undo(&nobody, None).await;
    assert!(matches!(result, Err(ClaimRefused::NotFound)), "{result:?}");
}

async fn undo_against_a_lease<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    statuses: &impl OrderSteps,
) {
    let order = fixture.order().await;
    let forward = claim_of(&order, AUTHORIZE, HELD);
    done(statuses.claim(&forward, &OrderNote::default()).await);
    let undo = Claim { lease_until: HELD + 1, ..forward.clone() };
    held(statuses.claim_undo(&undo, Some(&failure("Payment.Unclear"))).await);
    let turned = fixture.stored(&order.id).await;
    assert_eq!(turned.direction, Direction::Undo, "the direction turns although the lease refuses the claim");
    assert_eq!(turned.failure, Some(failure("Payment.Unclear")));
    let entry = some(turned.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.undo, entry.undo_attempts, entry.lease_until), (UndoState::None, 0, HELD));
    for step in [AUTHORIZE, CAPTURE] {
        held(statuses.claim(&claim_of(&order, step, HELD + 2), &OrderNote::default()).await);
    }
    fixture.is_untouched(&turned).await;

    // Whoever holds the lease may still record what has happened; then the undo begins.
    done(statuses.complete(&forward, StepState::Done, &progress("pi_1", OrderNote::default())).await);
    let claimed = done(statuses.claim_undo(&undo, None).await);
    let entry = some(claimed.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.state, entry.reference.as_deref()), (StepState::Done, Some("pi_1")));
}

async fn runs<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    statuses: &impl OrderSteps,
    stuck: &impl StuckOrders<Subject = Order>,
) {
    let order = fixture.order().await;
    let first = claim_of(&order, AUTHORIZE, ENDED);
    done(statuses.claim(&first, &OrderNote::default()).await);
    assert!(done(stuck.next_run(&order.id, 1, NOON).await));
    let second = fixture.stored(&order.id).await;
    // Neither the run that was superseded nor one that has not begun may claim anything or turn the order.
    for run in [1, 3] {
        let claim = Claim { run, lease_until: HELD, ..first.clone() };
        assert_eq!(held(statuses.claim(&claim, &OrderNote::default()).await).run, 2);
        assert_eq!(held(statuses.claim_undo(&claim, Some(&failure("A.B"))).await).direction, Direction::Forward);
        fixture.is_untouched(&second).await;
    }
    let claimed = done(statuses.claim(&Claim { run: 2, lease_until: HELD, ..first.clone() }, &OrderNote::default()).await);
    let entry = some(claimed.steps.entry(AUTHORIZE), AUTHORIZE);
    assert_eq!((entry.run, entry.attempts, entry.key_version), (2, 2, 1), "a new run keeps the key");
    lost(statuses.complete(&first, StepState::Done, &Progress::default()).await);
}

async fn closed<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    statuses: &impl OrderSteps,
    closing: &impl Closing,
) {
    let order = fixture.order().await;
    done(closing.place(COMPLETE, &order.id, 1, NOON).await);
    let placed = fixture.stored(&order.id).await;
    let claim = claim_of(&order, AUTHORIZE, HELD);
    held(statuses.claim(&claim, &OrderNote::default()).await);
    held(statuses.claim_undo(&claim, Some(&failure("A.B"))).await);
    fixture.is_untouched(&placed).await;
}
