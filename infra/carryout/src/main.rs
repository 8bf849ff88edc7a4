//! `carryout` runs Carryout on one machine. `carryout --help` explains each command with an example.

use std::process::ExitCode;

use carryout::{Cli, Terminal};
use clap::Parser as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let terminal = Terminal::detect();
    match Cli::parse().run(&terminal).await {
        Ok(code) => code,
        Err(error) => {
            terminal.error(&error);
            ExitCode::FAILURE
        }
    }
}
