//! Compiles the workflows into `statemachines/*.asl.json`.

use anyhow::{Context as _, Result, bail};
use carryout_checkout::workflows::{orchestrators, state_machine};
use carryout_onboarding::wait::{WAIT_MACHINE, wait_machine};

use local_cloud::{Project, Terminal, project};

/// Writes every state machine; with `check`, only tells whether the files are current.
pub fn generate(project: &Project, terminal: &Terminal, check: bool) -> Result<()> {
    let mut stale = Vec::new();
    let mut machines = vec![(WAIT_MACHINE.to_owned(), wait_machine())];
    for workflow in orchestrators().iter().flat_map(|orchestrator| orchestrator.workflows()) {
        machines.push((workflow.name.clone(), state_machine(workflow)?));
    }
    for (name, machine) in machines {
        let file = project.root().join("statemachines").join(format!("{name}.asl.json"));
        let machine = format!("{machine:#}\n");
        if std::fs::read_to_string(&file).is_ok_and(|current| current == machine) {
            continue;
        }
        if check {
            stale.push(name);
            continue;
        }
        project::write_atomically(&file, machine.as_bytes(), 0o644)
            .with_context(|| format!("cannot write {}", file.display()))?;
        terminal.note(&format!("statemachines/{name}.asl.json"));
    }
    if !stale.is_empty() {
        bail!("stale: {}; run `make statemachines`", stale.join(", "));
    }
    Ok(())
}
