//! The legacy system: it keeps the newest mirrored version of each order, and computes prices of its own.
//!
//! Its prices differ from the engine's by two deliberate bugs, which parity checks must find:
//!
//! - In Canada it rounds taxes on each unit, not on each line.
//! - In the United States it omits the service fee, and the tax on it, from a subtotal of [`OMITS_FEE_FROM`] on.

use crate::call::{Call, FaultKind, Operation, Partner, Reply, json_body};
use crate::documents::{Documents, DocumentsError, order_partition, read, update};
use crate::ids::is_valid_id;
use crate::partner::{Effect, OrderDocuments, PartnerBooks, PartnerCall, PlayedPartner};
use crate::sandbox::{Ports, Sandbox, SandboxError, Settings};
use carryout_lambda::http::Request;
use carryout_migration::{mirror::LegacyOrder, parity::LegacyPriceRequest};
use carryout_onboarding::legacy::LegacyRecord;
use carryout_pricing::{Context, Price, PricingError, TaxLevel, price};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const UPSERT: &Operation = &Operation::effect("upsert");
const LOOKUP: &Operation = &Operation::read("lookup");
const PRICE: &Operation = &Operation::read("price");
const APPLICANT: &Operation = &Operation::read("applicant");
const MIRROR: &Operation = &Operation::effect("mirror");
/// The subtotal from which the service fee is omitted in the United States. Minor units.
pub const OMITS_FEE_FROM: i64 = 10_000;
/// A way in which its prices differ from ours.
enum Bug {
    /// Taxes are rounded on each unit.
    TaxPerUnit,
    /// The service fee of large orders is missing.
    OmitsServiceFee,
}

/// The bugs by market; its prices of other markets are ours.
const BUGS: &[(&str, Bug)] = &[("CA", Bug::TaxPerUnit), ("US", Bug::OmitsServiceFee)];
/// The sort key of an order.
const ORDER_KEY: &str = "legacy";
/// The prefix of an applicant's sort key, before the market.
const APPLICANT_KEY: &str = "applicant";

/// The legacy system.
pub(crate) struct Legacy;

/// A request to the legacy system.
#[derive(Debug)]
enum LegacyRequest {
    Upsert(Box<LegacyOrder>),
    Lookup(String),
    Price(Box<LegacyPriceRequest>),
    Applicant(ApplicantKey),
    Mirror(ApplicantKey, Box<MirroredApplicant>),
}

/// The key of an applicant in a market.
#[derive(Debug)]
struct ApplicantKey {
    owner: String,
    sk: String,
}

/// A mirrored applicant in one of the legacy table shapes, at a version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MirroredApplicant {
    version: u64,
    record: LegacyRecord,
}

impl<P: Ports> PlayedPartner<P> for Legacy {
    fn partner(&self) -> Partner {
        Partner::Legacy
    }

    fn operations(&self) -> &'static [&'static Operation] {
        &[UPSERT, LOOKUP, PRICE, APPLICANT, MIRROR]
    }

    fn route(&self, request: &Request, segments: &[&str], _: &Settings) -> Option<Result<PartnerCall<P>, Reply>> {
        let routed = match (request.method.as_str(), segments) {
            ("POST", ["prices"]) => price_request(request),
            ("PUT", ["orders", order_id]) => upsert_request(request, order_id),
            ("GET", ["orders", order_id]) => lookup_request(order_id),
            ("GET" | "PUT", ["applicants", owner]) => applicant_request(request, owner),
            _ => return None,
        };
        Some(routed.map(|(call, asked)| PartnerCall::new(request, call, asked)))
    }

    fn books(&self, order: &OrderDocuments) -> Result<PartnerBooks, DocumentsError> {
        let legacy_order: Option<Value> = order.of(ORDER_KEY)?.pop();
        Ok(PartnerBooks { entries: vec![("legacy_order", json!(legacy_order))], ..PartnerBooks::default() })
    }
}

impl<P: Ports> Effect<P> for LegacyRequest {
    fn apply<'a>(
        &'a self,
        sandbox: &'a Sandbox<P>,
        _: &'a PartnerCall<P>,
        _: Option<&'a FaultKind>,
    ) -> BoxFuture<'a, Result<Reply, SandboxError>> {
        Box::pin(async move { Ok(serve(&sandbox.documents, self).await?) })
    }
}

fn call(operation: &'static Operation) -> Call {
    Call { partner: Partner::Legacy, operation, order_id: None, consumer_id: None, key: None }
}

fn price_request(request: &Request) -> Result<(Call, LegacyRequest), Reply> {
    let asked: LegacyPriceRequest = json_body(request)?;
    let call = Call { consumer_id: Some(asked.consumer_id.clone()), ..call(PRICE) };
    Ok((call, LegacyRequest::Price(Box::new(asked))))
}

fn valid_order_id(order_id: &str) -> Result<String, Reply> {
    if is_valid_id(order_id) { Ok(order_id.to_owned()) } else { Err(Reply::invalid("the order's id is not valid")) }
}

fn upsert_request(request: &Request, order_id: &str) -> Result<(Call, LegacyRequest), Reply> {
    let order_id = valid_order_id(order_id)?;
    let order: LegacyOrder = json_body(request)?;
    if order.id != order_id {
        return Err(Reply::invalid("the order's id is not the one in the path"));
    }
    let (consumer_id, key) = (Some(order.consumer.id.clone()), Some(order.deduplication_id()));
    let call = Call { order_id: Some(order_id), consumer_id, key, ..call(UPSERT) };
    Ok((call, LegacyRequest::Upsert(Box::new(order))))
}

fn lookup_request(order_id: &str) -> Result<(Call, LegacyRequest), Reply> {
    let order_id = valid_order_id(order_id)?;
    Ok((Call { order_id: Some(order_id.clone()), ..call(LOOKUP) }, LegacyRequest::Lookup(order_id)))
}

/// The applicants: `GET` and `PUT /applicants/{owner}?country=&market_type=`.
fn applicant_request(request: &Request, owner: &str) -> Result<(Call, LegacyRequest), Reply> {
    if !is_valid_id(owner) {
        return Err(Reply::invalid("the applicant's id is not valid"));
    }
    let (Some(country), Some(market_type)) = (request.query_param("country"), request.query_param("market_type")) else {
        return Err(Reply::invalid("the market is missing: country and market_type"));
    };
    if !is_valid_id(country) || !is_valid_id(market_type) {
        return Err(Reply::invalid("the market is not valid"));
    }
    let key = ApplicantKey { owner: owner.to_owned(), sk: format!("{APPLICANT_KEY}#{country}#{market_type}") };
    let call = |operation| Call { order_id: Some(owner.to_owned()), ..call(operation) };
    if request.method == "GET" {
        return Ok((call(APPLICANT), LegacyRequest::Applicant(key)));
    }
    Ok((call(MIRROR), LegacyRequest::Mirror(key, Box::new(json_body(request)?))))
}

async fn serve(documents: &impl Documents, asked: &LegacyRequest) -> Result<Reply, DocumentsError> {
    match asked {
        LegacyRequest::Upsert(order) => {
            let newest = |held: Option<LegacyOrder>| {
                let applied = held.is_none_or(|held| held.version < order.version);
                (applied.then(|| (**order).clone()), applied)
            };
            let applied = update(documents, &order_partition(&order.id), ORDER_KEY, newest).await?;
            Ok(Reply::new(200, json!({ "applied": applied })))
        }
        LegacyRequest::Lookup(order_id) => {
            Ok(match read::<LegacyOrder>(documents, &order_partition(order_id), ORDER_KEY).await? {
                Some(order) => Reply::new(200, json!(order)),
                None => Reply::error(404, "not_found", "the legacy system does not know this order"),
            })
        }
        LegacyRequest::Applicant(key) => {
            let known = read::<MirroredApplicant>(documents, &order_partition(&key.owner), &key.sk).await?;
            Ok(Reply::new(200, json!({ "record": known.map(|known| known.record) })))
        }
        LegacyRequest::Mirror(key, mirrored) => {
            let newest = |held: Option<MirroredApplicant>| {
                let applied = held.as_ref().is_none_or(|held| held.version < mirrored.version);
                let mut newest = (**mirrored).clone();
                // Progress is mirrored without personal data, so known personal data is kept.
                if let Some(held) = held {
                    newest.record.keep(held.record.data());
                }
                (applied.then_some(newest), applied)
            };
            let applied = update(documents, &order_partition(&key.owner), &key.sk, newest).await?;
            Ok(Reply::new(200, json!({ "applied": applied })))
        }
        LegacyRequest::Price(asked) => Ok(match legacy_price(asked) {
            Ok(price) => Reply::new(200, json!(price)),
            Err(error) => Reply::error(400, "no_price", &error.to_string()),
        }),
    }
}

/// The engine's price with the bugs of the market.
fn legacy_price(asked: &LegacyPriceRequest) -> Result<Price, PricingError> {
    let mut context: Context = asked.context.clone();
    context.policy.id = "legacy".to_owned();
    match BUGS.iter().find(|(market, _)| *market == asked.market.as_str()) {
        Some((_, Bug::TaxPerUnit)) => context.policy.tax_level = TaxLevel::Unit,
        Some((_, Bug::OmitsServiceFee)) if price(&context)?.subtotal.minor >= OMITS_FEE_FROM => {
            context.fees.retain(|fee| fee.code != "service");
        }
        Some((_, Bug::OmitsServiceFee)) | None => {}
    }
    price(&context)
}
