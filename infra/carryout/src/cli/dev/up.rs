//! `carryout dev up`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use local_cloud::{Project, Terminal};

use super::cloud::Cloud;
use super::status::describe;

/// Start the local cloud, or find that it is already running.
///
/// The first start downloads the emulator into the cache (110 MB for MiniStack, 560 MB for LocalStack).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout dev up\n  carryout dev up --emulator localstack --port 4600\n  carryout dev up --endpoint http://127.0.0.1:4566    use one that is already running"
)]
pub(super) struct Up {
    #[command(flatten)]
    cloud: Cloud,
    /// Use the local cloud at this URL; `carryout dev down` leaves it running
    #[arg(long, env = "ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// Print the cloud as JSON
    #[arg(long)]
    json: bool,
}

impl Up {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let project = Project::find()?;
        let record = match self.endpoint {
            Some(endpoint) => local_cloud::attach(&project, terminal, &endpoint).await?,
            None => local_cloud::up(&project, terminal, &self.cloud.wanted()).await?,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&record)?);
        } else {
            print!("{}", describe(&project, &record));
        }
        Ok(ExitCode::SUCCESS)
    }
}
