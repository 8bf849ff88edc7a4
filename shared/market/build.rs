//! Embeds every file of `markets/` and `workflows/`, so that opening a market takes one file.

use std::{env, fmt::Write as _, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let files = embed("markets", "files.rs")?;
    embed("workflows/orders", "orders.rs")?;
    embed("workflows/refunds", "refunds.rs")?;
    let mut ids = String::new();
    for name in files {
        let id = name.to_uppercase();
        let constant = id.replace('-', "_");
        writeln!(ids, "/// The market in `markets/{name}.json`.").map_err(io::Error::other)?;
        writeln!(ids, "pub const {constant}: MarketId = MarketId::literal(\"{id}\");").map_err(io::Error::other)?;
    }
    fs::write(variable("OUT_DIR")?.join("ids.rs"), ids)
}

/// Writes the list of a folder's JSON files, name and text, and returns their names.
fn embed(folder: &str, list_file: &str) -> io::Result<Vec<String>> {
    let folder = variable("CARGO_MANIFEST_DIR")?.join(folder);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let (mut list, mut names) = ("&[\n".to_owned(), Vec::new());
    for file in &files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string()).map_err(io::Error::other)?;
        names.push(name);
    }
    list.push(']');
    fs::write(variable("OUT_DIR")?.join(list_file), list)?;
    Ok(names)
}

fn variable(name: &str) -> io::Result<PathBuf> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("{name} is not set")))
}
