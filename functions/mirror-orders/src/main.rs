//! Sends every written order towards the legacy sink.

use carryout_aws::{Aws, SqsLegacyQueue};
use carryout_lambda::{Error, config::Reader, metrics::Metrics, run_stream, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let queue = config.required("LEGACY_QUEUE_URL");
    config.finish()?;

    let aws = Aws::from_env().await;
    let wired = Arc::new((SqsLegacyQueue::new(&aws, queue), Metrics::from_env()));
    run_stream(move |event, _| {
        let wired = Arc::clone(&wired);
        async move { mirror_orders::handle(&wired.0, &wired.1, event).await }
    })
    .await
}
