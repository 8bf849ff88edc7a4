use carryout_money::MoneyError;
use std::fmt;

/// Why a context has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PricingError {
    /// The cart is empty.
    #[error("the cart is empty: add an item")]
    Empty,
    /// The tip is negative.
    #[error("a tip can't be negative")]
    NegativeTip,
    /// A member of the context is out of range.
    #[error("{field} {wanted}")]
    OutOfRange {
        /// The member, as a path: `lines[2].quantity`.
        field: String,
        /// The accepted range.
        wanted: String,
    },
    /// An amount overflows.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The price is invalid: a collector or a rule has a defect. Never show it.
    #[error("the price is wrong: {}", .0.iter().map(Violation::to_string).collect::<Vec<_>>().join("; "))]
    Wrong(Vec<Violation>),
}

/// An invariant that a price breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The components don't add up to the total.
    Total {
        /// The sum of the components.
        components: i64,
        /// The total.
        total: i64,
    },
    /// An adjustment's shares don't add up to its amount, or don't match the lines and fees.
    Shares(String),
    /// An adjustment has the wrong sign.
    Sign(String),
    /// A line costs less than its minimum, or a fee or the tip less than zero.
    BelowMinimum(String),
    /// The total is below zero.
    NegativeTotal(i64),
    /// An adjustment's kind is not declared by its collector, or its source is not in the context.
    Unknown(String),
    /// A rule of the market or scenario is broken.
    Rule(String),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total { components, total } => write!(f, "the components add up to {components} and the total is {total}"),
            Self::Shares(code) => write!(f, "the shares of {code} don't add up to it"),
            Self::Sign(code) => write!(f, "{code} has the wrong sign"),
            Self::BelowMinimum(code) => write!(f, "{code} is below its minimum"),
            Self::NegativeTotal(total) => write!(f, "the total {total} is negative"),
            Self::Unknown(code) => write!(f, "{code} has no declared kind or source"),
            Self::Rule(problem) => f.write_str(problem),
        }
    }
}
