//! The legacy system: it keeps the newest version of each order that it was told.

use crate::books::{Call, partition};
use crate::documents::{Documents, read, update};
use crate::{Partner, Reply, SandboxError, fit_for_ids};
use carryout_checkout::legacy::LegacyOrder;
use carryout_lambda::http::Request;
use serde_json::json;

/// What the partner can be asked.
pub const OPERATIONS: &[&str] = &["upsert", "lookup"];
/// Where the order is in its partition.
const SORT_KEY: &str = "legacy";

/// What is asked.
#[derive(Debug)]
pub(crate) enum Route {
    Upsert(Box<LegacyOrder>),
    Lookup(String),
}

/// Reads the call, where the request is one to this partner.
pub(crate) fn route(request: &Request, segments: &[&str]) -> Option<Result<(Call, Route), Reply>> {
    let ["orders", order_id] = segments else { return None };
    let refused = |detail: &str| Some(Err(Partner::Legacy.error(400, "invalid_request", detail)));
    if !fit_for_ids(order_id) {
        return refused("the order's id is not valid");
    }
    let call = |operation, consumer_id| Call {
        partner: Partner::Legacy,
        operation,
        order_id: Some((*order_id).to_owned()),
        consumer_id,
        key: None,
    };
    match request.method.as_str() {
        "PUT" => match Partner::Legacy.body::<LegacyOrder>(request) {
            Err(refusal) => Some(Err(refusal)),
            Ok(order) if order.id != *order_id => refused("the order's id is not the one in the path"),
            Ok(order) => {
                let consumer_id = Some(order.consumer.id.clone());
                let key = Some(order.deduplication_id());
                Some(Ok((Call { key, ..call("upsert", consumer_id) }, Route::Upsert(Box::new(order)))))
            }
        },
        "GET" => Some(Ok((call("lookup", None), Route::Lookup((*order_id).to_owned())))),
        _ => None,
    }
}

pub(crate) async fn serve(documents: &impl Documents, route: &Route) -> Result<Reply, SandboxError> {
    match route {
        Route::Upsert(order) => {
            let newest = |held: Option<LegacyOrder>| {
                let applied = held.is_none_or(|held| held.version < order.version);
                (applied.then(|| (**order).clone()), applied)
            };
            let applied = update(documents, &partition(&order.id), SORT_KEY, newest).await?;
            Ok(Reply::new(200, json!({ "applied": applied })))
        }
        Route::Lookup(order_id) => Ok(match read::<LegacyOrder>(documents, &partition(order_id), SORT_KEY).await? {
            Some(order) => Reply::new(200, json!(order)),
            None => Partner::Legacy.error(404, "not_found", "the legacy system does not know this order"),
        }),
    }
}
