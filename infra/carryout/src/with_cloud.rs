//! Runs a command against a deployed stack, and leaves the machine as it was.

use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::{deploy, functions, seed};
use local_cloud::{Project, Terminal, Wanted};

/// Starts a local cloud unless one runs, builds, deploys and seeds, runs `command`, and stops the cloud if it started it:
/// also after a failure, and after an interrupt.
pub async fn with_cloud(project: &Project, terminal: &Terminal, wanted: &Wanted, command: &[String]) -> Result<ExitCode> {
    let ran_before = local_cloud::current(project).await?.is_some();
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for interrupts")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    let result = tokio::select! {
        result = deploy_and_run(project, terminal, wanted, command) => result,
        _ = interrupt.recv() => Ok(None),
        _ = terminate.recv() => Ok(None),
    };
    if !ran_before {
        local_cloud::down(project, &Terminal::silent()).await?;
    }
    // 130 is what a shell gives for an interrupted command.
    let code = match result? {
        Some(status) => u8::try_from(status.code().unwrap_or(1)).unwrap_or(1),
        None => 130,
    };
    Ok(ExitCode::from(code))
}

async fn deploy_and_run(
    project: &Project,
    terminal: &Terminal,
    wanted: &Wanted,
    command: &[String],
) -> Result<Option<ExitStatus>> {
    // Before the cloud starts: a build that fails should fail before anything runs.
    functions::build(project, terminal, false)?;
    local_cloud::up(project, terminal, wanted).await?;
    let stack = deploy::deploy(project, terminal, &deploy::Wanted::local()).await?;
    seed::seed(&stack, terminal, seed::DEFAULT).await?;
    let (program, arguments) = command.split_first().context("no command is given")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(project.root())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let status = tokio::task::spawn_blocking(move || child.wait()).await??;
    Ok(Some(status))
}
