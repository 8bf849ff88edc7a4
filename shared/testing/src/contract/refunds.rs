use super::{COMPLETE, ENDED, FOREVER, Fixture, HELD, broken, done, failure, progress, some};
use crate::samples::NOON;
use carryout_checkout::{
    ledger::{LedgerEvent, LedgerPhase},
    order::Order,
    ports::{
        Closing, IdempotencyKey, OrderNote, Orders, ParkedRefunds, Quotes, RefundClosing, RefundRefused, RefundRequests,
        RefundSubmission, Refused, StuckOrders, Submissions,
    },
    refund::{OrderRefund, RefundStatus},
    steps::refund_payment,
};
use carryout_environment::Ids;
use carryout_money::Money;
use carryout_pricing::Refunded;
use carryout_workflow::{Claim, Direction, Release, StatusMap, StepState, UndoStore};
use std::{collections::BTreeSet, fmt::Debug};

/// The stores of refunds: [`RefundRequests`], [`RefundClosing`], [`ParkedRefunds`], and with them the status store and the
/// sweeper's index of refunds. A refund and its order are written together or not at all.
pub async fn refunds<W: Submissions, Q: Quotes, O: Orders, I: Ids>(
    fixture: &Fixture<W, Q, O, I>,
    placing: &impl Closing,
    requests: &impl RefundRequests,
    closing: &impl RefundClosing,
    parked: &impl ParkedRefunds,
    statuses: &impl UndoStore<Subject = OrderRefund, Note = OrderNote>,
    stuck: &impl StuckOrders<Subject = OrderRefund>,
) {
    const PAY: &str = refund_payment::NAME;
    const CLOSE: &str = "complete-refund";
    let submitted = fixture.order().await;
    let early = refund_of(fixture, &submitted);
    let refused = requests.request(&early).await;
    assert!(matches!(refused, Err(RefundRefused::Changed)), "only a placed order is refunded: {refused:?}");
    done(placing.place(COMPLETE, &submitted.id, 1, NOON).await);
    let order = fixture.stored(&submitted.id).await;
    let stale = RefundSubmission { order_version: order.version - 1, ..refund_of(fixture, &order) };
    let refused = requests.request(&stale).await;
    assert!(matches!(refused, Err(RefundRefused::Changed)), "only of the order as it was read: {refused:?}");
    assert_eq!(fixture.stored(&order.id).await, order);
    assert_eq!(done(closing.refund(&stale.refund.id).await), None);

    let taken = refund_of(fixture, &order);
    assert_eq!(done(requests.completed(&taken.key.record_id).await), None);
    done(requests.request(&taken).await);
    let id = &taken.refund.id;
    assert_eq!(done(closing.refund(id).await).as_ref(), Some(&taken.refund), "the whole refund comes");
    let with_refund = fixture.stored(&order.id).await;
    assert_eq!((&with_refund.refunded, with_refund.open_refund.as_ref()), (&taken.refunded, Some(id)));
    assert_eq!((with_refund.ledger.last(), with_refund.version), (Some(&taken.refund.requested()), order.version + 1));
    match requests.request(&taken).await {
        Err(RefundRefused::Repeated(completed)) => {
            assert_eq!((completed.validation.as_str(), &completed.answer), ("v1", &taken.answer));
        }
        other => broken("a repetition must get the first answer", &other),
    }
    let second = requests.request(&refund_of(fixture, &with_refund)).await;
    assert!(matches!(second, Err(RefundRefused::Changed)), "one refund at a time: {second:?}");
    assert_eq!(fixture.stored(&order.id).await, with_refund);

    // Found by its deadline, and driven on by the next run.
    let is_found = async |now| done(stuck.stuck(now, 10_000).await).iter().any(|refund| refund.id == *id);
    assert!(!is_found(taken.stuck_at - 1).await && is_found(taken.stuck_at).await);
    assert!(done(stuck.next_run(id, 1, HELD).await) && !done(stuck.next_run(id, 1, HELD).await));

    // Asked, and not known: neither given back nor failed.
    let claim = Claim { id: id.clone(), step: PAY.to_owned(), run: 2, now: NOON, lease_until: ENDED };
    let asked = OrderNote { ledger: vec![taken.refund.requested()], flags: Vec::new() };
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.remember(&claim, "key", &asked).await);
    let running = some(done(closing.refund(id).await), id);
    assert_eq!((running.status, running.ledger.len()), (RefundStatus::Processing, 1));
    held_refund(closing.succeed(CLOSE, &running, &[], NOON).await);
    held_refund(closing.fail(&running, &[running.failed(NOON)], None, NOON).await);
    held_refund(closing.park(id, 1, NOON).await);
    assert_eq!(fixture.stored(&order.id).await, with_refund, "its order is untouched");
    let closed = done(closing.park(id, 2, NOON).await);
    assert_eq!((closed.status, closed.run), (RefundStatus::Parked, 2));
    assert!(!is_found(HELD).await, "a parked refund is left alone");
    assert_eq!(fixture.stored(&order.id).await.open_refund.as_ref(), Some(id), "nothing else begins meanwhile");
    let opened = done(parked.reopen(id, HELD).await);
    assert_eq!((opened.status, opened.run, opened.direction), (RefundStatus::Processing, 3, Direction::Forward));
    assert!(is_found(HELD).await);
    held_refund(parked.reopen(id, HELD).await);

    // Given back.
    let claim = Claim { run: 3, ..claim };
    done(statuses.claim(&claim, &OrderNote::default()).await);
    let success = LedgerEvent { phase: LedgerPhase::Success, reference: "re_1".to_owned(), ..opened.requested() };
    let note = OrderNote { ledger: vec![success.clone()], flags: Vec::new() };
    done(statuses.complete(&claim, StepState::Done, &progress("re_1", note)).await);
    let given = some(done(closing.refund(id).await), id);
    held_refund(closing.fail(&given, &[given.failed(NOON)], None, NOON).await);
    done(closing.succeed(CLOSE, &given, std::slice::from_ref(&success), NOON).await);
    let again = held_refund(closing.succeed(CLOSE, &given, std::slice::from_ref(&success), NOON).await);
    assert_eq!(again.status, RefundStatus::Refunded);
    assert_eq!(some(again.steps.entry(CLOSE), CLOSE).state, StepState::Done);
    let refunded = fixture.stored(&order.id).await;
    assert_eq!((refunded.open_refund.as_ref(), &refunded.refunded), (None, &taken.refunded));
    assert_eq!(refunded.ledger, [taken.refund.requested(), success]);
    assert!(!is_found(HELD).await, "a closed refund is left alone");

    // A refusal puts back what was given back before it.
    let taken = RefundSubmission { refunded: Refunded { tip: 2, ..Refunded::default() }, ..refund_of(fixture, &refunded) };
    done(requests.request(&taken).await);
    let no = failure("Refund.Refused");
    let claim = Claim { id: taken.refund.id.clone(), run: 1, ..claim };
    done(statuses.claim(&claim, &OrderNote::default()).await);
    done(statuses.release(&claim, &no, Release::Refused).await);
    let refund = some(done(closing.refund(&taken.refund.id).await), "the refund");
    done(closing.fail(&refund, &[refund.failed(NOON)], Some(&no), NOON).await);
    let again = held_refund(closing.fail(&refund, &[refund.failed(NOON)], Some(&no), NOON).await);
    assert_eq!((again.status, again.failure), (RefundStatus::Failed, Some(no)));
    let restored = fixture.stored(&order.id).await;
    assert_eq!((restored.open_refund.as_ref(), &restored.refunded), (None, &refunded.refunded));
    assert_eq!(restored.ledger.last(), Some(&refund.failed(NOON)));

    for nothing in [fixture.ids.new_id("ref"), String::new()] {
        assert_eq!(done(closing.refund(&nothing).await), None, "{nothing:?}");
        assert!(matches!(parked.reopen(&nothing, HELD).await, Err(Refused::NotFound)), "{nothing:?}");
    }
}

#[track_caller]
fn held_refund<T: Debug>(result: Result<T, Refused<OrderRefund>>) -> OrderRefund {
    match result {
        Err(Refused::ConditionFailed(refund)) => *refund,
        other => broken("it must be refused with the refund", &other),
    }
}

/// What taking a refund of one minor unit would write for the order as it stands.
fn refund_of<W, Q, O, I: Ids>(fixture: &Fixture<W, Q, O, I>, order: &Order) -> RefundSubmission {
    let id = fixture.ids.new_id("ref");
    let refund = OrderRefund {
        order_id: order.id.clone(),
        country: order.country,
        market_type: order.market_type,
        workflow: "refund-standard".to_owned(),
        intent: "pi_1".to_owned(),
        amount: Money { minor: 1, ..order.total() },
        parts: Vec::new(),
        before: order.refunded.clone(),
        reason: "cold".to_owned(),
        requested_by: "op_1".to_owned(),
        status: RefundStatus::Submitted,
        direction: Direction::Forward,
        run: 1,
        steps: StatusMap::pending([refund_payment::NAME, "complete-refund"]),
        failure: None,
        flags: BTreeSet::new(),
        ledger: Vec::new(),
        correlation_id: format!("corr-{id}"),
        created_at: NOON,
        updated_at: NOON,
        version: 1,
        id,
    };
    RefundSubmission {
        refunded: Refunded { tip: 1, ..Refunded::default() },
        order_version: order.version,
        key: IdempotencyKey { record_id: format!("contract#{}", refund.id), validation: "v1".to_owned() },
        answer: format!("{{\"refund_id\":\"{}\"}}", refund.id),
        remember_until: FOREVER,
        // Of long ago, so that the suite's refunds come before anybody else's.
        stuck_at: 2_000,
        refund,
    }
}
