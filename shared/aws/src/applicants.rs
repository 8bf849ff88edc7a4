use crate::{
    Aws, SfnCallbacks, SqsQueue,
    control::Setting,
    corrupt,
    status::{DynamoStatusStore, ItemNote, Written},
    transaction::{Item, can_be_key, number, order_of, text, updated, value},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    operation::{
        put_item::{PutItemError, builders::PutItemFluentBuilder},
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::ReturnValuesOnConditionCheckFailure,
};
use aws_sdk_sfn::operation::start_execution::StartExecutionError;
use carryout_checkout::ports::Callbacks as _;
use carryout_environment::{Failure, StorageError};
use carryout_onboarding::{
    applicant::{Applicant, Collected, SWEEP_AFTER_MS, sweep_shard},
    markets::{MarketSource, Markets, SETTINGS_KEY, Settings},
    ports::{AdvanceQueue, ApplicantPages, Applicants, Awaited, Change, Waits},
};
use carryout_workflow::{Claim, ClaimRefused, Progress, Refused, Release, StatusStore, StepState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};

/// Applicants, one item each: every method is one request, every write is conditional, and all but `create` and `replace` are
/// of single entries.
#[derive(Clone)]
pub struct DynamoApplicants {
    client: Client,
    table: String,
    statuses: DynamoStatusStore<Applicant>,
}

impl DynamoApplicants {
    /// IAM actions on the applicants table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"];

    /// On the applicants table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        let table = table.into();
        Self { client: aws.dynamodb(), statuses: DynamoStatusStore::new(aws, &table), table }
    }

    fn put(&self, applicant: &Applicant) -> Result<PutItemFluentBuilder, StorageError> {
        let item: Item = serde_dynamo::to_item(applicant).map_err(corrupt)?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        Ok(put.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld))
    }

    fn changing(&self, id: &str, change: &Change) -> Result<UpdateItemFluentBuilder, StorageError> {
        let mut written = Written::set(
            "steps.#step.#state = :to, steps.#step.lease_until = :nobody, steps.#step.key_version = steps.#step.key_version + :next, \
             updated_at = :now, #version = #version + :one",
        );
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(id))
            .expression_attribute_names("#step", &change.step)
            .expression_attribute_names("#state", "state")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":to", value(&change.to)?)
            .expression_attribute_values(":nobody", number(0))
            .expression_attribute_values(":next", number(u32::from(change.next_key)))
            .expression_attribute_values(":key", number(change.key_version))
            .expression_attribute_values(":open", text("PROCESSING"));
        update = match change.activated_until {
            Some(until) => activated(update, &mut written, until),
            None => looked_after(update, &mut written, change.at + SWEEP_AFTER_MS),
        };
        if matches!(change.to, StepState::Done | StepState::Skipped | StepState::Failed) {
            written.and_set("steps.#step.ended_at = :now");
        }
        match &change.failure {
            Some(failure) => {
                written.and_set("steps.#step.failure = :failure");
                update = update.expression_attribute_values(":failure", value(failure)?);
            }
            None => written.and_remove(&["steps.#step.failure"]),
        }
        if let Some(response) = &change.response {
            written.and_set("steps.#step.#response = :response");
            update = update
                .expression_attribute_names("#response", "response")
                .expression_attribute_values(":response", value(response)?);
        }
        if let Some(audit) = &change.audit {
            written.and_set("#audit = list_append(#audit, :audit)");
            update = update.expression_attribute_names("#audit", "audit").expression_attribute_values(":audit", value(&[audit])?);
        }
        let mut from = Vec::new();
        for (place, state) in change.from.iter().enumerate() {
            from.push(format!(":from{place}"));
            update = update.expression_attribute_values(format!(":from{place}"), value(state)?);
        }
        Ok(update.update_expression(written.expression()).condition_expression(format!(
            "#status = :open AND steps.#step.#state IN ({}) AND steps.#step.key_version = :key",
            from.join(", ")
        )))
    }
}

impl ItemNote for Applicant {
    type Note = Collected;

    fn with_note(
        mut update: UpdateItemFluentBuilder,
        written: &mut Written,
        note: &Collected,
    ) -> Result<UpdateItemFluentBuilder, StorageError> {
        for (place, (field, datum)) in note.data.iter().enumerate() {
            written.and_set(&format!("#data.#d{place} = :d{place}"));
            update = update
                .expression_attribute_names("#data", "data")
                .expression_attribute_names(format!("#d{place}"), field)
                .expression_attribute_values(format!(":d{place}"), value(datum)?);
        }
        if let Some(at) = note.sweep_at {
            update = looked_after(update, written, at);
        }
        if let Some(until) = note.activated_until {
            update = activated(update, written, until);
        }
        Ok(update)
    }
}

/// Has somebody look after the applicant at `at`.
fn looked_after(update: UpdateItemFluentBuilder, written: &mut Written, at: i64) -> UpdateItemFluentBuilder {
    written.and_set("sweep_at = :sweep_at, sweep_shard = :sweep_shard");
    update.expression_attribute_values(":sweep_at", number(at)).expression_attribute_values(":sweep_shard", text(sweep_shard(at)))
}

/// Closes the application: it is kept until then.
fn activated(update: UpdateItemFluentBuilder, written: &mut Written, until: i64) -> UpdateItemFluentBuilder {
    written.and_set("#status = :active, #ttl = :ttl");
    written.and_remove(&["sweep_at", "sweep_shard"]);
    update
        .expression_attribute_names("#status", "status")
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":active", text("ACTIVE"))
        .expression_attribute_values(":ttl", number(until))
}

impl StatusStore for DynamoApplicants {
    type Subject = Applicant;
    type Note = Collected;

    async fn claim(&self, claim: &Claim, note: &Collected) -> Result<Applicant, ClaimRefused<Applicant>> {
        self.statuses.claim(claim, note).await
    }

    async fn remember(&self, claim: &Claim, reference: &str, note: &Collected) -> Result<(), StorageError> {
        self.statuses.remember(claim, reference, note).await
    }

    async fn complete(&self, claim: &Claim, state: StepState, progress: &Progress<Collected>) -> Result<(), StorageError> {
        self.statuses.complete(claim, state, progress).await
    }

    async fn release(&self, claim: &Claim, failure: &Failure, release: Release) -> Result<(), StorageError> {
        self.statuses.release(claim, failure, release).await
    }
}

impl Applicants for DynamoApplicants {
    async fn create(&self, applicant: &Applicant) -> Result<Option<Applicant>, StorageError> {
        let put = self.put(applicant)?.condition_expression("attribute_not_exists(id)");
        match put.send().await {
            Ok(_) => Ok(None),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => {
                    order_of(refusal.item().cloned().unwrap_or_default()).map(Some)
                }
                _ => Err(unavailable(&error)),
            },
        }
    }

    async fn applicant(&self, id: &str) -> Result<Option<Applicant>, StorageError> {
        if !can_be_key(id) {
            return Ok(None);
        }
        let get = self.client.get_item().table_name(&self.table).key("id", text(id)).consistent_read(true);
        get.send().await.map_err(|error| unavailable(&error))?.item.map(order_of).transpose()
    }

    async fn change(&self, id: &str, change: &Change) -> Result<Applicant, Refused<Applicant>> {
        updated(self.changing(id, change)?).await
    }

    async fn register(&self, awaited: &Awaited, task_token: &str) -> Result<bool, StorageError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(&awaited.id))
            .update_expression("SET steps.#step.task_token = :token")
            .condition_expression("steps.#step.#state = :waiting AND steps.#step.key_version = :key")
            .expression_attribute_names("#step", &awaited.step)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":token", text(task_token))
            .expression_attribute_values(":waiting", value(&StepState::Waiting)?)
            .expression_attribute_values(":key", number(awaited.key_version));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => {
                Ok(false)
            }
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn replace(&self, applicant: &Applicant) -> Result<(), Refused<Applicant>> {
        let put = self
            .put(applicant)?
            .condition_expression("#version = :before")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":before", number(applicant.version - 1));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refusal)) => match refusal.item() {
                    Some(item) if !item.is_empty() => {
                        order_of(item.clone()).map_or_else(Refused::Storage, |held| Refused::ConditionFailed(Box::new(held)))
                    }
                    _ => Refused::NotFound,
                },
                _ => Refused::Storage(unavailable(&error)),
            }),
        }
    }

    async fn rest(&self, id: &str, version: u64, until: Option<i64>) -> Result<(), StorageError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", text(id))
            .condition_expression("#version = :version")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":version", number(version));
        let update = match until {
            Some(at) => update
                .update_expression("SET sweep_at = :sweep_at, sweep_shard = :sweep_shard")
                .expression_attribute_values(":sweep_at", number(at))
                .expression_attribute_values(":sweep_shard", text(sweep_shard(at))),
            None => update.update_expression("REMOVE sweep_at, sweep_shard"),
        };
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

/// Every applicant, page by page.
#[derive(Clone)]
pub struct DynamoApplicantPages {
    client: Client,
    table: String,
}

impl DynamoApplicantPages {
    /// IAM actions on the applicants table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:Scan"];

    /// On the applicants table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }
}

impl ApplicantPages for DynamoApplicantPages {
    async fn each(&self, mut visit: impl FnMut(Applicant) + Send) -> Result<(), StorageError> {
        let mut pages = self.client.scan().table_name(&self.table).consistent_read(true).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            visit(order_of(item.map_err(|error| unavailable(&error))?)?);
        }
        Ok(())
    }
}

/// The markets with what operators set in the control table, kept for some seconds.
#[derive(Clone)]
pub struct DynamoMarkets {
    settings: Setting<Settings>,
    made: Arc<Mutex<Option<Made>>>,
}

/// Markets, and the settings that they were made of.
type Made = (Settings, Arc<Markets>);

impl DynamoMarkets {
    /// IAM actions on the control table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the control table.
    pub fn new(aws: &Aws, control: impl Into<String>) -> Self {
        Self { settings: Setting::new(aws, control, SETTINGS_KEY), made: Arc::default() }
    }
}

impl MarketSource for DynamoMarkets {
    async fn markets(&self) -> Result<Arc<Markets>, StorageError> {
        let settings = self.settings.current().await?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((of, markets)) if *of == settings => return Ok(Arc::clone(markets)),
            _ => {}
        }
        match (Markets::with(settings.clone()), &*made) {
            (Ok(markets), _) => {
                let markets = Arc::new(markets);
                *made = Some((settings, Arc::clone(&markets)));
                Ok(markets)
            }
            (Err(error), Some((_, markets))) => {
                tracing::error!(%error, "the markets in the control table can't be used; the ones before hold");
                Ok(Arc::clone(markets))
            }
            (Err(error), None) => {
                tracing::error!(%error, "the markets in the control table can't be used; the embedded ones hold");
                let embedded = Settings { markets: Vec::new(), ..settings.clone() };
                let markets = Arc::new(Markets::with(embedded).map_err(corrupt)?);
                *made = Some((settings, Arc::clone(&markets)));
                Ok(markets)
            }
        }
    }
}

/// A message that an applicant may be advanced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdvanceRequest {
    /// The applicant.
    pub applicant_id: String,
}

/// The queue of applicants who may be advanced.
#[derive(Clone)]
pub struct SqsAdvanceQueue {
    queue: SqsQueue,
}

impl SqsAdvanceQueue {
    /// IAM actions on the queue.
    pub const ACTIONS: &'static [&'static str] = &["sqs:SendMessage"];

    /// The queue at `url`.
    pub fn new(aws: &Aws, url: impl Into<String>) -> Self {
        Self { queue: SqsQueue::new(aws, url) }
    }
}

impl AdvanceQueue for SqsAdvanceQueue {
    async fn request(&self, applicant_id: &str, correlation_id: &str) -> Result<(), StorageError> {
        self.queue.send_json(&AdvanceRequest { applicant_id: applicant_id.to_owned() }, correlation_id, 0).await
    }
}

/// The waiting machine on Step Functions: one execution for each key that is waited for.
#[derive(Clone)]
pub struct SfnWaits {
    client: aws_sdk_sfn::Client,
    machine: String,
    callbacks: SfnCallbacks,
}

impl SfnWaits {
    /// IAM actions on the state machine.
    pub const ACTIONS: &'static [&'static str] = &["states:SendTaskSuccess", "states:StartExecution"];

    /// The state machine with this ARN.
    pub fn new(aws: &Aws, machine: impl Into<String>) -> Self {
        Self { client: aws_sdk_sfn::Client::new(&aws.config), machine: machine.into(), callbacks: SfnCallbacks::new(aws) }
    }
}

impl Waits for SfnWaits {
    async fn begin(&self, awaited: &Awaited) -> Result<(), StorageError> {
        let name = format!("{}-{}-{}", awaited.id, awaited.step, awaited.key_version);
        let start = self.client.start_execution().state_machine_arn(&self.machine).name(name);
        match start.input(json!({ "awaited": awaited }).to_string()).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(StartExecutionError::is_execution_already_exists) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn end(&self, task_token: &str) -> Result<(), StorageError> {
        self.callbacks.succeed(task_token, &json!({})).await
    }
}
