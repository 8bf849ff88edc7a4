//! collect-regional: one thing more that only one region asks for.

use super::Module;
use crate::form::Field;
use serde::Deserialize;

pub(super) struct CollectRegional;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// The field: `merchant_registry`.
    field: String,
    /// What it is called on a screen.
    title: String,
    /// What it looks like: a regular expression.
    pattern: String,
}

impl Module for CollectRegional {
    const NAME: &'static str = "collect-regional";
    type Settings = Settings;

    fn fields(settings: &Settings) -> Vec<Field> {
        vec![Field::matching(&settings.field, &settings.title, 60, &settings.pattern).personal()]
    }
}
