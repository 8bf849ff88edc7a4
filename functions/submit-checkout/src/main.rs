//! Takes an order: loads, validates, writes once, answers with where to look.

use carryout_aws::{
    Aws, DynamoCatalog, DynamoConsumers, DynamoPromotions, DynamoQuotes, DynamoRouting, DynamoSubmissions, ManagedSecret,
    SqsQueue,
};
use carryout_checkout::{quoting::PriceEngine, workflows::orchestrator};
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
use carryout_partners::{Http, HttpLogistics};
use std::sync::Arc;
use submit_checkout::SubmitCheckout;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (stores, consumers) = (config.required("STORES_TABLE"), config.required("CONSUMERS_TABLE"));
    let (orders, idempotency) = (config.required("ORDERS_TABLE"), config.required("IDEMPOTENCY_TABLE"));
    let (quotes, secret) = (config.required("QUOTES_TABLE"), config.required("QUOTE_SECRET"));
    let (queue, logistics) = (config.required("ORDERS_QUEUE_URL"), config.required("LOGISTICS_URL"));
    let (control, counters) = (config.required("CONTROL_TABLE"), config.required("COUNTERS_TABLE"));
    let lock_seconds: i64 = config.parsed("QUOTE_LOCK_SECONDS");
    let tokens = TokenVerifier::from_config(&mut config);
    config.finish()?;

    let aws = Aws::from_env().await;
    let function = Arc::new(SubmitCheckout {
        catalog: DynamoCatalog::new(&aws, stores),
        consumers: DynamoConsumers::new(&aws, &consumers),
        promotions: DynamoPromotions::new(&aws, &control, counters),
        quotes: DynamoQuotes::new(&aws, &quotes),
        engine: Arc::new(PriceEngine::standard(Markets::embedded()?.into_source(), SystemTimer)),
        submissions: DynamoSubmissions::new(&aws, orders, idempotency, quotes, consumers),
        logistics: HttpLogistics::new(Http::default(), logistics),
        queue: SqsQueue::new(&aws, queue),
        routing: DynamoRouting::new(&aws, control),
        secret: ManagedSecret::new(&aws, secret),
        tokens,
        orchestrator: orchestrator(),
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
