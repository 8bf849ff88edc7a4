//! Refunds after PLACED: exact to the cent, once, whatever gets lost on the way; and the books of the order say the same as
//! the processor's.

use crate::world::{LEASE, SHOP, World};
use carryout_checkout::{
    cart::{Cart, CartLine},
    codes,
    ledger::{self, LedgerKind, LedgerPhase},
    order::{Order, OrderStatus, Startable as _},
    ports::{IdempotencyKey, Orders, ParkedOrder, RefundRequests as _},
    redrive::{RedriveRefundError, redrive_refund},
    refund::{OrderRefund, RefundStatus},
    request_refund::{RefundAnswer, RefundBody, RefundRequester, RequestRefund, RequestRefundError},
    steps::{complete_refund::CompleteRefund, refund_payment::RefundPayment},
    sweep::{Swept, sweep},
    workflows::refund_orchestrator,
};
use carryout_environment::{Clock as _, Failure, STEP_IN_PROGRESS, STORAGE_UNAVAILABLE, StorageError};
use carryout_pricing::{RefundLine, Refunded, left_to_refund};
use carryout_testing::{Fault, StoreFault, samples};
use carryout_workflow::{RetryClass, StepAction, StepInput, StepReply, StepState, run};
use proptest::prelude::*;
use serde::Deserialize as _;
use serde_json::json;
use std::sync::Mutex;

type Ran = Result<StepReply, Failure>;

fn lines(lines: &[(usize, u32)], with_fees: bool) -> RefundBody {
    let lines = lines.iter().map(|(line, quantity)| RefundLine { line: *line, quantity: *quantity }).collect();
    RefundBody { lines: Some(lines), with_fees: Some(with_fees), ..body() }
}

fn everything() -> RefundBody {
    RefundBody { everything: Some(true), ..body() }
}

fn amount(minor: i64) -> RefundBody {
    RefundBody { amount: Some(minor), ..body() }
}

/// Names nothing yet.
fn body() -> RefundBody {
    RefundBody { lines: None, with_fees: None, everything: None, amount: None, reason: "cold".to_owned() }
}

impl World {
    /// A placed delivery of three ramen and two gyoza.
    async fn placed(&self) -> Order {
        let line = |item: &str, quantity| CartLine { item_id: format!("itm_{SHOP}_{item}"), quantity };
        let cart = Cart { lines: vec![line("ramen", 3), line("gyoza", 2)], ..samples::cart(SHOP, 1) };
        let order = self.order_of(cart, "pay_visa").await;
        let placed = self.run(&order.id).await;
        assert_eq!(placed.status, OrderStatus::Placed);
        placed
    }

    async fn request_from(
        &self,
        orders: impl Orders,
        id: &str,
        body: &RefundBody,
        key: &str,
    ) -> Result<RefundAnswer, RequestRefundError> {
        let take = RequestRefund {
            orders,
            refunds: self.store.refunds(),
            executions: self.executions.clone(),
            markets: samples::markets().into_source(),
            orchestrator: refund_orchestrator(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        };
        let validation = json!({ "order_id": id, "body": body }).to_string();
        let key = IdempotencyKey { record_id: format!("refund-order#{key}"), validation };
        take.request(id, body, &key, RefundRequester { operator: "op_1", correlation_id: "corr-r" }).await
    }

    async fn request(&self, id: &str, body: &RefundBody, key: &str) -> Result<RefundAnswer, RequestRefundError> {
        self.request_from(self.store.clone(), id, body, key).await
    }

    fn refund(&self, id: &str) -> OrderRefund {
        self.store.all_refunds().into_iter().find(|refund| refund.id == id).unwrap()
    }

    async fn refund_step(&self, id: &str, step: &str, action: StepAction, failure: Option<&Failure>) -> Ran {
        let refund = self.refund(id);
        self.refund_step_in(&refund, step, action, failure).await
    }

    /// One attempt of a step, in the run that `refund` is in.
    async fn refund_step_in(&self, refund: &OrderRefund, step: &str, action: StepAction, failure: Option<&Failure>) -> Ran {
        let mut input = refund.execution_input(refund.run);
        input["action"] = json!(action);
        input["failure"] = failure.map(|failure| json!({ "Error": failure.code, "Cause": failure.message })).unwrap_or_default();
        let input = StepInput::deserialize(input).unwrap();
        let now = self.clock.now();
        if step == "refund-payment" {
            let step = RefundPayment { payments: self.payments.clone() };
            return run::process(&step, &self.store.refunds(), &input, now, now + LEASE).await.map_err(|error| error.failure());
        }
        let step = CompleteRefund { closing: self.store.refunds(), pager: self.pager.clone() };
        step.process(&input, now).await.map_err(|error| error.failure())
    }

    async fn persist_refund(
        &self,
        id: &str,
        step: &str,
        action: StepAction,
        class: RetryClass,
        failure: Option<&Failure>,
    ) -> Ran {
        let (interval, rate, attempts, cap) = class.policy();
        let mut pause = f64::from(interval);
        for attempt in 0..=attempts {
            match self.refund_step(id, step, action, failure).await {
                Err(failure) if attempt < attempts && may_retry(&failure) => {
                    self.clock.advance((pause.min(f64::from(cap)) * 1_000.0) as i64);
                    pause *= rate;
                }
                ran => return ran,
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Runs the refund's workflow to its end, as its state machine would.
    async fn give_back(&self, id: &str) -> OrderRefund {
        let forward = match self.persist_refund(id, "refund-payment", StepAction::Process, RetryClass::Undo, None).await {
            Ok(_) => self.persist_refund(id, "complete-refund", StepAction::Process, RetryClass::Local, None).await,
            failed => failed,
        };
        if let Err(failure) = forward {
            let closed = self.persist_refund(id, "complete-refund", StepAction::Fail, RetryClass::Undo, Some(&failure)).await;
            if let Err(failure) = closed {
                self.persist_refund(id, "complete-refund", StepAction::Park, RetryClass::Park, Some(&failure)).await.unwrap();
            }
        }
        self.refund(id)
    }

    /// Takes a refund and runs it to its end.
    async fn refunded(&self, order: &str, body: &RefundBody, key: &str) -> OrderRefund {
        let answer = self.request(order, body, key).await.unwrap();
        let refund = self.give_back(&answer.refund_id).await;
        assert_eq!((refund.status, refund.amount), (RefundStatus::Refunded, answer.amount), "{:?}", refund.failure);
        refund
    }

    async fn redrive_refund(&self, id: &str) -> Result<OrderRefund, RedriveRefundError> {
        redrive_refund(&self.store.refunds(), &self.executions, &refund_orchestrator(), &self.clock, id).await
    }

    async fn sweep_refunds(&self) -> Swept {
        sweep(&self.store.refunds(), &self.executions, &refund_orchestrator(), &self.clock).await.unwrap()
    }

    /// What the order, its ledger and the processor say was given back; they must agree.
    async fn given_back(&self, id: &str) -> i64 {
        let (order, books) = (self.stored(id).await, self.payments.books(id));
        let balance = ledger::fold(&order.ledger).unwrap();
        assert_eq!((balance.refunded.amount, balance.refunded.pending), (books.refunded, 0), "{:#?}", order.ledger);
        assert_eq!(balance.charged.amount, books.taken - books.refunded);
        let left = left_to_refund(&order.quote.terms.price, &order.refunded).unwrap().minor;
        assert_eq!(books.refunded, order.total().minor - left, "the parts add up to what was given back");
        assert_eq!(order.open_refund, None);
        assert!(books.refunded <= books.taken);
        books.refunded
    }
}

fn may_retry(failure: &Failure) -> bool {
    let known = codes::STEP_CODES.iter().chain(run::CODES).find(|code| code.name == failure.code);
    known.unwrap_or_else(|| panic!("{failure}")).class.may_retry()
}

#[tokio::test]
async fn part_after_part_adds_up_to_what_was_taken_and_not_a_cent_more() {
    for world in [World::new(), World::ignoring_keys()] {
        let order = world.placed().await;
        let total = order.total().minor;
        let mut sum = 0;
        for (key, body) in [lines(&[(0, 1)], true), amount(77), lines(&[(1, 1), (0, 1)], false), everything()].iter().enumerate()
        {
            let refund = world.refunded(&order.id, body, &key.to_string()).await;
            assert_eq!(refund.amount.minor, refund.parts.iter().map(|part| part.amount).sum::<i64>());
            sum += refund.amount.minor;
            assert_eq!(world.given_back(&order.id).await, sum);
        }
        assert_eq!((sum, world.payments.books(&order.id).refunds), (total, 4));
        let error = world.request(&order.id, &everything(), "more").await.unwrap_err();
        assert!(matches!(error, RequestRefundError::Nothing), "{error}");
        let error = world.request(&order.id, &lines(&[(0, 1)], false), "more").await.unwrap_err();
        assert!(matches!(error, RequestRefundError::TooMany { line: 0, left: 0 }), "{error}");
        let error = world.request(&order.id, &amount(1), "more").await.unwrap_err();
        assert!(matches!(error, RequestRefundError::TooMuch(left) if left.minor == 0), "{error}");
        assert_eq!(world.stored(&order.id).await.status, OrderStatus::Placed);
    }
}

#[tokio::test]
async fn a_refund_is_taken_in_one_write_and_started() {
    let world = World::new();
    let order = world.placed().await;
    let answer = world.request(&order.id, &lines(&[(1, 2)], false), "k").await.unwrap();
    assert_eq!((answer.order_id.as_str(), answer.status), (order.id.as_str(), RefundStatus::Submitted));
    let (refund, stored) = (world.refund(&answer.refund_id), world.stored(&order.id).await);
    assert_eq!((refund.reason.as_str(), refund.requested_by.as_str(), &refund.before), ("cold", "op_1", &Refunded::default()));
    assert_eq!(stored.open_refund, Some(refund.id.clone()));
    assert_eq!(stored.version, order.version + 1);
    let balance = ledger::fold(&stored.ledger).unwrap();
    assert_eq!((balance.refunded.amount, balance.refunded.pending), (answer.amount.minor, answer.amount.minor));
    let started = world.executions.started();
    let started = started.last().unwrap();
    assert_eq!((started.workflow.as_str(), &started.name), ("refund-standard", &refund.execution_name()));
    assert_eq!(started.input["facts"], json!({ "order_id": order.id, "amount": answer.amount }));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_by_its_field_and_changes_nothing() {
    let world = World::new();
    let order = world.placed().await;
    let both = RefundBody { amount: Some(1), ..everything() };
    let long = RefundBody { reason: "x".repeat(501), ..everything() };
    for (body, field) in [
        (body(), "lines"),
        (both, "amount"),
        (lines(&[], false), "lines"),
        (lines(&[(0, 0)], false), "lines"),
        (RefundBody { amount: Some(1), ..lines(&[(0, 1)], false) }, "lines"),
        (RefundBody { with_fees: Some(true), ..everything() }, "with_fees"),
        (RefundBody { everything: Some(false), ..body() }, "everything"),
        (amount(0), "amount"),
        (amount(-1), "amount"),
        (RefundBody { reason: " ".to_owned(), ..everything() }, "reason"),
        (long, "reason"),
        (lines(&[(7, 1)], false), "lines"),
        (lines(&[(0, 4)], false), "lines"),
        (lines(&[(0, 2), (0, 2)], false), "lines"),
        (amount(order.total().minor + 1), "amount"),
    ] {
        let error = world.request(&order.id, &body, "k").await.unwrap_err();
        assert_eq!(error.field(), Some(field), "{error}: {body:?}");
    }
    assert!(matches!(world.request("ord_none", &everything(), "k").await, Err(RequestRefundError::Unknown(_))));
    assert_eq!(world.stored(&order.id).await, order);
    assert!(world.store.all_refunds().is_empty());
}

#[tokio::test]
async fn only_a_placed_order_is_refunded() {
    let world = World::new();
    let submitted = world.order().await;
    let failed = world.order_of(samples::cart(SHOP, 1), "pay_poor").await;
    let failed = world.run(&failed.id).await;
    for (id, status) in [(&submitted.id, OrderStatus::Submitted), (&failed.id, OrderStatus::Failed)] {
        let error = world.request(id, &everything(), "k").await.unwrap_err();
        assert!(matches!(error, RequestRefundError::NotPlaced(is) if is == status), "{error}");
    }
    assert!(world.store.all_refunds().is_empty());
}

#[tokio::test]
async fn what_the_bank_took_back_is_not_given_back_again() {
    let world = World::new();
    let order = world.placed().await;
    // A chargeback that the order was told of.
    let charge = order.ledger.iter().find(|event| event.kind == LedgerKind::Charge).unwrap().clone();
    let told =
        ledger::LedgerEvent { kind: LedgerKind::Chargeback, phase: LedgerPhase::Success, reference: "dp_1".to_owned(), ..charge };
    let disputed = Order { ledger: order.ledger.iter().cloned().chain([told]).collect(), ..order.clone() };
    let seen = Seen(Mutex::new(vec![disputed]), &world);
    let error = world.request_from(seen, &order.id, &amount(1), "k").await.unwrap_err();
    assert!(matches!(error, RequestRefundError::TooMuch(left) if left.minor == 0), "{error}");
}

/// Orders as they were when they were read, and after that as they are.
struct Seen<'a>(Mutex<Vec<Order>>, &'a World);

impl Orders for Seen<'_> {
    async fn order(&self, id: &str) -> Result<Option<Order>, StorageError> {
        let seen = self.0.lock().unwrap().pop();
        match seen {
            Some(order) => Ok(Some(order)),
            None => self.1.store.order(id).await,
        }
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_also_after_everything_is_over() {
    let world = World::new();
    let order = world.placed().await;
    let first = world.request(&order.id, &everything(), "k").await.unwrap();
    assert_eq!(world.request(&order.id, &everything(), "k").await.unwrap(), first);
    world.give_back(&first.refund_id).await;
    assert_eq!(world.request(&order.id, &everything(), "k").await.unwrap(), first);
    assert!(matches!(world.request(&order.id, &amount(5), "k").await, Err(RequestRefundError::KeyReused)));
    assert_eq!(world.store.all_refunds().len(), 1);
    assert_eq!(world.given_back(&order.id).await, order.total().minor);
}

#[tokio::test]
async fn the_key_decides_between_twins_that_read_the_order_at_the_same_moment() {
    let world = World::new();
    let order = world.placed().await;
    let first = world.request(&order.id, &amount(100), "k").await.unwrap();
    let twin = world.request_from(Seen(Mutex::new(vec![order.clone()]), &world), &order.id, &amount(100), "k").await.unwrap();
    assert_eq!(twin, first);
    let other = world.request_from(Seen(Mutex::new(vec![order.clone()]), &world), &order.id, &amount(100), "other").await;
    assert!(matches!(other, Err(RequestRefundError::InProgress(id)) if id == first.refund_id));
    assert_eq!(world.store.all_refunds().len(), 1);
    world.give_back(&first.refund_id).await;
    // What was worked out from an order that has changed since is worked out again.
    let second =
        world.request_from(Seen(Mutex::new(vec![order.clone()]), &world), &order.id, &everything(), "third").await.unwrap();
    assert_eq!(second.amount.minor, order.total().minor - 100);
}

#[tokio::test]
async fn a_request_whose_answer_is_lost_is_found_by_its_key() {
    for fault in [StoreFault::Before, StoreFault::After] {
        let world = World::new();
        let order = world.placed().await;
        world.store.script("request_refund", fault);
        assert!(matches!(world.request(&order.id, &amount(100), "k").await, Err(RequestRefundError::Storage(_))));
        let answer = world.request(&order.id, &amount(100), "k").await.unwrap();
        assert_eq!(world.store.all_refunds().len(), 1, "{fault:?}");
        world.give_back(&answer.refund_id).await;
        assert_eq!(world.given_back(&order.id).await, 100, "{fault:?}");
    }
}

#[tokio::test]
async fn an_order_that_everybody_writes_is_busy() {
    let world = World::new();
    let order = world.placed().await;
    world.store.choose(|call| (call == "request_refund").then_some(StoreFault::Conflict));
    assert!(matches!(world.request(&order.id, &amount(1), "k").await, Err(RequestRefundError::Busy)));
}

#[tokio::test]
async fn whatever_the_processor_does_not_answer_is_given_back_once() {
    for keys in [true, false] {
        for fault in [
            Fault::Unavailable,
            Fault::EffectThenUnclear,
            Fault::UnclearWithoutEffect,
            Fault::LateEffect(700),
            Fault::LateEffect(5_000),
            Fault::LateEffect(9_900),
        ] {
            for (call, times) in [("refund", 1), ("refund", 2), ("refunds", 1), ("refunds", 3)] {
                let world = if keys { World::new() } else { World::ignoring_keys() };
                let order = world.placed().await;
                world.payments.faults().script_times(call, fault.clone(), times);
                if call == "refunds" {
                    world.payments.faults().script("refund", Fault::EffectThenUnclear);
                }
                world.refunded(&order.id, &amount(100), "k").await;
                world.clock.advance(60_000);
                assert_eq!(world.given_back(&order.id).await, 100, "{fault:?} of {call}, {times} times, keys: {keys}");
                assert_eq!(world.payments.books(&order.id).refunds, 1, "{fault:?} of {call}, {times} times, keys: {keys}");
            }
        }
    }
}

#[tokio::test]
async fn a_refund_that_failed_at_the_bank_is_asked_for_under_another_key() {
    for world in [World::new(), World::ignoring_keys()] {
        let order = world.placed().await;
        world.payments.fail_next_refunds(2);
        world.refunded(&order.id, &everything(), "k").await;
        assert_eq!(world.given_back(&order.id).await, order.total().minor);
        assert_eq!(world.payments.books(&order.id).refunds, 1);
    }
}

#[tokio::test]
async fn somebody_elses_refund_of_the_same_amount_is_not_taken_for_the_own() {
    let world = World::ignoring_keys();
    let order = world.placed().await;
    world.refunded(&order.id, &amount(100), "first").await;
    world.payments.faults().script("refund", Fault::UnclearWithoutEffect);
    world.refunded(&order.id, &amount(100), "second").await;
    assert_eq!(world.given_back(&order.id).await, 200);
}

#[tokio::test]
async fn a_definite_refusal_puts_everything_back() {
    let world = World::new();
    let order = world.placed().await;
    world.refunded(&order.id, &lines(&[(0, 1)], false), "first").await;
    let before = world.stored(&order.id).await;
    world.payments.faults().script("refund", Fault::Refuse("expired_or_canceled_card".to_owned()));
    let answer = world.request(&order.id, &everything(), "second").await.unwrap();
    let refund = world.give_back(&answer.refund_id).await;
    assert_eq!((refund.status, refund.failure.unwrap().code.as_str()), (RefundStatus::Failed, codes::REFUND_REFUSED.name));
    let after = world.stored(&order.id).await;
    assert_eq!(after.refunded, before.refunded);
    assert_eq!(
        world.given_back(&order.id).await,
        order.total().minor - left_to_refund(&order.quote.terms.price, &before.refunded).unwrap().minor
    );
    world.refunded(&order.id, &everything(), "third").await;
    assert_eq!(world.given_back(&order.id).await, order.total().minor);
    assert!(world.pager.pages().is_empty());
}

#[tokio::test]
async fn a_refusal_while_an_earlier_request_may_still_arrive_fails_nothing() {
    for world in [World::new(), World::ignoring_keys()] {
        let order = world.placed().await;
        world.payments.faults().script("refund", Fault::LateEffect(4_000));
        world.payments.faults().script_times("refund", Fault::Refuse("charge_already_refunded".to_owned()), 3);
        world.refunded(&order.id, &everything(), "k").await;
        assert_eq!(world.payments.books(&order.id).refunds, 1);
        assert_eq!(world.given_back(&order.id).await, order.total().minor);
    }
}

#[tokio::test]
async fn what_nobody_can_tell_is_parked_and_ends_well_once_it_is_redriven() {
    for took_effect in [true, false] {
        let world = World::ignoring_keys();
        let order = world.placed().await;
        let fault = if took_effect { Fault::EffectThenUnclear } else { Fault::UnclearWithoutEffect };
        world.payments.faults().script("refund", fault);
        world.payments.faults().script_times("refunds", Fault::Unavailable, 100);
        let answer = world.request(&order.id, &amount(250), "k").await.unwrap();
        let parked = world.give_back(&answer.refund_id).await;
        assert_eq!(parked.status, RefundStatus::Parked);
        let page = ParkedOrder {
            order_id: order.id.clone(),
            refund_id: Some(parked.id.clone()),
            remaining: vec!["refund-payment".to_owned()],
            failure: parked.steps.entry("refund-payment").unwrap().failure.clone(),
            correlation_id: "corr-r".to_owned(),
        };
        assert_eq!(world.pager.pages(), [page]);
        assert_eq!(world.stored(&order.id).await.open_refund, Some(parked.id.clone()), "nothing else begins meanwhile");
        assert!(matches!(world.request(&order.id, &amount(1), "x").await, Err(RequestRefundError::InProgress(_))));

        world.payments.faults().clear();
        let opened = world.redrive_refund(&parked.id).await.unwrap();
        assert_eq!((opened.status, opened.run), (RefundStatus::Processing, 2));
        assert_eq!(world.executions.started().last().unwrap().name, format!("{}-2", parked.id));
        assert!(matches!(world.redrive_refund(&parked.id).await, Err(RedriveRefundError::NotParked(RefundStatus::Processing))));
        assert_eq!(world.give_back(&parked.id).await.status, RefundStatus::Refunded);
        assert_eq!(world.given_back(&order.id).await, 250, "took effect: {took_effect}");
        assert_eq!(world.payments.books(&order.id).refunds, 1, "took effect: {took_effect}");
    }
}

#[tokio::test]
async fn a_crash_at_any_write_is_driven_on_to_the_same_end() {
    const WRITES: [&str; 5] = ["claim", "remember", "complete", "release", "succeed_refund"];
    for keys in [true, false] {
        for write in WRITES {
            for fault in [StoreFault::Before, StoreFault::After, StoreFault::Conflict] {
                for lost_answer in [false, true] {
                    let world = if keys { World::new() } else { World::ignoring_keys() };
                    let order = world.placed().await;
                    world.store.script(write, fault);
                    if lost_answer {
                        world.payments.faults().script("refund", Fault::EffectThenUnclear);
                    }
                    let case = format!("{write} {fault:?}, keys: {keys}, lost answer: {lost_answer}");
                    let answer = world.request(&order.id, &amount(100), "k").await.unwrap();
                    // The execution dies with its first failure, over and over; the sweeper drives it on.
                    for _ in 0..6 {
                        let refund = world.refund(&answer.refund_id);
                        if refund.status.is_closed() {
                            break;
                        }
                        let step = world.refund_step(&refund.id, "refund-payment", StepAction::Process, None).await;
                        if step.is_ok() {
                            let _ = world.refund_step(&refund.id, "complete-refund", StepAction::Process, None).await;
                        }
                        world.executions.end(&refund.execution_name());
                        world.clock.advance(60_000);
                        world.sweep_refunds().await;
                    }
                    assert_eq!(world.refund(&answer.refund_id).status, RefundStatus::Refunded, "{case}");
                    assert_eq!(world.given_back(&order.id).await, 100, "{case}");
                    assert_eq!(world.payments.books(&order.id).refunds, 1, "{case}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_crash_while_a_refusal_is_recorded_fails_it_once() {
    for write in ["release", "fail_refund"] {
        for fault in [StoreFault::Before, StoreFault::After, StoreFault::Conflict] {
            let world = World::new();
            let order = world.placed().await;
            world.payments.faults().choose(|call| (call == "refund").then(|| Fault::Refuse("no".to_owned())));
            world.store.script(write, fault);
            let answer = world.request(&order.id, &amount(100), "k").await.unwrap();
            let mut refund = world.give_back(&answer.refund_id).await;
            if refund.status == RefundStatus::Parked {
                // Only the answer knew of the refusal; nobody else can tell it from an unknown outcome.
                assert_eq!(write, "release");
                world.redrive_refund(&refund.id).await.unwrap();
                world.clock.advance(60_000);
                refund = world.give_back(&refund.id).await;
            }
            assert_eq!(refund.status, RefundStatus::Failed, "{write} {fault:?}");
            assert_eq!(world.given_back(&order.id).await, 0, "{write} {fault:?}");
            assert_eq!(world.stored(&order.id).await.refunded, order.refunded);
        }
    }
}

#[tokio::test]
async fn a_refund_that_was_never_begun_fails_clean() {
    let world = World::new();
    let order = world.placed().await;
    let answer = world.request(&order.id, &amount(100), "k").await.unwrap();
    let cause = Failure { code: "States.Timeout".to_owned(), message: String::new(), advice: String::new() };
    world.refund_step(&answer.refund_id, "complete-refund", StepAction::Fail, Some(&cause)).await.unwrap();
    assert_eq!(world.refund(&answer.refund_id).failure.unwrap().code, "States.Timeout");
    assert_eq!(world.given_back(&order.id).await, 0);
    // The step comes too late.
    let late = world.refund_step(&answer.refund_id, "refund-payment", StepAction::Process, None).await.unwrap_err();
    assert_eq!(late.code, run::RUN_SUPERSEDED.name);
    assert_eq!(world.payments.books(&order.id).refunds, 0);
}

#[tokio::test]
async fn what_was_given_back_is_never_closed_as_failed() {
    let world = World::new();
    let order = world.placed().await;
    let answer = world.request(&order.id, &amount(100), "k").await.unwrap();
    world.refund_step(&answer.refund_id, "refund-payment", StepAction::Process, None).await.unwrap();
    let lost = Failure { code: STORAGE_UNAVAILABLE.name.to_owned(), message: String::new(), advice: String::new() };
    for _ in 0..2 {
        let reply = world.refund_step(&answer.refund_id, "complete-refund", StepAction::Fail, Some(&lost)).await.unwrap();
        assert_eq!(reply.state, StepState::Done);
    }
    assert_eq!(world.refund(&answer.refund_id).status, RefundStatus::Refunded);
    assert_eq!(world.given_back(&order.id).await, 100);
}

#[tokio::test]
async fn an_older_run_does_nothing_any_more() {
    let world = World::new();
    let order = world.placed().await;
    let answer = world.request(&order.id, &amount(100), "k").await.unwrap();
    let first_run = world.refund(&answer.refund_id);
    world.executions.end(&first_run.execution_name());
    world.clock.advance(60_000);
    let swept = world.sweep_refunds().await;
    assert_eq!(swept, Swept { resumed: 1, ..Swept::default() });
    for (step, action) in [
        ("refund-payment", StepAction::Process),
        ("complete-refund", StepAction::Process),
        ("complete-refund", StepAction::Fail),
        ("complete-refund", StepAction::Park),
    ] {
        let failure = world.refund_step_in(&first_run, step, action, None).await.unwrap_err();
        assert_eq!(failure.code, run::RUN_SUPERSEDED.name, "{step} {action:?}");
    }
    assert_eq!(world.give_back(&answer.refund_id).await.status, RefundStatus::Refunded);
    assert_eq!(world.payments.books(&order.id).refunds, 1);
}

#[tokio::test]
async fn two_attempts_at_once_ask_once() {
    let world = World::ignoring_keys();
    let order = world.placed().await;
    let answer = world.request(&order.id, &amount(100), "k").await.unwrap();
    // The first one has asked, and dies before it records the answer.
    world.store.script("complete", StoreFault::Before);
    world.refund_step(&answer.refund_id, "refund-payment", StepAction::Process, None).await.unwrap_err();
    let second = world.refund_step(&answer.refund_id, "refund-payment", StepAction::Process, None).await.unwrap_err();
    assert_eq!(second.code, STEP_IN_PROGRESS.name);
    assert_eq!(world.give_back(&answer.refund_id).await.status, RefundStatus::Refunded);
    assert_eq!(world.payments.faults().calls("refund"), 1);
    assert_eq!(world.given_back(&order.id).await, 100);
}

#[tokio::test]
async fn a_refund_that_was_not_started_is_found_by_the_sweeper() {
    let world = World::new();
    let order = world.placed().await;
    world.executions.fail_next(1);
    let answer = world.request(&order.id, &amount(100), "k").await.unwrap();
    assert!(!world.executions.started().iter().any(|started| started.workflow == "refund-standard"));
    world.clock.advance(60_000);
    let swept = world.sweep_refunds().await;
    assert_eq!(swept, Swept { started: 1, ..Swept::default() });
    assert_eq!(world.executions.started().last().unwrap().name, format!("{}-1", answer.refund_id));
    assert_eq!(world.give_back(&answer.refund_id).await.status, RefundStatus::Refunded);
    world.clock.advance(600_000);
    let swept = world.sweep_refunds().await;
    assert_eq!(swept, Swept::default(), "a closed refund is left alone");
}

#[tokio::test]
async fn a_forgotten_key_is_a_new_request() {
    let world = World::new();
    let order = world.placed().await;
    world.refunded(&order.id, &amount(100), "k").await;
    world.clock.advance(2 * samples::DAY);
    assert_eq!(world.store.refunds().completed("refund-order#k").await.unwrap(), None);
    world.refunded(&order.id, &amount(100), "k").await;
    assert_eq!(world.given_back(&order.id).await, 200);
}

/// Any body that is well formed.
fn any_body() -> impl Strategy<Value = RefundBody> {
    let line = (0_usize..3, 1_u32..4);
    prop_oneof![
        (prop::collection::vec(line, 1..3), any::<bool>()).prop_map(|(named, with_fees)| lines(&named, with_fees)),
        (1_i64..4_000).prop_map(amount),
        Just(everything()),
    ]
}

/// What goes wrong with a call of the processor.
fn any_fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        4 => Just(None),
        1 => Just(Some(Fault::Unavailable)),
        1 => Just(Some(Fault::EffectThenUnclear)),
        1 => Just(Some(Fault::UnclearWithoutEffect)),
        1 => (1_i64..10_000).prop_map(|after| Some(Fault::LateEffect(after))),
        1 => Just(Some(Fault::Refuse("no".to_owned()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_refunds_adds_up_whatever_goes_wrong(
        bodies in prop::collection::vec(any_body(), 1..6),
        faults in prop::collection::vec(any_fault(), 0..24),
        keys in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = if keys { World::new() } else { World::ignoring_keys() };
            let order = world.placed().await;
            let mut faults = faults.into_iter();
            world.payments.faults().choose(move |call| faults.next().flatten().filter(|_| matches!(call, "refund" | "refunds")));
            let mut sum = 0;
            for (key, body) in bodies.iter().chain([&everything()]).enumerate() {
                let Ok(answer) = world.request(&order.id, body, &key.to_string()).await else { continue };
                let mut refund = world.give_back(&answer.refund_id).await;
                while refund.status == RefundStatus::Parked {
                    world.clock.advance(60_000);
                    world.redrive_refund(&refund.id)
                        .await
                        .unwrap();
                    refund = world.give_back(&refund.id).await;
                }
                world.clock.advance(60_000);
                sum += if refund.status == RefundStatus::Refunded { answer.amount.minor } else { 0 };
                assert_eq!(world.given_back(&order.id).await, sum);
            }
            world.payments.faults().clear();
            if sum < order.total().minor {
                sum += world.refunded(&order.id, &everything(), "rest").await.amount.minor;
            }
            assert_eq!((world.given_back(&order.id).await, sum), (order.total().minor, order.total().minor));
        });
    }
}
