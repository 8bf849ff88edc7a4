use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef},
    error::BoxError,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts the requests to DynamoDB that leave the process, by operation: what a benchmark reports and a log line may carry.
#[derive(Debug, Clone, Default)]
pub struct RequestCount(Arc<Mutex<BTreeMap<String, u64>>>);

impl RequestCount {
    /// Requests so far, by operation: `UpdateItem`, `TransactWriteItems`.
    pub fn by_operation(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All requests so far.
    pub fn total(&self) -> u64 {
        self.by_operation().values().sum()
    }
}

impl Intercept for RequestCount {
    fn name(&self) -> &'static str {
        "RequestCount"
    }

    /// Runs once per attempt, so that what is retried counts again.
    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(operation).or_default() += 1;
        Ok(())
    }
}
