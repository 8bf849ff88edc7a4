use crate::{Context, PricingError, Shares};
use carryout_money::MoneyError;
use std::borrow::Cow;

/// What kind of amount an adjustment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    /// What the items cost.
    Items,
    /// A deposit on them.
    Deposit,
    /// Something taken off; negative.
    Discount,
    /// A fee.
    Fee,
    /// A tax.
    Tax,
    /// The tip.
    Tip,
    /// What a credit pays; negative.
    Credit,
}

/// Where an adjustment comes from: a place in the context's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The lines' own prices.
    Lines,
    /// A promotion.
    Promotion(usize),
    /// A fee's rule.
    Fee(usize),
    /// A tax rate.
    TaxRate(usize),
    /// The consumer's tip.
    Tip,
    /// A credit.
    Credit(usize),
    /// The rule of a collector itself.
    Collector,
}

/// A named, typed, signed amount of a price, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment<'a> {
    /// What kind it is.
    pub component: Component,
    /// Where it comes from.
    pub source: Source,
    /// Stable name.
    pub code: Cow<'a, str>,
    /// What the consumer reads.
    pub name: Cow<'a, str>,
    /// The amount.
    pub amount: i64,
    /// Whether it is part of other amounts already and so not added to the total.
    pub included: bool,
    /// How it is shared. A fee, the tip and items are what others are shared by: a fee and the tip have none, items one for
    /// each line.
    pub shares: Shares,
}

/// A line as far as it is priced. Minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineAmounts {
    /// What its items cost.
    pub gross: i64,
    /// The same after discounts.
    pub net: i64,
    /// The least that discounts leave.
    pub minimum: i64,
    /// Taxes, deposits and credits on it.
    pub added: i64,
}

/// A fee as far as it is priced. Minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeAmounts<'a> {
    /// Its code.
    pub code: Cow<'a, str>,
    /// The tax class.
    pub tax_class: Cow<'a, str>,
    /// What it costs after discounts.
    pub net: i64,
    /// Taxes and credits on it.
    pub added: i64,
}

/// What the collectors have found so far: the adjustments, and what they make of lines, fees and total.
#[derive(Debug)]
pub struct PriceBreakdown<'a> {
    adjustments: Vec<Adjustment<'a>>,
    collectors: Vec<&'static str>,
    lines: Vec<LineAmounts>,
    fees: Vec<FeeAmounts<'a>>,
    tip: i64,
    subtotal: i64,
    total: i64,
    is_closed: bool,
    collector: &'static str,
}

impl<'a> PriceBreakdown<'a> {
    pub(crate) fn new(context: &'a Context) -> Result<Self, PricingError> {
        let mut lines = Vec::with_capacity(context.lines.len());
        for line in &context.lines {
            let minimum = match line.minimum_unit_price {
                0 => 0,
                minimum => line.times(minimum, context.policy.rounding)?,
            };
            lines.push(LineAmounts { minimum, ..LineAmounts::default() });
        }
        let expected = 4 + context.fees.len() + context.promotions.len() + context.taxes.rates.len() + context.credits.len();
        Ok(Self {
            adjustments: Vec::with_capacity(expected),
            collectors: Vec::with_capacity(expected),
            lines,
            fees: Vec::with_capacity(context.fees.len()),
            tip: 0,
            subtotal: 0,
            total: 0,
            is_closed: false,
            collector: "",
        })
    }

    /// The adjustments so far, in order.
    pub fn adjustments(&self) -> &[Adjustment<'a>] {
        &self.adjustments
    }

    /// The lines so far, in the context's order.
    pub fn lines(&self) -> &[LineAmounts] {
        &self.lines
    }

    /// The fees so far.
    pub fn fees(&self) -> &[FeeAmounts<'a>] {
        &self.fees
    }

    /// The tip with what is on it.
    pub const fn tip(&self) -> i64 {
        self.tip
    }

    /// What the items cost before discounts.
    pub const fn subtotal(&self) -> i64 {
        self.subtotal
    }

    /// The adjustments, and an empty sheet of them.
    pub(crate) fn take_adjustments(&mut self) -> Vec<Adjustment<'a>> {
        std::mem::take(&mut self.adjustments)
    }

    /// What is to be paid so far.
    pub const fn total(&self) -> i64 {
        self.total
    }

    /// Whether a promotion was given that goes with no other.
    pub(crate) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Lets no other promotion in.
    pub(crate) const fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether something was taken off.
    pub(crate) fn has_discounts(&self) -> bool {
        self.adjustments.iter().any(|adjustment| adjustment.component == Component::Discount)
    }

    /// The collector whose adjustments come next.
    pub(crate) const fn begin(&mut self, collector: &'static str) {
        self.collector = collector;
    }

    /// Each adjustment with the collector that added it.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (&'static str, &Adjustment<'a>)> {
        self.collectors.iter().copied().zip(&self.adjustments)
    }

    /// Adds a fee.
    ///
    /// # Errors
    ///
    /// [`PricingError::Money`] where an amount does not fit.
    pub fn add_fee(
        &mut self,
        source: Source,
        code: impl Into<Cow<'a, str>>,
        name: impl Into<Cow<'a, str>>,
        amount: i64,
        tax_class: impl Into<Cow<'a, str>>,
    ) -> Result<(), PricingError> {
        let code = code.into();
        self.fees.push(FeeAmounts { code: code.clone(), tax_class: tax_class.into(), net: amount, added: 0 });
        self.record(Adjustment {
            component: Component::Fee,
            source,
            code,
            name: name.into(),
            amount,
            included: false,
            shares: Shares::default(),
        })
    }

    /// Adds what is no fee, with a share for each line or none, for each fee or none.
    ///
    /// # Errors
    ///
    /// [`PricingError::Money`] where an amount does not fit.
    pub fn add(&mut self, adjustment: Adjustment<'a>) -> Result<(), PricingError> {
        let Shares { lines, fees, tip } = &adjustment.shares;
        for (line, share) in self.lines.iter_mut().zip(lines) {
            match adjustment.component {
                Component::Items => {
                    line.gross = sum(line.gross, *share)?;
                    line.net = sum(line.net, *share)?;
                }
                Component::Discount => line.net = sum(line.net, *share)?,
                _ if adjustment.included => {}
                _ => line.added = sum(line.added, *share)?,
            }
        }
        for (fee, share) in self.fees.iter_mut().zip(fees) {
            match adjustment.component {
                Component::Discount => fee.net = sum(fee.net, *share)?,
                _ if adjustment.included => {}
                _ => fee.added = sum(fee.added, *share)?,
            }
        }
        match adjustment.component {
            Component::Items => self.subtotal = sum(self.subtotal, adjustment.amount)?,
            Component::Tip => self.tip = sum(self.tip, adjustment.amount)?,
            _ if adjustment.included => {}
            _ => self.tip = sum(self.tip, *tip)?,
        }
        self.record(adjustment)
    }

    fn record(&mut self, adjustment: Adjustment<'a>) -> Result<(), PricingError> {
        if !adjustment.included {
            self.total = sum(self.total, adjustment.amount)?;
        }
        self.adjustments.push(adjustment);
        self.collectors.push(self.collector);
        Ok(())
    }
}

/// The sum of two amounts.
pub(crate) fn sum(a: i64, b: i64) -> Result<i64, PricingError> {
    a.checked_add(b).ok_or(PricingError::Money(MoneyError::Overflow))
}
