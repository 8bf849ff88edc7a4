//! What operators set in the control table: one document of each kind.

use anyhow::{Context as _, Result, bail};
use carryout_aws::{Document, DocumentConflict, DynamoDocuments};
use carryout_predicate::cohort::{Cohort, Percent};
use serde::{Serialize, de::DeserializeOwned};

use crate::stack::Stack;

/// One document of the control table.
pub(crate) struct Setting {
    documents: DynamoDocuments,
    key: (&'static str, &'static str),
    /// What it is, for people: `the routing rules`.
    name: &'static str,
    /// The command that removes it.
    cleared_by: &'static str,
}

impl Setting {
    pub(crate) async fn of(
        stack: &Stack,
        key: (&'static str, &'static str),
        name: &'static str,
        cleared_by: &'static str,
    ) -> Result<Self> {
        let documents = DynamoDocuments::new(&stack.aws().await, stack.output("ControlTable")?);
        Ok(Self { documents, key, name, cleared_by })
    }

    /// What is set, and its version; the default where nothing ever was.
    pub(crate) async fn read<T: Default + DeserializeOwned>(&self) -> Result<(T, Option<u64>)> {
        Ok(match self.document().await? {
            None => (T::default(), None),
            Some(Document { value, version }) => {
                let value = serde_json::from_value(value);
                let problem = || format!("{} can't be understood; `{}` removes them", self.name, self.cleared_by);
                (value.with_context(problem)?, Some(version))
            }
        })
    }

    /// Writes it, if it is still at `version`.
    pub(crate) async fn write(&self, value: &impl Serialize, version: Option<u64>) -> Result<()> {
        let (pk, sk) = self.key;
        match self.documents.write(pk, sk, &serde_json::to_value(value)?, version).await {
            Ok(()) => Ok(()),
            Err(DocumentConflict::Conflict) => {
                bail!("somebody else changed {} at the same moment; look at them and try again", self.name)
            }
            Err(DocumentConflict::Storage(error)) => Err(error).with_context(|| format!("{} can't be written", self.name)),
        }
    }

    /// Sets the default again, whatever is there.
    pub(crate) async fn clear<T: Default + Serialize>(&self) -> Result<T> {
        let version = self.document().await?.map(|document| document.version);
        self.write(&T::default(), version).await?;
        Ok(T::default())
    }

    async fn document(&self) -> Result<Option<Document>> {
        let (pk, sk) = self.key;
        let problem = || format!("{} can't be read; is the stack deployed and the local cloud up?", self.name);
        self.documents.read(pk, sk).await.with_context(problem)
    }
}

/// What a command changes of a cohort; what is not given stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    pub(crate) fn apply(&self, cohort: &mut Cohort) {
        cohort.consumers.extend(self.add.iter().cloned());
        cohort.consumers.retain(|consumer| !self.remove.contains(consumer));
        cohort.percent = self.percent.unwrap_or(cohort.percent);
        cohort.employees = self.employees.unwrap_or(cohort.employees);
    }
}

/// A cohort in words, one line each; none where nobody is in it.
pub(crate) fn describe(cohort: &Cohort) -> Vec<String> {
    let mut lines: Vec<String> = cohort.consumers.iter().map(|consumer| format!("consumer   {consumer}")).collect();
    let percent = u8::from(cohort.percent);
    if percent > 0 {
        lines.push(format!("cohort     {percent} % of all consumers"));
    }
    if cohort.employees {
        lines.push("employees  all of them".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_stays() {
        let percent = |share: u8| Percent::try_from(share).unwrap();
        let mut cohort = Cohort::default();
        assert_eq!(describe(&cohort), [""; 0]);
        Change { add: vec!["con_1".into(), "con_2".into()], percent: Some(percent(10)), ..Change::default() }.apply(&mut cohort);
        Change { remove: vec!["con_1".into()], employees: Some(true), ..Change::default() }.apply(&mut cohort);
        assert_eq!(cohort, Cohort { consumers: ["con_2".to_owned()].into(), percent: percent(10), employees: true });
        assert_eq!(describe(&cohort), ["consumer   con_2", "cohort     10 % of all consumers", "employees  all of them"]);
    }
}
