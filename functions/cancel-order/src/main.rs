//! Takes a consumer's cancellation.

use carryout_aws::{Aws, DynamoCancellations, SfnCallbacks};
use carryout_checkout::workflows::orchestrator;
use carryout_lambda::{Error, clock::SystemClock, config::Reader, run_http, telemetry, token::TokenVerifier};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let orders = config.required("ORDERS_TABLE");
    let tokens = TokenVerifier::from_config(&mut config);
    config.finish()?;

    let aws = Aws::from_env().await;
    let wired = Arc::new((DynamoCancellations::new(&aws, orders), SfnCallbacks::new(&aws), orchestrator(), tokens));
    run_http(move |request| {
        let wired = Arc::clone(&wired);
        async move { cancel_order::handle(&wired.0, &wired.1, &wired.2, &SystemClock, &wired.3, &request).await }
    })
    .await
}
