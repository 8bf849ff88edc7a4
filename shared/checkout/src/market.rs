//! Where Carryout trades, and what is sold there.

use carryout_money::{Currency, Rate};
use carryout_pricing::{STANDARD_TAX, TaxRate, Taxes};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A country (or, for Puerto Rico, a territory) that Carryout delivers in, by its ISO 3166-1 alpha-2 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Country {
    /// United States.
    US,
    /// Canada.
    CA,
    /// Australia.
    AU,
    /// New Zealand.
    NZ,
    /// Puerto Rico.
    PR,
}

impl Country {
    /// Every country, in the order in which Carryout opened them.
    pub const ALL: [Self; 5] = [Self::US, Self::CA, Self::AU, Self::NZ, Self::PR];

    /// The alpha-2 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::US => "US",
            Self::CA => "CA",
            Self::AU => "AU",
            Self::NZ => "NZ",
            Self::PR => "PR",
        }
    }

    /// What one pays in there.
    pub const fn currency(self) -> Currency {
        match self {
            Self::US | Self::PR => Currency::USD,
            Self::CA => Currency::CAD,
            Self::AU => Currency::AUD,
            Self::NZ => Currency::NZD,
        }
    }

    /// The market's tax at `rate`, with its name on the receipt and whether menu prices contain it.
    pub fn taxes(self, rate: Rate) -> Taxes {
        let (name, included) = match self {
            Self::US => ("Sales tax", false),
            Self::CA => ("GST/HST", false),
            Self::AU | Self::NZ => ("GST", true),
            Self::PR => ("IVU", false),
        };
        let name = format!("{name} {rate}");
        let classes = vec![STANDARD_TAX.to_owned()];
        Taxes { included, rates: vec![TaxRate { code: "tax".to_owned(), name, rate, compound: false, classes }] }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Country {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|country| country.code() == code).ok_or_else(|| format!("no market in {code:?}"))
    }
}

/// What a store sells, and so how its orders are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketType {
    /// Meals, cooked to order.
    Restaurant,
    /// Groceries from a store whose point of sale answers by itself.
    Grocery,
    /// Anything else from a shop.
    Retail,
}

impl MarketType {
    /// Its name in workflows and logs.
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
