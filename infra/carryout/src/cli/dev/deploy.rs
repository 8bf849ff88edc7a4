//! `carryout dev deploy`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use crate::deploy;

/// Package the stacks and deploy them to the local cloud or to AWS.
///
/// Writes their outputs to .carryout/stack.json. A local cloud also gets the issuer's public keys, and the settings Stage,
/// LocalEndpoint, JwksUrl, Issuer and TokenAlgorithm.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev deploy\n  carryout dev deploy --stack checkout --stack orders\n  carryout dev deploy --param QuoteLockSeconds=60\n  AWS_PROFILE=dev carryout dev deploy --aws --stage dev --param JwksUrl=https://…"
)]
pub(super) struct Deploy {
    /// What the names of stacks, functions and state machines begin with
    #[arg(long, default_value = deploy::NAME)]
    name: String,
    /// A stack to deploy; repeatable [default: all]
    #[arg(long = "stack", value_name = "STACK")]
    stacks: Vec<String>,
    /// The setting Stage [default: local on a local cloud; required with --aws]
    #[arg(long)]
    stage: Option<String>,
    /// A setting; repeatable
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<String>,
    /// Deploy to AWS with your own credentials, even while a local cloud is running
    #[arg(long)]
    aws: bool,
    /// Print the stack as JSON
    #[arg(long)]
    json: bool,
}

impl Deploy {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let project = Project::find()?;
        let wanted = deploy::Wanted {
            name: self.name,
            stage: self.stage,
            stacks: self.stacks,
            parameters: self.parameters,
            aws: self.aws,
        };
        let stack = deploy::deploy(&project, terminal, &wanted).await?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&stack)?);
        } else {
            for (name, value) in &stack.outputs {
                println!("{name:<24} {value}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn parameter(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()) => Ok(text.to_owned()),
        _ => Err("write NAME=VALUE, for example Stage=dev".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_named() {
        assert!(parameter("Stage=dev").is_ok());
        assert!(parameter("Url=http://x?a=b").is_ok());
        assert!(parameter("dev").is_err());
        assert!(parameter("=dev").is_err());
    }
}
