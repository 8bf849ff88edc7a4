use crate::{
    breakdown::{Adjustment, PriceBreakdown, Source},
    collector::Collector,
    component::Component,
    context::{Context, ContextLine, DELIVERY_FEE},
    error::PricingError,
    policy::Policy,
    price::{ChargeKind, Shares},
    promotion::{Benefit, DiscountAmount, Promotion, Scope},
};
use carryout_money::Rate;
use std::cmp::Reverse;

/// Promotions on lines.
pub(crate) struct LineDiscounts;

/// Promotions on fees. They follow those on lines, because a fee may depend on the lines' amounts.
pub(crate) struct FeeDiscounts;

impl Collector for LineDiscounts {
    fn name(&self) -> &'static str {
        "discounts"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Charge(ChargeKind::Discount)]
    }

    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        let mut capacity = DiscountCapacity::default();
        for index in in_order(context, |promotion| fee_of(promotion).is_none()) {
            let promotion = &context.promotions[index];
            if !applies(promotion, context, breakdown) {
                continue;
            }
            capacity.open(promotion, context, breakdown);
            let mut shares = vec![0; context.lines.len()];
            capacity.discount(promotion, context, &mut shares)?;
            let amount: i64 = shares.iter().sum();
            apply(index, promotion, -amount, Shares { lines: negated(shares), ..Shares::default() }, breakdown)?;
        }
        Ok(())
    }
}

impl Collector for FeeDiscounts {
    fn name(&self) -> &'static str {
        "fee_discounts"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Charge(ChargeKind::Discount)]
    }

    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        for index in in_order(context, |promotion| fee_of(promotion).is_some()) {
            let promotion = &context.promotions[index];
            let Some(fee) = fee_of(promotion).filter(|_| applies(promotion, context, breakdown)) else { continue };
            let mut left = promotion.cap.unwrap_or(i64::MAX);
            let mut shares = vec![0; breakdown.fees().len()];
            for (share, charged) in shares.iter_mut().zip(breakdown.fees()).filter(|(_, charged)| charged.code == fee) {
                let off = match off(promotion, breakdown.subtotal()) {
                    None => charged.net,
                    Some(DiscountAmount::Percent(rate)) => context.policy.rounding.share(charged.net, rate)?,
                    Some(DiscountAmount::Fixed(amount)) => amount,
                };
                *share = off.min(charged.net).min(left);
                left -= *share;
            }
            let amount: i64 = shares.iter().sum();
            apply(index, promotion, -amount, Shares { fees: negated(shares), ..Shares::default() }, breakdown)?;
        }
        Ok(())
    }
}

/// The indexes of the wanted promotions in the order in which they apply, whatever the order of the context's list.
fn in_order(context: &Context, is_wanted: impl Fn(&Promotion) -> bool) -> Vec<usize> {
    let mut order: Vec<usize> = (0..context.promotions.len()).filter(|index| is_wanted(&context.promotions[*index])).collect();
    order.sort_unstable_by_key(|index| {
        let promotion = &context.promotions[*index];
        (Reverse(promotion.priority), promotion.id.as_str())
    });
    order
}

/// The code of the fee that a promotion applies to.
fn fee_of(promotion: &Promotion) -> Option<&str> {
    match (&promotion.benefit, &promotion.scope) {
        (Benefit::FreeDelivery, _) => Some(DELIVERY_FEE),
        (_, Scope::Fee(code)) => Some(code),
        (_, Scope::AcrossLines | Scope::EachLine) => None,
    }
}

fn applies(promotion: &Promotion, context: &Context, breakdown: &PriceBreakdown<'_>) -> bool {
    let is_admitted = !breakdown.is_closed() && (!promotion.exclusive || !breakdown.has_discounts());
    is_admitted
        && breakdown.subtotal() >= promotion.minimum_subtotal
        && promotion.condition.as_ref().is_none_or(|condition| condition.holds(&context.attributes, &context.groups))
}

fn apply<'a>(
    index: usize,
    promotion: &'a Promotion,
    amount: i64,
    shares: Shares,
    breakdown: &mut PriceBreakdown<'a>,
) -> Result<(), PricingError> {
    if amount == 0 {
        return Ok(());
    }
    if promotion.exclusive {
        breakdown.close();
    }
    breakdown.add(Adjustment {
        component: Component::Charge(ChargeKind::Discount),
        source: Source::Promotion(index),
        code: promotion.id.as_str().into(),
        name: promotion.name.as_str().into(),
        amount,
        included: false,
        shares,
    })
}

fn negated(mut shares: Vec<i64>) -> Vec<i64> {
    shares.iter_mut().for_each(|share| *share = -*share);
    shares
}

/// A promotion's discount on `amount`, unless it waives the delivery fee.
fn off(promotion: &Promotion, amount: i64) -> Option<DiscountAmount> {
    match &promotion.benefit {
        Benefit::Percent(rate) => Some(DiscountAmount::Percent(*rate)),
        Benefit::Fixed(fixed) => Some(DiscountAmount::Fixed(*fixed)),
        Benefit::Tiered(tiers) => {
            let tier = tiers.iter().filter(|tier| tier.from <= amount).max_by_key(|tier| tier.from);
            Some(tier.map_or(DiscountAmount::Fixed(0), |tier| tier.off))
        }
        Benefit::FreeDelivery => None,
        Benefit::BuyXGetY { .. } => Some(DiscountAmount::Fixed(0)),
    }
}

/// How much a promotion may discount the eligible lines. Reused from one promotion to the next to save allocations.
#[derive(Default)]
struct DiscountCapacity {
    /// Each line's current amount; zero if it is not eligible.
    costs: Vec<u64>,
    /// How much of that may be discounted.
    capacities: Vec<i64>,
    /// The eligible lines before discounts.
    gross: i64,
    /// Indexes of lines, cheapest first.
    cheapest: Vec<usize>,
}

impl DiscountCapacity {
    fn open(&mut self, promotion: &Promotion, context: &Context, breakdown: &PriceBreakdown<'_>) {
        self.costs.clear();
        self.costs.reserve(context.lines.len());
        self.capacities.clear();
        self.capacities.reserve(context.lines.len());
        self.gross = 0;
        for (line, amounts) in context.lines.iter().zip(breakdown.lines()) {
            let is_eligible = (promotion.items.is_empty() || promotion.items.iter().any(|item| **item == *line.item_id))
                && promotion.lines.as_ref().is_none_or(|lines| lines.holds(&line.attributes, &context.groups));
            let (cost, capacity) = if is_eligible { (amounts.net, (amounts.net - amounts.minimum).max(0)) } else { (0, 0) };
            self.costs.push(cost.unsigned_abs());
            self.capacities.push(capacity);
            self.gross = self.gross.saturating_add(if is_eligible { amounts.gross } else { 0 });
        }
    }

    /// Writes the discount of each line; never more than its capacity, and together at most the promotion's cap.
    fn discount(&mut self, promotion: &Promotion, context: &Context, shares: &mut [i64]) -> Result<(), PricingError> {
        let policy = &context.policy;
        let all: i64 = self.capacities.iter().sum();
        let most = promotion.cap.unwrap_or(i64::MAX).min(all);
        if let Benefit::BuyXGetY { buy, get, rate, times } = &promotion.benefit {
            self.discount_units(context, (*buy, *get, *rate, times.unwrap_or(u32::MAX)), shares)?;
            limit(policy, most, shares);
            return Ok(());
        }
        let off = off(promotion, self.gross).unwrap_or(DiscountAmount::Fixed(0));
        if promotion.scope == Scope::EachLine {
            for ((share, cost), capacity) in shares.iter_mut().zip(&self.costs).zip(&self.capacities) {
                let wanted = match off {
                    DiscountAmount::Percent(rate) => policy.rounding.share(cost.cast_signed(), rate)?,
                    DiscountAmount::Fixed(amount) => amount,
                };
                *share = wanted.min(*capacity);
            }
            limit(policy, most, shares);
            return Ok(());
        }
        let wanted = match off {
            DiscountAmount::Percent(rate) => policy.rounding.share(self.costs.iter().sum::<u64>().cast_signed(), rate)?,
            DiscountAmount::Fixed(amount) => amount,
        };
        self.spread(policy, wanted.min(most), shares);
        Ok(())
    }

    /// Allocates `amount`, which the capacities together can hold, in proportion to the lines' amounts. A line's excess over
    /// its capacity goes to the others in proportion to their remaining capacities.
    fn spread(&mut self, policy: &Policy, amount: i64, shares: &mut [i64]) {
        if amount == 0 {
            return;
        }
        policy.spread(amount, &self.costs, shares);
        let mut left = 0;
        for ((share, capacity), remaining) in shares.iter_mut().zip(&self.capacities).zip(&mut self.costs) {
            left += (*share - capacity).max(0);
            *share = (*share).min(*capacity);
            *remaining = (capacity - *share).unsigned_abs();
        }
        if left > 0 {
            let mut more = vec![0; shares.len()];
            policy.spread(left, &self.costs, &mut more);
            shares.iter_mut().zip(more).for_each(|(share, more)| *share += more);
        }
    }

    /// Discounts the cheapest `get` of every `buy + get` units by `rate`.
    fn discount_units(
        &mut self,
        context: &Context,
        (buy, get, rate, times): (u32, u32, Rate, u32),
        shares: &mut [i64],
    ) -> Result<(), PricingError> {
        let counts = |index: &usize| self.costs[*index] > 0 && context.lines[*index].weight.is_none();
        self.cheapest.clear();
        self.cheapest.reserve(context.lines.len());
        self.cheapest.extend((0..context.lines.len()).filter(counts));
        self.cheapest.sort_by_key(|index| context.lines[*index].unit_price);
        let units: u64 = self.cheapest.iter().map(|index| u64::from(context.lines[*index].quantity)).sum();
        let sets = (units / (u64::from(buy) + u64::from(get))).min(u64::from(times));
        let mut left = sets * u64::from(get);
        for index in &self.cheapest {
            let line: &ContextLine = &context.lines[*index];
            let count = left.min(u64::from(line.quantity));
            left -= count;
            // At most 100 000 units of at most 10⁹ each.
            let worth = line.unit_price.saturating_mul(count.cast_signed());
            shares[*index] = context.policy.rounding.share(worth, rate)?.min(self.capacities[*index]);
        }
        Ok(())
    }
}

/// Lowers the shares so that their sum is at most `most`.
fn limit(policy: &Policy, most: i64, shares: &mut [i64]) {
    if shares.iter().sum::<i64>() > most {
        let weights: Vec<u64> = shares.iter().map(|share| share.unsigned_abs()).collect();
        policy.spread(most, &weights, shares);
    }
}
