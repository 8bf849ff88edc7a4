//! Adapters for AWS: the only crate that names `aws_sdk_*`.
//!
//! Each adapter is a narrow type for one port, so that a function's policy can be read off the adapters that its
//! `main.rs` makes: `ACTIONS` lists the IAM actions that an adapter uses, or `…_ACTIONS` for each kind of resource where there
//! are several.

mod answers;
mod applicants;
mod cancellations;
mod capacity;
mod catalog;
mod closing;
mod consumers;
mod control;
mod counters;
mod documents;
mod executions;
mod keys;
mod ledgers;
mod legacy;
mod offered_load;
mod orders;
mod parity;
mod parked;
mod promotions;
mod queues;
mod quotes;
mod refunds;
mod reports;
mod request_count;
mod request_signer;
mod reservations;
mod scaling;
mod secrets;
mod status;
mod stream;
mod stuck;
mod submissions;
mod transaction;
mod trends;
mod uploads;
mod vault;

pub use answers::DynamoAnswers;
pub use applicants::{AdvanceRequest, DynamoApplicantPages, DynamoApplicants, DynamoMarkets, SfnWaits, SqsAdvanceQueue};
pub use cancellations::DynamoCancellations;
pub use capacity::LambdaCapacity;
pub use catalog::{DynamoCatalog, DynamoCatalogWriter};
pub use closing::DynamoClosing;
pub use consumers::{DynamoConsumerWriter, DynamoConsumers};
pub use control::{DynamoRollouts, DynamoRouting};
pub use documents::{Document, DocumentConflict, DynamoDocuments};
pub use executions::{SfnCallbacks, SfnExecutions};
pub use keys::KmsKeys;
pub use ledgers::DynamoLedgers;
pub use legacy::{OrderChanges, SqsLegacyQueue, order_changes};
pub use offered_load::CloudWatchLoad;
pub use orders::DynamoOrders;
pub use parity::DynamoComparisons;
pub use parked::DynamoParkedOrders;
pub use promotions::DynamoPromotions;
pub use queues::SqsQueue;
pub use quotes::{DynamoQuoteLocks, DynamoQuotePages, DynamoQuoteRecords, DynamoQuotes};
pub use refunds::{DynamoParkedRefunds, DynamoRefundClosing, DynamoRefundRequests};
pub use reports::DynamoReports;
pub use request_count::RequestCount;
pub use request_signer::{RequestSigner, SigningError};
pub use reservations::DynamoReservations;
pub use scaling::{DynamoScaling, DynamoScalingSettings};
pub use secrets::ManagedSecret;
pub use status::{DynamoStatusStore, ItemNote, Written};
pub use stuck::DynamoStuckOrders;
pub use submissions::DynamoSubmissions;
pub use trends::{DynamoTrends, QuotesMade, quotes_made};
pub use uploads::S3Documents;
pub use vault::EncryptingVault;

use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::Credentials;
use carryout_environment::StorageError;
use std::{error::Error, fmt::Display, time::Duration};

/// How AWS is reached: region, credentials, endpoint, patience. Made once per process.
#[derive(Clone)]
pub struct Aws {
    config: SdkConfig,
    requests: RequestCount,
}

impl Aws {
    /// Reads region, credentials and endpoint from the environment.
    ///
    /// A call is tried twice at most: Step Functions and SQS are the ones that retry.
    pub async fn from_env() -> Self {
        Self::load(aws_config::defaults(BehaviorVersion::latest())).await
    }

    /// A local cloud at `endpoint`, which believes any credentials. For tools and tests.
    pub async fn local(endpoint: &str, region: &str) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "local");
        let loader = aws_config::defaults(BehaviorVersion::latest());
        Self::load(loader.endpoint_url(endpoint).region(Region::new(region.to_owned())).credentials_provider(credentials)).await
    }

    async fn load(loader: ConfigLoader) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(1))
            .operation_attempt_timeout(Duration::from_secs(3))
            .operation_timeout(Duration::from_secs(6))
            .build();
        let config = loader.retry_config(RetryConfig::standard().with_max_attempts(2)).timeout_config(timeouts).load().await;
        Self { config, requests: RequestCount::default() }
    }

    /// CloudWatch.
    pub(crate) fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(&self.config)
    }

    /// Lambda.
    pub(crate) fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.config)
    }

    /// DynamoDB.
    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::config::Builder::from(&self.config).interceptor(self.requests.clone()).build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }

    /// The requests that were sent to DynamoDB so far.
    pub fn requests(&self) -> &RequestCount {
        &self.requests
    }
}

/// A failed call as a store's failure, with the chain of its causes.
fn unavailable(error: &(dyn Error + 'static)) -> StorageError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    StorageError::Unavailable(text)
}

/// Stored data that can't be read.
fn corrupt(error: impl Display) -> StorageError {
    StorageError::Corrupt(error.to_string())
}

/// Now. Milliseconds since the Unix epoch.
fn now() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
