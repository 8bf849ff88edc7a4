//! Onboarding of couriers and merchants, in the order in which it happens.
//!
//! 1. The orchestrator picks a workflow by country and market type: [`markets`] has them all as data, one file each ([`definition`]).
//! 2. An [`applicant`] begins ([`start`]) with one status map, and stays at the version of the workflow at which the application began.
//! 3. [`progress`] is computed from the status map alone. An applicant submits the form of a step ([`submit`]), which runs its module
//!    ([`steps`]) under a claim ([`execution`]); steps without a form run by themselves ([`advance`]). Documents are uploaded first
//!    ([`uploads`]).
//! 4. Vendors ([`vendor`]) answer at once or later ([`answer`]); a late answer is polled for, and a silence is put before an operator
//!    ([`wait`]).
//! 5. Operators approve, reject, retry and skip steps, with a reason ([`operate`]).
//!
//! These are methods of one service, [`service::Onboarding`], over its [`ports`].
//!
//! A definition is analysed without running it: [`lint`], [`paths`], [`graph`], [`diff`], [`what_if`], [`migrate`], [`funnel`]. Personal
//! data is encrypted field by field before it is stored, and exported and erased on request ([`privacy`]). Applicants who began in the
//! older system continue here: [`legacy`].

pub mod advance;
pub mod answer;
pub mod applicant;
pub mod codes;
pub mod definition;
pub mod diff;
pub mod execution;
pub mod form;
pub mod funnel;
pub mod graph;
pub mod legacy;
pub mod lint;
pub mod markets;
pub mod migrate;
pub mod operate;
pub mod paths;
pub mod ports;
pub mod privacy;
pub mod progress;
pub mod service;
pub mod start;
pub mod steps;
pub mod submit;
pub mod uploads;
pub mod vendor;
pub mod view;
pub mod wait;
pub mod what_if;

pub use service::{Onboarding, Ports};
