//! Gives back what a price charged: the inverse of the stored charge.
//!
//! Nothing is priced again. Each cent of a [`Price`] belongs to one of its *parts*: a line with its shares of the
//! discounts, taxes, deposits and credits; a fee with its own; the tip. A refund takes from the parts what is left in them,
//! so that any sequence of refunds (by line and quantity, by fee, by amount, of the rest) adds up to what was charged, and
//! no discount is spread again over the lines that stay.

use crate::{Charge, Price, Shares};
use carryout_money::{Money, allocate, share_of_first};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What of a price was given back so far. Kept with the order, and replaced by [`Refund::refunded`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// By line, in the price's order. Lines that are missing at the end had nothing given back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<RefundedLine>,
    /// By fee, in the price's order, in minor units. Fees that are missing at the end had nothing given back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<i64>,
    /// Of the tip, in minor units.
    #[serde(default)]
    pub tip: i64,
}

/// What of a line was given back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundedLine {
    /// Units that were given back.
    pub quantity: u32,
    /// Amount that was given back, for units or otherwise. Minor units.
    pub amount: i64,
}

/// What is to be given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundRequest {
    /// Units of lines, at what they were charged with their discounts and taxes.
    Lines {
        /// Which, and how many.
        lines: Vec<RefundLine>,
        /// Whether their share of fees and tip goes with them, so that all lines together give back everything.
        with_fees: bool,
    },
    /// What is left of the fees with this code, with their taxes and discounts.
    Fee(String),
    /// What is left of the tip.
    Tip,
    /// An amount, above zero, taken from every part by what is left in it. Minor units.
    Amount(i64),
    /// All that is left.
    Remaining,
}

/// Units of a line that are to be given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    /// The line's place in the price, from 0.
    pub line: usize,
    /// How many units, at least 1.
    pub quantity: u32,
}

/// What a refund gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// How much; never negative, and zero where nothing was charged for what is given back.
    pub amount: Money,
    /// From which parts. Their amounts add up to it.
    pub parts: Vec<RefundPart>,
    /// What is given back with this refund: keep it with the order.
    pub refunded: Refunded,
}

/// What a refund takes from one part of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundPart {
    /// The part.
    pub part: Part,
    /// How much is taken from it. Minor units.
    pub amount: i64,
    /// What it consists of. What is not included adds up to `amount`.
    pub components: Vec<RefundComponent>,
}

/// A part of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A line, by its place in the price, with as many units.
    Line {
        /// Its place, from 0.
        line: usize,
        /// Units given back; 0 for an amount without units.
        quantity: u32,
    },
    /// A fee, by its place in the price.
    Fee(usize),
    /// The tip.
    Tip,
}

/// An amount within a part, for the books: how much of a refund is tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundComponent {
    /// `item`, `fee`, `tip`, or the charge as in a quote's difference: `taxes.gst`, `discounts.lunch`.
    pub component: String,
    /// Minor units. Negative for a discount or a credit, which lowers what is given back.
    pub amount: i64,
    /// Whether it is part of the other amounts already, as an included tax is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub included: bool,
}

/// Why nothing is given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefundError {
    /// The price has no such line.
    #[error("there is no line {0}: the first is 0")]
    NoLine(usize),
    /// The price has no such fee.
    #[error("there is no fee {0}")]
    NoFee(String),
    /// Nothing was asked for.
    #[error("nothing is to be given back: name lines with quantities above zero, or an amount above zero")]
    Nothing,
    /// Fewer units are left of a line.
    #[error("line {line} has {left} units left to give back")]
    TooMany {
        /// The line.
        line: usize,
        /// Units that are left.
        left: u32,
    },
    /// Less is left of the whole price.
    #[error("{left} minor units are left to give back")]
    TooMuch {
        /// What is left. Minor units.
        left: i64,
    },
    /// The price's components don't add up to its total, or more was given back than it charged: the stored order is
    /// damaged. Don't give back anything before a person has looked at it.
    #[error("the stored price and what was given back of it don't fit together")]
    Damaged,
}

/// What giving back `request` means after `before` was given back of `price`.
///
/// The same arguments give the same answer, so that a repeated request can be told from a second one by its key alone.
/// Store [`Refund::refunded`] in the write that accepts the refund, on the condition that `before` is still what is
/// stored.
///
/// # Errors
///
/// [`RefundError`]; it changes nothing.
pub fn refund(price: &Price, before: &Refunded, request: &RefundRequest) -> Result<Refund, RefundError> {
    let parts = Parts::of(price)?;
    let before = parts.aligned(price, before)?;
    let mut after = before.clone();
    match request {
        RefundRequest::Lines { lines, with_fees } => {
            give_back_units(price, &parts, lines, &mut after)?;
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
            for (index, _) in price.fees.iter().enumerate().filter(|(_, fee)| fee.code == *code) {
                found = true;
                after.fees[index] = parts.fees[index];
            }
            if !found {
                return Err(RefundError::NoFee(code.clone()));
            }
        }
        RefundRequest::Tip => after.tip = parts.tip,
        RefundRequest::Amount(amount) => give_back_amount(&parts, *amount, &mut after)?,
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

/// What is left to give back of `price` after `before`.
///
/// # Errors
///
/// [`RefundError::Damaged`].
pub fn left_to_refund(price: &Price, before: &Refunded) -> Result<Money, RefundError> {
    Ok(refund(price, before, &RefundRequest::Remaining)?.amount)
}

fn give_back_units(price: &Price, parts: &Parts<'_>, lines: &[RefundLine], after: &mut Refunded) -> Result<(), RefundError> {
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
            // An amount was given back besides: the units that are left are worth what it left of them.
            given.amount + share_of_first(u64::from(*quantity), u64::from(left), charged - given.amount)
        };
        given.quantity += quantity;
    }
    Ok(())
}

fn give_back_amount(parts: &Parts<'_>, amount: i64, after: &mut Refunded) -> Result<(), RefundError> {
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
    // By what is left: no part's share is larger than that.
    for ((given, _), share) in open.iter_mut().zip(allocate(amount, &weights)) {
        **given += share;
    }
    Ok(())
}

/// What each part of a price was charged, in minor units; never negative.
struct Parts<'a> {
    lines: Vec<i64>,
    fees: Vec<i64>,
    tip: i64,
    /// Every charge that is not a part itself, by name and with a share for each part.
    charges: Vec<(String, &'a Charge, Shares)>,
}

impl<'a> Parts<'a> {
    fn of(price: &'a Price) -> Result<Self, RefundError> {
        let mut parts = Self {
            lines: price.lines.iter().map(|line| line.amount.minor).collect(),
            fees: price.fees.iter().map(|fee| fee.amount.minor).collect(),
            tip: price.tip.minor,
            charges: Vec::new(),
        };
        let groups = [
            ("deposits", &price.deposits),
            ("discounts", &price.discounts),
            ("taxes", &price.taxes),
            ("credits", &price.credits),
        ];
        for (group, charge) in groups.into_iter().flat_map(|(group, charges)| charges.iter().map(move |charge| (group, charge))) {
            let shares = parts.shares(charge, group == "credits")?;
            if !charge.included {
                parts.add(&shares)?;
            }
            parts.charges.push((format!("{group}.{}", charge.code), charge, shares));
        }
        let amounts = || parts.lines.iter().chain(&parts.fees).chain([&parts.tip]);
        let total = amounts().try_fold(0_i64, |sum, amount| sum.checked_add(*amount));
        let fits = total == Some(price.total.minor) && amounts().all(|amount| *amount >= 0);
        if fits { Ok(parts) } else { Err(RefundError::Damaged) }
    }

    /// A charge's own shares. One without is spread by amount: over the lines, or, where it pays for everything, over all
    /// parts.
    fn shares(&self, charge: &Charge, over_everything: bool) -> Result<Shares, RefundError> {
        let (lines, fees) = (self.lines.len(), self.fees.len());
        let own = &charge.shares;
        if own.is_empty() && charge.amount.minor != 0 {
            let covered = if over_everything { lines + fees + 1 } else { lines };
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

    /// `before` with an entry for each part, if no part has given back more than it was charged.
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

    /// What is given back from `before` to `after`.
    fn difference(&self, price: &Price, before: &Refunded, after: Refunded) -> Refund {
        let mut parts = Vec::new();
        for (line, (was, now)) in before.lines.iter().zip(&after.lines).enumerate() {
            let part = Part::Line { line, quantity: now.quantity - was.quantity };
            self.push(&mut parts, (part, "item", self.lines[line]), was.amount..now.amount, |shares| shares.lines[line]);
        }
        for (fee, (was, now)) in before.fees.iter().zip(&after.fees).enumerate() {
            self.push(&mut parts, (Part::Fee(fee), "fee", self.fees[fee]), *was..*now, |shares| shares.fees[fee]);
        }
        self.push(&mut parts, (Part::Tip, "tip", self.tip), before.tip..after.tip, |shares| shares.tip);
        let amount = parts.iter().map(|part| part.amount).sum();
        Refund { amount: Money { minor: amount, ..price.total }, parts, refunded: after }
    }

    /// Adds what a part gives back between two amounts. Each of its charges is given back in proportion to the part, and
    /// exactly in the end; the item, fee or tip itself takes the difference.
    fn push(
        &self,
        parts: &mut Vec<RefundPart>,
        (part, name, charged): (Part, &str, i64),
        given: Range<i64>,
        share: impl Fn(&Shares) -> i64,
    ) {
        let has_units = matches!(part, Part::Line { quantity, .. } if quantity > 0);
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
            components.push(RefundComponent { component: component.clone(), amount, included: charge.included });
        }
        parts.push(RefundPart { part, amount: given.end - given.start, components });
    }
}
