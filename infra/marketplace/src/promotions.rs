//! What each market takes off.

use crate::prices::in_market;
use carryout_market::{MarketId, MarketType};
use carryout_money::Rate;
use carryout_predicate::Condition;
use carryout_pricing::{Allowance, Benefit, DiscountAmount, Limits, Promotion, Tier};
use serde_json::{Value, json};

/// The promotions of a market. Conditions ask `$eq` where an attribute may be missing, which counts as 0 otherwise.
pub(crate) fn of(country: MarketId) -> Vec<Promotion> {
    let amount = |cents| in_market(cents, country);
    let when = |condition: Value| Condition::parse(&condition).ok();
    let percent = |percent: i64| Rate::from_milli_percent(percent * 1_000);
    let sold_by = |market_type: MarketType| when(json!({ "store.market_type": market_type.name() }));
    let tier = |from, off| Tier { from: amount(from), off: DiscountAmount::Fixed(amount(off)) };
    vec![
        Promotion {
            condition: when(json!({ "consumer.orders": { "$eq": 0 } })),
            cap: Some(amount(1_500)),
            priority: 30,
            limits: Limits { per_consumer: Allowance { uses: Some(1), budget: None }, ..Limits::default() },
            ..Promotion::new("welcome", "25% off your first order", Benefit::Percent(percent(25)))
        },
        Promotion {
            condition: sold_by(MarketType::Grocery),
            priority: 20,
            ..Promotion::new("full-basket", "Full basket", Benefit::Tiered(vec![tier(5_000, 500), tier(10_000, 1_500)]))
        },
        Promotion {
            condition: sold_by(MarketType::Retail),
            priority: 20,
            ..Promotion::new(
                "second-half-price",
                "Second one half price",
                Benefit::BuyXGetY { buy: 1, get: 1, rate: percent(50), times: Some(1) },
            )
        },
        Promotion {
            condition: when(json!({ "fulfilment": { "$eq": "delivery" }, "store.market_type": { "$eq": "restaurant" } })),
            minimum_subtotal: amount(4_000),
            limits: Limits { total: Allowance { uses: Some(20_000), budget: Some(amount(8_000_000)) }, ..Limits::default() },
            ..Promotion::new("free-delivery", "Free delivery", Benefit::FreeDelivery)
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use carryout_pricing::{ChargeKind, Context, ContextLine, DELIVERY_FEE, Fee, FeeAmount, NO_TAX, price};

    /// What is taken off an order of this subtotal in cents of the United States, by promotion.
    fn taken_off(country: MarketId, cents: i64, attributes: &Value) -> Vec<(String, i64)> {
        let delivery =
            Fee { code: DELIVERY_FEE.into(), name: "Delivery".into(), amount: FeeAmount::Fixed(400), tax_class: NO_TAX.into() };
        let line = ContextLine::new("itm_1", "Rice", 2, in_market(cents, country) / 2);
        let context = Context {
            promotions: of(country),
            fees: vec![delivery],
            attributes: attributes.clone(),
            ..Context::new(crate::currency(country), vec![line])
        };
        price(&context).unwrap().charges[ChargeKind::Discount]
            .iter()
            .map(|charge| (charge.code.clone(), -charge.amount.minor))
            .collect()
    }

    #[test]
    fn each_promotion_is_given_to_whom_it_is_for() {
        for country in crate::MARKETS {
            let at = |market_type: &str, orders: u32, cents| {
                let attributes = json!({
                    "consumer": { "orders": orders },
                    "fulfilment": "delivery",
                    "store": { "market_type": market_type },
                });
                taken_off(country, cents, &attributes)
            };
            let ids = |taken: Vec<(String, i64)>| taken.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
            assert_eq!(at("restaurant", 3, 3_000), []);
            assert_eq!(at("restaurant", 3, 4_400), [("free-delivery".to_owned(), 400)]);
            assert_eq!(at("restaurant", 0, 20_000)[0], ("welcome".to_owned(), in_market(1_500, country)));
            assert_eq!(at("grocery", 3, 6_000), [("full-basket".to_owned(), in_market(500, country))]);
            assert_eq!(at("grocery", 3, 12_000), [("full-basket".to_owned(), in_market(1_500, country))]);
            assert_eq!(ids(at("retail", 3, 2_000)), ["second-half-price"]);
            assert_eq!(taken_off(country, 9_000, &Value::Null), [], "nothing is known of the consumer");
        }
    }
}
