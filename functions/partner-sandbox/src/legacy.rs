//! The legacy system: it keeps the newest version of each order that it was told, and has prices of its own.
//!
//! Its prices are ours but for two bugs, so that there is something to find:
//!
//! - In Canada it rounds taxes on each unit, as a till does, and not on each line.
//! - In the United States it forgets the service fee, and the tax on it, where the items cost [`FORGETS_FEE_FROM`] or more.

use crate::books::{Call, partition};
use crate::documents::{Documents, read, update};
use crate::{Partner, Reply, SandboxError, fit_for_ids};
use carryout_checkout::market::Country;
use carryout_lambda::http::Request;
use carryout_migration::{mirror::LegacyOrder, parity::LegacyPriceRequest};
use carryout_onboarding::legacy::LegacyRecord;
use carryout_pricing::{Context, Price, PricingError, TaxLevel, price};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What the partner can be asked.
pub const OPERATIONS: &[&str] = &["upsert", "lookup", "price", "applicant", "mirror"];
/// From which subtotal on the service fee is forgotten in the United States. Minor units.
pub const FORGETS_FEE_FROM: i64 = 10_000;
/// Where the order is in its partition.
const SORT_KEY: &str = "legacy";
/// Where an applicant is in theirs, before their market.
const APPLICANT_KEY: &str = "applicant";

/// What is asked.
#[derive(Debug)]
pub(crate) enum Route {
    Upsert(Box<LegacyOrder>),
    Lookup(String),
    Price(Box<LegacyPriceRequest>),
    Applicant(Place),
    Mirror(Place, Box<MirroredApplicant>),
}

/// Where an applicant of a market is.
#[derive(Debug)]
pub(crate) struct Place {
    owner: String,
    sk: String,
}

/// An applicant in one of the older table shapes, at a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MirroredApplicant {
    version: u64,
    record: LegacyRecord,
}

/// Reads the call, where the request is one to this partner.
pub(crate) fn route(request: &Request, segments: &[&str]) -> Option<Result<(Call, Route), Reply>> {
    if segments == ["prices"] && request.method == "POST" {
        return Some(Partner::Legacy.body::<LegacyPriceRequest>(request).map(|asked| {
            let consumer_id = Some(asked.consumer_id.clone());
            let call = Call { partner: Partner::Legacy, operation: "price", order_id: None, consumer_id, key: None };
            (call, Route::Price(Box::new(asked)))
        }));
    }
    if let ["applicants", owner] = segments {
        return applicant(request, owner);
    }
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

/// The applicants: `GET` and `PUT /applicants/{owner}?country=&market_type=`.
fn applicant(request: &Request, owner: &str) -> Option<Result<(Call, Route), Reply>> {
    let refused = |detail: &str| Some(Err(Partner::Legacy.error(400, "invalid_request", detail)));
    if !fit_for_ids(owner) {
        return refused("the applicant's id is not valid");
    }
    let (Some(country), Some(market_type)) = (request.query_param("country"), request.query_param("market_type")) else {
        return refused("the market is missing: country and market_type");
    };
    if !fit_for_ids(country) || !fit_for_ids(market_type) {
        return refused("the market is not valid");
    }
    let place = Place { owner: owner.to_owned(), sk: format!("{APPLICANT_KEY}#{country}#{market_type}") };
    let call =
        |operation| Call { partner: Partner::Legacy, operation, order_id: Some(owner.to_owned()), consumer_id: None, key: None };
    match request.method.as_str() {
        "GET" => Some(Ok((call("applicant"), Route::Applicant(place)))),
        "PUT" => Some(Partner::Legacy.body(request).map(|body| (call("mirror"), Route::Mirror(place, Box::new(body))))),
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
        Route::Applicant(place) => {
            let known = read::<MirroredApplicant>(documents, &partition(&place.owner), &place.sk).await?;
            Ok(Reply::new(200, json!({ "record": known.map(|known| known.record) })))
        }
        Route::Mirror(place, told) => {
            let newest = |held: Option<MirroredApplicant>| {
                let applied = held.as_ref().is_none_or(|held| held.version < told.version);
                let mut newest = (**told).clone();
                // Progress is told without what is personal, and what is known of it stays known.
                if let Some(held) = held {
                    newest.record.keep(held.record.data());
                }
                (applied.then_some(newest), applied)
            };
            let applied = update(documents, &partition(&place.owner), &place.sk, newest).await?;
            Ok(Reply::new(200, json!({ "applied": applied })))
        }
        Route::Price(asked) => Ok(match legacy_price(asked) {
            Ok(price) => Reply::new(200, json!(price)),
            Err(error) => Partner::Legacy.error(400, "no_price", &error.to_string()),
        }),
    }
}

/// Our price, spoilt by the bugs of the market.
fn legacy_price(asked: &LegacyPriceRequest) -> Result<Price, PricingError> {
    let mut context: Context = asked.context.clone();
    context.policy.id = "legacy".to_owned();
    match asked.market {
        Country::CA => context.policy.tax_level = TaxLevel::Unit,
        Country::US if price(&context)?.subtotal.minor >= FORGETS_FEE_FROM => context.fees.retain(|fee| fee.code != "service"),
        Country::US | Country::AU | Country::NZ | Country::PR => {}
    }
    price(&context)
}
