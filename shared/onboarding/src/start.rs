//! Somebody begins an application.

use crate::{
    applicant::{Applicant, ApplicantStatus, KEEP_OPEN_SECONDS, SWEEP_AFTER_MS},
    codes,
    legacy::{LegacyRecord, LegacySystem, adopt},
    markets::Markets,
    ports::{Applicants, Nudges, Vault},
};
use carryout_environment::{ErrorCode, HasErrorCode, StorageError};
use carryout_workflow::{Direction, NoWorkflow, StatusMap, Workflow};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Who wants to begin where.
#[derive(Debug, Clone)]
pub struct Beginner {
    /// The id that the application gets: the same for the same person and market.
    pub id: String,
    /// The subject of their token.
    pub owner: String,
    /// The market's country.
    pub country: String,
    /// The market's type.
    pub market_type: String,
    /// Follows them through every log.
    pub correlation_id: String,
}

/// Why nobody began.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such market.
    #[error(transparent)]
    NotOpen(#[from] NoWorkflow),
    /// The market has not moved over for this applicant.
    #[error("the market {0} is still served by the system before this one for this applicant")]
    Legacy(String),
    /// The store failed.
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

impl Beginner {
    /// Who they are before they have done anything, at `now` in milliseconds since the Unix epoch.
    pub fn applicant(self, workflow: &Workflow, facts: Map<String, Value>, now: i64) -> Applicant {
        let mut steps = StatusMap::pending(workflow.steps().map(|spec| spec.entry_name()));
        // Whoever applies once more, when their first application is gone, has the same id. Vendors may remember the keys of then.
        let key_version = u32::try_from(now / DAY_MS).unwrap_or(1);
        steps.0.values_mut().for_each(|entry| entry.key_version = key_version);
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
            sweep_shard: Some(shard(now)),
            sweep_at: Some(now + SWEEP_AFTER_MS),
            ttl: now / 1_000 + KEEP_OPEN_SECONDS,
        }
    }
}

/// Begins an application, or gives the one that was begun before, with whether it is new.
///
/// What was done in an older system is done here, too. `now` is in milliseconds since the Unix epoch.
///
/// # Errors
///
/// See [`StartError`]. Where the store failed, the application may have begun: begin again.
pub async fn start<A: Applicants>(
    applicants: &A,
    nudges: &impl Nudges,
    vault: &impl Vault,
    legacy: &impl LegacySystem,
    markets: &Markets,
    beginner: Beginner,
    now: i64,
) -> Result<(Applicant, bool), StartError> {
    if let Some(applicant) = applicants.applicant(&beginner.id).await? {
        return Ok((applicant, false));
    }
    let workflow = markets.orchestrator().pick(&beginner.country, &beginner.market_type)?;
    let market = format!("{} {}", beginner.country, beginner.market_type);
    if !markets.settings().has_moved(&beginner.country, &beginner.market_type, &beginner.owner) {
        return Err(StartError::Legacy(market));
    }
    let facts = markets.settings().facts(&beginner.country, &beginner.market_type);
    let mut applicant = beginner.applicant(workflow, facts, now);
    if markets.settings().mirror
        && let Some(record) = legacy.record(&applicant.owner, &applicant.country, &applicant.market_type).await?
    {
        began_before(&mut applicant, workflow, &record, vault, now).await?;
    }
    if let Some(existing) = applicants.create(&applicant).await? {
        return Ok((existing, false));
    }
    nudges.nudge(&applicant.id, &applicant.correlation_id).await?;
    Ok((applicant, true))
}

async fn began_before(
    applicant: &mut Applicant,
    workflow: &Workflow,
    record: &LegacyRecord,
    vault: &impl Vault,
    now: i64,
) -> Result<(), StorageError> {
    let collected: Map<String, Value> = adopt(applicant, workflow, record, now);
    let (plain, personal) = crate::submit::sorted(workflow, collected);
    let sealed = vault.seal(&applicant.id, personal).await?;
    applicant.data.extend(crate::submit::data(plain, sealed));
    Ok(())
}

/// Parts of the index of applicants with something to do.
pub const SWEEP_SHARDS: u32 = 4;

/// A part of that index, spread by the moment that somebody looks at. Milliseconds since the Unix epoch.
pub fn shard(now: i64) -> String {
    now.rem_euclid(i64::from(SWEEP_SHARDS)).to_string()
}
