//! The rules of a price, each by an example that is computed by hand.
#![expect(clippy::panic, reason = "a test reports what should not happen by panicking")]

use carryout_money::{Currency, Rate, Rounding};
use carryout_pricing::{
    Adjustment, Allocation, Benefit, CartPreview, Charge, Collector, Component, Context, ContextLine, Credit, Differs,
    DiscountAmount, Fee, FeeAmount, Limits, Pipeline, Policy, Price, PriceBreakdown, PricingError, Promotion, Receipt, Record,
    Rule, STANDARD_TAX, Scope, Shares, Source, TaxLevel, TaxRate, Taxes, Tier, Violation, Weight, explain, price,
};
use serde_json::json;

fn percent(milli: i64) -> Rate {
    Rate::from_milli_percent(milli)
}

fn line(item: &str, quantity: u32, unit_price: i64) -> ContextLine {
    ContextLine::new(item, item, quantity, unit_price)
}

fn cart(lines: &[(&str, u32, i64)]) -> Context {
    Context::new(Currency::USD, lines.iter().map(|(item, quantity, unit_price)| line(item, *quantity, *unit_price)).collect())
}

fn rate(code: &str, milli: i64, compound: bool) -> TaxRate {
    let classes = vec![STANDARD_TAX.to_owned()];
    TaxRate { code: code.to_owned(), name: code.to_owned(), rate: percent(milli), compound, classes }
}

fn promotion(id: &str, benefit: Benefit) -> Promotion {
    Promotion::new(id, id, benefit)
}

fn fee(code: &str, amount: FeeAmount, tax_class: &str) -> Fee {
    Fee { code: code.to_owned(), name: code.to_owned(), amount, tax_class: tax_class.to_owned() }
}

fn priced(context: &Context) -> Price {
    price(context).unwrap_or_else(|error| panic!("{error}"))
}

fn amounts(charges: &[Charge]) -> Vec<(&str, i64)> {
    charges.iter().map(|charge| (charge.code.as_str(), charge.amount.minor)).collect()
}

#[test]
fn adds_sales_tax_on_lines_and_taxable_fees() {
    let context = Context {
        fees: vec![
            fee("delivery", FeeAmount::Fixed(299), "none"),
            fee(
                "service",
                FeeAmount::OfSubtotal { rate: percent(15_000), min: 300, max: 500, after_discounts: false },
                STANDARD_TAX,
            ),
            fee("small_order", FeeAmount::BelowMinimum { minimum: 1_000, max: 250 }, "none"),
        ],
        taxes: Taxes { included: false, rates: vec![rate("tax", 8_875, false)] },
        tip: 400,
        ..cart(&[("ramen", 2, 1_450), ("gyoza", 1, 725)])
    };
    let price = priced(&context);
    // Service 15 % = 544, capped at 500; tax 257 + 64 + 44; a fee of nothing is not shown.
    assert_eq!(price.subtotal.minor, 3_625);
    assert_eq!(amounts(&price.fees), [("delivery", 299), ("service", 500)]);
    assert_eq!(amounts(&price.taxes), [("tax", 257 + 64 + 44)]);
    assert_eq!(price.taxes[0].shares, Shares { lines: vec![257, 64], fees: vec![0, 44], tip: 0 });
    assert_eq!(price.total.minor, 3_625 + 299 + 500 + 365 + 400);
    assert_eq!((price.policy.as_str(), price.engine), ("standard-1", 1));
}

#[test]
fn shows_included_tax_and_does_not_add_it() {
    let context = Context {
        fees: vec![fee("service", FeeAmount::Fixed(500), STANDARD_TAX)],
        taxes: Taxes { included: true, rates: vec![rate("gst", 10_000, false)] },
        ..cart(&[("ramen", 2, 1_450), ("gyoza", 1, 725)])
    };
    let price = priced(&context);
    // 2 900 / 11 = 263.6, 725 / 11 = 65.9, 500 / 11 = 45.5
    assert_eq!(amounts(&price.taxes), [("gst", 264 + 66 + 45)]);
    assert!(price.taxes[0].included);
    assert_eq!(price.total.minor, 3_625 + 500);
}

#[test]
fn rates_that_are_added_up_are_rounded_once_and_split() {
    // 4.35 % and 2.9 % of 999: 72.4 → 72, of which 43.2 and 28.8. Rounded each: 43 + 29 = 72; of 985: 42.8 + 28.6 → 71, not 72.
    let context = |amount| Context {
        taxes: Taxes { included: false, rates: vec![rate("state", 4_350, false), rate("city", 2_900, false)] },
        ..cart(&[("a", 1, amount)])
    };
    assert_eq!(amounts(&priced(&context(999)).taxes), [("state", 43), ("city", 29)]);
    assert_eq!(amounts(&priced(&context(985)).taxes), [("state", 43), ("city", 28)]);
}

#[test]
fn a_compound_tax_is_on_the_amount_and_the_taxes_before_it() {
    let context = Context {
        taxes: Taxes { included: false, rates: vec![rate("gst", 5_000, false), rate("qst", 9_975, true)] },
        ..cart(&[("a", 1, 1_010)])
    };
    // 50.5 → 51; (1 010 + 51) × 9.975 % = 105.8 → 106
    assert_eq!(amounts(&priced(&context).taxes), [("gst", 51), ("qst", 106)]);
    let included = Context { taxes: Taxes { included: true, ..context.taxes }, ..cart(&[("a", 1, 1_167)]) };
    assert_eq!(amounts(&priced(&included).taxes), [("gst", 51), ("qst", 106)]);
}

#[test]
fn tax_on_units_is_what_a_till_adds_up() {
    let taxes = Taxes { included: false, rates: vec![rate("tax", 7_000, false)] };
    let mut context = Context { taxes, ..cart(&[("a", 3, 107)]) };
    assert_eq!(amounts(&priced(&context).taxes), [("tax", 22)], "321 × 7 % = 22.47");
    context.policy.tax_level = TaxLevel::Unit;
    assert_eq!(amounts(&priced(&context).taxes), [("tax", 21)], "107 × 7 % = 7.49 → 7, three times");
    context.promotions = vec![promotion("one", Benefit::Fixed(1))];
    // Units of 106, 107, 107: 7.42, 7.49, 7.49.
    assert_eq!(amounts(&priced(&context).taxes), [("tax", 21)]);
}

#[test]
fn tax_is_on_what_is_left_after_discounts_and_follows_its_class() {
    let mut context = Context {
        taxes: Taxes { included: false, rates: vec![rate("tax", 10_000, false)] },
        promotions: vec![promotion("half", Benefit::Percent(percent(50_000)))],
        ..cart(&[("meal", 1, 1_000), ("bread", 1, 600)])
    };
    context.lines[1].tax_class = "zero".to_owned();
    let price = priced(&context);
    assert_eq!(amounts(&price.taxes), [("tax", 50)]);
    assert_eq!(price.total.minor, 800 + 50);
}

#[test]
fn weighed_lines_are_rounded_first_and_deposits_neither_discounted_nor_taxed() {
    let mut context = Context {
        taxes: Taxes { included: false, rates: vec![rate("tax", 10_000, false)] },
        promotions: vec![promotion("half", Benefit::Percent(percent(50_000)))],
        ..cart(&[("apples", 1, 399), ("water", 6, 100)])
    };
    context.lines[0].weight = Some(Weight::from_thousandths(1_255));
    context.lines[1].deposit = 25;
    let price = priced(&context);
    // 3.99 × 1.255 = 5.007; half of 5.01 + 6.00 = 5.505, rounded to 5.51 and spread 2.51 + 3.00.
    assert_eq!(price.lines[0].amount.minor, 501);
    assert_eq!(price.discounts[0].shares.lines, [-251, -300]);
    assert_eq!(amounts(&price.deposits), [("deposit", 150)]);
    assert_eq!(price.total.minor, 501 + 600 - 551 + 25 + 30 + 150);
}

#[test]
fn amounts_for_all_lines_are_spread_by_largest_remainder_ties_to_the_first() {
    let context = Context {
        promotions: vec![promotion("one", Benefit::Fixed(100))],
        ..cart(&[("a", 1, 500), ("b", 1, 500), ("c", 1, 500)])
    };
    assert_eq!(priced(&context).discounts[0].shares.lines, [-34, -33, -33]);
    let policy = Policy { id: "cumulative-1".to_owned(), allocation: Allocation::Cumulative, ..Policy::default() };
    let price = priced(&Context { policy, ..context });
    assert_eq!(price.discounts[0].shares.lines, [-33, -34, -33]);
    assert_eq!(price.policy, "cumulative-1");
}

#[test]
fn promotions_follow_priority_each_on_what_is_left() {
    let mut context = Context {
        promotions: vec![
            promotion("later", Benefit::Percent(percent(10_000))),
            Promotion { priority: 5, ..promotion("first", Benefit::Fixed(200)) },
        ],
        ..cart(&[("a", 1, 1_200)])
    };
    assert_eq!(amounts(&priced(&context).discounts), [("first", -200), ("later", -100)]);
    context.promotions.reverse();
    assert_eq!(amounts(&priced(&context).discounts), [("first", -200), ("later", -100)], "whatever the order they are listed in");
    context.promotions[0].exclusive = true;
    assert_eq!(amounts(&priced(&context).discounts), [("first", -200)]);
    context.promotions[0].exclusive = false;
    context.promotions[1].exclusive = true;
    assert_eq!(amounts(&priced(&context).discounts), [("first", -200)], "it goes with no other");
}

#[test]
fn promotions_keep_caps_minimum_subtotals_and_line_minimums() {
    let half = || promotion("half", Benefit::Percent(percent(50_000)));
    let base = cart(&[("a", 1, 1_000), ("b", 1, 1_000)]);
    let with = |promotion| Context { promotions: vec![promotion], ..base.clone() };
    assert_eq!(amounts(&priced(&with(Promotion { cap: Some(300), ..half() })).discounts), [("half", -300)]);
    assert!(priced(&with(Promotion { minimum_subtotal: 2_001, ..half() })).discounts.is_empty());
    assert_eq!(amounts(&priced(&with(Promotion { minimum_subtotal: 2_000, ..half() })).discounts), [("half", -1_000)]);
    let mut context = with(half());
    context.lines[0].minimum_unit_price = 800;
    assert_eq!(priced(&context).discounts[0].shares.lines, [-200, -800], "the rest goes to where there is room");
    context.lines[1].minimum_unit_price = 1_200;
    assert_eq!(priced(&context).discounts[0].shares.lines, [-200, 0], "a line below its minimum stays as it is");
    let all = Context { promotions: vec![promotion("gift", Benefit::Fixed(9_999))], ..base };
    assert_eq!(priced(&all).total.minor, 0);
}

#[test]
fn promotions_count_the_lines_that_they_name() {
    let mut context = cart(&[("cola", 2, 300), ("ramen", 1, 1_400)]);
    context.lines[0].attributes = json!({ "category": "drinks" });
    let condition = |value| serde_json::from_value(value).unwrap();
    let drinks = || Promotion {
        lines: Some(condition(json!({ "category": "drinks" }))),
        ..promotion("drinks", Benefit::Percent(percent(50_000)))
    };
    context.promotions = vec![drinks()];
    assert_eq!(priced(&context).discounts[0].shares.lines, [-300, 0]);
    context.promotions =
        vec![Promotion { items: vec!["ramen".to_owned()], scope: Scope::EachLine, ..promotion("ramen", Benefit::Fixed(100)) }];
    assert_eq!(priced(&context).discounts[0].shares.lines, [0, -100]);
    context.promotions = vec![Promotion { condition: Some(condition(json!({ "consumer.orders": { "$lt": 3 } }))), ..drinks() }];
    context.attributes = json!({ "consumer": { "orders": 8 } });
    assert!(priced(&context).discounts.is_empty());
    context.attributes = json!({ "consumer": { "orders": 1 } });
    assert_eq!(amounts(&priced(&context).discounts), [("drinks", -300)]);
}

#[test]
fn the_cheapest_of_every_few_units_cost_less() {
    let free = |buy, get, rate, times| promotion("set", Benefit::BuyXGetY { buy, get, rate, times });
    let lines = cart(&[("a", 3, 900), ("b", 2, 500), ("c", 1, 700)]);
    let with = |promotion| Context { promotions: vec![promotion], ..lines.clone() };
    let whole = percent(100_000);
    // Six units are two sets of three: the two cheapest are free.
    assert_eq!(priced(&with(free(2, 1, whole, None))).discounts[0].shares.lines, [0, -1_000, 0]);
    assert_eq!(priced(&with(free(1, 1, whole, None))).discounts[0].shares.lines, [0, -1_000, -700]);
    assert_eq!(priced(&with(free(1, 1, percent(50_000), Some(1)))).discounts[0].shares.lines, [0, -250, 0]);
    assert!(priced(&with(free(6, 1, whole, None))).discounts.is_empty());
}

#[test]
fn more_is_off_for_more() {
    let tiers = vec![
        Tier { from: 2_000, off: DiscountAmount::Percent(percent(10_000)) },
        Tier { from: 5_000, off: DiscountAmount::Fixed(900) },
    ];
    let with =
        |amount| Context { promotions: vec![promotion("more", Benefit::Tiered(tiers.clone()))], ..cart(&[("a", 1, amount)]) };
    assert!(priced(&with(1_999)).discounts.is_empty());
    assert_eq!(priced(&with(2_000)).discounts[0].amount.minor, -200);
    assert_eq!(priced(&with(9_000)).discounts[0].amount.minor, -900);
}

#[test]
fn promotions_on_fees_come_before_the_fees_tax() {
    let mut context = Context {
        fees: vec![fee("delivery", FeeAmount::Fixed(399), STANDARD_TAX), fee("service", FeeAmount::Fixed(200), STANDARD_TAX)],
        taxes: Taxes { included: false, rates: vec![rate("tax", 10_000, false)] },
        promotions: vec![promotion("free", Benefit::FreeDelivery)],
        ..cart(&[("a", 1, 1_000)])
    };
    let price = priced(&context);
    assert_eq!(price.discounts[0].shares, Shares { fees: vec![-399, 0], ..Shares::default() });
    assert_eq!(price.taxes[0].shares, Shares { lines: vec![100], fees: vec![0, 20], tip: 0 });
    context.promotions =
        vec![Promotion { scope: Scope::Fee("service".to_owned()), ..promotion("half", Benefit::Percent(percent(50_000))) }];
    assert_eq!(amounts(&priced(&context).discounts), [("half", -100)]);
}

#[test]
fn fees_by_rule_add_surge_distance_and_units() {
    let context = Context {
        fees: vec![
            fee("delivery", FeeAmount::Fixed(400), "none"),
            fee("surge", FeeAmount::OfFee { fee: "delivery".to_owned(), rate: percent(25_000) }, "none"),
            fee("long_distance", FeeAmount::ByDistance { metres: 5_001, beyond: 3_000, per_kilometre: 50, max: 500 }, "none"),
            fee("regulatory", FeeAmount::PerUnit { amount: 10, max: 25 }, "none"),
            fee("service", FeeAmount::OfSubtotal { rate: percent(10_000), min: 0, max: 900, after_discounts: true }, "none"),
        ],
        promotions: vec![promotion("half", Benefit::Percent(percent(50_000)))],
        ..cart(&[("a", 3, 1_000)])
    };
    let wanted = [("delivery", 400), ("surge", 100), ("long_distance", 150), ("regulatory", 25), ("service", 150)];
    assert_eq!(amounts(&priced(&context).fees), wanted);
}

#[test]
fn credits_pay_what_there_is_to_pay_and_no_more() {
    let credit = |id: &str, amount| Credit { id: id.to_owned(), name: id.to_owned(), amount, limits: Limits::default() };
    let context = Context {
        tip: 200,
        credits: vec![credit("gift", 500), credit("refund", 900), credit("more", 50)],
        ..cart(&[("a", 1, 1_000)])
    };
    let price = priced(&context);
    assert_eq!(amounts(&price.credits), [("gift", -500), ("refund", -700)]);
    assert_eq!(price.credits[0].shares, Shares { lines: vec![-417], fees: Vec::new(), tip: -83 });
    assert_eq!(price.total.minor, 0);
}

#[test]
fn the_policy_decides_how_amounts_are_rounded() {
    let with = |rounding| {
        let policy = Policy { id: "x".to_owned(), rounding, ..Policy::default() };
        let promotions = vec![promotion("half", Benefit::Percent(percent(50_000)))];
        priced(&Context { policy, promotions, ..cart(&[("a", 1, 5)]) }).total.minor
    };
    assert_eq!([Rounding::HalfUp, Rounding::HalfEven, Rounding::Down, Rounding::Up].map(with), [2, 3, 3, 2]);
}

#[test]
fn currencies_have_their_own_decimals() {
    for (currency, total) in [(Currency::JPY, "1300 JPY"), (Currency::USD, "13.00 USD"), (Currency::KWD, "1.300 KWD")] {
        let taxes = Taxes { included: false, rates: vec![rate("tax", 8_000, false)] };
        let context = Context { currency, taxes, ..cart(&[("a", 1, 1_204)]) };
        assert_eq!(priced(&context).total.to_string(), total);
    }
}

#[test]
fn refuses_what_has_no_price() {
    let sound = cart(&[("a", 1, 100)]);
    assert_eq!(price(&Context { lines: Vec::new(), ..sound.clone() }), Err(PricingError::Empty));
    assert_eq!(price(&Context { tip: -1, ..sound.clone() }), Err(PricingError::NegativeTip));
    for (context, field) in [
        (cart(&[("a", 0, 100)]), "lines[0].quantity"),
        (cart(&[("a", 1, -1)]), "lines[0].unit_price"),
        (Context { fees: vec![fee("x", FeeAmount::Fixed(-5), "none")], ..sound.clone() }, "fees[0].amount"),
        (Context { taxes: Taxes { included: false, rates: vec![rate("x", -1, false)] }, ..sound.clone() }, "taxes.rates[0].rate"),
        (
            Context { promotions: vec![promotion("x", Benefit::Percent(percent(100_001)))], ..sound.clone() },
            "promotions[0].benefit",
        ),
        (
            Context { promotions: vec![promotion("x", Benefit::Fixed(1)), promotion("x", Benefit::Fixed(2))], ..sound },
            "promotions[1].id",
        ),
    ] {
        match price(&context) {
            Err(PricingError::OutOfRange { field: found, .. }) => assert_eq!(found, field),
            other => panic!("{other:?}"),
        }
    }
}

/// Charges for each bag that the units need.
struct BagFee;

impl Collector for BagFee {
    fn name(&self) -> &'static str {
        "bag_fee"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Fee]
    }

    fn collect<'a>(&'a self, context: &'a Context, sheet: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        let units: u32 = context.lines.iter().map(|line| line.quantity).sum();
        sheet.add_fee(Source::Collector, "bag", "Bags", 10 * i64::from(units.div_ceil(5)), STANDARD_TAX)
    }
}

#[test]
fn a_component_is_added_by_registering_its_collector() {
    let context = Context { taxes: Taxes { included: false, rates: vec![rate("tax", 10_000, false)] }, ..cart(&[("a", 6, 100)]) };
    let pipeline = Pipeline::standard().before("tax", BagFee);
    let price = pipeline.render(&context, &carryout_pricing::Checkout).unwrap();
    assert_eq!(amounts(&price.fees), [("bag", 20)]);
    assert_eq!(price.total.minor, 600 + 20 + 62);
}

/// A collector with every kind of mistake.
struct Careless(fn() -> Adjustment<'static>);

impl Collector for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Discount, Component::Deposit]
    }

    fn collect<'a>(&'a self, _: &'a Context, sheet: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        sheet.add((self.0)())
    }
}

fn adjustment(component: Component, amount: i64, lines: &[i64]) -> Adjustment<'static> {
    let shares = Shares { lines: lines.to_vec(), ..Shares::default() };
    Adjustment { component, source: Source::Collector, code: "x".into(), name: "x".into(), amount, included: false, shares }
}

#[test]
fn a_wrong_price_is_never_shown() {
    let context = cart(&[("a", 1, 100), ("b", 1, 100)]);
    let found = |wrong: fn() -> Adjustment<'static>| match Pipeline::standard().before("tax", Careless(wrong)).sheet(&context) {
        Err(PricingError::Wrong(violations)) => violations,
        other => panic!("{other:?}"),
    };
    let x = || "x".to_owned();
    assert_eq!(found(|| adjustment(Component::Discount, -10, &[-5, -4])), [Violation::Shares(x())]);
    assert_eq!(found(|| adjustment(Component::Discount, -10, &[-10])), [Violation::Shares(x())]);
    assert_eq!(found(|| adjustment(Component::Discount, 10, &[5, 5])), [Violation::Sign(x())]);
    assert_eq!(found(|| adjustment(Component::Tax, 10, &[5, 5])), [Violation::Unknown(x())]);
    assert_eq!(found(|| adjustment(Component::Discount, -110, &[-110, 0])), [Violation::BelowMinimum("a".to_owned())]);
    let unknown = found(|| Adjustment { source: Source::Promotion(3), ..adjustment(Component::Discount, -1, &[-1, 0]) });
    assert_eq!(unknown, [Violation::Unknown(x())]);
}

/// A market in which an order is never below a minimum.
struct MinimumOrder(i64);

impl Rule for MinimumOrder {
    fn violation(&self, _: &Context, sheet: &PriceBreakdown<'_>) -> Option<String> {
        (sheet.total() < self.0).then(|| format!("an order is at least {}", self.0))
    }
}

#[test]
fn a_markets_rules_hold_for_every_price() {
    let pipeline = Pipeline::standard().rule(MinimumOrder(500));
    assert!(pipeline.sheet(&cart(&[("a", 1, 500)])).is_ok());
    assert!(matches!(pipeline.sheet(&cart(&[("a", 1, 499)])), Err(PricingError::Wrong(_))));
}

#[test]
fn renders_a_preview_a_receipt_and_an_explanation() {
    let context = Context {
        fees: vec![fee("delivery", FeeAmount::Fixed(299), "none")],
        taxes: Taxes { included: false, rates: vec![rate("tax", 8_875, false)] },
        promotions: vec![promotion("ten", Benefit::Percent(percent(10_000))), promotion("free", Benefit::FreeDelivery)],
        tip: 300,
        ..cart(&[("ramen", 2, 1_450), ("gyoza", 1, 725)])
    };
    let preview = Pipeline::standard().render(&context, &CartPreview).unwrap();
    assert_eq!((preview.discounts.minor, preview.fees_and_taxes.minor, preview.total.minor), (-363 - 299, 299 + 290, 3_852));
    let receipt = Receipt::of(&priced(&context));
    let of_lines: i64 =
        receipt.lines.iter().map(|line| line.amount.minor + line.discount.minor + line.deposit.minor + line.tax.minor).sum();
    assert_eq!(of_lines + receipt.charges.iter().map(|(_, amount)| amount.minor).sum::<i64>(), receipt.total.minor);
    let table = explain(&Pipeline::standard(), &context).unwrap();
    assert!(table.contains("discount ten"), "{table}");
    assert!(table.contains("ramen 2.32, gyoza 0.58"), "{table}");
    assert!(table.ends_with('\n') && table.contains("38.52\n"), "{table}");
}

#[test]
fn a_stored_price_is_found_again_and_another_policy_tried() {
    let record = Record::of(Context { tip: 5, ..cart(&[("a", 3, 333)]) }).unwrap();
    let read: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    assert_eq!(read.replay(&Pipeline::standard()), Ok(()));
    let mut changed = read.clone();
    changed.price.total.minor += 1;
    let Err(Differs::Price { first, .. }) = changed.replay(&Pipeline::standard()) else { panic!("it must differ") };
    assert_eq!((first.pointer.as_str(), first.stored, first.found), ("/total/minor", json!(1_005), json!(1_004)));
    assert_eq!(
        read.under(Policy { id: "other".to_owned(), ..Policy::default() }, &Pipeline::standard()).unwrap().policy,
        "other"
    );
}
