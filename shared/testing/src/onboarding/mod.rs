//! In-memory adapters, for tests: storage that writes as the real one does, vendors that can be slow, fail and answer late.

mod applicants;
mod vendors;

pub use applicants::MemoryApplicants;
pub use vendors::{Effects, SandboxVendors, Script};

use crate::{ManualClock, lock};
use carryout_environment::StorageError;
use carryout_onboarding::{
    Onboarding, Ports,
    legacy::{LegacyKey, LegacyRecord, LegacySystem},
    markets::Markets,
    ports::{AdvanceQueue, Awaited, Document, Documents, Upload, Vault, Waits},
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex},
};

/// Yields once to other tasks: a request takes time, and its caller may be killed meanwhile.
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

/// Every port in memory.
#[derive(Debug, Clone, Copy)]
pub struct InMemory;

impl Ports for InMemory {
    type Applicants = MemoryApplicants;
    type Vendors = SandboxVendors;
    type Vault = ReversingVault;
    type Documents = MemoryDocuments;
    type Queue = MemoryQueue;
    type Waits = MemoryWaits;
    type Legacy = MemoryLegacy;
    type Markets = Arc<Markets>;
    type Clock = ManualClock;
}

/// Onboarding in memory, with these markets, at `now` in milliseconds since the Unix epoch.
pub fn in_memory(markets: Markets, now: i64) -> Onboarding<InMemory> {
    let applicants = MemoryApplicants::default();
    let clock = applicants.clock();
    clock.set(now);
    Onboarding {
        applicants,
        vendors: SandboxVendors::default(),
        vault: ReversingVault,
        documents: MemoryDocuments::default(),
        queue: MemoryQueue::default(),
        waits: MemoryWaits::default(),
        legacy: MemoryLegacy::default(),
        markets: Arc::new(markets),
        clock,
    }
}

/// A vault that reverses texts: a sealed text can't be mistaken for a plain one, and opens for its applicant and field only.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReversingVault;

impl Vault for ReversingVault {
    async fn seal(&self, id: &str, values: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StorageError> {
        let reversed = |text: &str| text.chars().rev().collect::<String>();
        Ok(values.into_iter().map(|(field, value)| (field.clone(), format!("{id}|{field}|{}", reversed(&value)))).collect())
    }

    async fn open(&self, id: &str, sealed: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, StorageError> {
        let opened = sealed.into_iter().map(|(field, value)| {
            let reversed = value.strip_prefix(&format!("{id}|{field}|")).ok_or_else(|| StorageError::Corrupt(field.clone()))?;
            let opened = reversed.chars().rev().collect();
            Ok((field, opened))
        });
        opened.collect()
    }
}

/// A bucket. Tests put uploaded documents there themselves.
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

/// A queue of applicants to advance.
#[derive(Debug, Clone, Default)]
pub struct MemoryQueue(Arc<Mutex<VecDeque<String>>>);

impl MemoryQueue {
    /// Removes the next message.
    pub fn take(&self) -> Option<String> {
        lock(&self.0).pop_front()
    }
}

impl AdvanceQueue for MemoryQueue {
    async fn request(&self, applicant_id: &str, _: &str) -> Result<(), StorageError> {
        lock(&self.0).push_back(applicant_id.to_owned());
        Ok(())
    }
}

/// Waits that have begun.
#[derive(Debug, Clone, Default)]
pub struct MemoryWaits(Arc<Mutex<Vec<Awaited>>>);

impl MemoryWaits {
    /// The waits that have begun, each once.
    pub fn begun(&self) -> Vec<Awaited> {
        lock(&self.0).clone()
    }

    /// Removes the waits that have begun.
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

/// The older system.
#[derive(Debug, Clone, Default)]
pub struct MemoryLegacy {
    /// Its records, with their versions, by owner.
    pub records: Arc<Mutex<BTreeMap<String, (u64, LegacyRecord)>>>,
    /// Owners whose records can't be read.
    pub fails_for: BTreeSet<String>,
}

impl LegacySystem for MemoryLegacy {
    async fn record(&self, key: LegacyKey<'_>) -> Result<Option<LegacyRecord>, StorageError> {
        if self.fails_for.contains(key.owner) {
            return Err(StorageError::Unavailable("injected failure".to_owned()));
        }
        Ok(lock(&self.records).get(key.owner).map(|(_, record)| record.clone()))
    }

    async fn mirror(&self, key: LegacyKey<'_>, version: u64, record: &LegacyRecord) -> Result<(), StorageError> {
        let mut records = lock(&self.records);
        if records.get(key.owner).is_none_or(|(held, _)| *held < version) {
            let mut newest = record.clone();
            if let Some((_, held)) = records.get(key.owner) {
                newest.keep(held.data());
            }
            records.insert(key.owner.to_owned(), (version, newest));
        }
        Ok(())
    }
}
