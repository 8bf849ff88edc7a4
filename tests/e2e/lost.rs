//! Orders that stopped moving: their message was lost, or their execution ended too early. The sweeper drives them on.

use crate::harness::{Fixture, Harness, eventually};
use crate::webhooks::{accept, waiting};
use anyhow::{Result, ensure};
use carryout_aws::{
    DynamoCatalog, DynamoConsumers, DynamoPromotions, DynamoQuotes, DynamoStuckOrders, DynamoSubmissions, SfnExecutions, SqsQueue,
};
use carryout_checkout::{
    order::{OrderFacts, OrderStatus, OrderSubmitted, execution_input, execution_name},
    ports::{ExecutionState, Executions as _, IdempotencyKey, OrderQueue, StuckOrders as _},
    quoting::{PriceEngine, Quoting},
    routing::{ReleaseTrack, RoutingRules},
    submit::{CheckoutRequest, Submit},
    workflows::orchestrator,
};
use carryout_environment::{Clock, Ids, StorageError};
use carryout_lambda::clock::{SystemClock, SystemTimer};
use carryout_lambda::idempotency::record_id;
use carryout_lambda::ids::{RandomIds, new_id};
use carryout_market::{MarketType, Markets, ids};
use carryout_partners::{Http, HttpLogistics};
use carryout_pricing::Quote;
use carryout_workflow::Direction;
use serde_json::json;
use std::sync::Arc;

/// A clock that is late, so that what it stamps counts as old.
#[derive(Clone, Copy)]
pub struct Ago(pub i64);

impl Clock for Ago {
    fn now(&self) -> i64 {
        SystemClock.now_ms() - self.0
    }
}

/// Late by more than an order may stand still.
pub const LONG_AGO: Ago = Ago(5 * 60 * 1_000);

/// Gives one id that is known beforehand.
#[derive(Clone)]
struct Known(String);

impl Ids for Known {
    fn new_id(&self, _prefix: &str) -> String {
        self.0.clone()
    }
}

/// A queue that is down.
struct Down;

impl OrderQueue for Down {
    async fn send(&self, _message: &OrderSubmitted) -> Result<(), StorageError> {
        Err(StorageError::Unavailable("the queue is down".to_owned()))
    }
}

/// Submits an order just as `submit-checkout` does, on the stack's own tables, while the queue is down.
pub async fn submit_and_lose_the_message(
    fixture: &Fixture<'_>,
    quote: &Quote,
    clock: impl Clock,
    ids: impl Ids,
) -> Result<String> {
    let harness = fixture.harness;
    let (orders, idempotency) = (harness.output("OrdersTable")?, harness.output("IdempotencyTable")?);
    let (quotes, consumers) = (harness.output("QuotesTable")?, harness.output("ConsumersTable")?);
    let submit = Submit {
        quoting: Quoting {
            catalog: DynamoCatalog::new(&harness.aws, harness.output("StoresTable")?),
            consumers: DynamoConsumers::new(&harness.aws, consumers),
            promotions: DynamoPromotions::new(&harness.aws, harness.output("ControlTable")?, harness.output("CountersTable")?),
            engine: Arc::new(PriceEngine::standard(Markets::embedded()?.into_source(), SystemTimer)),
            quotes: DynamoQuotes::new(&harness.aws, quotes),
            signer: harness.keys("QuoteSecret").await?,
            clock,
            ids,
            lock_for: 900_000,
        },
        submissions: DynamoSubmissions::new(&harness.aws, orders, idempotency, quotes, consumers),
        logistics: HttpLogistics::new(Http::default(), format!("{}/logistics", harness.output("SandboxUrl")?)),
        queue: Down,
        orchestrator: orchestrator(),
        routing: RoutingRules::default(),
    };
    let request = CheckoutRequest {
        quote_id: quote.terms.id.clone(),
        quote_signature: quote.signature.clone(),
        payment_method_id: fixture.working_card()?.id,
    };
    let key = IdempotencyKey {
        record_id: record_id("submit-checkout", &fixture.consumer.id, &new_id("key")),
        validation: "none".to_owned(),
    };
    let submitted = submit.submit(&fixture.consumer.id, &request, &key, &new_id("trace"), || 0.0).await?;
    ensure!(submitted.first && !submitted.message_sent, "the message was sent");
    Ok(submitted.answer.order_id)
}

/// Sweeps. Where that can't be asked for, the schedule does it within a minute.
async fn sweep(harness: &Harness) -> Result<()> {
    if let Some(swept) = harness.invoke("sweep-orders", &json!({})).await? {
        ensure!(swept["orders"]["failed"] == 0 && swept["refunds"]["failed"] == 0, "the sweep failed: {swept}");
    }
    Ok(())
}

fn executions(harness: &Harness) -> Result<SfnExecutions> {
    Ok(SfnExecutions::new(&harness.aws, harness.output("StateMachinePrefix")?))
}

#[tokio::test]
async fn an_order_whose_message_was_lost_is_started_by_the_sweeper() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = submit_and_lose_the_message(&fixture, &quote, LONG_AGO, RandomIds).await?;
    sweep(&harness).await?;
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_eq!(view.run, 1);
    Ok(())
}

#[tokio::test]
async fn an_order_that_was_written_just_now_is_not_stuck() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.pickup()).await?;
    let id = submit_and_lose_the_message(&fixture, &quote, SystemClock, RandomIds).await?;
    sweep(&harness).await?;
    let view = fixture.view(&id).await?;
    assert_eq!((view.status, view.run), (OrderStatus::Submitted, 1), "its message may still be on the way");
    let queue = SqsQueue::new(&harness.aws, harness.output("OrdersQueueUrl")?);
    queue.send(&OrderSubmitted::of(&harness.stored(&id).await?)).await?;
    fixture.assert_placed(&id, &quote).await?;
    Ok(())
}

/// The first run's execution ends before the order exists, and so without closing it.
#[tokio::test]
async fn an_order_whose_execution_ended_too_early_goes_on_in_the_next_run() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    let quote = fixture.quote(&fixture.cart()).await?;
    let (id, executions) = (new_id("ord"), executions(&harness)?);
    let (workflow, first) = ("checkout-standard", execution_name(&id, 1));
    let input = execution_input(&OrderSubmitted {
        order_id: id.clone(),
        country: "US".to_owned(),
        market_type: "restaurant".to_owned(),
        workflow: None,
        release_track: ReleaseTrack::Live,
        run: 1,
        direction: Direction::Forward,
        failure: None,
        facts: OrderFacts { quote_id: quote.terms.id.clone(), total: quote.terms.price.total },
        correlation_id: new_id("trace"),
    });
    executions.start(workflow, &first, &input).await?;
    let ended = async || Ok((executions.state(workflow, &first).await? == ExecutionState::Ended).then_some(()));
    eventually("the first execution ends", ended).await?;

    assert_eq!(submit_and_lose_the_message(&fixture, &quote, LONG_AGO, Known(id.clone())).await?, id);
    sweep(&harness).await?;
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_eq!(view.run, 2);
    assert_eq!(executions.state(workflow, &execution_name(&id, 3)).await?, ExecutionState::NotFound);
    Ok(())
}

#[tokio::test]
async fn an_order_whose_execution_runs_is_left_alone() -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::AU, MarketType::Restaurant).await?;
    // Its execution runs for as long as this test likes.
    let (id, quote) = waiting(&fixture).await?;
    let before = fixture.view(&id).await?;

    let stuck: DynamoStuckOrders = DynamoStuckOrders::new(&harness.aws, harness.output("OrdersTable")?);
    stuck.look_again(&id, 1, LONG_AGO.now()).await?;
    let is_stuck = async || {
        let found = stuck.stuck(SystemClock.now_ms(), 1_000).await?;
        anyhow::Ok(found.iter().any(|order| order.id == id))
    };
    sweep(&harness).await?;
    eventually("the sweeper looks at it", async || Ok((!is_stuck().await?).then_some(()))).await?;
    assert_eq!(fixture.view(&id).await?, before, "it is in the same run, and nothing happened to it");
    assert_eq!(executions(&harness)?.state(&before.workflow, &execution_name(&id, 2)).await?, ExecutionState::NotFound);

    accept(&harness, &id).await?;
    let view = fixture.assert_placed(&id, &quote).await?;
    assert_eq!(view.run, 1);
    Ok(())
}
