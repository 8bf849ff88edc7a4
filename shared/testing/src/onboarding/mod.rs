//! In-memory adapters, for tests: a store that writes as the real one does, vendors that can be slow, fail and answer late.

mod applicants;
mod vendors;

pub use applicants::MemoryApplicants;
pub use vendors::{Effects, SandboxVendors, Script};

use crate::lock;
use carryout_environment::StorageError;
use carryout_onboarding::{
    legacy::{LegacyRecord, LegacySystem},
    ports::{Awaited, Document, Documents, Nudges, Upload, Vault, Waits},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

/// Lets others go on: a request takes time, and may be the last that somebody does.
async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if paused {
            return std::task::Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// A vault that turns texts round: what is sealed can't be read by mistake, and opens for its applicant and field only.
#[derive(Debug, Clone, Copy, Default)]
pub struct TurningVault;

impl Vault for TurningVault {
    async fn seal(&self, id: &str, values: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StorageError> {
        let turned = |text: &str| text.chars().rev().collect::<String>();
        Ok(values.into_iter().map(|(field, value)| (field.clone(), format!("{id}|{field}|{}", turned(&value)))).collect())
    }

    async fn open(&self, id: &str, sealed: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StorageError> {
        let opened = sealed.into_iter().map(|(field, value)| {
            let turned = value.strip_prefix(&format!("{id}|{field}|")).ok_or_else(|| StorageError::Corrupt(field.clone()))?;
            let opened = turned.chars().rev().collect();
            Ok((field, opened))
        });
        opened.collect()
    }
}

/// A bucket. What is uploaded is put by the test itself.
#[derive(Debug, Clone, Default)]
pub struct MemoryDocuments {
    /// The names of its objects.
    pub objects: Arc<Mutex<BTreeSet<String>>>,
}

impl Documents for MemoryDocuments {
    async fn upload(&self, document: &Document, _: i64, expires_at: i64) -> Result<Upload, StorageError> {
        Ok(Upload {
            object: document.object.clone(),
            method: "PUT".to_owned(),
            url: format!("memory:{}", document.object),
            headers: [("content-type".to_owned(), document.content_type.clone())].into(),
            expires_at,
        })
    }

    async fn remove(&self, prefix: &str) -> Result<(), StorageError> {
        lock(&self.objects).retain(|object| !object.starts_with(prefix));
        Ok(())
    }
}

/// Messages that wait to be read.
#[derive(Debug, Clone, Default)]
pub struct MemoryNudges(Arc<Mutex<VecDeque<String>>>);

impl MemoryNudges {
    /// The next message.
    pub fn take(&self) -> Option<String> {
        lock(&self.0).pop_front()
    }
}

impl Nudges for MemoryNudges {
    async fn nudge(&self, applicant_id: &str, _: &str) -> Result<(), StorageError> {
        lock(&self.0).push_back(applicant_id.to_owned());
        Ok(())
    }
}

/// Waits that were begun.
#[derive(Debug, Clone, Default)]
pub struct MemoryWaits(Arc<Mutex<Vec<Awaited>>>);

impl MemoryWaits {
    /// The waits that were begun, each once.
    pub fn begun(&self) -> Vec<Awaited> {
        lock(&self.0).clone()
    }

    /// The waits that were begun since, taken away.
    pub fn take(&self) -> Vec<Awaited> {
        std::mem::take(&mut *lock(&self.0))
    }
}

impl Waits for MemoryWaits {
    async fn begin(&self, awaited: &Awaited) -> Result<(), StorageError> {
        let mut begun = lock(&self.0);
        if !begun.contains(awaited) {
            begun.push(awaited.clone());
        }
        Ok(())
    }

    async fn end(&self, _: &str) -> Result<(), StorageError> {
        Ok(())
    }
}

/// A system before this one.
#[derive(Debug, Clone, Default)]
pub struct MemoryLegacy {
    /// Its records by owner.
    pub records: Arc<Mutex<BTreeMap<String, (u64, LegacyRecord)>>>,
    /// Owners for whom it fails.
    pub fails_for: BTreeSet<String>,
}

impl LegacySystem for MemoryLegacy {
    async fn record(&self, owner: &str, _: &str, _: &str) -> Result<Option<LegacyRecord>, StorageError> {
        if self.fails_for.contains(owner) {
            return Err(StorageError::Unavailable("told to fail".to_owned()));
        }
        Ok(lock(&self.records).get(owner).map(|(_, record)| record.clone()))
    }

    async fn mirror(&self, owner: &str, _: &str, _: &str, version: u64, record: &LegacyRecord) -> Result<(), StorageError> {
        let mut records = lock(&self.records);
        if records.get(owner).is_none_or(|(held, _)| *held < version) {
            let mut newest = record.clone();
            if let Some((_, held)) = records.get(owner) {
                newest.keep(held.data());
            }
            records.insert(owner.to_owned(), (version, newest));
        }
        Ok(())
    }
}
