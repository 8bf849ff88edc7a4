//! The operator's token and the deployed stack's API.

use anyhow::Result;
use clap::Args;
use local_cloud::Project;

use crate::client::Client;
use crate::stack::Stack;

/// Whose token a command sends.
#[derive(Debug, Args)]
pub(super) struct Operator {
    /// An operator's bearer token [default: one of the local issuer]
    #[arg(long, env = "CARRYOUT_TOKEN", global = true, hide_env_values = true, value_name = "JWT")]
    token: Option<String>,
}

impl Operator {
    /// A client of the stack that was deployed last from this checkout.
    pub(super) fn client(&self) -> Result<Client> {
        let project = Project::find()?;
        Ok(Client::new(&project, &Stack::deployed(&project)?)?.with_operator_token(self.token.clone()))
    }
}
