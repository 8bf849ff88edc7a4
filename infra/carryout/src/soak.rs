//! Many orders with many faults: every order must end, and books, ledger and orders must agree to the cent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use carryout_checkout::ledger::fold;
use carryout_checkout::order::OrderStatus;
use carryout_checkout::store::StoreWithMenu;
use carryout_checkout::submit::CheckoutAnswer;
use carryout_checkout::track::OrderView;
use carryout_lambda::ids::new_id;
use carryout_marketplace::Marketplace;
use carryout_pricing::Quote;
use fastrand::Rng;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Books, Client};
use crate::shopping::{self, Shopper};
use local_cloud::Terminal;

/// How long an order may take to end. Undoing takes its time where a partner keeps failing.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often an order that is under way is asked for: seldom, so that the local cloud works at orders and not at answers.
const POLL: Duration = Duration::from_secs(2);
/// How often the progress is told where there is no terminal.
const TELL_EVERY: usize = 100;

/// The faults that an order may meet: partner, operation, kind, and the kind's own members.
const FAULTS: &[(&str, &str, &str)] = &[
    ("payment", "create", "fail_before"),
    ("payment", "create", "lose_answer"),
    ("payment", "confirm", "fail_after"),
    ("payment", "confirm", "lose_answer"),
    ("payment", "confirm", "late_effect"),
    ("payment", "confirm", "decline"),
    ("payment", "capture", "fail_before"),
    ("payment", "capture", "lose_answer"),
    ("payment", "capture", "decline"),
    ("payment", "cancel", "fail_after"),
    ("payment", "cancel", "lose_answer"),
    ("logistics", "deliver", "fail_after"),
    ("logistics", "deliver", "lose_answer"),
    ("logistics", "deliver", "late_effect"),
    ("logistics", "deliver", "decline"),
    ("logistics", "cancel", "fail_before"),
    ("merchant", "notify", "fail_after"),
    ("merchant", "notify", "late_effect"),
    ("merchant", "notify", "refuse"),
    ("merchant", "notify", "answer_twice"),
    ("merchant", "cancel", "lose_answer"),
    ("fraud", "check", "fail_before"),
    ("fraud", "check", "decline"),
];

/// What to soak with.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Orders to send.
    pub orders: usize,
    /// Orders under way at the same time.
    pub at_once: usize,
    /// Of how many orders in a hundred something goes wrong; half of them meet a second fault, some are cancelled.
    pub faulty: u8,
    /// Chooses who orders what, and what goes wrong.
    pub seed: u64,
}

/// One order to send.
struct Plan {
    consumer: String,
    cart: carryout_checkout::cart::Cart,
    payment_method: String,
    faults: Vec<Value>,
    cancelled: bool,
}

/// One order at its end.
struct Ended {
    view: OrderView,
    books: Books,
}

/// What came of it all.
#[derive(Debug, Default)]
pub struct Report {
    ends: BTreeMap<&'static str, usize>,
    refused: usize,
    /// Minor units by currency: what orders that are placed cost, what their ledgers say was charged, what the books say.
    sums: BTreeMap<&'static str, (i64, i64, i64)>,
    lost: Vec<String>,
    charged_twice: Vec<String>,
    seconds: f64,
    retries: u32,
}

/// Sends the orders, follows each to its end, and compares.
pub async fn run(client: &Client, marketplace: &Marketplace, terminal: &Terminal, wanted: Wanted) -> Result<Report> {
    client.clear_faults().await?;
    let started = Instant::now();
    let plans = plans(marketplace, wanted)?;
    let progress = terminal.progress("orders", plans.len());
    let mut report = Report::default();
    let mut orders = stream::iter(plans).map(|plan| send(client, plan)).buffer_unordered(wanted.at_once);
    let mut done = 0;
    while let Some(ended) = orders.next().await {
        let known = report.lost.len();
        report.add(ended);
        for lost in &report.lost[known..] {
            terminal.note(&format!("lost {lost}"));
        }
        progress.advance(1);
        done += 1;
        if done % TELL_EVERY == 0 {
            terminal.note(&format!("{done} orders: {}", report.counts()));
        }
    }
    drop(orders);
    client.clear_faults().await?;
    report.seconds = started.elapsed().as_secs_f64();
    progress.done(&format!("{done} orders"));
    Ok(report)
}

/// Who orders what where, and what goes wrong. A consumer has one order at a time among as many as are under way, so that a
/// fault that is set for one touches no other order.
fn plans(marketplace: &Marketplace, wanted: Wanted) -> Result<Vec<Plan>> {
    let mut rng = Rng::with_seed(wanted.seed);
    let shopper = Shopper::new(marketplace, Timestamp::now().as_millisecond());
    let reachable: Vec<(usize, Vec<&StoreWithMenu>)> = marketplace
        .consumers
        .iter()
        .enumerate()
        .filter(|(_, consumer)| !consumer.blocked)
        .map(|(index, consumer)| (index, shopper.reachable(consumer).collect::<Vec<_>>()))
        .filter(|(_, stores)| !stores.is_empty())
        .collect();
    anyhow::ensure!(reachable.len() > wanted.at_once, "too few stores are open now; seed again, or try later");
    let mut turn: Vec<usize> = Vec::new();
    (0..wanted.orders)
        .map(|_| {
            if turn.is_empty() {
                turn = (0..reachable.len()).collect();
                rng.shuffle(&mut turn);
            }
            let (index, stores) = &reachable[turn.pop().unwrap_or_default()];
            let consumer = &marketplace.consumers[*index];
            let store = rng.choice(stores).context("no store")?;
            let cart = match rng.u8(0..5) {
                0 => shopping::pickup(consumer, store),
                lines => shopping::delivery(consumer, store, usize::from(lines)),
            };
            let faulty = rng.u8(0..100) < wanted.faulty;
            let count = if faulty { 1 + usize::from(rng.bool()) } else { 0 };
            let faults = (0..count).filter_map(|_| rng.choice(FAULTS)).map(|fault| fault_for(&consumer.id, fault)).collect();
            Ok(Plan {
                consumer: consumer.id.clone(),
                cart,
                payment_method: shopping::working_card(consumer)?.id,
                faults,
                cancelled: faulty && rng.u8(0..10) == 0,
            })
        })
        .collect()
}

fn fault_for(consumer: &str, (partner, operation, kind): &(&str, &str, &str)) -> Value {
    let mut fault = json!({ "partner": partner, "operation": operation, "kind": kind, "consumer_id": consumer });
    match *kind {
        "lose_answer" => fault["milliseconds"] = json!(3_500),
        "late_effect" => fault["milliseconds"] = json!(1_500),
        "decline" => fault["code"] = json!("do_not_honor"),
        "refuse" => fault["reason"] = json!("the kitchen is full"),
        _ => {}
    }
    fault
}

/// The order at its end; nothing where the request was refused as it may be.
async fn send(client: &Client, plan: Plan) -> Result<Option<Ended>> {
    let consumer = &plan.consumer;
    let quoted = insist(async || client.quote(consumer, &plan.cart).await?.or_unavailable()).await?;
    if quoted.status == 409 {
        return Ok(None);
    }
    let quote: Quote = quoted.expect(201)?;
    for fault in &plan.faults {
        insist(async || client.set_fault(fault).await).await?;
    }
    let key = new_id("key");
    let checkout = async || client.checkout(consumer, &quote, &plan.payment_method, &key).await?.or_unavailable();
    let reply = insist(checkout).await?;
    if reply.status == 409 {
        return Ok(None);
    }
    let answer: CheckoutAnswer = reply.expect(202)?;
    if plan.cancelled {
        let path = format!("/v1/orders/{}/cancellation", answer.order_id);
        let cancel = async || client.as_consumer(consumer, Method::POST, &path, None).await?.or_unavailable();
        let reply = insist(cancel).await?;
        anyhow::ensure!(matches!(reply.status, 202 | 409), "the cancellation was answered {}: {}", reply.status, reply.body);
    }
    let view = insist(async || client.follow(consumer, &answer.order_id, PATIENCE, POLL, |_| {}).await).await?;
    let books = insist(async || client.books(&view.id).await).await?;
    Ok(Some(Ended { view, books }))
}

/// Asks up to five times for what may be asked twice: an answer that does not come is no lost order.
async fn insist<T>(ask: impl AsyncFn() -> Result<T>) -> Result<T> {
    for _ in 0..4 {
        if let Ok(answer) = ask().await {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    ask().await
}

impl Report {
    fn add(&mut self, ended: Result<Option<Ended>>) {
        match ended {
            Err(error) => self.lost.push(format!("{error:#}")),
            Ok(None) => self.refused += 1,
            Ok(Some(ended)) => self.compare(&ended),
        }
    }

    fn compare(&mut self, Ended { view, books }: &Ended) {
        *self.ends.entry(view.status.name()).or_default() += 1;
        self.retries += view.retries;
        let summary = &books.summary;
        if summary.charges > 1 {
            self.charged_twice.push(view.id.clone());
        }
        let contradiction = match view.status {
            OrderStatus::Placed => summary.contradicts_placed(view.total.minor, view.fulfilment == "delivery"),
            OrderStatus::Parked => None,
            _ => summary.contradicts_undone(),
        };
        if let Some(contradiction) = contradiction {
            self.lost.push(format!("{} is {}, but {contradiction}", view.id, view.status));
        }
        let balance = match fold(&view.ledger) {
            Ok(balance) => balance,
            Err(error) => return self.lost.push(format!("{}: its ledger has no balance: {error}", view.id)),
        };
        let (charged, held) = (balance.charged.amount, balance.authorized.amount);
        if (charged, held) != (summary.net_charged, summary.authorized) {
            let books = (summary.net_charged, summary.authorized);
            self.lost.push(format!(
                "{}: charged and held are {:?} by its ledger and {books:?} by the books",
                view.id,
                (charged, held)
            ));
        }
        let owed = if view.status == OrderStatus::Placed { view.total.minor } else { 0 };
        let sums = self.sums.entry(view.total.currency.code()).or_default();
        *sums = (sums.0 + owed, sums.1 + charged, sums.2 + summary.net_charged);
    }

    /// Whether something was lost, charged twice, or does not add up.
    pub fn is_wrong(&self) -> bool {
        !self.lost.is_empty() || !self.charged_twice.is_empty() || self.ends.contains_key("PARKED")
    }

    fn counts(&self) -> String {
        let of = |status: &str| self.ends.get(status).copied().unwrap_or_default();
        format!(
            "{} placed, {} failed clean, {} cancelled, {} parked, {} lost, {} charged twice",
            of("PLACED"),
            of("FAILED"),
            of("CANCELLED"),
            of("PARKED"),
            self.lost.len(),
            self.charged_twice.len()
        )
    }

    /// For people: sums by currency, what is wrong, and one line that says it all.
    pub fn print(&self) -> String {
        let orders: usize = self.ends.values().sum();
        let mut text = format!(
            "{orders} orders in {:.0} s ({:.1} a second), {} retries, {} requests refused before an order was taken\n\n",
            self.seconds,
            orders as f64 / self.seconds.max(f64::MIN_POSITIVE),
            self.retries,
            self.refused
        );
        let _ = writeln!(text, "{:<10}{:>16}{:>16}{:>16}", "currency", "orders", "ledgers", "books");
        for (currency, (orders, ledgers, books)) in &self.sums {
            let agree = if orders == ledgers && ledgers == books { "" } else { "  DIFFER" };
            let _ = writeln!(text, "{currency:<10}{orders:>16}{ledgers:>16}{books:>16}{agree}");
        }
        text.push_str("in minor units\n\n");
        for lost in self.lost.iter().collect::<BTreeSet<_>>() {
            let _ = writeln!(text, "LOST {lost}");
        }
        for order in &self.charged_twice {
            let _ = writeln!(text, "CHARGED TWICE {order}");
        }
        let _ = writeln!(text, "soak: {orders} orders, {}", self.counts());
        text
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let sums = |(orders, ledgers, books): &(i64, i64, i64)| json!({ "orders": orders, "ledgers": ledgers, "books": books });
        json!({
            "ends": self.ends,
            "refused": self.refused,
            "sums": self.sums.iter().map(|(currency, all)| (*currency, sums(all))).collect::<BTreeMap<_, _>>(),
            "lost": self.lost,
            "charged_twice": self.charged_twice,
            "seconds": self.seconds,
            "retries": self.retries,
        })
    }
}
