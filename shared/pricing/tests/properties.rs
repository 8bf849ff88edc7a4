//! Properties of the price of every valid context.

mod any_json;

use carryout_money::{Currency, Money, Rate, Rounding};
use carryout_pricing::{
    Allocation, Benefit, Charge, ChargeKind, Context, ContextLine, Credit, DiscountAmount, Fee, FeeAmount, Limits, Pipeline,
    Policy, Price, Promotion, Record, RefundLine, RefundRequest, Refunded, STANDARD_TAX, Scope, TaxLevel, TaxRate, Taxes, Tier,
    Weight, left_to_refund, price, refund,
};
use proptest::{
    prelude::*,
    sample::{Index, select},
};
use serde_json::{Value, json};

fn rate(most: i64) -> impl Strategy<Value = Rate> {
    (0..=most).prop_map(Rate::from_milli_percent)
}

fn policy() -> impl Strategy<Value = Policy> {
    let rounding = select(vec![Rounding::HalfUp, Rounding::HalfDown, Rounding::HalfEven, Rounding::Up, Rounding::Down]);
    let tax_level = select(vec![TaxLevel::Line, TaxLevel::Unit]);
    let allocation = select(vec![Allocation::LargestRemainder, Allocation::Cumulative]);
    (rounding, tax_level, allocation).prop_map(|(rounding, tax_level, allocation)| Policy {
        id: "any".to_owned(),
        rounding,
        tax_level,
        allocation,
    })
}

fn lines() -> impl Strategy<Value = Vec<ContextLine>> {
    let class = select(vec![STANDARD_TAX, "food", "none"]);
    let line = (1_u32..20, 0_i64..5_000, prop::option::of(1_u32..9_999), 0_i64..400, prop::bool::weighted(0.2), class, 0..3);
    prop::collection::vec(line, 1..9).prop_map(|lines| {
        let indexed = lines.into_iter().enumerate();
        let lines = indexed.map(|(index, (quantity, unit_price, weight, minimum, has_deposit, class, kind))| ContextLine {
            weight: weight.filter(|_| index % 3 == 1).map(Weight::from_thousandths),
            minimum_unit_price: minimum,
            deposit: if has_deposit { 25 } else { 0 },
            tax_class: str::to_owned(class),
            attributes: json!({ "kind": kind }),
            ..ContextLine::new(format!("itm_{index}"), "Item", quantity, unit_price)
        });
        lines.collect()
    })
}

fn promotions() -> impl Strategy<Value = Vec<Promotion>> {
    let off = prop_oneof![rate(100_000).prop_map(DiscountAmount::Percent), (0_i64..3_000).prop_map(DiscountAmount::Fixed)];
    let tier = (0_i64..9_000, off).prop_map(|(from, off)| Tier { from, off });
    let benefit =
        prop_oneof![
            rate(100_000).prop_map(Benefit::Percent),
            (0_i64..4_000).prop_map(Benefit::Fixed),
            (0_u32..3, 1_u32..3, rate(100_000), prop::option::of(0_u32..3))
                .prop_map(|(buy, get, rate, times)| Benefit::BuyXGetY { buy, get, rate, times }),
            Just(Benefit::FreeDelivery),
            prop::collection::vec(tier, 0..4).prop_map(Benefit::Tiered),
        ];
    let scope = select(vec![Scope::AcrossLines, Scope::EachLine, Scope::Fee("service".to_owned())]);
    let limits = (0_i64..6_000, prop::option::of(0_i64..2_000), -2_i32..3, prop::bool::weighted(0.15));
    let conditions = (prop::bool::weighted(0.3), prop::bool::weighted(0.3), prop::bool::weighted(0.2));
    prop::collection::vec((benefit, scope, limits, conditions), 0..5).prop_map(|promotions| {
        let promotion =
            |(index, (benefit, scope, (minimum_subtotal, cap, priority, exclusive), (lines, all, items)))| Promotion {
                id: format!("pro_{index}"),
                name: "Promotion".to_owned(),
                benefit,
                scope,
                condition: Option::filter(serde_json::from_value(json!({ "orders": { "$lt": 3 } })).ok(), |_| all),
                items: if items { vec!["itm_0".to_owned(), "itm_2".to_owned()] } else { Vec::new() },
                lines: Option::filter(serde_json::from_value(json!({ "kind": { "$in": [0, 1] } })).ok(), |_| lines),
                minimum_subtotal,
                cap,
                priority,
                exclusive,
                limits: Limits::default(),
            };
        promotions.into_iter().enumerate().map(promotion).collect()
    })
}

fn fees() -> impl Strategy<Value = Vec<Fee>> {
    let amount = prop_oneof![
        (0_i64..900).prop_map(FeeAmount::Fixed),
        (rate(30_000), 0_i64..300, 0_i64..900, any::<bool>())
            .prop_map(|(rate, min, max, after_discounts)| FeeAmount::OfSubtotal { rate, min, max, after_discounts }),
        (0_i64..3_000, 0_i64..500).prop_map(|(minimum, max)| FeeAmount::BelowMinimum { minimum, max }),
        (0_i64..20, 0_i64..300).prop_map(|(amount, max)| FeeAmount::PerUnit { amount, max }),
        rate(200_000).prop_map(|rate| FeeAmount::OfFee { fee: "delivery".to_owned(), rate }),
        (0_u32..20_000, 0_i64..100, 0_i64..900).prop_map(|(metres, per_kilometre, max)| FeeAmount::ByDistance {
            metres,
            beyond: 3_000,
            per_kilometre,
            max
        }),
    ];
    let fee = (amount, select(vec!["delivery", "service", "surge"]), select(vec![STANDARD_TAX, "none"]));
    prop::collection::vec(fee, 0..5).prop_map(|fees| {
        let fee = |(amount, code, class)| Fee {
            code: str::to_owned(code),
            name: "Fee".to_owned(),
            amount,
            tax_class: str::to_owned(class),
        };
        fees.into_iter().map(fee).collect()
    })
}

fn taxes() -> impl Strategy<Value = Taxes> {
    let rates = prop::collection::vec((rate(30_000), prop::bool::weighted(0.3), any::<bool>()), 0..4);
    (any::<bool>(), rates).prop_map(|(included, rates)| {
        let rate = |(index, (rate, compound, is_on_food)): (usize, (Rate, bool, bool))| TaxRate {
            code: format!("tax_{index}"),
            name: "Tax".to_owned(),
            rate,
            compound,
            classes: if is_on_food { vec!["food".to_owned(), STANDARD_TAX.to_owned()] } else { vec![STANDARD_TAX.to_owned()] },
        };
        Taxes { included, rates: rates.into_iter().enumerate().map(rate).collect() }
    })
}

/// Carts in every currency and under every policy.
fn context() -> impl Strategy<Value = Context> {
    let credits = prop::collection::vec(0_i64..6_000, 0..3);
    let parts = (policy(), select(Currency::all()), lines(), promotions(), fees(), taxes());
    (parts, 0_i64..900, credits, 0_i64..6).prop_map(
        |((policy, currency, lines, promotions, fees, taxes), tip, credits, orders)| {
            let credit = |(index, amount)| Credit {
                id: format!("cre_{index}"),
                name: "Credit".to_owned(),
                amount,
                limits: Limits::default(),
            };
            Context {
                policy,
                promotions,
                fees,
                taxes,
                tip,
                credits: credits.into_iter().enumerate().map(credit).collect(),
                attributes: json!({ "orders": orders }),
                ..Context::new(currency, lines)
            }
        },
    )
}

fn charges(price: &Price) -> impl Iterator<Item = &Charge> {
    price.charges.iter().map(|(_, charge)| charge)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_cart_has_a_price_that_adds_up(context in context()) {
        let price = price(&context).unwrap();
        let lines: i64 = price.lines.iter().map(|line| line.amount.minor).sum();
        prop_assert_eq!(lines, price.subtotal.minor);
        let added: i64 = charges(&price).filter(|charge| !charge.included).map(|charge| charge.amount.minor).sum();
        prop_assert_eq!(price.subtotal.minor + added + price.tip.minor, price.total.minor);
        prop_assert!(price.total.minor >= 0);
        for (kind, charge) in price.charges.iter() {
            prop_assert_eq!(charge.amount.currency, context.currency);
            prop_assert!(kind == ChargeKind::Fee || charge.shares.sum() == Some(charge.amount.minor));
        }
        for (place, line) in context.lines.iter().enumerate() {
            let off: i64 = price.charges[ChargeKind::Discount].iter().filter_map(|discount| discount.shares.lines.get(place)).sum();
            let gross = price.lines[place].amount.minor;
            let units = line.weight.map_or(f64::from(line.quantity), |weight| f64::from(weight.thousandths()) / 1_000.0);
            let minimum = (line.minimum_unit_price as f64 * units).floor() as i64;
            prop_assert!(gross + off >= minimum.min(gross), "a line keeps its minimum");
        }
    }

    #[test]
    fn stored_context_reproduces_its_price_byte_for_byte(context in context()) {
        let record = Record::of(context).unwrap();
        let stored = serde_json::to_string(&record).unwrap();
        let read: Record = serde_json::from_str(&stored).unwrap();
        prop_assert_eq!(read.replay(&Pipeline::standard()), Ok(()));
        let again = serde_json::to_string(&price(&read.context).unwrap()).unwrap();
        prop_assert_eq!(serde_json::to_string(&record.price).unwrap(), again);
    }

    #[test]
    fn promotion_order_does_not_matter(context in context(), turn in 0_usize..5) {
        let mut turned = context.clone();
        let count = turned.promotions.len().max(1);
        turned.promotions.rotate_left(turn % count);
        prop_assert_eq!(price(&context), price(&turned));
    }

    #[test]
    fn order_of_simple_rates_changes_no_total(context in context()) {
        let mut context = context;
        context.taxes.rates.iter_mut().for_each(|rate| rate.compound = false);
        let mut turned = context.clone();
        turned.taxes.rates.reverse();
        let (price, turned) = (price(&context).unwrap(), price(&turned).unwrap());
        prop_assert_eq!(price.total, turned.total);
        let on_line = |price: &Price, line: usize| -> i64 {
            price.charges[ChargeKind::Tax].iter().filter_map(|tax| tax.shares.lines.get(line)).sum()
        };
        for line in 0..context.lines.len() {
            prop_assert_eq!(on_line(&price, line), on_line(&turned, line));
        }
    }

    #[test]
    fn currency_changes_no_amount(context in context()) {
        // One of each number of decimals; the engine reads nothing else of a currency.
        let currencies = [Currency::USD, Currency::JPY, Currency::KWD, Currency::CLF];
        let totals = currencies.map(|currency| price(&Context { currency, ..context.clone() }).unwrap().total);
        for (total, currency) in totals.into_iter().zip(currencies) {
            prop_assert_eq!(total, Money::new(totals[0].minor, currency));
        }
    }

    #[test]
    fn refunds_invert_the_charge(context in context(), order in prop::collection::vec((0_usize..9, 1_u32..9, any::<bool>()), 0..12)) {
        let price = price(&context).unwrap();
        let mut refunded = Refunded::default();
        let mut given = 0;
        for (line, quantity, with_fees) in order {
            let lines = vec![RefundLine { line: line % price.lines.len(), quantity }];
            if let Ok(next) = refund(&price, &refunded, &RefundRequest::Lines { lines, with_fees }) {
                prop_assert!(next.amount.minor >= 0);
                given += next.amount.minor;
                refunded = next.refunded;
            }
        }
        prop_assert_eq!(given + left_to_refund(&price, &refunded).unwrap().minor, price.total.minor);
        let all = refund(&price, &refunded, &RefundRequest::Remaining).unwrap();
        let included = all.parts.iter().flat_map(|part| &part.components).filter(|component| component.included);
        let included: i64 = included.map(|component| component.amount).sum();
        prop_assert!(included >= 0);
    }

    #[test]
    fn more_expensive_line_has_no_smaller_share_of_a_discount(amount in 0_i64..50_000, prices in prop::collection::vec(1_i64..9_000, 2..12)) {
        let lines = prices.iter().enumerate().map(|(index, price)| ContextLine::new(index.to_string(), "Item", 1, *price)).collect();
        let promotion: Promotion =
            serde_json::from_value(json!({ "id": "off", "name": "Off", "benefit": { "fixed": amount } })).unwrap();
        let price = price(&Context { promotions: vec![promotion], ..Context::new(Currency::USD, lines) }).unwrap();
        prop_assert_eq!(price.total.minor, (prices.iter().sum::<i64>() - amount).max(0));
        if let Some(discount) = price.charges[ChargeKind::Discount].first() {
            for (dear, off) in prices.iter().zip(&discount.shares.lines) {
                for (cheap, other) in prices.iter().zip(&discount.shares.lines) {
                    prop_assert!(dear <= cheap || off <= other);
                }
            }
        }
    }

    #[test]
    fn arbitrary_json_never_panics(changes in prop::collection::vec(change(), 0..6), example in select(EXAMPLES.to_vec())) {
        let mut value: Value = serde_json::from_str(example).unwrap();
        for change in &changes {
            change.apply(&mut value);
        }
        any_json::check(value.to_string().as_bytes());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4), end in any::<Index>(), example in select(EXAMPLES.to_vec())) {
        let mut text = example.as_bytes().to_vec();
        for (place, byte) in bytes {
            let place = place.index(text.len());
            text[place] = byte;
        }
        any_json::check(&text);
        any_json::check(&text[..end.index(text.len())]);
    }
}

const EXAMPLES: &[&str] = &[
    include_str!("../../../events/pricing/grocery-by-weight.json"),
    include_str!("../../../events/pricing/kuwait-three-decimals.json"),
    include_str!("../../../events/pricing/new-york-delivery.json"),
    include_str!("../../../events/pricing/plain.json"),
    include_str!("../../../events/pricing/quebec-compound-tax.json"),
    include_str!("../../../events/pricing/sydney-included-gst.json"),
    include_str!("../../../events/pricing/tokyo-no-decimals.json"),
];

/// A change to one or two places of a JSON text.
#[derive(Debug, Clone)]
enum Change {
    Replace(Index, Value),
    /// Copies the value at the first place to the second.
    Copy(Index, Index),
    Remove(Index),
    /// Duplicates an element of a list.
    Repeat(Index),
    /// Renames a member of an object.
    Rename(Index, &'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let names =
        vec!["", "amount", "deposit", "fixed", "id", "lines", "percent", "quantity", "scope", "tip", "weight", "$lt", "$or"];
    prop_oneof![
        3 => (any::<Index>(), any_json()).prop_map(|(place, value)| Change::Replace(place, value)),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Change::Copy(from, to)),
        2 => any::<Index>().prop_map(Change::Remove),
        2 => any::<Index>().prop_map(Change::Repeat),
        1 => (any::<Index>(), select(names)).prop_map(|(place, name)| Change::Rename(place, name)),
    ]
}

impl Change {
    fn apply(&self, value: &mut Value) {
        let mut pointers = Vec::new();
        pointers_of(value, String::new(), &mut pointers);
        let pointer = |place: &Index| pointers[place.index(pointers.len())].as_str();
        let written = match self {
            Self::Replace(place, new) => Some((pointer(place), new.clone())),
            Self::Copy(from, to) => value.pointer(pointer(from)).cloned().map(|copy| (pointer(to), copy)),
            Self::Remove(_) | Self::Repeat(_) | Self::Rename(..) => None,
        };
        if let Some((to, new)) = written {
            value.pointer_mut(to).into_iter().for_each(|old| *old = new.clone());
            return;
        }
        let (Self::Remove(place) | Self::Repeat(place) | Self::Rename(place, _)) = self else { return };
        let Some((parent, name)) = pointer(place).rsplit_once('/') else { return };
        match (self, value.pointer_mut(parent)) {
            (Self::Remove(_), Some(Value::Object(members))) => drop(members.remove(name)),
            (Self::Rename(_, new), Some(Value::Object(members))) => {
                if let Some(member) = members.remove(name) {
                    members.insert((*new).to_owned(), member);
                }
            }
            (Self::Remove(_), Some(Value::Array(items))) => {
                name.parse::<usize>().into_iter().for_each(|place| drop(items.remove(place)));
            }
            (Self::Repeat(_), Some(Value::Array(items))) => {
                name.parse::<usize>().into_iter().for_each(|place| items.insert(place, items[place].clone()));
            }
            _ => {}
        }
    }
}

/// Values that are valid somewhere in a context, and values that are not.
fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        select(vec![0_i64, 1, -1, 1_000_000_000, 1_000_000_001, 100_000, i64::MAX, i64::MIN]).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![
            "",
            "0",
            "1",
            "10",
            "0.00000000001",
            "9999999999999999999999999999",
            "-0.5",
            "1e5",
            "free_delivery",
            "100000.999"
        ])
        .prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!({ "fixed": 1_000_000_000 })),
        Just(json!({ "percent": "1" })),
    ]
}

fn pointers_of(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| pointers_of(member, format!("{at}/{name}"), pointers)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| pointers_of(item, format!("{at}/{place}"), pointers))
        }
        _ => {}
    }
    pointers.push(at);
}
