//! What is remembered of a local cloud between two commands: `.carryout/cloud.json`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::process::{self, ProcessIdentity};
use crate::project::{self, Project};

/// What plays AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Emulator {
    /// MiniStack, a light Python process
    Ministack,
    /// LocalStack community 4.14.0, in Docker or on the host
    Localstack,
}

impl fmt::Display for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ministack => "MiniStack",
            Self::Localstack => "LocalStack",
        })
    }
}

/// Where a local cloud runs, which decides how it is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Home {
    /// About to be started. Written first, so that even a run that dies on the spot leaves a trace to clean up by.
    Starting,
    /// A process of ours and its children.
    Process {
        /// The process that leads it.
        leader: ProcessIdentity,
    },
    /// A Docker container of ours.
    Container {
        /// The container's name.
        name: String,
    },
    /// Somebody else's: used, never stopped.
    Elsewhere,
}

/// A local cloud as this project knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The mark that every process of it carries.
    pub id: String,
    /// Which emulator it is; unknown for one that runs elsewhere.
    pub emulator: Option<Emulator>,
    /// The URL that this machine reaches it by.
    pub endpoint: String,
    /// The URL that functions inside it reach it by; differs where they run in containers.
    pub function_endpoint: String,
    /// Whether it refuses what IAM policies do not allow.
    pub enforce_iam: bool,
    /// Where it runs.
    pub home: Home,
    /// What it writes to standard output and error.
    pub log: Option<PathBuf>,
}

impl Record {
    /// The record of this project's local cloud, where there is one.
    pub fn read(project: &Project) -> Result<Option<Self>> {
        let path = path(project)?;
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .with_context(|| format!("cannot understand {}; remove it and run `carryout dev down`", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Remembers this cloud.
    pub fn write(&self, project: &Project) -> Result<()> {
        project::write_atomically(&path(project)?, &serde_json::to_vec_pretty(self)?, 0o600)
    }

    /// Forgets the cloud.
    pub fn remove(project: &Project) -> Result<()> {
        let path = path(project)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Every process of this cloud that runs now.
    pub fn processes(&self) -> Vec<ProcessIdentity> {
        let mut all = process::marked(process::CLOUD_ID, &self.id);
        if let Home::Process { leader } = self.home {
            all.extend(Some(leader).filter(|leader| leader.is_alive()));
            all.extend(process::descendants(leader));
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The log's path as people type it: relative to the project.
    pub fn log_for(&self, project: &Project) -> Option<String> {
        let log = self.log.as_deref()?;
        Some(log.strip_prefix(project.root()).unwrap_or(log).display().to_string())
    }
}

fn path(project: &Project) -> Result<PathBuf> {
    Ok(Path::new(&project.state_dir()?).join("cloud.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, Project) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("infra/local")).unwrap();
        fs::write(root.path().join("infra/local/ministack-requirements.txt"), "").unwrap();
        let project = Project::containing(root.path()).unwrap();
        (root, project)
    }

    #[test]
    fn a_record_survives_between_commands_and_can_be_forgotten() {
        let (_root, project) = project();
        assert_eq!(Record::read(&project).unwrap(), None);

        let record = Record {
            id: "abc".to_owned(),
            emulator: Some(Emulator::Ministack),
            endpoint: "http://127.0.0.1:4566".to_owned(),
            function_endpoint: "http://127.0.0.1:4566".to_owned(),
            enforce_iam: false,
            home: Home::Process { leader: ProcessIdentity { pid: 7, start_time: 42 } },
            log: Some(project.root().join(".carryout/ministack.log")),
        };
        record.write(&project).unwrap();
        assert_eq!(Record::read(&project).unwrap(), Some(record.clone()));
        assert_eq!(record.log_for(&project).as_deref(), Some(".carryout/ministack.log"));

        Record::remove(&project).unwrap();
        Record::remove(&project).unwrap();
        assert_eq!(Record::read(&project).unwrap(), None);
    }

    #[test]
    fn a_recorded_pid_that_now_belongs_to_another_process_is_not_ours() {
        let own = ProcessIdentity::of(std::process::id().cast_signed()).unwrap();
        let record = Record {
            id: "nobody-carries-this".to_owned(),
            emulator: Some(Emulator::Ministack),
            endpoint: String::new(),
            function_endpoint: String::new(),
            enforce_iam: false,
            home: Home::Process { leader: ProcessIdentity { start_time: own.start_time + 1, ..own } },
            log: None,
        };
        assert!(record.processes().is_empty());
    }
}
