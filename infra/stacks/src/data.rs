//! Tables, queues and secrets.

use crate::alarm::Alarm;
use crate::description::{Queue, Secret, Table};
use crate::expression::{list, scalar};
use crate::page::Page;
use crate::registry::Registry;
use std::collections::BTreeMap;

/// The longest that SQS keeps a message, 14 days: operators empty such queues.
const LONGEST_RETENTION: u32 = 1_209_600;
/// Visibility timeout of a queue over timeout of its function, as AWS advises for event source mappings.
const VISIBILITY: u32 = 6;

/// Writes a table.
pub fn table(page: &mut Page, id: &str, table: &Table) {
    page.comment(1, &table.purpose);
    page.resource(id, "AWS::DynamoDB::Table", table.when.as_deref());
    policies(page, table.kept);
    page.line(2, "Properties:");
    page.line(3, "BillingMode: PAY_PER_REQUEST");
    if table.kept {
        page.line(3, "PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true }");
    }
    let key: Vec<&str> = table.key.split(", ").collect();
    let indexes = table.indexes.iter().map(|index| (index, "ALL")).chain(table.sparse.iter().map(|index| (index, "KEYS_ONLY")));
    let indexes: BTreeMap<&String, (&Vec<String>, &str)> =
        indexes.map(|((name, key), projection)| (name, (key, projection))).collect();
    let of_indexes = indexes.values().flat_map(|(key, _)| key.iter().map(String::as_str));
    let attributes: BTreeMap<&str, &str> = key.iter().copied().chain(of_indexes).map(attribute).collect();
    page.line(3, "AttributeDefinitions:");
    for (name, kind) in attributes {
        page.line(4, format!("- {{ AttributeName: {name}, AttributeType: {kind} }}"));
    }
    page.line(3, format!("KeySchema: {}", key_schema(&key)));
    if !indexes.is_empty() {
        page.line(3, "GlobalSecondaryIndexes:");
    }
    for (name, (key, projection)) in indexes {
        let key: Vec<&str> = key.iter().map(String::as_str).collect();
        page.line(4, format!("- IndexName: {name}"));
        page.line(5, format!("KeySchema: {}", key_schema(&key)));
        page.line(5, format!("Projection: {{ ProjectionType: {projection} }}"));
    }
    if let Some(view) = &table.stream {
        page.line(3, format!("StreamSpecification: {{ StreamViewType: {view} }}"));
    }
    if let Some(attribute) = &table.expires {
        page.line(3, format!("TimeToLiveSpecification: {{ AttributeName: {attribute}, Enabled: true }}"));
    }
    page.gap();
}

/// Whether a resource survives the deletion of its stack.
fn policies(page: &mut Page, kept: bool) {
    let (deletion, replacement) = if kept { ("RetainExceptOnCreate", "Retain") } else { ("Delete", "Delete") };
    page.line(2, format!("DeletionPolicy: {deletion}"));
    page.line(2, format!("UpdateReplacePolicy: {replacement}"));
}

/// An attribute's name and type: `start N` is a number.
fn attribute(written: &str) -> (&str, &str) {
    written.split_once(' ').unwrap_or((written, "S"))
}

fn key_schema(key: &[&str]) -> String {
    let kinds = ["HASH", "RANGE"];
    list(key.iter().zip(kinds).map(|(name, kind)| format!("{{ AttributeName: {}, KeyType: {kind} }}", attribute(name).0)))
}

/// Writes a queue with its dead letters and alarms.
pub fn queue(page: &mut Page, registry: &Registry, id: &str, queue: &Queue) {
    let when = queue.when.as_deref();
    let consumer = registry.functions().find(|(_, function)| function.queue.as_deref() == Some(id)).map(|(_, function)| function);
    let letters = format!("{}DeadLetters", id.strip_suffix("Queue").unwrap_or(id));
    page.comment(1, &queue.purpose);
    page.resource(id, "AWS::SQS::Queue", when);
    page.line(2, "Properties:");
    if queue.fifo {
        page.line(3, "FifoQueue: true");
        page.line(3, "DeduplicationScope: messageGroup");
        page.line(3, "FifoThroughputLimit: perMessageGroupId");
    }
    page.line(3, "SqsManagedSseEnabled: true");
    match consumer {
        Some(consumer) => {
            page.line(3, format!("# {VISIBILITY} times the function's timeout, as AWS advises for event source mappings."));
            page.line(3, format!("VisibilityTimeout: {}", VISIBILITY * consumer.timeout()));
        }
        None => page.line(3, format!("MessageRetentionPeriod: {LONGEST_RETENTION}")),
    }
    if let Some(receives) = queue.receives {
        page.line(3, format!("RedrivePolicy: {{ deadLetterTargetArn: !GetAtt {letters}.Arn, maxReceiveCount: {receives} }}"));
        page.resource(&letters, "AWS::SQS::Queue", when);
        page.line(2, "Properties:");
        if queue.fifo {
            page.line(3, "FifoQueue: true");
        }
        page.line(3, "SqsManagedSseEnabled: true");
        page.line(3, format!("MessageRetentionPeriod: {LONGEST_RETENTION}"));
    }
    let mut alarms = Vec::new();
    if let Some(alarm) = &queue.alarm {
        alarms.push(Alarm::of_messages(format!("{}Alarm", alarm.name), id, &alarm.text));
    }
    if let Some(text) = &queue.dead_letters {
        alarms.push(Alarm::of_messages(format!("{letters}Alarm"), &letters, text));
    }
    alarms.extend(queue.age.iter().map(|age| Alarm::of_age(id, age)));
    for alarm in alarms {
        Alarm { when, ..alarm }.write(page);
    }
    page.gap();
}

/// Writes a generated secret.
pub fn secret(page: &mut Page, id: &str, secret: &Secret) {
    page.resource(id, "AWS::SecretsManager::Secret", secret.when.as_deref());
    page.line(2, "Properties:");
    page.line(3, format!("Description: {}", scalar(&secret.purpose)));
    page.line(3, format!("GenerateSecretString: {{ PasswordLength: {}, ExcludePunctuation: true }}", secret.length));
    page.gap();
}
