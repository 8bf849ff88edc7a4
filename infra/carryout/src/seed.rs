//! Writes the marketplace that one seed number stands for into the deployed stack, and lets the sandbox send its events.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use carryout_aws::{DocumentConflict, DynamoCatalogWriter, DynamoConsumerWriter, DynamoDocuments};
use carryout_checkout::ports::PROMOTIONS;
use carryout_marketplace::Marketplace;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use local_cloud::Terminal;

use crate::stack::Stack;

/// The seed number unless another one is asked for.
pub const DEFAULT: u64 = 1;
/// Stores that are written at the same time.
const CONCURRENCY: usize = 16;
/// What the first calls that fail mean.
const UNREACHABLE: &str = "the marketplace could not be written; is the stack deployed and the local cloud up?";
/// Items of one batch write.
const BATCH: usize = 25;

/// The marketplace of `seed`, as every command makes it: the accounts' age counts back from the start of today.
pub fn marketplace(seed: u64) -> Marketplace {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let today = Timestamp::now().as_millisecond() / DAY_MS * DAY_MS;
    Marketplace::generate(seed, today)
}

/// Writes promotions, stores, menus, stock and consumers, replacing what is there; then subscribes to the sandbox's payment events.
pub async fn seed(stack: &Stack, terminal: &Terminal, seed: u64) -> Result<()> {
    let marketplace = marketplace(seed);
    let aws = stack.aws().await;
    let catalog = DynamoCatalogWriter::new(&aws, stack.output("StoresTable")?);
    let consumers = DynamoConsumerWriter::new(&aws, stack.output("ConsumersTable")?);
    promote(&DynamoDocuments::new(&aws, stack.output("ControlTable")?), &marketplace).await?;
    let items: usize = marketplace.stores.iter().map(|store| store.items.len()).sum();
    let progress = terminal.progress("seeding", marketplace.stores.len() + marketplace.consumers.len());
    stream::iter(&marketplace.stores)
        .map(|store| async { catalog.write(store).await.map(|()| progress.advance(1)) })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await
        .context(UNREACHABLE)?;
    stream::iter(marketplace.consumers.chunks(BATCH))
        .map(|batch| async { consumers.write(batch).await.map(|()| progress.advance(batch.len())) })
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await
        .context("the consumers could not be written")?;
    progress.done(&format!(
        "seeded {} stores with {items} items and {} consumers from seed {seed}",
        marketplace.stores.len(),
        marketplace.consumers.len()
    ));
    subscribe(stack).await
}

/// Writes each market's promotions.
async fn promote(documents: &DynamoDocuments, marketplace: &Marketplace) -> Result<()> {
    for (country, promotions) in &marketplace.promotions {
        let known = documents.read(PROMOTIONS, country.as_str()).await.context(UNREACHABLE)?;
        let value = serde_json::to_value(promotions)?;
        match documents.write(PROMOTIONS, country.as_str(), &value, known.map(|known| known.version)).await {
            Ok(()) => {}
            Err(DocumentConflict::Conflict) => bail!("somebody else sets the promotions of {country} now; seed again"),
            Err(DocumentConflict::Storage(error)) => return Err(error).context("the promotions could not be written"),
        }
    }
    Ok(())
}

/// Lets the sandbox's payment processor send its events to the stack, as one would say in a real processor's dashboard.
async fn subscribe(stack: &Stack) -> Result<()> {
    // Without a sandbox the processor is a real one, and this is up to whoever owns the account.
    let Ok(sandbox) = stack.output("SandboxUrl") else { return Ok(()) };
    let events = format!("{}/v1/webhooks/payments", stack.output("ApiUrl")?);
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(35)).build()?;
    let endpoints = format!("{sandbox}/payment/v1/webhook_endpoints");
    let reply = client.post(endpoints).bearer_auth("sandbox").form(&[("url", events)]).send().await;
    let reply = reply.context("the sandbox does not answer; is the local cloud up?")?;
    if !reply.status().is_success() {
        bail!("the sandbox does not send its payment events to the stack: {}", reply.text().await.unwrap_or_default());
    }
    Ok(())
}
