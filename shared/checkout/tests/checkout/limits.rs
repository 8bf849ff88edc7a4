//! UsageCounters of what is limited: whatever is redeemed and given back in whatever order.

use carryout_checkout::{
    consumer::StoredCredit,
    order::Order,
    redemptions::{Planned, Redemption, SHARDS, UsageCounter, UsageCounters, credits, left, offered, plan, unspent},
    workflows::orchestrator,
};
use carryout_market::{MarketType, ids};
use carryout_money::{Currency, Money};
use carryout_pricing::{Allowance, Benefit, Charge, ChargeKind, ComponentId, LimitedComponent, Limits, Promotion, Shares};
use carryout_testing::{PlainSeal, samples};
use proptest::{collection::vec, option, prelude::*};
use std::sync::LazyLock;

static PROMOTION: LazyLock<ComponentId> = LazyLock::new(|| ComponentId::charge(ChargeKind::Discount, "half"));

/// An order of this consumer that gets this much off.
fn order(number: usize, consumer: usize, amount: i64, limits: Limits) -> Order {
    let orchestrator = orchestrator();
    let store = samples::store("sto_1", ids::US, MarketType::Restaurant);
    let id = format!("ord_{number}");
    let mut order = samples::order(&id, "quo_1", &store, &orchestrator.workflows()[0], &PlainSeal::default());
    order.consumer.id = format!("con_{consumer}");
    let terms = &mut order.quote.terms;
    let mut amount_off = terms.price.total;
    amount_off.minor = -amount;
    terms.price.charges[ChargeKind::Discount].push(Charge {
        code: "half".to_owned(),
        name: "Half".to_owned(),
        amount: amount_off,
        included: false,
        shares: Shares::default(),
    });
    terms.limited.push(LimitedComponent { component: PROMOTION.clone(), limits });
    order
}

fn redemption(counters: &mut UsageCounters, planned: &[Planned]) {
    for Planned { redemption, allowance } in planned {
        let counter = counters.entry(redemption.counter.clone()).or_default();
        counter.uses += redemption.uses;
        counter.given += redemption.amount;
        assert!(allowance.uses.is_none_or(|uses| counter.uses <= uses), "{redemption:?} {allowance:?}");
        assert!(allowance.budget.is_none_or(|budget| counter.given <= budget), "{redemption:?} {allowance:?}");
    }
}

fn give_back(counters: &mut UsageCounters, redemptions: &[Redemption]) {
    for redemption in redemptions {
        let counter = counters.get_mut(&redemption.counter).unwrap();
        counter.uses -= redemption.uses;
        counter.given -= redemption.amount;
    }
}

fn allowance() -> impl Strategy<Value = Allowance> {
    (option::of(0_u32..40), option::of(0_i64..5_000)).prop_map(|(uses, budget)| Allowance { uses, budget })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_more_is_given_than_there_is_and_nobody_is_refused_what_is_left(
        total in allowance(),
        per_consumer in allowance(),
        wanted in vec((0_usize..3, 1_i64..800, option::of(any::<prop::sample::Index>())), 1..60),
    ) {
        let limits = Limits { total, per_consumer };
        let mut counters = UsageCounters::new();
        // Consumer, amount and redemptions of each order that was given something.
        let mut given: Vec<(usize, i64, Vec<Redemption>)> = Vec::new();
        for (number, (consumer, amount, back)) in wanted.into_iter().enumerate() {
            let order = order(number, consumer, amount, limits);
            let left = left(order.country, &order.consumer.id, &PROMOTION, &limits, &counters);
            let own = given.iter().filter(|(other, ..)| *other == consumer);
            let (uses, sum) = own.fold((0, 0), |(uses, sum), (_, amount, _)| (uses + 1, sum + amount));
            let (all_uses, all) = (given.len() as u32, given.iter().map(|(_, amount, _)| amount).sum::<i64>());
            let expected = Allowance {
                uses: total.uses.map(|most| most - all_uses).into_iter().chain(per_consumer.uses.map(|most| most - uses)).min(),
                budget: total.budget.map(|most| most - all).into_iter().chain(per_consumer.budget.map(|most| most - sum)).min(),
            };
            prop_assert_eq!(left, expected, "the counters tell what is left");
            let enough = left.uses.is_none_or(|uses| uses > 0) && left.budget.is_none_or(|budget| budget >= amount);
            match plan(&order, &counters) {
                Ok(planned) => {
                    prop_assert!(enough);
                    redemption(&mut counters, &planned);
                    given.push((consumer, amount, planned.into_iter().map(|planned| planned.redemption).collect()));
                }
                Err(used_up) => {
                    prop_assert!(!enough, "{:?} is left of {:?}", left, limits);
                    prop_assert_eq!(used_up, [PROMOTION.clone()]);
                }
            }
            if let Some(back) = back && !given.is_empty() {
                let (.., redemptions) = given.swap_remove(back.index(given.len()));
                give_back(&mut counters, &redemptions);
            }
        }
        for (.., redemptions) in given {
            give_back(&mut counters, &redemptions);
        }
        prop_assert!(counters.values().all(|counter| *counter == UsageCounter::default()), "everything came back: {:?}", counters);
    }
}

#[test]
fn what_is_used_up_is_not_offered_and_no_more_than_is_left() {
    let limits =
        |uses, budget, once| Limits { total: Allowance { uses, budget }, per_consumer: Allowance { uses: once, budget: None } };
    let half = |limits| vec![Promotion { limits, ..Promotion::new("half", "Half", Benefit::Fixed(1_000)) }];
    let mut counters = UsageCounters::new();
    let first = limits(Some(2), Some(1_500), Some(1));
    let planned = plan(&order(1, 0, 1_000, first), &counters).unwrap();
    redemption(&mut counters, &planned);
    let offer = |consumer: &str, limits| offered(half(limits), ids::US, consumer, &counters);
    assert_eq!(offer("con_0", first), [], "once for each consumer");
    assert_eq!(offer("con_1", first)[0].cap, Some(500));
    assert_eq!(offer("con_1", limits(Some(1), None, None)), [], "used up");
    assert_eq!(offer("con_1", limits(None, Some(1_000), None)), [], "spent");
    assert_eq!(offer("con_0", Limits::default()), half(Limits::default()), "without limits");
    let many: Vec<Promotion> = (0..5).map(|number| Promotion { id: format!("pro_{number}"), ..half(first)[0].clone() }).collect();
    assert_eq!(offered(many, ids::US, "con_0", &counters).len(), 3);
    assert_eq!(offered(half(first), ids::PR, "con_0", &counters)[0].cap, Some(1_500), "each market has its own");
}

#[test]
fn a_credit_pays_what_is_left_of_it_in_its_own_currency_whatever_the_market() {
    let mut consumer = samples::consumer("con_0");
    let credit = |id: &str, minor, currency| StoredCredit {
        id: id.to_owned(),
        name: "Gift card".to_owned(),
        amount: Money::new(minor, currency),
    };
    consumer.credits = vec![credit("gift", 500, Currency::USD), credit("other", 300, Currency::AUD)];
    let in_us = credits(&samples::market(ids::US), &consumer);
    assert_eq!(in_us.iter().map(|credit| (credit.id.as_str(), credit.amount)).collect::<Vec<_>>(), [("gift", 500)]);

    let mut order = order(1, 0, 1, Limits::default());
    let terms = &mut order.quote.terms;
    let charge = Charge {
        code: "gift".to_owned(),
        amount: Money { minor: -400, ..terms.price.total },
        ..terms.price.charges[ChargeKind::Discount][0].clone()
    };
    terms.price.charges[ChargeKind::Credit].push(charge);
    let gift = ComponentId::charge(ChargeKind::Credit, "gift");
    terms.limited = vec![LimitedComponent { component: gift.clone(), limits: in_us[0].limits }];
    let mut counters = UsageCounters::new();
    let planned = plan(&order, &counters).unwrap();
    redemption(&mut counters, &planned);
    let left = |market| unspent(credits(&samples::market(market), &consumer), market, "con_0", &counters);
    assert_eq!((left(ids::US)[0].amount, left(ids::PR)[0].amount), (100, 100));
    assert_eq!(plan(&order, &counters), Err(vec![gift]));
    order.quote.terms.price.charges[ChargeKind::Credit][0].amount.minor = -100;
    let planned = plan(&order, &counters).unwrap();
    redemption(&mut counters, &planned);
    assert_eq!(unspent(credits(&samples::market(ids::US), &consumer), ids::US, "con_0", &counters), []);
}

#[test]
fn orders_of_a_popular_promotion_write_to_many_counters() {
    let limits = Limits { total: Allowance { uses: Some(100_000), budget: None }, ..Limits::default() };
    let mut counters = UsageCounters::new();
    for number in 0..1_600 {
        let planned = plan(&order(number, 0, 100, limits), &UsageCounters::new()).unwrap();
        assert_eq!(planned.len(), 1);
        redemption(&mut counters, &planned);
    }
    assert_eq!(counters.len() as u32, SHARDS);
    // A hundred on average; six standard deviations of a fair redemption.
    assert!(counters.values().all(|counter| (40..=160).contains(&counter.uses)), "{counters:?}");
}

#[test]
fn an_order_draws_from_several_counters_only_as_far_as_one_transaction_goes() {
    let limits = Limits { total: Allowance { uses: None, budget: Some(1_600) }, ..Limits::default() };
    let mut order = order(1, 0, 1_600, limits);
    assert_eq!(plan(&order, &UsageCounters::new()).unwrap().len() as u32, SHARDS);
    let line = order.quote.terms.price.lines[0].clone();
    order.quote.terms.price.lines.resize(90, line);
    assert_eq!(plan(&order, &UsageCounters::new()), Err(vec![PROMOTION.clone()]));
}
