//! What the files of a crate import from each other.

use crate::{files, source};
use std::collections::{BTreeMap, BTreeSet};
use syn::{
    ItemMod, ItemUse, UseTree, Visibility,
    visit::{self, Visit},
};

/// The files of a crate, each with the files whose items it uses. A file goes by its module path: `http::request`; the
/// crate's root is the empty name.
///
/// A `pub use` is no import: it passes on an item and does not need it. An import by way of a `pub use` counts as one of the file
/// that defines the item.
pub struct Imports(BTreeMap<String, BTreeSet<String>>);

impl Imports {
    /// Reads the sources below `folder`, a crate's `src`.
    ///
    /// # Errors
    ///
    /// Returns the parser's complaint about a file that is not Rust.
    pub fn of(folder: &str) -> Result<Self, String> {
        let mut modules = BTreeMap::new();
        for path in files::below(folder, ".rs") {
            let file = source::parse(&path)?;
            modules.insert(module_name(&path[folder.len() + 1..]), Module::of(&file));
        }
        let imports = modules.iter().map(|(name, module)| {
            let used = module.paths.iter().filter_map(|path| defining_module(&modules, name, path));
            (name.clone(), used.filter(|used| used != name).collect())
        });
        Ok(Self(imports.collect()))
    }

    /// The largest set of files that all import each other, directly or by way of others; empty where there is none.
    pub fn largest_circle(&self) -> BTreeSet<&str> {
        let reachable: BTreeMap<&str, BTreeSet<&str>> = self.0.keys().map(|name| (name.as_str(), self.reachable(name))).collect();
        let circle = |name: &str| -> BTreeSet<&str> {
            let from_here = &reachable[name];
            from_here.iter().copied().filter(|other| reachable[other].contains(name)).collect()
        };
        reachable.keys().map(|name| circle(name)).max_by_key(BTreeSet::len).unwrap_or_default()
    }

    /// Every file that `name` imports, directly or by way of others.
    fn reachable(&self, name: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&str> = self.0[name].iter().map(String::as_str).collect();
        while let Some(next) = open.pop() {
            if found.insert(next) {
                open.extend(self.0[next].iter().map(String::as_str));
            }
        }
        found
    }
}

/// `http/request.rs` is `http::request`; `http/mod.rs` is `http`; `lib.rs` and `main.rs` are the root.
fn module_name(path: &str) -> String {
    let name = path.trim_end_matches(".rs").replace('/', "::");
    let name = name.strip_suffix("mod").map_or(name.as_str(), |folder| folder.trim_end_matches("::"));
    if matches!(name, "lib" | "main") { String::new() } else { name.to_owned() }
}

/// The paths that one file uses, and the names that it passes on with `pub use`.
#[derive(Default)]
struct Module {
    paths: Vec<Vec<String>>,
    passed_on: BTreeMap<String, Vec<String>>,
}

impl Module {
    fn of(file: &syn::File) -> Self {
        let mut module = Self::default();
        module.visit_file(file);
        module
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        if matches!(item.vis, Visibility::Inherited) {
            self.paths.extend(paths.into_iter().map(|(_, path)| path));
        } else {
            self.passed_on.extend(paths);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if matches!(segments.first().map(String::as_str), Some("crate" | "super" | "self")) && segments.len() > 1 {
            self.paths.push(segments);
        }
        visit::visit_path(self, path);
    }

    // An inline module has paths of its own, relative to itself: only unit tests have one.
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}
}

/// Each path of a use tree with the name that it binds.
fn flatten(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, found)),
        UseTree::Name(name) if name.ident == "self" => {
            found.push((before.last().cloned().unwrap_or_default(), before.clone()));
        }
        UseTree::Name(name) => {
            let path = [before.as_slice(), &[name.ident.to_string()]].concat();
            found.push((name.ident.to_string(), path));
        }
        UseTree::Rename(rename) => {
            let path = [before.as_slice(), &[rename.ident.to_string()]].concat();
            found.push((rename.rename.to_string(), path));
        }
        UseTree::Glob(_) => found.push(("*".to_owned(), before.clone())),
    }
}

/// The file of this crate that defines what `path`, written in the file `module`, names; `None` for another crate's item.
fn defining_module(modules: &BTreeMap<String, Module>, module: &str, path: &[String]) -> Option<String> {
    let (mut module, mut path) = (module.to_owned(), path.to_vec());
    // A name is passed on a few times at most.
    for _ in 0..8 {
        let absolute = absolute(modules, &module, &path)?;
        let (found, rest) = (0..=absolute.len()).rev().find_map(|length| {
            let name = absolute[..length].join("::");
            modules.contains_key(&name).then(|| (name, absolute[length..].to_vec()))
        })?;
        match rest.first().and_then(|name| modules[&found].passed_on.get(name)) {
            Some(target) => {
                path = [target.as_slice(), &rest[1..]].concat();
                module = found;
            }
            None => return Some(found),
        }
    }
    None
}

/// A path from the crate's root; `None` where it leads out of the crate.
fn absolute(modules: &BTreeMap<String, Module>, module: &str, path: &[String]) -> Option<Vec<String>> {
    let mut base: Vec<String> = module.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
    match path.first()?.as_str() {
        "crate" => Some(path[1..].to_vec()),
        "self" => Some([base.as_slice(), &path[1..]].concat()),
        "super" => {
            let ups = path.iter().take_while(|name| *name == "super").count();
            base.truncate(base.len().checked_sub(ups)?);
            Some([base.as_slice(), &path[ups..]].concat())
        }
        child => {
            base.push(child.to_owned());
            modules.contains_key(&base.join("::")).then(|| [&base[..base.len() - 1], path].concat())
        }
    }
}
