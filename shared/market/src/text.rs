use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A text for consumers, by locale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(BTreeMap<String, String>);

impl Text {
    /// The text in `locale`; any other where it is missing. [`lint`](crate::lint()) refuses a text that lacks a locale of its
    /// market.
    pub fn in_locale(&self, locale: &str) -> &str {
        self.0.get(locale).or_else(|| self.0.values().next()).map_or("", String::as_str)
    }

    /// The texts by locale.
    pub(crate) const fn locales(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}
