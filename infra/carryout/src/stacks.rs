//! Writes the templates of the stacks into `infra/templates/*.yaml`, and tells how large each is.

use anyhow::{Context as _, Result, bail};
use carryout_stacks::{Plan, RESOURCE_LIMIT, TEMPLATES, generate, template_path};

use local_cloud::{Project, Terminal, project};

/// Writes every template; with `check`, only tells whether the files are current. Prints the size of each.
pub fn write(project: &Project, terminal: &Terminal, check: bool) -> Result<()> {
    let templates = generate(project.root())?;
    let mut stale = Vec::new();
    for (stack, text) in &templates {
        let path = template_path(stack);
        let file = project.root().join(&path);
        if std::fs::read_to_string(&file).is_ok_and(|current| current == *text) {
            continue;
        }
        if check {
            stale.push(path);
            continue;
        }
        project::write_atomically(&file, text.as_bytes(), 0o644).with_context(|| format!("cannot write {path}"))?;
        terminal.note(&path);
    }
    if !stale.is_empty() {
        bail!("not current: {}; run `make stacks`", stale.join(", "));
    }
    let plan = Plan::load(project.root())?;
    refuse_leftovers(&plan, |stack| templates.contains_key(stack))?;
    println!("{:<12} {:>9} {:>9}", "stack", "resources", "of");
    for template in plan.templates() {
        println!("{:<12} {:>9} {RESOURCE_LIMIT:>9}", template.stack, template.resources_after_transform());
    }
    Ok(())
}

fn refuse_leftovers(plan: &Plan, is_described: impl Fn(&str) -> bool) -> Result<()> {
    let left: Vec<&str> =
        plan.templates().iter().map(|template| template.stack.as_str()).filter(|stack| !is_described(stack)).collect();
    if !left.is_empty() {
        bail!("{TEMPLATES} has templates without a description: {}; remove them", left.join(", "));
    }
    Ok(())
}
