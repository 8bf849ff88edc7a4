//! Finds stores near a point, and one store with its menu.

use carryout_aws::{Aws, DynamoCatalog};
use carryout_lambda::{Error, clock::SystemClock, config::Reader, run_http, telemetry};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let mut config = Reader::from_env();
    let stores = config.required("STORES_TABLE");
    config.finish()?;

    let aws = Aws::from_env().await;
    let catalog = Arc::new(DynamoCatalog::new(&aws, stores));
    run_http(move |request| {
        let catalog = Arc::clone(&catalog);
        async move { list_stores::handle(catalog.as_ref(), &SystemClock, &request).await }
    })
    .await
}
