//! Packages the template and deploys it, on a local cloud or on AWS.
//!
//! `aws cloudformation deploy` prepares the change set, since it knows which parameters keep their values. What follows is
//! ours, since the AWS CLI waits 30 seconds between two looks at the stack.

mod artifacts;
mod state;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

pub use self::artifacts::zip_function;
use self::state::StackState;
use crate::stack::{self, Stack};
use crate::token::{self, Issuer};
use crate::tools::{Target, Tools, last_words};
use local_cloud::{Project, Record, Terminal};

/// What `carryout dev deploy` was asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The stack's name.
    pub stack: String,
    /// The `Stage` parameter; `local` where nothing else is asked of a local cloud.
    pub stage: Option<String>,
    /// The SAM template.
    pub template: PathBuf,
    /// Template parameters, `Name=value`. They win over the ones set by this command.
    pub parameters: Vec<String>,
    /// Whether to deploy to AWS rather than to the local cloud.
    pub aws: bool,
}

impl Wanted {
    /// The project's own template on the local cloud.
    pub fn local(project: &Project) -> Self {
        Self {
            stack: STACK.to_owned(),
            stage: None,
            template: project.root().join("infra/template.yaml"),
            parameters: Vec::new(),
            aws: false,
        }
    }
}

/// The stack's name unless another one is asked for.
pub const STACK: &str = "carryout";

/// Deploys, and returns what was deployed once the stack stands.
pub async fn deploy(project: &Project, terminal: &Terminal, wanted: &Wanted) -> Result<Stack> {
    let target = target(project, wanted).await?;
    let tools = Tools::ensure(project, terminal, Some(target.clone()))?;
    let deployment = Deployment {
        bucket: format!("carryout-artifacts-{}-{}", tools.account()?, tools.region()?),
        project,
        terminal,
        tools,
        target,
        wanted,
    };
    deployment.run().await
}

async fn target(project: &Project, wanted: &Wanted) -> Result<Target> {
    if !wanted.template.is_file() {
        bail!("there is no template {}", wanted.template.display());
    }
    if wanted.aws {
        if wanted.stage.is_none() {
            bail!("name the stage that is deployed to AWS, for example: carryout dev deploy --aws --stage dev");
        }
        return Ok(Target::Aws);
    }
    match local_cloud::current(project).await? {
        Some(record) => Ok(Target::Local(record)),
        None => bail!("no local cloud runs; run `carryout dev up` first, or deploy to AWS with --aws --stage <stage>"),
    }
}

struct Deployment<'a> {
    project: &'a Project,
    terminal: &'a Terminal,
    tools: Tools,
    target: Target,
    bucket: String,
    wanted: &'a Wanted,
}

impl Deployment<'_> {
    async fn run(&self) -> Result<Stack> {
        let name = &self.wanted.stack;
        let step = self.terminal.step(format!("Deploying the stack {name}"));
        let parameters = match &self.target {
            Target::Local(record) => self.prepare_local(record).await?,
            Target::Aws => {
                self.ensure_bucket()?;
                vec![format!("Stage={}", self.wanted.stage.as_deref().unwrap_or_default())]
            }
        };
        let packaged = self.package()?;
        match self.create_change_set(&packaged, &parameters)? {
            Some(change_set) => {
                self.tools
                    .aws(["cloudformation", "execute-change-set", "--change-set-name", &change_set])
                    .context("the change set cannot be executed")?;
            }
            None => self.terminal.note(&format!("Nothing changed in {name}")),
        }
        let description = self.wait().await?;
        let stack = Stack {
            endpoint: match &self.target {
                Target::Local(record) => Some(record.endpoint.clone()),
                Target::Aws => None,
            },
            region: self.tools.region()?,
            stack: name.clone(),
            outputs: stack::outputs(&description)?,
        };
        stack.write(self.project)?;
        step.done(&format!("Deployed the stack {name}"));
        Ok(stack)
    }

    /// Publishes the local issuer's keys, and names the parameters that a local cloud needs.
    async fn prepare_local(&self, record: &Record) -> Result<Vec<String>> {
        let keys = Issuer::ensure(&self.project.issuer_key()?)?.jwks()?.to_string();
        let object = format!("{}/jwks.json", self.bucket);
        // Read as a function would read it: unsigned. If it is there, so is the bucket.
        if fetch(&format!("{}/{object}", record.endpoint)).await.as_deref() != Some(keys.as_str()) {
            self.ensure_bucket()?;
            self.publish(&keys)?;
            let is_readable = async || fetch(&format!("{}/{object}", record.endpoint)).await.as_deref() == Some(keys.as_str());
            if !is_readable().await {
                self.make_keys_public()?;
            }
            if !is_readable().await {
                bail!("the issuer's keys at {}/{object} cannot be read without a signature", record.endpoint);
            }
        }
        Ok(vec![
            format!("Stage={}", self.wanted.stage.as_deref().unwrap_or("local")),
            format!("LocalEndpoint={}", record.function_endpoint),
            format!("JwksUrl={}/{object}", record.function_endpoint),
            format!("Issuer={}", token::ISSUER),
            format!("TokenAlgorithm={}", token::ALGORITHM),
        ])
    }

    fn publish(&self, keys: &str) -> Result<()> {
        let file = self.project.state_dir()?.join("jwks.json");
        local_cloud::project::write_atomically(&file, keys.as_bytes(), 0o644)?;
        let file = file.display().to_string();
        let object = ["--bucket", &self.bucket, "--key", "jwks.json", "--body", &file];
        let options = ["--content-type", "application/json"];
        self.tools
            .aws(["s3api", "put-object"].iter().chain(&object).chain(&options))
            .context("cannot publish the issuer's keys")?;
        Ok(())
    }

    /// Lets everyone read the keys, and nothing else in the bucket. Needed where the local cloud enforces policies.
    fn make_keys_public(&self) -> Result<()> {
        let bucket = ["--bucket", self.bucket.as_str()];
        let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "ReadKeys", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": format!("arn:aws:s3:::{}/jwks.json", self.bucket),
        }] })
        .to_string();
        let attempt = || -> Result<()> {
            // New buckets refuse public policies until told otherwise.
            self.tools.aws(["s3api", "delete-public-access-block"].iter().chain(&bucket))?;
            self.tools.aws(["s3api", "put-bucket-policy", "--policy", &policy].iter().chain(&bucket))?;
            Ok(())
        };
        attempt().context("cannot make the issuer's keys readable")
    }

    fn ensure_bucket(&self) -> Result<()> {
        let bucket = self.bucket.as_str();
        let exists = matches!(self.target, Target::Aws)
            && self.tools.aws_output(["s3api", "head-bucket", "--bucket", bucket])?.status.success();
        if exists {
            return Ok(());
        }
        let region = self.tools.region()?;
        let location = format!("LocationConstraint={region}");
        let mut arguments = vec!["s3api", "create-bucket", "--bucket", bucket];
        // The first region is the one that S3 does not want to be told.
        if region != "us-east-1" {
            arguments.extend(["--create-bucket-configuration", &location]);
        }
        let output = self.tools.aws_output(&arguments)?;
        if !output.status.success() && !last_words(&output).contains("BucketAlreadyOwnedByYou") {
            bail!("cannot create the artifacts bucket {bucket}: {}", last_words(&output));
        }
        Ok(())
    }

    fn package(&self) -> Result<PathBuf> {
        let template = artifacts::stage(self.project, &self.wanted.template)?;
        let packaged = self.project.state_dir()?.join("packaged.yaml");
        let (from, to) = (template.display().to_string(), packaged.display().to_string());
        let files = ["--template-file", &from, "--output-template-file", &to];
        let place = ["--s3-bucket", &self.bucket, "--s3-prefix", &self.wanted.stack];
        self.tools.aws(["cloudformation", "package"].iter().chain(&files).chain(&place)).with_context(|| {
            format!("cannot package {}; run `carryout dev build` if an artifact is missing", self.wanted.template.display())
        })?;
        Ok(packaged)
    }

    /// The change set to execute; `None` where nothing changed.
    fn create_change_set(&self, packaged: &Path, defaults: &[String]) -> Result<Option<String>> {
        let file = packaged.display().to_string();
        let mut arguments = vec!["cloudformation", "deploy", "--stack-name", &self.wanted.stack];
        arguments.extend(["--template-file", &file, "--s3-bucket", &self.bucket, "--s3-prefix", &self.wanted.stack]);
        arguments.extend(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]);
        arguments.extend(["--no-execute-changeset", "--no-fail-on-empty-changeset", "--parameter-overrides"]);
        arguments.extend(defaults.iter().chain(&self.wanted.parameters).map(String::as_str));
        let output = self.tools.aws_output(&arguments)?;
        if !output.status.success() {
            self.explain_failure();
            bail!("the stack {} cannot be changed: {}", self.wanted.stack, last_words(&output));
        }
        Ok(change_set(&String::from_utf8_lossy(&output.stdout)))
    }

    /// Waits until the stack stands or has failed.
    async fn wait(&self) -> Result<Value> {
        let (pause, limit) = match self.target {
            Target::Local(_) => (Duration::from_millis(100), Duration::from_secs(300)),
            Target::Aws => (Duration::from_secs(3), Duration::from_secs(3600)),
        };
        let begun = Instant::now();
        loop {
            let answer = self.tools.aws_json(&["cloudformation", "describe-stacks", "--stack-name", &self.wanted.stack])?;
            let description = answer.pointer("/Stacks/0").cloned().unwrap_or_default();
            let status = description.get("StackStatus").and_then(Value::as_str).unwrap_or_default();
            match StackState::of(status) {
                StackState::Ready => return Ok(description),
                StackState::Failed => {
                    self.explain_failure();
                    let reason = description.get("StackStatusReason").and_then(Value::as_str).unwrap_or_default();
                    bail!("the stack {} did not come up: {status} {reason}", self.wanted.stack);
                }
                StackState::Moving if begun.elapsed() > limit => {
                    bail!("the stack {} is still {status} after {} s", self.wanted.stack, limit.as_secs());
                }
                StackState::Moving => tokio::time::sleep(pause).await,
            }
        }
    }

    /// Prints the events that failed, the first cause first. On a local cloud a stack that was never up is removed, since
    /// it could not be deployed over; on AWS that decision is the operator's.
    fn explain_failure(&self) {
        let name = ["--stack-name", self.wanted.stack.as_str()];
        let events = self.tools.aws_json(&[&["cloudformation", "describe-stack-events"], name.as_slice()].concat());
        for line in events.map(|events| state::failures(&events)).unwrap_or_default() {
            self.terminal.warn(&line);
        }
        if matches!(self.target, Target::Aws) {
            return;
        }
        let described = self.tools.aws_json(&[&["cloudformation", "describe-stacks"], name.as_slice()].concat());
        let status = described.ok().and_then(|answer| Some(answer.pointer("/Stacks/0/StackStatus")?.as_str()?.to_owned()));
        if status.is_some_and(|status| state::must_be_removed(&status))
            && self.tools.aws([&["cloudformation", "delete-stack"], name.as_slice()].concat()).is_ok()
        {
            self.terminal.note("Removed the stack that never came up, so that the next deployment starts clean");
        }
    }
}

/// Reads the change set's ARN from what `aws cloudformation deploy --no-execute-changeset` tells people to run.
fn change_set(output: &str) -> Option<String> {
    output.split_whitespace().find(|word| word.starts_with("arn:") && word.contains(":changeSet/")).map(str::to_owned)
}

async fn fetch(url: &str) -> Option<String> {
    let response = local_cloud::http_client().ok()?.get(url).send().await.ok()?;
    if response.status().is_success() { response.text().await.ok() } else { None }
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
