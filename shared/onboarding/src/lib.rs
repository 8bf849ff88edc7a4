//! Onboarding, in the order in which it happens.
//!
//! 1. The orchestrator picks a workflow by country and market type: [`markets`] has them all as data, one file each.
//! 2. An [`applicant`] begins ([`start`]) with one status map, and stays at the version of the workflow that they began with.
//! 3. [`progress`] tells from the status map alone where they are and what is next. Who submits a step's form ([`submit`])
//!    makes its [`steps`] module run, under a claim; steps without a form run by themselves ([`advance`]). Documents are uploaded
//!    first ([`uploads`]).
//! 4. Vendors answer at once or later ([`answer`]); what takes too long is asked for, and then looked at by a person ([`wait`]).
//! 5. Operators approve, reject, retry and skip, with a reason ([`operate`]).
//!
//! What a definition means is told without running it: [`lint`], [`graph`], [`diff`], [`what_if`], [`migrate`], [`funnel`].
//! Personal data is sealed field by field before it is stored, and exported and erased on request ([`privacy`]). Applicants that
//! began in the system before this one continue: [`legacy`].
//!
//! What onboarding needs from the world outside is in [`ports`]; every error code in [`codes`].

pub mod advance;
pub mod answer;
pub mod applicant;
pub mod codes;
pub mod diff;
pub mod form;
pub mod funnel;
pub mod graph;
pub mod legacy;
pub mod lint;
pub mod markets;
pub mod migrate;
pub mod operate;
pub mod ports;
pub mod privacy;
pub mod progress;
pub mod start;
pub mod steps;
pub mod submit;
pub mod uploads;
pub mod view;
pub mod wait;
pub mod what_if;
