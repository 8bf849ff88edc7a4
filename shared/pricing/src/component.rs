use crate::price::ChargeKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{cmp::Ordering, fmt, str::FromStr, sync::Arc};

/// The kind of an adjustment: what it adds to a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Component {
    /// The items.
    Items,
    /// A charge.
    Charge(ChargeKind),
    /// The tip.
    Tip,
}

/// Identifies one component of a price, the same in every price that has it. As text, in JSON too: `lines.<item>`,
/// `discounts.<code>`, `fees.<code>`, `taxes.<code>`, `deposits.<code>`, `credits.<code>`, `tip`, `total`.
///
/// ```
/// use carryout_pricing::{ChargeKind, ComponentId};
///
/// let lunch = ComponentId::charge(ChargeKind::Discount, "lunch");
/// assert_eq!(lunch.to_string(), "discounts.lunch");
/// assert_eq!("discounts.lunch".parse(), Ok(lunch));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ComponentId {
    /// The line of an item.
    Line(Arc<str>),
    /// A charge, by kind and code.
    Charge(ChargeKind, Arc<str>),
    /// The tip.
    Tip,
    /// The total.
    Total,
}

const LINES: &str = "lines";

impl ComponentId {
    /// The id of a charge.
    pub fn charge(kind: ChargeKind, code: impl Into<Arc<str>>) -> Self {
        Self::Charge(kind, code.into())
    }

    /// The kind of the charge, unless it identifies a line, the tip or the total.
    pub const fn kind(&self) -> Option<ChargeKind> {
        match self {
            Self::Charge(kind, _) => Some(*kind),
            Self::Line(_) | Self::Tip | Self::Total => None,
        }
    }

    /// Its text before and after the dot.
    fn parts(&self) -> (&str, Option<&str>) {
        match self {
            Self::Line(item) => (LINES, Some(item)),
            Self::Charge(kind, code) => (kind.group(), Some(code)),
            Self::Tip => ("tip", None),
            Self::Total => ("total", None),
        }
    }
}

/// Ordered as their texts: no group's name is the beginning of another's.
impl Ord for ComponentId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl PartialOrd for ComponentId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            (group, Some(code)) => write!(f, "{group}.{code}"),
            (name, None) => f.write_str(name),
        }
    }
}

/// The text does not identify a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a component: write for example discounts.lunch, lines.itm_1, tip or total")]
pub struct ComponentIdError(pub String);

impl FromStr for ComponentId {
    type Err = ComponentIdError;

    fn from_str(text: &str) -> Result<Self, ComponentIdError> {
        match text.split_once('.') {
            Some((LINES, item)) => Ok(Self::Line(item.into())),
            Some((group, code)) => ChargeKind::ALL
                .into_iter()
                .find(|kind| kind.group() == group)
                .map(|kind| Self::charge(kind, code))
                .ok_or_else(|| ComponentIdError(text.to_owned())),
            None if text == "tip" => Ok(Self::Tip),
            None if text == "total" => Ok(Self::Total),
            None => Err(ComponentIdError(text.to_owned())),
        }
    }
}

impl Serialize for ComponentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ComponentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_read_and_ordered_as_text() {
        let kinds = ChargeKind::ALL.map(|kind| ComponentId::charge(kind, "a.b"));
        let mut ids: Vec<ComponentId> =
            kinds.into_iter().chain([ComponentId::Line("itm.1".into()), ComponentId::Tip, ComponentId::Total]).collect();
        let mut texts: Vec<String> = ids.iter().map(ComponentId::to_string).collect();
        for (id, text) in ids.iter().zip(&texts) {
            assert_eq!(text.parse().as_ref(), Ok(id));
            assert_eq!(serde_json::to_value(id).unwrap(), text.as_str());
        }
        ids.sort();
        texts.sort();
        assert_eq!(ids.iter().map(ComponentId::to_string).collect::<Vec<_>>(), texts);
        for text in ["", "lunch", "discount.lunch", "tips"] {
            assert_eq!(text.parse::<ComponentId>(), Err(ComponentIdError(text.to_owned())));
        }
    }
}
