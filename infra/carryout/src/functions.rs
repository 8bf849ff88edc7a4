//! Builds the functions and places each as `target/functions/<name>/bootstrap`, where the template's `CodeUri`s point.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use local_cloud::{Project, Terminal};

/// Builds every crate below `functions/`. Returns how many changed.
pub fn build(project: &Project, terminal: &Terminal, release: bool) -> Result<usize> {
    let names = names(project)?;
    let placed = build_named(project, &names, release)?;
    let profile = profile(release);
    terminal.note(&format!("{} functions are in target/functions, {placed} of them changed ({profile})", names.len()));
    Ok(placed)
}

/// Builds one function. Returns whether it changed.
pub fn build_one(project: &Project, terminal: &Terminal, name: &str, release: bool) -> Result<bool> {
    let changed = build_named(project, &[name.to_owned()], release)? > 0;
    terminal.note(&format!("{name} is in target/functions{}", if changed { "" } else { ", unchanged" }));
    Ok(changed)
}

const fn profile(release: bool) -> &'static str {
    if release { "release" } else { "debug" }
}

fn build_named(project: &Project, names: &[String], release: bool) -> Result<usize> {
    cargo_build(project, names, release)?;

    let binaries = target_directory(project)?.join(profile(release));
    let mut placed = 0;
    for name in names {
        if place(&binaries.join(name), &project.functions_target(), name)? {
            placed += 1;
        }
    }
    Ok(placed)
}

/// The names of the functions: each folder below `functions/` with a manifest. Package and binary have the folder's name.
pub fn names(project: &Project) -> Result<Vec<String>> {
    let folder = project.root().join("functions");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .with_context(|| format!("cannot read {}", folder.display()))?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            path.join("Cargo.toml").is_file().then(|| Some(path.file_name()?.to_str()?.to_owned()))?
        })
        .collect();
    if names.is_empty() {
        bail!("there is no function to build: no folder below {} has a Cargo.toml", folder.display());
    }
    names.sort();
    Ok(names)
}

/// The source files that a function was last built from, with their times of change; none before its first build.
pub fn sources(target: &Path, name: &str) -> Result<Vec<(PathBuf, SystemTime)>> {
    let rules = target.join(profile(false)).join(format!("{name}.d"));
    let Ok(text) = fs::read_to_string(&rules) else { return Ok(Vec::new()) };
    let (_, files) = text.split_once(": ").with_context(|| format!("{} is not a rule of make", rules.display()))?;
    // Spaces in paths are escaped by a backslash.
    let files = files.lines().next().unwrap_or_default().replace("\\ ", "\0");
    let files = files.split(' ').map(|file| PathBuf::from(file.replace('\0', " ")));
    Ok(files.filter_map(|file| modified(&file).ok().map(|at| (file, at))).collect())
}

fn cargo_build(project: &Project, names: &[String], release: bool) -> Result<()> {
    let mut command = cargo(project);
    command.arg("build");
    if release {
        command.arg("--release");
    } else {
        // With the features of every other development build, so that nothing is compiled twice.
        command.args(["--package", "dev-features"]);
    }
    for name in names {
        command.args(["--package", name]);
    }
    let status = command.status().context("cannot run cargo; install Rust from rustup")?;
    if !status.success() {
        bail!("the functions do not build; cargo's message above says why");
    }
    Ok(())
}

fn cargo(project: &Project) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(project.root());
    command
}

/// The target directory by cargo, which reads `CARGO_TARGET_DIR` and every configuration file.
pub fn target_directory(project: &Project) -> Result<PathBuf> {
    let output = cargo(project)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo cannot read the workspace; its message above says why");
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cannot understand cargo's metadata")?;
    let directory = metadata.get("target_directory").and_then(Value::as_str).context("cargo names no target directory")?;
    Ok(PathBuf::from(directory))
}

/// Places a binary without its symbols, unless the same one lies there. Same means built at the same instant: the
/// placed file takes over the built file's time.
fn place(binary: &Path, functions: &Path, name: &str) -> Result<bool> {
    let built = modified(binary)
        .with_context(|| format!("{} was not built; its package and its binary must both be named {name}", binary.display()))?;
    let folder = functions.join(name);
    let bootstrap = folder.join("bootstrap");
    if modified(&bootstrap).ok() == Some(built) {
        return Ok(false);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Not in the function's folder, of which everything is deployed.
    let temporary = functions.join(format!(".{name}.tmp"));
    let stripped = Command::new("strip")
        .arg("-o")
        .args([&temporary, binary])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !stripped {
        fs::copy(binary, &temporary).with_context(|| format!("cannot copy {}", binary.display()))?;
    }
    File::options()
        .write(true)
        .open(&temporary)
        .and_then(|file| file.set_modified(built))
        .and_then(|()| fs::rename(&temporary, &bootstrap))
        .with_context(|| format!("cannot write {}", bootstrap.display()))?;
    Ok(true)
}

fn modified(path: &Path) -> Result<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_function_is_placed_once_per_build() {
        let folder = tempfile::tempdir().unwrap();
        let functions = folder.path().join("functions");
        let binary = folder.path().join("quote-price");
        fs::write(&binary, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();

        assert!(place(&binary, &functions, "quote-price").unwrap());
        assert!(!place(&binary, &functions, "quote-price").unwrap());
        let bootstrap = functions.join("quote-price/bootstrap");
        assert_eq!(fs::metadata(&bootstrap).unwrap().permissions().mode() & 0o111, 0o111);

        let later = SystemTime::now() + std::time::Duration::from_secs(60);
        File::options().write(true).open(&binary).unwrap().set_modified(later).unwrap();
        assert!(place(&binary, &functions, "quote-price").unwrap());
        // Nothing but the bootstrap is deployed.
        assert_eq!(fs::read_dir(functions.join("quote-price")).unwrap().count(), 1);
    }

    #[test]
    fn a_binary_under_another_name_is_explained() {
        let folder = tempfile::tempdir().unwrap();
        let error = place(&folder.path().join("gone"), folder.path(), "gone").unwrap_err();
        assert!(error.to_string().contains("must both be named gone"), "{error}");
    }
}
