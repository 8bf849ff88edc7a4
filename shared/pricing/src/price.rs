use crate::{flag::Flag, weight::Weight};
use carryout_money::Money;
use serde::{Deserialize, Serialize, Serializer};
use std::{
    borrow::Cow,
    ops::{Index, IndexMut},
    sync::Arc,
};

/// The version of the engine, recorded with every price. Raise it with any change that gives some context another price.
pub const ENGINE: u32 = 1;

/// A price, component by component.
///
/// Its JSON has one member for each kind of charge; signatures and stored records cover these bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "PriceJson<'static>")]
pub struct Price {
    /// The lines with their amounts.
    pub lines: Vec<PricedLine>,
    /// Sum of the lines.
    pub subtotal: Money,
    /// The charges that are not zero.
    pub charges: Charges,
    /// The courier's tip.
    pub tip: Money,
    /// The amount that the consumer pays.
    pub total: Money,
    /// The id of the policy by which amounts were rounded and allocated.
    pub policy: String,
    /// The version of the engine that computed it.
    pub engine: u32,
    /// The providers that did not answer, and the fallbacks used.
    pub flags: Vec<Flag>,
}

/// A line of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The item's id.
    pub item_id: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The number of units.
    pub quantity: u32,
    /// The weight of all units together, where the unit price is per unit of weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// The price of one unit.
    pub unit_price: Money,
    /// The price of all units.
    pub amount: Money,
}

/// A named amount of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Stable name.
    pub code: String,
    /// The name that the consumer reads.
    pub name: String,
    /// The amount; negative if it lowers the total.
    pub amount: Money,
    /// Whether other amounts include it, so that it is not added to the total.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub included: bool,
    /// Its allocation to lines, fees and tip, so that a part of it can be refunded with a part of the order.
    #[serde(default, skip_serializing_if = "Shares::is_empty")]
    pub shares: Shares,
}

/// The kind of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChargeKind {
    /// A promotion's discount.
    Discount,
    /// A fee.
    Fee,
    /// A tax. One that prices include is shown and not added.
    Tax,
    /// A deposit, which is returned with the empties.
    Deposit,
    /// A credit that pays a part.
    Credit,
}

/// What differs between the kinds of charges.
struct KindFacts {
    /// In explanations.
    name: &'static str,
    /// The member of a price in JSON, and the prefix of component ids.
    group: &'static str,
    /// The measure that sums the kind.
    measure: &'static str,
    /// Whether its amounts are negative.
    is_reduction: bool,
    /// Whether it pays for the order rather than being a part of its price.
    is_payment: bool,
}

impl KindFacts {
    const fn new(name: &'static str, group: &'static str, measure: &'static str) -> Self {
        Self { name, group, measure, is_reduction: false, is_payment: false }
    }

    const fn reduction(self) -> Self {
        Self { is_reduction: true, ..self }
    }

    const fn payment(self) -> Self {
        Self { is_payment: true, ..self }
    }
}

impl ChargeKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Discount, Self::Fee, Self::Tax, Self::Deposit, Self::Credit];

    const fn facts(self) -> KindFacts {
        match self {
            Self::Discount => KindFacts::new("discount", "discounts", "discount").reduction(),
            Self::Fee => KindFacts::new("fee", "fees", "fees"),
            Self::Tax => KindFacts::new("tax", "taxes", "tax"),
            Self::Deposit => KindFacts::new("deposit", "deposits", "deposits"),
            Self::Credit => KindFacts::new("credit", "credits", "credit").reduction().payment(),
        }
    }

    /// Its name: `discount`.
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// The member of a price in JSON that holds charges of this kind, and the prefix of their component ids: `discounts`.
    pub const fn group(self) -> &'static str {
        self.facts().group
    }

    /// The name of the measure that sums charges of this kind.
    pub(crate) const fn measure(self) -> &'static str {
        self.facts().measure
    }

    /// Whether charges of this kind lower the total.
    pub const fn is_reduction(self) -> bool {
        self.facts().is_reduction
    }

    /// Whether charges of this kind pay for lines, fees and tip alike.
    pub const fn is_payment(self) -> bool {
        self.facts().is_payment
    }
}

/// The charges of a price by kind: `price.charges[ChargeKind::Tax]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Charges([Vec<Charge>; ChargeKind::ALL.len()]);

impl Charges {
    /// Every charge with its kind, by kind.
    pub fn iter(&self) -> impl Iterator<Item = (ChargeKind, &Charge)> {
        ChargeKind::ALL.into_iter().flat_map(|kind| self[kind].iter().map(move |charge| (kind, charge)))
    }
}

impl Index<ChargeKind> for Charges {
    type Output = Vec<Charge>;

    fn index(&self, kind: ChargeKind) -> &Vec<Charge> {
        &self.0[kind as usize]
    }
}

impl IndexMut<ChargeKind> for Charges {
    fn index_mut(&mut self, kind: ChargeKind) -> &mut Vec<Charge> {
        &mut self.0[kind as usize]
    }
}

impl FromIterator<(ChargeKind, Charge)> for Charges {
    fn from_iter<I: IntoIterator<Item = (ChargeKind, Charge)>>(charges: I) -> Self {
        let mut by_kind = Self::default();
        charges.into_iter().for_each(|(kind, charge)| by_kind[kind].push(charge));
        by_kind
    }
}

/// The members of a [`Price`] in JSON, in the order in which they are written and signed.
#[derive(Serialize, Deserialize)]
struct PriceJson<'a> {
    lines: Cow<'a, [PricedLine]>,
    subtotal: Money,
    fees: Cow<'a, [Charge]>,
    discounts: Cow<'a, [Charge]>,
    taxes: Cow<'a, [Charge]>,
    tip: Money,
    #[serde(default, skip_serializing_if = "<[Charge]>::is_empty")]
    deposits: Cow<'a, [Charge]>,
    credits: Cow<'a, [Charge]>,
    total: Money,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    policy: Cow<'a, str>,
    #[serde(default)]
    engine: u32,
    #[serde(default, skip_serializing_if = "<[Flag]>::is_empty")]
    flags: Cow<'a, [Flag]>,
}

impl<'a> From<&'a Price> for PriceJson<'a> {
    fn from(price: &'a Price) -> Self {
        let charges = |kind| Cow::Borrowed(price.charges[kind].as_slice());
        Self {
            lines: Cow::Borrowed(&price.lines),
            subtotal: price.subtotal,
            fees: charges(ChargeKind::Fee),
            discounts: charges(ChargeKind::Discount),
            taxes: charges(ChargeKind::Tax),
            tip: price.tip,
            deposits: charges(ChargeKind::Deposit),
            credits: charges(ChargeKind::Credit),
            total: price.total,
            policy: Cow::Borrowed(&price.policy),
            engine: price.engine,
            flags: Cow::Borrowed(&price.flags),
        }
    }
}

impl From<PriceJson<'_>> for Price {
    fn from(json: PriceJson<'_>) -> Self {
        let mut charges = Charges::default();
        for (kind, group) in [
            (ChargeKind::Discount, json.discounts),
            (ChargeKind::Fee, json.fees),
            (ChargeKind::Tax, json.taxes),
            (ChargeKind::Deposit, json.deposits),
            (ChargeKind::Credit, json.credits),
        ] {
            charges[kind] = group.into_owned();
        }
        Self {
            lines: json.lines.into_owned(),
            subtotal: json.subtotal,
            charges,
            tip: json.tip,
            total: json.total,
            policy: json.policy.into_owned(),
            engine: json.engine,
            flags: json.flags.into_owned(),
        }
    }
}

impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PriceJson::from(self).serialize(serializer)
    }
}

/// The allocation of an amount to lines, fees and tip. The shares have its sign and add up to it exactly. Minor units.
///
/// A single unit's share is never stored: the first `k` of `n` units have
/// [`share_of_first`](carryout_money::share_of_first) of the line's share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// By line, in the price's order. Empty where no line has a share.
    #[serde(default, skip_serializing_if = "is_all_zero")]
    pub lines: Vec<i64>,
    /// By fee, in the price's order. Empty where no fee has a share.
    #[serde(default, skip_serializing_if = "is_all_zero")]
    pub fees: Vec<i64>,
    /// The tip's share.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tip: i64,
}

impl Shares {
    /// Whether every share is zero.
    pub fn is_empty(&self) -> bool {
        self.tip == 0 && is_all_zero(&self.lines) && is_all_zero(&self.fees)
    }

    /// The same shares as JSON gives them back: empty in place of zeros alone.
    #[must_use]
    pub(crate) fn compact(mut self) -> Self {
        for shares in [&mut self.lines, &mut self.fees] {
            if is_all_zero(shares) {
                shares.clear();
            }
        }
        self
    }

    /// The sum of all shares; `None` on overflow.
    pub fn sum(&self) -> Option<i64> {
        self.lines.iter().chain(&self.fees).try_fold(self.tip, |sum, share| sum.checked_add(*share))
    }
}

fn is_all_zero(shares: &[i64]) -> bool {
    shares.iter().all(|share| *share == 0)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(amount: &i64) -> bool {
    *amount == 0
}
