//! The deployed functions, through the AWS CLI.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use local_cloud::{Project, Terminal, project};
use serde_json::Value;

use crate::stack::Stack;
use crate::tools::{Target, Tools};

/// The alias that traffic reaches.
pub const LIVE: &str = "live";

/// The functions of the deployed stack.
#[derive(Debug)]
pub struct Functions<'a> {
    project: &'a Project,
    stack: Stack,
    tools: Tools,
}

impl<'a> Functions<'a> {
    /// The functions of the stack that was deployed last from this checkout.
    pub async fn deployed(project: &'a Project, terminal: &Terminal) -> Result<Self> {
        let stack = Stack::deployed(project)?;
        let target = match &stack.endpoint {
            None => Target::Aws,
            Some(_) => Target::Local(local_cloud::current(project).await?.context("the local cloud is down; run `make up`")?),
        };
        Ok(Self { project, stack, tools: Tools::ensure(project, terminal, Some(target))? })
    }

    /// Whether they run on a local cloud.
    pub fn are_local(&self) -> bool {
        self.stack.endpoint.is_some()
    }

    /// The version that an alias of a function points at.
    pub fn version(&self, function: &str, alias: &str) -> Result<String> {
        text(&self.call(function, &["get-alias", "--name", alias])?, "FunctionVersion")
    }

    /// Points an alias of a function at a version.
    pub fn point(&self, function: &str, alias: &str, version: &str) -> Result<()> {
        self.call(function, &["update-alias", "--name", alias, "--function-version", version]).map(drop)
    }

    /// Publishes the code in a zip file as a version, and returns its number.
    pub fn publish(&self, function: &str, zip: &Path) -> Result<String> {
        text(&self.upload(function, zip, "--publish")?, "Version")
    }

    /// Replaces the unpublished code by that of a zip file.
    pub fn replace_unpublished(&self, function: &str, zip: &Path) -> Result<()> {
        self.upload(function, zip, "--no-publish").map(drop)
    }

    /// Downloads the code of the live version.
    pub async fn download_live(&self, function: &str) -> Result<PathBuf> {
        let live = self.call(function, &["get-function", "--qualifier", LIVE])?;
        let url = live.pointer("/Code/Location").and_then(Value::as_str).context("Lambda does not say where its code is")?;
        let reply = local_cloud::http_client()?.get(url).send().await.and_then(reqwest::Response::error_for_status);
        let code = reply.context("the live code can't be downloaded")?.bytes().await.context("the live code ended early")?;
        let file = self.project.state_dir()?.join(format!("{function}-live.zip"));
        project::write_atomically(&file, &code, 0o644)?;
        Ok(file)
    }

    /// Runs an `aws lambda` command on a function.
    pub fn call(&self, function: &str, arguments: &[&str]) -> Result<Value> {
        let name = format!("{}-{function}", self.stack.stack);
        let command = [&["lambda"], arguments, &["--function-name", &name]].concat();
        self.tools.aws_json(&command).with_context(|| format!("aws lambda {} of {name} failed", arguments.join(" ")))
    }

    fn upload(&self, function: &str, zip: &Path, publish: &str) -> Result<Value> {
        let file = format!("fileb://{}", zip.display());
        let uploaded = self.call(function, &["update-function-code", "--zip-file", &file, publish])?;
        self.call(function, &["wait", "function-updated-v2"])?;
        Ok(uploaded)
    }
}

fn text(answer: &Value, member: &str) -> Result<String> {
    answer.get(member).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("AWS names no {member}: {answer}"))
}
