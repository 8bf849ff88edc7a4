//! Python environments with pinned packages, kept in the user's cache and shared by every checkout that pins the same.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use aws_lc_rs::digest;

use crate::project;
use crate::terminal::Terminal;

/// Written last: a folder without it is a half-made one, to be made again.
const COMPLETE: &str = ".complete";

/// A Python version, for example `3.11`. Only what decides whether pinned packages install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
}

impl FromStr for Version {
    type Err = anyhow::Error;

    /// Reads `3.11`, `3.11.7` and `3.14.0rc1` alike.
    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.trim().splitn(3, '.').map(str::parse);
        match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self { major, minor }),
            _ => bail!("`{text}` is not a Python version"),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A virtual environment to be made from a requirements file.
#[derive(Debug)]
pub struct Environment<'a> {
    /// What it is for; the first part of its folder's name.
    pub name: &'a str,
    /// A full `pip freeze`: every package, every version.
    pub requirements: &'a Path,
    /// The oldest Python that these versions install on and run with.
    pub minimum: Version,
    /// How much is downloaded the first time, for people.
    pub size: &'a str,
}

impl Environment<'_> {
    /// Makes the environment unless it is there, and returns its `bin` folder. A changed pin makes another one.
    pub fn ensure(&self, terminal: &Terminal, log: &Path) -> Result<PathBuf> {
        let pins = fs::read(self.requirements)
            .with_context(|| format!("cannot read the pinned packages in {}", self.requirements.display()))?;
        let folder = ensure_folder(&format!("{}-{}", self.name, fingerprint(&pins)), terminal, |folder| {
            let python = find(self.minimum)?;
            let step = terminal.step(format!("Installing {} ({}; only the first time)", self.name, self.size));
            self.create(&python, folder, log)?;
            step.done(&format!("Installed {} in {}", self.name, folder.display()));
            Ok(())
        })?;
        Ok(folder.join("bin"))
    }

    fn create(&self, python: &Path, folder: &Path, log: &Path) -> Result<()> {
        let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        run(Command::new(python).args(["-m", "venv"]).arg(folder), &output, log)
            .context("cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv")?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--requirement"]).arg(self.requirements);
        run(&mut pip, &output, log)
            .with_context(|| format!("cannot install {}; check the network and run the same command again", self.name))
    }
}

/// A folder in the cache that is made at most once, however many runs want it at the same time and however they end.
///
/// `make` gets an empty folder at its final place (virtual environments hold their own path, so they cannot be moved).
pub fn ensure_folder(name: &str, terminal: &Terminal, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = project::cache_dir()?;
    let folder = cache.join(name);
    if is_complete(&folder) {
        return Ok(folder);
    }
    let _lock = project::lock(&cache.join(format!("{name}.lock")), terminal)?;
    if is_complete(&folder) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove the half-made {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    make(&folder)?;
    project::write_atomically(&folder.join(COMPLETE), b"", 0o644)?;
    Ok(folder)
}

/// An environment whose interpreter was uninstalled is as useless as a half-made one.
fn is_complete(folder: &Path) -> bool {
    let interpreter = folder.join("bin/python");
    folder.join(COMPLETE).is_file() && (interpreter.is_file() || interpreter.symlink_metadata().is_err())
}

/// Twelve hexadecimal digits that change when the pins do.
fn fingerprint(pins: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, pins);
    hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The first interpreter that is recent enough and can make virtual environments.
fn find(minimum: Version) -> Result<PathBuf> {
    let mut seen = Vec::new();
    for candidate in candidates() {
        match probe(&candidate) {
            Some(version) if version >= minimum => return Ok(candidate),
            Some(version) => seen.push(format!("{version} ({})", candidate.display())),
            None => {}
        }
    }
    seen.dedup();
    let found = if seen.is_empty() { "found none".to_owned() } else { format!("found {}", seen.join(", ")) };
    bail!(
        "Python {minimum} or later with its venv module is needed, {found}; install it (Debian and Ubuntu: \
         apt-get install python3 python3-venv; or: pyenv install {minimum}), or name one by CARRYOUT_PYTHON"
    )
}

fn candidates() -> Vec<PathBuf> {
    let mut candidates = Vec::new();
    if let Some(chosen) = std::env::var_os("CARRYOUT_PYTHON") {
        candidates.push(PathBuf::from(chosen));
    }
    candidates.push("python3".into());
    candidates.extend((11..=14).rev().map(|minor| PathBuf::from(format!("python3.{minor}"))));
    let versions = std::env::home_dir().map(|home| home.join(".pyenv/versions"));
    let mut pyenv: Vec<PathBuf> = versions
        .and_then(|folder| fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/python3")))
        .collect();
    pyenv.sort();
    candidates.extend(pyenv.into_iter().rev());
    candidates
}

fn probe(python: &Path) -> Option<Version> {
    let script = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])";
    let output = Command::new(python).args(["-c", script]).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).parse().ok())?
}

/// Runs an installer with its output in a log, whose end becomes the error.
pub fn run(command: &mut Command, output: &File, log: &Path) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .stdout(output.try_clone().context("cannot share the log file")?)
        .stderr(output.try_clone().context("cannot share the log file")?)
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        bail!("{program} failed ({status}); the end of {}:\n{}", log.display(), tail(log, 12));
    }
    Ok(())
}

/// The last lines of a log file.
pub fn tail(log: &Path, lines: usize) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_not_by_text() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        assert!(version("3.9.18") < version("3.11"));
        assert_eq!(version("3.14.0rc1\n"), Version { major: 3, minor: 14 });
        assert!("Python".parse::<Version>().is_err());
        assert!("3".parse::<Version>().is_err());
    }

    #[test]
    fn a_changed_pin_makes_another_environment() {
        let one = fingerprint(b"ministack==1.5.33\n");
        assert_eq!(one, fingerprint(b"ministack==1.5.33\n"));
        assert_ne!(one, fingerprint(b"ministack==1.5.34\n"));
        assert_eq!(one.len(), 12);
    }

    #[test]
    fn a_folder_without_its_mark_or_its_interpreter_is_incomplete() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_complete(folder.path()));

        fs::write(folder.path().join(COMPLETE), "").unwrap();
        assert!(is_complete(folder.path()));

        fs::create_dir(folder.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("/gone/python3", folder.path().join("bin/python")).unwrap();
        assert!(!is_complete(folder.path()));
    }

    #[test]
    fn the_tail_of_a_short_log_is_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "a\nb\nc\n").unwrap();
        assert_eq!(tail(&log, 2), "b\nc");
        assert_eq!(tail(&log, 9), "a\nb\nc");
    }
}
