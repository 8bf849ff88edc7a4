use crate::{Market, MarketFinding, MarketId, MarketRule, MarketType, lint, parse};
use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, LazyLock},
};

/// The embedded files: name without extension, and text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// A set of markets without errors, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Markets {
    markets: BTreeMap<MarketId, Arc<Market>>,
}

/// Market files that cannot be in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct InvalidMarkets(pub Vec<MarketFinding>);

/// A market takes no such order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// There is no such market.
    #[error("there is no market {0}")]
    Unknown(MarketId),
    /// The market is closed, or planned and not open to this consumer.
    #[error("market {0} is not open")]
    NotOpen(MarketId),
    /// The market has no workflow for the market type.
    #[error("market {market} has no workflow for {market_type} orders")]
    NotSold {
        /// The market.
        market: MarketId,
        /// The market type.
        market_type: MarketType,
    },
}

impl Markets {
    /// The embedded markets, read once per process.
    ///
    /// # Errors
    ///
    /// A file that is not a market: a test ensures that there is none, and that lint accepts them all.
    pub fn embedded() -> Result<Arc<Self>, InvalidMarkets> {
        static EMBEDDED: LazyLock<Result<Arc<Markets>, InvalidMarkets>> = LazyLock::new(|| {
            let markets: Result<Vec<Market>, _> = FILES.iter().map(|(name, text)| parse(&format!("{name}.json"), text)).collect();
            markets.map(|markets| Arc::new(Markets::by_id(markets))).map_err(|finding| InvalidMarkets(vec![finding]))
        });
        EMBEDDED.clone()
    }

    /// These markets, by file.
    ///
    /// # Errors
    ///
    /// All that lint finds.
    pub fn of(markets: Vec<(String, Market)>) -> Result<Self, InvalidMarkets> {
        let findings = lint(&markets);
        if !findings.is_empty() {
            return Err(InvalidMarkets(findings));
        }
        Ok(Self::by_id(markets.into_iter().map(|(_, market)| market)))
    }

    fn by_id(markets: impl IntoIterator<Item = Market>) -> Self {
        Self { markets: markets.into_iter().map(|market| (market.id, Arc::new(market))).collect() }
    }

    /// The same markets with another version of one, or with one more. `file` says where it comes from.
    ///
    /// # Errors
    ///
    /// All that lint finds, and a version that is not higher than the version in force.
    pub fn with(&self, file: &str, market: Market) -> Result<Self, InvalidMarkets> {
        if let Some(in_force) = self.market(market.id)
            && market.version <= in_force.version
        {
            return Err(InvalidMarkets(vec![MarketFinding {
                file: file.to_owned(),
                path: "version".to_owned(),
                rule: MarketRule::Version,
                problem: format!("version {} of {} is in force", in_force.version, market.id),
                instead: format!("write {}", in_force.version.saturating_add(1)),
            }]));
        }
        let others = self.iter().filter(|other| other.id != market.id);
        let mut all: Vec<(String, Market)> = others.map(|other| (file_of(other.id), Market::clone(other))).collect();
        all.push((file.to_owned(), market));
        Self::of(all)
    }

    /// The market with this id.
    pub fn market(&self, id: MarketId) -> Option<&Arc<Market>> {
        self.markets.get(&id)
    }

    /// The market with this id.
    ///
    /// # Errors
    ///
    /// [`NotServed::Unknown`] if there is none.
    pub fn require(&self, id: MarketId) -> Result<&Arc<Market>, NotServed> {
        self.market(id).ok_or(NotServed::Unknown(id))
    }

    /// The markets in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Market>> {
        self.markets.values()
    }

    /// A source of these markets, which do not change.
    pub fn into_source(self: Arc<Self>) -> Arc<dyn MarketSource> {
        Arc::new(Fixed(self))
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = MarketId> {
        self.markets.keys().copied()
    }
}

impl Market {
    /// Admits an order of a consumer.
    ///
    /// # Errors
    ///
    /// [`NotServed::NotOpen`] if the market is closed, or planned and not open to this consumer.
    pub fn admit(&self, consumer_id: &str, employee: bool) -> Result<(), NotServed> {
        if self.opening.admits(self.id, consumer_id, employee) { Ok(()) } else { Err(NotServed::NotOpen(self.id)) }
    }

    /// The workflow of orders of this type.
    ///
    /// # Errors
    ///
    /// [`NotServed::NotSold`] if the market does not sell it.
    pub fn workflow_of(&self, market_type: MarketType) -> Result<&str, NotServed> {
        let workflow = self.checkout.orders.get(&market_type).map(String::as_str);
        workflow.ok_or(NotServed::NotSold { market: self.id, market_type })
    }
}

/// The name of a market's file.
pub fn file_of(id: MarketId) -> String {
    format!("{}.json", id.as_str().to_ascii_lowercase())
}

/// The markets in force.
///
/// Object-safe, so that a service holds its source as `Arc<dyn MarketSource>`.
pub trait MarketSource: Send + Sync {
    /// The markets in force, at most some minutes old. MUST answer soon: when overrides cannot be read or are invalid, with
    /// the last valid markets, or the embedded ones.
    fn markets(&self) -> Pin<Box<dyn Future<Output = Arc<Markets>> + Send + '_>>;
}

/// Markets that do not change.
struct Fixed(Arc<Markets>);

impl MarketSource for Fixed {
    fn markets(&self) -> Pin<Box<dyn Future<Output = Arc<Markets>> + Send + '_>> {
        Box::pin(std::future::ready(Arc::clone(&self.0)))
    }
}
