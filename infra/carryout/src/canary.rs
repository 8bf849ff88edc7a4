//! The canary release track's versions: the version of each step function that the alias `canary` points at.

use anyhow::{Result, bail};
use carryout_checkout::{routing::ReleaseTrack, workflows::orchestrator};
use local_cloud::{Project, Terminal};
use serde::Serialize;

use crate::lambda::{Functions, LIVE};
use crate::{deploy, functions};

/// The versions that the two aliases of a step function point at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// The function, by its folder.
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
    functions: Functions<'a>,
}

impl<'a> Canary<'a> {
    /// The step functions of the stack that was deployed last from this checkout.
    pub async fn of(project: &'a Project, terminal: &'a Terminal) -> Result<Self> {
        Ok(Self { project, terminal, functions: Functions::deployed(project, terminal).await? })
    }

    /// The versions of every step function.
    pub fn list(&self) -> Result<Vec<Versions>> {
        steps().into_iter().map(|function| self.versions(function)).collect()
    }

    /// Builds a step function, publishes it as a version, and points its alias `canary` at the version.
    ///
    /// The alias `live` does not move. The unpublished code is restored, so that a later deployment which publishes it for another
    /// reason does not publish the canary. An interrupted run is repaired by the next one.
    pub async fn deploy(&self, function: &str) -> Result<Versions> {
        self.check(function)?;
        functions::build_one(self.project, self.terminal, function, !self.functions.are_local())?;
        let step = self.terminal.step(format!("Publishing {function} for the canary track"));
        let candidate = deploy::zip_function(self.project, function)?;
        let released = self.functions.download_live(function).await?;
        let version = self.functions.publish(function, &candidate)?;
        self.functions.replace_unpublished(function, &released)?;
        self.functions.point(function, ReleaseTrack::Canary.name(), &version)?;
        step.done(&format!("The canary track uses version {version} of {function}"));
        self.versions(function.to_owned())
    }

    /// Points a function's alias `canary` at the live version again.
    pub fn reset(&self, function: &str) -> Result<Versions> {
        self.check(function)?;
        self.functions.point(function, ReleaseTrack::Canary.name(), &self.functions.version(function, LIVE)?)?;
        self.versions(function.to_owned())
    }

    fn check(&self, function: &str) -> Result<()> {
        let steps = steps();
        if !steps.iter().any(|step| step == function) {
            bail!("{function} is not a step of a workflow; these have a canary: {}", steps.join(", "));
        }
        Ok(())
    }

    fn versions(&self, function: String) -> Result<Versions> {
        let live = self.functions.version(&function, LIVE)?;
        let canary = self.functions.version(&function, ReleaseTrack::Canary.name())?;
        Ok(Versions { function, live, canary })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_a_canary_once() {
        let steps = steps();
        assert!(["confirm-price", "await-merchant", "complete-order"].iter().all(|step| steps.iter().any(|one| one == step)));
        assert!(!steps.iter().enumerate().any(|(index, step)| steps[..index].contains(step)), "{steps:?}");
    }
}
