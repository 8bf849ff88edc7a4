//! The sandbox's storage: versioned JSON documents under a partition key and a sort key.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

/// How often an update is attempted under concurrent modification.
const UPDATE_ATTEMPTS: usize = 20;

/// A stored document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The content.
    pub value: Value,
    /// Changes with every put.
    pub version: u64,
}

/// Why a document was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// The document is not at the expected version. Read it again.
    #[error("concurrent modification of the document")]
    Conflict,
    /// The storage is unreachable. A put may have taken effect.
    #[error("the documents are not available: {0}")]
    Unavailable(String),
    /// A stored document has an unexpected form.
    #[error("a stored document can't be read: {0}")]
    Corrupt(#[from] serde_json::Error),
}

/// Storage of documents.
pub trait Documents: Clone + Send + Sync + 'static {
    /// Reads one document. MUST see every acknowledged put.
    fn get(&self, pk: &str, sk: &str) -> impl Future<Output = Result<Option<Document>, DocumentsError>> + Send;

    /// Writes one document. `None`: MUST return [`DocumentsError::Conflict`] if the document exists; `Some(version)`:
    /// MUST do so unless it is at that version.
    fn put(
        &self,
        pk: &str,
        sk: &str,
        value: &Value,
        expected: Option<u64>,
    ) -> impl Future<Output = Result<(), DocumentsError>> + Send;

    /// Lists the documents of a partition, in the order of their sort keys. MUST see every acknowledged put.
    fn list(&self, pk: &str) -> impl Future<Output = Result<Vec<(String, Document)>, DocumentsError>> + Send;

    /// Removes one document, if it exists.
    fn delete(&self, pk: &str, sk: &str) -> impl Future<Output = Result<(), DocumentsError>> + Send;
}

/// Changes one document: `change` gets the current one, and returns the document to write, if any, and a result for the
/// caller. It is called again after a concurrent modification.
///
/// # Errors
///
/// [`DocumentsError`]; [`DocumentsError::Conflict`] only after many attempts.
pub async fn update<D, T, R>(
    documents: &D,
    pk: &str,
    sk: &str,
    mut change: impl FnMut(Option<T>) -> (Option<T>, R) + Send,
) -> Result<R, DocumentsError>
where
    D: Documents,
    T: Serialize + DeserializeOwned + Send,
    R: Send,
{
    for _ in 0..UPDATE_ATTEMPTS {
        let (record, version) = match documents.get(pk, sk).await? {
            Some(document) => (Some(serde_json::from_value(document.value)?), Some(document.version)),
            None => (None, None),
        };
        let (changed, result) = change(record);
        let Some(changed) = changed else { return Ok(result) };
        match documents.put(pk, sk, &serde_json::to_value(changed)?, version).await {
            Ok(()) => return Ok(result),
            Err(DocumentsError::Conflict) => {}
            Err(error) => return Err(error),
        }
    }
    Err(DocumentsError::Conflict)
}

/// Writes a document that never changes. An existing one counts as success: a retry below this call may have written it.
///
/// # Errors
///
/// [`DocumentsError`], but never [`DocumentsError::Conflict`].
pub async fn put_once(documents: &impl Documents, pk: &str, sk: &str, value: &Value) -> Result<(), DocumentsError> {
    match documents.put(pk, sk, value, None).await {
        Ok(()) | Err(DocumentsError::Conflict) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The partition of all documents of one order.
pub(crate) fn order_partition(order_id: &str) -> String {
    format!("order#{order_id}")
}

/// Reads one document as a `T`.
///
/// # Errors
///
/// [`DocumentsError`]; [`DocumentsError::Corrupt`] where it is not a `T`.
pub async fn read<T: DeserializeOwned>(documents: &impl Documents, pk: &str, sk: &str) -> Result<Option<T>, DocumentsError> {
    Ok(documents.get(pk, sk).await?.map(|document| serde_json::from_value(document.value)).transpose()?)
}

/// Documents in memory, for tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryDocuments(Arc<Mutex<BTreeMap<(String, String), Document>>>);

impl MemoryDocuments {
    fn with<R>(&self, act: impl FnOnce(&mut BTreeMap<(String, String), Document>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Documents for MemoryDocuments {
    async fn get(&self, pk: &str, sk: &str) -> Result<Option<Document>, DocumentsError> {
        Ok(self.with(|all| all.get(&(pk.to_owned(), sk.to_owned())).cloned()))
    }

    async fn put(&self, pk: &str, sk: &str, value: &Value, expected: Option<u64>) -> Result<(), DocumentsError> {
        self.with(|all| {
            let key = (pk.to_owned(), sk.to_owned());
            let current = all.get(&key).map(|document| document.version);
            if current != expected {
                return Err(DocumentsError::Conflict);
            }
            all.insert(key, Document { value: value.clone(), version: current.unwrap_or_default() + 1 });
            Ok(())
        })
    }

    async fn list(&self, pk: &str) -> Result<Vec<(String, Document)>, DocumentsError> {
        Ok(self.with(|all| {
            all.iter().filter(|((own, _), _)| own == pk).map(|((_, sk), document)| (sk.clone(), document.clone())).collect()
        }))
    }

    async fn delete(&self, pk: &str, sk: &str) -> Result<(), DocumentsError> {
        self.with(|all| all.remove(&(pk.to_owned(), sk.to_owned())));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn put_requires_the_version_it_read() {
        let documents = MemoryDocuments::default();
        documents.put("p", "s", &json!(1), None).await.unwrap();
        assert!(matches!(documents.put("p", "s", &json!(2), None).await, Err(DocumentsError::Conflict)));
        let seen = documents.get("p", "s").await.unwrap().unwrap();
        documents.put("p", "s", &json!(2), Some(seen.version)).await.unwrap();
        assert!(matches!(documents.put("p", "s", &json!(3), Some(seen.version)).await, Err(DocumentsError::Conflict)));
        assert!(matches!(documents.put("p", "other", &json!(3), Some(1)).await, Err(DocumentsError::Conflict)));
        assert_eq!(documents.get("p", "s").await.unwrap().map(|document| document.value), Some(json!(2)));
    }

    #[tokio::test]
    async fn list_is_ordered_and_limited_to_the_partition() {
        let documents = MemoryDocuments::default();
        for (pk, sk) in [("p", "b"), ("p", "a"), ("q", "c")] {
            documents.put(pk, sk, &json!(sk), None).await.unwrap();
        }
        documents.delete("p", "nothing").await.unwrap();
        let keys: Vec<String> = documents.list("p").await.unwrap().into_iter().map(|(sk, _)| sk).collect();
        assert_eq!(keys, ["a", "b"]);
        documents.delete("p", "a").await.unwrap();
        assert_eq!(documents.list("p").await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn concurrent_updates_all_take_effect() {
        let documents = MemoryDocuments::default();
        let add = || update(&documents, "p", "s", |count: Option<u32>| (Some(count.unwrap_or_default() + 1), ()));
        futures::future::try_join_all((0..10).map(|_| add())).await.unwrap();
        assert_eq!(read::<u32>(&documents, "p", "s").await.unwrap(), Some(10));
    }
}
