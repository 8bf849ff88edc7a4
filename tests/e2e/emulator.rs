//! What no part of the product asks of AWS, so that no adapter has it: an emulator takes it unsigned, by plain HTTP.

use crate::harness::{Harness, Leftover, eventually};
use anyhow::{Context as _, Result, bail};
use carryout_lambda::ids::new_id;
use serde_json::{Value, json};
use std::time::Duration;

/// An emulator's own door.
pub struct Emulator {
    http: reqwest::Client,
    endpoint: String,
    region: String,
}

impl Emulator {
    pub fn new(endpoint: &str, region: &str) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(90)).build()?;
        Ok(Self { http, endpoint: endpoint.to_owned(), region: region.to_owned() })
    }

    /// The same door by connections of its own.
    pub fn again(&self) -> Result<Self> {
        Self::new(&self.endpoint, &self.region)
    }

    async fn post(&self, service: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Result<Value> {
        // Emulators read region and account from it, and believe the rest.
        let credential = format!("test/20260101/{}/{service}/aws4_request", self.region);
        let signed = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0");
        let mut request = self.http.post(format!("{}{path}", self.endpoint)).header("authorization", signed);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = request.body(body.to_string()).send().await?;
        let (status, error) = (reply.status(), reply.headers().contains_key("x-amz-function-error"));
        let text = reply.text().await?;
        if !status.is_success() || error {
            bail!("{service} {path} answered {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("{service} {path} answered {text}"))
    }

    /// An operation of DynamoDB.
    async fn dynamodb(&self, operation: &str, input: &Value) -> Result<Value> {
        let target = format!("DynamoDB_20120810.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.0")];
        self.post("dynamodb", "/", &headers, input).await
    }

    /// An operation of Step Functions.
    async fn states(&self, operation: &str, input: &Value) -> Result<Value> {
        let target = format!("AWSStepFunctions.{operation}");
        let headers = [("x-amz-target", target.as_str()), ("content-type", "application/x-amz-json-1.0")];
        self.post("states", "/", &headers, input).await
    }

    /// Runs a state machine of its own once and describes the execution as it ended.
    async fn run_machine(&self, machine: &Value, input: &Value) -> Result<Value> {
        let name = new_id("e2e-case");
        let role = "arn:aws:iam::000000000000:role/e2e-case";
        let definition = json!({ "name": name, "definition": machine.to_string(), "roleArn": role, "type": "STANDARD" });
        let arn = self.states("CreateStateMachine", &definition).await?["stateMachineArn"].clone();
        let started = json!({ "stateMachineArn": arn, "name": name, "input": input.to_string() });
        let execution = self.states("StartExecution", &started).await?["executionArn"].clone();
        let ended = eventually("the execution ends", async || {
            let described = self.states("DescribeExecution", &json!({ "executionArn": execution })).await?;
            Ok((described["status"] != "RUNNING").then_some(described))
        })
        .await;
        self.states("DeleteStateMachine", &json!({ "stateMachineArn": arn })).await?;
        ended
    }

    /// Removes a table.
    pub async fn remove_table(&self, name: &str) -> Result<()> {
        self.dynamodb("DeleteTable", &json!({ "TableName": name })).await.map(drop)
    }
}

impl Harness {
    /// Runs a state machine of its own once and describes the execution as it ended; nothing on AWS itself.
    pub async fn run_machine(&self, machine: &Value, input: &Value) -> Result<Option<Value>> {
        match &self.emulator {
            Some(emulator) => emulator.run_machine(machine, input).await.map(Some),
            None => {
                eprintln!("skipped: state machines are made directly on emulators only");
                Ok(None)
            }
        }
    }

    /// Invokes a function and gives its answer; nothing on AWS itself, where this needs a signature.
    pub async fn invoke(&self, function: &str, event: &Value) -> Result<Option<Value>> {
        let Some(emulator) = &self.emulator else {
            eprintln!("skipped: functions are invoked directly on emulators only");
            return Ok(None);
        };
        let path = format!("/2015-03-31/functions/{}-{function}:live/invocations", self.stack.stack);
        emulator.post("lambda", &path, &[], event).await.map(Some)
    }

    /// How many items of a table belong to a consumer, by the attribute that names them. Nothing is counted on AWS
    /// itself.
    pub async fn count(&self, table: &str, attribute: &str, consumer_id: &str) -> Result<u64> {
        let Some(emulator) = &self.emulator else { return Ok(0) };
        let names: Vec<String> = (0..attribute.split('.').count()).map(|part| format!("#part{part}")).collect();
        let parts: serde_json::Map<String, Value> = names.iter().cloned().zip(attribute.split('.').map(Value::from)).collect();
        let mut scan = json!({
            "TableName": self.output(table)?,
            "Select": "COUNT",
            "ConsistentRead": true,
            "FilterExpression": format!("{} = :consumer", names.join(".")),
            "ExpressionAttributeNames": parts,
            "ExpressionAttributeValues": { ":consumer": { "S": consumer_id } },
        });
        let mut count = 0;
        loop {
            let page = emulator.dynamodb("Scan", &scan).await?;
            count += page["Count"].as_u64().context("the scan has no count")?;
            match page.get("LastEvaluatedKey") {
                Some(key) if !key.is_null() => scan["ExclusiveStartKey"] = key.clone(),
                _ => return Ok(count),
            }
        }
    }

    /// Orders that this consumer has.
    pub async fn orders_of(&self, consumer_id: &str) -> Result<u64> {
        self.count("OrdersTable", "consumer.id", consumer_id).await
    }

    /// Quotes that this consumer has.
    pub async fn quotes_of(&self, consumer_id: &str) -> Result<u64> {
        self.count("QuotesTable", "consumer_id", consumer_id).await
    }

    /// Makes an empty table with the keys and indexes of one of the stack's; it is removed with this harness. Nothing on
    /// AWS itself.
    pub async fn copy_table(&self, output: &str) -> Result<Option<String>> {
        let Some(emulator) = &self.emulator else {
            eprintln!("skipped: tables are copied on emulators only");
            return Ok(None);
        };
        let described = emulator.dynamodb("DescribeTable", &json!({ "TableName": self.output(output)? })).await?;
        let original = &described["Table"];
        let name = new_id(&format!("e2e-{output}"));
        let mut copy = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": original["AttributeDefinitions"],
            "KeySchema": original["KeySchema"],
        });
        let indexes = original["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
        if !indexes.is_empty() {
            let index = |index: &Value| json!({ "IndexName": index["IndexName"], "KeySchema": index["KeySchema"], "Projection": index["Projection"] });
            copy["GlobalSecondaryIndexes"] = indexes.iter().map(index).collect();
        }
        emulator.dynamodb("CreateTable", &copy).await?;
        self.remove_in_the_end(Leftover::Table(name.clone()));
        eventually("the copied table is active", async || {
            let described = emulator.dynamodb("DescribeTable", &json!({ "TableName": name })).await?;
            Ok((described["Table"]["TableStatus"] == "ACTIVE").then_some(()))
        })
        .await?;
        Ok(Some(name))
    }
}
