//! Orders, for operators: where one stands, which are parked, and how to let them go on.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, bail};
use carryout_checkout::redrive::ParkedList;
use carryout_checkout::request_refund::{RefundAnswer, RefundBody};
use carryout_checkout::track::OrderView;
use carryout_lambda::ids::new_id;
use carryout_pricing::RefundLine;
use carryout_workflow::{StepState, UndoState};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::Value;

use crate::client::{Client, Reply};

/// How long a redriven order is followed.
const PATIENCE: Duration = Duration::from_secs(300);

/// An order as an operator sees it.
pub async fn show(client: &Client, id: &str) -> Result<OrderView> {
    client.as_operator(Method::GET, &format!("/v1/orders/{id}"), None).await?.expect(200)
}

/// Every parked order, 100 at most.
pub async fn parked(client: &Client) -> Result<ParkedList> {
    client.as_operator(Method::GET, "/v1/ops/orders/parked", None).await?.expect(200)
}

/// Takes up the undo of a parked order again and follows it to its end, telling each view of it.
///
/// # Errors
///
/// Where the order is not parked, or has not ended after five minutes.
pub async fn redrive(client: &Client, id: &str, mut tell: impl FnMut(&OrderView)) -> Result<OrderView> {
    let reply = client.as_operator(Method::POST, &format!("/v1/ops/orders/{id}/redrive"), None).await?;
    if reply.status != 202 {
        bail!("{}", refusal(&reply));
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let order = show(client, id).await?;
        tell(&order);
        if order.status.is_closed() {
            return Ok(order);
        }
        if tokio::time::Instant::now() > deadline {
            bail!("order {id} is still {}; the sweeper goes on with it", order.status);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Gives back what was paid for an order, or a part of it, and follows the order until the refund has ended.
///
/// # Errors
///
/// Where the refund is refused, or has not ended after five minutes.
pub async fn refund(client: &Client, id: &str, body: &RefundBody) -> Result<(RefundAnswer, OrderView)> {
    let reply = client.refund(id, body, &new_id("key")).await?;
    if reply.status != 202 {
        bail!("{}", refusal(&reply));
    }
    let answer: RefundAnswer = reply.expect(202)?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let order = show(client, id).await?;
        if order.balance.is_some_and(|balance| balance.refunded.pending == 0) {
            return Ok((answer, order));
        }
        if tokio::time::Instant::now() > deadline {
            bail!("{} is still under way; the sweeper goes on with it, unless it is parked", answer.refund_id);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Resumes a parked refund.
///
/// # Errors
///
/// If the refund is not parked.
pub async fn redrive_refund(client: &Client, id: &str) -> Result<Value> {
    let reply = client.as_operator(Method::POST, &format!("/v1/ops/refunds/{id}/redrive"), None).await?;
    if reply.status != 202 {
        bail!("{}", refusal(&reply));
    }
    Ok(reply.body)
}

/// Reads `LINE:QUANTITY`, such as `0:1`.
///
/// # Errors
///
/// Where it is none.
pub fn refund_line(text: &str) -> Result<RefundLine, String> {
    let parsed = text
        .split_once(':')
        .and_then(|(line, quantity)| Some(RefundLine { line: line.parse().ok()?, quantity: quantity.parse().ok()? }));
    parsed.ok_or_else(|| format!("{text:?} is no LINE:QUANTITY, such as 0:1"))
}

/// Why a request was refused, for people.
pub(crate) fn refusal(reply: &Reply) -> String {
    let said = |member: &str| reply.body[member].as_str().unwrap_or_default().to_owned();
    format!("{} ({}). {}", said("detail"), reply.code(), said("advice"))
}

/// Parked orders as a table for people.
pub fn table(parked: &ParkedList) -> String {
    if parked.orders.is_empty() {
        return "no order is parked\n".to_owned();
    }
    let mut text = String::new();
    for order in &parked.orders {
        let at = Timestamp::from_millisecond(order.parked_at).map(|at| format!("{at:.0}")).unwrap_or_default();
        let why = order.failure.as_ref().map_or("", |failure| failure.code.as_str());
        let _ = writeln!(text, "{}  {}  {}  parked {at}  {why}", order.order_id, order.country, order.total);
        for effect in &order.remaining {
            let reference = effect.reference.as_deref().unwrap_or("-");
            let failure = effect.failure.as_ref().map_or("its undo was not tried yet", |failure| failure.message.as_str());
            let _ = writeln!(text, "  {:<20} {reference:<44} {failure}", effect.step);
        }
    }
    text.push_str("redrive one: carryout order redrive ID\n");
    text
}

/// The steps of an order along the time that it took.
pub fn timeline(view: &OrderView) -> String {
    const WIDTH: i64 = 56;
    let mut text = String::new();
    let end = view.steps.iter().filter_map(|step| step.ended_at).max().unwrap_or(view.updated_at);
    let span = (end - view.created_at).max(1);
    let _ = writeln!(
        &mut text,
        "\ntimeline of {} ({}, {}, {} retries, {:.1} s)",
        view.id,
        view.store,
        view.workflow,
        view.retries,
        span as f64 / 1_000.0
    );
    for step in &view.steps {
        let state = match (step.state, step.undo) {
            (_, UndoState::Done) => "undone",
            (StepState::Done, _) => "done",
            (StepState::Skipped, _) => "skipped",
            (StepState::Failed, _) => "failed",
            (StepState::Pending, _) => "-",
            (StepState::Running | StepState::Waiting, _) => "running",
        };
        let column = |at: i64| ((at - view.created_at).clamp(0, span) * WIDTH / span) as usize;
        let bar = match (step.sent_at, step.ended_at) {
            (Some(from), Some(until)) => {
                let (from, until) = (column(from), column(until).max(column(from) + 1));
                format!("{}{}", " ".repeat(from), "█".repeat(until - from))
            }
            _ => String::new(),
        };
        let tries = if step.attempts > 1 { format!("{} tries", step.attempts) } else { String::new() };
        let at = step.ended_at.map(|at| format!("{:>6.2} s", (at - view.created_at) as f64 / 1_000.0)).unwrap_or_default();
        let _ = writeln!(&mut text, "  {:<18} {state:<8} {at:>8} |{bar:<58}| {tries}", step.step);
    }
    text
}
