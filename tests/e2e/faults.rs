//! The fault matrix on the running stack: every call to a partner, forward and in the undo, that fails before its effect,
//! fails after it, loses its answer, or has its effect late. Whatever happens, the order ends placed and paid once, or
//! with nothing left. `tests/sim` runs the same matrix in virtual time, with faults that no running stack can be told to
//! have.

use crate::harness::{Harness, times_played};
use anyhow::{Context as _, Result, ensure};
use carryout_market::{MarketType, ids};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

/// Longer than a partner is waited for.
const TOO_LATE_MS: u64 = 3_500;
/// Orders under way at once, in each test.
const AT_ONCE: usize = 2;

/// How a call fails.
const KINDS: &[&str] = &["fail_before", "fail_after", "lose_answer", "late_effect"];

fn more(kind: &str) -> Value {
    match kind {
        "lose_answer" => json!({ "milliseconds": TOO_LATE_MS }),
        "late_effect" => json!({ "milliseconds": 1_500 }),
        _ => json!({}),
    }
}

/// How the order must end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Placed,
    Undone,
}

async fn survives(partner: &str, operation: &str, kind: &str, ends: Ends) -> Result<()> {
    let harness = Harness::set().await?;
    let fixture = harness.fixture(ids::US, MarketType::Restaurant).await?;
    fixture.fault(partner, operation, kind, more(kind)).await?;
    if ends == Ends::Undone {
        // The last call of the way forward is refused, so that everything before it is undone.
        fixture.fault("payment", "capture", "decline", json!({ "code": "do_not_honor" })).await?;
    }
    let quote = fixture.quote(&fixture.cart()).await?;
    let id = fixture.order(&quote).await?;
    let ended = match ends {
        Ends::Placed => fixture.assert_placed(&id, &quote).await,
        Ends::Undone => fixture.assert_nothing_left(&id, "Payment.Refused").await,
    };
    ended.with_context(|| format!("{partner} {operation} {kind}"))?;
    let books = fixture.books(&id).await?;
    ensure!(times_played(&books, kind) == 1, "{partner} {operation} {kind} was not played: {}", books.all["calls"]);
    Ok(())
}

async fn every_kind(partner: &str, operation: &str, ends: Ends) -> Result<()> {
    stream::iter(KINDS).map(|kind| survives(partner, operation, kind, ends)).buffer_unordered(AT_ONCE).try_collect().await
}

#[tokio::test]
async fn creating_a_payment() -> Result<()> {
    every_kind("payment", "create", Ends::Placed).await
}

#[tokio::test]
async fn confirming_a_payment() -> Result<()> {
    every_kind("payment", "confirm", Ends::Placed).await
}

#[tokio::test]
async fn capturing_a_payment() -> Result<()> {
    every_kind("payment", "capture", Ends::Placed).await
}

#[tokio::test]
async fn booking_a_courier() -> Result<()> {
    every_kind("logistics", "deliver", Ends::Placed).await
}

#[tokio::test]
async fn telling_the_store() -> Result<()> {
    every_kind("merchant", "notify", Ends::Placed).await
}

#[tokio::test]
async fn letting_held_money_go() -> Result<()> {
    every_kind("payment", "cancel", Ends::Undone).await
}

#[tokio::test]
async fn calling_a_courier_off() -> Result<()> {
    every_kind("logistics", "cancel", Ends::Undone).await
}

#[tokio::test]
async fn telling_the_store_not_to() -> Result<()> {
    every_kind("merchant", "cancel", Ends::Undone).await
}
