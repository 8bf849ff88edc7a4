//! One condition language for promotions, onboarding, experiments and targeting: that of GrowthBook, which is modelled
//! on MongoDB's queries.
//!
//! A [`Condition`] is parsed once and asked many times. Parsing reports every mistake with a JSON pointer to it; asking
//! always has an answer, takes time linear in condition and attributes, and never panics.
//!
//! ```
//! use carryout_predicate::{Condition, Groups};
//! use serde_json::json;
//!
//! let condition = Condition::parse(&json!({ "market": "US", "consumer.orders": { "$lt": 3 } }))?;
//! assert!(condition.holds(&json!({ "market": "US", "consumer": { "orders": 1 } }), &Groups::new()));
//! assert!(!condition.holds(&json!({ "market": "US", "consumer": { "orders": 8 } }), &Groups::new()));
//! # Ok::<(), carryout_predicate::Problems>(())
//! ```
//!
//! The rules are those of GrowthBook's specification 0.7 as its JavaScript SDK carries them out, with what JavaScript
//! brings along: a missing attribute is `null`; a text is compared with an attribute as text, a number with an attribute
//! as a number (`null` is 0), and `<` compares texts by UTF-16 code units and everything else as numbers. Where this
//! crate decides differently, [`Condition`] says so. `docs/predicate.md` lists the operators.
//!
//! [`cohort`] says which consumers a rule applies to while it applies to some of them only.

mod case;
mod coercion;
pub mod cohort;
mod condition;
mod parse;
mod pattern;
mod version;

pub use case::Case;
pub use condition::{Condition, Groups};
pub use parse::{Fault, Problem, Problems};
