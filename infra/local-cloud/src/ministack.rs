//! MiniStack: the whole cloud in one Python process, Lambdas as its child processes. The default, since it needs
//! neither Docker nor Java and starts in about two seconds.

use std::process::Command;

use anyhow::Result;

use super::python::{Environment, Version};
use super::{Launch, clean_environment};
use crate::terminal::Terminal;

/// The command that starts it in the foreground, bound to the loopback interface, its files in the launch's scratch folder.
pub fn command(launch: &Launch<'_>, terminal: &Terminal) -> Result<Command> {
    let environment = Environment {
        name: "ministack",
        requirements: &launch.project.local_dir().join("ministack-requirements.txt"),
        minimum: Version { major: 3, minor: 10 },
        size: "110 MB",
    };
    let bin = environment.ensure(terminal, &launch.install_log)?;

    let mut command = Command::new(bin.join("ministack"));
    clean_environment(&mut command, launch)
        .env("GATEWAY_PORT", launch.port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("AUTH", launch.enforce_iam.to_string())
        // Functions get MiniStack's environment, and with it the way back to it.
        .env("AWS_ENDPOINT_URL", launch.endpoint())
        .env("S3_DATA_DIR", launch.scratch.join("s3"))
        .env("STATE_DIR", launch.scratch.join("state"));
    Ok(command)
}
