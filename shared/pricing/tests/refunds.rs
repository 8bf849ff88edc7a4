//! Refunds add up to exactly the charge, in any order and in any parts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use carryout_money::{Currency, Money};
use carryout_pricing::{
    Charge, ChargeKind, Charges, Price, PricePart, PricedLine, RefundError, RefundLine, RefundRequest, Refunded, RefundedLine,
    Shares, left_to_refund, refund,
};
use proptest::{prelude::*, sample::Index};

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

fn charge(code: &str, amount: i64, shares: Shares) -> Charge {
    Charge { code: code.to_owned(), name: code.to_owned(), amount: usd(amount), included: false, shares }
}

fn line(item: &str, quantity: u32, amount: i64) -> PricedLine {
    let unit_price = usd(amount / i64::from(quantity));
    PricedLine { item_id: item.into(), name: item.into(), quantity, weight: None, unit_price, amount: usd(amount) }
}

/// Three ramen at 10.00 and a gyoza at 5.00, 10 % off, 8 % tax, a delivery fee that a promotion takes off, a service fee with
/// tax, a tip, and a credit over everything.
fn price() -> Price {
    let mut price = Price {
        lines: vec![line("ramen", 3, 3_000), line("gyoza", 1, 500)],
        subtotal: usd(3_500),
        charges: Charges::from_iter([
            (ChargeKind::Fee, charge("delivery", 299, Shares::default())),
            (ChargeKind::Fee, charge("service", 350, Shares::default())),
            (ChargeKind::Discount, charge("ten", -350, Shares { lines: vec![-300, -50], ..Shares::default() })),
            (ChargeKind::Discount, charge("free_delivery", -299, Shares { fees: vec![-299], ..Shares::default() })),
            (ChargeKind::Tax, charge("tax", 280, Shares { lines: vec![216, 36], fees: vec![0, 28], tip: 0 })),
            (ChargeKind::Deposit, charge("deposit", 75, Shares { lines: vec![75], ..Shares::default() })),
            (ChargeKind::Credit, charge("welcome", -500, Shares { lines: vec![-344, -56], fees: vec![0, -44], tip: -56 })),
        ]),
        tip: usd(400),
        total: usd(0),
        policy: String::new(),
        engine: 0,
        flags: Vec::new(),
    };
    price.total = usd(3_500 + 299 + 350 - 350 - 299 + 280 + 400 + 75 - 500);
    price
}

fn units(lines: &[(usize, u32)]) -> RefundRequest {
    let lines = lines.iter().map(|(line, quantity)| RefundLine { line: *line, quantity: *quantity }).collect();
    RefundRequest::Lines { lines, with_fees: false }
}

#[test]
fn unit_is_refunded_with_its_discount_tax_deposit_and_credit() {
    let price = price();
    // Ramen: 3 000 − 300 + 216 + 75 − 344 = 2 647, of which a third.
    let first = refund(&price, &Refunded::default(), &units(&[(0, 1)])).unwrap();
    assert_eq!(first.amount, usd(882));
    let amounts: Vec<(&str, i64)> =
        first.parts[0].components.iter().map(|component| (component.component.as_str(), component.amount)).collect();
    assert_eq!(
        amounts,
        [("item", 1_000), ("deposits.deposit", 25), ("discounts.ten", -100), ("taxes.tax", 72), ("credits.welcome", -115)]
    );
    let rest = refund(&price, &first.refunded, &units(&[(0, 2)])).unwrap();
    assert_eq!(rest.amount, usd(2_647 - 882));
    assert_eq!(refund(&price, &rest.refunded, &units(&[(0, 1)])), Err(RefundError::TooMany { line: 0, left: 0 }));
    let end = refund(&price, &rest.refunded, &RefundRequest::Remaining).unwrap();
    assert_eq!(end.amount, usd(price.total.minor - 2_647));
    assert_eq!(left_to_refund(&price, &end.refunded), Ok(usd(0)));
}

#[test]
fn discounts_are_not_reallocated_to_remaining_lines() {
    let price = price();
    let gyoza = refund(&price, &Refunded::default(), &units(&[(1, 1)])).unwrap();
    let ramen_before = refund(&price, &Refunded::default(), &units(&[(0, 3)])).unwrap().amount;
    let ramen_after = refund(&price, &gyoza.refunded, &units(&[(0, 3)])).unwrap().amount;
    assert_eq!(ramen_before, ramen_after);
}

#[test]
fn fees_and_tip_are_refunded_alone_or_with_lines() {
    let price = price();
    let none = Refunded::default();
    assert_eq!(refund(&price, &none, &RefundRequest::Fee("delivery".to_owned())).unwrap().amount, usd(0), "it was free");
    assert_eq!(refund(&price, &none, &RefundRequest::Fee("service".to_owned())).unwrap().amount, usd(350 + 28 - 44));
    assert_eq!(refund(&price, &none, &RefundRequest::Tip).unwrap().amount, usd(344));
    assert_eq!(refund(&price, &none, &RefundRequest::Fee("surge".to_owned())), Err(RefundError::NoFee("surge".to_owned())));
    let lines = [(0, 3), (1, 1)].map(|(line, quantity)| RefundLine { line, quantity });
    let mut refunded = none;
    let mut given = 0;
    for line in lines {
        let next = refund(&price, &refunded, &RefundRequest::Lines { lines: vec![line], with_fees: true }).unwrap();
        given += next.amount.minor;
        refunded = next.refunded;
    }
    assert_eq!(usd(given), price.total, "all lines together refund everything");
}

#[test]
fn amount_refund_lowers_the_rest_of_each_part() {
    let price = price();
    let goodwill = refund(&price, &Refunded::default(), &RefundRequest::Amount(1_000)).unwrap();
    assert_eq!(goodwill.amount, usd(1_000));
    let all = refund(&price, &goodwill.refunded, &units(&[(0, 3), (1, 1)])).unwrap();
    assert!(all.amount.minor < 2_647 + 466);
    assert_eq!(left_to_refund(&price, &goodwill.refunded), Ok(usd(price.total.minor - 1_000)));
    let left = price.total.minor - 1_000;
    assert_eq!(refund(&price, &goodwill.refunded, &RefundRequest::Amount(left + 1)), Err(RefundError::TooMuch { left }));
    assert_eq!(refund(&price, &goodwill.refunded, &RefundRequest::Amount(0)), Err(RefundError::Nothing));
}

#[test]
fn charges_without_shares_are_allocated_by_amount() {
    let mut price = price();
    for kind in ChargeKind::ALL {
        price.charges[kind].iter_mut().for_each(|charge| charge.shares = Shares::default());
    }
    price.charges[ChargeKind::Discount].pop();
    price.total = usd(price.total.minor + 299);
    let all = refund(&price, &Refunded::default(), &RefundRequest::Remaining).unwrap();
    assert_eq!(all.amount, price.total);
    assert!(all.parts.iter().all(|part| part.amount > 0));
}

#[test]
fn damaged_order_is_not_refunded() {
    let sound = price();
    let wrong_total = Price { total: usd(1), ..sound.clone() };
    assert_eq!(refund(&wrong_total, &Refunded::default(), &RefundRequest::Remaining), Err(RefundError::Damaged));
    let mut wrong_shares = sound.clone();
    wrong_shares.charges[ChargeKind::Tax][0].shares.lines[0] += 1;
    assert_eq!(refund(&wrong_shares, &Refunded::default(), &RefundRequest::Remaining), Err(RefundError::Damaged));
    for lines in [
        vec![RefundedLine { quantity: 4, amount: 0 }],
        vec![RefundedLine { quantity: 0, amount: 99_999 }],
        vec![RefundedLine::default(); 3],
    ] {
        let too_much = Refunded { lines, ..Refunded::default() };
        assert_eq!(refund(&sound, &too_much, &RefundRequest::Remaining), Err(RefundError::Damaged));
    }
}

/// A price whose charges have random shares that make no part negative.
fn any_price() -> impl Strategy<Value = Price> {
    let lines = prop::collection::vec((1_u32..12, 0_i64..5_000, 0_i64..100, 0_i64..100, 0_i64..30), 1..7);
    let fees = prop::collection::vec((0_i64..700, 0_i64..60, any::<bool>()), 0..4);
    (lines, fees, 0_i64..900, 0_i64..100).prop_map(|(lines, fees, tip, credit)| {
        let mut priced = Vec::new();
        let (mut discounts, mut taxes, mut credits) = (Shares::default(), Shares::default(), Shares::default());
        for (index, (quantity, amount, discount, credited, tax)) in lines.into_iter().enumerate() {
            let (off, tax) = (amount * discount / 100, amount * tax / 100);
            priced.push(line(&index.to_string(), quantity, amount));
            discounts.lines.push(-off);
            taxes.lines.push(tax);
            credits.lines.push(-((amount - off + tax) * credited / 100));
        }
        let mut charged = Charges::default();
        let mut all_fees = 0;
        for (index, (amount, tax, is_free)) in fees.into_iter().enumerate() {
            charged[ChargeKind::Fee].push(charge(&index.to_string(), amount, Shares::default()));
            all_fees += amount;
            discounts.fees.push(if is_free { -amount } else { 0 });
            taxes.fees.push(tax);
            credits.fees.push(0);
        }
        credits.tip = -(tip * credit / 100);
        let subtotal = priced.iter().map(|line| line.amount.minor).sum::<i64>();
        let [discount, tax, credit] = [&discounts, &taxes, &credits].map(|shares| shares.sum().unwrap());
        let total = subtotal + all_fees + discount + tax + credit + tip;
        charged[ChargeKind::Discount].push(charge("off", discount, discounts));
        charged[ChargeKind::Tax].push(charge("tax", tax, taxes));
        charged[ChargeKind::Credit].push(charge("credit", credit, credits));
        Price {
            lines: priced,
            subtotal: usd(subtotal),
            charges: charged,
            tip: usd(tip),
            total: usd(total),
            policy: String::new(),
            engine: 0,
            flags: Vec::new(),
        }
    })
}

/// An operator's request, as numbers that `request` fits to the price.
fn any_request() -> impl Strategy<Value = (u8, Index, u32, bool)> {
    (0_u8..5, any::<Index>(), 1_u32..5, any::<bool>())
}

fn request(price: &Price, left: i64, (kind, index, number, with_fees): (u8, Index, u32, bool)) -> RefundRequest {
    let fees = &price.charges[ChargeKind::Fee];
    match kind {
        0 | 1 => {
            let line = RefundLine { line: index.index(price.lines.len()), quantity: number };
            RefundRequest::Lines { lines: vec![line], with_fees }
        }
        2 if !fees.is_empty() => RefundRequest::Fee(fees[index.index(fees.len())].code.clone()),
        3 => RefundRequest::Tip,
        _ => RefundRequest::Amount(1 + index.index(1_000) as i64 * left / 3_000),
    }
}

proptest! {
    #[test]
    fn any_sequence_of_refunds_adds_up_to_the_charge(price in any_price(), requests in prop::collection::vec(any_request(), 0..20)) {
        let mut refunded = Refunded::default();
        let mut given = 0;
        for asked in requests {
            let left = left_to_refund(&price, &refunded).unwrap().minor;
            match refund(&price, &refunded, &request(&price, left, asked)) {
                Ok(next) => {
                    prop_assert!((0..=left).contains(&next.amount.minor));
                    prop_assert_eq!(next.parts.iter().map(|part| part.amount).sum::<i64>(), next.amount.minor);
                    for part in &next.parts {
                        let added = part.components.iter().filter(|component| !component.included);
                        prop_assert_eq!(added.map(|component| component.amount).sum::<i64>(), part.amount);
                    }
                    given += next.amount.minor;
                    refunded = next.refunded;
                }
                Err(error) => prop_assert!(
                    matches!(error, RefundError::TooMany { .. } | RefundError::TooMuch { .. }), "{}", error
                ),
            }
        }
        given += refund(&price, &refunded, &RefundRequest::Remaining).unwrap().amount.minor;
        prop_assert_eq!(given, price.total.minor);
    }

    #[test]
    fn units_are_refunded_equally_one_by_one_and_at_once(price in any_price(), line in any::<Index>()) {
        let line = line.index(price.lines.len());
        let quantity = price.lines[line].quantity;
        let at_once = refund(&price, &Refunded::default(), &units(&[(line, quantity)])).unwrap();
        let mut refunded = Refunded::default();
        let mut taxes = 0;
        for _ in 0..quantity {
            let one = refund(&price, &refunded, &units(&[(line, 1)])).unwrap();
            prop_assert_eq!(one.parts[0].part, PricePart::Line { line, quantity: 1 });
            taxes += one.parts[0].components.iter().filter(|part| part.component == "taxes.tax").map(|part| part.amount).sum::<i64>();
            refunded = one.refunded;
        }
        prop_assert_eq!(&refunded, &at_once.refunded);
        if at_once.amount.minor > 0 {
            prop_assert_eq!(taxes, price.charges[ChargeKind::Tax][0].shares.lines[line], "each component is refunded whole");
        }
    }
}
