use crate::{Aws, unavailable};
use aws_sdk_sfn::{
    Client,
    operation::{
        describe_execution::DescribeExecutionError, send_task_failure::SendTaskFailureError,
        send_task_success::SendTaskSuccessError, start_execution::StartExecutionError,
    },
    types::ExecutionStatus,
};
use carryout_checkout::ports::{Callbacks, ExecutionState, Executions};
use carryout_environment::{Failure, StorageError};
use serde_json::Value;

/// Runs workflows on Step Functions.
#[derive(Clone)]
pub struct SfnExecutions {
    client: Client,
    prefix: String,
}

impl SfnExecutions {
    /// IAM actions on the state machines.
    pub const ACTIONS: &'static [&'static str] = &["states:StartExecution"];
    /// IAM actions on the executions, for [`Executions::state`].
    pub const STATE_ACTIONS: &'static [&'static str] = &["states:DescribeExecution"];

    /// State machines whose ARN is `prefix` and the workflow's name.
    pub fn new(aws: &Aws, prefix: impl Into<String>) -> Self {
        Self { client: Client::new(&aws.config), prefix: prefix.into() }
    }
}

impl Executions for SfnExecutions {
    async fn start(&self, workflow: &str, name: &str, input: &Value) -> Result<(), StorageError> {
        let arn = format!("{}{workflow}", self.prefix);
        match self.client.start_execution().state_machine_arn(arn).name(name).input(input.to_string()).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn state(&self, workflow: &str, name: &str) -> Result<ExecutionState, StorageError> {
        let arn = format!("{}{workflow}:{name}", self.prefix.replace(":stateMachine:", ":execution:"));
        match self.client.describe_execution().execution_arn(arn).send().await {
            Ok(execution) if *execution.status() == ExecutionStatus::Running => Ok(ExecutionState::Running),
            Ok(_) => Ok(ExecutionState::Ended),
            Err(error) if error.as_service_error().is_some_and(DescribeExecutionError::is_execution_does_not_exist) => {
                Ok(ExecutionState::NotFound)
            }
            Err(error) => Err(unavailable(&error)),
        }
    }
}

/// Sends answers to steps that wait.
#[derive(Clone)]
pub struct SfnCallbacks {
    client: Client,
}

impl SfnCallbacks {
    /// IAM actions on the state machines.
    pub const ACTIONS: &'static [&'static str] = &["states:SendTaskFailure", "states:SendTaskSuccess"];

    /// For any task token.
    pub fn new(aws: &Aws) -> Self {
        Self { client: Client::new(&aws.config) }
    }
}

impl Callbacks for SfnCallbacks {
    async fn succeed(&self, task_token: &str, output: &Value) -> Result<(), StorageError> {
        match self.client.send_task_success().task_token(task_token).output(output.to_string()).send().await {
            Ok(_) => Ok(()),
            // Nobody waits any more: the step has timed out, or was answered by somebody else.
            Err(error) => match error.as_service_error() {
                Some(
                    SendTaskSuccessError::TaskDoesNotExist(_)
                    | SendTaskSuccessError::TaskTimedOut(_)
                    | SendTaskSuccessError::InvalidToken(_),
                ) => Ok(()),
                _ => Err(unavailable(&error)),
            },
        }
    }

    async fn fail(&self, task_token: &str, failure: &Failure) -> Result<(), StorageError> {
        match self.client.send_task_failure().task_token(task_token).error(&failure.code).cause(&failure.message).send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(
                    SendTaskFailureError::TaskDoesNotExist(_)
                    | SendTaskFailureError::TaskTimedOut(_)
                    | SendTaskFailureError::InvalidToken(_),
                ) => Ok(()),
                _ => Err(unavailable(&error)),
            },
        }
    }
}
