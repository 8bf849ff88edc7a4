//! Starts the market's workflow for each submitted order.

use carryout_aws::{Aws, SfnExecutions};
use carryout_checkout::workflows::orchestrator;
use carryout_lambda::{Error, config::Reader, run_batch, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let prefix = config.required("STATE_MACHINE_PREFIX");
    config.finish()?;

    let aws = Aws::from_env().await;
    let wired = Arc::new((orchestrator(), SfnExecutions::new(&aws, prefix)));
    run_batch(move |message, _| {
        let wired = Arc::clone(&wired);
        async move { start_checkout::handle(&wired.0, &wired.1, &message).await }
    })
    .await
}
