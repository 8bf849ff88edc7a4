//! Routing rules, as operators see and set them.

use anyhow::{Context as _, Result, bail};
use carryout_aws::{Document, DocumentConflict, DynamoDocuments};
use carryout_checkout::routing::{Percent, RULES_KEY, RoutingRules};
use serde_json::Value;

use crate::stack::Stack;

/// What `carryout route set` changes; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Consumers to add.
    pub add: Vec<String>,
    /// Consumers to remove.
    pub remove: Vec<String>,
    /// The share of all consumers.
    pub percent: Option<Percent>,
    /// Whether whoever works here is in.
    pub employees: Option<bool>,
}

impl Change {
    fn apply(&self, mut rules: RoutingRules) -> RoutingRules {
        rules.consumers.extend(self.add.iter().cloned());
        rules.consumers.retain(|consumer| !self.remove.contains(consumer));
        rules.percent = self.percent.unwrap_or(rules.percent);
        rules.employees = self.employees.unwrap_or(rules.employees);
        rules
    }
}

/// The rules of the deployed stack.
pub async fn read(stack: &Stack) -> Result<RoutingRules> {
    Ok(stored(&documents(stack).await?).await?.0)
}

/// Changes the rules, and returns them as they then are.
///
/// # Errors
///
/// Where somebody else changed them at the same moment; nothing is lost by trying again.
pub async fn change(stack: &Stack, change: &Change) -> Result<RoutingRules> {
    let documents = documents(stack).await?;
    let (rules, version) = stored(&documents).await?;
    let rules = change.apply(rules);
    write(&documents, &rules, version).await?;
    Ok(rules)
}

/// Takes every rule back: all new checkouts are live.
pub async fn clear(stack: &Stack) -> Result<RoutingRules> {
    let documents = documents(stack).await?;
    let version = read_document(&documents).await?.map(|document| document.version);
    write(&documents, &RoutingRules::default(), version).await?;
    Ok(RoutingRules::default())
}

/// The rules in words, one a line.
pub fn describe(rules: &RoutingRules) -> String {
    let mut lines: Vec<String> = rules.consumers.iter().map(|consumer| format!("consumer   {consumer}")).collect();
    let percent = u8::from(rules.percent);
    if percent > 0 {
        lines.push(format!("cohort     {percent} % of all consumers"));
    }
    if rules.employees {
        lines.push("employees  all of them".to_owned());
    }
    if lines.is_empty() { "no rules: every checkout is live".to_owned() } else { lines.join("\n") }
}

async fn documents(stack: &Stack) -> Result<DynamoDocuments> {
    Ok(DynamoDocuments::new(&stack.aws().await, stack.output("ControlTable")?))
}

async fn read_document(documents: &DynamoDocuments) -> Result<Option<Document>> {
    let (pk, sk) = RULES_KEY;
    documents.read(pk, sk).await.context("the routing rules can't be read; is the stack deployed and the local cloud up?")
}

/// The rules and their version; none where none were ever set.
async fn stored(documents: &DynamoDocuments) -> Result<(RoutingRules, Option<u64>)> {
    Ok(match read_document(documents).await? {
        None => (RoutingRules::default(), None),
        Some(Document { value, version }) => {
            let rules = serde_json::from_value(value);
            (rules.context("the stored rules can't be understood; `carryout route clear` removes them")?, Some(version))
        }
    })
}

async fn write(documents: &DynamoDocuments, rules: &RoutingRules, version: Option<u64>) -> Result<()> {
    let (pk, sk) = RULES_KEY;
    let value: Value = serde_json::to_value(rules)?;
    match documents.write(pk, sk, &value, version).await {
        Ok(()) => Ok(()),
        Err(DocumentConflict::Conflict) => {
            bail!("somebody else changed the rules at the same moment; look at them and try again")
        }
        Err(DocumentConflict::Store(error)) => Err(error).context("the routing rules can't be written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_stays() {
        let percent = |share: u8| Percent::try_from(share).unwrap();
        let rules = Change { add: vec!["con_1".into(), "con_2".into()], percent: Some(percent(10)), ..Change::default() }
            .apply(RoutingRules::default());
        let rules = Change { remove: vec!["con_1".into()], employees: Some(true), ..Change::default() }.apply(rules);
        assert_eq!(rules, RoutingRules { consumers: ["con_2".to_owned()].into(), percent: percent(10), employees: true });
        assert_eq!(describe(&rules), "consumer   con_2\ncohort     10 % of all consumers\nemployees  all of them");
        assert_eq!(describe(&RoutingRules::default()), "no rules: every checkout is live");
    }
}
