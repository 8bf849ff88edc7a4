//! What the numbers were measured on.

use std::fs;
use std::process::Command;

use anyhow::Result;
use carryout::Stack;
use local_cloud::Project;

/// One line about the machine, one about the stack.
pub fn describe(project: &Project) -> Result<String> {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
        line.split(':').nth(1).unwrap_or("unknown").trim().to_owned()
    };
    let cores = std::thread::available_parallelism()?.get();
    let rustc = Command::new("rustc").arg("--version").output()?;
    let machine = format!(
        "machine: {cores} cores, {}, {} of memory, {}",
        field("/proc/cpuinfo", "model name"),
        field("/proc/meminfo", "MemTotal"),
        String::from_utf8_lossy(&rustc.stdout).trim(),
    );
    let stack = match Stack::deployed(project) {
        Ok(stack) => format!("stack: {}", stack.endpoint.as_deref().unwrap_or("AWS")),
        Err(_) => "stack: none deployed".to_owned(),
    };
    Ok(format!("{machine}\n{stack}"))
}
