use crate::{
    breakdown::PriceBreakdown,
    component::Component,
    context::Context,
    price::{Charge, ChargeKind, Charges, ENGINE, Price, PricedLine},
};
use carryout_money::Money;
use serde::{Deserialize, Serialize};

/// Makes a client's view of a priced context.
pub trait Renderer {
    /// The view.
    type Output;

    /// Renders the adjustments.
    fn render(&self, context: &Context, breakdown: PriceBreakdown<'_>) -> Self::Output;
}

/// Renders the whole [`Price`], which a quote locks, an order keeps and a refund inverts.
#[derive(Debug, Clone, Copy)]
pub struct Checkout;

/// Renders a [`Preview`] for the cart.
#[derive(Debug, Clone, Copy)]
pub struct CartPreview;

/// The summary of a price that the cart shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The items.
    pub subtotal: Money,
    /// Discounts; zero or negative.
    pub discounts: Money,
    /// Fees, deposits and taxes that are not included.
    pub fees_and_taxes: Money,
    /// The amount to be paid.
    pub total: Money,
}

/// The final amounts of each line, for the consumer's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The lines.
    pub lines: Vec<ReceiptLine>,
    /// Fees, discounts on fees, the tip and credits, by name.
    pub charges: Vec<(String, Money)>,
    /// Taxes on lines and fees together, by name, including those that prices contain.
    pub taxes: Vec<(String, Money)>,
    /// The amount that was paid.
    pub total: Money,
}

/// A line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// The item's name.
    pub name: String,
    /// The number of units.
    pub quantity: u32,
    /// The price of all units.
    pub amount: Money,
    /// Discounts; zero or negative.
    pub discount: Money,
    /// Deposits.
    pub deposit: Money,
    /// Taxes that the price does not include.
    pub tax: Money,
}

impl Renderer for Checkout {
    type Output = Price;

    fn render(&self, context: &Context, mut breakdown: PriceBreakdown<'_>) -> Price {
        let currency = context.currency;
        let money = |minor| Money::new(minor, currency);
        let (subtotal, total) = (breakdown.subtotal(), breakdown.total());
        let lines = context
            .lines
            .iter()
            .zip(breakdown.lines())
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
            charges: Charges::default(),
            tip: money(context.tip),
            total: money(total),
            policy: context.policy.id.clone(),
            engine: ENGINE,
            flags: context.flags.clone(),
        };
        for adjustment in breakdown.take_adjustments() {
            let Component::Charge(kind) = adjustment.component else { continue };
            price.charges[kind].push(Charge {
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

    fn render(&self, context: &Context, breakdown: PriceBreakdown<'_>) -> Preview {
        let money = |minor| Money::new(minor, context.currency);
        let of = |is_shown: fn(ChargeKind) -> bool| {
            let is_added = |component| matches!(component, Component::Charge(kind) if is_shown(kind));
            let adjustments = breakdown.adjustments().iter().filter(|one| is_added(one.component) && !one.included);
            money(adjustments.map(|one| one.amount).sum())
        };
        Preview {
            subtotal: money(breakdown.subtotal()),
            discounts: of(|kind| kind.is_reduction() && !kind.is_payment()),
            fees_and_taxes: of(|kind| !kind.is_reduction()),
            total: money(breakdown.total()),
        }
    }
}

impl Receipt {
    /// Makes the receipt of a locked price.
    pub fn of(price: &Price) -> Self {
        let money = |minor| Money { minor, ..price.total };
        let charges = &price.charges;
        let share = |kind: ChargeKind, line: usize| {
            let added = charges[kind].iter().filter(|charge| !charge.included);
            money(added.map(|charge| charge.shares.lines.get(line).copied().unwrap_or_default()).sum())
        };
        let lines = price.lines.iter().enumerate().map(|(place, line)| ReceiptLine {
            name: line.name.to_string(),
            quantity: line.quantity,
            amount: line.amount,
            discount: share(ChargeKind::Discount, place),
            deposit: share(ChargeKind::Deposit, place),
            tax: share(ChargeKind::Tax, place),
        });
        let named = |kind: ChargeKind| charges[kind].iter().map(|charge| (charge.name.clone(), charge.amount));
        let on_fees =
            charges[ChargeKind::Discount].iter().map(|charge| (charge.name.clone(), money(charge.shares.fees.iter().sum())));
        let tip = [("Tip".to_owned(), price.tip)];
        let besides = on_fees.chain(tip).filter(|(_, amount)| amount.minor != 0);
        Self {
            lines: lines.collect(),
            charges: named(ChargeKind::Fee).chain(besides).chain(named(ChargeKind::Credit)).collect(),
            taxes: named(ChargeKind::Tax).collect(),
            total: price.total,
        }
    }
}
