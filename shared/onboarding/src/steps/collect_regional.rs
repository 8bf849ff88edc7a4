//! collect-regional: one field that only one region asks for.

use super::module::{StepInfo, StepModule};
use crate::form::Field;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CollectRegional {
    /// The name of the field: `merchant_registry`.
    field: String,
    /// Its title on screens.
    title: String,
    /// Its format: a regular expression.
    pattern: String,
}

pub(super) const INFO: StepInfo = StepInfo::of::<CollectRegional>("collect-regional");

impl StepModule for CollectRegional {
    fn fields(&self) -> Vec<Field> {
        vec![Field::matching(&self.field, &self.title, 60, &self.pattern).personal()]
    }
}
