//! Drawings of a workflow: Mermaid for documents, text for terminals.

use carryout_workflow::{Composite, FormStage, FormStep, FormWorkflow, Stage as _, StepSpec as _};
use std::fmt::Write as _;

/// A flowchart in Mermaid's language.
pub fn mermaid(workflow: &FormWorkflow) -> String {
    let mut chart = "flowchart TD\n    begin([begin])\n".to_owned();
    let mut last = vec!["begin".to_owned()];
    for (index, stage) in workflow.stages.iter().enumerate() {
        let group = match stage {
            FormStage::Step(_) => None,
            FormStage::Parallel(_) => Some("side by side"),
            FormStage::Composite(Composite { name, .. }) => Some(name.as_str()),
        };
        if let Some(title) = group {
            let _ = writeln!(chart, "    subgraph stage{index} [{title}]");
        }
        for spec in stage.steps() {
            let _ = writeln!(chart, "    {}", node(spec));
        }
        if group.is_some() {
            chart.push_str("    end\n");
        }
        let begin = if group.is_some() { format!("stage{index}") } else { stage.steps().iter().map(id).collect() };
        let condition = match stage {
            FormStage::Step(FormStep { when: Some(condition), .. }) => {
                format!("|{}|", condition.source().to_string().replace('"', "'"))
            }
            _ => String::new(),
        };
        for from in &last {
            let _ = writeln!(chart, "    {from} -->{condition} {begin}");
        }
        // Applicants to whom a conditional step does not apply pass it by.
        if condition.is_empty() { last = vec![begin] } else { last.push(begin) }
    }
    let _ = writeln!(chart, "    {}([{}])", id(&workflow.finish), workflow.finish.entry_name());
    for from in last {
        let _ = writeln!(chart, "    {from} --> {}", id(&workflow.finish));
    }
    chart
}

fn id(spec: &FormStep) -> String {
    spec.entry_name().replace('-', "_")
}

fn node(spec: &FormStep) -> String {
    let label = if spec.optional { format!("{} (optional)", spec.entry_name()) } else { spec.entry_name().to_owned() };
    if spec.wait.is_some() { format!("{}[/{label}/]", id(spec)) } else { format!("{}[{label}]", id(spec)) }
}

/// One line for each step, with its options.
pub fn text(workflow: &FormWorkflow) -> String {
    let mut lines = format!("{} {}: {}\n", workflow.name, workflow.version, workflow.purpose);
    for stage in &workflow.stages {
        let (title, steps) = match stage {
            FormStage::Step(spec) => (None, std::slice::from_ref(spec)),
            FormStage::Parallel(steps) => (Some("side by side".to_owned()), steps.as_slice()),
            FormStage::Composite(group) => (Some(format!("{}, on one screen", group.name)), group.steps.as_slice()),
        };
        if let Some(title) = &title {
            let _ = writeln!(lines, "  +- {title}");
        }
        for spec in steps {
            let _ = writeln!(lines, "  {}{}", if title.is_some() { "|  o " } else { "o " }, line(spec));
        }
    }
    let _ = writeln!(lines, "  * {}", line(&workflow.finish));
    lines
}

/// A step in one line.
pub(crate) fn line(spec: &FormStep) -> String {
    let mut line = spec.entry_name().to_owned();
    if spec.name.is_some() {
        let _ = write!(line, " ({})", spec.step);
    }
    if spec.version != 1 {
        let _ = write!(line, " v{}", spec.version);
    }
    if spec.optional {
        line.push_str(", optional");
    }
    if let Some(wait) = &spec.wait {
        let _ = write!(line, ", waits up to {} h", wait.timeout_seconds / 3_600);
    }
    if let Some(condition) = &spec.when {
        let _ = write!(line, ", when {}", condition.source());
    }
    line
}
