//! `carryout dev`: what developers do, on a local cloud and with the stack.

mod build;
mod cloud;
mod demo;
mod deploy;
mod down;
mod invoke;
mod logs;
mod seed;
mod soak;
mod stacks;
mod statemachines;
mod status;
mod token;
mod tool;
mod up;
mod watch;
mod with_cloud;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use local_cloud::Terminal;

/// Run the local cloud, build and deploy, seed, invoke functions, read logs.
#[derive(Debug, Args)]
#[command(
    after_help = "A first round:\n  carryout dev up && carryout dev build && carryout dev deploy && carryout dev seed\n  carryout dev demo\n  carryout dev down\n\nThe edit loop, on a running local cloud:\n  carryout dev watch quote-price &\n  carryout dev logs quote-price --follow"
)]
pub(super) struct DevCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Up(up::Up),
    Down(down::Down),
    Status(status::Status),
    Build(build::Build),
    Deploy(deploy::Deploy),
    Seed(seed::Seed),
    Demo(demo::Demo),
    Soak(soak::Soak),
    Invoke(invoke::Invoke),
    Logs(logs::LogsArguments),
    Watch(watch::Watch),
    Token(token::Token),
    Statemachines(statemachines::Statemachines),
    Stacks(stacks::Stacks),
    Tool(tool::Tool),
    WithCloud(with_cloud::WithCloud),
}

impl DevCommand {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        match self.action {
            Action::Up(up) => up.run(terminal).await,
            Action::Down(down) => down.run(terminal).await,
            Action::Status(status) => status.run().await,
            Action::Build(build) => build.run(terminal),
            Action::Deploy(deploy) => deploy.run(terminal).await,
            Action::Seed(seed) => seed.run(terminal).await,
            Action::Demo(demo) => demo.run(terminal).await,
            Action::Soak(soak) => soak.run(terminal).await,
            Action::Invoke(invoke) => invoke.run(terminal).await,
            Action::Logs(logs) => logs.run().await,
            Action::Watch(watch) => watch.run(terminal).await,
            Action::Token(token) => token.run(),
            Action::Statemachines(statemachines) => statemachines.run(terminal),
            Action::Stacks(stacks) => stacks.run(terminal),
            Action::Tool(tool) => tool.run(terminal).await,
            Action::WithCloud(with) => with.run(terminal).await,
        }
    }
}
