//! The document of one intent, and how it is read and changed.

use crate::call::{FaultKind, Reply};
use crate::documents::{Documents, DocumentsError, order_partition, read, update};
use crate::ids::order_in;
use crate::payment::change::Change;
use crate::payment::errors::no_such_intent;
use crate::payment::idempotency::Replies;
use crate::payment::intents::{INTENT_PREFIX, Intent};
use crate::payment::refunds::{self, Refund};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An intent with its refunds and replies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// The intent.
    pub intent: Intent,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    pub(super) replies: Replies,
}

impl PaymentRecord {
    /// A record of a new intent.
    pub(super) fn of(intent: Intent) -> Self {
        Self { intent, refunds: Vec::new(), replies: Replies::default() }
    }

    /// The refunded amount. Minor units.
    pub fn refunded(&self) -> i64 {
        self.refunds.iter().map(|refund| refund.amount).sum()
    }

    /// Acts once per idempotency key: the same key repeats the first reply, whether success or refusal.
    pub(super) fn once(&mut self, change: &Change<'_>, act: impl FnOnce(&mut Self) -> Reply) -> Reply {
        if let Some(reply) = self.replies.replay(change) {
            return reply;
        }
        let reply = act(self);
        self.replies.store(change, &reply);
        reply
    }

    /// Refunds the intent.
    pub(super) fn refund(&mut self, change: &Change<'_>, now_s: i64, fault: Option<&FaultKind>) -> Reply {
        match refunds::refund(&self.intent, self.refunded(), change, now_s, fault) {
            Ok(refund) => {
                let reply = Reply::new(200, json!(refund));
                self.refunds.push(refund);
                reply
            }
            Err(refusal) => refusal,
        }
    }
}

/// The sort key of an intent's record.
pub(super) fn sort_key(id: &str) -> String {
    format!("payment#{id}")
}

/// Reads an intent's record.
pub(super) async fn find(documents: &impl Documents, id: &str) -> Result<Option<PaymentRecord>, DocumentsError> {
    match order_in(INTENT_PREFIX, id) {
        Some(order_id) => read(documents, &order_partition(order_id), &sort_key(id)).await,
        None => Ok(None),
    }
}

/// Changes an intent by `act`, once per idempotency key.
pub(super) async fn change(
    documents: &impl Documents,
    id: &str,
    request: &Change<'_>,
    act: impl Fn(&mut PaymentRecord) -> Reply + Send + Sync,
) -> Result<Reply, DocumentsError> {
    let Some(order_id) = order_in(INTENT_PREFIX, id) else { return Ok(no_such_intent(id)) };
    update(documents, &order_partition(order_id), &sort_key(id), |record: Option<PaymentRecord>| {
        let Some(mut record) = record else { return (None, no_such_intent(id)) };
        let reply = record.once(request, &act);
        ((!reply.was_replayed()).then_some(record), reply)
    })
    .await
}
