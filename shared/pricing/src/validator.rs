use crate::{
    breakdown::{Adjustment, PriceBreakdown},
    collector::Collector,
    component::Component,
    context::Context,
    error::Violation,
    price::{ChargeKind, Price, Shares},
};
use carryout_money::Money;

/// A rule that the prices of some market or scenario must keep.
pub trait Rule: Send + Sync {
    /// Describes how a price breaks the rule; `None` if it holds or does not apply. MUST depend on its arguments alone.
    fn violation(&self, context: &Context, breakdown: &PriceBreakdown<'_>) -> Option<String>;
}

/// Finds every violation of a price.
pub(crate) fn violations(
    context: &Context,
    breakdown: &PriceBreakdown<'_>,
    collectors: &[Box<dyn Collector>],
    rules: &[Box<dyn Rule>],
) -> Vec<Violation> {
    let mut found = Vec::new();
    let (mut components, mut fees) = (0_i128, 0);
    for (collector, adjustment) in breakdown.origins() {
        let code = || adjustment.code.clone().into_owned();
        if !adjustment.included {
            components += i128::from(adjustment.amount);
        }
        fees += usize::from(adjustment.component == Component::Charge(ChargeKind::Fee));
        let is_reduction = matches!(adjustment.component, Component::Charge(kind) if kind.is_reduction());
        let shares = || adjustment.shares.lines.iter().chain(&adjustment.shares.fees).chain([&adjustment.shares.tip]);
        let has_sign = |amount: i64| if is_reduction { amount <= 0 } else { amount >= 0 };
        if !has_sign(adjustment.amount) || !shares().copied().all(has_sign) {
            found.push(Violation::Sign(code()));
        }
        if !is_shared(adjustment, context.lines.len(), breakdown.fees().len()) {
            found.push(Violation::Shares(code()));
        }
        let adds = collectors.iter().find(|other| other.name() == collector).map_or(&[][..], |collector| collector.adds());
        if !adds.contains(&adjustment.component) || !adjustment.source.is_in(context) {
            found.push(Violation::Unknown(code()));
        }
    }
    if components != i128::from(breakdown.total()) {
        found.push(Violation::Total { components: i64::try_from(components).unwrap_or(i64::MAX), total: breakdown.total() });
    }
    if breakdown.total() < 0 {
        found.push(Violation::NegativeTotal(breakdown.total()));
    }
    for (line, amounts) in context.lines.iter().zip(breakdown.lines()) {
        // A line that costs less than its minimum before discounts may stay as it is.
        if amounts.net < amounts.minimum.min(amounts.gross) || amounts.net + amounts.added < 0 {
            found.push(Violation::BelowMinimum(line.item_id.to_string()));
        }
    }
    for fee in breakdown.fees() {
        if fee.net < 0 || fee.net + fee.added < 0 {
            found.push(Violation::BelowMinimum(fee.code.clone().into_owned()));
        }
    }
    if fees != breakdown.fees().len() {
        found.push(Violation::Unknown("fee".to_owned()));
    }
    if breakdown.tip() < 0 {
        found.push(Violation::BelowMinimum("tip".to_owned()));
    }
    found.extend(rules.iter().filter_map(|rule| rule.violation(context, breakdown)).map(Violation::Rule));
    found
}

/// Whether an adjustment's shares add up to it. Fees and the tip have no shares: others are allocated to them.
fn is_shared(adjustment: &Adjustment<'_>, lines: usize, fees: usize) -> bool {
    let shares = &adjustment.shares;
    let has_none = matches!(adjustment.component, Component::Charge(ChargeKind::Fee) | Component::Tip);
    let has_places =
        [(shares.lines.len(), lines), (shares.fees.len(), fees)].iter().all(|(has, wanted)| *has == 0 || has == wanted);
    if has_none { shares.is_empty() } else { has_places && shares.sum() == Some(adjustment.amount) }
}

impl Price {
    /// Describes why a price that another system made for `lines` (item and quantity) is inconsistent. `None` if it can be
    /// shown, locked and refunded like the engine's own: one currency, the same lines, shares that add up to their charges,
    /// charges that add up to the total.
    pub fn contradiction(&self, lines: &[(&str, u32)]) -> Option<String> {
        let currency = self.total.currency;
        let charges = || self.charges.iter().map(|(_, charge)| charge);
        let amounts = self.lines.iter().flat_map(|line| [line.unit_price, line.amount]);
        let mut amounts = amounts.chain(charges().map(|charge| charge.amount)).chain([self.subtotal, self.tip]);
        if amounts.any(|amount| amount.currency != currency) {
            return Some("it has more than one currency".to_owned());
        }
        if !self.lines.iter().map(|line| (&*line.item_id, line.quantity)).eq(lines.iter().copied()) {
            return Some("its lines are not the requested ones".to_owned());
        }
        for charge in charges() {
            let Shares { lines, fees, .. } = &charge.shares;
            let fits = |shares: &[i64], parts: usize| shares.is_empty() || shares.len() == parts;
            let complete = charge.shares.is_empty() || charge.shares.sum() == Some(charge.amount.minor);
            if !complete || !fits(lines, self.lines.len()) || !fits(fees, self.charges[ChargeKind::Fee].len()) {
                return Some(format!("the shares of {} don't add up to it", charge.code));
            }
        }
        if sum(self.lines.iter().map(|line| line.amount)) != i128::from(self.subtotal.minor) {
            return Some("its lines don't add up to the subtotal".to_owned());
        }
        let added = charges().filter(|charge| !charge.included).map(|charge| charge.amount);
        let total = sum(added.chain([self.subtotal, self.tip]));
        if total != i128::from(self.total.minor) || self.total.minor < 0 {
            return Some(format!("its components add up to {total} and the total is {}", self.total.minor));
        }
        None
    }
}

fn sum(amounts: impl Iterator<Item = Money>) -> i128 {
    amounts.map(|amount| i128::from(amount.minor)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pipeline::price, samples};
    use carryout_money::Currency;

    #[test]
    fn engine_prices_are_consistent_and_tampered_ones_are_not() {
        let good = price(&samples::taxed_order()).unwrap();
        let lines = [("ramen", 2)];
        assert_eq!(good.contradiction(&lines), None);
        assert!(good.contradiction(&[("ramen", 1)]).is_some());
        let tampered: [fn(&mut Price); 5] = [
            |price| price.total.minor += 1,
            |price| price.subtotal.minor -= 1,
            |price| price.tip.currency = Currency::CAD,
            |price| price.charges[ChargeKind::Tax][0].shares.lines[0] += 1,
            |price| price.charges[ChargeKind::Tax][0].shares.lines.push(0),
        ];
        for (case, tamper) in tampered.into_iter().enumerate() {
            let mut price = good.clone();
            tamper(&mut price);
            assert!(price.contradiction(&lines).is_some(), "{case}");
        }
    }
}
