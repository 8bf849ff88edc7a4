//! The local cloud: starts an emulator of AWS on this machine, knows whether it runs, and leaves nothing behind.

mod localstack;
mod ministack;
pub mod npm;
pub mod process;
pub mod project;
pub mod python;
mod record;
mod terminal;

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use self::process::{CLOUD_ID, CLOUD_PROJECT, Ended, ProcessIdentity};
pub use self::project::Project;
pub use self::record::{Emulator, Home, Record};
pub use self::terminal::{Board, Line, Step, Terminal};

/// Both emulators answer here.
const HEALTH_PATH: &str = "/_localstack/health";
const HEALTH_TIMEOUT: Duration = Duration::from_secs(2);
const GRACE: Duration = Duration::from_secs(5);

/// What `carryout dev up` was asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which emulator to start.
    pub emulator: Emulator,
    /// The loopback port to listen on.
    pub port: u16,
    /// Whether to refuse what IAM policies do not allow.
    pub enforce_iam: bool,
    /// Whether to use Docker where it answers.
    pub docker: bool,
}

/// Everything that an emulator needs to know to start.
#[derive(Debug)]
struct Launch<'a> {
    project: &'a Project,
    id: String,
    port: u16,
    enforce_iam: bool,
    /// Temporary files and data; removed when the cloud goes down.
    scratch: PathBuf,
    install_log: PathBuf,
}

impl Launch<'_> {
    fn endpoint(&self) -> String {
        endpoint(self.port)
    }
}

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Gives an emulator only what it needs: functions inherit its environment, and the user's own AWS credentials, proxies
/// and secrets are none of their business.
fn clean_environment<'a>(command: &'a mut Command, launch: &Launch<'_>) -> &'a mut Command {
    const KEPT: [&str; 9] =
        ["PATH", "HOME", "USER", "LANG", "LC_ALL", "JAVA_HOME", "LOG_LEVEL", "RUST_BACKTRACE", "LD_LIBRARY_PATH"];
    command
        .env_clear()
        .envs(KEPT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("TZ", "UTC")
        .env("TMPDIR", launch.scratch.join("tmp"))
        .env("PYTHONUNBUFFERED", "1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env(CLOUD_ID, &launch.id)
        .env(CLOUD_PROJECT, launch.project.root())
}

/// Starts the wanted emulator, or finds that it runs already.
pub async fn up(project: &Project, terminal: &Terminal, wanted: &Wanted) -> Result<Record> {
    if wanted.enforce_iam && wanted.emulator == Emulator::Localstack {
        bail!("LocalStack's community edition does not enforce IAM policies; use `--emulator ministack --enforce-iam`");
    }
    let _lock = project.lock(terminal)?;
    if let Some(record) = Record::read(project)?
        && let Some(running) = reuse_or_stop(project, terminal, wanted, record).await?
    {
        return Ok(running);
    }
    end_strays(project, terminal).await?;
    refuse_busy_port(wanted.port)?;
    start(project, terminal, wanted).await
}

/// Records a local cloud that somebody else runs, after checking that it answers.
pub async fn attach(project: &Project, terminal: &Terminal, endpoint: &str) -> Result<Record> {
    let _lock = project.lock(terminal)?;
    let endpoint = endpoint.trim_end_matches('/').to_owned();
    if !is_healthy(&endpoint).await {
        bail!("nothing healthy answers at {endpoint}{HEALTH_PATH}; start it, or let `carryout dev up` start one of its own");
    }
    if let Some(record) = Record::read(project)? {
        if record.endpoint == endpoint && record.home != Home::Elsewhere {
            terminal.note(&format!("{endpoint} is the local cloud that `carryout dev up` started"));
            return Ok(record);
        }
        stop(project, terminal, &record).await?;
    }
    let record = Record {
        id: String::new(),
        emulator: None,
        function_endpoint: endpoint.clone(),
        endpoint,
        enforce_iam: false,
        home: Home::Elsewhere,
        log: None,
    };
    record.write(project)?;
    Ok(record)
}

/// Stops what `up` started, with every function it runs. Succeeds when nothing runs.
pub async fn down(project: &Project, terminal: &Terminal) -> Result<()> {
    let _lock = project.lock(terminal)?;
    let record = Record::read(project)?;
    if let Some(record) = &record {
        stop(project, terminal, record).await?;
    }
    let strays = end_strays(project, terminal).await?;
    if record.is_none() && strays == 0 {
        terminal.note("No local cloud runs");
    }
    Ok(())
}

/// How a local cloud is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It answers.
    Healthy,
    /// It runs, and does not answer.
    Unhealthy,
    /// It is recorded, and gone.
    Dead,
    /// None is recorded.
    None,
}

/// What `carryout dev status` reports.
#[derive(Debug, Serialize)]
pub struct Status {
    /// How it is doing.
    pub condition: Condition,
    /// What is recorded of it.
    #[serde(flatten)]
    pub record: Option<Record>,
    /// How many processes it has, functions included.
    pub processes: usize,
}

/// Looks, and changes nothing.
pub async fn status(project: &Project) -> Result<Status> {
    let Some(record) = Record::read(project)? else {
        return Ok(Status { condition: Condition::None, record: None, processes: 0 });
    };
    let condition = if !is_running(&record) {
        Condition::Dead
    } else if is_healthy(&record.endpoint).await {
        Condition::Healthy
    } else {
        Condition::Unhealthy
    };
    let processes = if record.home == Home::Elsewhere { 0 } else { record.processes().len() };
    Ok(Status { condition, record: Some(record), processes })
}

/// The local cloud to work with, checked to answer; `None` where none is recorded.
pub async fn current(project: &Project) -> Result<Option<Record>> {
    let Some(record) = Record::read(project)? else {
        return Ok(None);
    };
    if is_healthy(&record.endpoint).await {
        return Ok(Some(record));
    }
    bail!("the local cloud at {} does not answer; run `carryout dev up` to start it again", record.endpoint)
}

fn is_running(record: &Record) -> bool {
    match &record.home {
        Home::Starting => false,
        Home::Process { leader } => leader.is_alive(),
        Home::Container { name } => localstack::is_container_running(name),
        Home::Elsewhere => true,
    }
}

async fn reuse_or_stop(project: &Project, terminal: &Terminal, wanted: &Wanted, record: Record) -> Result<Option<Record>> {
    if record.home == Home::Elsewhere {
        terminal.note(&format!("Leaving {} to whoever runs it", record.endpoint));
        Record::remove(project)?;
        return Ok(None);
    }
    let name = record.emulator.map(|emulator| emulator.to_string()).unwrap_or_default();
    if !is_running(&record) {
        terminal.warn(&format!("The last {name} ended without `carryout dev down`; cleaning up after it"));
    } else {
        let same = record.emulator == Some(wanted.emulator)
            && record.endpoint == endpoint(wanted.port)
            && record.enforce_iam == wanted.enforce_iam;
        if !same {
            terminal.warn(&format!("Another local cloud runs ({name} at {}); stopping it first", record.endpoint));
        } else if is_healthy(&record.endpoint).await {
            terminal.note(&format!("{name} is already running"));
            return Ok(Some(record));
        } else {
            terminal.warn(&format!("{name} runs but does not answer; starting it again"));
        }
    }
    stop(project, terminal, &record).await?;
    Ok(None)
}

async fn stop(project: &Project, terminal: &Terminal, record: &Record) -> Result<()> {
    match &record.home {
        Home::Elsewhere => {
            terminal.note(&format!("Forgot {}; it was not started here, so it keeps running", record.endpoint));
            return Record::remove(project);
        }
        Home::Container { name } => {
            let step = terminal.step(format!("Stopping the container {name}"));
            localstack::stop_container(name)?;
            step.done(&format!("Stopped the container {name}"));
        }
        Home::Starting | Home::Process { .. } => {
            let step = terminal.step("Stopping the local cloud");
            let ended = process::end(|| record.processes(), GRACE).await;
            refuse_survivors(&ended)?;
            step.done(&format!("Stopped the local cloud: {}", summary(&ended)));
        }
    }
    remove_scratch(project)?;
    Record::remove(project)
}

/// Ends processes that carry this project's mark although their cloud's record is lost.
async fn end_strays(project: &Project, terminal: &Terminal) -> Result<usize> {
    let root = project.root().to_string_lossy().into_owned();
    let strays = || process::marked(CLOUD_PROJECT, &root);
    if strays().is_empty() {
        return Ok(0);
    }
    let ended = process::end(strays, GRACE).await;
    refuse_survivors(&ended)?;
    terminal.note(&format!("Ended what an earlier local cloud left: {}", summary(&ended)));
    remove_scratch(project)?;
    Ok(ended.processes.len())
}

fn refuse_survivors(ended: &Ended) -> Result<()> {
    if !ended.survivors.is_empty() {
        bail!("these processes would not end, even killed: {:?}; end them as the user who owns them", ended.survivors);
    }
    Ok(())
}

/// `2 processes (11 ministack, 12 quote-price)`.
fn summary(ended: &Ended) -> String {
    const NAMED: usize = 8;
    let count = ended.processes.len();
    let mut names: Vec<String> =
        ended.processes.iter().take(NAMED).map(|(pid, command)| format!("{pid} {}", program(command))).collect();
    if count > NAMED {
        names.push(format!("and {} more", count - NAMED));
    }
    match count {
        0 => "nothing was left running".to_owned(),
        1 => format!("1 process ({})", names.join(", ")),
        _ => format!("{count} processes ({})", names.join(", ")),
    }
}

/// The last part of the program's path; for an interpreter, of its script.
fn program(command: &str) -> &str {
    let file = |word: &str| word.rfind('/').map_or(0, |slash| slash + 1);
    let mut words = command.split(' ');
    let first = words.next().unwrap_or_default();
    let name = &first[file(first)..];
    match words.next() {
        Some(script) if name.starts_with("python") && !script.starts_with('-') => &script[file(script)..],
        _ => name,
    }
}

fn remove_scratch(project: &Project) -> Result<()> {
    let scratch = scratch(project)?;
    match fs::remove_dir_all(&scratch) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", scratch.display()))
        }
        _ => Ok(()),
    }
}

fn scratch(project: &Project) -> Result<PathBuf> {
    Ok(project.state_dir()?.join("cloud"))
}

fn refuse_busy_port(port: u16) -> Result<()> {
    if TcpListener::bind(("127.0.0.1", port)).is_ok() {
        return Ok(());
    }
    let other = format!("end it, or choose another port: carryout dev up --port {}", port.saturating_add(1));
    let Some(listener) = process::listener(port) else {
        bail!("port {port} is taken by a process of another user; {other}");
    };
    if let Some(root) = process::variable(listener.pid, CLOUD_PROJECT) {
        bail!(
            "port {port} is taken by the local cloud of {root}; run `carryout dev down` there, or choose another port: carryout dev up --port {}",
            port.saturating_add(1)
        );
    }
    bail!("port {port} is taken by process {} ({}); {other}", listener.pid, listener.command)
}

async fn start(project: &Project, terminal: &Terminal, wanted: &Wanted) -> Result<Record> {
    let state = project.state_dir()?;
    let launch = Launch {
        project,
        id: uuid::Uuid::now_v7().simple().to_string(),
        port: wanted.port,
        enforce_iam: wanted.enforce_iam,
        scratch: scratch(project)?,
        install_log: state.join("install.log"),
    };
    let mut record = Record {
        id: launch.id.clone(),
        emulator: Some(wanted.emulator),
        endpoint: launch.endpoint(),
        function_endpoint: launch.endpoint(),
        enforce_iam: wanted.enforce_iam,
        home: Home::Starting,
        log: None,
    };

    let command = match wanted.emulator {
        Emulator::Ministack => ministack::command(&launch, terminal)?,
        Emulator::Localstack if wanted.docker && localstack::docker_answers() => {
            let (name, function_endpoint) = localstack::start_container(&launch, terminal)?;
            record.home = Home::Container { name };
            record.function_endpoint = function_endpoint;
            record.write(project)?;
            return wait_until_healthy(project, terminal, record, None).await;
        }
        Emulator::Localstack => localstack::host_command(&launch, terminal)?,
    };

    remove_scratch(project)?;
    fs::create_dir_all(launch.scratch.join("tmp")).with_context(|| format!("cannot create {}", launch.scratch.display()))?;
    let log = state.join(format!("{}.log", wanted.emulator.to_string().to_lowercase()));
    record.log = Some(log.clone());
    record.write(project)?;
    let child = spawn(command, &log)?;
    if let Some(leader) = ProcessIdentity::of(child.id().cast_signed()) {
        record.home = Home::Process { leader };
        record.write(project)?;
    }
    wait_until_healthy(project, terminal, record, Some(child)).await
}

/// Starts the emulator in a process group of its own, so that Ctrl-C ends the command and not the cloud.
fn spawn(mut command: Command, log: &PathBuf) -> Result<Child> {
    let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let errors = output.try_clone().context("cannot share the log file")?;
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {program}"))
}

async fn wait_until_healthy(project: &Project, terminal: &Terminal, record: Record, mut child: Option<Child>) -> Result<Record> {
    let (name, limit) = match record.emulator {
        Some(Emulator::Localstack) => ("LocalStack", Duration::from_secs(120)),
        _ => ("MiniStack", Duration::from_secs(60)),
    };
    let step = terminal.step(format!("Waiting for {name} at {}", record.endpoint));
    let begun = Instant::now();
    let failure = loop {
        if let Some(status) = child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
            break format!("{name} ended while it started ({status})");
        }
        if is_healthy(&record.endpoint).await {
            step.done(&format!("{name} answers at {}", record.endpoint));
            return Ok(record);
        }
        if begun.elapsed() > limit {
            break format!("{name} did not answer within {} s", limit.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    drop(step);
    let end = record.log.as_deref().map(|log| python::tail(log, 20)).unwrap_or_default();
    stop(project, terminal, &record).await?;
    match record.log_for(project) {
        Some(log) => bail!("{failure}; the end of {log}:\n{end}"),
        None => bail!("{failure}; `docker run {}` shows why, `--without-docker` runs it on the host", localstack::IMAGE),
    }
}

async fn is_healthy(endpoint: &str) -> bool {
    let Ok(client) = http_client() else {
        return false;
    };
    client
        .get(format!("{endpoint}{HEALTH_PATH}"))
        .timeout(HEALTH_TIMEOUT)
        .send()
        .await
        .is_ok_and(|response| response.status().is_success())
}

/// A client for the loopback interface: proxies would not reach it.
pub fn http_client() -> Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build().context("cannot set up HTTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_named_as_people_know_them() {
        assert_eq!(program("/cache/bin/python3 /cache/bin/ministack"), "ministack");
        assert_eq!(program("/cache/bin/python -m pip"), "python");
        assert_eq!(program("/tmp/code/bootstrap"), "bootstrap");
        assert_eq!(program(""), "");
    }

    #[test]
    fn a_summary_stays_short() {
        let processes = (1..=20).map(|pid| (pid, "bootstrap".to_owned())).collect();
        let text = summary(&Ended { processes, survivors: Vec::new() });
        assert!(text.starts_with("20 processes (1 bootstrap, "), "{text}");
        assert!(text.ends_with("8 bootstrap, and 12 more)"), "{text}");
    }

    #[test]
    fn a_taken_port_names_its_holder_and_the_way_out() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let error = refuse_busy_port(port).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        assert!(error.contains("--port"), "{error}");
    }
}
