//! The payment steps against a processor that others wrote: `localstripe`, which ignores idempotency keys.
//!
//! Even there nothing is charged twice. Each test starts a server of its own and speaks to it over a [`proxy`] that loses
//! requests and answers. What localstripe 1.15.10 does otherwise than Stripe, and what these tests therefore leave out:
//!
//! - It captures cancelled intents: a capture that lands after its authorization was cancelled is not tested here.
//! - It refunds more than was taken: a refund request that the network doubles is not tested here. Stripe refuses it by its
//!   key and by the amount that is left; asking again after a lost answer is the adapter's part, and is tested.
//! - It lists oldest first, and can't filter by the time of creation: the proxy takes that filter out.
//! - It takes no payment method to confirm, and tells no decline reasons beyond `card_declined`.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test reports what should not happen by panicking")]

mod proxy;

use carryout_checkout::{
    codes,
    ledger::{BalanceAmount, fold},
    order::{Order, OrderSubmitted, execution_input},
    ports::{Closing as _, IntentStatus, OrderNote, Orders as _, PaymentList as _, Payments as _},
    reconcile::{Discrepancy, Reconcile, Remedy},
    steps::{authorize_payment::AuthorizePayment, capture_payment::CapturePayment},
};
use carryout_environment::{Clock as _, Failure, HasErrorCode};
use carryout_market::ids;
use carryout_partners::{Http, StripePayments};
use carryout_testing::{
    FakeReports, FixedSecret, ManualClock, Store,
    samples::{self, NOON},
};
use carryout_workflow::{Effect, StepInput, StepReply, run};
use local_cloud::{Project, Terminal};
use proxy::{Fault, Proxy};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use test_servers::Localstripe;

const AUTHORIZE: &str = "authorize-payment";
const CAPTURE: &str = "capture-payment";
/// A card that can be saved and never charged.
const NO_MONEY: &str = "pm_card_chargeCustomerFail";
/// How long an attempt may act. Milliseconds.
const LEASE: i64 = 10_000;
/// How often a step is tried, as its state machine would.
const ATTEMPTS: usize = 6;

/// What the processor says of the one order of a test. Minor units.
#[derive(Debug, Default, PartialEq, Eq)]
struct Books {
    held: i64,
    captures: usize,
    taken: i64,
    refunds: usize,
    refunded: i64,
}

/// The server of one test.
fn server() -> Arc<Localstripe> {
    Arc::new(Localstripe::start(&Project::find().unwrap(), &Terminal::silent()).unwrap())
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

struct Stage {
    server: Arc<Localstripe>,
    proxy: Proxy,
    payments: StripePayments<FixedSecret>,
    store: Store,
    clock: ManualClock,
}

impl Stage {
    /// One submitted order, `ord_1`, that is paid with `card`, and a processor that knows nothing of it.
    async fn paying_with(card: &str, server: Arc<Localstripe>) -> Self {
        let forget = http().delete(format!("http://127.0.0.1:{}/_config/data", server.port())).send().await.unwrap();
        assert!(forget.status().is_success());
        let (proxy, url) = Proxy::start(server.port()).await;
        let clock = ManualClock::at(NOON);
        let store = Store::new(&clock);
        let mut order = samples::restaurant_order("ord_1", ids::US).unwrap();
        card.clone_into(&mut order.payment_method.token);
        samples::submit(&store, order).await.unwrap();
        let payments = StripePayments::new(Http::default(), url, FixedSecret::new("sk_test_local"));
        Self { server, proxy, payments, store, clock }
    }

    async fn new() -> Self {
        Self::on(&server()).await
    }

    async fn on(server: &Arc<Localstripe>) -> Self {
        Self::paying_with("pm_card_visa", Arc::clone(server)).await
    }

    async fn order(&self) -> Order {
        self.store.order("ord_1").await.unwrap().unwrap()
    }

    /// One attempt of a step.
    async fn attempt(&self, step: &str, undo: bool) -> Result<StepReply, Failure> {
        let payments = self.payments.clone();
        match step {
            AUTHORIZE => self.run(AuthorizePayment { payments }, undo).await,
            CAPTURE => self.run(CapturePayment { payments }, undo).await,
            other => panic!("there is no step {other}"),
        }
    }

    async fn run<S>(&self, step: S, undo: bool) -> Result<StepReply, Failure>
    where
        S: Effect<Subject = Order, Note = OrderNote>,
        S::Error: HasErrorCode,
    {
        let mut input = execution_input(&OrderSubmitted::of(&self.order().await));
        input["action"] = json!(if undo { "undo" } else { "process" });
        let input = StepInput::deserialize(input).unwrap();
        self.clock.advance(1);
        let (now, lease) = (self.clock.now(), self.clock.now() + LEASE);
        let ran = if undo {
            run::undo(&step, &self.store, &input, now, lease).await
        } else {
            run::process(&step, &self.store, &input, now, lease).await
        };
        ran.map_err(|error| error.failure())
    }

    /// A step until it succeeds.
    async fn until_done(&self, step: &str, undo: bool) {
        let mut failures = Vec::new();
        while failures.len() < ATTEMPTS {
            match self.attempt(step, undo).await {
                Ok(_) => return,
                Err(failure) => failures.push(failure),
            }
        }
        panic!("{step} (undo: {undo}): {failures:?}");
    }

    async fn pay(&self) {
        self.until_done(AUTHORIZE, false).await;
        self.until_done(CAPTURE, false).await;
    }

    async fn take_back(&self) {
        self.until_done(CAPTURE, true).await;
        self.until_done(AUTHORIZE, true).await;
    }

    /// What a processor's list says, asked for without the proxy.
    async fn list(&self, what: &str) -> Vec<Value> {
        let url = format!("http://127.0.0.1:{}/v1/{what}?limit=100", self.server.port());
        let list: Value = http().get(url).bearer_auth("sk_test_local").send().await.unwrap().json().await.unwrap();
        list["data"].as_array().unwrap().clone()
    }

    async fn books(&self) -> Books {
        let mut books = Books::default();
        let charges = self.list("charges").await;
        for intent in self.list("payment_intents").await {
            assert_eq!(intent["metadata"]["order_id"], "ord_1", "{intent}");
            let amount = intent["amount"].as_i64().unwrap();
            if intent["status"] == "requires_capture" {
                books.held += amount;
            }
            for charge in charges.iter().filter(|charge| charge["payment_intent"] == intent["id"]) {
                if charge["captured"] == true && charge["status"] == "succeeded" {
                    books.captures += 1;
                    books.taken += amount;
                }
            }
        }
        for refund in self.list("refunds").await {
            books.refunds += 1;
            books.refunded += refund["amount"].as_i64().unwrap();
        }
        books
    }

    /// The order is paid once, and processor and ledger say the same.
    async fn assert_paid_once(&self, story: &str) {
        let (order, books) = (self.order().await, self.books().await);
        let total = order.total().minor;
        assert_eq!(books, Books { captures: 1, taken: total, ..Books::default() }, "{story}");
        let balance = fold(&order.ledger).unwrap();
        assert_eq!(balance.charged, BalanceAmount { amount: total, pending: 0 }, "{story}: {:?}", order.ledger);
        assert_eq!(balance.authorized, BalanceAmount::default(), "{story}: {:?}", order.ledger);
    }

    /// Nothing of it is left, and processor and ledger say the same.
    async fn assert_nothing_left(&self, story: &str) {
        let (order, books) = (self.order().await, self.books().await);
        assert!(
            books.held == 0 && books.taken == books.refunded && books.captures <= 1 && books.refunds <= 1,
            "{story}: {books:?}"
        );
        let balance = fold(&order.ledger).unwrap();
        assert_eq!(balance.charged, BalanceAmount::default(), "{story}: {:?}", order.ledger);
        assert_eq!(balance.authorized, BalanceAmount::default(), "{story}: {:?}", order.ledger);
        assert_eq!(balance.refunded.amount, books.refunded, "{story}: {:?}", order.ledger);
    }
}

#[tokio::test]
async fn an_order_is_authorized_and_captured() {
    let stage = Stage::new().await;
    stage.until_done(AUTHORIZE, false).await;
    let total = stage.order().await.total().minor;
    assert_eq!(stage.books().await, Books { held: total, ..Books::default() });
    stage.until_done(CAPTURE, false).await;
    stage.assert_paid_once("nothing went wrong").await;
    let intent = &stage.list("payment_intents").await[0];
    assert_eq!(
        (&intent["amount"], &intent["currency"], &intent["capture_method"]),
        (&json!(total), &json!("usd"), &json!("manual"))
    );
    // Runs that come again find it done.
    stage.pay().await;
    stage.assert_paid_once("asked again").await;
}

#[tokio::test]
async fn whatever_gets_lost_or_doubled_on_the_way_the_order_is_charged_once() {
    let server = server();
    for call in ["create", "confirm", "capture"] {
        for fault in [Fault::RequestLost, Fault::AnswerLost, Fault::Twice, Fault::Late] {
            let stage = Stage::on(&server).await;
            stage.proxy.script(call, fault);
            stage.pay().await;
            stage.proxy.deliver_late().await;
            stage.assert_paid_once(&format!("{call}: {fault:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_look_that_gets_no_answer_does_not_lead_to_a_second_charge() {
    let stage = Stage::new().await;
    for call in ["confirm", "capture"] {
        stage.proxy.script(call, Fault::AnswerLost);
        stage.proxy.script("retrieve", Fault::AnswerLost);
    }
    stage.pay().await;
    stage.assert_paid_once("neither the answer nor the look came back").await;
    assert_eq!((stage.proxy.calls("confirm"), stage.proxy.calls("capture")), (1, 1), "it looked before it acted anew");
}

#[tokio::test]
async fn everything_that_begins_can_be_taken_back() {
    let server = server();
    // Which call goes wrong, and how far the order gets before it is undone.
    for (call, fault, steps) in [
        ("create", Fault::AnswerLost, &[AUTHORIZE][..]),
        ("create", Fault::RequestLost, &[AUTHORIZE]),
        ("confirm", Fault::RequestLost, &[AUTHORIZE]),
        ("confirm", Fault::AnswerLost, &[AUTHORIZE]),
        ("capture", Fault::RequestLost, &[AUTHORIZE, CAPTURE]),
        ("capture", Fault::AnswerLost, &[AUTHORIZE, CAPTURE]),
        ("refund", Fault::RequestLost, &[AUTHORIZE, CAPTURE]),
        ("refund", Fault::AnswerLost, &[AUTHORIZE, CAPTURE]),
        ("refunds", Fault::AnswerLost, &[AUTHORIZE, CAPTURE]),
        ("cancel", Fault::RequestLost, &[AUTHORIZE]),
        ("cancel", Fault::AnswerLost, &[AUTHORIZE]),
        ("cancel", Fault::Twice, &[AUTHORIZE]),
    ] {
        let stage = Stage::on(&server).await;
        stage.proxy.script(call, fault);
        for step in steps {
            let _ = stage.attempt(step, false).await;
        }
        stage.take_back().await;
        stage.take_back().await;
        stage.assert_nothing_left(&format!("{call}: {fault:?}")).await;
    }
}

#[tokio::test]
async fn a_capture_that_lands_between_the_two_undos_is_given_back() {
    let stage = Stage::new().await;
    stage.until_done(AUTHORIZE, false).await;
    stage.proxy.script("capture", Fault::Late);
    assert_eq!(stage.attempt(CAPTURE, false).await.unwrap_err().code, codes::PAYMENT_UNCLEAR.name);
    stage.until_done(CAPTURE, true).await;
    stage.proxy.deliver_late().await;
    stage.until_done(AUTHORIZE, true).await;
    stage.assert_nothing_left("a late capture").await;
    assert_eq!(stage.books().await.refunds, 1);
}

#[tokio::test]
async fn a_declined_card_is_told_as_such_and_leaves_nothing() {
    let stage = Stage::paying_with(NO_MONEY, server()).await;
    let failure = stage.attempt(AUTHORIZE, false).await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.advice.as_str()), (codes::PAYMENT_DECLINED.name, codes::PAYMENT_DECLINED.advice));
    stage.until_done(AUTHORIZE, true).await;
    stage.assert_nothing_left("declined").await;
    assert_eq!(stage.list("payment_intents").await[0]["status"], "canceled");
}

#[tokio::test]
async fn a_payment_method_that_does_not_exist_is_refused() {
    let stage = Stage::paying_with("pm_unknown", server()).await;
    assert_eq!(stage.attempt(AUTHORIZE, false).await.unwrap_err().code, codes::PAYMENT_REFUSED.name);
    stage.until_done(AUTHORIZE, true).await;
    stage.assert_nothing_left("no such payment method").await;
}

#[tokio::test]
async fn the_processors_list_says_what_became_of_each_payment() {
    let stage = Stage::new().await;
    stage.pay().await;
    let order = stage.order().await;
    let own = order.steps.entry(AUTHORIZE).unwrap().reference.clone().unwrap();
    let other = stage.payments.create("other", &order).await.unwrap();
    let page = stage.payments.list(0, None).await.unwrap();
    assert!(!page.has_more);
    let mut listed: Vec<_> =
        page.intents.iter().map(|listed| (listed.intent.id.as_str(), listed.intent.status, listed.received.minor)).collect();
    listed.sort_by_key(|(id, ..)| *id != own);
    let total = order.total().minor;
    assert_eq!(listed, [(own.as_str(), IntentStatus::Succeeded, total), (&other.id, IntentStatus::RequiresConfirmation, 0)]);
    assert!(page.intents.iter().all(|listed| listed.order_id.as_deref() == Some("ord_1") && listed.created_at > NOON - 1));
    let rest = stage.payments.list(0, Some(&page.intents[0].intent.id)).await.unwrap();
    assert_eq!(rest.intents, page.intents[1..]);
    assert_eq!(stage.payments.listed(&page.intents[1].intent.id).await.unwrap(), page.intents[1]);

    let refund = stage.payments.refund("ord_1/by-hand", &own, order.total()).await.unwrap();
    assert_eq!((refund.key.as_str(), refund.failed), ("ord_1/by-hand", false));
    assert_eq!(stage.payments.refunds(&own).await.unwrap(), [refund]);
}

#[tokio::test]
async fn a_second_payment_is_given_back_once_also_by_two_reconciliations_at_once() {
    let stage = Stage::new().await;
    stage.pay().await;
    let order = stage.order().await;
    stage.store.place("complete-order", "ord_1", order.run, stage.clock.now()).await.unwrap();
    let second = stage.payments.create("second", &order).await.unwrap();
    stage.payments.confirm("second", &second.id, "pm_card_visa").await.unwrap();
    stage.payments.capture("second", &second.id, order.total()).await.unwrap();
    let reconcile = || Reconcile {
        payments: stage.payments.clone(),
        orders: stage.store.clone(),
        ledgers: stage.store.clone(),
        reports: FakeReports::default(),
        clock: stage.clock.clone(),
        // The processor's clock is the machine's, not the test's.
        settled_after: i64::MIN,
    };
    let (one, other) = (reconcile(), reconcile());
    let (one, other) = tokio::join!(one.run(i64::MAX), other.run(i64::MAX));
    let all = [one.unwrap(), other.unwrap()].map(|report| report.findings).concat();
    let refunded =
        all.iter().filter(|finding| (finding.discrepancy, finding.remedy) == (Discrepancy::ChargedTwice, Remedy::Refunded));
    assert_eq!(refunded.count(), 1, "{all:?}");
    let total = order.total().minor;
    assert_eq!(stage.books().await, Books { captures: 2, taken: 2 * total, refunds: 1, refunded: total, held: 0 });
    assert_eq!(fold(&stage.order().await.ledger).unwrap().charged, BalanceAmount { amount: total, pending: 0 });
    let again = reconcile().run(i64::MAX).await.unwrap();
    assert!(again.findings.is_empty(), "{again:?}");
}
