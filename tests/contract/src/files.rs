//! Where things lie in the checkout.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// The text of a file, by its path below the root. A file that can't be read is an empty text with a complaint in it, so
/// that whoever looks for something in it says what is missing.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| format!("{path} can't be read: {error}"))
}

/// The names of what a folder holds, sorted.
pub fn list(path: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(path)).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The folders below `functions/`: one per Lambda.
pub fn functions() -> Vec<String> {
    list("functions").into_iter().filter(|name| root().join("functions").join(name).is_dir()).collect()
}

/// Every file below a folder whose name ends with `suffix`, as paths below the root, sorted.
pub fn below(folder: &str, suffix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in list(folder) {
        let path = format!("{folder}/{name}");
        if root().join(&path).is_dir() {
            found.extend(below(&path, suffix));
        } else if name.ends_with(suffix) {
            found.push(path);
        }
    }
    found
}
