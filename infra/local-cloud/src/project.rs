//! Where things are: the project's root, its `.carryout/` folder, and the user's cache.

use std::fs::{self, File, Permissions, TryLockError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::terminal::Terminal;

/// A file that only this project has, by which its root is recognised.
const LANDMARK: &str = "infra/local/ministack-requirements.txt";

/// The checkout that the command works on.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
}

impl Project {
    /// Finds the checkout that holds the current directory.
    pub fn find() -> Result<Self> {
        let current = std::env::current_dir().context("cannot read the current directory")?;
        Self::containing(&current)
    }

    /// Finds the checkout that holds `directory`.
    pub fn containing(directory: &Path) -> Result<Self> {
        for folder in directory.ancestors() {
            if folder.join(LANDMARK).is_file() {
                return Ok(Self { root: folder.to_owned() });
            }
        }
        bail!(
            "{} is not inside a Carryout checkout (no {LANDMARK} in it or above it); change into one and try again",
            directory.display()
        )
    }

    /// The root of the checkout.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Files that the local clouds are made from: pinned requirements and the LocalStack launcher.
    pub fn local_dir(&self) -> PathBuf {
        self.root.join("infra/local")
    }

    /// Where `carryout dev build` places what the template's `CodeUri`s point to.
    pub fn functions_target(&self) -> PathBuf {
        self.root.join("target/functions")
    }

    /// `.carryout/`: this machine's state, ignored by git. Created readable by its owner only, since the issuer's
    /// private key lies in it.
    pub fn state_dir(&self) -> Result<PathBuf> {
        let directory = self.root.join(".carryout");
        if !directory.is_dir() {
            fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
            fs::set_permissions(&directory, Permissions::from_mode(0o700))
                .with_context(|| format!("cannot protect {}", directory.display()))?;
        }
        Ok(directory)
    }

    /// Where the issuer's key pair lies.
    pub fn issuer_key(&self) -> Result<PathBuf> {
        Ok(self.state_dir()?.join("issuer.pk8"))
    }

    /// Where `deploy` writes the stack's outputs for programs to read.
    pub fn stack_file(&self) -> Result<PathBuf> {
        Ok(self.state_dir()?.join("stack.json"))
    }

    /// Waits until no other `carryout` changes this project's local cloud; the lock ends with the returned file.
    pub fn lock(&self, terminal: &Terminal) -> Result<File> {
        lock(&self.state_dir()?.join("lock"), terminal)
    }
}

/// Takes the exclusive lock on `path`, waiting for its holder and saying so. Dropping the file (or dying) releases it.
pub fn lock(path: &Path, terminal: &Terminal) -> Result<File> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .with_context(|| format!("cannot open the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            terminal.note(&format!("Waiting for another carryout, which holds {}", path.display()));
            file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    Ok(file)
}

/// Replaces `path` in one step, so that a reader (or a crash) never meets half a file.
pub fn write_atomically(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || -> std::io::Result<()> {
        let mut file = File::options().create(true).truncate(true).write(true).mode(mode).open(&temporary)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

/// The user's cache for this tool: `$XDG_CACHE_HOME/carryout`, else `~/.cache/carryout`.
pub fn cache_dir() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set; set one so that downloads have a place")?;
    let directory = base.join("carryout");
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_root_from_a_folder_below_it() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("functions/quote-price/src");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir_all(root.path().join("infra/local")).unwrap();
        fs::write(root.path().join(LANDMARK), "").unwrap();

        assert_eq!(Project::containing(&deep).unwrap().root(), root.path());
    }

    #[test]
    fn outside_a_checkout_the_error_says_where_to_go() {
        let elsewhere = tempfile::tempdir().unwrap();
        let error = Project::containing(elsewhere.path()).unwrap_err().to_string();
        assert!(error.contains("change into one"), "{error}");
    }

    #[test]
    fn replaced_files_keep_the_asked_mode_and_leave_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("issuer.pk8");
        write_atomically(&path, b"one", 0o600).unwrap();
        write_atomically(&path, b"two", 0o600).unwrap();

        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
