use crate::{Condition, Groups, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A condition with what it is asked about: what `carryout predicate eval` reads, and the files in `events/predicate/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The condition, as JSON.
    pub condition: Value,
    /// What is known of the consumer, the cart or the applicant.
    #[serde(default)]
    pub attributes: Map<String, Value>,
    /// The saved groups by id, for `$inGroup` and `$notInGroup`.
    #[serde(default, skip_serializing_if = "Groups::is_empty")]
    pub groups: Groups,
    /// The answer that is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<bool>,
}

impl Case {
    /// Whether the condition holds, and what is wrong with it. A part that is wrong counts as false, as in GrowthBook.
    pub fn eval(&self) -> (bool, Vec<Problem>) {
        let (condition, problems) = Condition::parse_leniently(&self.condition);
        (condition.holds(&Value::Object(self.attributes.clone()), &self.groups), problems)
    }
}
