//! The stack: its functions, its state machines, its deployment, its data, its tokens, and tools from elsewhere.

use anyhow::{Context as _, Result};
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use std::process::ExitCode;

use super::duration;
use crate::project::Project;
use crate::stack::Stack;
use crate::terminal::Terminal;
use crate::token::Issuer;
use crate::tools::{self, Target, Tools};
use crate::{deploy, functions, local_cloud, seed, statemachines};

/// Build the functions and place them where the template looks for them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout build              for the local cloud, quick to build\n  carryout build --release    for AWS, small and quick to start"
)]
pub(super) struct Build {
    /// Optimise: slow to build
    #[arg(long)]
    release: bool,
}

/// Package the template and deploy it to the local cloud or to AWS.
///
/// Writes the outputs to .carryout/stack.json. A local cloud also gets the issuer's public keys, and the parameters Stage,
/// LocalEndpoint, JwksUrl, Issuer and TokenAlgorithm where the template has them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout deploy\n  carryout deploy --param QuoteLockSeconds=60\n  AWS_PROFILE=dev carryout deploy --aws --stage dev --param JwksUrl=https://…"
)]
pub(super) struct Deploy {
    /// The stack's name
    #[arg(long, default_value = deploy::STACK)]
    stack: String,
    /// The template's Stage parameter [default: local on a local cloud; required with --aws]
    #[arg(long)]
    stage: Option<String>,
    /// A template parameter; may be given many times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<String>,
    /// The SAM template [default: infra/template.yaml]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Deploy to AWS with your own credentials, whether or not a local cloud runs
    #[arg(long)]
    aws: bool,
    /// Print the stack as JSON
    #[arg(long)]
    json: bool,
}

/// Write a believable marketplace into the deployed stack: stores, menus, stock, consumers, promotions.
///
/// The same number gives the same marketplace. What is there already is replaced; orders are left alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout seed\n  carryout seed --number 7")]
pub(super) struct Seed {
    /// The seed number
    #[arg(long, default_value_t = seed::DEFAULT, value_name = "N")]
    number: u64,
}

/// Compile the workflows into statemachines/*.asl.json.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout statemachines\n  carryout statemachines --check    only tell whether the files are current"
)]
pub(super) struct Statemachines {
    /// Write nothing; fail where a file is not current
    #[arg(long)]
    check: bool,
}

/// Sign a bearer token that the local cloud accepts.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  curl -H \"Authorization: Bearer $(carryout token --consumer alice)\" …\n  carryout token --consumer ops --role operator --ttl 8h\n  carryout token --jwks"
)]
pub(super) struct Token {
    /// Who the token is for
    #[arg(long, value_name = "ID", required_unless_present = "jwks", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    consumer: Option<String>,
    /// A role that it carries; may be given many times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// How long it is valid
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: SignedDuration,
    /// Print the issuer's public keys instead
    #[arg(long, conflicts_with_all = ["consumer", "roles"])]
    jwks: bool,
}

/// Run a pinned tool (aws or cfn-lint); aws talks to the local cloud where one runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout tool aws dynamodb list-tables\n  carryout tool cfn-lint infra/template.yaml")]
pub(super) struct Tool {
    /// The tool's name
    #[arg(value_parser = ["aws", "cfn-lint"])]
    name: String,
    /// What it is given
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Build {
    pub(super) fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        functions::build(project, terminal, self.release)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Deploy {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let wanted = deploy::Wanted {
            stack: self.stack,
            stage: self.stage,
            template: self.template.unwrap_or_else(|| project.root().join("infra/template.yaml")),
            parameters: self.parameters,
            aws: self.aws,
        };
        let stack = deploy::deploy(project, terminal, &wanted).await?;
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

impl Seed {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        seed::seed(&Stack::deployed(project)?, terminal, self.number).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Statemachines {
    pub(super) fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        statemachines::generate(project, terminal, self.check)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Token {
    pub(super) fn run(self, project: &Project) -> Result<ExitCode> {
        let issuer = Issuer::ensure(&project.issuer_key()?)?;
        match self.consumer {
            Some(consumer) => println!("{}", issuer.sign(&consumer, &self.roles, Timestamp::now(), self.ttl)?),
            None => println!("{}", serde_json::to_string_pretty(&issuer.jwks()?)?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Tool {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let target = if self.name == "aws" { local_cloud::current(project).await?.map(Target::Local) } else { None };
        let tools = Tools::ensure(project, terminal, target)?;
        let directory = std::env::current_dir().context("cannot read the current directory")?;
        Ok(ExitCode::from(tools::run_as_is(&tools, &self.name, &self.arguments, &directory)?))
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
    use clap::Parser as _;

    use super::super::Cli;
    use super::*;

    #[test]
    fn a_token_needs_a_consumer_or_asks_for_the_keys() {
        assert!(Cli::try_parse_from(["carryout", "token"]).is_err());
        assert!(Cli::try_parse_from(["carryout", "token", "--jwks"]).is_ok());
        assert!(Cli::try_parse_from(["carryout", "token", "--consumer", ""]).is_err());
        assert!(Cli::try_parse_from(["carryout", "token", "--consumer", "a", "--ttl", "90m"]).is_ok());
        assert!(Cli::try_parse_from(["carryout", "token", "--consumer", "a", "--ttl", "soon"]).is_err());
    }

    #[test]
    fn parameters_are_named() {
        assert!(parameter("Stage=dev").is_ok());
        assert!(parameter("Url=http://x?a=b").is_ok());
        assert!(parameter("dev").is_err());
        assert!(parameter("=dev").is_err());
    }
}
