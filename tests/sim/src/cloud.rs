//! The simulated cloud: functions with deadlines, executions of the checked-in state machines, queues, a schedule; and
//! around it a consumer who orders and a merchant who answers.

use crate::{
    adapters::{Claims, Couriers, FaultContext, FaultyMerchants, FaultyReservations, Guard, Processor},
    asl::{Ended, Machine, Platform, Raised, run},
    faults::{CallFault, Dependency, Faults, InvocationFault, PlannedFault, RandomFaults, SharedInvocation, is_killed, place_of},
    history::History,
    machines::Machines,
    random::Random,
    virtual_time::{Executor, Schedule, Sleep, lock},
};
use carryout_checkout::{
    cancel::{CancelError, cancel},
    cart::{Cart, CartFulfilment},
    consumer::StoredCredit,
    order::{Order, OrderStatus, OrderSubmitted},
    ports::{
        Callbacks, ExecutionState, Executions, IdempotencyKey, MerchantAnswer, OrderNote, OrderQueue, Pager, ParkedOrder,
        StuckOrders as _,
    },
    quoting::{PriceEngine, Quoting},
    redrive::redrive,
    routing::RoutingRules,
    start::start,
    steps::{
        authorize_payment::AuthorizePayment, await_merchant::AwaitMerchant, capture_payment::CapturePayment,
        check_fraud::CheckFraud, complete_order::CompleteOrder, confirm_price::ConfirmPrice, create_delivery::CreateDelivery,
        notify_merchant::NotifyMerchant, reserve_items::ReserveItems,
    },
    submit::{CheckoutRequest, Submit},
    sweep::sweep,
};
use carryout_environment::{Failure, HasErrorCode, StorageError};
use carryout_market::{MarketId, MarketType};
use carryout_money::{Money, Rate};
use carryout_pricing::{Allowance, Benefit, Limits, Promotion};
use carryout_testing::{
    FakeFraud, FakeLogistics, FakeMerchants, FakePayments, Fault, FixedTimer, ManualClock, Pause, PlainSeal, SequentialIds,
    Store, StoreFault,
    samples::{self, NOON},
};
use carryout_workflow::{Effect, StepAction, StepInput, StepReply, run as steps, run::RunError};
use futures::{
    FutureExt as _,
    channel::oneshot,
    future::{BoxFuture, Either, poll_fn, select},
};
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    future::{Future, pending},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll},
};

/// The consumer who orders.
pub const CONSUMER: &str = "con_ada";
/// The store that is ordered from.
pub const SHOP: &str = "sto_wok";
/// The longest that a function may run. Milliseconds.
const FUNCTION_TIMEOUT_MS: i64 = 10_000;
/// When a function stops by itself. Milliseconds before its deadline.
const STOPS_BEFORE_MS: i64 = 100;
/// One minute. Milliseconds.
const MINUTE: i64 = 60_000;
/// When every fault is lifted at the latest. Milliseconds after the beginning.
const LIFTED_AFTER_MS: i64 = 25 * MINUTE;
/// When every order must have reached its end. Milliseconds after the beginning.
const ENDS_WITHIN_MS: i64 = 180 * MINUTE;

/// How often an operator has an order driven on before it counts as stuck.
const MOST_REDRIVES: u32 = 8;

/// What the merchant does with an order that it was sent and has to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantHabit {
    /// The answer; silence where there is none.
    pub answer: Option<MerchantAnswer>,
    /// How long it takes, milliseconds after the order arrived.
    pub after_ms: i64,
    /// How many times it is sent, and the milliseconds between.
    pub times: (u32, i64),
}

/// What an order is, and what happens to it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Where it is ordered, which decides the workflow.
    pub market: (MarketId, MarketType),
    /// Whether a courier brings it.
    pub delivery: bool,
    /// Whether the processor honours idempotency keys.
    pub honours_keys: bool,
    /// Whether the fraud service rejects the consumer.
    pub fraud: bool,
    /// What goes wrong.
    pub armed: Vec<PlannedFault>,
    /// What fails at random.
    pub random_faults: Option<RandomFaults>,
    /// What the merchant does.
    pub merchant: MerchantHabit,
    /// The guard that is taken away.
    pub missing: Option<Guard>,
}

/// A page to the operators, and what the books said at that moment.
#[derive(Debug, Clone)]
pub struct Page {
    /// What they were told.
    pub told: ParkedOrder,
    /// The order as it was then.
    pub order: Order,
    /// The steps whose effects were really there.
    pub remained: Vec<&'static str>,
    /// When. Milliseconds since the Unix epoch.
    pub at: i64,
}

/// Everything that one order touches.
pub struct Cloud {
    /// Virtual time.
    pub schedule: Schedule,
    /// What goes wrong.
    pub faults: Faults,
    /// Our own tables.
    pub store: Store,
    /// The processor's books.
    pub payments: FakePayments,
    /// The fraud service.
    pub fraud: FakeFraud,
    /// The logistics partner's books.
    pub logistics: FakeLogistics,
    /// The merchants' books.
    pub merchants: FakeMerchants,
    scenario: Scenario,
    machines: Arc<Machines>,
    ids: SequentialIds,
    line: FaultContext,
    state: Mutex<State>,
}

struct State {
    executions: BTreeMap<String, Execution>,
    waiting: BTreeMap<String, oneshot::Sender<Result<Value, Raised>>>,
    tokens: u32,
    pages: Vec<Page>,
    parked: u32,
    merchant_waits: bool,
    ordered: bool,
    random: Random,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Execution {
    Runs,
    Ended,
}

/// What became of a simulated order.
pub struct Outcome {
    /// Everything that it touched.
    pub cloud: Arc<Cloud>,
    /// The order, if one was written.
    pub order: Option<Order>,
    /// Whether everything came to an end in time.
    pub ended: bool,
    /// Each page to the operators.
    pub pages: Vec<Page>,
    /// How often an operator found the order parked.
    pub parked: u32,
    /// Executions that still run.
    pub running: usize,
}

impl Outcome {
    /// Every book, as it stands in the end.
    pub fn books(&self) -> String {
        let cloud = &self.cloud;
        let Some(order) = &self.order else { return "no order was written".to_owned() };
        let steps: Vec<String> = order
            .steps
            .0
            .iter()
            .map(|(step, entry)| {
                format!(
                    "  {step}: {:?}, undo {:?}, {} + {} attempts",
                    entry.state, entry.undo, entry.attempts, entry.undo_attempts
                )
            })
            .collect();
        let ledger: Vec<String> = order
            .ledger
            .iter()
            .map(|event| format!("  {:?} {:?} {} {}", event.kind, event.phase, event.amount.minor, event.reference))
            .collect();
        format!(
            "order {} in run {}, {:?}, total {}, failure {:?}\n{}\nledger\n{}\nprocessor {:?}\ndeliveries {:?}\nmerchant {:?}\nitems taken {}, drawn {:?}, quote used {:?}",
            order.status,
            order.run,
            order.direction,
            order.total().minor,
            order.failure.as_ref().map(|failure| &failure.code),
            steps.join("\n"),
            ledger.join("\n"),
            cloud.payments.books(&order.id),
            cloud.logistics.deliveries(&order.id),
            cloud.merchants.books(&order.id),
            cloud.taken_from_stock(),
            cloud.drawn(),
            cloud.store.user_of_quote(&order.quote.terms.id),
        )
    }
}

/// Runs `scenario` to its end. `seed` decides everything else; the history is kept where `kept`.
pub fn simulate(machines: &Arc<Machines>, scenario: Scenario, mut random: Random, kept: bool) -> Outcome {
    let clock = ManualClock::at(NOON);
    let mut executor = Executor::new(&clock, random.fork());
    let history = History::new(&clock, kept);
    let faults = Faults::new(scenario.armed.clone(), scenario.random_faults, random.fork(), history);
    let cloud = Arc::new(Cloud::new(&executor, &clock, faults, scenario, machines, random));
    let consumer = Arc::clone(&cloud);
    cloud.schedule.spawn(async move { consumer.order().await });
    let minutes = Arc::clone(&cloud);
    cloud.schedule.spawn(async move { minutes.every_minute().await });
    let ended = executor.run_until(NOON + ENDS_WITHIN_MS);
    drop(executor);
    let state = lock(&cloud.state);
    let running = state.executions.values().filter(|execution| **execution == Execution::Runs).count();
    let (pages, parked) = (state.pages.clone(), state.parked);
    drop(state);
    Outcome { order: cloud.stored(), ended, pages, parked, running, cloud }
}

impl Cloud {
    fn new(
        executor: &Executor,
        clock: &ManualClock,
        faults: Faults,
        scenario: Scenario,
        machines: &Arc<Machines>,
        random: Random,
    ) -> Self {
        let schedule = executor.schedule();
        let pause = |party: Dependency| {
            let (schedule, faults) = (schedule.clone(), faults.clone());
            Pause::with(move |call| wait(&schedule, &faults, party, call))
        };
        let store = Store::new(clock).pausing(pause(Dependency::Store));
        store.put_store(samples::store(SHOP, scenario.market.0, scenario.market.1));
        // A tenth off the items, which twenty orders get and each consumer once; and a credit of 5.00.
        let limits = Limits {
            total: Allowance { uses: Some(20), budget: Some(100_000) },
            per_consumer: Allowance { uses: Some(1), budget: None },
        };
        let tenth = Promotion::new("tenth", "10% off", Benefit::Percent(Rate::from_milli_percent(10_000)));
        let (country, mut consumer) = (scenario.market.0, samples::consumer(CONSUMER));
        store.put_promotions(country, vec![Promotion { limits, ..tenth }]);
        let amount = Money::new(500, samples::market(country).currency);
        consumer.credits = vec![StoredCredit { id: "gift".to_owned(), name: "Gift card".to_owned(), amount }];
        store.put_consumer(consumer);
        let plan = faults.clone();
        store.choose(move |call| {
            plan.call(Dependency::Store, call).map(|fault| match fault {
                CallFault::AnswerLost => StoreFault::After,
                CallFault::Conflict => StoreFault::Conflict,
                _ => StoreFault::Before,
            })
        });
        let payments = FakePayments::new(clock, scenario.honours_keys).pausing(pause(Dependency::Payments));
        payments.faults().choose(partner_faults(&faults, Dependency::Payments));
        let fraud = FakeFraud::new(clock).pausing(pause(Dependency::Fraud));
        fraud.faults().choose(partner_faults(&faults, Dependency::Fraud));
        if scenario.fraud {
            fraud.reject(CONSUMER);
        }
        let logistics = FakeLogistics::new(clock).pausing(pause(Dependency::Logistics));
        logistics.faults().choose(partner_faults(&faults, Dependency::Logistics));
        let merchants = FakeMerchants::new(clock).pausing(pause(Dependency::Merchants));
        merchants.faults().choose(partner_faults(&faults, Dependency::Merchants));
        let keys = Arc::new(AtomicU32::new(0));
        let line = FaultContext { faults: faults.clone(), schedule: schedule.clone(), missing: scenario.missing, keys };
        let state = State {
            executions: BTreeMap::new(),
            waiting: BTreeMap::new(),
            tokens: 0,
            pages: Vec::new(),
            parked: 0,
            merchant_waits: false,
            ordered: false,
            random,
        };
        Self {
            schedule,
            faults,
            store,
            payments,
            fraud,
            logistics,
            merchants,
            scenario,
            machines: Arc::clone(machines),
            ids: SequentialIds::default(),
            line,
            state: Mutex::new(state),
        }
    }

    /// The order, if one was written.
    pub fn stored(&self) -> Option<Order> {
        self.store.all_orders().into_iter().next()
    }

    /// What is ordered and what is planned, in words.
    pub fn described(&self) -> String {
        let Scenario { market, delivery, honours_keys, fraud, armed, merchant, .. } = &self.scenario;
        let armed: Vec<String> = armed
            .iter()
            .map(|armed| {
                format!("  {}: {:?} at {:?}, from {}, {} times", armed.place, armed.what, armed.site, armed.from, armed.times)
            })
            .collect();
        format!(
            "{market:?}, delivery {delivery}, keys honoured {honours_keys}, fraud {fraud}, {merchant:?}\n{}",
            armed.join("\n")
        )
    }

    fn between(&self, least: i64, most: i64) -> i64 {
        lock(&self.state).random.between(least, most)
    }

    // ------------------------------------------------------------------------------------------------- the consumer

    /// Asks for a quote and orders, under one key, until there is an answer.
    async fn order(self: Arc<Self>) {
        let services = Services(Arc::clone(&self));
        let quoting = Quoting {
            catalog: self.store.clone(),
            consumers: self.store.clone(),
            promotions: self.store.clone(),
            quotes: self.store.clone(),
            engine: Arc::new(PriceEngine::standard(samples::markets().into_source(), FixedTimer::Never)),
            signer: PlainSeal::default(),
            clock: self.schedule.clock().clone(),
            ids: self.ids.clone(),
            lock_for: 600_000,
        };
        let mut cart = samples::cart(SHOP, 2);
        if !self.scenario.delivery {
            cart = Cart { fulfilment: CartFulfilment::Pickup, address_id: None, ..cart };
        }
        let Ok(quote) = quoting.quote(CONSUMER, &cart).await else { return };
        let submit = Arc::new(Submit {
            quoting,
            submissions: self.store.clone(),
            logistics: self.logistics.clone(),
            queue: services,
            orchestrator: self.machines.orchestrator.clone(),
            routing: RoutingRules::default(),
        });
        let request = CheckoutRequest {
            quote_id: quote.terms.id.clone(),
            quote_signature: quote.signature.clone(),
            payment_method_id: "pay_visa".to_owned(),
        };
        for _ in 0..6 {
            let (submit, request) = (Arc::clone(&submit), request.clone());
            let work = move || {
                let (submit, request) = (Arc::clone(&submit), request.clone());
                async move {
                    let key = IdempotencyKey { record_id: "submit#key".to_owned(), validation: json!(request).to_string() };
                    let submitted = submit.submit(CONSUMER, &request, &key, "corr-1", || 0.0).await;
                    submitted.map(|_| Value::Null).map_err(|error| Raised::new(error.code().name, error.to_string()))
                }
                .boxed()
            };
            if self.call(None, "submit-checkout", work).await.is_ok() {
                break;
            }
            let pause = self.between(500, 3_000);
            self.schedule.sleep(pause).await;
        }
        lock(&self.state).ordered = true;
    }

    /// Cancels the order, again where that was not answered.
    fn cancel(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move {
            let Some(order) = self.stored() else { return };
            for _ in 0..3 {
                let (cloud, order_id) = (Arc::clone(&self), order.id.clone());
                let work = move || Arc::clone(&cloud).take_cancellation(order_id.clone()).boxed();
                if self.call(None, "cancel-order", work).await.is_ok() {
                    break;
                }
                let pause = self.between(500, 3_000);
                self.schedule.sleep(pause).await;
            }
        }
        .boxed()
    }

    async fn take_cancellation(self: Arc<Self>, order_id: String) -> Result<Value, Raised> {
        let services = Services(Arc::clone(&self));
        let cancelled = cancel(&self.store, &services, CONSUMER, &order_id, self.schedule.now()).await;
        self.faults.history.say(|| format!("the consumer cancels: {:?}", cancelled.as_ref().map(|order| order.status)));
        match cancelled {
            Ok(_) | Err(CancelError::Unknown | CancelError::TooLate | CancelError::Nothing) => Ok(Value::Null),
            Err(CancelError::Storage(error)) => Err(Raised::new(error.code().name, error.to_string())),
        }
    }

    // ------------------------------------------------------------------------------------------------- the schedule

    /// Sweeps every minute, redrives what was parked, and stops once the order has long been closed.
    async fn every_minute(self: Arc<Self>) {
        let offset = self.between(0, MINUTE);
        self.schedule.sleep(offset).await;
        let mut still = 0;
        while still < 2 {
            self.schedule.sleep(MINUTE).await;
            if self.schedule.now() > NOON + LIFTED_AFTER_MS {
                self.faults.lift();
            }
            let runs = lock(&self.state).executions.values().any(|execution| *execution == Execution::Runs);
            let order = self.stored();
            match &order {
                Some(order) if order.status == OrderStatus::Parked && !runs => self.redrive(&order.id).await,
                _ => {}
            }
            let ordered = lock(&self.state).ordered;
            still = match &order {
                Some(order) if !order.status.is_closed() || runs => 0,
                Some(order) if order.status == OrderStatus::Parked && lock(&self.state).parked < MOST_REDRIVES => 0,
                None if !ordered => 0,
                _ => still + 1,
            };
            let sweeping = Arc::clone(&self);
            let work = move || {
                let cloud = Arc::clone(&sweeping);
                async move {
                    let services = Services(Arc::clone(&cloud));
                    let (store, clock) = (&cloud.store, cloud.schedule.clock());
                    let swept = sweep(store, &services, &cloud.machines.orchestrator, clock).await;
                    swept.map(|_| Value::Null).map_err(|error| Raised::new(error.code().name, error.to_string()))
                }
                .boxed()
            };
            let cloud = Arc::clone(&self);
            self.schedule.spawn(async move { drop(cloud.call(None, "sweep-orders", work).await) });
        }
    }

    /// What an operator does: mends the cause, and has the order driven on.
    async fn redrive(self: &Arc<Self>, order_id: &str) {
        lock(&self.state).parked += 1;
        self.faults.lift();
        let (cloud, order_id) = (Arc::clone(self), order_id.to_owned());
        let work = move || {
            let (cloud, order_id) = (Arc::clone(&cloud), order_id.clone());
            async move {
                let (services, clock) = (Services(Arc::clone(&cloud)), cloud.schedule.clock());
                let redriven = redrive(&cloud.store, &services, &cloud.machines.orchestrator, clock, &order_id).await;
                redriven.map(|_| Value::Null).map_err(|error| Raised::new("redrive", error.to_string()))
            }
            .boxed()
        };
        drop(self.call(None, "redrive-orders", work).await);
    }

    /// The steps whose effects are really there.
    fn remaining(&self, order_id: &str) -> Vec<&'static str> {
        let payments = self.payments.books(order_id);
        let merchant = self.merchants.books(order_id);
        [
            ("capture-payment", payments.taken > payments.refunded),
            ("authorize-payment", payments.held > 0),
            ("create-delivery", self.logistics.live(order_id) > 0),
            ("notify-merchant", merchant.is_made()),
            ("reserve-items", self.taken_from_stock() > 0 || self.drawn() != (0, 0)),
        ]
        .into_iter()
        .filter_map(|(step, there)| there.then_some(step))
        .collect()
    }

    /// How many items are missing from the store's stock.
    pub fn taken_from_stock(&self) -> u32 {
        20_u32.saturating_sub(self.store.stock(SHOP, &format!("itm_{SHOP}_ramen")))
    }

    /// How many uses, and how much, all counters of what is limited have given.
    pub fn drawn(&self) -> (u32, i64) {
        self.store.all_counters().values().fold((0, 0), |(uses, given), counter| (uses + counter.uses, given + counter.given))
    }

    // ------------------------------------------------------------------------------------------------- the merchant

    /// The merchant has been sent an order, maybe: it answers once it is there.
    fn merchant_is_sent(self: &Arc<Self>, order_id: &str) {
        if std::mem::replace(&mut lock(&self.state).merchant_waits, true) {
            return;
        }
        let (cloud, order_id) = (Arc::clone(self), order_id.to_owned());
        self.schedule.spawn(async move {
            let habit = cloud.scenario.merchant.clone();
            let mut waited = 0;
            while cloud.merchants.books(&order_id).received == 0 {
                // It is not there yet; after this long it never comes.
                if waited > 60 {
                    lock(&cloud.state).merchant_waits = false;
                    return;
                }
                waited += 1;
                cloud.schedule.sleep(1_000).await;
            }
            let Some(answer) = habit.answer.filter(|_| cloud.merchants.books(&order_id).wants_answer) else { return };
            cloud.schedule.sleep(habit.after_ms).await;
            cloud.merchant_answers(&order_id, &answer, habit.times).await;
        });
    }

    /// Sends an answer so many times, with so many milliseconds between; again where it is not taken.
    fn merchant_answers(
        self: &Arc<Self>,
        order_id: &str,
        answer: &MerchantAnswer,
        (times, between_ms): (u32, i64),
    ) -> BoxFuture<'static, ()> {
        let (cloud, order_id, answer) = (Arc::clone(self), order_id.to_owned(), answer.clone());
        async move {
            for time in 0..times {
                if time > 0 {
                    cloud.schedule.sleep(between_ms).await;
                }
                for _ in 0..6 {
                    let (webhook, order_id, answer) = (Arc::clone(&cloud), order_id.clone(), answer.clone());
                    let work = move || Arc::clone(&webhook).take_answer(order_id.clone(), answer.clone()).boxed();
                    if cloud.call(None, "receive-webhooks", work).await.is_ok() {
                        break;
                    }
                    let pause = cloud.between(1_000, 20_000);
                    cloud.schedule.sleep(pause).await;
                }
            }
        }
        .boxed()
    }

    async fn take_answer(self: Arc<Self>, order_id: String, answer: MerchantAnswer) -> Result<Value, Raised> {
        let answered = self.await_merchant().answer(&order_id, &answer, self.schedule.now()).await;
        self.faults.history.say(|| format!("the merchant says {answer:?}: {answered:?}"));
        answered.map(|_| Value::Null).map_err(|error| Raised::new(error.code().name, error.to_string()))
    }

    fn await_merchant(self: &Arc<Self>) -> AwaitMerchant<Store, Services> {
        AwaitMerchant { answers: self.store.clone(), callbacks: Services(Arc::clone(self)) }
    }

    // ------------------------------------------------------------------------------------------------- functions

    /// Calls a function in `place` and waits for its answer, with whatever happens around it. `caller` is the execution
    /// that calls, if one does; `work` is what the function does, each time that it is called.
    async fn call(
        self: &Arc<Self>,
        caller: Option<&Caller>,
        place: &'static str,
        work: impl Fn() -> BoxFuture<'static, Result<Value, Raised>> + Clone + Send + Sync + 'static,
    ) -> Result<Value, Raised> {
        let mut lost = false;
        let mut gone_after = false;
        for happening in self.faults.around(place) {
            match happening {
                InvocationFault::Throttled => {
                    self.schedule.sleep(20).await;
                    return Err(Raised::new("Lambda.TooManyRequestsException", "Rate Exceeded."));
                }
                InvocationFault::AnswerLost => lost = true,
                InvocationFault::Twice(after) => {
                    let (cloud, work) = (Arc::clone(self), work.clone());
                    self.schedule.spawn(async move {
                        cloud.schedule.sleep(after).await;
                        drop(cloud.run_function(place, work()).await);
                    });
                }
                InvocationFault::NextRun => self.begin_next_run(),
                InvocationFault::SameRun => {
                    if let Some(caller) = caller {
                        self.begin(&caller.workflow, &caller.name, caller.input.clone());
                    }
                }
                InvocationFault::MerchantAnswers(answer, times) => {
                    if let Some(order) = self.stored() {
                        self.schedule.spawn(self.merchant_answers(&order.id, &answer, (times, 300)));
                    }
                }
                InvocationFault::ConsumerCancels => {
                    let cloud = Arc::clone(self);
                    self.schedule.spawn(async move { cloud.cancel().await });
                }
                InvocationFault::CallerGone => {
                    if let Some(caller) = caller {
                        caller.gone.store(true, Ordering::Relaxed);
                        return pending().await;
                    }
                    return Err(Raised::new("Lambda.Unknown", "the caller is gone"));
                }
                InvocationFault::CallerGoneAfter => gone_after = true,
            }
        }
        let on_its_way = self.faults.between(1, 30);
        self.schedule.sleep(on_its_way).await;
        let answer = self.run_function(place, work());
        if gone_after && let Some(caller) = caller {
            let patience = self.faults.between(1, 4_000);
            drop(select(answer, self.schedule.sleep(patience)).await);
            caller.gone.store(true, Ordering::Relaxed);
            return pending().await;
        }
        if lost {
            let patience = self.faults.between(1, 4_000);
            drop(select(answer, self.schedule.sleep(patience)).await);
            return Err(Raised::new("Lambda.SdkClientException", "the connection was lost"));
        }
        answer.await
    }

    /// One run of a function, which goes on whether or not anybody waits for its answer.
    fn run_function(
        self: &Arc<Self>,
        place: &'static str,
        work: BoxFuture<'static, Result<Value, Raised>>,
    ) -> BoxFuture<'static, Result<Value, Raised>> {
        let (answer, answered) = oneshot::channel();
        let function = Function {
            work,
            invocation: self.faults.begin(place),
            faults: self.faults.clone(),
            stops: self.schedule.sleep(FUNCTION_TIMEOUT_MS - STOPS_BEFORE_MS),
        };
        let history = self.faults.history.clone();
        self.schedule.spawn(async move {
            let ended = function.await;
            history.say(|| match &ended {
                Ok(reply) => format!("{place}: ends with {reply}"),
                Err(raised) => format!("{place}: fails with {}: {}", raised.error, raised.cause),
            });
            drop(answer.send(ended));
        });
        async move { answered.await.unwrap_or_else(|_| Err(Raised::new("Lambda.Unknown", "the function is gone"))) }.boxed()
    }

    /// What a step's function does with this input: [`carryout_lambda`]'s `run_effect` and `run_local`.
    ///
    /// [`carryout_lambda`]: ../carryout_lambda/step/index.html
    async fn serve(self: Arc<Self>, step: String, payload: Value) -> Result<Value, Raised> {
        let now = self.schedule.now();
        let input = StepInput::deserialize(payload).map_err(|error| Raised::new(steps::STEP_UNKNOWN.name, error.to_string()))?;
        let (store, line) = (self.store.clone(), self.line.clone());
        let processor = || Processor(self.payments.clone(), line.clone());
        match step.as_str() {
            "confirm-price" => answer(ConfirmPrice { locks: store }.process(&input, now).await),
            "reserve-items" => {
                self.effect(ReserveItems { reservations: FaultyReservations(store, self.scenario.missing) }, &input, now).await
            }
            "check-fraud" => self.effect(CheckFraud { fraud: self.fraud.clone() }, &input, now).await,
            "authorize-payment" => self.effect(AuthorizePayment { payments: processor() }, &input, now).await,
            "create-delivery" => {
                self.effect(CreateDelivery { logistics: Couriers(self.logistics.clone(), line.clone()) }, &input, now).await
            }
            "notify-merchant" => {
                self.merchant_is_sent(&input.id);
                self.effect(NotifyMerchant { merchants: FaultyMerchants(self.merchants.clone(), line.clone()) }, &input, now)
                    .await
            }
            "await-merchant" => answer(self.await_merchant().process(&input, now).await),
            "capture-payment" => self.effect(CapturePayment { payments: processor() }, &input, now).await,
            "complete-order" => {
                let step = CompleteOrder { orders: store.clone(), closing: store, pager: Services(Arc::clone(&self)) };
                answer(step.process(&input, now).await)
            }
            other => Err(Raised::new("Lambda.ResourceNotFoundException", other)),
        }
    }

    async fn effect<S>(&self, step: S, input: &StepInput, now: i64) -> Result<Value, Raised>
    where
        S: Effect<Subject = Order, Note = OrderNote>,
    {
        let claims = Claims(self.store.clone(), self.scenario.missing);
        let lease_until = now + FUNCTION_TIMEOUT_MS;
        answer(match input.action {
            StepAction::Process => steps::process(&step, &claims, input, now, lease_until).await,
            StepAction::Undo => steps::undo(&step, &claims, input, now, lease_until).await,
            StepAction::Fail | StepAction::Park => return Err(Raised::new(steps::STEP_UNKNOWN.name, "never asked")),
        })
    }

    // ------------------------------------------------------------------------------------------------- executions

    fn begin(self: &Arc<Self>, workflow: &str, name: &str, input: Value) {
        if lock(&self.state).executions.contains_key(name) {
            return;
        }
        let Some(machine) = self.machines.get(workflow, self.scenario.missing) else { return };
        lock(&self.state).executions.insert(name.to_owned(), Execution::Runs);
        self.faults.history.say(|| format!("execution {name} of {workflow} begins"));
        let caller = Caller {
            cloud: Arc::clone(self),
            workflow: workflow.to_owned(),
            name: name.to_owned(),
            input,
            gone: AtomicBool::new(false),
        };
        self.schedule.spawn(async move { caller.execute(&machine).await });
    }

    /// What the sweeper would do if it took the run that goes on for one that has ended.
    fn begin_next_run(self: &Arc<Self>) {
        let cloud = Arc::clone(self);
        self.schedule.spawn(async move {
            let Some(order) = cloud.stored() else { return };
            let look_again_at = cloud.schedule.now() + MINUTE;
            if let Ok(true) = cloud.store.next_run(&order.id, order.run, look_again_at).await {
                let next = OrderSubmitted { run: order.run + 1, ..OrderSubmitted::of(&order) };
                drop(start(&cloud.machines.orchestrator, &Services(Arc::clone(&cloud)), &next).await);
            }
        });
    }
}

fn answer<E: HasErrorCode>(result: Result<StepReply, RunError<E>>) -> Result<Value, Raised> {
    match result {
        Ok(reply) => Ok(json!(reply)),
        Err(error) => {
            let failure = error.failure();
            let cause = json!({ "errorType": failure.code, "errorMessage": failure.message }).to_string();
            Err(Raised::new(failure.code, cause))
        }
    }
}

fn partner_faults(faults: &Faults, party: Dependency) -> impl FnMut(&'static str) -> Option<Fault> + Send + 'static {
    let faults = faults.clone();
    move |call| {
        faults.call(party, call).map(|fault| match fault {
            CallFault::AnswerLost => Fault::EffectThenUnclear,
            CallFault::NoAnswer => Fault::UnclearWithoutEffect,
            CallFault::Error | CallFault::Conflict => Fault::Unavailable,
            CallFault::Late(after) => Fault::LateEffect(after),
            CallFault::Refuse(code) => Fault::Refuse(code.to_owned()),
        })
    }
}

fn wait(schedule: &Schedule, faults: &Faults, party: Dependency, call: &'static str) -> BoxFuture<'static, ()> {
    match faults.wait(party, call) {
        Some(ms) => schedule.sleep(ms).boxed(),
        None => pending().boxed(),
    }
}

/// A function that runs: until its work is done, its process is killed, or its time is over.
struct Function {
    work: BoxFuture<'static, Result<Value, Raised>>,
    invocation: SharedInvocation,
    faults: Faults,
    stops: Sleep,
}

impl Future for Function {
    type Output = Result<Value, Raised>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.faults.enter(&self.invocation);
        let polled = self.work.poll_unpin(cx);
        self.faults.leave();
        if polled.is_ready() {
            return polled;
        }
        if is_killed(&self.invocation) {
            return Poll::Ready(Err(Raised::new("Lambda.Unknown", "the process was killed")));
        }
        match self.stops.poll_unpin(cx) {
            Poll::Ready(()) => Poll::Ready(Err(Raised::new("Sandbox.Timedout", "the time is over"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// An execution, as the functions that it calls see it.
struct Caller {
    cloud: Arc<Cloud>,
    workflow: String,
    name: String,
    input: Value,
    gone: AtomicBool,
}

impl Caller {
    /// Runs to the end, or until it is gone.
    async fn execute(self, machine: &Machine) {
        let ended = {
            let mut running = run(machine, self.input.clone(), &self).boxed();
            poll_fn(|cx| match running.poll_unpin(cx) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending if self.gone.load(Ordering::Relaxed) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await
        };
        self.cloud.faults.history.say(|| match &ended {
            None => format!("execution {} is gone", self.name),
            Some(Ended::Succeeded(_)) => format!("execution {} succeeded", self.name),
            Some(Ended::Failed(raised)) => format!("execution {} failed: {}", self.name, raised.error),
        });
        lock(&self.cloud.state).executions.insert(self.name, Execution::Ended);
    }
}

impl Platform for Caller {
    fn invoke<'a>(&'a self, function: &'a str, payload: Value) -> BoxFuture<'a, Result<Value, Raised>> {
        let action = payload.get("action").and_then(Value::as_str).unwrap_or_default();
        let (place, cloud, step) = (place_of(function, action), Arc::clone(&self.cloud), function.to_owned());
        let work = move || Arc::clone(&cloud).serve(step.clone(), payload.clone()).boxed();
        async move { self.cloud.call(Some(self), place, work).await }.boxed()
    }

    fn token(&self) -> String {
        let mut state = lock(&self.cloud.state);
        state.tokens += 1;
        format!("token-{}", state.tokens)
    }

    fn invoke_and_wait<'a>(&'a self, function: &'a str, payload: Value, token: &'a str) -> BoxFuture<'a, Result<Value, Raised>> {
        let (answer, answered) = oneshot::channel();
        lock(&self.cloud.state).waiting.insert(token.to_owned(), answer);
        let called = self.invoke(function, payload);
        async move {
            // The answer may come before the function that asked for it has ended.
            let given = match select(answered, called).await {
                Either::Left((given, _)) => given,
                Either::Right((Err(raised), _)) => return Err(raised),
                Either::Right((Ok(_), answered)) => answered.await,
            };
            given.unwrap_or_else(|_| Err(Raised::new("States.Timeout", "the token is gone")))
        }
        .boxed()
    }

    fn sleep(&self, ms: i64) -> BoxFuture<'static, ()> {
        self.cloud.schedule.sleep(ms).boxed()
    }

    fn jitter(&self, longest_ms: i64) -> i64 {
        self.cloud.between(0, longest_ms)
    }

    fn entered(&self, state: &str) {
        self.cloud.faults.history.say(|| format!("{} enters {state}", self.name));
    }
}

/// The cloud's services, as ports.
#[derive(Clone)]
struct Services(Arc<Cloud>);

impl Services {
    /// One call, with whatever goes wrong with it.
    async fn request<T>(
        &self,
        party: Dependency,
        call: &'static str,
        effect: impl FnOnce(&Arc<Cloud>) -> T,
    ) -> Result<T, StorageError> {
        let cloud = &self.0;
        wait(&cloud.schedule, &cloud.faults, party, call).await;
        let lost = || Err(StorageError::Unavailable(format!("{call}: told to fail")));
        let answer = match cloud.faults.call(party, call) {
            None => Ok(effect(cloud)),
            Some(CallFault::AnswerLost) => {
                drop(effect(cloud));
                lost()
            }
            Some(_) => lost(),
        };
        wait(&cloud.schedule, &cloud.faults, party, call).await;
        answer
    }

    async fn tell(&self, call: &'static str, token: &str, answer: Result<Value, Raised>) -> Result<(), StorageError> {
        self.request(Dependency::Callbacks, call, |cloud| {
            // A token that nobody waits for any more is no error.
            if let Some(waiting) = lock(&cloud.state).waiting.remove(token) {
                drop(waiting.send(answer));
            }
        })
        .await
    }
}

impl Executions for Services {
    async fn start(&self, workflow: &str, name: &str, input: &Value) -> Result<(), StorageError> {
        self.request(Dependency::Executions, "start", |cloud| cloud.begin(workflow, name, input.clone())).await
    }

    async fn state(&self, _workflow: &str, name: &str) -> Result<ExecutionState, StorageError> {
        self.request(Dependency::Executions, "state", |cloud| match lock(&cloud.state).executions.get(name) {
            None => ExecutionState::NotFound,
            Some(Execution::Runs) => ExecutionState::Running,
            Some(Execution::Ended) => ExecutionState::Ended,
        })
        .await
    }
}

impl Callbacks for Services {
    async fn succeed(&self, task_token: &str, output: &Value) -> Result<(), StorageError> {
        self.tell("succeed", task_token, Ok(output.clone())).await
    }

    async fn fail(&self, task_token: &str, failure: &Failure) -> Result<(), StorageError> {
        self.tell("fail", task_token, Err(Raised::new(&failure.code, &failure.message))).await
    }
}

impl Pager for Services {
    async fn page(&self, parked: &ParkedOrder) -> Result<(), StorageError> {
        self.request(Dependency::Pager, "page", |cloud| {
            let Some(order) = cloud.stored() else { return };
            let (remained, at) = (cloud.remaining(&order.id), cloud.schedule.now());
            cloud.faults.history.say(|| format!("the page says {:?}, the books {remained:?}", parked.remaining));
            lock(&cloud.state).pages.push(Page { told: parked.clone(), order, remained, at });
        })
        .await
    }
}

impl OrderQueue for Services {
    async fn send(&self, message: &OrderSubmitted) -> Result<(), StorageError> {
        let message = message.clone();
        self.request(Dependency::Queue, "send", |cloud| {
            let cloud = Arc::clone(cloud);
            cloud.schedule.clone().spawn(async move { cloud.deliver(message).await });
        })
        .await
    }
}

impl Cloud {
    /// Delivers a message until it is taken, at most five times; then it goes to the dead letters, and the sweeper finds
    /// its order.
    async fn deliver(self: Arc<Self>, message: OrderSubmitted) {
        for _ in 0..5 {
            let (cloud, message) = (Arc::clone(&self), message.clone());
            let work = move || {
                let (services, message) = (Services(Arc::clone(&cloud)), message.clone());
                async move {
                    let started = start(&services.0.machines.orchestrator, &services, &message).await;
                    started.map(|()| Value::Null).map_err(|error| Raised::new(error.code().name, error.to_string()))
                }
                .boxed()
            };
            match self.call(None, "start-checkout", work).await {
                Err(raised) if raised.cause == "the caller is gone" => return,
                Err(_) => self.schedule.sleep(30_000).await,
                Ok(_) => return,
            }
        }
    }
}
