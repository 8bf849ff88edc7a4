//! The commands of the Makefile and of `carryout` compile each crate once.
#![expect(clippy::expect_used, reason = "a command that cargo refuses fails the test, and says why")]

use contract::files;
use contract::findings::Findings;
use contract::units::{Compilations, Variant};

/// The packages of `make unit`, as the Makefile selects them.
fn pure() -> Vec<String> {
    let makefile = files::read("Makefile");
    let impure: Vec<&str> = makefile
        .lines()
        .find_map(|line| line.strip_prefix("IMPURE := "))
        .expect("the Makefile says what `make unit` leaves out")
        .split_whitespace()
        .collect();
    files::list("shared")
        .into_iter()
        .filter(|name| !impure.contains(&name.as_str()))
        .map(|name| format!("carryout-{name}"))
        .collect()
}

fn build<'a>(verb: &[&'a str], packages: &'a [String]) -> Vec<&'a str> {
    verb.iter().copied().chain(packages.iter().flat_map(|package| ["--package", package.as_str()])).collect()
}

#[test]
fn no_crate_is_compiled_twice_in_the_dev_profile() {
    let functions: Vec<String> = files::functions().into_iter().chain(["dev-features".to_owned()]).collect();
    let pure: Vec<String> = pure().into_iter().chain(["dev-features".to_owned()]).collect();
    let mut compilations = Compilations::default();
    for (name, arguments) in [
        // Before every other command.
        ("cargo run -p carryout", vec!["build", "--package", "carryout"]),
        ("carryout dev build", build(&["build"], &functions)),
        // And `make e2e`.
        ("make test", vec!["test", "--no-run", "--workspace"]),
        ("make unit", build(&["test", "--no-run"], &pure)),
        ("make bench", vec!["build", "--package", "bench"]),
    ] {
        compilations.add(name, &arguments).expect("cargo tells what it would compile");
    }

    let mut findings = Findings::new();
    for (compilation, variants) in compilations.repeated() {
        let first = variants.keys().next().expect("there are several");
        let differs = |name: &dyn Fn(&Variant) -> String| variants.keys().any(|other| name(other) != name(first));
        // A crate that differs by its dependencies only follows from one that differs by itself.
        if differs(&|variant| format!("{:?}", variant.features)) || differs(&|variant| variant.profile.clone()) {
            let all =
                variants.keys().map(|variant| variant.features.clone()).reduce(|all, more| &all & &more).unwrap_or_default();
            let each = variants.iter().map(|(variant, commands)| format!("{:?} in {commands:?}", &variant.features - &all));
            findings.add(format!(
                "{} ({}) is compiled {} times, with {}: name its features in infra/dev-features/Cargo.toml",
                compilation.package.rsplit('/').next().unwrap_or_default(),
                compilation.kind,
                variants.len(),
                each.collect::<Vec<_>>().join(", and with ")
            ));
        }
    }
    findings.check(compilations.repeated().next().is_none(), || {
        format!("{} of {} compilations are repeated", compilations.repeated().count(), compilations.len())
    });
    findings.conclude();
}
