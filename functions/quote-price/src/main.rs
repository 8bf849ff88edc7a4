//! Prices a cart and locks the price; prices an order again; tells operators what a price depended on, and computes it again.

use carryout_aws::{
    Aws, DynamoCatalog, DynamoConsumers, DynamoOrders, DynamoPromotions, DynamoQuoteRecords, DynamoQuotes, DynamoRollouts,
    ManagedSecret, SqsQueue,
};
use carryout_checkout::quoting::PriceEngine;
use carryout_lambda::{
    Error,
    clock::{SystemClock, SystemTimer},
    config::Reader,
    ids::RandomIds,
    metrics::Metrics,
    run_http, telemetry,
    token::TokenVerifier,
};
use carryout_market::Markets;
use carryout_migration::partners::LEGACY_PRICES;
use carryout_partners::{Http, HttpLegacyPrices};
use quote_price::QuotePrice;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (stores, consumers) = (config.required("STORES_TABLE"), config.required("CONSUMERS_TABLE"));
    let (quotes, secret) = (config.required("QUOTES_TABLE"), config.required("QUOTE_SECRET"));
    let (control, counters) = (config.required("CONTROL_TABLE"), config.required("COUNTERS_TABLE"));
    let orders = config.required("ORDERS_TABLE");
    let (legacy, samples) = (config.optional("LEGACY_URL"), config.optional("SAMPLES_QUEUE_URL"));
    let lock_seconds: i64 = config.parsed("QUOTE_LOCK_SECONDS");
    let tokens = TokenVerifier::from_config(&mut config);
    config.finish()?;

    let aws = Aws::from_env().await;
    let function = Arc::new(QuotePrice {
        catalog: DynamoCatalog::new(&aws, stores),
        consumers: DynamoConsumers::new(&aws, consumers),
        promotions: DynamoPromotions::new(&aws, &control, counters),
        quotes: DynamoQuotes::new(&aws, &quotes),
        records: DynamoQuoteRecords::new(&aws, quotes),
        orders: DynamoOrders::new(&aws, orders),
        engine: Arc::new(PriceEngine::standard(Markets::embedded()?.into_source(), SystemTimer)),
        rollouts: DynamoRollouts::new(&aws, control),
        legacy: legacy.map(|legacy| HttpLegacyPrices::new(Http::default(), legacy, LEGACY_PRICES)),
        samples: samples.map(|samples| SqsQueue::new(&aws, samples)),
        secret: ManagedSecret::new(&aws, secret),
        tokens,
        clock: SystemClock,
        ids: RandomIds,
        lock_for: lock_seconds * 1_000,
        metrics: Metrics::from_env(),
    });
    run_http(move |request| {
        let function = Arc::clone(&function);
        async move { function.handle(&request).await }
    })
    .await
}
