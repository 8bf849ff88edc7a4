//! Tells where an order's money is, by its ledger.

use anyhow::{Context as _, Result};
use carryout_checkout::ledger::{Balance, BalanceAmount, LedgerEvent, fold};
use carryout_money::Money;
use serde::Deserialize;

/// What is folded: the events alone, a case of `events/ledger`, or an order as `GET /v1/orders/{id}` answers it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Events(Vec<LedgerEvent>),
    Case { events: Vec<LedgerEvent> },
    Order { ledger: Vec<LedgerEvent> },
}

/// The balance of a ledger in JSON.
pub fn balance(json: &str) -> Result<Balance> {
    let told = serde_json::from_str(json)
        .context("this is no ledger: give an array of events, or an object with `events` or `ledger`; see docs/api.md")?;
    let (Told::Events(events) | Told::Case { events } | Told::Order { ledger: events }) = told;
    fold(&events).context("this is no ledger of one order")
}

/// The balance as a table.
pub fn table(balance: &Balance) -> String {
    let Balance { currency, authorized, charged, refunded, voided, charged_back } = balance;
    let show = |minor: i64| currency.map_or_else(|| minor.to_string(), |currency| Money::new(minor, currency).to_string());
    let line =
        |name: &str, standing: &BalanceAmount| format!("{name:<14}{:>16}{:>16}\n", show(standing.amount), show(standing.pending));
    [
        format!("{:<14}{:>16}{:>16}\n", "", "amount", "of it pending"),
        line("authorized", authorized),
        line("charged", charged),
        line("refunded", refunded),
        line("voided", voided),
        line("charged back", charged_back),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHARGE: &str = r#"{"kind":"charge","phase":"request","amount":{"minor":1456,"currency":"USD"},
        "reference":"ord_1/capture-payment","effect":"ord_1/capture-payment","at":1}"#;

    #[test]
    fn a_ledger_may_come_alone_as_a_case_or_with_its_order() {
        for json in [
            format!("[{CHARGE}]"),
            format!(r#"{{"about":"x","events":[{CHARGE}],"balance":{{}}}}"#),
            format!(r#"{{"id":"ord_1","ledger":[{CHARGE}]}}"#),
        ] {
            assert_eq!(balance(&json).unwrap().charged, BalanceAmount { amount: 1_456, pending: 1_456 }, "{json}");
        }
        assert!(balance("{}").is_err());
    }

    #[test]
    fn amounts_are_shown_in_the_orders_currency() {
        let table = table(&balance(&format!("[{CHARGE}]")).unwrap());
        assert_eq!(table.lines().nth(2), Some("charged              14.56 USD       14.56 USD"));
        assert_eq!(super::table(&Balance::default()).lines().count(), 6);
    }
}
