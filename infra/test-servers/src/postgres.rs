//! A PostgreSQL server of one's own for a test: Debian's, in a scratch folder, on the loopback interface, gone with its owner.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, geteuid, kill_process};
use uuid::Uuid;

use local_cloud::Terminal;
use local_cloud::python::{ensure_folder, tail};

/// The user and the group `nobody` of Debian: a server refuses to run as root.
const NOBODY: u32 = 65_534;
/// The role and the database that tests use.
const NAME: &str = "carryout";
/// How long the server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where Debian puts servers.
const INSTALLED: &str = "usr/lib/postgresql";

/// A running server. Dropping it stops the server and removes its files; it also ends when its owner is killed.
#[derive(Debug)]
pub struct Postgres {
    binaries: Binaries,
    scratch: PathBuf,
    password: String,
    port: u16,
    server: Option<Child>,
}

/// Where `postgres` and `initdb` are.
#[derive(Debug)]
struct Binaries {
    folder: PathBuf,
    /// Set where the packages were unpacked rather than installed.
    libraries: Option<PathBuf>,
}

impl Postgres {
    /// Starts a fresh server: an installed one, or one of Debian's packages, which are downloaded into the cache once.
    ///
    /// # Errors
    ///
    /// Where there is neither a server nor a way to download one; says what to install.
    pub fn start(terminal: &Terminal) -> Result<Self> {
        let scratch = std::env::temp_dir().join(format!("carryout-postgres-{}", Uuid::now_v7()));
        fs::create_dir(&scratch).with_context(|| format!("cannot create {}", scratch.display()))?;
        // From here on the scratch folder has an owner that removes it.
        let mut server = Self {
            binaries: Binaries { folder: PathBuf::new(), libraries: None },
            scratch,
            password: Uuid::now_v7().simple().to_string(),
            port: 0,
            server: None,
        };
        server.binaries = match installed(Path::new("/")) {
            Some(folder) => Binaries { folder, libraries: None },
            None => unpacked(&server.scratch, terminal)?,
        };
        server.initialise()?;
        server.port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).context("no port is free")?.port();
        server.run()?;
        Ok(server)
    }

    /// The URL of its database, whose user may do anything.
    pub fn url(&self) -> String {
        format!("postgresql://{NAME}:{}@127.0.0.1:{}/postgres?sslmode=disable", self.password, self.port)
    }

    /// Stops the server and starts it again over the same data, at the same port.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.run()
    }

    fn initialise(&self) -> Result<()> {
        let password = self.scratch.join("password");
        fs::write(&password, &self.password).context("cannot write the password")?;
        if geteuid().is_root() {
            for path in [&self.scratch, &password] {
                chown(path, Some(NOBODY), Some(NOBODY)).context("cannot give the scratch folder away")?;
            }
        }
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).context("cannot protect the password")?;
        let log = self.log()?;
        let mut initdb = self.command("initdb");
        initdb.arg("--pgdata").arg(self.data()).args([
            "--username",
            NAME,
            "--auth",
            "scram-sha-256",
            "--no-sync",
            "--locale",
            "C",
        ]);
        initdb.args(["--encoding", "UTF8"]).arg("--pwfile").arg(&password).stdout(log.try_clone()?).stderr(log);
        let status = initdb.status().context("cannot run initdb")?;
        if !status.success() {
            bail!("initdb failed ({status}):\n{}", tail(&self.log_file(), 12));
        }
        Ok(())
    }

    fn run(&mut self) -> Result<()> {
        let log = self.log()?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB"] {
            command.args(["-c", setting]);
        }
        let mut child = command.stdout(log.try_clone()?).stderr(log).spawn().context("cannot run postgres")?;
        let begun = Instant::now();
        // The last line of this file tells when connections are taken.
        let is_ready = || fs::read_to_string(self.data().join("postmaster.pid")).is_ok_and(|text| text.contains("\nready"));
        while !is_ready() {
            if let Some(status) = child.try_wait()? {
                bail!("postgres ended ({status}):\n{}", tail(&self.log_file(), 12));
            }
            if begun.elapsed() > PATIENCE {
                end(&mut child)?;
                bail!("postgres did not start within {} s:\n{}", PATIENCE.as_secs(), tail(&self.log_file(), 12));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(child);
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        self.server.take().map_or(Ok(()), |mut server| end(&mut server))
    }

    /// One of the server's programs, as nobody where this is root, and interrupted when this process ends.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "INT"]);
        if geteuid().is_root() {
            let (user, group) = (format!("--reuid={NOBODY}"), format!("--regid={NOBODY}"));
            command.args([user.as_str(), group.as_str(), "--clear-groups"]);
        }
        command.arg(self.binaries.folder.join(program));
        if let Some(libraries) = &self.binaries.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        // Its own group, so that an interrupt at the terminal reaches only those who wait for it.
        command.process_group(0).current_dir(&self.scratch).stdin(Stdio::null());
        command
    }

    fn data(&self) -> PathBuf {
        self.scratch.join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.scratch.join("log")
    }

    fn log(&self) -> Result<File> {
        File::options().create(true).append(true).open(self.log_file()).context("cannot write the server's log")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("the PostgreSQL server in {} was left behind: {error:#}", self.scratch.display());
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.scratch) {
            eprintln!("{} was left behind: {error}", self.scratch.display());
        }
    }
}

/// Ends a server at once but in order: clients are cut off, files are closed.
fn end(server: &mut Child) -> Result<()> {
    let pid = Pid::from_raw(server.id().cast_signed()).context("the server has no pid")?;
    kill_process(pid, Signal::INT).context("cannot interrupt the server")?;
    let begun = Instant::now();
    while server.try_wait()?.is_none() {
        if begun.elapsed() > PATIENCE {
            server.kill().context("cannot kill the server")?;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The folder of the newest server below `root`.
fn installed(root: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(root.join(INSTALLED)).ok()?;
    let found = versions.filter_map(|entry| {
        let entry = entry.ok()?;
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let folder = entry.path().join("bin");
        let is_complete = ["postgres", "initdb"].iter().all(|name| folder.join(name).is_file());
        is_complete.then_some((version, folder))
    });
    found.max().map(|(_, folder)| folder)
}

/// Unpacks the packages into the scratch folder, which whoever runs the server can read; the cache may be closed to nobody.
fn unpacked(scratch: &Path, terminal: &Terminal) -> Result<Binaries> {
    let root = scratch.join("root");
    for package in packages(terminal)? {
        run(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(&root))?;
    }
    let folder = installed(&root).context("Debian's packages hold no PostgreSQL server")?;
    let libraries = fs::read_dir(root.join("usr/lib"))?.filter_map(|entry| Some(entry.ok()?.path()));
    let libraries = libraries.filter(|path| path.to_str().is_some_and(|path| path.ends_with("-linux-gnu"))).max();
    Ok(Binaries { folder, libraries })
}

/// The server's packages in the cache, with the libraries that this machine lacks.
fn packages(terminal: &Terminal) -> Result<Vec<PathBuf>> {
    let advice = "no PostgreSQL server is installed and none can be downloaded; on Debian and Ubuntu: apt-get install postgresql";
    let depends = || output(Command::new("apt-cache").args(["depends", "--important", "postgresql"]));
    // A fresh image knows no packages until it has asked for them, which only root may.
    let server = match depends() {
        Err(_) if geteuid().is_root() => run(Command::new("apt-get").arg("update")).and_then(|()| depends()),
        known => known,
    };
    let server = server.context(advice)?;
    let server = server.split_whitespace().find(|word| word.starts_with("postgresql-")).context(advice)?.to_owned();
    let name = format!("{server}-{}", std::env::consts::ARCH);
    let folder = ensure_folder(&name, terminal, |folder| {
        let step = terminal.step(format!("Downloading {server} (50 MB; only the first time)"));
        let plan = output(Command::new("apt-get").args(["--simulate", "--no-install-recommends", "install", &server]))?;
        let wanted = wanted(&plan, &server);
        run(Command::new("apt-get").arg("download").args(&wanted).current_dir(folder)).context(advice)?;
        step.done(&format!("Downloaded {server} with {} libraries", wanted.len().saturating_sub(1)));
        Ok(())
    })?;
    let mut packages: Vec<PathBuf> = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    packages.retain(|path| path.extension().is_some_and(|extension| extension == "deb"));
    packages.sort();
    Ok(packages)
}

/// The packages of a simulated installation that a server needs to run: itself and libraries, but no compiler and no Perl.
fn wanted(plan: &str, server: &str) -> Vec<String> {
    let planned = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split_whitespace().next().map(str::to_owned));
    let is_needed = |name: &String| {
        name == server || (name.starts_with("lib") && !["perl", "llvm", "clang"].iter().any(|part| name.contains(part)))
    };
    planned.filter(is_needed).collect()
}

fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_and_its_libraries_are_downloaded_and_nothing_else() {
        let plan = "Inst libllvm14 (1:14 Debian:12 [amd64])\nInst libpq5 (15.18 Debian [amd64])\nInst libjson-perl (4)\n\
                    Inst postgresql-common (248)\nInst postgresql-15 (15.18 Debian [amd64])\nConf libpq5 (15.18)\n";
        assert_eq!(wanted(plan, "postgresql-15"), ["libpq5", "postgresql-15"]);
    }

    #[test]
    fn the_newest_complete_server_is_taken() {
        let root = tempfile::tempdir().unwrap();
        for (version, programs) in
            [("9", ["postgres", "initdb"].as_slice()), ("15", &["postgres", "initdb"]), ("17", &["initdb"])]
        {
            let folder = root.path().join(INSTALLED).join(version).join("bin");
            fs::create_dir_all(&folder).unwrap();
            for program in programs {
                fs::write(folder.join(program), "").unwrap();
            }
        }
        assert_eq!(installed(root.path()), Some(root.path().join(INSTALLED).join("15/bin")));
        assert_eq!(installed(&root.path().join("nowhere")), None);
    }
}
