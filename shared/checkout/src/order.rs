//! The order: everything its steps need, and where each of them stands.

use crate::{
    consumer::{Address, PaymentMethod},
    ledger::LedgerEvent,
    routing::ReleaseTrack,
    store::Location,
};
use carryout_environment::Failure;
use carryout_market::{MarketId, MarketType};
use carryout_money::Money;
use carryout_pricing::{Quote, Refunded};
use carryout_workflow::{Direction, StatusMap, Subject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fmt};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderStatus {
    /// Written, not yet worked on.
    Submitted,
    /// Its workflow runs.
    Processing,
    /// It will be made and delivered, and is paid.
    Placed,
    /// It can't be fulfilled, and every effect is undone.
    Failed,
    /// The consumer took it back, and every effect is undone.
    Cancelled,
    /// An undo could not be finished: an operator is told.
    Parked,
}

impl OrderStatus {
    /// Whether nothing more happens by itself.
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Placed | Self::Failed | Self::Cancelled | Self::Parked)
    }

    /// As in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submitted => "SUBMITTED",
            Self::Processing => "PROCESSING",
            Self::Placed => "PLACED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Parked => "PARKED",
        }
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How the order reaches the consumer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fulfilment {
    /// A courier brings it.
    Delivery {
        /// Where to.
        address: Address,
    },
    /// The consumer fetches it.
    Pickup,
}

/// What a fraud check looks at, collected once at submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FraudFacts {
    /// Days since the account was opened.
    pub account_age_days: u32,
    /// Orders placed before this one.
    pub orders_placed: u32,
    /// Whether the store is in another country than the account.
    pub abroad: bool,
}

/// The store, as far as the order's steps need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderStore {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Street address.
    pub address: String,
    /// Where it is.
    pub location: Location,
    /// Minutes from order to ready.
    pub prep_minutes: u16,
}

/// The consumer, as far as the order's steps need it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderConsumer {
    /// Its id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// E.164 number that the courier may call.
    pub phone: String,
}

/// An order: everything its steps need, loaded once at submit, and where each of them stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Its id, `ord_…`.
    pub id: String,
    /// Who ordered.
    pub consumer: OrderConsumer,
    /// From where.
    pub store: OrderStore,
    /// The market's country.
    pub country: MarketId,
    /// The market's type.
    pub market_type: MarketType,
    /// The workflow that handles it.
    pub workflow: String,
    /// Which versions of the steps handle it, in every run.
    #[serde(default)]
    pub release_track: ReleaseTrack,
    /// How it reaches the consumer.
    pub fulfilment: Fulfilment,
    /// What is bought, and for how much: the locked quote.
    pub quote: Quote,
    /// What it is paid with.
    pub payment_method: PaymentMethod,
    /// What the fraud check looks at.
    pub fraud_facts: FraudFacts,

    /// Where it stands.
    pub status: OrderStatus,
    /// Which way it moves.
    pub direction: Direction,
    /// The run that may act on it, from 1.
    pub run: u32,
    /// One entry per step.
    pub steps: StatusMap,
    /// Why it turned round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// When its consumer took it back: no step begins after that. Milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_requested_at: Option<i64>,
    /// What was decided by a fallback.
    #[serde(default)]
    pub flags: BTreeSet<String>,
    /// What happened to the money.
    #[serde(default)]
    pub ledger: Vec<LedgerEvent>,
    /// What was given back of its price, what is being given back included.
    #[serde(default)]
    pub refunded: Refunded,
    /// The refund that is under way: the next one begins after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_refund: Option<String>,
    /// Follows it through every log.
    pub correlation_id: String,
    /// When it was submitted. Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it was last written. Milliseconds since the Unix epoch.
    pub updated_at: i64,
    /// Counts its writes, from 1.
    pub version: u64,
}

impl Order {
    /// What the consumer pays.
    pub const fn total(&self) -> Money {
        self.quote.terms.price.total
    }

    /// Whether a courier brings it.
    pub const fn is_delivery(&self) -> bool {
        matches!(self.fulfilment, Fulfilment::Delivery { .. })
    }

    /// The name of its execution in its current run. Step Functions starts no name twice.
    pub fn execution_name(&self) -> String {
        execution_name(&self.id, self.run)
    }
}

/// The name of the execution of an order, or of a refund, in `run`.
pub fn execution_name(id: &str, run: u32) -> String {
    format!("{id}-{run}")
}

impl Subject for Order {
    fn id(&self) -> &str {
        &self.id
    }

    fn status(&self) -> &StatusMap {
        &self.steps
    }

    fn run(&self) -> u32 {
        self.run
    }

    fn direction(&self) -> Direction {
        self.direction
    }

    fn is_closed(&self) -> bool {
        self.status.is_closed()
    }

    fn is_cancel_requested(&self) -> bool {
        self.cancel_requested_at.is_some()
    }
}

/// What is known of a submitted order on its way to its workflow: ids and small facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderSubmitted {
    /// The order.
    pub order_id: String,
    /// Its market's country.
    pub country: String,
    /// Its market's type.
    pub market_type: String,
    /// Its workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Which versions of the steps handle it.
    #[serde(default)]
    pub release_track: ReleaseTrack,
    /// The run to start.
    pub run: u32,
    /// Which way that run goes.
    pub direction: Direction,
    /// Why it turned round, if it did.
    pub failure: Option<Failure>,
    /// What the steps may compare with.
    pub facts: OrderFacts,
    /// Follows the order through every log.
    pub correlation_id: String,
}

/// Small facts that were fixed when the order was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFacts {
    /// The quote that the order used.
    pub quote_id: String,
    /// What the consumer pays.
    pub total: Money,
}

impl OrderSubmitted {
    /// The message for `order` as it stands.
    pub fn of(order: &Order) -> Self {
        Self {
            order_id: order.id.clone(),
            country: order.country.as_str().to_owned(),
            market_type: order.market_type.name().to_owned(),
            workflow: Some(order.workflow.clone()),
            release_track: order.release_track,
            run: order.run,
            direction: order.direction,
            failure: order.failure.clone(),
            facts: OrderFacts { quote_id: order.quote.terms.id.clone(), total: order.total() },
            correlation_id: order.correlation_id.clone(),
        }
    }
}

/// What an execution is given: ids and small facts.
pub fn execution_input(message: &OrderSubmitted) -> Value {
    json!({
        "id": message.order_id,
        "run": message.run,
        "direction": message.direction,
        "failure": message.failure,
        "facts": message.facts,
        "correlation_id": message.correlation_id,
    })
}

/// What a market's workflow works on, run after run: an order, a refund.
pub trait Startable: Subject {
    /// Its market, by which its workflow is picked.
    fn market(&self) -> (MarketId, MarketType);

    /// The workflow that its runs so far were of.
    fn workflow(&self) -> &str;

    /// The track that all its runs take.
    fn release_track(&self) -> ReleaseTrack {
        ReleaseTrack::Live
    }

    /// What its execution in `run` is given: ids and small facts.
    fn execution_input(&self, run: u32) -> Value;
}

impl Startable for Order {
    fn market(&self) -> (MarketId, MarketType) {
        (self.country, self.market_type)
    }

    fn workflow(&self) -> &str {
        &self.workflow
    }

    fn release_track(&self) -> ReleaseTrack {
        self.release_track
    }

    fn execution_input(&self, run: u32) -> Value {
        execution_input(&OrderSubmitted { run, ..OrderSubmitted::of(self) })
    }
}
