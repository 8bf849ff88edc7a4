//! Redemption limits for promotions and credits.
//!
//! [`UsageCounter`]s hold how much orders have redeemed. A limit over all orders is spread over [`SHARDS`] counters, so that
//! a popular promotion is not one item that every order writes: each shard has its part of the uses and of the budget, and
//! the parts add up to the limit. An order redeems from the shard that its id selects and, where too little is left there,
//! from others, several together if needed. An order is refused only where all shards together have less left than it asks
//! for. A limit per consumer is one more counter. A counter that does not exist has redeemed nothing; limits are stored with
//! the promotion alone. A raised limit applies at once. A lowered limit ends the offers at once, while orders whose quotes
//! were made before may still redeem what single counters have left of their part.

use crate::{
    consumer::{Consumer, StoredCredit},
    order::Order,
};
use carryout_market::{Market, MarketId};
use carryout_predicate::cohort::place;
use carryout_pricing::{Allowance, ChargeKind, ComponentId, Credit, LimitedAmount, LimitedComponent, Limits, Promotion};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Display};

/// Counters over which a limit for all orders is spread.
pub const SHARDS: u32 = 16;
/// Writes of one transaction, at most.
const TRANSACTION: usize = 100;

/// Redemptions so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UsageCounter {
    /// Orders that redeemed it.
    pub uses: u32,
    /// Amount redeemed, in minor units.
    pub given: i64,
}

/// Counters by key; those that don't exist are missing.
pub type UsageCounters = BTreeMap<String, UsageCounter>;

/// An order's share of one counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// The counter's key.
    pub counter: String,
    /// One, or none where the order's use was counted by another counter.
    pub uses: u32,
    /// How much, in minor units.
    pub amount: i64,
}

/// A redemption, and what all redemptions from its counter may take together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The redemption.
    pub redemption: Redemption,
    /// What the counter may give.
    pub allowance: Allowance,
}

/// What an order has reserved: the response of the step, from which its undo returns exactly what was redeemed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reserved {
    /// Lines whose items were taken out of stock.
    pub lines: usize,
    /// What was redeemed.
    #[serde(default)]
    pub redemptions: Vec<Redemption>,
}

impl Reserved {
    /// What reserving these redemptions for the order amounts to.
    pub fn of(order: &Order, planned: &[Planned]) -> Self {
        let redemptions = planned.iter().map(|planned| planned.redemption.clone()).collect();
        Self { lines: order.quote.terms.price.lines.len(), redemptions }
    }
}

impl UsageCounter {
    /// What of `allowance` is left.
    fn left(self, allowance: Allowance) -> Allowance {
        Allowance {
            uses: allowance.uses.map(|uses| uses.saturating_sub(self.uses)),
            budget: allowance.budget.map(|budget| (budget - self.given).max(0)),
        }
    }
}

/// The part of what all orders together get that the counter of a shard has. The parts add up to the whole.
fn part(whole: Allowance, shard: u32) -> Allowance {
    let one_more = |rest: i64| i64::from(i64::from(shard) < rest);
    let shards = i64::from(SHARDS);
    Allowance {
        uses: whole.uses.map(|uses| uses / SHARDS + u32::from(shard < uses % SHARDS)),
        budget: whole.budget.map(|budget| budget / shards + one_more(budget % shards)),
    }
}

fn fits(left: Allowance, amount: i64) -> bool {
    left.uses.is_none_or(|uses| uses > 0) && left.budget.is_none_or(|budget| budget >= amount)
}

/// What is limited: a component of a market's prices.
struct Of<'a> {
    market: MarketId,
    component: &'a ComponentId,
}

impl Of<'_> {
    fn key(&self, of: impl Display) -> String {
        // Each market has promotions of its own; a consumer's credit is the same one in every market.
        if self.component.kind() == Some(ChargeKind::Credit) {
            format!("{}#{of}", self.component)
        } else {
            format!("{}#{}#{of}", self.market, self.component)
        }
    }

    fn shard(&self, shard: u32) -> String {
        self.key(shard)
    }

    fn consumer(&self, consumer_id: &str) -> String {
        self.key(consumer_id)
    }

    fn keys(&self, limits: &Limits, consumer_id: &str) -> Vec<String> {
        let shards = if limits.total.is_unlimited() { 0 } else { SHARDS };
        let consumer = (!limits.per_consumer.is_unlimited()).then(|| self.consumer(consumer_id));
        (0..shards).map(|shard| self.shard(shard)).chain(consumer).collect()
    }
}

/// The keys of every counter of what is limited for a consumer in a market.
pub fn counters_of<'a>(
    market: MarketId,
    consumer_id: &str,
    limited: impl IntoIterator<Item = (&'a ComponentId, &'a Limits)>,
) -> Vec<String> {
    limited.into_iter().flat_map(|(component, limits)| Of { market, component }.keys(limits, consumer_id)).collect()
}

/// The keys of every counter that an order may redeem from.
pub fn counters_for(order: &Order) -> Vec<String> {
    let limited = order.quote.terms.limited.iter().map(|LimitedComponent { component, limits }| (component, limits));
    counters_of(order.country, &order.consumer.id, limited)
}

/// What a consumer's next order in a market can still get of `component`.
pub fn left(
    market: MarketId,
    consumer_id: &str,
    component: &ComponentId,
    limits: &Limits,
    counters: &UsageCounters,
) -> Allowance {
    let of = Of { market, component };
    let counter = |key: &String| counters.get(key).copied().unwrap_or_default();
    let shards = || (0..SHARDS).map(|shard| counter(&of.shard(shard)).left(part(limits.total, shard)));
    let taken = (0..SHARDS)
        .map(|shard| counter(&of.shard(shard)))
        .fold(UsageCounter::default(), |sum, one| UsageCounter { uses: sum.uses + one.uses, given: sum.given + one.given });
    // The same, unless limits were lowered below what single counters had given.
    let whole = taken.left(limits.total);
    let uses = whole.uses.map(|whole| shards().filter_map(|left| left.uses).sum::<u32>().min(whole));
    let budget = whole.budget.map(|whole| shards().filter_map(|left| left.budget).sum::<i64>().min(whole));
    let own = counter(&of.consumer(consumer_id)).left(limits.per_consumer);
    Allowance { uses: uses.into_iter().chain(own.uses).min(), budget: budget.into_iter().chain(own.budget).min() }
}

/// Of what is limited, promotions and credits of one price, at most each. Their counters, the order and the lines of the largest
/// cart fit into one transaction.
const MOST: usize = 3;

fn component_of(promotion: &Promotion) -> ComponentId {
    ComponentId::charge(ChargeKind::Discount, promotion.id.as_str())
}

fn component_of_credit(credit: &Credit) -> ComponentId {
    ComponentId::charge(ChargeKind::Credit, credit.id.as_str())
}

/// The keys of the counters that tell what is left of promotions for a consumer.
pub fn counters_of_promotions(market: MarketId, consumer_id: &str, promotions: &[Promotion]) -> Vec<String> {
    let limited = promotions.iter().filter(|promotion| !promotion.limits.are_none());
    limited.flat_map(|one| counters_of(market, consumer_id, [(&component_of(one), &one.limits)])).collect()
}

/// The promotions as a consumer's next order in a market can get them: without those that are used up, and none that gives more
/// than is left of it. Of those that are limited, the first three.
pub fn offered(mut promotions: Vec<Promotion>, market: MarketId, consumer_id: &str, counters: &UsageCounters) -> Vec<Promotion> {
    let mut limited = 0;
    promotions.retain_mut(|promotion| {
        if promotion.limits.are_none() {
            return true;
        }
        let left = left(market, consumer_id, &component_of(promotion), &promotion.limits, counters);
        if !fits(left, 1) || limited == MOST {
            return false;
        }
        limited += 1;
        promotion.cap = promotion.cap.into_iter().chain(left.budget).min();
        true
    });
    promotions
}

/// The credits of a consumer that pay in this market, the first three, as they were in the beginning.
pub fn credits(market: &Market, consumer: &Consumer) -> Vec<Credit> {
    let in_currency = consumer.credits.iter().filter(|credit| credit.amount.currency == market.currency);
    let credit = |credit: &StoredCredit| Credit {
        id: credit.id.clone(),
        name: credit.name.clone(),
        amount: credit.amount.minor,
        limits: Limits { per_consumer: Allowance { uses: None, budget: Some(credit.amount.minor) }, ..Limits::default() },
    };
    in_currency.take(MOST).map(credit).collect()
}

/// The keys of the counters that tell what is left of credits.
pub fn counters_of_credits(market: MarketId, consumer_id: &str, credits: &[Credit]) -> Vec<String> {
    credits.iter().flat_map(|one| counters_of(market, consumer_id, [(&component_of_credit(one), &one.limits)])).collect()
}

/// The credits with what is left of them, without those that are spent.
pub fn unspent(mut credits: Vec<Credit>, market: MarketId, consumer_id: &str, counters: &UsageCounters) -> Vec<Credit> {
    credits.retain_mut(|credit| {
        let left = left(market, consumer_id, &component_of_credit(credit), &credit.limits, counters);
        credit.amount = left.budget.unwrap_or_default();
        credit.amount > 0
    });
    credits
}

/// Which counters the order redemptions from, where they stand as in `counters`.
///
/// # Errors
///
/// The components of which less is left than the order wants.
pub fn plan(order: &Order, counters: &UsageCounters) -> Result<Vec<Planned>, Vec<ComponentId>> {
    let mut planned = Vec::new();
    let mut used_up = Vec::new();
    let terms = &order.quote.terms;
    let taken = terms.limited_amounts();
    for taken in &taken {
        match redemptions(order, taken, counters) {
            Some(redemptions) => planned.extend(redemptions),
            None => used_up.push(taken.component.clone()),
        }
    }
    // Beside the redemptions there are the order itself and a write for each line.
    if used_up.is_empty() && planned.len() + terms.price.lines.len() + 1 > TRANSACTION {
        used_up = taken.iter().filter(|taken| !taken.limits.total.is_unlimited()).map(|taken| taken.component.clone()).collect();
    }
    if used_up.is_empty() { Ok(planned) } else { Err(used_up) }
}

fn redemptions(order: &Order, taken: &LimitedAmount<'_>, counters: &UsageCounters) -> Option<Vec<Planned>> {
    let LimitedAmount { component, amount, limits } = *taken;
    let of = Of { market: order.country, component };
    let left = |key: &String, allowance| counters.get(key).copied().unwrap_or_default().left(allowance);
    let mut planned = if limits.total.is_unlimited() { Vec::new() } else { shared_draws(order, &of, amount, limits, &left)? };
    if !limits.per_consumer.is_unlimited() {
        let (counter, allowance) = (of.consumer(&order.consumer.id), limits.per_consumer);
        if !fits(left(&counter, allowance), amount) {
            return None;
        }
        planned.push(Planned { redemption: Redemption { counter, uses: 1, amount }, allowance });
    }
    Some(planned)
}

/// The redemptions from what all orders together get: one, where a counter has enough left.
fn shared_draws(
    order: &Order,
    of: &Of<'_>,
    amount: i64,
    limits: &Limits,
    left: &impl Fn(&String, Allowance) -> Allowance,
) -> Option<Vec<Planned>> {
    let home = place(&of.component.to_string(), &order.id, u64::from(SHARDS)) as u32;
    let shards: Vec<(String, Allowance)> =
        (home..home + SHARDS).map(|shard| shard % SHARDS).map(|shard| (of.shard(shard), part(limits.total, shard))).collect();
    let redemption = |(counter, allowance): &(String, Allowance), uses, amount| Planned {
        redemption: Redemption { counter: counter.clone(), uses, amount },
        allowance: *allowance,
    };
    if let Some(enough) = shards.iter().find(|(counter, allowance)| fits(left(counter, *allowance), amount)) {
        return Some(vec![redemption(enough, 1, amount)]);
    }
    let (mut uses, mut amount) = (1, amount);
    let mut planned = Vec::new();
    for shard in &shards {
        let left = left(&shard.0, shard.1);
        let (use_here, here) =
            (left.uses.map_or(uses, |left| left.min(uses)), left.budget.map_or(amount, |left| left.min(amount)));
        if use_here > 0 || here > 0 {
            planned.push(redemption(shard, use_here, here));
            uses -= use_here;
            amount -= here;
        }
    }
    (uses == 0 && amount == 0).then_some(planned)
}
