//! Everything that a checkout touches, in memory; and a driver that runs a workflow's steps in their order, and undoes.

use carryout_checkout::{
    cart::{Cart, CartFulfilment},
    codes::STEP_CODES,
    ledger::{LedgerKind, LedgerPhase},
    order::{Order, OrderSubmitted, execution_input},
    ports::{IdempotencyKey, MerchantAnswer, Orders as _},
    quoting::{PriceEngine, Quoting},
    routing::RoutingRules,
    steps::{
        authorize_payment::AuthorizePayment, await_merchant::AwaitMerchant, capture_payment::CapturePayment,
        check_fraud::CheckFraud, complete_order::CompleteOrder, confirm_price::ConfirmPrice, create_delivery::CreateDelivery,
        notify_merchant::NotifyMerchant, reserve_items::ReserveItems,
    },
    submit::{CheckoutRequest, Submit, SubmitError, Submitted},
    workflows::orchestrator,
};
use carryout_environment::{Clock as _, ErrorCode, Failure, HasErrorCode};
use carryout_market::{MarketId, MarketType, ids};
use carryout_pricing::Quote;
use carryout_testing::{
    FakeCallbacks, FakeExecutions, FakeFraud, FakeLogistics, FakeMerchants, FakePager, FakePayments, FakeQueue, FixedTimer,
    ManualClock, PlainSeal, SequentialIds, Store,
    samples::{self, NOON},
};
use carryout_workflow::{
    Effect, RetryClass, SagaStep, Stage as _, StepAction, StepEntry, StepInput, StepReply, StepState, Workflow, run,
};
use serde::Deserialize as _;
use serde_json::json;
use std::sync::Arc;

/// How long an attempt may act. Milliseconds.
pub const LEASE: i64 = 10_000;
pub const CONSUMER: &str = "con_ada";
pub const SHOP: &str = "sto_wok";

pub type Pricing = Quoting<Store, Store, Store, Store, PlainSeal, ManualClock, SequentialIds>;
pub type Checkout = Submit<Store, Store, Store, Store, PlainSeal, ManualClock, SequentialIds, Store, FakeLogistics, FakeQueue>;

/// Every step's way forward or back.
type Ran = Result<StepReply, Failure>;

pub struct World {
    pub clock: ManualClock,
    pub ids: SequentialIds,
    pub store: Store,
    pub payments: FakePayments,
    pub fraud: FakeFraud,
    pub logistics: FakeLogistics,
    pub merchants: FakeMerchants,
    pub queue: FakeQueue,
    pub executions: FakeExecutions,
    pub callbacks: FakeCallbacks,
    pub pager: FakePager,
    pub routing: RoutingRules,
    pub engine: Arc<PriceEngine>,
    /// What the store answers when it is waited for; nothing for silence.
    pub answer: Option<MerchantAnswer>,
}

impl World {
    /// A restaurant in New York, and a processor that honours keys.
    pub fn new() -> Self {
        Self::with(ids::US, MarketType::Restaurant, true)
    }

    /// The same with a processor that ignores keys.
    pub fn ignoring_keys() -> Self {
        Self::with(ids::US, MarketType::Restaurant, false)
    }

    /// A market where a person at the store accepts the order.
    pub fn accepting() -> Self {
        Self::with(ids::AU, MarketType::Restaurant, true)
    }

    fn with(country: MarketId, market_type: MarketType, honours_keys: bool) -> Self {
        let clock = ManualClock::at(NOON);
        let store = Store::new(&clock);
        store.put_store(samples::store(SHOP, country, market_type));
        store.put_consumer(samples::consumer(CONSUMER));
        Self {
            ids: SequentialIds::default(),
            payments: FakePayments::new(&clock, honours_keys),
            fraud: FakeFraud::new(&clock),
            logistics: FakeLogistics::new(&clock),
            merchants: FakeMerchants::new(&clock),
            queue: FakeQueue::default(),
            executions: FakeExecutions::default(),
            callbacks: FakeCallbacks::default(),
            pager: FakePager::default(),
            routing: RoutingRules::default(),
            engine: Arc::new(PriceEngine::standard(samples::markets().into_source(), FixedTimer::Never)),
            answer: Some(MerchantAnswer::Accepted),
            store,
            clock,
        }
    }

    pub fn quoting(&self) -> Pricing {
        Quoting {
            catalog: self.store.clone(),
            consumers: self.store.clone(),
            promotions: self.store.clone(),
            quotes: self.store.clone(),
            engine: Arc::clone(&self.engine),
            signer: PlainSeal::default(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            lock_for: 600_000,
        }
    }

    pub fn checkout(&self) -> Checkout {
        Submit {
            quoting: self.quoting(),
            submissions: self.store.clone(),
            logistics: self.logistics.clone(),
            queue: self.queue.clone(),
            orchestrator: orchestrator(),
            routing: self.routing.clone(),
        }
    }

    pub async fn quote(&self) -> Quote {
        self.quoting().quote(CONSUMER, &samples::cart(SHOP, 2)).await.unwrap()
    }

    /// Submits at `quote` under `key`; the request's body is the hash that is remembered.
    pub async fn submit(&self, quote: &Quote, card: &str, key: &str) -> Result<Submitted, SubmitError> {
        self.submit_as(CONSUMER, quote, card, key).await
    }

    pub async fn submit_as(&self, consumer: &str, quote: &Quote, card: &str, key: &str) -> Result<Submitted, SubmitError> {
        let request = CheckoutRequest {
            quote_id: quote.terms.id.clone(),
            quote_signature: quote.signature.clone(),
            payment_method_id: card.to_owned(),
        };
        let key = IdempotencyKey { record_id: format!("submit#{key}"), validation: json!(request).to_string() };
        self.checkout().submit(consumer, &request, &key, "corr-1", || 0.0).await
    }

    /// A submitted delivery of two ramen, paid with a good card.
    pub async fn order(&self) -> Order {
        self.order_of(samples::cart(SHOP, 2), "pay_visa").await
    }

    pub async fn pickup(&self) -> Order {
        let cart = Cart { fulfilment: CartFulfilment::Pickup, address_id: None, ..samples::cart(SHOP, 2) };
        self.order_of(cart, "pay_visa").await
    }

    pub async fn order_of(&self, cart: Cart, card: &str) -> Order {
        let quote = self.quoting().quote(CONSUMER, &cart).await.unwrap();
        let submitted = self.submit(&quote, card, &quote.terms.id).await.unwrap();
        self.stored(&submitted.answer.order_id).await
    }

    pub async fn stored(&self, id: &str) -> Order {
        self.store.order(id).await.unwrap().unwrap()
    }

    pub async fn entry(&self, id: &str, step: &str) -> StepEntry {
        self.stored(id).await.steps.entry(step).cloned().unwrap()
    }

    /// What the ledger says has happened, without requests.
    pub async fn ledger(&self, id: &str) -> Vec<(LedgerKind, i64)> {
        let happened = |order: Order| order.ledger.into_iter().filter(|event| event.phase == LedgerPhase::Success);
        happened(self.stored(id).await).map(|event| (event.kind, event.amount.minor)).collect()
    }

    pub fn ramen_left(&self) -> u32 {
        self.store.stock(SHOP, &format!("itm_{SHOP}_ramen"))
    }

    /// The input of a step's function for this order as it stands.
    pub async fn input(&self, id: &str, action: StepAction) -> StepInput {
        let order = self.stored(id).await;
        let mut input = execution_input(&OrderSubmitted::of(&order));
        input["action"] = json!(action);
        StepInput::deserialize(input).unwrap()
    }

    /// One attempt of a step forward, in the order's current run.
    pub async fn process(&self, id: &str, step: &str) -> Ran {
        self.run_step(step, &self.input(id, StepAction::Process).await).await
    }

    /// One attempt of a step's undo, in the order's current run.
    pub async fn undo(&self, id: &str, step: &str) -> Ran {
        self.run_step(step, &self.input(id, StepAction::Undo).await).await
    }

    /// Steps forward, each of which must succeed.
    pub async fn advance(&self, id: &str, steps: &[&str]) {
        for step in steps {
            self.process(id, step).await.unwrap_or_else(|failure| panic!("{step}: {failure}"));
        }
    }

    pub fn await_merchant(&self) -> AwaitMerchant<Store, FakeCallbacks> {
        AwaitMerchant { answers: self.store.clone(), callbacks: self.callbacks.clone() }
    }

    pub async fn run_step(&self, step: &str, input: &StepInput) -> Ran {
        let (now, store) = (self.clock.now(), self.store.clone());
        match step {
            "confirm-price" => ConfirmPrice { locks: store }.process(input, now).await.map_err(|error| error.failure()),
            "reserve-items" => self.effect(ReserveItems { reservations: store }, input).await,
            "check-fraud" => self.effect(CheckFraud { fraud: self.fraud.clone() }, input).await,
            "authorize-payment" => self.effect(AuthorizePayment { payments: self.payments.clone() }, input).await,
            "create-delivery" => self.effect(CreateDelivery { logistics: self.logistics.clone() }, input).await,
            "notify-merchant" => self.effect(NotifyMerchant { merchants: self.merchants.clone() }, input).await,
            "await-merchant" => self.await_merchant().process(input, now).await.map_err(|error| error.failure()),
            "capture-payment" => self.effect(CapturePayment { payments: self.payments.clone() }, input).await,
            "complete-order" => {
                let step = CompleteOrder { orders: store.clone(), closing: store, pager: self.pager.clone() };
                step.process(input, now).await.map_err(|error| error.failure())
            }
            other => panic!("there is no step {other}"),
        }
    }

    async fn effect<S>(&self, step: S, input: &StepInput) -> Ran
    where
        S: Effect<Subject = Order, Note = carryout_checkout::ports::OrderNote>,
        S::Error: HasErrorCode,
    {
        let (now, lease) = (self.clock.now(), self.clock.now() + LEASE);
        let ran = match input.action {
            StepAction::Undo => run::undo(&step, &self.store, input, now, lease).await,
            _ => run::process(&step, &self.store, input, now, lease).await,
        };
        ran.map_err(|error| error.failure())
    }

    /// Runs the order's workflow to its end, as its state machine would: retries, then undoes, then closes.
    pub async fn run(&self, id: &str) -> Order {
        let order = self.stored(id).await;
        let workflow = workflow(&order.workflow);
        let mut begun = Vec::new();
        let mut failure = None;
        'forward: for stage in &workflow.stages {
            begun.extend(stage.steps());
            // All branches of a group end before the undo begins; the failure of the first one counts.
            for spec in stage.steps() {
                let ran = self.persist(spec, id, StepAction::Process, None).await;
                failure = failure.or(ran.err());
            }
            if failure.is_some() {
                break 'forward;
            }
        }
        let failure = match failure {
            Some(failure) => failure,
            None => match self.persist(&workflow.finish, id, StepAction::Process, None).await {
                Ok(_) => return self.stored(id).await,
                Err(failure) => failure,
            },
        };
        self.run_back(id, &begun, failure).await
    }

    async fn run_back(&self, id: &str, begun: &[&SagaStep], failure: Failure) -> Order {
        let workflow = workflow(&self.stored(id).await.workflow);
        for spec in begun.iter().rev().filter(|spec| spec.undo) {
            if let Err(undo_failure) = self.persist(spec, id, StepAction::Undo, Some(&failure)).await {
                self.persist(&workflow.finish, id, StepAction::Park, Some(&undo_failure)).await.unwrap();
                return self.stored(id).await;
            }
        }
        self.persist(&workflow.finish, id, StepAction::Fail, Some(&failure)).await.unwrap();
        self.stored(id).await
    }

    /// A step with its retries.
    async fn persist(&self, spec: &SagaStep, id: &str, action: StepAction, failure: Option<&Failure>) -> Ran {
        let class = if action == StepAction::Process { spec.retry } else { RetryClass::Undo };
        let (interval, rate, attempts, cap) = class.policy();
        let mut pause = f64::from(interval);
        let mut input = self.input(id, action).await;
        // As Step Functions tells it: no advice.
        input.failure = failure.map(|failure| json!({ "Error": failure.code, "Cause": failure.message })).unwrap_or_default();
        for attempt in 0..=attempts {
            input.task_token = spec.wait.is_some().then(|| format!("{id}/{attempt}"));
            let ran = match self.run_step(&spec.step, &input).await {
                Ok(reply) if reply.state == StepState::Waiting => self.wait(id, &input, spec).await,
                ran => ran,
            };
            match ran {
                Err(failure) if attempt < attempts && code(&failure).class.may_retry() => {
                    self.clock.advance((pause.min(f64::from(cap)) * 1_000.0) as i64);
                    pause *= rate;
                }
                ran => return ran,
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn wait(&self, id: &str, input: &StepInput, spec: &SagaStep) -> Ran {
        let wait = spec.wait.as_ref().unwrap();
        if let Some(answer) = &self.answer {
            self.await_merchant().answer(id, answer, self.clock.now()).await.unwrap();
        } else {
            self.clock.advance(i64::from(wait.timeout_seconds) * 1_000);
        }
        match self.callbacks.answer_to(input.task_token.as_deref().unwrap()) {
            Some(answer) => answer.map(|reply| StepReply::deserialize(reply).unwrap()),
            None => Err(Failure { code: wait.silence.clone(), message: wait.message.clone(), advice: String::new() }),
        }
    }
}

pub fn workflow(name: &str) -> Workflow {
    orchestrator().workflows().iter().find(|workflow| workflow.name == name).cloned().unwrap()
}

fn code(failure: &Failure) -> ErrorCode {
    *STEP_CODES.iter().chain(run::CODES).find(|code| code.name == failure.code).unwrap_or_else(|| panic!("{failure}"))
}
