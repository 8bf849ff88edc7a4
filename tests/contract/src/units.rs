//! What cargo would compile for a command, without compiling it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

use crate::files;

/// One compilation of a target of a package: what it is, and everything that makes it another compilation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Compilation {
    /// The package's id.
    pub package: String,
    /// The target's name.
    pub target: String,
    /// The target's kind.
    pub kind: String,
    /// `build`, `test` or `run-custom-build`.
    pub mode: String,
}

/// How a compilation differs from another one of the same target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    /// The features that are on.
    pub features: BTreeSet<String>,
    /// The profile, without its name.
    pub profile: String,
    /// The variants of its dependencies, hashed.
    dependencies: u64,
}

/// What some commands compile: each compilation, its variants, and the commands that need each variant.
#[derive(Debug, Default)]
pub struct Compilations(BTreeMap<Compilation, BTreeMap<Variant, BTreeSet<String>>>);

#[derive(Debug, Deserialize)]
struct Graph {
    version: u32,
    units: Vec<Unit>,
}

#[derive(Debug, Deserialize)]
struct Unit {
    pkg_id: String,
    target: Target,
    profile: BTreeMap<String, Value>,
    features: BTreeSet<String>,
    mode: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    index: usize,
}

impl Compilations {
    /// Adds what `cargo` with these arguments compiles, under the name of a command.
    ///
    /// # Errors
    ///
    /// Cargo's own message, or that it writes another version of the graph.
    pub fn add(&mut self, command: &str, arguments: &[&str]) -> Result<(), String> {
        let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .current_dir(files::root())
            .args(arguments)
            .args(["--offline", "--unit-graph", "-Zunstable-options"])
            // The graph is an unstable output. Nothing is compiled under this variable.
            .env("RUSTC_BOOTSTRAP", "1")
            .output()
            .map_err(|error| format!("cannot run cargo: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let graph: Graph = serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo's unit graph: {error}"))?;
        if graph.version != 1 {
            return Err(format!("cargo writes version {} of its unit graph, and this test reads version 1", graph.version));
        }
        let mut variants = HashMap::new();
        for index in 0..graph.units.len() {
            let variant = variant(&graph.units, index, &mut variants);
            let unit = &graph.units[index];
            let compilation = Compilation {
                package: unit.pkg_id.clone(),
                target: unit.target.name.clone(),
                kind: unit.target.kind.join(","),
                mode: unit.mode.clone(),
            };
            self.0.entry(compilation).or_default().entry(variant).or_default().insert(command.to_owned());
        }
        Ok(())
    }

    /// The compilations of which there is more than one variant.
    pub fn repeated(&self) -> impl Iterator<Item = (&Compilation, &BTreeMap<Variant, BTreeSet<String>>)> {
        self.0.iter().filter(|(compilation, variants)| variants.len() > 1 && compilation.mode != "run-custom-build")
    }

    /// How many compilations there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn variant(units: &[Unit], index: usize, known: &mut HashMap<usize, Variant>) -> Variant {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    if let Some(variant) = known.get(&index) {
        return variant.clone();
    }
    let unit = &units[index];
    let mut below: Vec<_> = unit
        .dependencies
        .iter()
        .map(|dependency| {
            let Variant { features, profile, dependencies } = variant(units, dependency.index, known);
            let of = &units[dependency.index];
            (&of.pkg_id, &of.target.name, &of.mode, features, profile, dependencies)
        })
        .collect();
    below.sort();
    let mut hasher = DefaultHasher::new();
    below.hash(&mut hasher);
    // Cargo shares compilations between profiles that differ by name only.
    let profile: BTreeMap<_, _> = unit.profile.iter().filter(|(name, _)| name.as_str() != "name").collect();
    let variant = Variant { features: unit.features.clone(), profile: format!("{profile:?}"), dependencies: hasher.finish() };
    known.insert(index, variant.clone());
    variant
}
