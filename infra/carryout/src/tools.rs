//! Pinned command line tools (the AWS CLI and cfn-lint) in an environment of their own, aimed at the right cloud.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use local_cloud::python::{Environment, Version};
use local_cloud::{Project, Record, Terminal};

/// The region that a local cloud plays.
pub const LOCAL_REGION: &str = "us-east-1";
/// The account that both emulators play for the key `test`.
pub const LOCAL_ACCOUNT: &str = "000000000000";

/// Which cloud the tools talk to.
#[derive(Debug, Clone)]
pub enum Target {
    /// The emulator that `carryout dev up` recorded.
    Local(Record),
    /// AWS, with the user's own credentials.
    Aws,
}

/// The installed tools, aimed at a target.
#[derive(Debug, Clone)]
pub struct Tools {
    bin: PathBuf,
    root: PathBuf,
    target: Option<Target>,
}

impl Tools {
    /// Installs the tools unless they are there.
    pub fn ensure(project: &Project, terminal: &Terminal, target: Option<Target>) -> Result<Self> {
        let environment = Environment {
            name: "tools",
            requirements: &project.local_dir().join("tools-requirements.txt"),
            minimum: Version { major: 3, minor: 10 },
            size: "340 MB",
        };
        let bin = environment.ensure(terminal, &project.state_dir()?.join("install.log"))?;
        Ok(Self { bin, root: project.root().to_owned(), target })
    }

    /// The cloud that the tools talk to.
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }

    /// One of the tools, with its environment aimed at the target.
    pub fn command(&self, tool: &str) -> Result<Command> {
        let program = self.bin.join(tool);
        if !program.is_file() {
            bail!("there is no tool `{tool}`; there are `aws` and `cfn-lint`");
        }
        let mut command = Command::new(program);
        command.env("AWS_PAGER", "");
        if let Some(Target::Local(record)) = &self.target {
            // The user's own profile could name another region, another endpoint or a second factor.
            command
                .env("AWS_ENDPOINT_URL", &record.endpoint)
                .env("AWS_ACCESS_KEY_ID", "test")
                .env("AWS_SECRET_ACCESS_KEY", "test")
                .env("AWS_DEFAULT_REGION", LOCAL_REGION)
                .env("AWS_REGION", LOCAL_REGION)
                .env("AWS_CONFIG_FILE", "/dev/null")
                .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .env("NO_PROXY", "127.0.0.1,localhost")
                .env_remove("AWS_PROFILE")
                .env_remove("AWS_DEFAULT_PROFILE")
                .env_remove("AWS_SESSION_TOKEN");
        }
        Ok(command)
    }

    /// Runs the AWS CLI in the project's root and returns what it printed; its error output becomes the error.
    pub fn aws<I, S>(&self, arguments: I) -> Result<String>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let output = self.aws_output(arguments)?;
        if !output.status.success() {
            bail!("{}", last_words(&output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// As [`Tools::aws`], with its output read as JSON. An empty answer is `null`.
    pub fn aws_json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.aws(arguments.iter().chain(&["--output", "json"]))?;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("the AWS CLI answered something else than JSON: {text}"))
    }

    /// Runs the AWS CLI and leaves the judgement to the caller.
    pub fn aws_output<I, S>(&self, arguments: I) -> Result<Output>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        self.command("aws")?
            .args(arguments)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .output()
            .context("cannot run the AWS CLI")
    }

    /// The region that the target is in.
    pub fn region(&self) -> Result<String> {
        if let Some(Target::Local(_)) = &self.target {
            return Ok(LOCAL_REGION.to_owned());
        }
        let from_environment = ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok());
        match from_environment {
            Some(region) if !region.is_empty() => Ok(region),
            _ => {
                let region = self.aws(["configure", "get", "region"]).unwrap_or_default();
                if region.trim().is_empty() {
                    bail!("no AWS region is configured; set AWS_REGION, for example AWS_REGION=eu-west-1");
                }
                Ok(region.trim().to_owned())
            }
        }
    }

    /// The account that the target's credentials belong to.
    pub fn account(&self) -> Result<String> {
        if let Some(Target::Local(_)) = &self.target {
            return Ok(LOCAL_ACCOUNT.to_owned());
        }
        let identity = self
            .aws_json(&["sts", "get-caller-identity"])
            .context("AWS does not accept the credentials in use; sign in (for example `aws sso login`) and try again")?;
        identity.get("Account").and_then(Value::as_str).map(str::to_owned).context("AWS named no account")
    }
}

/// What a tool said last: its error output, else its output.
pub fn last_words(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = if errors.trim().is_empty() { String::from_utf8_lossy(&output.stdout) } else { errors };
    // The progress of uploads goes to the same place.
    let lines = text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("Uploading to"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Runs a tool as if it were called by hand, on this terminal, and returns its exit code.
pub fn run_as_is(tools: &Tools, tool: &str, arguments: &[String], directory: &Path) -> Result<u8> {
    let status =
        tools.command(tool)?.args(arguments).current_dir(directory).status().with_context(|| format!("cannot run {tool}"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
