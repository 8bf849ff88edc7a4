//! The CloudFormation stacks of Carryout.
//!
//! `infra/stacks/<stack>.yaml` describes a stack: one short entry per function, state machine, queue, table and secret.
//! [`generate`] writes the templates that are reviewed and deployed, `infra/templates/<stack>.yaml`. Blocks that every function
//! or queue needs (log group, alarms, dead letters, policies) are written once, here.
//!
//! Stacks are separate, not nested. A stack's inputs are its parameters; each is an output of a stack that is deployed before it,
//! see [`Plan`].

mod alarm;
mod api;
mod data;
mod description;
mod environment;
mod expression;
mod function;
mod logical_id;
mod machine;
mod page;
mod plan;
mod registry;
mod stack;
pub mod template;
pub mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use self::description::Description;
pub use self::logical_id::logical_id;
pub use self::plan::Plan;
use self::registry::Registry;
pub use self::template::Template;

/// The folder of the descriptions, below the root of the checkout.
pub const DESCRIPTIONS: &str = "infra/stacks";
/// The folder of the templates, below the root of the checkout.
pub const TEMPLATES: &str = "infra/templates";
/// The most resources that a stack may have after the SAM transform. CloudFormation refuses more than 500; a stack that a
/// reviewer can take in has far fewer.
pub const RESOURCE_LIMIT: usize = 150;

/// Why the stacks cannot be generated or read.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not YAML, or has a field of another name or type.
    #[error("{file}: {problem}")]
    Malformed {
        /// The file, below the root of the checkout.
        file: String,
        /// What is wrong.
        problem: String,
    },
    /// An entry names something that does not exist.
    #[error("{stack}: {place} names {name}, which is {expected}")]
    Unknown {
        /// The stack.
        stack: String,
        /// The entry.
        place: String,
        /// The name.
        name: String,
        /// What was expected.
        expected: &'static str,
    },
    /// The stacks' inputs form a circle.
    #[error("these stacks wait for each other's outputs: {0}")]
    Circle(String),
}

/// Writes the template of every stack: text by the stack's name.
///
/// # Errors
///
/// Where a description cannot be read or names something that does not exist.
pub fn generate(root: &Path) -> Result<BTreeMap<String, String>, StackError> {
    let registry = Registry::load(root)?;
    registry.stacks.keys().map(|name| Ok((name.clone(), stack::template(&registry, name)?))).collect()
}

/// The path of a stack's template, below the root of the checkout.
pub fn template_path(stack: &str) -> String {
    format!("{TEMPLATES}/{stack}.yaml")
}

fn read(root: &Path, path: &str) -> Result<String, StackError> {
    let file = root.join(path);
    std::fs::read_to_string(&file).map_err(|source| StackError::Unreadable { path: file, source })
}

/// The names of the YAML files in a folder, without their ending, sorted.
fn yaml_files(root: &Path, folder: &str) -> Result<Vec<String>, StackError> {
    let path = root.join(folder);
    let entries = std::fs::read_dir(&path).map_err(|source| StackError::Unreadable { path: path.clone(), source })?;
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".yaml").map(str::to_owned)).collect();
    names.sort();
    Ok(names)
}
