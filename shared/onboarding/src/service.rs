//! The service of onboarding, over its ports.

use crate::{
    applicant::Applicant,
    markets::{MarketSource, Markets},
};
use carryout_environment::{Clock, StorageError};
use carryout_workflow::Refused;
use std::sync::Arc;

/// The ports of onboarding.
///
/// A function that does not use a port has `()` in its place. Each use case is implemented for the ports that it needs, so a function
/// has those use cases only whose ports it has wired.
pub trait Ports: Send + Sync + 'static {
    /// Storage of applicants: [`Applicants`](crate::ports::Applicants).
    type Applicants;
    /// The vendors: [`Vendors`](crate::ports::Vendors).
    type Vendors;
    /// Encryption of personal data: [`Vault`](crate::ports::Vault).
    type Vault;
    /// Documents of applicants: [`Documents`](crate::ports::Documents).
    type Documents;
    /// The queue of applicants to advance: [`AdvanceQueue`](crate::ports::AdvanceQueue).
    type Queue;
    /// Waits for vendors' answers: [`Waits`](crate::ports::Waits).
    type Waits;
    /// The older system: [`LegacySystem`](crate::legacy::LegacySystem).
    type Legacy;
    /// The markets and their settings: [`MarketSource`].
    type Markets;
    /// The clock: [`Clock`].
    type Clock;
}

/// Onboarding of couriers and merchants. Every use case is a method, each in the module that is named after it.
#[derive(Debug, Clone)]
pub struct Onboarding<P: Ports> {
    /// Storage of applicants.
    pub applicants: P::Applicants,
    /// The vendors.
    pub vendors: P::Vendors,
    /// Encryption of personal data.
    pub vault: P::Vault,
    /// Documents of applicants.
    pub documents: P::Documents,
    /// The queue of applicants to advance.
    pub queue: P::Queue,
    /// Waits for vendors' answers.
    pub waits: P::Waits,
    /// The older system.
    pub legacy: P::Legacy,
    /// The markets and their settings.
    pub markets: P::Markets,
    /// The clock.
    pub clock: P::Clock,
}

impl<P: Ports<Clock: Clock>> Onboarding<P> {
    /// Milliseconds since the Unix epoch.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now()
    }
}

impl<P: Ports<Markets: MarketSource>> Onboarding<P> {
    /// The markets as they are now.
    pub(crate) async fn current_markets(&self) -> Result<Arc<Markets>, StorageError> {
        self.markets.markets().await
    }
}

/// The storage error behind a refused write of an applicant, where the refusal says nothing about the applicant itself.
pub(crate) fn conflict() -> StorageError {
    StorageError::Unavailable("concurrent modification of this applicant".to_owned())
}

/// The result of a conditional write whose refusal is not an error: the applicant has moved on.
pub(crate) fn unless_moved_on(written: Result<(), Refused<Applicant>>) -> Result<bool, StorageError> {
    match written {
        Ok(()) => Ok(true),
        Err(Refused::ConditionFailed(_) | Refused::Conflict | Refused::NotFound | Refused::Other) => Ok(false),
        Err(Refused::Storage(error)) => Err(error),
    }
}
