//! The pricing rules, each with an example computed by hand.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use carryout_money::{Currency, Rate, Rounding};
use carryout_pricing::{
    Adjustment, Allocation, Benefit, CartPreview, Charge, ChargeKind, Collector, Component, Context, ContextLine, Credit,
    DiscountAmount, Fee, FeeAmount, Limits, Pipeline, Policy, Price, PriceBreakdown, PricingError, Promotion, Receipt, Record,
    ReplayError, Rule, STANDARD_TAX, Scope, Shares, Source, TaxLevel, TaxRate, Taxes, Tier, Violation, Weight, explain, price,
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
    // Service 15 % = 544, capped at 500; tax 257 + 64 + 44; a fee of zero is not charged.
    assert_eq!(price.subtotal.minor, 3_625);
    assert_eq!(amounts(&price.charges[ChargeKind::Fee]), [("delivery", 299), ("service", 500)]);
    assert_eq!(amounts(&price.charges[ChargeKind::Tax]), [("tax", 257 + 64 + 44)]);
    assert_eq!(price.charges[ChargeKind::Tax][0].shares, Shares { lines: vec![257, 64], fees: vec![0, 44], tip: 0 });
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
    assert_eq!(amounts(&price.charges[ChargeKind::Tax]), [("gst", 264 + 66 + 45)]);
    assert!(price.charges[ChargeKind::Tax][0].included);
    assert_eq!(price.total.minor, 3_625 + 500);
}

#[test]
fn simple_rates_are_rounded_together_and_split() {
    // 4.35 % and 2.9 % of 999: 72.4 → 72, of which 43.2 and 28.8. Rounded each: 43 + 29 = 72; of 985: 42.8 + 28.6 → 71, not 72.
    let context = |amount| Context {
        taxes: Taxes { included: false, rates: vec![rate("state", 4_350, false), rate("city", 2_900, false)] },
        ..cart(&[("a", 1, amount)])
    };
    assert_eq!(amounts(&priced(&context(999)).charges[ChargeKind::Tax]), [("state", 43), ("city", 29)]);
    assert_eq!(amounts(&priced(&context(985)).charges[ChargeKind::Tax]), [("state", 43), ("city", 28)]);
}

#[test]
fn compound_tax_applies_to_the_amount_plus_previous_taxes() {
    let context = Context {
        taxes: Taxes { included: false, rates: vec![rate("gst", 5_000, false), rate("qst", 9_975, true)] },
        ..cart(&[("a", 1, 1_010)])
    };
    // 50.5 → 51; (1 010 + 51) × 9.975 % = 105.8 → 106
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Tax]), [("gst", 51), ("qst", 106)]);
    let included = Context { taxes: Taxes { included: true, ..context.taxes }, ..cart(&[("a", 1, 1_167)]) };
    assert_eq!(amounts(&priced(&included).charges[ChargeKind::Tax]), [("gst", 51), ("qst", 106)]);
}

#[test]
fn unit_level_tax_is_rounded_per_unit() {
    let taxes = Taxes { included: false, rates: vec![rate("tax", 7_000, false)] };
    let mut context = Context { taxes, ..cart(&[("a", 3, 107)]) };
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Tax]), [("tax", 22)], "321 × 7 % = 22.47");
    context.policy.tax_level = TaxLevel::Unit;
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Tax]), [("tax", 21)], "107 × 7 % = 7.49 → 7, three times");
    context.promotions = vec![promotion("one", Benefit::Fixed(1))];
    // Units of 106, 107, 107: 7.42, 7.49, 7.49.
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Tax]), [("tax", 21)]);
}

#[test]
fn tax_applies_after_discounts_to_its_class() {
    let mut context = Context {
        taxes: Taxes { included: false, rates: vec![rate("tax", 10_000, false)] },
        promotions: vec![promotion("half", Benefit::Percent(percent(50_000)))],
        ..cart(&[("meal", 1, 1_000), ("bread", 1, 600)])
    };
    context.lines[1].tax_class = "zero".to_owned();
    let price = priced(&context);
    assert_eq!(amounts(&price.charges[ChargeKind::Tax]), [("tax", 50)]);
    assert_eq!(price.total.minor, 800 + 50);
}

#[test]
fn weighed_lines_are_rounded_first_and_deposits_are_neither_discounted_nor_taxed() {
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
    assert_eq!(price.charges[ChargeKind::Discount][0].shares.lines, [-251, -300]);
    assert_eq!(amounts(&price.charges[ChargeKind::Deposit]), [("deposit", 150)]);
    assert_eq!(price.total.minor, 501 + 600 - 551 + 25 + 30 + 150);
}

#[test]
fn amounts_are_allocated_by_largest_remainder_ties_to_the_first_line() {
    let context = Context {
        promotions: vec![promotion("one", Benefit::Fixed(100))],
        ..cart(&[("a", 1, 500), ("b", 1, 500), ("c", 1, 500)])
    };
    assert_eq!(priced(&context).charges[ChargeKind::Discount][0].shares.lines, [-34, -33, -33]);
    let policy = Policy { id: "cumulative-1".to_owned(), allocation: Allocation::Cumulative, ..Policy::default() };
    let price = priced(&Context { policy, ..context });
    assert_eq!(price.charges[ChargeKind::Discount][0].shares.lines, [-33, -34, -33]);
    assert_eq!(price.policy, "cumulative-1");
}

#[test]
fn promotions_apply_by_priority_on_remaining_amounts() {
    let mut context = Context {
        promotions: vec![
            promotion("later", Benefit::Percent(percent(10_000))),
            Promotion { priority: 5, ..promotion("first", Benefit::Fixed(200)) },
        ],
        ..cart(&[("a", 1, 1_200)])
    };
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Discount]), [("first", -200), ("later", -100)]);
    context.promotions.reverse();
    assert_eq!(
        amounts(&priced(&context).charges[ChargeKind::Discount]),
        [("first", -200), ("later", -100)],
        "in any order of the list"
    );
    context.promotions[0].exclusive = true;
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Discount]), [("first", -200)]);
    context.promotions[0].exclusive = false;
    context.promotions[1].exclusive = true;
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Discount]), [("first", -200)], "it excludes all others");
}

#[test]
fn promotions_respect_caps_minimum_subtotals_and_line_minimums() {
    let half = || promotion("half", Benefit::Percent(percent(50_000)));
    let base = cart(&[("a", 1, 1_000), ("b", 1, 1_000)]);
    let with = |promotion| Context { promotions: vec![promotion], ..base.clone() };
    assert_eq!(amounts(&priced(&with(Promotion { cap: Some(300), ..half() })).charges[ChargeKind::Discount]), [("half", -300)]);
    assert!(priced(&with(Promotion { minimum_subtotal: 2_001, ..half() })).charges[ChargeKind::Discount].is_empty());
    assert_eq!(
        amounts(&priced(&with(Promotion { minimum_subtotal: 2_000, ..half() })).charges[ChargeKind::Discount]),
        [("half", -1_000)]
    );
    let mut context = with(half());
    context.lines[0].minimum_unit_price = 800;
    assert_eq!(
        priced(&context).charges[ChargeKind::Discount][0].shares.lines,
        [-200, -800],
        "the excess goes to lines with capacity"
    );
    context.lines[1].minimum_unit_price = 1_200;
    assert_eq!(
        priced(&context).charges[ChargeKind::Discount][0].shares.lines,
        [-200, 0],
        "a line below its minimum is not discounted"
    );
    let all = Context { promotions: vec![promotion("gift", Benefit::Fixed(9_999))], ..base };
    assert_eq!(priced(&all).total.minor, 0);
}

#[test]
fn promotions_apply_to_the_lines_they_name() {
    let mut context = cart(&[("cola", 2, 300), ("ramen", 1, 1_400)]);
    context.lines[0].attributes = json!({ "category": "drinks" });
    let condition = |value| serde_json::from_value(value).unwrap();
    let drinks = || Promotion {
        lines: Some(condition(json!({ "category": "drinks" }))),
        ..promotion("drinks", Benefit::Percent(percent(50_000)))
    };
    context.promotions = vec![drinks()];
    assert_eq!(priced(&context).charges[ChargeKind::Discount][0].shares.lines, [-300, 0]);
    context.promotions =
        vec![Promotion { items: vec!["ramen".to_owned()], scope: Scope::EachLine, ..promotion("ramen", Benefit::Fixed(100)) }];
    assert_eq!(priced(&context).charges[ChargeKind::Discount][0].shares.lines, [0, -100]);
    context.promotions = vec![Promotion { condition: Some(condition(json!({ "consumer.orders": { "$lt": 3 } }))), ..drinks() }];
    context.attributes = json!({ "consumer": { "orders": 8 } });
    assert!(priced(&context).charges[ChargeKind::Discount].is_empty());
    context.attributes = json!({ "consumer": { "orders": 1 } });
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Discount]), [("drinks", -300)]);
}

#[test]
fn buy_x_get_y_discounts_the_cheapest_units() {
    let free = |buy, get, rate, times| promotion("set", Benefit::BuyXGetY { buy, get, rate, times });
    let lines = cart(&[("a", 3, 900), ("b", 2, 500), ("c", 1, 700)]);
    let with = |promotion| Context { promotions: vec![promotion], ..lines.clone() };
    let whole = percent(100_000);
    // Six units are two sets of three: the two cheapest are free.
    assert_eq!(priced(&with(free(2, 1, whole, None))).charges[ChargeKind::Discount][0].shares.lines, [0, -1_000, 0]);
    assert_eq!(priced(&with(free(1, 1, whole, None))).charges[ChargeKind::Discount][0].shares.lines, [0, -1_000, -700]);
    assert_eq!(priced(&with(free(1, 1, percent(50_000), Some(1)))).charges[ChargeKind::Discount][0].shares.lines, [0, -250, 0]);
    assert!(priced(&with(free(6, 1, whole, None))).charges[ChargeKind::Discount].is_empty());
}

#[test]
fn tiered_promotion_applies_the_highest_tier_reached() {
    let tiers = vec![
        Tier { from: 2_000, off: DiscountAmount::Percent(percent(10_000)) },
        Tier { from: 5_000, off: DiscountAmount::Fixed(900) },
    ];
    let with =
        |amount| Context { promotions: vec![promotion("more", Benefit::Tiered(tiers.clone()))], ..cart(&[("a", 1, amount)]) };
    assert!(priced(&with(1_999)).charges[ChargeKind::Discount].is_empty());
    assert_eq!(priced(&with(2_000)).charges[ChargeKind::Discount][0].amount.minor, -200);
    assert_eq!(priced(&with(9_000)).charges[ChargeKind::Discount][0].amount.minor, -900);
}

#[test]
fn fee_promotions_apply_before_the_tax_on_fees() {
    let mut context = Context {
        fees: vec![fee("delivery", FeeAmount::Fixed(399), STANDARD_TAX), fee("service", FeeAmount::Fixed(200), STANDARD_TAX)],
        taxes: Taxes { included: false, rates: vec![rate("tax", 10_000, false)] },
        promotions: vec![promotion("free", Benefit::FreeDelivery)],
        ..cart(&[("a", 1, 1_000)])
    };
    let price = priced(&context);
    assert_eq!(price.charges[ChargeKind::Discount][0].shares, Shares { fees: vec![-399, 0], ..Shares::default() });
    assert_eq!(price.charges[ChargeKind::Tax][0].shares, Shares { lines: vec![100], fees: vec![0, 20], tip: 0 });
    context.promotions =
        vec![Promotion { scope: Scope::Fee("service".to_owned()), ..promotion("half", Benefit::Percent(percent(50_000))) }];
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Discount]), [("half", -100)]);
}

#[test]
fn fees_cover_surge_distance_and_units() {
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
    assert_eq!(amounts(&priced(&context).charges[ChargeKind::Fee]), wanted);
}

#[test]
fn credits_pay_at_most_the_amount_due() {
    let credit = |id: &str, amount| Credit { id: id.to_owned(), name: id.to_owned(), amount, limits: Limits::default() };
    let context = Context {
        tip: 200,
        credits: vec![credit("gift", 500), credit("refund", 900), credit("more", 50)],
        ..cart(&[("a", 1, 1_000)])
    };
    let price = priced(&context);
    assert_eq!(amounts(&price.charges[ChargeKind::Credit]), [("gift", -500), ("refund", -700)]);
    assert_eq!(price.charges[ChargeKind::Credit][0].shares, Shares { lines: vec![-417], fees: Vec::new(), tip: -83 });
    assert_eq!(price.total.minor, 0);
}

#[test]
fn policy_determines_rounding() {
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
fn invalid_contexts_are_refused_by_field() {
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

/// A fee for each bag that the units need.
struct BagFee;

impl Collector for BagFee {
    fn name(&self) -> &'static str {
        "bag_fee"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Charge(ChargeKind::Fee)]
    }

    fn collect<'a>(&'a self, context: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        let units: u32 = context.lines.iter().map(|line| line.quantity).sum();
        breakdown.add_fee(Source::Collector, "bag", "Bags", 10 * i64::from(units.div_ceil(5)), STANDARD_TAX)
    }
}

#[test]
fn component_is_added_by_registering_its_collector() {
    let context = Context { taxes: Taxes { included: false, rates: vec![rate("tax", 10_000, false)] }, ..cart(&[("a", 6, 100)]) };
    let pipeline = Pipeline::standard().before("tax", BagFee);
    let price = pipeline.render(&context, &carryout_pricing::Checkout).unwrap();
    assert_eq!(amounts(&price.charges[ChargeKind::Fee]), [("bag", 20)]);
    assert_eq!(price.total.minor, 600 + 20 + 62);
}

/// A collector with defects.
struct Careless(fn() -> Adjustment<'static>);

impl Collector for Careless {
    fn name(&self) -> &'static str {
        "careless"
    }

    fn adds(&self) -> &'static [Component] {
        &[Component::Charge(ChargeKind::Discount), Component::Charge(ChargeKind::Deposit)]
    }

    fn collect<'a>(&'a self, _: &'a Context, breakdown: &mut PriceBreakdown<'a>) -> Result<(), PricingError> {
        breakdown.add((self.0)())
    }
}

fn adjustment(kind: ChargeKind, amount: i64, lines: &[i64]) -> Adjustment<'static> {
    let shares = Shares { lines: lines.to_vec(), ..Shares::default() };
    let component = Component::Charge(kind);
    Adjustment { component, source: Source::Collector, code: "x".into(), name: "x".into(), amount, included: false, shares }
}

#[test]
fn invalid_price_is_refused() {
    let context = cart(&[("a", 1, 100), ("b", 1, 100)]);
    let found = |wrong: fn() -> Adjustment<'static>| match Pipeline::standard().before("tax", Careless(wrong)).breakdown(&context)
    {
        Err(PricingError::Wrong(violations)) => violations,
        other => panic!("{other:?}"),
    };
    let x = || "x".to_owned();
    assert_eq!(found(|| adjustment(ChargeKind::Discount, -10, &[-5, -4])), [Violation::Shares(x())]);
    assert_eq!(found(|| adjustment(ChargeKind::Discount, -10, &[-10])), [Violation::Shares(x())]);
    assert_eq!(found(|| adjustment(ChargeKind::Discount, 10, &[5, 5])), [Violation::Sign(x())]);
    assert_eq!(found(|| adjustment(ChargeKind::Tax, 10, &[5, 5])), [Violation::Unknown(x())]);
    assert_eq!(found(|| adjustment(ChargeKind::Discount, -110, &[-110, 0])), [Violation::BelowMinimum("a".to_owned())]);
    let unknown = found(|| Adjustment { source: Source::Promotion(3), ..adjustment(ChargeKind::Discount, -1, &[-1, 0]) });
    assert_eq!(unknown, [Violation::Unknown(x())]);
}

/// A market with a minimum order value.
struct MinimumOrder(i64);

impl Rule for MinimumOrder {
    fn violation(&self, _: &Context, breakdown: &PriceBreakdown<'_>) -> Option<String> {
        (breakdown.total() < self.0).then(|| format!("an order is at least {}", self.0))
    }
}

#[test]
fn market_rules_apply_to_every_price() {
    let pipeline = Pipeline::standard().rule(MinimumOrder(500));
    assert!(pipeline.breakdown(&cart(&[("a", 1, 500)])).is_ok());
    assert!(matches!(pipeline.breakdown(&cart(&[("a", 1, 499)])), Err(PricingError::Wrong(_))));
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
fn stored_price_replays_and_another_policy_can_be_tried() {
    let record = Record::of(Context { tip: 5, ..cart(&[("a", 3, 333)]) }).unwrap();
    let read: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    assert_eq!(read.replay(&Pipeline::standard()), Ok(()));
    let mut changed = read.clone();
    changed.price.total.minor += 1;
    let Err(ReplayError::Differs { first, .. }) = changed.replay(&Pipeline::standard()) else { panic!("it must differ") };
    assert_eq!((first.pointer.as_str(), first.stored, first.found), ("/total/minor", json!(1_005), json!(1_004)));
    assert_eq!(
        read.under(Policy { id: "other".to_owned(), ..Policy::default() }, &Pipeline::standard()).unwrap().policy,
        "other"
    );
}
