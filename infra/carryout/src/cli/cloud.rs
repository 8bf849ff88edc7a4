//! The local cloud: start it, look at it, stop it.

use anyhow::Result;
use clap::Args;
use std::process::ExitCode;

use crate::local_cloud::{self, Condition, Emulator, Record};
use crate::project::Project;
use crate::terminal::Terminal;
use crate::with_cloud::with_cloud;

/// Which local cloud, and how.
#[derive(Debug, Args)]
pub(super) struct Cloud {
    /// What plays AWS
    #[arg(long, env = "EMULATOR", default_value = "ministack")]
    emulator: Emulator,
    /// The loopback port to listen on
    #[arg(long, env = "CARRYOUT_PORT", default_value_t = 4566, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Refuse what IAM policies do not allow, as AWS does (MiniStack only)
    #[arg(long, env = "ENFORCE_IAM", value_parser = clap::builder::FalseyValueParser::new(), default_missing_value = "1", num_args = 0..=1, require_equals = true, default_value = "0")]
    enforce_iam: bool,
    /// Run LocalStack on the host even where Docker answers
    #[arg(long)]
    without_docker: bool,
}

impl Cloud {
    fn wanted(&self) -> local_cloud::Wanted {
        local_cloud::Wanted {
            emulator: self.emulator,
            port: self.port,
            enforce_iam: self.enforce_iam,
            docker: !self.without_docker,
        }
    }
}

/// Start the local cloud, or find that it runs already.
///
/// The first start downloads the emulator into the cache (110 MB for MiniStack, 560 MB for LocalStack).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout up\n  carryout up --emulator localstack --port 4600\n  carryout up --endpoint http://127.0.0.1:4566    use one that runs already"
)]
pub(super) struct Up {
    #[command(flatten)]
    cloud: Cloud,
    /// Use the local cloud at this URL, which `carryout down` will leave alone
    #[arg(long, env = "ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// Print the cloud as JSON
    #[arg(long)]
    json: bool,
}

/// Build, start a local cloud, deploy, seed, run a command, and stop the cloud again.
///
/// A cloud that runs already is used and left running. The command's exit code is the result.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  carryout with-cloud -- cargo nextest run --package e2e")]
pub(super) struct WithCloud {
    #[command(flatten)]
    cloud: Cloud,
    /// The command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

/// Stop the local cloud and every function that it runs.
///
/// Succeeds when nothing runs. A cloud that was given by --endpoint is left to whoever started it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  carryout down")]
pub(super) struct Down {}

/// Tell whether the local cloud runs. Exits with 0 when it is healthy, with 1 otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout status\n  carryout status --json | jq -r .endpoint")]
pub(super) struct Status {
    /// Print the status as JSON
    #[arg(long)]
    json: bool,
}

impl Up {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let record = match self.endpoint {
            Some(endpoint) => local_cloud::attach(project, terminal, &endpoint).await?,
            None => local_cloud::up(project, terminal, &self.cloud.wanted()).await?,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&record)?);
        } else {
            print_cloud(project, &record);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl WithCloud {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        with_cloud(project, terminal, &self.cloud.wanted(), &self.command).await
    }
}

impl Down {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        local_cloud::down(project, terminal).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Status {
    pub(super) async fn run(self, project: &Project) -> Result<ExitCode> {
        let status = local_cloud::status(project).await?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&status)?);
        } else {
            println!(
                "{}",
                match status.condition {
                    Condition::Healthy => format!("healthy, {} processes", status.processes),
                    Condition::Unhealthy => "runs but does not answer; `carryout up` starts it again".to_owned(),
                    Condition::Dead => "ended without `carryout down`; `carryout up` cleans up and starts it again".to_owned(),
                    Condition::None => "no local cloud; `carryout up` starts one".to_owned(),
                }
            );
            if let Some(record) = &status.record {
                print_cloud(project, record);
            }
        }
        Ok(if status.condition == Condition::Healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print_cloud(project: &Project, record: &Record) {
    println!("endpoint  {}", record.endpoint);
    if let Some(emulator) = record.emulator {
        let enforced = if record.enforce_iam { ", IAM policies enforced" } else { "" };
        println!("emulator  {emulator}{enforced}");
    }
    match &record.home {
        local_cloud::Home::Process { leader } => println!("pid       {}", leader.pid),
        local_cloud::Home::Container { name } => println!("container {name}"),
        local_cloud::Home::Elsewhere => {
            println!("home      elsewhere; `carryout down` leaves it alone")
        }
        local_cloud::Home::Starting => {}
    }
    if let Some(log) = record.log_for(project) {
        println!("log       {log}");
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Cli, Command};

    #[test]
    fn iam_is_enforced_only_when_asked() {
        let enforce = |arguments: &[&str]| match Cli::try_parse_from(arguments).unwrap().command {
            Command::Up(up) => up.cloud.enforce_iam,
            other => panic!("{other:?}"),
        };
        assert!(!enforce(&["carryout", "up"]));
        assert!(enforce(&["carryout", "up", "--enforce-iam"]));
        assert!(!enforce(&["carryout", "up", "--enforce-iam=0"]));
    }
}
