//! Forecasts demand every five minutes and provisions concurrency ahead of it.

use carryout_aws::{Aws, CloudWatchLoad, DynamoScaling, DynamoScalingSettings, LambdaCapacity};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_schedule, telemetry};
use carryout_scaling::Scaler;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let (scaling, control) = (config.required("SCALING_TABLE"), config.required("CONTROL_TABLE"));
    let (scaled, queued) = (config.required("SCALED_FUNCTIONS"), config.required("QUEUED_FUNCTIONS"));
    let prefix = config.required("FUNCTION_PREFIX");
    config.finish()?;

    let aws = Aws::from_env().await;
    let names = |list: &str| list.split(',').map(str::to_owned).collect();
    let scaler = Scaler {
        load: CloudWatchLoad::new(&aws, &*prefix, "scale-ahead"),
        store: DynamoScaling::new(&aws, scaling),
        capacity: LambdaCapacity::new(&aws, &*prefix),
        settings: DynamoScalingSettings::new(&aws, control),
        functions: names(&scaled),
        queued: names(&queued),
    };
    let wired = Arc::new((scaler, Metrics::from_env()));
    run_schedule(move |invocation| {
        let wired = Arc::clone(&wired);
        async move { scale_ahead::handle(&wired.0, &SystemClock, &wired.1, &invocation).await }
    })
    .await
}
