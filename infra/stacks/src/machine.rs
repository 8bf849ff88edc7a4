//! State machines, each with its alarm, and the aliases of the second release track.

use crate::StackError;
use crate::alarm::Alarm;
use crate::description::Machine;
use crate::expression::{arn, sub};
use crate::logical_id::logical_id;
use crate::page::Page;
use crate::registry::{CANARY, Registry};
use std::collections::{BTreeMap, BTreeSet};

/// Writes every state machine of a stack.
pub fn machines(
    page: &mut Page,
    registry: &Registry,
    stack: &str,
    machines: &BTreeMap<String, Machine>,
) -> Result<(), StackError> {
    let track = |name, machine, alias| Track { registry, stack, workflow: name, machine, alias };
    for (name, machine) in machines {
        track(name, machine, "live").write(page)?;
    }
    let with_canary: BTreeMap<_, _> = machines.iter().filter(|(_, machine)| machine.canary).collect();
    if with_canary.is_empty() {
        return Ok(());
    }
    page.comment(1, "The canary release track: the same workflows over the functions' aliases \"canary\".");
    page.gap();
    let called: BTreeSet<&String> =
        with_canary.keys().filter_map(|name| registry.machines.get(*name)).flat_map(|facts| &facts.functions).collect();
    for name in called {
        let id = logical_id(name);
        page.resource(&format!("{id}{}", logical_id(CANARY)), "AWS::Lambda::Alias", None);
        let version = format!("FunctionVersion: !GetAtt {id}.Version.Version");
        page.line(2, format!("Properties: {{ FunctionName: !Ref {id}, Name: {CANARY}, {version} }}"));
    }
    page.gap();
    for (name, machine) in with_canary {
        track(name, machine, CANARY).write(page)?;
    }
    Ok(())
}

/// A workflow's state machine on a release track.
struct Track<'a> {
    registry: &'a Registry,
    stack: &'a str,
    workflow: &'a str,
    machine: &'a Machine,
    /// The alias of the functions that it calls.
    alias: &'a str,
}

impl Track<'_> {
    fn write(&self, page: &mut Page) -> Result<(), StackError> {
        let (workflow, alias) = (self.workflow, self.alias);
        let name = if alias == CANARY { format!("{workflow}-{CANARY}") } else { workflow.to_owned() };
        let id = logical_id(&name);
        page.resource(&id, "AWS::Serverless::StateMachine", None);
        page.line(2, "Properties:");
        page.line(3, format!("Name: {}", sub(&format!("${{Prefix}}-{name}"))));
        page.line(3, "Type: STANDARD");
        page.line(3, format!("DefinitionUri: ../../statemachines/{workflow}.asl.json"));
        page.line(3, "DefinitionSubstitutions:");
        page.line(4, format!("FunctionPrefix: {}", arn("lambda", "function:${Prefix}")));
        page.line(4, format!("Alias: {alias}"));
        page.line(3, "Policies:");
        page.line(4, "- Statement:");
        page.line(6, "- Effect: Allow");
        page.line(7, "Action: [lambda:InvokeFunction]");
        page.line(7, "Resource:");
        for function in self.registry.machines.get(workflow).into_iter().flat_map(|facts| &facts.functions) {
            page.line(8, format!("- {}", self.target(function)?));
        }
        let subject = self.machine.subject.as_deref().unwrap_or("subject");
        let text = format!("An execution of {name} failed or parked its {subject}.");
        Alarm::of_machine(&id, self.machine.failed.as_deref().unwrap_or(&text)).write(page);
        page.gap();
        Ok(())
    }

    /// The ARN of a function that the machine calls.
    fn target(&self, function: &str) -> Result<String, StackError> {
        let (of, _) = self.registry.function(function).ok_or_else(|| StackError::Unknown {
            stack: self.stack.to_owned(),
            place: self.workflow.to_owned(),
            name: function.to_owned(),
            expected: "no function of any stack: add its entry",
        })?;
        Ok(if of == self.stack {
            sub(&format!("${{{}.Arn}}:{}", logical_id(function), self.alias))
        } else {
            arn("lambda", &format!("function:${{Prefix}}-{function}:{}", self.alias))
        })
    }
}
