//! Lambda functions, each with its log group and alarms.

use crate::StackError;
use crate::alarm::Alarm;
use crate::description::{Function, Use};
use crate::environment::variable;
use crate::expression::{NO_VALUE, arn, if_else, inline, list, reference, scalar, sub};
use crate::logical_id::logical_id;
use crate::page::Page;
use crate::registry::{Kind, Registry};
use std::collections::BTreeMap;

/// A function in its stack.
pub struct Entry<'a> {
    /// Every stack.
    pub registry: &'a Registry,
    /// The stack that the function is in.
    pub stack: &'a str,
    /// Its name, that of its folder.
    pub name: &'a str,
    /// What is said of it.
    pub function: &'a Function,
}

impl Entry<'_> {
    /// Writes it.
    pub fn write(&self, page: &mut Page) -> Result<(), StackError> {
        let (name, function) = (self.name, self.function);
        let id = logical_id(name);
        let when = function.when.as_deref();
        page.resource(&id, "AWS::Serverless::Function", when);
        page.line(2, "Properties:");
        page.line(3, format!("FunctionName: {}", sub(&format!("${{Prefix}}-{name}"))));
        page.line(3, format!("CodeUri: ../../target/functions/{name}/"));
        if let Some(memory) = function.memory {
            page.line(3, format!("MemorySize: {memory}"));
        }
        if let Some(timeout) = function.timeout {
            page.line(3, format!("Timeout: {timeout}"));
        }
        page.line(3, "AutoPublishAliasAllProperties: true");
        page.line(3, format!("LoggingConfig: {{ LogGroup: {} }}", reference(&format!("{id}Logs"))));
        page.line(3, "Environment:");
        page.line(4, "Variables:");
        page.line(5, format!("POWERTOOLS_SERVICE_NAME: {name}"));
        for (key, value) in self.environment()? {
            page.line(5, format!("{key}: {value}"));
        }
        self.policies(page)?;
        self.events(page)?;
        page.resource(&format!("{id}Logs"), "AWS::Logs::LogGroup", when);
        page.line(2, "DeletionPolicy: Delete");
        page.line(2, "UpdateReplacePolicy: Delete");
        page.line(2, "Properties:");
        page.line(3, format!("LogGroupName: {}", sub(&format!("/aws/lambda/${{Prefix}}-{name}"))));
        page.line(3, format!("RetentionInDays: {}", reference("LogRetentionDays")));
        for (alarm, entry) in &function.alarms {
            Alarm::of_function(name, alarm, entry, when).write(page);
        }
        page.gap();
        Ok(())
    }

    fn unknown(&self, name: &str, expected: &'static str) -> StackError {
        StackError::Unknown { stack: self.stack.to_owned(), place: self.name.to_owned(), name: name.to_owned(), expected }
    }

    fn located(&self, id: &str) -> Result<(bool, Kind), StackError> {
        let (stack, kind) = self.registry.resource(id).ok_or_else(|| {
            self.unknown(id, "no table, queue, secret, key or bucket of any stack: add it to one, or correct the name")
        })?;
        Ok((stack == self.stack, kind))
    }

    /// Variables by name, as expressions.
    fn environment(&self) -> Result<BTreeMap<String, String>, StackError> {
        let shared = &self.registry.environment;
        let mut variables = BTreeMap::new();
        for name in self.function.environment.iter().flat_map(|name| shared.expand(name)) {
            let value = shared.variables.get(name);
            let value = value.ok_or_else(|| self.unknown(name, "no variable or group of environment.yaml: add it there"))?;
            variables.insert(name.to_owned(), inline(value));
        }
        for (name, value) in &self.function.variables {
            variables.insert(name.clone(), inline(value));
        }
        for (used, entry) in &self.function.uses {
            let id = resource_of(used);
            let (own, kind) = self.located(id)?;
            let value = match kind {
                Kind::Key if own => format!("!GetAtt {id}.Arn"),
                Kind::Queue if !own => reference(&format!("{id}Url")),
                _ => reference(id),
            };
            let value = entry.when().map_or(value.clone(), |when| if_else(when, &value, NO_VALUE));
            variables.insert(variable(id, kind == Kind::Queue), value);
        }
        if !self.function.scales.is_empty() {
            let queued = |name: &&String| self.registry.function(name).is_some_and(|(_, function)| function.queue.is_some());
            let queued: Vec<&str> = self.function.scales.iter().filter(queued).map(String::as_str).collect();
            variables.insert("SCALED_FUNCTIONS".to_owned(), scalar(&self.function.scales.join(",")));
            variables.insert("QUEUED_FUNCTIONS".to_owned(), scalar(&queued.join(",")));
        }
        Ok(variables)
    }

    fn policies(&self, page: &mut Page) -> Result<(), StackError> {
        let function = self.function;
        let (always, conditional): (Vec<_>, Vec<_>) = function.uses.iter().partition(|(_, entry)| entry.when().is_none());
        if function.uses.is_empty() && function.states.is_empty() && function.scales.is_empty() {
            return Ok(());
        }
        page.line(3, "Policies:");
        if !always.is_empty() || !function.states.is_empty() || !function.scales.is_empty() {
            page.line(4, "- Statement:");
            for (used, entry) in always {
                self.use_statement(page, 6, used, entry)?;
            }
            self.state_statements(page)?;
            self.scaling_statements(page)?;
        }
        for (used, entry) in conditional {
            page.line(4, "- !If");
            page.line(5, format!("- {}", entry.when().unwrap_or_default()));
            page.line(5, "- Statement:");
            self.use_statement(page, 7, used, entry)?;
            page.line(5, format!("- {NO_VALUE}"));
        }
        Ok(())
    }

    /// One statement for a resource; two for a bucket, whose objects are another resource.
    fn use_statement(&self, page: &mut Page, depth: usize, used: &str, entry: &Use) -> Result<(), StackError> {
        let (own, kind) = self.located(resource_of(used))?;
        let (objects, whole): (Vec<_>, Vec<_>) =
            entry.actions().iter().partition(|action| kind == Kind::Bucket && action.ends_with("Object"));
        for (actions, part) in [(whole, ""), (objects, "/*")] {
            if actions.is_empty() {
                continue;
            }
            let actions = list(actions.iter().map(|action| format!("{}:{action}", kind.service())));
            statement(page, depth, &actions, &[resource_arn(used, own, kind, part)]);
        }
        Ok(())
    }

    fn state_statements(&self, page: &mut Page) -> Result<(), StackError> {
        for (action, patterns) in &self.function.states {
            let answers = action.starts_with("SendTask");
            let resource = if action == "StartExecution" || answers { "stateMachine" } else { "execution" };
            let any = if resource == "execution" { ":*" } else { "" };
            let mut machines = Vec::new();
            for pattern in patterns {
                let names = self.registry.machine_names(pattern, answers);
                if names.is_empty() {
                    return Err(self.unknown(pattern, "no state machine of any stack: add it to the machines of one"));
                }
                machines.extend(names.iter().map(|name| arn("states", &format!("{resource}:${{Prefix}}-{name}{any}"))));
            }
            statement(page, 6, &list([format!("states:{action}")]), &machines);
        }
        Ok(())
    }

    fn scaling_statements(&self, page: &mut Page) -> Result<(), StackError> {
        let scaled = &self.function.scales;
        if scaled.is_empty() {
            return Ok(());
        }
        if let Some(name) = scaled.iter().find(|name| self.registry.function(name).is_none()) {
            return Err(self.unknown(name, "no function of any stack"));
        }
        let function = |name: &str| format!("function:${{Prefix}}-{name}");
        page.comment(6, "Neither has resources that a policy could name.");
        statement(page, 6, "[cloudwatch:GetMetricData, lambda:ListEventSourceMappings]", &["\"*\"".to_owned()]);
        let actions = ["Delete", "Get", "Put"].map(|verb| format!("lambda:{verb}ProvisionedConcurrencyConfig"));
        let aliases: Vec<String> = scaled.iter().map(|name| arn("lambda", &format!("{}:live", function(name)))).collect();
        statement(page, 6, &list(&actions), &aliases);
        let queued = scaled.iter().filter(|name| self.registry.function(name).is_some_and(|(_, scaled)| scaled.queue.is_some()));
        let of: Vec<String> = queued
            .flat_map(|name| [function(name), format!("{}:live", function(name))])
            .map(|name| arn("lambda", &name))
            .collect();
        if !of.is_empty() {
            statement(page, 6, "[lambda:UpdateEventSourceMapping]", &[arn("lambda", "event-source-mapping:*")]);
            page.line(7, "Condition:");
            page.line(8, "ArnLike:");
            page.line(9, "lambda:FunctionArn:");
            of.iter().for_each(|arn| page.line(10, format!("- {arn}")));
        }
        Ok(())
    }

    fn events(&self, page: &mut Page) -> Result<(), StackError> {
        let function = self.function;
        if function.queue.is_none() && function.stream.is_none() && function.every.is_none() {
            return Ok(());
        }
        page.line(3, "Events:");
        if let Some(queue) = &function.queue {
            let own = self.located(queue)?.0;
            let arn = if own { format!("!GetAtt {queue}.Arn") } else { reference(&format!("{queue}Arn")) };
            page.line(4, "Messages:");
            page.line(5, "Type: SQS");
            page.line(
                5,
                format!("Properties: {{ Queue: {arn}, BatchSize: 10, FunctionResponseTypes: [ReportBatchItemFailures] }}"),
            );
        }
        if let Some(table) = &function.stream {
            let own = self.located(table)?.0;
            let arn = if own { format!("!GetAtt {table}.StreamArn") } else { reference(&format!("{table}Stream")) };
            page.line(4, "Changes:");
            page.line(5, "Type: DynamoDB");
            page.line(5, "Properties:");
            page.line(6, format!("Stream: {arn}"));
            page.line(6, "StartingPosition: TRIM_HORIZON");
            page.line(6, "BatchSize: 100");
            page.line(6, "MaximumBatchingWindowInSeconds: 1");
        }
        if let Some(rate) = &function.every {
            page.line(4, "Timer:");
            page.line(5, format!("{{ Type: Schedule, Properties: {{ Schedule: rate({rate}) }} }}"));
        }
        Ok(())
    }
}

/// `OrdersTable` of `OrdersTable.stuck`.
fn resource_of(used: &str) -> &str {
    used.split('.').next().unwrap_or(used)
}

fn resource_arn(used: &str, own: bool, kind: Kind, part: &str) -> String {
    let (id, index) = used.split_once('.').map_or((used, None), |(id, index)| (id, Some(index)));
    let part = index.map_or_else(|| part.to_owned(), |index| format!("/index/{index}"));
    match (kind, own) {
        (Kind::Secret | Kind::Topic, _) | (Kind::Key, false) => reference(id),
        (Kind::Queue, false) => reference(&format!("{id}Arn")),
        (Kind::Table, false) => arn("dynamodb", &format!("table/${{{id}}}{part}")),
        (Kind::Bucket, false) => sub(&format!("arn:${{AWS::Partition}}:s3:::${{{id}}}{part}")),
        (Kind::Table | Kind::Queue | Kind::Key | Kind::Bucket, true) if part.is_empty() => format!("!GetAtt {id}.Arn"),
        (Kind::Table | Kind::Queue | Kind::Key | Kind::Bucket, true) => sub(&format!("${{{id}.Arn}}{part}")),
    }
}

fn statement(page: &mut Page, depth: usize, actions: &str, resources: &[String]) {
    page.line(depth, "- Effect: Allow");
    page.line(depth + 1, format!("Action: {actions}"));
    match resources {
        [one] => page.line(depth + 1, format!("Resource: {one}")),
        many => {
            page.line(depth + 1, "Resource:");
            many.iter().for_each(|one| page.line(depth + 2, format!("- {one}")));
        }
    }
}
