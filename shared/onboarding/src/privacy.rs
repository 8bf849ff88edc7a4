//! What a person may ask of the data that is kept about them: a copy, and to be forgotten.

use crate::{
    applicant::{Applicant, ApplicantStatus, Datum, KEEP_ERASED_SECONDS},
    ports::{Applicants, Documents, Vault},
    start::shard,
    uploads::{UPLOAD_LASTS_MS, prefix},
};
use carryout_environment::StorageError;
use carryout_workflow::Refused;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Everything that is known of an applicant, personal data opened.
///
/// # Errors
///
/// Where the vault can't open it.
pub async fn export(vault: &impl Vault, applicant: &Applicant) -> Result<Value, StorageError> {
    let mut collected = Map::new();
    let mut sealed = BTreeMap::new();
    for (field, datum) in &applicant.data {
        match datum {
            Datum::Plain(value) => drop(collected.insert(field.clone(), value.clone())),
            Datum::Sealed(value) => drop(sealed.insert(field.clone(), value.clone())),
        }
    }
    let opened = vault.open(&applicant.id, sealed).await?;
    collected.extend(opened.into_iter().map(|(field, value)| (field, value.into())));
    let steps = applicant.steps.0.iter().map(|(name, entry)| {
        (name.clone(), json!({ "state": entry.state, "ended_at": entry.ended_at, "response": entry.response }))
    });
    let decisions = applicant.audit.iter().map(|entry| json!({ "step": entry.step, "action": entry.action, "at": entry.at }));
    Ok(json!({
        "id": applicant.id,
        "country": applicant.country,
        "market_type": applicant.market_type,
        "created_at": applicant.created_at,
        "updated_at": applicant.updated_at,
        "collected": collected,
        "steps": steps.collect::<Map<_, _>>(),
        "decisions": decisions.collect::<Vec<_>>(),
    }))
}

/// Writes that are tried against concurrent ones.
const TRIES: u32 = 8;

/// Forgets what was collected and uploaded, and closes the application; what is left of it goes some time later. Whoever still acts
/// on a step loses it, and what is still put by an upload is removed when none lasts any longer. `now` is in milliseconds since the
/// Unix epoch. `false` where there is no such applicant.
///
/// # Errors
///
/// Where the store or the documents failed, or others kept writing: ask again.
pub async fn erase(applicants: &impl Applicants, documents: &impl Documents, id: &str, now: i64) -> Result<bool, StorageError> {
    let Some(erased) = close(applicants, id, now).await? else { return Ok(false) };
    forget(applicants, documents, &erased, now).await?;
    Ok(true)
}

/// The applicant with nothing in it.
async fn close(applicants: &impl Applicants, id: &str, now: i64) -> Result<Option<Applicant>, StorageError> {
    for _ in 0..TRIES {
        let Some(mut applicant) = applicants.applicant(id).await? else { return Ok(None) };
        if applicant.status == ApplicantStatus::Erased {
            return Ok(Some(applicant));
        }
        applicant.status = ApplicantStatus::Erased;
        applicant.data.clear();
        applicant.owner.clear();
        for entry in applicant.steps.0.values_mut() {
            (entry.response, entry.failure, entry.reference, entry.lease_until) = (None, None, None, 0);
        }
        applicant.audit.iter_mut().for_each(|entry| entry.reason.clear());
        let uploads_end = now + UPLOAD_LASTS_MS;
        (applicant.sweep_at, applicant.sweep_shard) = (Some(uploads_end), Some(shard(uploads_end)));
        applicant.ttl = now / 1_000 + KEEP_ERASED_SECONDS;
        applicant.updated_at = now;
        applicant.version += 1;
        match applicants.replace(&applicant).await {
            Ok(()) => return Ok(Some(applicant)),
            Err(Refused::ConditionFailed(_) | Refused::Conflict) => {}
            Err(Refused::NotFound | Refused::Other) => return Ok(None),
            Err(Refused::Storage(error)) => return Err(error),
        }
    }
    Err(StorageError::Unavailable("somebody else writes this applicant".to_owned()))
}

/// Removes what an erased applicant has uploaded. Once no upload lasts any longer, nobody needs to look after them again.
///
/// # Errors
///
/// Where objects or the store could not be written: the sweeper comes again.
pub async fn forget(
    applicants: &impl Applicants,
    documents: &impl Documents,
    applicant: &Applicant,
    now: i64,
) -> Result<(), StorageError> {
    if applicant.status != ApplicantStatus::Erased {
        return Ok(());
    }
    documents.remove(&prefix(&applicant.id)).await?;
    if applicant.sweep_at.is_some_and(|at| at <= now) {
        applicants.rest(&applicant.id, applicant.version, None).await?;
    }
    Ok(())
}
