//! Writes mirrored orders to where legacy readers look them up.

use carryout_aws::{Aws, ManagedSecret};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, metrics::Metrics, run_batch, telemetry};
use carryout_migration::mirror::LegacySink;
use carryout_partners::{Http, HttpLegacy};
use carryout_postgres::PostgresLegacy;
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let database = config.optional("LEGACY_DATABASE_SECRET");
    let url = if database.is_some() { String::new() } else { config.required("LEGACY_URL") };
    config.finish()?;

    match database {
        Some(database) => {
            let aws = Aws::from_env().await;
            serve(PostgresLegacy::new(ManagedSecret::new(&aws, database))).await
        }
        None => serve(HttpLegacy::new(Http::default(), url)).await,
    }
}

async fn serve(sink: impl LegacySink + 'static) -> Result<(), Error> {
    let wired = Arc::new((sink, Metrics::from_env()));
    run_batch(move |message, _| {
        let wired = Arc::clone(&wired);
        async move { apply_legacy::handle(&wired.0, &SystemClock, &wired.1, &message).await }
    })
    .await
}
