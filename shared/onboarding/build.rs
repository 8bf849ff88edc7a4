//! Embeds every market file, so that a new market is a file in `markets/` and nothing else.

use std::{env, fmt::Write as _, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let variable =
        |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| io::Error::other(format!("{name} is not set")));
    let markets = variable("CARGO_MANIFEST_DIR")?.join("markets");
    println!("cargo::rerun-if-changed={}", markets.display());
    let mut files: Vec<PathBuf> =
        fs::read_dir(&markets)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut list = "&[\n".to_owned();
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string()).map_err(io::Error::other)?;
    }
    list.push(']');
    fs::write(variable("OUT_DIR")?.join("markets.rs"), list)
}
