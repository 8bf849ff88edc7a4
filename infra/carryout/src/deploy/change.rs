//! The deployment of one stack: package, change set, execution.
//!
//! `aws cloudformation deploy` prepares the change set, because it knows which parameters keep their values. Waiting is done here:
//! the AWS CLI waits 30 seconds between two looks at the stack.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::inputs::Values;
use super::state::{self, StackState};
use crate::stack;
use crate::tools::{Target, Tools, last_words};

/// A stack about to be deployed.
#[derive(Debug)]
pub struct Change {
    /// The AWS CLI, aimed at the target.
    pub tools: Tools,
    /// The bucket for artifacts.
    pub bucket: String,
    /// What objects in the bucket begin with.
    pub prefix: String,
    /// The stack's full name.
    pub stack: String,
    /// The template, with its artifacts where it looks for them.
    pub template: PathBuf,
    /// Where the packaged template is written to.
    pub packaged: PathBuf,
    /// Its parameters; absent ones keep their values.
    pub parameters: Values,
}

/// A deployed stack.
#[derive(Debug)]
pub struct Changed {
    /// Whether there was anything to change.
    pub changed: bool,
    /// Its outputs.
    pub outputs: Values,
}

impl Change {
    /// Deploys, and returns when the stack stands. Blocks.
    pub fn run(self) -> Result<Changed> {
        self.package()?;
        let change_set = self.create_change_set()?;
        if let Some(change_set) = &change_set {
            self.tools
                .aws(["cloudformation", "execute-change-set", "--change-set-name", change_set])
                .with_context(|| format!("the change set of {} cannot be executed", self.stack))?;
        }
        Ok(Changed { changed: change_set.is_some(), outputs: stack::outputs(&self.wait()?)? })
    }

    fn package(&self) -> Result<()> {
        let (from, to) = (self.template.display().to_string(), self.packaged.display().to_string());
        let files = ["--template-file", &from, "--output-template-file", &to];
        let place = ["--s3-bucket", &self.bucket, "--s3-prefix", &self.prefix];
        self.tools.aws(["cloudformation", "package"].iter().chain(&files).chain(&place)).with_context(|| {
            format!("cannot package {}; run `carryout dev build` if an artifact is missing", self.template.display())
        })?;
        Ok(())
    }

    /// The change set to execute; `None` where nothing changed.
    fn create_change_set(&self) -> Result<Option<String>> {
        let file = self.packaged.display().to_string();
        let parameters: Vec<String> = self.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut arguments = vec!["cloudformation", "deploy", "--stack-name", &self.stack];
        arguments.extend(["--template-file", &file, "--s3-bucket", &self.bucket, "--s3-prefix", &self.prefix]);
        arguments.extend(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]);
        arguments.extend(["--no-execute-changeset", "--no-fail-on-empty-changeset"]);
        if !parameters.is_empty() {
            arguments.push("--parameter-overrides");
            arguments.extend(parameters.iter().map(String::as_str));
        }
        let output = self.tools.aws_output(arguments)?;
        if !output.status.success() {
            let reason = self.explain_failure();
            bail!("the stack {} cannot be changed: {}{reason}", self.stack, last_words(&output));
        }
        Ok(change_set(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Waits until the stack stands or has failed.
    fn wait(&self) -> Result<Value> {
        let (pause, limit) = match self.tools.target() {
            Some(Target::Local(_)) => (Duration::from_millis(100), Duration::from_secs(300)),
            _ => (Duration::from_secs(3), Duration::from_secs(3600)),
        };
        let begun = Instant::now();
        loop {
            let answer = self.tools.aws_json(&["cloudformation", "describe-stacks", "--stack-name", &self.stack])?;
            let description = answer.pointer("/Stacks/0").cloned().unwrap_or_default();
            let status = description.get("StackStatus").and_then(Value::as_str).unwrap_or_default();
            match StackState::of(status) {
                StackState::Ready => return Ok(description),
                StackState::Failed => {
                    let events = self.explain_failure();
                    let reason = description.get("StackStatusReason").and_then(Value::as_str).unwrap_or_default();
                    bail!("the stack {} did not come up: {status} {reason}{events}", self.stack);
                }
                StackState::Moving if begun.elapsed() > limit => {
                    bail!("the stack {} is still {status} after {} s", self.stack, limit.as_secs());
                }
                StackState::Moving => thread::sleep(pause),
            }
        }
    }

    /// The events that failed, one a line, the first cause first. On a local cloud a stack that was never up is removed, since
    /// it could not be deployed over; on AWS that decision is the operator's.
    fn explain_failure(&self) -> String {
        let name = ["--stack-name", self.stack.as_str()];
        let events = self.tools.aws_json(&[&["cloudformation", "describe-stack-events"], name.as_slice()].concat());
        let mut lines = events.map(|events| state::failures(&events)).unwrap_or_default();
        if matches!(self.tools.target(), Some(Target::Local(_))) {
            let described = self.tools.aws_json(&[&["cloudformation", "describe-stacks"], name.as_slice()].concat());
            let status = described.ok().and_then(|answer| Some(answer.pointer("/Stacks/0/StackStatus")?.as_str()?.to_owned()));
            if status.is_some_and(|status| state::must_be_removed(&status))
                && self.tools.aws([&["cloudformation", "delete-stack"], name.as_slice()].concat()).is_ok()
            {
                lines.push("the stack was removed, so that the next deployment starts clean".to_owned());
            }
        }
        lines.iter().map(|line| format!("\n  {line}")).collect()
    }
}

/// The outputs of a stack that is deployed; `None` where there is no such stack.
pub fn deployed_outputs(tools: &Tools, stack: &str) -> Result<Option<Values>> {
    let output = tools.aws_output(["cloudformation", "describe-stacks", "--stack-name", stack, "--output", "json"])?;
    if !output.status.success() {
        let words = last_words(&output);
        if words.contains("does not exist") {
            return Ok(None);
        }
        bail!("the stack {stack} cannot be read: {words}");
    }
    let answer: Value = serde_json::from_slice(&output.stdout).context("the AWS CLI did not answer with JSON")?;
    let description = answer.pointer("/Stacks/0").cloned().unwrap_or_default();
    Ok(Some(stack::outputs(&description)?))
}

/// Where the packaged template of a stack is written to.
pub fn packaged(folder: &Path, stack: &str) -> PathBuf {
    folder.join(format!("{stack}.yaml"))
}

/// Reads the change set's ARN from what `aws cloudformation deploy --no-execute-changeset` tells people to run.
fn change_set(output: &str) -> Option<String> {
    output.split_whitespace().find(|word| word.starts_with("arn:") && word.contains(":changeSet/")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_set_is_found_in_the_advice() {
        let output = "\nWaiting for changeset to be created..\nChangeset created successfully. Run the following command to \
                      review changes:\naws cloudformation describe-change-set --change-set-name \
                      arn:aws:cloudformation:us-east-1:000000000000:changeSet/awscli-cloudformation-package-deploy-1/ab\n";
        let arn = "arn:aws:cloudformation:us-east-1:000000000000:changeSet/awscli-cloudformation-package-deploy-1/ab";
        assert_eq!(change_set(output).as_deref(), Some(arn));
        assert_eq!(change_set("No changes to deploy. Stack carryout is up to date"), None);
    }
}
