//! `carryout` runs Carryout on one machine: it starts a local cloud, builds the functions, deploys the stack and
//! signs tokens. `carryout --help` explains each command with an example.

mod cli;
mod deploy;
mod functions;
mod local_cloud;
mod project;
mod seed;
mod stack;
mod statemachines;
mod terminal;
mod token;
mod tools;

use std::process::ExitCode;

use clap::Parser as _;

use crate::terminal::Terminal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let terminal = Terminal::detect();
    match cli.run(&terminal).await {
        Ok(code) => code,
        Err(error) => {
            terminal.error(&error);
            ExitCode::FAILURE
        }
    }
}
