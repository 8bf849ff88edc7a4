//! What a deployment leaves for other programs: `.carryout/stack.json`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use carryout_aws::Aws;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use local_cloud::{Project, project};

/// A deployed stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The local cloud's URL; absent on AWS.
    pub endpoint: Option<String>,
    /// The region.
    pub region: String,
    /// The stack's name.
    pub stack: String,
    /// The template's outputs.
    pub outputs: BTreeMap<String, String>,
}

impl Stack {
    /// The stack that was deployed last from this checkout.
    pub fn deployed(project: &Project) -> Result<Self> {
        let file = project.stack_file()?;
        let text = std::fs::read(&file).context("no stack is deployed from this checkout; run `make deploy`")?;
        serde_json::from_slice(&text).with_context(|| format!("{} can't be read; run `make deploy` again", file.display()))
    }

    /// One of the template's outputs.
    pub fn output(&self, name: &str) -> Result<&str> {
        let output = self.outputs.get(name).map(String::as_str);
        output.with_context(|| format!("the stack has no output {name}; run `make deploy` again"))
    }

    /// AWS as this stack's commands reach it: the local cloud, or the user's own account.
    pub async fn aws(&self) -> Aws {
        match &self.endpoint {
            Some(endpoint) => Aws::local(endpoint, &self.region).await,
            None => Aws::from_env().await,
        }
    }

    /// Writes it where programs look for it.
    pub fn write(&self, project: &Project) -> Result<()> {
        project::write_atomically(&project.stack_file()?, &serde_json::to_vec_pretty(self)?, 0o644)
    }
}

/// The outputs in what `describe-stacks` answers.
pub fn outputs(description: &Value) -> Result<BTreeMap<String, String>> {
    let outputs = description.get("Outputs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    outputs
        .iter()
        .map(|output| {
            let text = |name: &str| output.get(name).and_then(Value::as_str).map(str::to_owned);
            Ok((text("OutputKey").context("an output has no name")?, text("OutputValue").unwrap_or_default()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_and_may_be_absent() {
        let description = serde_json::json!({ "Outputs": [{ "OutputKey": "Api", "OutputValue": "http://x" }] });
        assert_eq!(outputs(&description).unwrap(), BTreeMap::from([("Api".to_owned(), "http://x".to_owned())]));
        assert!(outputs(&serde_json::json!({})).unwrap().is_empty());
    }
}
