//! Requests of applicants about their data: a copy, and erasure.

use crate::{
    applicant::{Applicant, ApplicantStatus, Datum, KEEP_ERASED_SECONDS, sweep_shard},
    form::object_prefix,
    ports::{Applicants, Documents, Vault},
    service::{Onboarding, Ports, conflict},
    uploads::UPLOAD_LASTS_MS,
};
use carryout_environment::{Clock, StorageError};
use carryout_workflow::Refused;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

impl<P: Ports<Vault: Vault>> Onboarding<P> {
    /// A copy of all data about an applicant, with personal data decrypted.
    ///
    /// # Errors
    ///
    /// If the vault can't decrypt it.
    pub async fn export(&self, applicant: &Applicant) -> Result<Value, StorageError> {
        let mut collected = Map::new();
        let mut sealed = BTreeMap::new();
        for (field, datum) in &applicant.data {
            match datum {
                Datum::Plain(value) => drop(collected.insert(field.clone(), value.clone())),
                Datum::Sealed(value) => drop(sealed.insert(field.clone(), value.clone())),
            }
        }
        let opened = self.vault.open(&applicant.id, sealed).await?;
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
}

/// Attempts to write against concurrent modification.
const TRIES: u32 = 8;

impl<P: Ports<Applicants: Applicants, Documents: Documents, Clock: Clock>> Onboarding<P> {
    /// Erases collected data and documents, and closes the application; the rest of it expires later. A concurrent attempt at a step
    /// loses its claim, and documents that are still uploaded are removed when no upload is valid any longer. Returns `false` if there
    /// is no such applicant.
    ///
    /// # Errors
    ///
    /// If storage or the documents failed, or concurrent modification persisted: try again.
    pub async fn erase(&self, id: &str) -> Result<bool, StorageError> {
        let Some(erased) = self.close_as_erased(id).await? else { return Ok(false) };
        self.remove_documents(&erased).await?;
        Ok(true)
    }

    async fn close_as_erased(&self, id: &str) -> Result<Option<Applicant>, StorageError> {
        let now = self.now();
        for _ in 0..TRIES {
            let Some(mut applicant) = self.applicants.applicant(id).await? else { return Ok(None) };
            if applicant.status == ApplicantStatus::Erased {
                return Ok(Some(applicant));
            }
            erase_data(&mut applicant, now);
            match self.applicants.replace(&applicant).await {
                Ok(()) => return Ok(Some(applicant)),
                Err(Refused::ConditionFailed(_) | Refused::Conflict) => {}
                Err(Refused::NotFound | Refused::Other) => return Ok(None),
                Err(Refused::Storage(error)) => return Err(error),
            }
        }
        Err(conflict())
    }

    /// Removes the documents of an erased applicant, and takes the applicant off the sweeper's index once no upload is valid any
    /// longer. Does nothing to other applicants.
    ///
    /// # Errors
    ///
    /// If objects or storage could not be written: the sweeper repeats it.
    pub async fn remove_documents(&self, applicant: &Applicant) -> Result<(), StorageError> {
        if applicant.status != ApplicantStatus::Erased {
            return Ok(());
        }
        self.documents.remove(&object_prefix(&applicant.id, None)).await?;
        if applicant.sweep_at.is_some_and(|at| at <= self.now()) {
            self.applicants.rest(&applicant.id, applicant.version, None).await?;
        }
        Ok(())
    }
}

fn erase_data(applicant: &mut Applicant, now: i64) {
    applicant.status = ApplicantStatus::Erased;
    applicant.data.clear();
    applicant.owner.clear();
    for entry in applicant.steps.0.values_mut() {
        (entry.response, entry.failure, entry.reference, entry.lease_until) = (None, None, None, 0);
    }
    applicant.audit.iter_mut().for_each(|entry| entry.reason.clear());
    let uploads_end = now + UPLOAD_LASTS_MS;
    (applicant.sweep_at, applicant.sweep_shard) = (Some(uploads_end), Some(sweep_shard(uploads_end)));
    applicant.ttl = now / 1_000 + KEEP_ERASED_SECONDS;
    applicant.updated_at = now;
    applicant.version += 1;
}
