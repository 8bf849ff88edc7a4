//! The checkout in one process: the real submit and the real steps on the tables of a deployed stack, with partners that
//! answer at once. So what is counted and timed is Carryout and its store, nothing else.

use anyhow::{Context as _, Result, anyhow, bail};
use carryout::{
    Stack, marketplace,
    shopping::{self, Shopper, Wanted},
};
use carryout_aws::{
    Aws, DynamoAnswers, DynamoCatalog, DynamoClosing, DynamoConsumers, DynamoOrders, DynamoPromotions, DynamoQuoteLocks,
    DynamoQuotes, DynamoReservations, DynamoStatusStore, DynamoSubmissions,
};
use carryout_checkout::{
    cart::{Cart, CartLine},
    consumer::Consumer,
    order::{OrderStatus, OrderSubmitted, execution_input},
    ports::{Consumers as _, IdempotencyKey, MerchantAnswer, Orders as _},
    quoting::{PriceEngine, Quoting},
    routing::RoutingRules,
    steps::{
        authorize_payment::AuthorizePayment, await_merchant::AwaitMerchant, capture_payment::CapturePayment,
        check_fraud::CheckFraud, complete_order::CompleteOrder, confirm_price::ConfirmPrice, create_delivery::CreateDelivery,
        notify_merchant::NotifyMerchant, reserve_items::ReserveItems,
    },
    store::Item,
    submit::{CheckoutRequest, Submit},
    workflows::orchestrator,
};
use carryout_environment::Clock as _;
use carryout_lambda::{
    clock::{SystemClock, SystemTimer},
    ids::{RandomIds, new_id},
};
use carryout_market::{MarketId, MarketType, ids};
use carryout_pricing::Quote;
use carryout_testing::{
    FakeCallbacks, FakeFraud, FakeLogistics, FakeMerchants, FakePager, FakePayments, FakeQueue, ManualClock, Pause, PlainSeal,
    Store, samples,
};
use carryout_workflow::{PlanReport, Stage as _, StepInput, run};
use futures::{FutureExt as _, future::try_join_all};
use serde_json::json;
use std::{
    cmp::Reverse,
    sync::Arc,
    time::{Duration, Instant},
};

/// A stack's tables, as the benchmark reaches them.
pub struct Tables {
    /// How the store is reached; counts the requests.
    pub aws: Aws,
    /// Orders.
    pub orders: String,
    /// Completed requests.
    pub idempotency: String,
    /// Quotes.
    pub quotes: String,
    /// Stores.
    pub stores: String,
    /// Consumers.
    pub consumers: String,
    /// What orders took of what is limited.
    pub counters: String,
    /// Promotions.
    pub control: String,
}

impl Tables {
    /// The tables of `stack`.
    pub async fn of(stack: &Stack) -> Result<Self> {
        let table = |name: &str| stack.output(name).map(str::to_owned);
        Ok(Self {
            aws: stack.aws().await,
            orders: table("OrdersTable")?,
            idempotency: table("IdempotencyTable")?,
            quotes: table("QuotesTable")?,
            stores: table("StoresTable")?,
            consumers: table("ConsumersTable")?,
            counters: table("CountersTable")?,
            control: table("ControlTable")?,
        })
    }
}

/// Who orders what in a measurement.
pub struct Basket {
    /// Who.
    pub consumer: Consumer,
    /// What.
    pub cart: Cart,
    /// Paid with.
    pub payment_method: String,
}

/// Baskets of as many different consumers, each of the three items that their store has most of: at night many consumers
/// share the one store that is open, and nothing may run out while it is measured.
pub fn baskets(country: MarketId, market_type: MarketType, count: usize) -> Result<Vec<Basket>> {
    let marketplace = marketplace(1);
    let mut shopper = Shopper::new(&marketplace, SystemClock.now());
    (0..count)
        .map(|_| {
            let (consumer, store) = shopper.pick(country, market_type, Wanted::Open)?;
            let mut items: Vec<&Item> = store.items.iter().filter(|item| item.available).collect();
            items.sort_by_key(|item| Reverse(item.stock));
            let lines = items.iter().take(3).map(|item| CartLine { item_id: item.id.clone(), quantity: 1 }).collect();
            let cart = Cart { lines, ..shopping::delivery(&consumer, &store, 3) };
            let payment_method = shopping::working_card(&consumer)?.id;
            Ok(Basket { consumer, cart, payment_method })
        })
        .collect()
}

type Signer = PlainSeal;
type DynamoQuoting = Quoting<DynamoCatalog, DynamoConsumers, DynamoPromotions, DynamoQuotes, Signer, SystemClock, RandomIds>;
type DynamoSubmit = Submit<
    DynamoCatalog,
    DynamoConsumers,
    DynamoPromotions,
    DynamoQuotes,
    Signer,
    SystemClock,
    RandomIds,
    DynamoSubmissions,
    FakeLogistics,
    FakeQueue,
>;

/// The checkout in one process.
pub struct Rig {
    tables: Tables,
    submit: DynamoSubmit,
    status: DynamoStatusStore,
    confirm_price: ConfirmPrice<DynamoQuoteLocks>,
    reserve_items: ReserveItems<DynamoReservations>,
    check_fraud: CheckFraud<FakeFraud>,
    authorize_payment: AuthorizePayment<FakePayments>,
    create_delivery: CreateDelivery<FakeLogistics>,
    notify_merchant: NotifyMerchant<FakeMerchants>,
    await_merchant: AwaitMerchant<DynamoAnswers, FakeCallbacks>,
    capture_payment: CapturePayment<FakePayments>,
    complete_order: CompleteOrder<DynamoOrders, DynamoClosing, FakePager>,
}

impl Rig {
    /// On the tables of a stack.
    pub fn new(tables: Tables) -> Self {
        let Tables { aws, orders, idempotency, quotes, stores, consumers, counters, control } = &tables;
        let clock = ManualClock::at(SystemClock.now());
        let payments = FakePayments::new(&clock, true);
        let logistics = FakeLogistics::new(&clock);
        let quoting: DynamoQuoting = Quoting {
            catalog: DynamoCatalog::new(aws, stores),
            consumers: DynamoConsumers::new(aws, consumers),
            promotions: DynamoPromotions::new(aws, control, counters),
            quotes: DynamoQuotes::new(aws, quotes),
            engine: Arc::new(PriceEngine::standard(samples::markets().into_source(), SystemTimer)),
            signer: PlainSeal::default(),
            clock: SystemClock,
            ids: RandomIds,
            lock_for: 900_000,
        };
        let submit = Submit {
            quoting,
            submissions: DynamoSubmissions::new(aws, orders, idempotency, quotes, consumers),
            logistics: logistics.clone(),
            queue: FakeQueue::default(),
            orchestrator: orchestrator(),
            routing: RoutingRules::default(),
        };
        Self {
            submit,
            status: DynamoStatusStore::new(aws, orders),
            confirm_price: ConfirmPrice { locks: DynamoQuoteLocks::new(aws, orders, quotes) },
            reserve_items: ReserveItems { reservations: DynamoReservations::new(aws, orders, stores, counters) },
            check_fraud: CheckFraud { fraud: FakeFraud::new(&clock) },
            authorize_payment: AuthorizePayment { payments: payments.clone() },
            create_delivery: CreateDelivery { logistics },
            notify_merchant: NotifyMerchant { merchants: FakeMerchants::new(&clock) },
            await_merchant: AwaitMerchant { answers: DynamoAnswers::new(aws, orders), callbacks: FakeCallbacks::default() },
            capture_payment: CapturePayment { payments },
            complete_order: CompleteOrder {
                orders: DynamoOrders::new(aws, orders),
                closing: DynamoClosing::new(aws, orders, quotes),
                pager: FakePager::default(),
            },
            tables,
        }
    }

    /// The tables.
    pub const fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Requests that were sent to DynamoDB so far.
    pub fn requests(&self) -> u64 {
        self.tables.aws.requests().total()
    }

    /// A quote for a basket. Not part of any measurement.
    pub async fn quote(&self, basket: &Basket) -> Result<Quote> {
        Ok(self.submit.quoting.quote(&basket.consumer.id, &basket.cart).await?)
    }

    /// Submits an order at a quote. Gives the message that its workflow would be started with.
    pub async fn submit(&self, basket: &Basket, quote: &Quote) -> Result<OrderSubmitted> {
        let request = CheckoutRequest {
            quote_id: quote.terms.id.clone(),
            quote_signature: quote.signature.clone(),
            payment_method_id: basket.payment_method.clone(),
        };
        let key = IdempotencyKey { record_id: new_id("key"), validation: "bench".to_owned() };
        let submitted = self.submit.submit(&basket.consumer.id, &request, &key, "bench", || 0.0).await?;
        let sent = self.submit.queue.sent();
        let message = sent.into_iter().rev().find(|message| message.order_id == submitted.answer.order_id);
        message.context("the order's message was not sent")
    }

    /// Runs every stage of the order's workflow, telling the steps of each stage as they end.
    pub async fn process(&self, order: &OrderSubmitted, mut ended: impl FnMut(&str)) -> Result<()> {
        let workflow = self.submit.orchestrator.pick(&order.country, &order.market_type)?;
        for stage in &workflow.stages {
            try_join_all(stage.steps().iter().map(|spec| self.step(&spec.step, order))).await?;
            ended(&stage.steps().iter().map(|spec| spec.step.as_str()).collect::<Vec<_>>().join(" ∥ "));
        }
        self.step(&workflow.finish.step, order).await?;
        ended(&workflow.finish.step);
        Ok(())
    }

    async fn step(&self, step: &str, order: &OrderSubmitted) -> Result<()> {
        let mut input = execution_input(order);
        input["action"] = json!("process");
        input["task_token"] = json!("token");
        let input: StepInput = serde_json::from_value(input)?;
        let (now, lease) = (SystemClock.now(), SystemClock.now() + 10_000);
        let wrong = |step: &str, error: String| anyhow!("{step}: {error}");
        macro_rules! effect {
            ($step:expr) => {
                run::process(&$step, &self.status, &input, now, lease)
                    .await
                    .map(drop)
                    .map_err(|error| wrong(step, error.to_string()))
            };
        }
        match step {
            "confirm-price" => {
                self.confirm_price.process(&input, now).await.map(drop).map_err(|error| wrong(step, error.to_string()))
            }
            "reserve-items" => effect!(self.reserve_items),
            "check-fraud" => effect!(self.check_fraud),
            "authorize-payment" => effect!(self.authorize_payment),
            "create-delivery" => effect!(self.create_delivery),
            "notify-merchant" => effect!(self.notify_merchant),
            "await-merchant" => {
                self.await_merchant.process(&input, now).await.map_err(|error| wrong(step, error.to_string()))?;
                self.await_merchant.answer(&input.id, &MerchantAnswer::Accepted, now).await?;
                Ok(())
            }
            "capture-payment" => effect!(self.capture_payment),
            "complete-order" => {
                self.complete_order.process(&input, now).await.map(drop).map_err(|error| wrong(step, error.to_string()))
            }
            other => bail!("the benchmark knows no step {other}"),
        }
    }

    /// Whether the order is placed, by the store.
    pub async fn is_placed(&self, order_id: &str) -> Result<bool> {
        let orders = DynamoOrders::new(&self.tables.aws, &self.tables.orders);
        let order = orders.order(order_id).await?.context("the order is gone")?;
        Ok(order.status == OrderStatus::Placed)
    }
}

/// The checkout's own task plan on stores that take their time: consumer and quote 60 ms, store 100 ms, coverage 10 ms.
pub async fn checkout_plan() -> Result<PlanReport> {
    let pause = Pause::with(|call| {
        // A pause comes before and after each call: half of its time each.
        let milliseconds = match call {
            "consumer_and_quote" => 30,
            "store" => 50,
            "covers" => 5,
            _ => 0,
        };
        tokio::time::sleep(Duration::from_millis(milliseconds)).boxed()
    });
    let clock = ManualClock::at(samples::NOON);
    let store = Store::new(&clock).pausing(pause.clone());
    store.put_store(samples::store("sto_bench", ids::US, MarketType::Restaurant));
    store.put_consumer(samples::consumer("con_bench"));
    let submit = Submit {
        quoting: Quoting {
            catalog: store.clone(),
            consumers: store.clone(),
            promotions: store.clone(),
            quotes: store.clone(),
            engine: Arc::new(PriceEngine::standard(samples::markets().into_source(), SystemTimer)),
            signer: PlainSeal::default(),
            clock: clock.clone(),
            ids: RandomIds,
            lock_for: 900_000,
        },
        submissions: store.clone(),
        logistics: FakeLogistics::new(&clock).pausing(pause),
        queue: FakeQueue::default(),
        orchestrator: orchestrator(),
        routing: RoutingRules::default(),
    };
    let consumer = store.consumer("con_bench").await?.context("the consumer is gone")?;
    let quote = submit.quoting.quote(&consumer.id, &samples::cart("sto_bench", 1)).await?;
    let request = CheckoutRequest {
        quote_id: quote.terms.id.clone(),
        quote_signature: quote.signature.clone(),
        payment_method_id: consumer.payment_methods.first().context("the consumer has no card")?.id.clone(),
    };
    let key = IdempotencyKey { record_id: new_id("key"), validation: String::new() };
    let started = Arc::new(Instant::now());
    let submitted =
        submit.submit(&consumer.id, &request, &key, "bench", move || started.elapsed().as_secs_f64() * 1_000.0).await?;
    Ok(submitted.report)
}
