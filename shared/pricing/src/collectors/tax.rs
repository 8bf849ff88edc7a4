use crate::{
    bounds::MAX_TAXES,
    breakdown::{Adjustment, PriceBreakdown, Source, sum},
    collector::Collector,
    component::Component,
    context::{Context, TaxRate},
    error::PricingError,
    policy::TaxLevel,
    price::{ChargeKind, Shares},
};
use carryout_money::{MoneyError, Rounding, allocate_into};

/// Taxes on lines and fees after discounts.
pub(crate) struct Tax;

/// Amounts by tax, in the context's order.
type ByRate = [i64; MAX_TAXES];

impl Collector for Tax {
    fn name(&self) -> &'static str {
        "tax"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Charge(ChargeKind::Tax)]
    }

    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        let rates = &context.taxes.rates;
        let (lines, fees) = (breakdown.lines().len(), breakdown.fees().len());
        let mut shares: Vec<Shares> =
            rates.iter().map(|_| Shares { lines: vec![0; lines], fees: vec![0; fees], tip: 0 }).collect();
        let mut classes = Classes { context, known: Vec::new() };
        for (place, (line, amounts)) in context.lines.iter().zip(breakdown.lines()).enumerate() {
            let units = match context.policy.tax_level {
                TaxLevel::Unit if line.weight.is_none() => i64::from(line.quantity),
                TaxLevel::Unit | TaxLevel::Line => 1,
            };
            let class = classes.class(&line.tax_class)?;
            for (shares, amount) in shares.iter_mut().zip(class.on_units(amounts.net, units)?) {
                shares.lines[place] = amount;
            }
        }
        for (place, fee) in breakdown.fees().iter().enumerate() {
            let class = classes.class(&fee.tax_class)?;
            for (shares, amount) in shares.iter_mut().zip(class.on(fee.net)?) {
                shares.fees[place] = amount;
            }
        }
        for (index, (rate, shares)) in rates.iter().zip(shares).enumerate() {
            breakdown.add(Adjustment {
                component: Component::Charge(ChargeKind::Tax),
                source: Source::TaxRate(index),
                code: rate.code.as_str().into(),
                name: rate.name.as_str().into(),
                amount: shares.sum().ok_or(MoneyError::Overflow)?,
                included: context.taxes.included,
                shares,
            })?;
        }
        Ok(())
    }
}

/// Prepares each tax class that lines and fees name once.
struct Classes<'a> {
    context: &'a Context,
    known: Vec<(&'a str, Class)>,
}

impl<'a> Classes<'a> {
    fn class(&mut self, name: &'a str) -> Result<&Class, PricingError> {
        let place = match self.known.iter().position(|(known, _)| *known == name) {
            Some(place) => place,
            None => {
                self.known.push((name, Class::of(self.context, name)?));
                self.known.len() - 1
            }
        };
        self.known.get(place).map(|(_, class)| class).ok_or(PricingError::Money(MoneyError::Overflow))
    }
}

/// The rates that apply to one tax class.
struct Class {
    rounding: Rounding,
    included: bool,
    /// Numerators of the simple rates, over `denominator`; zero for a rate that is compound or does not apply.
    added: [u64; MAX_TAXES],
    denominator: i128,
    /// The number of the context's taxes.
    rates: usize,
    /// Compound rates in order: index, numerator, denominator.
    compound: Vec<(usize, i128, i128)>,
}

impl Class {
    fn of(context: &Context, name: &str) -> Result<Self, PricingError> {
        let mut class = Self {
            rounding: context.policy.rounding,
            included: context.taxes.included,
            added: [0; MAX_TAXES],
            denominator: 1,
            rates: context.taxes.rates.len(),
            compound: Vec::new(),
        };
        let applies = |rate: &TaxRate| rate.classes.iter().any(|class| class == name);
        let rates = || context.taxes.rates.iter().enumerate().filter(|(_, rate)| applies(rate));
        // Denominators are powers of ten, so the largest is a multiple of each.
        class.denominator = rates().map(|(_, rate)| rate.rate.as_ratio().1).max().unwrap_or(1);
        for (place, rate) in rates() {
            let (numerator, denominator) = rate.rate.as_ratio();
            if rate.compound {
                class.compound.push((place, numerator, denominator));
            } else if let Some(added) = class.added.get_mut(place) {
                *added = u64::try_from(numerator * (class.denominator / denominator)).map_err(|_| MoneyError::Overflow)?;
            }
        }
        Ok(class)
    }

    /// The taxes on an amount of several units, each of which is taxed on its own.
    fn on_units(&self, amount: i64, units: i64) -> Result<ByRate, PricingError> {
        if units <= 1 {
            return self.on(amount);
        }
        // Units of an amount differ by one minor unit at most.
        let (low, higher) = (amount / units, amount % units);
        let (on_low, on_high) = (self.on(low)?, self.on(low + 1)?);
        let mut taxes = [0; MAX_TAXES];
        for ((tax, low), high) in taxes.iter_mut().zip(on_low).zip(on_high) {
            let both = low.checked_mul(units - higher).zip(high.checked_mul(higher));
            let (low, high) = both.ok_or(MoneyError::Overflow)?;
            *tax = sum(low, high)?;
        }
        Ok(taxes)
    }

    /// The taxes on an amount. The simple rates are rounded once together, and split by largest remainder.
    fn on(&self, amount: i64) -> Result<ByRate, PricingError> {
        let mut taxes = [0; MAX_TAXES];
        let added: i128 = self.added.iter().copied().map(i128::from).sum();
        if self.included {
            let mut gross = amount;
            // The last compound tax was added last, so it is removed first.
            for (place, numerator, denominator) in self.compound.iter().rev() {
                let tax = self.rounding.quotient(i128::from(gross) * numerator, denominator + numerator)?;
                gross -= tax;
                taxes[*place] = tax;
            }
            let tax = self.rounding.quotient(i128::from(gross) * added, self.denominator + added)?;
            self.split(tax, &mut taxes);
        } else {
            let tax = self.rounding.quotient(i128::from(amount) * added, self.denominator)?;
            self.split(tax, &mut taxes);
            let mut base = sum(amount, tax)?;
            for (place, numerator, denominator) in &self.compound {
                let tax = self.rounding.quotient(i128::from(base) * numerator, *denominator)?;
                base = sum(base, tax)?;
                taxes[*place] = tax;
            }
        }
        Ok(taxes)
    }

    fn split(&self, tax: i64, taxes: &mut ByRate) {
        if tax == 0 {
            return;
        }
        let mut split = [0; MAX_TAXES];
        if let (Some(added), Some(split)) = (self.added.get(..self.rates), split.get_mut(..self.rates)) {
            allocate_into(tax, added, split);
        }
        taxes.iter_mut().zip(split).for_each(|(tax, share)| *tax += share);
    }
}
