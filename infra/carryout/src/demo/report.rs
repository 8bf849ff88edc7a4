//! What the demo ends with: a table, a timeline, and the books.

use std::fmt::Write as _;

use carryout_checkout::order::OrderStatus;
use carryout_checkout::track::OrderView;
use serde_json::{Value, json};

use super::{Outcome, Placed};
use crate::order::timeline;

/// What came of the demo.
pub struct Report {
    /// What came of each request.
    pub outcomes: Vec<Outcome>,
}

/// The counts of the last line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Orders that were taken.
    pub orders: usize,
    /// Placed, as the books confirm.
    pub placed: usize,
    /// Failed with nothing left, as the books confirm.
    pub failed_clean: usize,
    /// Parked for a person.
    pub parked: usize,
    /// Ended otherwise than the books say, or not at all.
    pub lost: usize,
    /// Charged more than once.
    pub charged_twice: usize,
}

impl Report {
    /// Whether something was lost or charged twice, or did not go as its scenario says.
    pub fn is_wrong(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.wrong.is_some())
    }

    /// The counts.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for outcome in &self.outcomes {
            let Some(Placed { view, books }) = &outcome.order else {
                // A request that neither gave an order nor was refused may have been an order.
                if outcome.refusal.is_none() {
                    tally.orders += 1;
                    tally.lost += 1;
                }
                continue;
            };
            tally.orders += 1;
            let summary = &books.summary;
            if summary.charges > 1 || summary.net_charged > view.total.minor {
                tally.charged_twice += 1;
            }
            let delivery = view.fulfilment == "delivery";
            match view.status {
                OrderStatus::Placed if summary.contradicts_placed(view.total.minor, delivery).is_none() => tally.placed += 1,
                OrderStatus::Failed | OrderStatus::Cancelled if summary.contradicts_undone().is_none() => tally.failed_clean += 1,
                OrderStatus::Parked => tally.parked += 1,
                _ => tally.lost += 1,
            }
        }
        tally
    }

    /// The whole report for people.
    pub fn print(&self) -> String {
        let mut text = String::new();
        self.table(&mut text);
        if let Some(order) = self.most_eventful() {
            text.push_str(&timeline(order));
        }
        self.books(&mut text);
        for outcome in self.outcomes.iter().filter(|outcome| outcome.wrong.is_some()) {
            let _ =
                writeln!(text, "WRONG {} {}: {}", outcome.country, outcome.name, outcome.wrong.as_deref().unwrap_or_default());
        }
        text
    }

    /// An order to look at.
    pub fn first_placed(&self) -> Option<&str> {
        let orders = self.outcomes.iter().filter_map(|outcome| outcome.order.as_ref());
        orders.map(|order| &order.view).find(|view| view.status == OrderStatus::Placed).map(|view| view.id.as_str())
    }

    /// The last line.
    pub fn last_line(&self) -> String {
        let Tally { orders, placed, failed_clean, parked, lost, charged_twice } = self.tally();
        format!(
            "books: {orders} orders, {placed} placed, {failed_clean} failed clean, {parked} parked, {lost} lost, {charged_twice} charged twice"
        )
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let outcomes: Vec<Value> = self
            .outcomes
            .iter()
            .map(|outcome| {
                json!({
                    "scenario": outcome.name,
                    "market": outcome.country,
                    "seconds": outcome.took.as_secs_f64(),
                    "order": outcome.order.as_ref().map(|order| &order.view),
                    "books": outcome.order.as_ref().map(|order| &order.books.summary),
                    "refusal": outcome.refusal.as_ref().map(|refusal| json!({ "status": refusal.status, "code": refusal.code, "detail": refusal.detail })),
                    "wrong": outcome.wrong,
                })
            })
            .collect();
        let Tally { orders, placed, failed_clean, parked, lost, charged_twice } = self.tally();
        json!({
            "outcomes": outcomes,
            "books": { "orders": orders, "placed": placed, "failed_clean": failed_clean, "parked": parked, "lost": lost, "charged_twice": charged_twice },
        })
    }

    fn table(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{:<32} {:<6} {:<28} {:<10} {:>12} {:>7} {:>7}  why",
            "order", "market", "what happens", "status", "total", "seconds", "retries"
        );
        for outcome in &self.outcomes {
            let (id, status, total, retries, why) = match (&outcome.order, &outcome.refusal) {
                (Some(Placed { view, .. }), _) => {
                    let why = view
                        .failure
                        .as_ref()
                        .map_or_else(|| view.flags.join(", "), |failure| format!("{}: {}", failure.code, failure.message));
                    (view.id.as_str(), view.status.to_string(), view.total.to_string(), view.retries.to_string(), why)
                }
                (None, Some(refusal)) => (
                    "-",
                    refusal.status.to_string(),
                    String::new(),
                    String::new(),
                    format!("{}: {}", refusal.code, refusal.detail),
                ),
                (None, None) => ("?", "?".to_owned(), String::new(), String::new(), outcome.wrong.clone().unwrap_or_default()),
            };
            let seconds = outcome.took.as_secs_f64();
            let _ = writeln!(
                text,
                "{id:<32} {:<6} {:<28} {status:<10} {total:>12} {seconds:>7.1} {retries:>7}  {why}",
                outcome.country, outcome.name
            );
        }
    }

    /// The order with the most to tell: the one with the most retries among the placed.
    fn most_eventful(&self) -> Option<&OrderView> {
        let orders = self.outcomes.iter().filter_map(|outcome| outcome.order.as_ref());
        orders.map(|order| &order.view).filter(|view| view.status == OrderStatus::Placed).max_by_key(|view| view.retries)
    }

    fn books(&self, text: &mut String) {
        let orders: Vec<&Placed> = self.outcomes.iter().filter_map(|outcome| outcome.order.as_ref()).collect();
        let sum = |of: &dyn Fn(&Placed) -> i64| orders.iter().map(|order| of(order)).sum::<i64>();
        let placed = sum(&|order| if order.view.status == OrderStatus::Placed { order.view.total.minor } else { 0 });
        let _ = writeln!(text, "\nwhat the sandbox's books say (minor units, all currencies together)");
        let _ = writeln!(text, "  totals of placed orders {placed:>10}");
        let _ = writeln!(text, "  taken by the processor  {:>10}", sum(&|order| order.books.summary.captured));
        let _ = writeln!(text, "  given back              {:>10}", sum(&|order| order.books.summary.refunded));
        let _ = writeln!(text, "  still held              {:>10}", sum(&|order| order.books.summary.authorized));
        let _ = writeln!(text, "  couriers under way      {:>10}", sum(&|order| i64::from(order.books.summary.live_deliveries)));
        let _ = writeln!(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_an_end_counts_as_lost() {
        let outcome = Outcome {
            name: "plain",
            country: carryout_market::ids::US,
            order: None,
            refusal: None,
            took: std::time::Duration::ZERO,
            wrong: Some("no answer".into()),
        };
        let report = Report { outcomes: vec![outcome] };
        assert!(report.is_wrong());
        assert_eq!(report.last_line(), "books: 1 orders, 0 placed, 0 failed clean, 0 parked, 1 lost, 0 charged twice");
    }
}
