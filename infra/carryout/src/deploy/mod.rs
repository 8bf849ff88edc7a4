//! Packages the stacks and deploys them, on a local cloud or on AWS.
//!
//! Stacks that do not wait for each other are deployed at the same time. Each is given its inputs from the settings of the deployer
//! and from the outputs of the stacks before it.

mod artifacts;
mod change;
mod inputs;
mod state;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use carryout_stacks::{Plan, template_path};
use futures::future::join_all;

pub use self::artifacts::zip_function;
use self::change::{Change, Changed, deployed_outputs, packaged};
use self::inputs::Values;
use crate::stack::Stack;
use crate::token::{self, Issuer};
use crate::tools::{Target, Tools, last_words};
use local_cloud::{Project, Record, Terminal};

/// What `carryout dev deploy` was asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What the names of stacks, functions and state machines begin with.
    pub name: String,
    /// The setting `Stage`; `local` where nothing else is asked of a local cloud.
    pub stage: Option<String>,
    /// The stacks to deploy; none means all.
    pub stacks: Vec<String>,
    /// Settings, `Name=value`. They win over the ones made by this command.
    pub parameters: Vec<String>,
    /// Whether to deploy to AWS rather than to the local cloud.
    pub aws: bool,
}

impl Wanted {
    /// Every stack, on the local cloud.
    pub fn local() -> Self {
        Self { name: NAME.to_owned(), stage: None, stacks: Vec::new(), parameters: Vec::new(), aws: false }
    }
}

/// The deployment's name unless another one is asked for.
pub const NAME: &str = "carryout";

/// Deploys, and returns what is deployed once the stacks stand.
pub async fn deploy(project: &Project, terminal: &Terminal, wanted: &Wanted) -> Result<Stack> {
    let plan = Plan::load(project.root())?;
    if let Some(unknown) = wanted.stacks.iter().find(|stack| plan.template(stack).is_none()) {
        let known: Vec<&str> = plan.templates().iter().map(|template| template.stack.as_str()).collect();
        bail!("there is no stack {unknown}; there are {}", known.join(", "));
    }
    let target = target(project, wanted).await?;
    let tools = Tools::ensure(project, terminal, Some(target.clone()))?;
    let deployment = Deployment {
        bucket: format!("carryout-artifacts-{}-{}", tools.account()?, tools.region()?),
        project,
        terminal,
        tools,
        target,
        wanted,
        plan,
    };
    deployment.run().await
}

async fn target(project: &Project, wanted: &Wanted) -> Result<Target> {
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
    plan: Plan,
}

impl Deployment<'_> {
    async fn run(&self) -> Result<Stack> {
        let what = if self.wanted.stacks.is_empty() { "every stack".to_owned() } else { self.wanted.stacks.join(", ") };
        let step = self.terminal.step(format!("Deploying {what} of {}", self.wanted.name));
        let mut settings = match &self.target {
            Target::Local(record) => self.prepare_local(record).await?,
            Target::Aws => {
                self.ensure_bucket()?;
                vec![("Stage", self.wanted.stage.clone().unwrap_or_default())]
            }
        };
        settings.push(("Prefix", self.wanted.name.clone()));
        let settings = inputs::settings(&self.plan, &settings, &self.wanted.parameters)?;
        self.refuse_settings_without_their_stack()?;
        let tree = artifacts::stage(self.project)?;
        let mut outputs = Values::new();
        for stage in self.plan.stages() {
            self.deploy_stage(stage, &tree, &settings, &mut outputs).await?;
        }
        let stack = Stack {
            endpoint: match &self.target {
                Target::Local(record) => Some(record.endpoint.clone()),
                Target::Aws => None,
            },
            region: self.tools.region()?,
            stack: self.wanted.name.clone(),
            outputs,
        };
        stack.write(self.project)?;
        step.done(&format!("Deployed {what} of {}", self.wanted.name));
        Ok(stack)
    }

    /// Deploys the wanted stacks among these at the same time, and adds the outputs of all of them.
    async fn deploy_stage(&self, stage: &[String], tree: &Path, settings: &Values, outputs: &mut Values) -> Result<()> {
        let folder = self.project.state_dir()?.join("packaged");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let mut running = Vec::new();
        for template in stage.iter().filter_map(|stack| self.plan.template(stack)) {
            let name = format!("{}-{}", self.wanted.name, template.stack);
            let is_part = inputs::is_wanted(template, outputs);
            if !is_part {
                self.terminal.note(&format!("Left out {name}: {} is not given", template.deployed_with().join(" or ")));
            }
            let is_chosen = self.wanted.stacks.is_empty() || self.wanted.stacks.contains(&template.stack);
            let tools = self.tools.clone();
            let change = (is_part && is_chosen)
                .then(|| -> Result<Change> {
                    Ok(Change {
                        tools: self.tools.clone(),
                        bucket: self.bucket.clone(),
                        prefix: self.wanted.name.clone(),
                        stack: name.clone(),
                        template: tree.join(template_path(&template.stack)),
                        packaged: packaged(&folder, &template.stack),
                        parameters: inputs::parameters(template, settings, outputs)?,
                    })
                })
                .transpose()?;
            running.push(tokio::task::spawn_blocking(move || -> Result<(String, Option<Values>, Option<Changed>)> {
                let before = if is_part { deployed_outputs(&tools, &name)? } else { None };
                let changed = change.map(Change::run).transpose()?;
                Ok((name, before, changed))
            }));
        }
        // All of them end before the first failure is reported: a stack is not left in the middle of a change.
        let ended: Result<Vec<_>> = join_all(running).await.into_iter().map(|ended| ended?).collect();
        for (name, before, changed) in ended? {
            match changed {
                Some(Changed { changed, outputs: after }) => {
                    self.terminal.note(&if changed { format!("Deployed {name}") } else { format!("Nothing changed in {name}") });
                    self.tell_stale_inputs(before.as_ref(), &after);
                    inputs::add(outputs, &after);
                }
                None => inputs::add(outputs, &before.unwrap_or_default()),
            }
        }
        Ok(())
    }

    /// A setting reaches the other stacks through the outputs of the one that has it.
    fn refuse_settings_without_their_stack(&self) -> Result<()> {
        if self.wanted.stacks.is_empty() {
            return Ok(());
        }
        for (name, _) in self.wanted.parameters.iter().filter_map(|parameter| parameter.split_once('=')) {
            let owner = self.plan.templates().iter().find(|template| inputs::own_settings(template).contains(&name));
            if let Some(owner) = owner.filter(|owner| !self.wanted.stacks.contains(&owner.stack)) {
                bail!("{name} is a setting of the stack {0}; deploy everything, or add --stack {0}", owner.stack);
            }
        }
        Ok(())
    }

    /// Names the stacks that keep an old value because they are not part of this deployment.
    fn tell_stale_inputs(&self, before: Option<&Values>, after: &Values) {
        let Some(before) = before.filter(|_| !self.wanted.stacks.is_empty()) else { return };
        let is_new = |name: &&str| after.get(*name) != before.get(*name);
        for template in self.plan.templates().iter().filter(|template| !self.wanted.stacks.contains(&template.stack)) {
            let stale: Vec<&str> =
                template.parameters().into_keys().filter(|name| after.contains_key(*name)).filter(is_new).collect();
            if !stale.is_empty() {
                self.terminal.warn(&format!(
                    "{} changed, and {} still has the old value: deploy it, too",
                    stale.join(", "),
                    template.stack
                ));
            }
        }
    }

    /// Publishes the local issuer's keys, and names the settings that a local cloud needs.
    async fn prepare_local(&self, record: &Record) -> Result<Vec<(&'static str, String)>> {
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
            ("Stage", self.wanted.stage.clone().unwrap_or_else(|| "local".to_owned())),
            ("LocalEndpoint", record.function_endpoint.clone()),
            ("JwksUrl", format!("{}/{object}", record.function_endpoint)),
            ("Issuer", token::ISSUER.to_owned()),
            ("TokenAlgorithm", token::ALGORITHM.to_owned()),
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
}

async fn fetch(url: &str) -> Option<String> {
    let response = local_cloud::http_client().ok()?.get(url).send().await.ok()?;
    if response.status().is_success() { response.text().await.ok() } else { None }
}
