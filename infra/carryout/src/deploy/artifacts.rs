//! Zips the functions before the AWS CLI would: it would zip every folder anew for every deployment, one after the other.
//!
//! The zips take the place of the folders in a tree beside the project that looks like it: `.carryout/package/infra` for
//! `infra`, and `.carryout/package/target/functions/<name>`, a zip, for the folder of that name. Relative paths in the
//! templates then mean the zips, and the templates themselves stay as they are.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use anyhow::{Context as _, Result, anyhow};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use local_cloud::Project;

/// Brings the tree of zips up to date, and names its root.
pub fn stage(project: &Project) -> Result<PathBuf> {
    let root = project.root().canonicalize().context("cannot read the project's root")?;
    let tree = project.state_dir()?.join("package");
    mirror(&root, &tree, "target")?;
    fs::create_dir_all(tree.join("target")).context("cannot create the tree of packages")?;
    mirror(&root.join("target"), &tree.join("target"), "functions").or_else(ignore_missing)?;
    zip_functions(&project.functions_target(), &tree.join("target/functions"))?;
    Ok(tree)
}

/// Brings the zip of one function up to date, and names it.
pub fn zip_function(project: &Project, name: &str) -> Result<PathBuf> {
    let zips = project.state_dir()?.join("package/target/functions");
    fs::create_dir_all(&zips).with_context(|| format!("cannot create {}", zips.display()))?;
    let zip = zips.join(name);
    zip_bootstrap(&project.functions_target().join(name).join("bootstrap"), &zip)?;
    Ok(zip)
}

/// A project without a `target` has nothing to show there.
fn ignore_missing(error: anyhow::Error) -> Result<()> {
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::NotFound) => Ok(()),
        _ => Err(error),
    }
}

/// Links every entry of `from` into `to`, except the one that is replaced and hidden ones.
fn mirror(from: &Path, to: &Path, replaced: &str) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        if name == replaced || name.to_string_lossy().starts_with('.') {
            continue;
        }
        let link = to.join(&name);
        if fs::read_link(&link).is_ok_and(|target| target == from.join(&name)) {
            continue;
        }
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(from.join(&name), &link).with_context(|| format!("cannot create {}", link.display()))?;
    }
    Ok(())
}

/// Brings every zip up to date, on all cores, and removes those whose function is gone.
fn zip_functions(functions: &Path, zips: &Path) -> Result<()> {
    fs::create_dir_all(zips).with_context(|| format!("cannot create {}", zips.display()))?;
    let names: Vec<_> = fs::read_dir(functions)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok())
        .filter(|entry| entry.path().join("bootstrap").is_file())
        .map(|entry| entry.file_name())
        .collect();
    for entry in fs::read_dir(zips).with_context(|| format!("cannot read {}", zips.display()))?.flatten() {
        if !names.contains(&entry.file_name()) {
            fs::remove_file(entry.path()).with_context(|| format!("cannot remove {}", entry.path().display()))?;
        }
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            zip_bootstrap(&functions.join(name).join("bootstrap"), &zips.join(name))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| anyhow!("a packaging thread panicked"))?)
    })
}

/// Zips one function unless its zip is current: the zip takes over the bootstrap's time. The zip's content depends on the
/// bootstrap alone, so that an unchanged function has an unchanged hash and is not uploaded again.
fn zip_bootstrap(bootstrap: &Path, zip: &Path) -> Result<()> {
    let built = modified(bootstrap)?;
    if modified(zip).ok() == Some(built) {
        return Ok(());
    }
    let temporary = zip.with_extension("tmp");
    let write = || -> Result<()> {
        let mut archive = ZipWriter::new(BufWriter::new(File::create(&temporary)?));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .last_modified_time(DateTime::default())
            .unix_permissions(0o755);
        archive.start_file("bootstrap", options)?;
        io::copy(&mut BufReader::with_capacity(1 << 20, File::open(bootstrap)?), &mut archive)?;
        let file = archive.finish()?.into_inner().context("cannot finish the zip")?;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        file.set_modified(built)?;
        fs::rename(&temporary, zip)?;
        Ok(())
    };
    write().with_context(|| format!("cannot zip {}", bootstrap.display()))
}

fn modified(path: &Path) -> Result<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bootstrap_gives_the_same_zip_whenever_it_was_built() {
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = folder.path().join("bootstrap");
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::write(&bootstrap, "#!/bin/sh\n").unwrap();
        zip_bootstrap(&bootstrap, &one).unwrap();
        File::options()
            .write(true)
            .open(&bootstrap)
            .unwrap()
            .set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000))
            .unwrap();
        zip_bootstrap(&bootstrap, &two).unwrap();
        assert_eq!(fs::read(one).unwrap(), fs::read(two).unwrap());
    }

    #[test]
    fn zips_stand_where_the_template_looks_for_folders() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        for folder in ["infra/local", "infra/templates", "statemachines", "target/functions/quote-price"] {
            fs::create_dir_all(path.join(folder)).unwrap();
        }
        fs::write(path.join("infra/local/ministack-requirements.txt"), "").unwrap();
        fs::write(path.join("infra/templates/checkout.yaml"), "Resources: {}").unwrap();
        fs::write(path.join("statemachines/checkout.asl.json"), "{}").unwrap();
        fs::write(path.join("target/functions/quote-price/bootstrap"), "x").unwrap();
        let project = Project::containing(&path).unwrap();

        let beside = stage(&project).unwrap();
        assert!(beside.join("target/functions/quote-price").is_file());
        assert!(beside.join("statemachines/checkout.asl.json").is_file());
        assert_eq!(fs::read_to_string(beside.join("infra/templates/checkout.yaml")).unwrap(), "Resources: {}");

        fs::remove_dir_all(path.join("target/functions/quote-price")).unwrap();
        stage(&project).unwrap();
        assert!(!beside.join("target/functions/quote-price").exists());
    }
}
