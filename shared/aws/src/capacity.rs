use crate::{Aws, corrupt, unavailable};
use aws_sdk_lambda::{
    Client,
    operation::get_provisioned_concurrency_config::GetProvisionedConcurrencyConfigError,
    types::{ProvisionedConcurrencyStatusEnum, ScalingConfig},
};
use carryout_environment::StorageError;
use carryout_forecast::Setting;
use carryout_scaling::{Capacity, Ceiling, Reported, Status};

/// What functions are called by, and what capacity is provisioned for.
const ALIAS: &str = "live";

/// Provisioned concurrency of functions' alias `live`, and the maximum concurrency of the queue that feeds it.
#[derive(Clone)]
pub struct LambdaCapacity {
    client: Client,
    prefix: String,
}

impl LambdaCapacity {
    /// IAM actions on the alias of each function.
    pub const ALIAS_ACTIONS: &'static [&'static str] = &[
        "lambda:DeleteProvisionedConcurrencyConfig",
        "lambda:GetProvisionedConcurrencyConfig",
        "lambda:PutProvisionedConcurrencyConfig",
    ];
    /// IAM actions on the event source mappings of each function, and on their list.
    pub const MAPPING_ACTIONS: &'static [&'static str] = &["lambda:ListEventSourceMappings", "lambda:UpdateEventSourceMapping"];

    /// Of functions whose names begin with `prefix`.
    pub fn new(aws: &Aws, prefix: impl Into<String>) -> Self {
        Self { client: aws.lambda(), prefix: prefix.into() }
    }

    fn name(&self, function: &str) -> String {
        format!("{}{function}", self.prefix)
    }
}

impl Capacity for LambdaCapacity {
    async fn reported(&self, function: &str) -> Result<Reported, StorageError> {
        let get = self.client.get_provisioned_concurrency_config().function_name(self.name(function)).qualifier(ALIAS);
        let found = match get.send().await {
            Ok(found) => found,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetProvisionedConcurrencyConfigError::is_provisioned_concurrency_config_not_found_exception) =>
            {
                return Ok(Reported::UNSET);
            }
            Err(error) => return Err(unavailable(&error)),
        };
        let count = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
        let status = match &found.status {
            Some(ProvisionedConcurrencyStatusEnum::Ready) => Status::Ready,
            Some(ProvisionedConcurrencyStatusEnum::InProgress) => Status::InProgress,
            Some(ProvisionedConcurrencyStatusEnum::Failed) => Status::Failed,
            other => return Err(corrupt(format!("provisioned concurrency has the status {other:?}"))),
        };
        Ok(Reported {
            requested: count(found.requested_provisioned_concurrent_executions),
            allocated: count(found.allocated_provisioned_concurrent_executions),
            status,
            reason: found.status_reason,
        })
    }

    async fn set(&self, function: &str, setting: Setting) -> Result<(), StorageError> {
        let name = self.name(function);
        match setting {
            Setting::Provision(count) => {
                let put = self.client.put_provisioned_concurrency_config().function_name(name).qualifier(ALIAS);
                let count = i32::try_from(count).unwrap_or(i32::MAX);
                put.provisioned_concurrent_executions(count).send().await.map(drop).map_err(|error| unavailable(&error))
            }
            // Deleting what is not there is no error.
            Setting::Delete => {
                let delete = self.client.delete_provisioned_concurrency_config().function_name(name).qualifier(ALIAS);
                delete.send().await.map(drop).map_err(|error| unavailable(&error))
            }
        }
    }

    async fn ceiling(&self, function: &str) -> Result<Option<Ceiling>, StorageError> {
        let alias = format!("{}:{ALIAS}", self.name(function));
        let list = self.client.list_event_source_mappings().function_name(alias);
        let found = list.send().await.map_err(|error| unavailable(&error))?;
        let mapping = found.event_source_mappings().first().and_then(|mapping| {
            let maximum = mapping.scaling_config().and_then(ScalingConfig::maximum_concurrency);
            Some(Ceiling { mapping: mapping.uuid()?.to_owned(), maximum: maximum.and_then(|most| u32::try_from(most).ok()) })
        });
        Ok(mapping)
    }

    async fn set_ceiling(&self, mapping: &str, maximum: u32) -> Result<(), StorageError> {
        let scaling = ScalingConfig::builder().maximum_concurrency(i32::try_from(maximum).unwrap_or(i32::MAX)).build();
        let update = self.client.update_event_source_mapping().uuid(mapping).scaling_config(scaling);
        update.send().await.map(drop).map_err(|error| unavailable(&error))
    }
}
