//! The emulators run state machines as the simulation's interpreter does: the same cases, in `tests/sim/cases`.

use crate::harness::Harness;
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::{fs, path::Path};

#[tokio::test]
async fn every_case_of_the_interpreter_ends_the_same_on_the_emulator() -> Result<()> {
    let harness = Harness::set().await?;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../sim/cases"))? {
        let path = entry?.path();
        let case: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        let Some(ended) = harness.run_machine(&case["machine"], &case["input"]).await? else { return Ok(()) };
        let name = path.display();
        ensure!(ended["status"] == case["status"], "{name}: {ended}");
        if case["status"] == "SUCCEEDED" {
            let output: Value = serde_json::from_str(ended["output"].as_str().context("it has no output")?)?;
            ensure!(output == case["output"], "{name}: {output}");
        } else {
            ensure!(ended["error"] == case["error"], "{name}: {ended}");
        }
    }
    Ok(())
}
