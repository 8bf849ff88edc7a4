use crate::{
    component::Component,
    context::Context,
    error::PricingError,
    price::{ChargeKind, Shares},
};
use carryout_money::MoneyError;
use std::borrow::Cow;

/// The part of the context that an adjustment comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The lines' own prices.
    Lines,
    /// A promotion.
    Promotion(usize),
    /// A fee.
    Fee(usize),
    /// A tax rate.
    TaxRate(usize),
    /// The consumer's tip.
    Tip,
    /// A credit.
    Credit(usize),
    /// The collector itself.
    Collector,
}

impl Source {
    /// Whether the context has this part.
    pub(crate) fn is_in(self, context: &Context) -> bool {
        match self {
            Self::Lines | Self::Collector => true,
            Self::Tip => context.tip > 0,
            Self::Promotion(index) => index < context.promotions.len(),
            Self::Fee(index) => index < context.fees.len(),
            Self::TaxRate(index) => index < context.taxes.rates.len(),
            Self::Credit(index) => index < context.credits.len(),
        }
    }

    /// Describes the part of the context for an explanation.
    pub(crate) fn describe(self, context: &Context) -> String {
        let rate = |index: usize| context.taxes.rates.get(index).map(|rate| rate.rate.to_string()).unwrap_or_default();
        match self {
            Self::Lines => match context.lines.len() {
                1 => "1 line".to_owned(),
                count => format!("{count} lines"),
            },
            Self::Promotion(index) => format!("promotions[{index}]"),
            Self::Fee(index) => format!("fees[{index}]"),
            Self::TaxRate(index) => format!("taxes.rates[{index}] {}", rate(index)),
            Self::Tip => "consumer".to_owned(),
            Self::Credit(index) => format!("credits[{index}]"),
            Self::Collector => "collector".to_owned(),
        }
    }
}

/// A named, typed, signed amount of a price, in minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment<'a> {
    /// Its kind.
    pub component: Component,
    /// The part of the context that it comes from.
    pub source: Source,
    /// Stable name.
    pub code: Cow<'a, str>,
    /// The name that the consumer reads.
    pub name: Cow<'a, str>,
    /// The amount.
    pub amount: i64,
    /// Whether other amounts include it, so that it is not added to the total.
    pub included: bool,
    /// Its allocation. Others are allocated to lines, fees and the tip: items have a share for each line, a fee and the tip
    /// none.
    pub shares: Shares,
}

/// The amounts of a line so far. Minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineAmounts {
    /// Its items.
    pub gross: i64,
    /// Its items after discounts.
    pub net: i64,
    /// The least that its items may cost after discounts.
    pub minimum: i64,
    /// Taxes, deposits and credits on it.
    pub added: i64,
}

/// The amounts of a fee so far. Minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeAmounts<'a> {
    /// Its code.
    pub code: Cow<'a, str>,
    /// Its tax class.
    pub tax_class: Cow<'a, str>,
    /// The fee after discounts.
    pub net: i64,
    /// Taxes and credits on it.
    pub added: i64,
}

/// The adjustments that the collectors have added so far, and the resulting amounts of lines, fees and total.
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

    /// The tip with its credits.
    pub const fn tip(&self) -> i64 {
        self.tip
    }

    /// The items before discounts.
    pub const fn subtotal(&self) -> i64 {
        self.subtotal
    }

    /// Takes the adjustments out.
    pub(crate) fn take_adjustments(&mut self) -> Vec<Adjustment<'a>> {
        std::mem::take(&mut self.adjustments)
    }

    /// The amount to be paid so far.
    pub const fn total(&self) -> i64 {
        self.total
    }

    /// Whether an exclusive promotion was applied.
    pub(crate) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Refuses any further promotion.
    pub(crate) const fn close(&mut self) {
        self.is_closed = true;
    }

    /// Whether a promotion was applied.
    pub(crate) fn has_discounts(&self) -> bool {
        self.adjustments.iter().any(|adjustment| adjustment.component == Component::Charge(ChargeKind::Discount))
    }

    /// Attributes the adjustments that follow to a collector.
    pub(crate) const fn begin(&mut self, collector: &'static str) {
        self.collector = collector;
    }

    /// The adjustments with the collectors that added them.
    pub(crate) fn origins(&self) -> impl Iterator<Item = (&'static str, &Adjustment<'a>)> {
        self.collectors.iter().copied().zip(&self.adjustments)
    }

    /// Adds a fee.
    ///
    /// # Errors
    ///
    /// [`PricingError::Money`] on overflow.
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
            component: Component::Charge(ChargeKind::Fee),
            source,
            code,
            name: name.into(),
            amount,
            included: false,
            shares: Shares::default(),
        })
    }

    /// Adds an adjustment other than a fee, with a share for each line or none, and for each fee or none.
    ///
    /// # Errors
    ///
    /// [`PricingError::Money`] on overflow.
    pub fn add(&mut self, adjustment: Adjustment<'a>) -> Result<(), PricingError> {
        let Shares { lines, fees, tip } = &adjustment.shares;
        for (line, share) in self.lines.iter_mut().zip(lines) {
            match adjustment.component {
                Component::Items => {
                    line.gross = sum(line.gross, *share)?;
                    line.net = sum(line.net, *share)?;
                }
                Component::Charge(ChargeKind::Discount) => line.net = sum(line.net, *share)?,
                _ if adjustment.included => {}
                _ => line.added = sum(line.added, *share)?,
            }
        }
        for (fee, share) in self.fees.iter_mut().zip(fees) {
            match adjustment.component {
                Component::Charge(ChargeKind::Discount) => fee.net = sum(fee.net, *share)?,
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

/// Adds two amounts.
pub(crate) fn sum(a: i64, b: i64) -> Result<i64, PricingError> {
    a.checked_add(b).ok_or(PricingError::Money(MoneyError::Overflow))
}
