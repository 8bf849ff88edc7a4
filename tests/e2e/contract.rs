//! The adapters of the stack's tables keep what their ports promise: the suites that `carryout-checkout` runs against its
//! in-memory adapters, against DynamoDB.
//!
//! They run on copies of the deployed tables, keys and indexes included: in the tables themselves the sweeper would find
//! the suites' orders and drive them on.

use crate::harness::Harness;
use anyhow::{Context as _, Result, bail, ensure};
use carryout_aws::{
    DynamoAnswers, DynamoApplicants, DynamoCancellations, DynamoCatalog, DynamoCatalogWriter, DynamoClosing, DynamoComparisons,
    DynamoConsumerWriter, DynamoConsumers, DynamoDocuments, DynamoLedgers, DynamoOrders, DynamoParkedOrders, DynamoParkedRefunds,
    DynamoPromotions, DynamoQuoteLocks, DynamoQuoteRecords, DynamoQuotes, DynamoRefundClosing, DynamoRefundRequests,
    DynamoReports, DynamoReservations, DynamoStatusStore, DynamoStuckOrders, DynamoSubmissions, DynamoTrends,
};
use carryout_checkout::ports::PROMOTIONS;
use carryout_lambda::{
    clock::SystemClock,
    ids::{RandomIds, new_id},
};
use carryout_market::{MarketType, ids};
use carryout_testing::{
    contract::{self, Fixture},
    samples,
};

/// The adapters, on copies of their tables.
struct Adapters {
    fixture: Fixture<DynamoSubmissions, DynamoQuotes, DynamoOrders, RandomIds>,
    answers: DynamoAnswers,
    cancellations: DynamoCancellations,
    catalog: DynamoCatalog,
    closing: DynamoClosing,
    ledgers: DynamoLedgers,
    locks: DynamoQuoteLocks,
    parked: DynamoParkedOrders,
    promotions: DynamoPromotions,
    records: DynamoQuoteRecords,
    reservations: DynamoReservations,
    statuses: DynamoStatusStore,
    stuck: DynamoStuckOrders,
    /// The names of the copies.
    orders: String,
    idempotency: String,
    /// Last, for it removes the tables.
    harness: Harness,
}

impl Adapters {
    /// Nothing on AWS itself, where tables are not made in passing.
    async fn on_copies() -> Result<Option<Self>> {
        let harness = Harness::set().await?;
        let mut copies = Vec::new();
        for table in ["OrdersTable", "IdempotencyTable", "QuotesTable", "StoresTable", "CountersTable"] {
            let Some(copy) = harness.copy_table(table).await? else { return Ok(None) };
            copies.push(copy);
        }
        let [orders, idempotency, quotes, stores, counters] = copies.as_slice() else { bail!("five tables are copied") };
        let aws = &harness.aws;
        let store = samples::store(&new_id("sto"), ids::AU, MarketType::Restaurant);
        DynamoCatalogWriter::new(aws, stores).write(&store).await.context("the store could not be written")?;
        Ok(Some(Self {
            fixture: Fixture {
                submissions: DynamoSubmissions::new(aws, orders, idempotency, quotes, harness.output("ConsumersTable")?),
                quotes: DynamoQuotes::new(aws, quotes),
                orders: DynamoOrders::new(aws, orders),
                ids: RandomIds,
                store,
            },
            answers: DynamoAnswers::new(aws, orders),
            cancellations: DynamoCancellations::new(aws, orders),
            catalog: DynamoCatalog::new(aws, stores),
            closing: DynamoClosing::new(aws, orders, quotes),
            ledgers: DynamoLedgers::new(aws, orders),
            locks: DynamoQuoteLocks::new(aws, orders, quotes),
            parked: DynamoParkedOrders::new(aws, orders),
            records: DynamoQuoteRecords::new(aws, quotes),
            reservations: DynamoReservations::new(aws, orders, stores, counters),
            promotions: DynamoPromotions::new(aws, harness.output("ControlTable")?, counters),
            statuses: DynamoStatusStore::new(aws, orders),
            stuck: DynamoStuckOrders::new(aws, orders),
            orders: orders.clone(),
            idempotency: idempotency.clone(),
            harness,
        }))
    }
}

#[tokio::test]
async fn catalog() -> Result<()> {
    if let Some(adapters) = Adapters::on_copies().await? {
        contract::catalog(&adapters.fixture, &adapters.catalog).await;
    }
    Ok(())
}

#[tokio::test]
async fn applicants() -> Result<()> {
    let harness = Harness::set().await?;
    if let Some(table) = harness.copy_table("ApplicantsTable").await? {
        let store = DynamoApplicants::new(&harness.aws, &table);
        contract::applicants(&store, || new_id("apl"), SystemClock.now_ms()).await;
    }
    Ok(())
}

#[tokio::test]
async fn consumers() -> Result<()> {
    if let Some(adapters) = Adapters::on_copies().await?
        && let Some(table) = adapters.harness.copy_table("ConsumersTable").await?
    {
        let known = samples::consumer(&new_id("con"));
        DynamoConsumerWriter::new(&adapters.harness.aws, &table).write(std::slice::from_ref(&known)).await?;
        contract::consumers(&DynamoConsumers::new(&adapters.harness.aws, &table), &known, &RandomIds).await;
    }
    Ok(())
}

#[tokio::test]
async fn promotions() -> Result<()> {
    let harness = Harness::set().await?;
    if let Some(table) = harness.copy_table("ControlTable").await? {
        let (documents, known) = (DynamoDocuments::new(&harness.aws, &table), samples::promotions());
        let written = documents.write(PROMOTIONS, ids::US.as_str(), &serde_json::to_value(&known)?, None).await;
        ensure!(written.is_ok(), "the promotions could not be written: {written:?}");
        contract::promotions(
            &DynamoPromotions::new(&harness.aws, &table, harness.output("CountersTable")?),
            (ids::US, &known),
            ids::PR,
        )
        .await;
    }
    Ok(())
}

#[tokio::test]
async fn quotes() -> Result<()> {
    if let Some(adapters) = Adapters::on_copies().await? {
        contract::quotes(&adapters.fixture).await;
    }
    Ok(())
}

#[tokio::test]
async fn quote_records() -> Result<()> {
    if let Some(Adapters { fixture, records, closing, .. }) = &Adapters::on_copies().await? {
        contract::quote_records(fixture, records, closing).await;
    }
    Ok(())
}

#[tokio::test]
async fn submissions() -> Result<()> {
    if let Some(adapters) = Adapters::on_copies().await? {
        contract::submissions(&adapters.fixture).await;
    }
    Ok(())
}

#[tokio::test]
async fn refunds() -> Result<()> {
    if let Some(Adapters { fixture, closing, harness, orders, idempotency, .. }) = &Adapters::on_copies().await?
        && let Some(table) = &harness.copy_table("RefundsTable").await?
    {
        let aws = &harness.aws;
        let (requests, stuck) = (DynamoRefundRequests::new(aws, orders, table, idempotency), DynamoStuckOrders::new(aws, table));
        let (refunds, parked) = (DynamoRefundClosing::new(aws, orders, table), DynamoParkedRefunds::new(aws, table));
        let statuses = DynamoStatusStore::new(aws, table);
        contract::refunds(fixture, closing, &requests, &refunds, &parked, &statuses, &stuck).await;
    }
    Ok(())
}

#[tokio::test]
async fn status_store() -> Result<()> {
    if let Some(Adapters { fixture, statuses, stuck, closing, .. }) = &Adapters::on_copies().await? {
        contract::status_store(fixture, statuses, stuck, closing).await;
    }
    Ok(())
}

#[tokio::test]
async fn quote_locks() -> Result<()> {
    if let Some(Adapters { fixture, locks, statuses, .. }) = &Adapters::on_copies().await? {
        contract::quote_locks(fixture, locks, statuses).await;
    }
    Ok(())
}

#[tokio::test]
async fn reservations() -> Result<()> {
    if let Some(Adapters { fixture, reservations, statuses, catalog, .. }) = &Adapters::on_copies().await? {
        contract::reservations(fixture, reservations, statuses, catalog).await;
    }
    Ok(())
}

#[tokio::test]
async fn limits() -> Result<()> {
    if let Some(Adapters { fixture, reservations, statuses, promotions, .. }) = &Adapters::on_copies().await? {
        contract::limits(fixture, reservations, statuses, promotions).await;
    }
    Ok(())
}

#[tokio::test]
async fn closing() -> Result<()> {
    if let Some(Adapters { fixture, closing, statuses, stuck, .. }) = &Adapters::on_copies().await? {
        contract::closing(fixture, closing, statuses, stuck).await;
    }
    Ok(())
}

#[tokio::test]
async fn answers() -> Result<()> {
    if let Some(Adapters { fixture, answers, statuses, .. }) = &Adapters::on_copies().await? {
        contract::answers(fixture, answers, statuses).await;
    }
    Ok(())
}

#[tokio::test]
async fn stuck_orders() -> Result<()> {
    if let Some(Adapters { fixture, stuck, .. }) = &Adapters::on_copies().await? {
        contract::stuck_orders(fixture, stuck).await;
    }
    Ok(())
}

#[tokio::test]
async fn cancellations() -> Result<()> {
    if let Some(Adapters { fixture, cancellations, statuses, locks, answers, closing, .. }) = &Adapters::on_copies().await? {
        contract::cancellations(fixture, cancellations, statuses, locks, answers, closing).await;
    }
    Ok(())
}

#[tokio::test]
async fn ledgers() -> Result<()> {
    if let Some(adapters) = Adapters::on_copies().await? {
        contract::ledgers(&adapters.fixture, &adapters.ledgers, &adapters.statuses).await;
    }
    Ok(())
}

#[tokio::test]
async fn parked_orders() -> Result<()> {
    if let Some(Adapters { fixture, parked, statuses, closing, stuck, .. }) = &Adapters::on_copies().await? {
        contract::parked_orders(fixture, parked, statuses, closing, stuck).await;
    }
    Ok(())
}

#[tokio::test]
async fn reports() -> Result<()> {
    let harness = Harness::set().await?;
    if let Some(copy) = harness.copy_table("ReportsTable").await? {
        contract::reports(&DynamoReports::new(&harness.aws, copy)).await;
    }
    Ok(())
}

#[tokio::test]
async fn comparisons() -> Result<()> {
    let harness = Harness::set().await?;
    if let Some(copy) = harness.copy_table("ParityTable").await? {
        contract::comparisons(&DynamoComparisons::new(&harness.aws, copy)).await;
    }
    Ok(())
}

#[tokio::test]
async fn trends() -> Result<()> {
    let harness = Harness::set().await?;
    if let Some(copy) = harness.copy_table("TrendsTable").await? {
        contract::trends(&DynamoTrends::new(&harness.aws, copy)).await;
    }
    Ok(())
}
