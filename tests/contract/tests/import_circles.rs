//! Files of a crate that import each other in a circle can only be read, moved and compiled together: a circle is small.
#![expect(clippy::expect_used, reason = "a file that can't be read fails the test, and says why")]

use contract::{files, findings::Findings, imports::Imports};

/// Files in a circle of imports, at most.
const LIMIT: usize = 3;

/// Crates whose largest circle is above the limit, with its size. Lower a number as the circle shrinks.
const KNOWN: &[(&str, usize)] = &[("shared/lambda", 4)];

#[test]
fn import_circles_are_small() {
    let mut findings = Findings::new();
    for folder in crates() {
        let imports = Imports::of(&format!("{folder}/src")).expect("the sources are Rust");
        let circle = imports.largest_circle();
        let known = KNOWN.iter().find(|(name, _)| *name == folder).map(|(_, size)| *size);
        let names: Vec<&str> = circle.iter().map(|name| if name.is_empty() { "(root)" } else { name }).collect();
        match known {
            None => findings.check(circle.len() <= LIMIT, || {
                format!(
                    "{folder}: {} files import each other, {LIMIT} may: move what they share to a file of its own: {}",
                    circle.len(),
                    names.join(", ")
                )
            }),
            Some(size) => findings.check(circle.len() > LIMIT && circle.len() <= size, || {
                let to_do =
                    if circle.len() <= LIMIT { "remove it from KNOWN" } else { "cut the circle, do not raise the number" };
                format!(
                    "{folder}: the largest circle has {} files, KNOWN says {size}: {to_do}: {}",
                    circle.len(),
                    names.join(", ")
                )
            }),
        }
    }
    findings.conclude();
}

/// Every crate of the workspace that has sources, by its folder.
fn crates() -> Vec<String> {
    let groups = ["shared", "functions", "infra", "tests"];
    let folders = groups.iter().flat_map(|group| files::list(group).into_iter().map(move |name| format!("{group}/{name}")));
    folders.filter(|folder| files::root().join(folder).join("src").is_dir()).collect()
}
