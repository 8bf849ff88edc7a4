//! Begins an application.

use crate::{
    applicant::{Applicant, ApplicantStatus, KEEP_OPEN_SECONDS, SWEEP_AFTER_MS, sweep_shard},
    codes,
    legacy::{LegacyKey, LegacySystem, adopt},
    markets::MarketSource,
    ports::{AdvanceQueue, Applicants, Vault},
    service::{Onboarding, Ports},
    submit::{split_personal, stored_data},
};
use carryout_environment::{Clock, ErrorCode, HasErrorCode, StorageError};
use carryout_workflow::{Direction, FormWorkflow, NoWorkflow, StatusMap, StepSpec as _};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A new application.
#[derive(Debug, Clone)]
pub struct NewApplication {
    /// The id of the application: the same for the same person and market.
    pub id: String,
    /// The applicant's account: the subject of their token.
    pub owner: String,
    /// The market's country.
    pub country: String,
    /// The market's type.
    pub market_type: String,
    /// Follows the applicant through every log.
    pub correlation_id: String,
}

/// A begun application.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// The application.
    pub applicant: Applicant,
    /// Whether it is new; otherwise it was begun before.
    pub is_new: bool,
}

/// Why an application did not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such market.
    #[error(transparent)]
    NotOpen(#[from] NoWorkflow),
    /// The market is not rolled out to this applicant.
    #[error("the older system still serves the market {0} for this applicant")]
    Legacy(String),
    /// Storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl HasErrorCode for StartError {
    const CODES: &'static [ErrorCode] = &[
        codes::MARKET_NOT_OPEN,
        codes::MARKET_LEGACY,
        carryout_environment::STORAGE_UNAVAILABLE,
        carryout_environment::STORAGE_CORRUPT,
    ];

    fn code(&self) -> ErrorCode {
        match self {
            Self::NotOpen(_) => codes::MARKET_NOT_OPEN,
            Self::Legacy(_) => codes::MARKET_LEGACY,
            Self::Storage(error) => error.code(),
        }
    }
}

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl NewApplication {
    /// The applicant before any step has begun, at `now` in milliseconds since the Unix epoch.
    pub fn applicant(self, workflow: &FormWorkflow, facts: Map<String, Value>, now: i64) -> Applicant {
        let mut steps = StatusMap::pending(workflow.steps().map(|spec| spec.entry_name()));
        // An applicant who applies again after the first application expired has the same id, and vendors may remember its keys: keys
        // begin at the number of the day.
        let key_version = u32::try_from(now / DAY_MS).unwrap_or(1);
        steps.0.values_mut().for_each(|entry| entry.key_version = key_version);
        let sweep_at = now + SWEEP_AFTER_MS;
        Applicant {
            id: self.id,
            owner: self.owner,
            country: self.country,
            market_type: self.market_type,
            workflow: workflow.name.clone(),
            workflow_version: workflow.version,
            status: ApplicantStatus::Processing,
            direction: Direction::Forward,
            run: 1,
            version: 1,
            steps,
            data: BTreeMap::new(),
            facts,
            audit: Vec::new(),
            legacy: None,
            correlation_id: self.correlation_id,
            created_at: now,
            updated_at: now,
            sweep_shard: Some(sweep_shard(sweep_at)),
            sweep_at: Some(sweep_at),
            ttl: now / 1_000 + KEEP_OPEN_SECONDS,
        }
    }
}

impl<P> Onboarding<P>
where
    P: Ports<
            Applicants: Applicants,
            Vault: Vault,
            Queue: AdvanceQueue,
            Legacy: LegacySystem,
            Markets: MarketSource,
            Clock: Clock,
        >,
{
    /// Begins an application, or returns the one that was begun before. Steps that are complete in the older system are complete here.
    ///
    /// # Errors
    ///
    /// See [`StartError`]. After a storage error the application may have begun: repeat the call.
    pub async fn start(&self, application: NewApplication) -> Result<Started, StartError> {
        let (markets, now) = (self.current_markets().await?, self.now());
        if let Some(applicant) = self.applicants.applicant(&application.id).await? {
            return Ok(Started { applicant, is_new: false });
        }
        let NewApplication { country, market_type, owner, .. } = &application;
        let workflow = markets.orchestrator().pick(country, market_type)?;
        if !markets.settings().has_moved(country, market_type, owner) {
            return Err(StartError::Legacy(format!("{country} {market_type}")));
        }
        let facts = markets.settings().facts(country, market_type);
        let mut applicant = application.applicant(workflow, facts, now);
        if markets.settings().mirror
            && let Some(record) = self.legacy.record(LegacyKey::of(&applicant)).await?
        {
            let collected = adopt(&mut applicant, workflow, &record, now);
            let (plain, personal) = split_personal(workflow, collected);
            let sealed = self.vault.seal(&applicant.id, personal).await?;
            applicant.data.extend(stored_data(plain, sealed));
        }
        if let Some(existing) = self.applicants.create(&applicant).await? {
            return Ok(Started { applicant: existing, is_new: false });
        }
        self.queue.request(&applicant.id, &applicant.correlation_id).await?;
        Ok(Started { applicant, is_new: true })
    }
}
