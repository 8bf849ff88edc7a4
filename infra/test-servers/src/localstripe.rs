//! A payment processor that others wrote: `localstripe` from PyPI, which plays the Stripe API and ignores idempotency keys.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};

use local_cloud::python::{self, Environment, Version};
use local_cloud::{Project, Terminal};

/// A running server on 127.0.0.1 with nothing in it. It ends when this is dropped, or when this process ends.
#[derive(Debug)]
pub struct Localstripe {
    child: Child,
    port: u16,
}

impl Localstripe {
    /// Starts a server on a free port; the first time, installs it into the cache.
    pub fn start(project: &Project, terminal: &Terminal) -> Result<Self> {
        let log = project.state_dir()?.join(format!("localstripe-{}.log", std::process::id()));
        let environment = Environment {
            name: "localstripe",
            requirements: &project.local_dir().join("localstripe-requirements.txt"),
            minimum: Version { major: 3, minor: 10 },
            size: "20 MB",
        };
        let bin = environment.ensure(terminal, &log)?;
        let output = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut child = Command::new(bin.join("python"))
            .arg(project.local_dir().join("localstripe_host.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output)
            .spawn()
            .context("cannot start localstripe")?;
        let mut line = String::new();
        let told = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        told.transpose().context("cannot read the port of localstripe")?;
        match line.trim().parse() {
            Ok(port) => {
                // What it has to say from here on is of no use to anybody; a failed start keeps its log.
                let _ = std::fs::remove_file(&log);
                Ok(Self { child, port })
            }
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                anyhow::bail!("localstripe did not start; the end of {}:\n{}", log.display(), python::tail(&log, 12))
            }
        }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Localstripe {
    fn drop(&mut self) {
        // A failure means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
