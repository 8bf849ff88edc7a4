use crate::{
    Aws, DynamoDocuments, corrupt, now,
    transaction::{Item, number, text},
    unavailable,
};
use aws_sdk_dynamodb::{
    Client,
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure},
};
use carryout_environment::StorageError;
use carryout_scaling::{
    Claim, Day, Decision, HISTORY_DAYS, History, Learned, Observed, Plan, SETTINGS_KEY, ScalingStore, Settings, SettingsSource,
    day_begins, slot_of,
};
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Display;

const DAY_SECONDS: i64 = 24 * 60 * 60;
/// How many days an item is kept: a day of the history while it is used, and a week more.
const KEEP_DAYS: i64 = HISTORY_DAYS + 7;
/// Where the newest tick is.
const TICK: (&str, &str) = ("tick", "newest");
/// What an attribute that holds a slot begins with.
const SLOT: &str = "s";

/// What operators set, in the control table.
#[derive(Clone)]
pub struct DynamoScalingSettings {
    documents: DynamoDocuments,
}

impl DynamoScalingSettings {
    /// IAM actions on the control table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:GetItem"];

    /// On the control table.
    pub fn new(aws: &Aws, control: impl Into<String>) -> Self {
        Self { documents: DynamoDocuments::new(aws, control) }
    }
}

impl SettingsSource for DynamoScalingSettings {
    async fn settings(&self) -> Result<Settings, StorageError> {
        let (pk, sk) = SETTINGS_KEY;
        let Some(document) = self.documents.read(pk, sk).await? else { return Ok(Settings::default()) };
        serde_json::from_value(document.value).map_err(corrupt)
    }
}

/// History, plans and decisions. A day of a function's history is one item with an attribute for each slot; everything else is a
/// document that is replaced as a whole.
#[derive(Clone)]
pub struct DynamoScaling {
    client: Client,
    table: String,
    scope: String,
}

impl DynamoScaling {
    /// IAM actions on the scaling table.
    pub const ACTIONS: &'static [&'static str] =
        &["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"];

    /// On the scaling table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into(), scope: String::new() }
    }

    /// The same, for functions under a name of its own: a demonstration or a test that leaves the scaler's own items alone.
    #[must_use]
    pub fn in_scope(self, name: &str) -> Self {
        Self { scope: format!("{name}#"), ..self }
    }

    fn partition(&self, of: impl Display) -> AttributeValue {
        text(format!("{}{of}", self.scope))
    }

    async fn read<T: DeserializeOwned>(&self, function: &str, kind: &str) -> Result<Option<T>, StorageError> {
        let get = self.client.get_item().table_name(&self.table).key("pk", self.partition(function)).key("sk", text(kind));
        let found = get.consistent_read(true).send().await.map_err(|error| unavailable(&error))?;
        let Some(item) = found.item else { return Ok(None) };
        let document = item.get("document").and_then(|document| document.as_s().ok());
        let document = document.ok_or_else(|| corrupt(format!("a {kind} without a document")))?;
        serde_json::from_str(document).map(Some).map_err(corrupt)
    }

    async fn keep(&self, function: &str, kind: &str, document: &impl Serialize) -> Result<(), StorageError> {
        let document = serde_json::to_string(document).map_err(corrupt)?;
        let put = self.client.put_item().table_name(&self.table).item("pk", self.partition(function)).item("sk", text(kind));
        let put = put.item("ttl", number(now() / 1_000 + KEEP_DAYS * DAY_SECONDS));
        put.item("document", text(document)).send().await.map(drop).map_err(|error| unavailable(&error))
    }

    async fn add_day(&self, function: &str, day: i64, slots: &Day) -> Result<(), StorageError> {
        let expires = (day + KEEP_DAYS).saturating_mul(DAY_SECONDS);
        let mut expression = "SET #ttl = :ttl".to_owned();
        let mut update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", self.partition(history_of(function)))
            .key("sk", text(date(day)))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(expires));
        for (place, observed) in slots {
            expression.push_str(&format!(",{SLOT}{place}=:{SLOT}{place}"));
            update = update.expression_attribute_values(format!(":{SLOT}{place}"), attribute(observed));
        }
        update.update_expression(expression).send().await.map(drop).map_err(|error| unavailable(&error))
    }
}

fn history_of(function: &str) -> String {
    format!("history#{function}")
}

fn date(day: i64) -> String {
    day_begins(day).strftime("%Y-%m-%d").to_string()
}

/// A slot: requests, busy seconds, environments. A list of numbers is a third of the size of a map.
fn attribute(observed: &Observed) -> AttributeValue {
    AttributeValue::L(vec![number(observed.arrived), number(observed.busy), number(observed.concurrent)])
}

fn day_of(item: &Item) -> Result<(i64, Day), StorageError> {
    let date = item.get("sk").and_then(|date| date.as_s().ok());
    let begins: Option<Timestamp> = date.and_then(|date| format!("{date}T00:00:00Z").parse().ok());
    let (day, _) = slot_of(begins.ok_or_else(|| corrupt("a day of the history without a date"))?);
    let mut slots = Day::new();
    for (name, value) in item {
        let Some(place) = name.strip_prefix(SLOT).and_then(|place| place.parse().ok()) else { continue };
        slots.insert(place, observed(value).ok_or_else(|| corrupt(format!("a slot that is no list of numbers: {value:?}")))?);
    }
    Ok((day, slots))
}

fn observed(value: &AttributeValue) -> Option<Observed> {
    let [arrived, busy, concurrent] = value.as_l().ok()?.as_slice() else { return None };
    let parse = |number: &AttributeValue| number.as_n().ok()?.parse::<f64>().ok();
    Some(Observed { arrived: parse(arrived)?, busy: parse(busy)?, concurrent: parse(concurrent)? as u32 })
}

impl ScalingStore for DynamoScaling {
    async fn claim(&self, at: Timestamp, until: i64) -> Result<Claim, StorageError> {
        let (pk, sk) = TICK;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", self.partition(pk))
            .key("sk", text(sk))
            .update_expression("SET #at = :at, #until = :until, finished = :no, #ttl = :ttl")
            .condition_expression(
                "attribute_not_exists(pk) OR ((#at < :at OR (#at = :at AND finished = :no)) AND (finished = :yes OR #until <= :now))",
            )
            .expression_attribute_names("#at", "at")
            .expression_attribute_names("#until", "until")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(now() / 1_000 + KEEP_DAYS * DAY_SECONDS))
            .expression_attribute_values(":at", number(at.as_second()))
            .expression_attribute_values(":until", number(until))
            .expression_attribute_values(":now", number(now()))
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = update.send().await else { return Ok(Claim::Taken) };
        let Some(UpdateItemError::ConditionalCheckFailedException(refusal)) = error.as_service_error() else {
            return Err(unavailable(&error));
        };
        let newest = refusal.item().and_then(|item| item.get("at")?.as_n().ok()?.parse::<i64>().ok());
        let finished = refusal.item().and_then(|item| item.get("finished")?.as_bool().ok().copied());
        match (newest, finished) {
            (Some(newest), _) if newest > at.as_second() => Ok(Claim::Over),
            (Some(newest), Some(true)) if newest == at.as_second() => Ok(Claim::Over),
            (Some(_), Some(false)) => Ok(Claim::Running),
            _ => Err(corrupt("a tick without a time or a state")),
        }
    }

    async fn finish(&self, at: Timestamp) -> Result<(), StorageError> {
        let (pk, sk) = TICK;
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("pk", self.partition(pk))
            .key("sk", text(sk))
            .update_expression("SET finished = :yes")
            .condition_expression("#at = :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_values(":at", number(at.as_second()))
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        match update.send().await {
            Ok(_) => Ok(()),
            // A later tick took over.
            Err(error) if error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn history(&self, function: &str, first: i64) -> Result<History, StorageError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk >= :first")
            .expression_attribute_values(":pk", self.partition(history_of(function)))
            .expression_attribute_values(":first", text(date(first)))
            .into_paginator()
            .items()
            .send();
        let mut history = History::default();
        while let Some(item) = pages.next().await {
            let (day, slots) = day_of(&item.map_err(|error| unavailable(&error))?)?;
            history.days.insert(day, slots);
        }
        Ok(history)
    }

    async fn add(&self, function: &str, days: &History) -> Result<(), StorageError> {
        for (day, slots) in &days.days {
            self.add_day(function, *day, slots).await?;
        }
        Ok(())
    }

    async fn learned(&self, function: &str) -> Result<Option<Learned>, StorageError> {
        self.read(function, "learned").await
    }

    async fn keep_learned(&self, function: &str, learned: &Learned) -> Result<(), StorageError> {
        self.keep(function, "learned", learned).await
    }

    async fn plan(&self, function: &str) -> Result<Option<Plan>, StorageError> {
        self.read(function, "plan").await
    }

    async fn keep_plan(&self, plan: &Plan) -> Result<(), StorageError> {
        self.keep(&plan.function, "plan", plan).await
    }

    async fn decision(&self, function: &str) -> Result<Option<Decision>, StorageError> {
        self.read(function, "decision").await
    }

    async fn keep_decision(&self, decision: &Decision) -> Result<(), StorageError> {
        self.keep(&decision.function, "decision", decision).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_was_written() {
        let slots: Day = [(0, Observed { arrived: 7.0, busy: 1.25, concurrent: 3 }), (287, Observed::default())].into();
        let mut item: Item =
            [("pk", history_of("quote-price")), ("sk", date(20_000))].map(|(k, v)| (k.to_owned(), text(v))).into();
        item.extend(slots.iter().map(|(place, observed)| (format!("{SLOT}{place}"), attribute(observed))));
        item.insert("ttl".to_owned(), number(1));
        assert_eq!(day_of(&item).unwrap(), (20_000, slots));
        assert_eq!(date(20_000), "2024-10-04");
    }
}
