use crate::{Adjustment, Collector, Component, Context, PriceBreakdown, Source};
use std::fmt;

/// A rule that prices of some market or scenario must keep.
pub trait Rule: Send + Sync {
    /// What is wrong with a price; `None` where the rule holds or does not apply. MUST depend on its arguments alone.
    fn violation(&self, context: &Context, sheet: &PriceBreakdown<'_>) -> Option<String>;
}

/// Something that is wrong with a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The components don't add up to the total.
    Total {
        /// What they add up to.
        components: i64,
        /// The total.
        total: i64,
    },
    /// An adjustment's shares don't add up to it, or are not one for each line or fee.
    Shares(String),
    /// An adjustment has the wrong sign.
    Sign(String),
    /// A line costs less than its minimum, or a fee less than nothing.
    BelowMinimum(String),
    /// The total is below zero.
    NegativeTotal(i64),
    /// An adjustment is of a kind that its collector does not add, or comes from a rule that the context does not have.
    Unknown(String),
    /// A rule of the market or scenario does not hold.
    Rule(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total { components, total } => write!(f, "the components add up to {components} and the total is {total}"),
            Self::Shares(code) => write!(f, "the shares of {code} don't add up to it"),
            Self::Sign(code) => write!(f, "{code} has the wrong sign"),
            Self::BelowMinimum(code) => write!(f, "{code} costs less than it may"),
            Self::NegativeTotal(total) => write!(f, "the total is {total}"),
            Self::Unknown(code) => write!(f, "{code} comes from nowhere"),
            Self::Rule(problem) => f.write_str(problem),
        }
    }
}

/// Everything that is wrong with a price.
pub(crate) fn violations(
    context: &Context,
    sheet: &PriceBreakdown<'_>,
    collectors: &[Box<dyn Collector>],
    rules: &[Box<dyn Rule>],
) -> Vec<Violation> {
    let mut found = Vec::new();
    let (mut components, mut fees) = (0_i128, 0);
    for (collector, adjustment) in sheet.origins() {
        let code = || adjustment.code.clone().into_owned();
        if !adjustment.included {
            components += i128::from(adjustment.amount);
        }
        fees += usize::from(adjustment.component == Component::Fee);
        let is_lowering = matches!(adjustment.component, Component::Discount | Component::Credit);
        let shares = || adjustment.shares.lines.iter().chain(&adjustment.shares.fees).chain([&adjustment.shares.tip]);
        let has_sign = |amount: i64| if is_lowering { amount <= 0 } else { amount >= 0 };
        if !has_sign(adjustment.amount) || !shares().copied().all(has_sign) {
            found.push(Violation::Sign(code()));
        }
        if !is_shared(adjustment, context.lines.len(), sheet.fees().len()) {
            found.push(Violation::Shares(code()));
        }
        let adds = collectors.iter().find(|other| other.name() == collector).map_or(&[][..], |collector| collector.adds());
        if !adds.contains(&adjustment.component) || !is_known(adjustment.source, context) {
            found.push(Violation::Unknown(code()));
        }
    }
    if components != i128::from(sheet.total()) {
        found.push(Violation::Total { components: i64::try_from(components).unwrap_or(i64::MAX), total: sheet.total() });
    }
    if sheet.total() < 0 {
        found.push(Violation::NegativeTotal(sheet.total()));
    }
    for (line, amounts) in context.lines.iter().zip(sheet.lines()) {
        // A line that costs less than its minimum before discounts may stay as it is.
        if amounts.net < amounts.minimum.min(amounts.gross) || amounts.net + amounts.added < 0 {
            found.push(Violation::BelowMinimum(line.item_id.to_string()));
        }
    }
    for fee in sheet.fees() {
        if fee.net < 0 || fee.net + fee.added < 0 {
            found.push(Violation::BelowMinimum(fee.code.clone().into_owned()));
        }
    }
    if fees != sheet.fees().len() {
        found.push(Violation::Unknown("fee".to_owned()));
    }
    if sheet.tip() < 0 {
        found.push(Violation::BelowMinimum("tip".to_owned()));
    }
    found.extend(rules.iter().filter_map(|rule| rule.violation(context, sheet)).map(Violation::Rule));
    found
}

/// Whether an adjustment's shares add up to it. Fees and tips are what others are shared by.
fn is_shared(adjustment: &Adjustment<'_>, lines: usize, fees: usize) -> bool {
    let shares = &adjustment.shares;
    let is_part = matches!(adjustment.component, Component::Fee | Component::Tip);
    let has_places =
        [(shares.lines.len(), lines), (shares.fees.len(), fees)].iter().all(|(has, wanted)| *has == 0 || has == wanted);
    if is_part { shares.is_empty() } else { has_places && shares.sum() == Some(adjustment.amount) }
}

fn is_known(source: Source, context: &Context) -> bool {
    match source {
        Source::Lines | Source::Collector => true,
        Source::Tip => context.tip > 0,
        Source::Promotion(place) => place < context.promotions.len(),
        Source::Fee(place) => place < context.fees.len(),
        Source::TaxRate(place) => place < context.taxes.rates.len(),
        Source::Credit(place) => place < context.credits.len(),
    }
}
