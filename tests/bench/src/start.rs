//! From process start to the first poll of the Lambda runtime API, and the memory that is resident then.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use local_cloud::Project;

use crate::{quantile, sorted};

/// Starts of each program; the median counts.
const STARTS: usize = 25;

/// A Python function with the same three clients, for comparison.
const PYTHON: &str = r#"
import os, urllib.request, boto3
for service in ("dynamodb", "sqs", "stepfunctions"):
    boto3.client(service, region_name="us-east-1")
urllib.request.urlopen("http://%s/2018-06-01/runtime/invocation/next" % os.environ["AWS_LAMBDA_RUNTIME_API"])
"#;

/// Starts step functions, and Python with boto3, on a runtime API that only waits for their first poll.
pub fn measure(project: &Project) -> Result<()> {
    println!("\nprocess start to first poll (median of {STARTS} starts; wanted: under 10 ms, under 15 MB)");
    let binaries: BTreeMap<String, PathBuf> = release_binaries(project)?.into_iter().collect();
    for name in ["reserve-items", "authorize-payment", "submit-checkout"] {
        let binary = binaries.get(name).with_context(|| format!("there is no function {name}"))?;
        report(name, || Command::new(binary))?;
    }
    match python(project) {
        Some(python) => report("Python with boto3", || {
            let mut command = Command::new(&python);
            command.args(["-c", PYTHON]);
            command
        })?,
        None => println!("  Python with boto3: not measured; `make up` installs it with MiniStack"),
    }
    Ok(())
}

fn report(name: &str, command: impl Fn() -> Command) -> Result<()> {
    let mut times = Vec::with_capacity(STARTS);
    let mut memory = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let (took, resident) = start(command()).with_context(|| format!("cannot start {name}"))?;
        times.push(took.as_secs_f64() * 1_000.0);
        memory.push(resident);
    }
    let (times, memory) = (sorted(times), sorted(memory));
    println!(
        "  {name:<20} {:>7.1} ms (p95 {:.1} ms)  {:>6.1} MB resident",
        quantile(&times, 0.5),
        quantile(&times, 0.95),
        quantile(&memory, 0.5)
    );
    Ok(())
}

/// Starts a program and waits for its first poll. Gives the time, and the resident megabytes at that moment.
fn start(mut command: Command) -> Result<(Duration, f64)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    // Every key that a function may read: a function that starts reads its configuration first.
    for key in [
        "ORDERS_TABLE",
        "STORES_TABLE",
        "QUOTES_TABLE",
        "CONSUMERS_TABLE",
        "IDEMPOTENCY_TABLE",
        "CONTROL_TABLE",
        "PAYMENT_SECRET",
        "QUOTE_SECRET",
    ] {
        command.env(key, "bench");
    }
    for key in ["PAYMENT_URL", "LOGISTICS_URL", "ORDERS_QUEUE_URL", "JWKS_URL", "TOKEN_ISSUER"] {
        command.env(key, "http://127.0.0.1:9/bench");
    }
    command
        .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr()?.to_string())
        .envs([
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ])
        .envs([("AWS_LAMBDA_LOG_GROUP_NAME", "bench"), ("AWS_LAMBDA_LOG_STREAM_NAME", "bench")])
        .envs([("AWS_REGION", "us-east-1"), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")])
        .envs([("QUOTE_LOCK_SECONDS", "900"), ("TOKEN_AUDIENCE", "carryout"), ("TOKEN_ALGORITHM", "ES256")])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn()?;
    let (mut stream, _) = accept_within(&listener, Duration::from_secs(20))?;
    let mut request = [0; 256];
    let read = stream.read(&mut request)?;
    let took = started.elapsed();
    let resident = resident_megabytes(child.id());
    child.kill()?;
    child.wait()?;
    if !request[..read].starts_with(b"GET /2018-06-01/runtime/invocation/next") {
        bail!("its first request was {:?}", String::from_utf8_lossy(&request[..read]));
    }
    Ok((took, resident?))
}

/// The first connection. A program that ends without one must not be waited for forever, so that this process connects to
/// itself in the end.
fn accept_within(listener: &TcpListener, patience: Duration) -> Result<(TcpStream, SocketAddr)> {
    let address = listener.local_addr()?;
    let (accepted, wait) = mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if wait.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            drop(TcpStream::connect(address));
        }
    });
    let connection = listener.accept()?;
    drop(accepted);
    drop(watchdog.join());
    Ok(connection)
}

fn resident_megabytes(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("the process has no memory")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("the memory can't be read")?.parse()?;
    Ok(kilobytes / 1_000.0)
}

/// Every function's release binary.
pub fn release_binaries(project: &Project) -> Result<Vec<(String, PathBuf)>> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project.root().join("target"), PathBuf::from);
    let mut names: Vec<String> =
        fs::read_dir(project.root().join("functions"))?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let binaries: Vec<(String, PathBuf)> =
        names.into_iter().map(|name| (name.clone(), target.join("release").join(name))).collect();
    if let Some((name, _)) = binaries.iter().find(|(_, binary)| !binary.is_file()) {
        bail!("{name} is not built for release; run `make package`");
    }
    Ok(binaries)
}

/// The Python of MiniStack's environment, which has boto3.
fn python(_project: &Project) -> Option<PathBuf> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cache")))?;
    let environments = fs::read_dir(cache.join("carryout")).ok()?;
    environments
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("ministack")))
        .map(|path| path.join("bin/python"))
        .find(|python| python.is_file())
}
