//! The canary track's versions: which version of each step function the alias `canary` points at.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use carryout_checkout::{routing::ReleaseTrack, workflows::orchestrator};
use serde::Serialize;
use serde_json::Value;

use crate::project::{self, Project};
use crate::stack::Stack;
use crate::terminal::Terminal;
use crate::tools::{Target, Tools};
use crate::{deploy, functions, local_cloud};

/// Where the two aliases of a step function point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// The function, as its folder.
    pub function: String,
    /// The version of the alias `live`.
    pub live: String,
    /// The version of the alias `canary`.
    pub canary: String,
}

/// The step functions of the deployed stack.
pub struct Canary<'a> {
    project: &'a Project,
    terminal: &'a Terminal,
    stack: Stack,
    tools: Tools,
}

impl<'a> Canary<'a> {
    /// Of the stack that was deployed last from this checkout.
    pub async fn of(project: &'a Project, terminal: &'a Terminal) -> Result<Self> {
        let stack = Stack::deployed(project)?;
        let target = match &stack.endpoint {
            None => Target::Aws,
            Some(_) => Target::Local(local_cloud::current(project).await?.context("the local cloud is down; run `make up`")?),
        };
        Ok(Self { project, terminal, stack, tools: Tools::ensure(project, terminal, Some(target))? })
    }

    /// Where the aliases of every step function point.
    pub fn list(&self) -> Result<Vec<Versions>> {
        steps().into_iter().map(|function| self.versions(function)).collect()
    }

    /// Builds a step function, publishes it as a version, and points its alias `canary` there.
    ///
    /// `live` stays where it is. So does the unpublished code, which is put back: a later deployment that publishes it
    /// because some setting changed must not publish what is only tried. A run that is cut short is repaired by the next one.
    pub async fn deploy(&self, function: &str) -> Result<Versions> {
        self.check(function)?;
        functions::build_one(self.project, self.terminal, function, self.stack.endpoint.is_none())?;
        let step = self.terminal.step(format!("Publishing {function} for the canary track"));
        let tried = deploy::zip_function(self.project, function)?;
        let released = self.download_live(function).await?;
        let published = self.upload(function, &tried, true)?;
        self.upload(function, &released, false)?;
        let version = text(&published, "Version")?;
        self.point(function, &version)?;
        step.done(&format!("The canary track uses version {version} of {function}"));
        self.versions(function.to_owned())
    }

    /// Points a function's alias `canary` back to the version that is live.
    pub fn reset(&self, function: &str) -> Result<Versions> {
        self.check(function)?;
        self.point(function, &self.version(function, ReleaseTrack::Live)?)?;
        self.versions(function.to_owned())
    }

    fn check(&self, function: &str) -> Result<()> {
        let steps = steps();
        if !steps.iter().any(|step| step == function) {
            bail!("{function} is no step of a workflow; only these have a canary track: {}", steps.join(", "));
        }
        Ok(())
    }

    fn versions(&self, function: String) -> Result<Versions> {
        let (live, canary) = (self.version(&function, ReleaseTrack::Live)?, self.version(&function, ReleaseTrack::Canary)?);
        Ok(Versions { function, live, canary })
    }

    fn version(&self, function: &str, track: ReleaseTrack) -> Result<String> {
        let alias = self.lambda(function, &["get-alias", "--name", track.name()])?;
        text(&alias, "FunctionVersion")
    }

    fn point(&self, function: &str, version: &str) -> Result<()> {
        self.lambda(function, &["update-alias", "--name", ReleaseTrack::Canary.name(), "--function-version", version]).map(drop)
    }

    fn upload(&self, function: &str, zip: &Path, publish: bool) -> Result<Value> {
        let file = format!("fileb://{}", zip.display());
        let publish = if publish { "--publish" } else { "--no-publish" };
        let uploaded = self.lambda(function, &["update-function-code", "--zip-file", &file, publish])?;
        self.lambda(function, &["wait", "function-updated-v2"])?;
        Ok(uploaded)
    }

    /// The code of the version that is live.
    async fn download_live(&self, function: &str) -> Result<PathBuf> {
        let live = self.lambda(function, &["get-function", "--qualifier", ReleaseTrack::Live.name()])?;
        let url = live.pointer("/Code/Location").and_then(Value::as_str).context("Lambda does not say where its code is")?;
        let reply = local_cloud::http_client()?.get(url).send().await.and_then(reqwest::Response::error_for_status);
        let code = reply.context("the live code can't be downloaded")?.bytes().await.context("the live code ended early")?;
        let file = self.project.state_dir()?.join(format!("{function}-live.zip"));
        project::write_atomically(&file, &code, 0o644)?;
        Ok(file)
    }

    fn lambda(&self, function: &str, arguments: &[&str]) -> Result<Value> {
        let name = format!("{}-{function}", self.stack.stack);
        let command = [&["lambda"], arguments, &["--function-name", &name]].concat();
        self.tools.aws_json(&command).with_context(|| format!("aws lambda {} of {name} failed", arguments.join(" ")))
    }
}

/// Every step of every workflow once, in the order in which they first occur.
fn steps() -> Vec<String> {
    let orchestrator = orchestrator();
    let mut steps: Vec<String> = Vec::new();
    for step in orchestrator.workflows().iter().flat_map(|workflow| workflow.steps()) {
        if !steps.contains(&step.step) {
            steps.push(step.step.clone());
        }
    }
    steps
}

fn text(answer: &Value, member: &str) -> Result<String> {
    answer.get(member).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("AWS names no {member}: {answer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_canary_track_once() {
        let steps = steps();
        assert!(["confirm-price", "await-merchant", "complete-order"].iter().all(|step| steps.iter().any(|one| one == step)));
        assert!(!steps.iter().enumerate().any(|(index, step)| steps[..index].contains(step)), "{steps:?}");
    }
}
