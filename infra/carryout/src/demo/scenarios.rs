//! The orders of the demo: what each one does, and what must come of it.

use carryout_market::{MarketId, MarketType, ids};
use serde_json::{Value, json};

/// What an order of the demo does.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What happens, in a few words.
    pub name: &'static str,
    /// Where.
    pub country: MarketId,
    /// At what kind of store.
    pub market_type: MarketType,
    /// What the order is.
    pub order: Order,
    /// What the partners are told to do wrong, for this order's consumer.
    pub faults: Vec<Value>,
    /// What must come of it.
    pub expect: Expect,
}

/// What is ordered, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// A delivery of some items.
    Delivery {
        /// Different items.
        lines: usize,
    },
    /// A pickup.
    Pickup,
    /// A delivery, paid with a card that is declined.
    DeclinedCard,
    /// Everything that is left of an item, by two consumers at once.
    LastOnes,
    /// An item that has run out.
    SoldOut,
    /// From a store that is closed.
    ClosedStore,
    /// From a store that takes no orders.
    FullKitchen,
    /// The same request twice at once.
    SameKeyTwice,
    /// Another request under the same key.
    SameKeyOtherBody,
}

/// What must come of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It is placed.
    Placed,
    /// It fails with this code, and nothing is left of it.
    Failed(&'static str),
    /// It is refused at once with this status and code, and never becomes an order.
    Refused(u16, &'static str),
    /// Of several, one is placed and the others fail or are refused for want of stock.
    OnePlaced,
}

/// A partner that says no says it to every attempt.
const ALWAYS: u32 = 20;

/// Every scenario, in the order of the table.
pub fn scenarios() -> Vec<Scenario> {
    use MarketType::{Grocery, Restaurant, Retail};
    use ids::{AU, CA, NZ, PR, US};
    let plain = Order::Delivery { lines: 2 };
    let scenario = |name, country, market_type, order, faults: &[Value], expect| Scenario {
        name,
        country,
        market_type,
        order,
        faults: faults.to_vec(),
        expect,
    };
    let fault = |partner: &str, operation: &str, kind: &str| json!({ "partner": partner, "operation": operation, "kind": kind });
    let late = |partner: &str, operation: &str, kind: &str, milliseconds: u64| json!({ "partner": partner, "operation": operation, "kind": kind, "milliseconds": milliseconds });
    let often = |mut fault: Value, times: u32| {
        fault["times"] = times.into();
        fault
    };
    vec![
        // The slow ones first, so that the others run while these wait.
        scenario(
            "merchant silent",
            US,
            Grocery,
            plain,
            &[fault("merchant", "notify", "silent")],
            Expect::Failed("Merchant.Silent"),
        ),
        scenario("delivery partner slow", US, Restaurant, plain, &[late("logistics", "deliver", "slow", 4_500)], Expect::Placed),
        scenario(
            "answer lost after the hold",
            US,
            Restaurant,
            plain,
            &[late("payment", "confirm", "lose_answer", 4_500)],
            Expect::Placed,
        ),
        scenario(
            "answer lost after the charge",
            CA,
            Restaurant,
            plain,
            &[late("payment", "capture", "lose_answer", 4_500)],
            Expect::Placed,
        ),
        scenario(
            "courier booked, answer lost",
            AU,
            Restaurant,
            plain,
            &[fault("logistics", "deliver", "fail_after")],
            Expect::Placed,
        ),
        scenario(
            "fraud service down",
            US,
            Restaurant,
            plain,
            &[often(fault("fraud", "check", "fail_before"), 5)],
            Expect::Placed,
        ),
        scenario(
            "payment down, comes back",
            NZ,
            Restaurant,
            plain,
            &[often(fault("payment", "*", "fail_before"), 2)],
            Expect::Placed,
        ),
        scenario("plain", US, Restaurant, plain, &[], Expect::Placed),
        scenario("plain", CA, Restaurant, plain, &[], Expect::Placed),
        scenario("plain", PR, Restaurant, plain, &[], Expect::Placed),
        scenario("merchant accepts", AU, Restaurant, plain, &[], Expect::Placed),
        scenario("merchant accepts", NZ, Restaurant, plain, &[], Expect::Placed),
        scenario("point of sale answers", US, Grocery, plain, &[], Expect::Placed),
        scenario("point of sale answers", PR, Grocery, plain, &[], Expect::Placed),
        scenario("a shop", CA, Retail, plain, &[], Expect::Placed),
        scenario("large cart", US, Restaurant, Order::Delivery { lines: 12 }, &[], Expect::Placed),
        scenario("pickup", US, Restaurant, Order::Pickup, &[], Expect::Placed),
        scenario("pickup", AU, Restaurant, Order::Pickup, &[], Expect::Placed),
        scenario("merchant answers twice", AU, Restaurant, plain, &[fault("merchant", "notify", "answer_twice")], Expect::Placed),
        scenario(
            "merchant refuses",
            AU,
            Restaurant,
            plain,
            &[
                json!({ "partner": "merchant", "operation": "notify", "kind": "refuse", "reason": "the kitchen is full", "times": ALWAYS }),
            ],
            Expect::Failed("Merchant.Refused"),
        ),
        scenario("declined card", US, Restaurant, Order::DeclinedCard, &[], Expect::Failed("Payment.Declined")),
        scenario(
            "not enough money",
            CA,
            Restaurant,
            plain,
            &[
                json!({ "partner": "payment", "operation": "confirm", "kind": "decline", "code": "insufficient_funds", "times": ALWAYS }),
            ],
            Expect::Failed("Payment.Declined"),
        ),
        scenario(
            "looks like fraud",
            NZ,
            Restaurant,
            plain,
            &[json!({ "partner": "fraud", "operation": "check", "kind": "decline", "code": "velocity", "times": ALWAYS })],
            Expect::Failed("Fraud.Rejected"),
        ),
        scenario("two want the last ones", US, Grocery, Order::LastOnes, &[], Expect::OnePlaced),
        scenario("sold out", US, Restaurant, Order::SoldOut, &[], Expect::Refused(409, "Item.SoldOut")),
        scenario("store closed", US, Grocery, Order::ClosedStore, &[], Expect::Refused(409, "Store.Closed")),
        scenario("store takes no orders", US, Restaurant, Order::FullKitchen, &[], Expect::Refused(409, "Store.NotAccepting")),
        scenario("same key twice", US, Restaurant, Order::SameKeyTwice, &[], Expect::Placed),
        scenario(
            "same key, other body",
            US,
            Restaurant,
            Order::SameKeyOtherBody,
            &[],
            Expect::Refused(422, "Idempotency.KeyReused"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_enough_of_different_kinds() {
        let scenarios = scenarios();
        assert!(scenarios.len() >= 24);
        for country in [ids::US, ids::CA, ids::AU, ids::NZ, ids::PR] {
            assert!(scenarios.iter().any(|scenario| scenario.country == country), "{country}");
        }
    }
}
