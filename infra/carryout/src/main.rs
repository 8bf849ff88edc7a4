//! `carryout` operates Carryout, and runs it on one machine. `carryout --help` explains each command with an example.

use std::process::ExitCode;

use carryout::Cli;
use local_cloud::Terminal;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // A closed pipe ends the process, as it ends other commands; Rust would panic on the next line of output.
    sigpipe::reset();
    let terminal = Terminal::detect();
    match Cli::from_command_line().run(&terminal).await {
        Ok(code) => code,
        Err(error) => {
            terminal.error(&error);
            ExitCode::FAILURE
        }
    }
}
