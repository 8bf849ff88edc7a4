//! Tells what the reconciliation of payments found, and reconciles at once where that is asked for.

use anyhow::{Context as _, Result};
use carryout_aws::{DynamoLedgers, DynamoOrders, DynamoReports, ManagedSecret};
use carryout_checkout::{
    ports::Reports as _,
    reconcile::{Finding, Reconcile, Reconciliation},
};
use carryout_lambda::clock::SystemClock;
use carryout_partners::{Http, StripePayments};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::stack::Stack;

/// The newest report of the deployed stack, if there is one.
pub async fn latest(stack: &Stack) -> Result<Option<Reconciliation>> {
    let reports = DynamoReports::new(&stack.aws().await, stack.output("ReportsTable")?);
    reports.latest().await.context("the reports can't be read; is the stack deployed and the local cloud up?")
}

/// Reconciles as the scheduled function does, now: payments that are at least this old, all that there are to look at.
pub async fn now(stack: &Stack, settled_after: SignedDuration) -> Result<Reconciliation> {
    let aws = stack.aws().await;
    let secret = ManagedSecret::new(&aws, stack.output("PaymentSecret")?);
    let reconcile = Reconcile {
        payments: StripePayments::new(Http::default(), stack.output("PaymentUrl")?, secret),
        orders: DynamoOrders::new(&aws, stack.output("OrdersTable")?),
        ledgers: DynamoLedgers::new(&aws, stack.output("OrdersTable")?),
        reports: DynamoReports::new(&aws, stack.output("ReportsTable")?),
        clock: SystemClock,
        settled_after: i64::try_from(settled_after.as_millis()).context("this is too long ago")?,
    };
    reconcile.run(i64::MAX).await.context("nothing was reconciled")
}

/// The report for people.
pub fn summary(report: &Reconciliation) -> String {
    let moment = |ms: i64| Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.0}"));
    let seconds = (report.ended_at - report.started_at).max(0) / 1_000;
    let mut text =
        format!("reconciled at {} in {seconds} s: payments since {}\n\n", moment(report.started_at), moment(report.since));
    for (name, count) in [
        ("looked at", report.intents),
        ("left alone", report.left_alone),
        ("of other systems", report.foreign),
        ("told to the ledger", report.adopted),
        ("cancelled", report.cancelled),
        ("refunded", report.refunded),
        ("for a person", report.reported),
        ("postponed", report.postponed),
    ] {
        text.push_str(&format!("  {name:<20}{count:>8}\n"));
    }
    if report.resume_after.is_some() {
        text.push_str("\nit ran out of time; the next one goes on\n");
    }
    if !report.findings.is_empty() {
        text.push('\n');
    }
    for finding in &report.findings {
        let Finding { discrepancy, remedy, intent, order_id, amount, detail } = finding;
        let (discrepancy, remedy) = (word(discrepancy), word(remedy));
        let order = order_id.as_deref().unwrap_or("no order");
        text.push_str(&format!("  {remedy:<10} {discrepancy:<24} {:>14}  {order}  {intent}\n", amount.to_string()));
        text.push_str(&format!("             {detail}\n"));
    }
    text
}

/// A name as in JSON, in words.
fn word(name: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(name).unwrap_or_default();
    name.as_str().map_or_else(|| Value::to_string(&name), |name| name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use carryout_checkout::reconcile::{Discrepancy, Remedy};
    use carryout_money::{Currency, Money};

    use super::*;

    #[test]
    fn a_finding_says_what_was_wrong_and_what_was_done() {
        let finding = Finding {
            discrepancy: Discrepancy::ChargedTwice,
            remedy: Remedy::Refunded,
            intent: "pi_2".to_owned(),
            order_id: Some("ord_1".to_owned()),
            amount: Money::new(1_456, Currency::USD),
            detail: "money was taken by a payment besides the order's own payment".to_owned(),
        };
        let report = Reconciliation { refunded: 1, intents: 7, findings: vec![finding], ..Reconciliation::default() };
        let text = summary(&report);
        assert!(text.contains("  refunded   charged twice                 14.56 USD  ord_1  pi_2\n"), "{text}");
        assert!(text.contains("looked at                  7\n"), "{text}");
        assert!(!text.contains("ran out of time"));
    }
}
