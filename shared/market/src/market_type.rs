use serde::{Deserialize, Serialize};
use std::fmt;

/// The trade of a store, which decides how its orders are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketType {
    /// Meals cooked to order.
    Restaurant,
    /// Groceries from a store whose point of sale answers automatically.
    Grocery,
    /// Other goods from a shop.
    Retail,
}

impl MarketType {
    /// Every market type.
    pub const ALL: [Self; 3] = [Self::Restaurant, Self::Grocery, Self::Retail];

    /// The name in workflows and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restaurant => "restaurant",
            Self::Grocery => "grocery",
            Self::Retail => "retail",
        }
    }
}

impl fmt::Display for MarketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
