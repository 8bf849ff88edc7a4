//! Rebuilds functions when their sources change, and replaces them on a running local cloud.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use local_cloud::{Project, Terminal};

use crate::lambda::{Functions, LIVE};
use crate::{deploy, functions};

/// The pause between two looks at the sources.
const POLL: Duration = Duration::from_millis(300);

/// A function and the state of its sources at its last build.
struct Watched {
    name: String,
    sources: Vec<(PathBuf, SystemTime)>,
}

/// Builds and replaces each function, then again after every change of its sources, until the process ends.
///
/// # Errors
///
/// If no local cloud is running, or a function is not deployed. A function that does not build is reported, and the next change
/// is awaited.
pub async fn watch(project: &Project, terminal: &Terminal, names: &[String]) -> Result<()> {
    let deployed = Functions::deployed(project, terminal).await?;
    ensure!(deployed.are_local(), "the stack is deployed to AWS; watch replaces functions on a local cloud only");
    let known = functions::names(project)?;
    for name in names {
        ensure!(known.contains(name), "there is no function {name}; there are: {}", known.join(", "));
    }
    let mut watched: Vec<Watched> = names.iter().map(|name| Watched { name: name.clone(), sources: Vec::new() }).collect();
    let target = functions::target_directory(project)?;
    loop {
        for function in &mut watched {
            let sources = functions::sources(&target, &function.name)?;
            if sources == function.sources && !sources.is_empty() {
                continue;
            }
            if let Err(error) = replace(project, terminal, &deployed, &function.name) {
                terminal.error(&error);
            }
            // A change during the build is found by the next look: these are the times from before it.
            function.sources = if sources.is_empty() { functions::sources(&target, &function.name)? } else { sources };
        }
        tokio::time::sleep(POLL).await;
    }
}

fn replace(project: &Project, terminal: &Terminal, deployed: &Functions<'_>, name: &str) -> Result<()> {
    let started = Instant::now();
    if !functions::build_one(project, terminal, name, false)? {
        return Ok(());
    }
    let version = deployed.publish(name, &deploy::zip_function(project, name)?)?;
    deployed.point(name, LIVE, &version)?;
    terminal.note(&format!("{name} is version {version}, {:.1} s after the change", started.elapsed().as_secs_f64()));
    Ok(())
}
