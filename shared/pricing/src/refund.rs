//! Refunds a price: the inverse of the stored charge.
//!
//! Nothing is priced again. Each cent of a [`Price`] belongs to one of its *parts*: a line with its shares of the
//! discounts, taxes, deposits and credits; a fee with its own; the tip. A refund is taken from the remaining amounts of the
//! parts, so that any sequence of refunds (by line and quantity, by fee, by amount, of the rest) adds up to the charge, and
//! no discount is reallocated to the lines that stay.

use crate::{
    component::ComponentId,
    price::{Charge, ChargeKind, Price, Shares},
};
use carryout_money::{Money, allocate, share_of_first};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The part of a price that was refunded so far. Kept with the order, and replaced by [`PricedRefund::refunded`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// By line, in the price's order. Missing lines at the end have no refunds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<RefundedLine>,
    /// By fee, in the price's order, in minor units. Missing fees at the end have no refunds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<i64>,
    /// Of the tip, in minor units.
    #[serde(default)]
    pub tip: i64,
}

/// The part of a line that was refunded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedLine {
    /// Refunded units.
    pub quantity: u32,
    /// Refunded amount, for units or otherwise. Minor units.
    pub amount: i64,
}

/// A request for a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundRequest {
    /// Units of lines, at their charged amounts with discounts and taxes.
    Lines {
        /// The lines with quantities.
        lines: Vec<RefundLine>,
        /// Whether their share of fees and tip is included, so that all lines together refund everything.
        with_fees: bool,
    },
    /// The rest of the fees with this code, with their taxes and discounts.
    Fee(String),
    /// The rest of the tip.
    Tip,
    /// An amount above zero, taken from every part in proportion to its rest. Minor units.
    Amount(i64),
    /// The whole rest.
    Remaining,
}

/// Units of a line to refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    /// The line's index in the price, from 0.
    pub line: usize,
    /// The number of units, at least 1.
    pub quantity: u32,
}

/// The computed effect of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedRefund {
    /// The amount; never negative, and zero where nothing was charged for the requested parts.
    pub amount: Money,
    /// The refunded parts. Their amounts add up to `amount`.
    pub parts: Vec<RefundPart>,
    /// The refunded part of the price after this refund: keep it with the order.
    pub refunded: Refunded,
}

/// The refunded amount of one part of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPart {
    /// The part.
    pub part: PricePart,
    /// The refunded amount. Minor units.
    pub amount: i64,
    /// Its components. Those that are not included in others add up to `amount`.
    pub components: Vec<RefundComponent>,
}

/// A part of a price that can be refunded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PricePart {
    /// A line, by its index in the price, with a number of units.
    Line {
        /// Its index, from 0.
        line: usize,
        /// Refunded units; 0 for an amount without units.
        quantity: u32,
    },
    /// A fee, by its index in the price.
    Fee(usize),
    /// The tip.
    Tip,
}

/// An amount within a part, for accounting: how much of a refund is tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundComponent {
    /// `item`, `fee`, `tip`, or the id of a charge: `taxes.gst`, `discounts.lunch`.
    pub component: String,
    /// Minor units. Negative for a discount or a credit, which lowers the refund.
    pub amount: i64,
    /// Whether the other amounts include it, as they do an included tax.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub included: bool,
}

/// Why a refund is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// The price has no such line.
    #[error("there is no line {0}: the first is 0")]
    NoLine(usize),
    /// The price has no such fee.
    #[error("there is no fee {0}")]
    NoFee(String),
    /// The request is empty.
    #[error("nothing to refund: name lines with quantities above zero, or an amount above zero")]
    Nothing,
    /// More units than remain of a line.
    #[error("line {line} has {left} units left to refund")]
    TooMany {
        /// The line.
        line: usize,
        /// The remaining units.
        left: u32,
    },
    /// More than remains of the whole price.
    #[error("{left} minor units are left to refund")]
    TooMuch {
        /// The rest. Minor units.
        left: i64,
    },
    /// The price's components don't add up to its total, or more was refunded than charged: the stored order is damaged.
    /// Don't refund anything before an operator has checked it.
    #[error("the stored price and its refunds are inconsistent")]
    Damaged,
}

/// Computes the refund of `request` after `before` was refunded of `price`.
///
/// The same arguments give the same result, so that only the key distinguishes a repeated request from a second one.
/// Store [`PricedRefund::refunded`] in the write that accepts the refund, on the condition that `before` is still stored.
///
/// # Errors
///
/// [`RefundError`].
pub fn refund(price: &Price, before: &Refunded, request: &RefundRequest) -> Result<PricedRefund, RefundError> {
    let parts = Parts::of(price)?;
    let before = parts.aligned(price, before)?;
    let mut after = before.clone();
    match request {
        RefundRequest::Lines { lines, with_fees } => {
            refund_units(price, &parts, lines, &mut after)?;
            if *with_fees {
                let goods = parts.lines.iter().sum::<i64>();
                let given = after.lines.iter().map(|line| line.amount).sum::<i64>();
                let is_all = price.lines.iter().zip(&after.lines).all(|(line, given)| line.quantity == given.quantity);
                let share = |charged: i64, before: i64| match (goods, is_all) {
                    (0, false) => before,
                    (0, true) => charged,
                    _ => share_of_first(given.unsigned_abs(), goods.unsigned_abs(), charged).max(before),
                };
                for (given, charged) in after.fees.iter_mut().zip(&parts.fees) {
                    *given = share(*charged, *given);
                }
                after.tip = share(parts.tip, after.tip);
            }
        }
        RefundRequest::Fee(code) => {
            let mut found = false;
            for (index, _) in price.charges[ChargeKind::Fee].iter().enumerate().filter(|(_, fee)| fee.code == *code) {
                found = true;
                after.fees[index] = parts.fees[index];
            }
            if !found {
                return Err(RefundError::NoFee(code.clone()));
            }
        }
        RefundRequest::Tip => after.tip = parts.tip,
        RefundRequest::Amount(amount) => refund_amount(&parts, *amount, &mut after)?,
        RefundRequest::Remaining => {
            for ((given, charged), line) in after.lines.iter_mut().zip(&parts.lines).zip(&price.lines) {
                *given = RefundedLine { quantity: line.quantity, amount: *charged };
            }
            after.fees.clone_from(&parts.fees);
            after.tip = parts.tip;
        }
    }
    Ok(parts.difference(price, &before, after))
}

/// The amount of `price` that is left to refund after `before`.
///
/// # Errors
///
/// [`RefundError::Damaged`].
pub fn left_to_refund(price: &Price, before: &Refunded) -> Result<Money, RefundError> {
    Ok(refund(price, before, &RefundRequest::Remaining)?.amount)
}

fn refund_units(price: &Price, parts: &Parts<'_>, lines: &[RefundLine], after: &mut Refunded) -> Result<(), RefundError> {
    if lines.is_empty() {
        return Err(RefundError::Nothing);
    }
    for RefundLine { line: index, quantity } in lines {
        let (Some(line), Some(given), Some(charged)) =
            (price.lines.get(*index), after.lines.get_mut(*index), parts.lines.get(*index))
        else {
            return Err(RefundError::NoLine(*index));
        };
        let left = line.quantity - given.quantity;
        if *quantity == 0 {
            return Err(RefundError::Nothing);
        }
        if *quantity > left {
            return Err(RefundError::TooMany { line: *index, left });
        }
        let (units, of) = (u64::from(given.quantity), u64::from(line.quantity));
        let first = |units: u64| share_of_first(units, of, *charged);
        given.amount = if given.amount == first(units) {
            first(units + u64::from(*quantity))
        } else {
            // An amount was refunded besides: the remaining units share the rest.
            given.amount + share_of_first(u64::from(*quantity), u64::from(left), charged - given.amount)
        };
        given.quantity += quantity;
    }
    Ok(())
}

fn refund_amount(parts: &Parts<'_>, amount: i64, after: &mut Refunded) -> Result<(), RefundError> {
    if amount <= 0 {
        return Err(RefundError::Nothing);
    }
    let charged = parts.lines.iter().chain(&parts.fees).chain([&parts.tip]);
    let given = after.lines.iter_mut().map(|line| &mut line.amount).chain(&mut after.fees).chain([&mut after.tip]);
    let mut open: Vec<(&mut i64, u64)> = given
        .zip(charged)
        .map(|(given, charged)| (charged - *given, given))
        .map(|(left, given)| (given, left.unsigned_abs()))
        .collect();
    let weights: Vec<u64> = open.iter().map(|(_, left)| *left).collect();
    let left = weights.iter().sum::<u64>();
    if amount.unsigned_abs() > left {
        return Err(RefundError::TooMuch { left: i64::try_from(left).unwrap_or(i64::MAX) });
    }
    // In proportion to the rests: no part's share exceeds its rest.
    for ((given, _), share) in open.iter_mut().zip(allocate(amount, &weights)) {
        **given += share;
    }
    Ok(())
}

/// The charged amount of each part of a price, in minor units; never negative.
struct Parts<'a> {
    lines: Vec<i64>,
    fees: Vec<i64>,
    tip: i64,
    /// Every charge that is not a part itself, with a share for each part.
    charges: Vec<(ComponentId, &'a Charge, Shares)>,
}

impl<'a> Parts<'a> {
    fn of(price: &'a Price) -> Result<Self, RefundError> {
        let mut parts = Self {
            lines: price.lines.iter().map(|line| line.amount.minor).collect(),
            fees: price.charges[ChargeKind::Fee].iter().map(|fee| fee.amount.minor).collect(),
            tip: price.tip.minor,
            charges: Vec::new(),
        };
        // Deposits first: a charge without shares is allocated to lines with their deposits.
        let others = ChargeKind::ALL.into_iter().filter(|kind| !matches!(kind, ChargeKind::Fee | ChargeKind::Deposit));
        for kind in [ChargeKind::Deposit].into_iter().chain(others) {
            for charge in &price.charges[kind] {
                let shares = parts.shares(charge, kind.is_payment())?;
                if !charge.included {
                    parts.add(&shares)?;
                }
                parts.charges.push((ComponentId::charge(kind, charge.code.as_str()), charge, shares));
            }
        }
        let amounts = || parts.lines.iter().chain(&parts.fees).chain([&parts.tip]);
        let total = amounts().try_fold(0_i64, |sum, amount| sum.checked_add(*amount));
        let fits = total == Some(price.total.minor) && amounts().all(|amount| *amount >= 0);
        if fits { Ok(parts) } else { Err(RefundError::Damaged) }
    }

    /// A charge's own shares. A charge without shares is allocated by amount: to the lines, or to all parts if it pays for
    /// all of them.
    fn shares(&self, charge: &Charge, to_all_parts: bool) -> Result<Shares, RefundError> {
        let (lines, fees) = (self.lines.len(), self.fees.len());
        let own = &charge.shares;
        if own.is_empty() && charge.amount.minor != 0 {
            let covered = if to_all_parts { lines + fees + 1 } else { lines };
            let amounts = self.lines.iter().chain(&self.fees).chain([&self.tip]).take(covered);
            let weights: Vec<u64> = amounts.map(|amount| amount.unsigned_abs()).collect();
            let mut shares = allocate(charge.amount.minor, &weights);
            shares.resize(lines + fees + 1, 0);
            let tip = shares.pop().unwrap_or_default();
            let fees = shares.split_off(lines);
            return Ok(Shares { lines: shares, fees, tip });
        }
        if own.lines.len() > lines || own.fees.len() > fees || own.sum() != Some(charge.amount.minor) {
            return Err(RefundError::Damaged);
        }
        let mut shares = own.clone();
        shares.lines.resize(lines, 0);
        shares.fees.resize(fees, 0);
        Ok(shares)
    }

    fn add(&mut self, shares: &Shares) -> Result<(), RefundError> {
        let amounts = self.lines.iter_mut().chain(&mut self.fees).chain([&mut self.tip]);
        for (amount, share) in amounts.zip(shares.lines.iter().chain(&shares.fees).chain([&shares.tip])) {
            *amount = amount.checked_add(*share).ok_or(RefundError::Damaged)?;
        }
        Ok(())
    }

    /// Extends `before` to an entry for each part, provided that no part was refunded beyond its charge.
    fn aligned(&self, price: &Price, before: &Refunded) -> Result<Refunded, RefundError> {
        let mut aligned = before.clone();
        if aligned.lines.len() > self.lines.len() || aligned.fees.len() > self.fees.len() {
            return Err(RefundError::Damaged);
        }
        aligned.lines.resize(self.lines.len(), RefundedLine::default());
        aligned.fees.resize(self.fees.len(), 0);
        let given = aligned.lines.iter().map(|line| &line.amount).chain(&aligned.fees).chain([&aligned.tip]);
        let charged = self.lines.iter().chain(&self.fees).chain([&self.tip]);
        let fits = given.zip(charged).all(|(given, charged)| (0..=*charged).contains(given))
            && aligned.lines.iter().zip(&price.lines).all(|(given, line)| given.quantity <= line.quantity);
        if fits { Ok(aligned) } else { Err(RefundError::Damaged) }
    }

    /// The refund that leads from `before` to `after`.
    fn difference(&self, price: &Price, before: &Refunded, after: Refunded) -> PricedRefund {
        let mut parts = Vec::new();
        for (line, (was, now)) in before.lines.iter().zip(&after.lines).enumerate() {
            let part = PricePart::Line { line, quantity: now.quantity - was.quantity };
            self.push(&mut parts, (part, "item", self.lines[line]), was.amount..now.amount, |shares| shares.lines[line]);
        }
        for (fee, (was, now)) in before.fees.iter().zip(&after.fees).enumerate() {
            self.push(&mut parts, (PricePart::Fee(fee), "fee", self.fees[fee]), *was..*now, |shares| shares.fees[fee]);
        }
        self.push(&mut parts, (PricePart::Tip, "tip", self.tip), before.tip..after.tip, |shares| shares.tip);
        let amount = parts.iter().map(|part| part.amount).sum();
        PricedRefund { amount: Money { minor: amount, ..price.total }, parts, refunded: after }
    }

    /// Adds a part's refund between two amounts. Each of its charges is refunded in proportion to the part, and exactly in
    /// the end; the item, fee or tip itself absorbs the difference.
    fn push(
        &self,
        parts: &mut Vec<RefundPart>,
        (part, name, charged): (PricePart, &str, i64),
        given: Range<i64>,
        share: impl Fn(&Shares) -> i64,
    ) {
        let has_units = matches!(part, PricePart::Line { quantity, .. } if quantity > 0);
        if given.is_empty() && !has_units {
            return;
        }
        let up_to = |amount: i64, of: i64| share_of_first(amount.unsigned_abs(), charged.unsigned_abs(), of);
        let mut components =
            vec![RefundComponent { component: name.to_owned(), amount: given.end - given.start, included: false }];
        for (component, charge, shares) in &self.charges {
            let amount = up_to(given.end, share(shares)) - up_to(given.start, share(shares));
            if amount == 0 {
                continue;
            }
            if !charge.included {
                components[0].amount = components[0].amount.saturating_sub(amount);
            }
            components.push(RefundComponent { component: component.to_string(), amount, included: charge.included });
        }
        parts.push(RefundPart { part, amount: given.end - given.start, components });
    }
}
