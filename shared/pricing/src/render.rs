use crate::{Charge, Component, Context, ENGINE, Price, PriceBreakdown, PricedLine};
use carryout_money::Money;
use serde::{Deserialize, Serialize};

/// Makes what a client sees of a priced context.
pub trait Renderer {
    /// What it makes.
    type Output;

    /// Picks the adjustments that it shows.
    fn render(&self, context: &Context, sheet: PriceBreakdown<'_>) -> Self::Output;
}

/// Everything, line by line and component by component: what a quote locks, an order keeps and a refund gives back.
#[derive(Debug, Clone, Copy)]
pub struct Checkout;

/// The few amounts that are shown while a cart is filled.
#[derive(Debug, Clone, Copy)]
pub struct CartPreview;

/// What [`CartPreview`] makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// What the items cost.
    pub subtotal: Money,
    /// What is taken off; zero or negative.
    pub discounts: Money,
    /// Fees, deposits and taxes that are not included.
    pub fees_and_taxes: Money,
    /// What is to be paid.
    pub total: Money,
}

/// What each line has cost in the end, for the consumer's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The lines.
    pub lines: Vec<ReceiptLine>,
    /// What was charged besides, with its name: fees, tip; and what was paid by credits.
    pub charges: Vec<(String, Money)>,
    /// Taxes by name, as on lines and fees together; among them those that prices contain.
    pub taxes: Vec<(String, Money)>,
    /// What was paid.
    pub total: Money,
}

/// A line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// The item's name.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Price of all.
    pub amount: Money,
    /// What was taken off; zero or negative.
    pub discount: Money,
    /// Deposits.
    pub deposit: Money,
    /// Taxes that were added.
    pub tax: Money,
}

impl Renderer for Checkout {
    type Output = Price;

    fn render(&self, context: &Context, mut sheet: PriceBreakdown<'_>) -> Price {
        let currency = context.currency;
        let money = |minor| Money::new(minor, currency);
        let (subtotal, total) = (sheet.subtotal(), sheet.total());
        let lines = context
            .lines
            .iter()
            .zip(sheet.lines())
            .map(|(line, amounts)| PricedLine {
                item_id: line.item_id.clone(),
                name: line.name.clone(),
                quantity: line.quantity,
                weight: line.weight,
                unit_price: money(line.unit_price),
                amount: money(amounts.gross),
            })
            .collect();
        let mut price = Price {
            lines,
            subtotal: money(subtotal),
            fees: Vec::new(),
            discounts: Vec::new(),
            taxes: Vec::new(),
            tip: money(context.tip),
            deposits: Vec::new(),
            credits: Vec::new(),
            total: money(total),
            policy: context.policy.id.clone(),
            engine: ENGINE,
            flags: context.flags.clone(),
        };
        for adjustment in sheet.take_adjustments() {
            let charges = match adjustment.component {
                Component::Items | Component::Tip => continue,
                Component::Deposit => &mut price.deposits,
                Component::Discount => &mut price.discounts,
                Component::Fee => &mut price.fees,
                Component::Tax => &mut price.taxes,
                Component::Credit => &mut price.credits,
            };
            charges.push(Charge {
                code: adjustment.code.into_owned(),
                name: adjustment.name.into_owned(),
                amount: money(adjustment.amount),
                included: adjustment.included,
                shares: adjustment.shares.compact(),
            });
        }
        price
    }
}

impl Renderer for CartPreview {
    type Output = Preview;

    fn render(&self, context: &Context, sheet: PriceBreakdown<'_>) -> Preview {
        let money = |minor| Money::new(minor, context.currency);
        let of = |components: &[Component]| {
            let adjustments = sheet.adjustments().iter().filter(|one| components.contains(&one.component) && !one.included);
            money(adjustments.map(|one| one.amount).sum())
        };
        Preview {
            subtotal: money(sheet.subtotal()),
            discounts: of(&[Component::Discount]),
            fees_and_taxes: of(&[Component::Fee, Component::Deposit, Component::Tax]),
            total: money(sheet.total()),
        }
    }
}

impl Receipt {
    /// The receipt of a price, for an order that keeps it.
    pub fn of(price: &Price) -> Self {
        let money = |minor| Money { minor, ..price.total };
        let share = |charges: &[Charge], line: usize| {
            let added = charges.iter().filter(|charge| !charge.included);
            money(added.map(|charge| charge.shares.lines.get(line).copied().unwrap_or_default()).sum())
        };
        let lines = price.lines.iter().enumerate().map(|(place, line)| ReceiptLine {
            name: line.name.to_string(),
            quantity: line.quantity,
            amount: line.amount,
            discount: share(&price.discounts, place),
            deposit: share(&price.deposits, place),
            tax: share(&price.taxes, place),
        });
        let named = |charges: &[Charge]| charges.iter().map(|charge| (charge.name.clone(), charge.amount)).collect::<Vec<_>>();
        let on_fees = price.discounts.iter().map(|charge| (charge.name.clone(), money(charge.shares.fees.iter().sum())));
        let mut charges = named(&price.fees);
        charges.extend(on_fees.filter(|(_, amount)| amount.minor != 0));
        if price.tip.minor != 0 {
            charges.push(("Tip".to_owned(), price.tip));
        }
        charges.extend(named(&price.credits));
        Self { lines: lines.collect(), charges, taxes: named(&price.taxes), total: price.total }
    }
}
