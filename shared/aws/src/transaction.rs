//! Conditional writes: what a refused condition tells.

use crate::{corrupt, now, unavailable};
use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{
        transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, CancellationReason, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use carryout_checkout::ports::Refused;
use carryout_environment::StorageError;
use serde::de::DeserializeOwned;
use std::collections::HashMap;

/// An item as DynamoDB gives it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Reads an order, or another subject, out of its item.
pub(crate) fn order_of<S: DeserializeOwned>(item: Item) -> Result<S, StorageError> {
    serde_dynamo::from_item(item).map_err(corrupt)
}

/// A number as an attribute.
pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A text as an attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Whether an id from outside can be a key at all. DynamoDB refuses others as invalid, which would look like a failure
/// that may pass; but there is simply nothing under them.
///
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(crate) fn can_be_key(id: &str) -> bool {
    const MOST_BYTES: usize = 2_048;
    (1..=MOST_BYTES).contains(&id.len())
}

/// Any value as an attribute.
pub(crate) fn value(value: &impl serde::Serialize) -> Result<AttributeValue, StorageError> {
    serde_dynamo::to_attribute_value(value).map_err(corrupt)
}

/// Sends an update of an order, or of another subject, and answers with what it is after it. An update counts the version up
/// and tells the time: `#version`, `:one` and `:now` are given here.
pub(crate) async fn updated<S: DeserializeOwned>(update: UpdateItemFluentBuilder) -> Result<S, Refused<S>> {
    let update = update
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":now", number(now()))
        .expression_attribute_values(":one", number(1))
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    let after = update.send().await.map_err(refused_update)?.attributes;
    order_of(after.unwrap_or_default()).map_err(Refused::Storage)
}

/// What a failed update of an order, or of another subject, means.
pub(crate) fn refused_update<S: DeserializeOwned>(error: SdkError<UpdateItemError>) -> Refused<S> {
    match error.as_service_error() {
        Some(UpdateItemError::ConditionalCheckFailedException(refusal)) => match refusal.item() {
            None => Refused::NotFound,
            Some(item) if item.is_empty() => Refused::NotFound,
            Some(item) => order_of(item.clone()).map_or_else(Refused::Storage, |order| Refused::ConditionFailed(Box::new(order))),
        },
        Some(UpdateItemError::TransactionConflictException(_)) => Refused::Conflict,
        _ => Refused::Storage(unavailable(&error)),
    }
}

/// How a transaction ended.
pub(crate) enum Transacted {
    Done,
    /// Some condition was not met: one reason per item, in their order.
    Cancelled(Vec<CancellationReason>),
    /// Another transaction was at the same items.
    Conflict,
    Failed(StorageError),
}

impl From<Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>>> for Transacted {
    fn from(result: Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>>) -> Self {
        let error = match result {
            Ok(_) => return Self::Done,
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                let reasons = cancelled.cancellation_reasons().to_vec();
                if reasons.iter().any(is_refused) {
                    Self::Cancelled(reasons)
                } else if reasons.iter().any(|reason| reason.code() == Some("TransactionConflict")) {
                    Self::Conflict
                } else {
                    Self::Failed(unavailable(&error))
                }
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Self::Conflict,
            _ => Self::Failed(unavailable(&error)),
        }
    }
}

/// Whether the condition of this item was not met.
pub(crate) fn is_refused(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

/// What a refused condition on the item of an order, or of another subject, means.
pub(crate) fn refused_order<S: DeserializeOwned>(reason: &CancellationReason) -> Refused<S> {
    match reason.item() {
        Some(item) if !item.is_empty() => {
            order_of(item.clone()).map_or_else(Refused::Storage, |order| Refused::ConditionFailed(Box::new(order)))
        }
        _ => Refused::NotFound,
    }
}
