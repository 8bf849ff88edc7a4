//! The list of intents, newest first. An index names the minutes in which intents were created, and the intents of each.

use crate::call::Reply;
use crate::documents::{Documents, DocumentsError, put_once};
use crate::payment::errors::{invalid, no_such_intent, not_an_integer};
use crate::payment::intents::Intent;
use crate::payment::record::find;
use carryout_lambda::http::Request;
use futures::future::try_join_all;
use serde_json::{Value, json};

/// The partition that names the minutes in which intents were created.
const MINUTES: &str = "payment-minutes";

/// A page of the list.
#[derive(Debug)]
pub(super) struct Page {
    limit: usize,
    starting_after: Option<String>,
    created_from: i64,
    created_to: i64,
}

impl Page {
    /// Reads the page that a request asks for.
    pub(super) fn of(request: &Request) -> Result<Self, Reply> {
        let number = |name: &str, default: i64| {
            request.query_param(name).map_or(Ok(default), |text| text.parse().map_err(|_| not_an_integer(name)))
        };
        let limit = number("limit", 10)?;
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit));
        Ok(Self {
            limit: limit.ok_or_else(|| invalid("parameter_invalid_integer", "limit must be from 1 to 100", "limit"))?,
            starting_after: request.query_param("starting_after").map(str::to_owned),
            created_from: number("created[gte]", 0)?,
            created_to: number("created[lte]", i64::MAX)?,
        })
    }
}

/// Adds an intent to the index. An entry whose intent was created by another call at another time is skipped when listing.
pub(super) async fn index(documents: &impl Documents, intent: &Intent) -> Result<(), DocumentsError> {
    let (minute, id) = (minute(intent.created), &intent.id);
    put_once(documents, MINUTES, &minute, &Value::Null).await?;
    put_once(documents, &entries(&minute), &format!("{:010}#{id}", intent.created), &Value::Null).await
}

fn entries(minute: &str) -> String {
    format!("payment-minute#{minute}")
}

/// Lists a page.
pub(super) async fn list(documents: &impl Documents, page: &Page) -> Result<Reply, DocumentsError> {
    let after = match &page.starting_after {
        Some(id) => match find(documents, id).await? {
            Some(record) => Some((record.intent.created, id.clone())),
            None => return Ok(no_such_intent(id)),
        },
        None => None,
    };
    let mut found: Vec<Intent> = Vec::new();
    let minutes = documents.list(MINUTES).await?;
    let in_range = |sk: &str| sk.parse::<i64>().is_ok_and(|start| start + 59 >= page.created_from && start <= page.created_to);
    for (minute, _) in minutes.iter().rev().filter(|(minute, _)| in_range(minute)) {
        let indexed = documents.list(&entries(minute)).await?;
        let wanted = indexed.iter().rev().filter_map(|(sk, _)| {
            let (created, id) = sk.split_once('#')?;
            let created: i64 = created.parse().ok()?;
            let in_range = (page.created_from..=page.created_to).contains(&created);
            let comes_after = after.as_ref().is_none_or(|after| (created, id) < (after.0, after.1.as_str()));
            (in_range && comes_after).then_some((created, id))
        });
        let records = try_join_all(
            wanted.map(|(created, id)| async move { Ok::<_, DocumentsError>((created, find(documents, id).await?)) }),
        )
        .await?;
        found.extend(
            records
                .into_iter()
                .filter_map(|(created, record)| record.map(|record| record.intent).filter(|intent| intent.created == created)),
        );
        if found.len() > page.limit {
            break;
        }
    }
    let has_more = found.len() > page.limit;
    found.truncate(page.limit);
    Ok(Reply::new(200, json!({ "object": "list", "url": "/v1/payment_intents", "has_more": has_more, "data": found })))
}

/// The key of the minute: its start, so that keys sort by time.
fn minute(created: i64) -> String {
    format!("{:010}", created - created.rem_euclid(60))
}
