//! Every sample event is what it says: it becomes the type that its function reads.

use carryout_checkout::{
    cart::Cart,
    codes,
    ledger::{self, Balance, LedgerEvent},
    order::OrderSubmitted,
    ports::MerchantAnswer,
    reprice::RepriceBody,
    request_refund::RefundBody,
    steps,
    submit::CheckoutRequest,
    workflows,
};
use carryout_lambda::http::{Problem, Request};
use carryout_lambda::signature::{
    KeyRing, PAYMENT_SIGNATURE_HEADER, WEBHOOK_SIGNATURE_HEADER, WEBHOOK_TOLERANCE_SECONDS, verify_payment_webhook,
    verify_webhook,
};
use carryout_migration::{mirror::LegacyOrder, parity::PriceSample};
use carryout_onboarding::{ports::Awaited, vendor::VendorCallback};
use carryout_pricing::PriceMeasure;
use carryout_workflow::{Direction, Orchestrator, StepAction, StepInput, Workflow, run};
use contract::files;
use contract::findings::{Findings, set};
use contract::source::Wiring;
use contract::template::{Route, Template, keys};
use contract::types::{Types, Way};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeSet;

const KINDS: &[&str] = &["api-gateway", "dynamodb", "ledger", "onboarding-wait", "schedule", "sqs", "step-functions"];
/// Folders whose files are tested by the crate that reads them.
const ELSEWHERE: &[&str] = &["predicate", "pricing"];
/// What the sample webhooks are signed with, and when.
const SECRET: &str = "not-a-secret";
const SIGNED_AT: i64 = 1_763_766_000;

/// What a request of `events/api-gateway` is.
enum Case {
    /// It has no body that is read.
    Plain,
    /// A cart, a checkout, changes of an order's lines, a refund, a fault.
    Cart,
    Checkout,
    Reprice,
    Refund,
    Fault,
    /// A body of this type of `functions/onboard`.
    Body(&'static str),
    /// A webhook with a signature that fits.
    Webhook,
    /// The same of a vendor of onboarding.
    VendorWebhook,
    /// The same of the payment processor.
    PaymentWebhook,
    /// A cart that is refused with a code, naming a field.
    BadCart(&'static str, Option<&'static str>),
    BadCheckout(&'static str, Option<&'static str>),
    BadRefund(&'static str, Option<&'static str>),
    /// A webhook that is refused with a code.
    BadWebhook(&'static str),
    BadPaymentWebhook(&'static str),
    /// A query parameter that is no number, or is absent.
    BadQuery(&'static str),
    /// A request that lacks a header which its route needs.
    Without(&'static str),
}

/// Every file of `events/api-gateway` with its route.
const REQUESTS: &[(&str, &str, &str, Case)] = &[
    ("checkout", "POST", "/v1/checkouts", Case::Checkout),
    ("checkout-without-key", "POST", "/v1/checkouts", Case::Without("Idempotency-Key")),
    ("checkout-without-signature", "POST", "/v1/checkouts", Case::BadCheckout("Request.InvalidField", Some("quote_signature"))),
    ("get-order", "GET", "/v1/orders/{id}", Case::Plain),
    ("cancel-order", "POST", "/v1/orders/{id}/cancellation", Case::Plain),
    ("list-parked-orders", "GET", "/v1/ops/orders/parked", Case::Plain),
    ("reprice-order", "POST", "/v1/orders/{id}/quotes", Case::Reprice),
    ("refund-order", "POST", "/v1/orders/{id}/refunds", Case::Refund),
    ("refund-without-reason", "POST", "/v1/orders/{id}/refunds", Case::BadRefund("Request.InvalidField", Some("reason"))),
    ("redrive-refund", "POST", "/v1/ops/refunds/{id}/redrive", Case::Plain),
    ("redrive-order", "POST", "/v1/ops/orders/{id}/redrive", Case::Plain),
    ("read-quote-record", "GET", "/v1/ops/quotes/{id}", Case::Plain),
    ("replay-quote", "POST", "/v1/ops/quotes/{id}/replay", Case::Plain),
    ("get-order-unknown", "GET", "/v1/orders/{id}", Case::Plain),
    ("health", "GET", "/health", Case::Plain),
    ("list-stores", "GET", "/v1/stores", Case::Plain),
    ("list-stores-malformed-latitude", "GET", "/v1/stores", Case::BadQuery("lat")),
    ("list-stores-nowhere", "GET", "/v1/stores", Case::BadQuery("lat")),
    ("merchant-accepts", "POST", "/v1/webhooks/merchants", Case::Webhook),
    ("merchant-forged", "POST", "/v1/webhooks/merchants", Case::BadWebhook("Webhook.SignatureInvalid")),
    ("merchant-refuses", "POST", "/v1/webhooks/merchants", Case::Webhook),
    ("merchant-too-old", "POST", "/v1/webhooks/merchants", Case::BadWebhook("Webhook.TooOld")),
    ("merchant-unsigned", "POST", "/v1/webhooks/merchants", Case::BadWebhook("Webhook.SignatureMissing")),
    ("payment-captured", "POST", "/v1/webhooks/payments", Case::PaymentWebhook),
    ("payment-disputed", "POST", "/v1/webhooks/payments", Case::PaymentWebhook),
    ("payment-forged", "POST", "/v1/webhooks/payments", Case::BadPaymentWebhook("Webhook.SignatureInvalid")),
    ("payment-refunded", "POST", "/v1/webhooks/payments", Case::PaymentWebhook),
    ("payment-too-old", "POST", "/v1/webhooks/payments", Case::BadPaymentWebhook("Webhook.TooOld")),
    ("payment-unsigned", "POST", "/v1/webhooks/payments", Case::BadPaymentWebhook("Webhook.SignatureMissing")),
    ("quote-delivery", "POST", "/v1/quotes", Case::Cart),
    ("quote-encoded", "POST", "/v1/quotes", Case::Cart),
    ("quote-malformed", "POST", "/v1/quotes", Case::BadCart("Request.Malformed", None)),
    ("quote-pickup", "POST", "/v1/quotes", Case::Cart),
    ("quote-unknown-field", "POST", "/v1/quotes", Case::BadCart("Request.InvalidField", Some("adress_id"))),
    ("quote-without-token", "POST", "/v1/quotes", Case::Without("Authorization")),
    ("quote-wrong-quantity", "POST", "/v1/quotes", Case::BadCart("Request.InvalidField", Some("lines[1].quantity"))),
    ("read-store", "GET", "/v1/stores/{id}", Case::Plain),
    ("ready", "GET", "/ready", Case::Plain),
    ("begin-application", "POST", "/v1/applicants", Case::Body("StartBody")),
    ("get-application", "GET", "/v1/applicants/{id}", Case::Plain),
    ("export-application", "GET", "/v1/applicants/{id}/data", Case::Plain),
    ("erase-application", "DELETE", "/v1/applicants/{id}", Case::Plain),
    ("submit-step", "PUT", "/v1/applicants/{id}/steps/{step}", Case::Body("StepBody")),
    ("upload-document", "POST", "/v1/applicants/{id}/steps/{step}/uploads", Case::Body("UploadBody")),
    ("operate-step", "POST", "/v1/ops/applicants/{id}/steps/{step}", Case::Body("OperationBody")),
    ("vendor-approves", "POST", "/v1/webhooks/vendors", Case::VendorWebhook),
    ("vendor-refuses", "POST", "/v1/webhooks/vendors", Case::VendorWebhook),
    ("vendor-forged", "POST", "/v1/webhooks/vendors", Case::BadWebhook("Webhook.SignatureInvalid")),
    ("sandbox-clear-faults", "DELETE", "/v1/ops/sandbox/{proxy+}", Case::Plain),
    ("sandbox-list-faults", "GET", "/v1/ops/sandbox/{proxy+}", Case::Plain),
    ("sandbox-read-books", "GET", "/v1/ops/sandbox/{proxy+}", Case::Plain),
    ("sandbox-set-fault", "POST", "/v1/ops/sandbox/{proxy+}", Case::Fault),
];

/// Every file of `events/sqs` with what its messages are.
const BATCHES: &[(&str, Batch)] = &[
    ("legacy-orders", Batch::Legacy),
    ("order-malformed", Batch::Malformed),
    ("order-submitted", Batch::Orders(Direction::Forward)),
    ("order-turned-round", Batch::Orders(Direction::Undo)),
    ("price-sample", Batch::Sample),
    ("sandbox-late-effect", Batch::Callback("late_effect", "DeferredRequest")),
    ("sandbox-merchant-answer", Batch::Callback("merchant_answer", "MerchantAnswer")),
    ("sandbox-vendor-answer", Batch::Callback("vendor_answer", "VendorAnswerDue")),
    ("applicant-nudged", Batch::Applicant),
    ("sandbox-payment-event", Batch::Callback("payment_event", "PaymentEvent")),
];

enum Batch {
    Applicant,
    Legacy,
    Sample,
    Orders(Direction),
    Malformed,
    Callback(&'static str, &'static str),
}

fn load(kind: &str, name: &str) -> Value {
    serde_json::from_str(&files::read(&format!("events/{kind}/{name}.json"))).unwrap_or_default()
}

/// The names of a folder's files without `.json`.
fn names(kind: &str) -> BTreeSet<String> {
    files::list(&format!("events/{kind}"))
        .into_iter()
        .map(|file| file.strip_suffix(".json").map_or(file.clone(), str::to_owned))
        .collect()
}

/// What to do where the files and the list of their cases differ.
fn owned(findings: &mut Findings, kind: &str, cases: impl IntoIterator<Item = &'static str>) {
    findings.same(
        &names(kind),
        &set(cases),
        |name| format!("events/{kind}/{name}.json has no test: add it to tests/contract/tests/events.rs, or remove it"),
        |name| format!("events/{kind}/{name}.json is missing: add it, or remove its line from tests/contract/tests/events.rs"),
    );
}

#[test]
fn every_folder_has_a_test() {
    let mut findings = Findings::new();
    findings.same(
        &set(files::list("events")),
        &set(KINDS.iter().chain(ELSEWHERE).copied()),
        |kind| format!("events/{kind} has no test: add one to tests/contract/tests/events.rs"),
        |kind| format!("events/{kind} is missing"),
    );
    findings.conclude();
}

#[test]
fn every_request_is_what_its_name_says() {
    let mut findings = Findings::new();
    owned(&mut findings, "api-gateway", REQUESTS.iter().map(|(name, ..)| *name));
    for (name, method, route, case) in REQUESTS {
        let event = load("api-gateway", name);
        let consistent = event["requestContext"]["resourcePath"] == event["resource"]
            && event["requestContext"]["httpMethod"] == event["httpMethod"]
            && event["requestContext"]["path"].as_str().unwrap_or_default()
                == format!("/live{}", event["path"].as_str().unwrap_or_default());
        findings.check(consistent, || format!("{name}: requestContext must repeat resource, httpMethod and path"));
        let same_headers =
            event["headers"].as_object().into_iter().flatten().all(|(key, value)| event["multiValueHeaders"][key][0] == *value);
        findings.check(same_headers, || format!("{name}: headers and multiValueHeaders must say the same"));
        let request = match Request::from_event(event) {
            Ok(request) => request,
            Err(problem) => {
                findings.add(format!("{name}: it is no request: {problem}"));
                continue;
            }
        };
        findings.check((request.method.as_str(), request.route.as_str()) == (*method, *route), || {
            format!("{name}: it must be {method} {route}, not {} {}", request.method, request.route)
        });
        let path = request.path_params.iter().fold((*route).to_owned(), |path, (key, value)| {
            path.replace(&format!("{{{key}}}"), value).replace(&format!("{{{key}+}}"), value)
        });
        findings.check(path == request.path, || format!("{name}: with its parameters the path is {path}, not {}", request.path));
        if let Err(wrong) = as_said(&request, case) {
            findings.add(format!("{name}: {wrong}"));
        }
    }
    findings.conclude();
}

/// What is wrong where a request is not what its case says.
fn as_said(request: &Request, case: &Case) -> Result<(), String> {
    match case {
        Case::Plain if request.body.is_empty() => Ok(()),
        Case::Plain => Err("it must have no body".to_owned()),
        Case::Cart => request.json::<Cart>().map(drop).map_err(|problem| problem.to_string()),
        Case::Checkout => request.json::<CheckoutRequest>().map(drop).map_err(|problem| problem.to_string()),
        Case::Reprice => request.json::<RepriceBody>().map(drop).map_err(|problem| problem.to_string()),
        Case::Refund => {
            let body = request.json::<RefundBody>().map_err(|problem| problem.to_string())?;
            body.parsed().map(drop).map_err(|error| error.to_string())
        }
        Case::Fault => fault(request),
        Case::Body(name) => onboarding_body(request, name),
        Case::VendorWebhook => vendor_webhook(request).map_err(|problem| problem.to_string()),
        Case::Webhook => webhook(request).map_err(|problem| problem.to_string()),
        Case::PaymentWebhook => payment_webhook(request).map_err(|problem| problem.to_string()),
        Case::BadCart(code, field) => refused(request.json::<Cart>(), code, *field),
        Case::BadCheckout(code, field) => refused(request.json::<CheckoutRequest>(), code, *field),
        Case::BadRefund(code, field) => refused(request.json::<RefundBody>(), code, *field),
        Case::BadWebhook(code) => refused(webhook(request), code, None),
        Case::BadPaymentWebhook(code) => refused(payment_webhook(request), code, None),
        Case::BadQuery(name) => match request.query_as::<f64>(name) {
            Ok(Some(value)) => Err(format!("{name} must be absent or malformed, not {value}")),
            Ok(None) | Err(_) => Ok(()),
        },
        Case::Without(header) => match request.header(header) {
            Some(_) => Err(format!("it must lack the header {header}")),
            None => Ok(()),
        },
    }
}

fn refused<T>(result: Result<T, Problem>, code: &str, field: Option<&str>) -> Result<(), String> {
    match result {
        Ok(_) => Err(format!("it must be refused with {code}")),
        Err(problem) if (problem.code(), problem.wrong_field()) == (code, field) => Ok(()),
        Err(problem) => Err(format!("it must be refused with {code} for {field:?}, not with {problem}")),
    }
}

#[derive(Deserialize)]
struct Webhook {
    #[serde(rename = "order_id")]
    _order_id: String,
    #[serde(rename = "answer")]
    _answer: Value,
}

#[derive(Deserialize)]
struct PaymentWebhook {
    #[serde(rename = "type")]
    _kind: String,
    #[serde(rename = "data")]
    _data: Value,
}

fn payment_webhook(request: &Request) -> Result<(), Problem> {
    let header = request.header(PAYMENT_SIGNATURE_HEADER);
    let keys = KeyRing::new(SECRET, None);
    verify_payment_webhook(&keys, header, &request.body, SIGNED_AT, WEBHOOK_TOLERANCE_SECONDS)?;
    request.json::<PaymentWebhook>().map(drop)
}

fn webhook(request: &Request) -> Result<(), Problem> {
    let keys = KeyRing::new(SECRET, None);
    verify_webhook(&keys, request.header(WEBHOOK_SIGNATURE_HEADER), &request.body, SIGNED_AT, WEBHOOK_TOLERANCE_SECONDS)?;
    request.json::<Webhook>()?;
    request.json::<MerchantAnswer>().map(drop)
}

fn vendor_webhook(request: &Request) -> Result<(), Problem> {
    let keys = KeyRing::new(SECRET, None);
    verify_webhook(&keys, request.header(WEBHOOK_SIGNATURE_HEADER), &request.body, SIGNED_AT, WEBHOOK_TOLERANCE_SECONDS)?;
    request.json::<VendorCallback>().map(drop)
}

fn fault(request: &Request) -> Result<(), String> {
    members_of(request, "functions/partner-sandbox/src/faults.rs", "FaultRequest")
}

fn onboarding_body(request: &Request, name: &str) -> Result<(), String> {
    members_of(request, "functions/onboard/src/lib.rs", name)
}

/// Functions bring the AWS SDK along, so what they read is compared by its members.
fn members_of(request: &Request, path: &'static str, name: &str) -> Result<(), String> {
    let known = Types::load([path])?.members(path, name, Way::Request)?;
    let body: Value = request.json().map_err(|problem| problem.to_string())?;
    let given = keys(&body);
    let unknown: Vec<&String> = given.iter().filter(|member| !known.contains_key(*member)).collect();
    let missing: Vec<&String> =
        known.iter().filter(|(member, needed)| **needed && !given.contains(*member)).map(|(member, _)| member).collect();
    if unknown.is_empty() && missing.is_empty() {
        Ok(())
    } else {
        Err(format!("unknown members {unknown:?}, missing members {missing:?}"))
    }
}

/// What `SqsAdvanceQueue` sends; it brings the AWS SDK along.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nudged {
    #[serde(rename = "applicant_id")]
    _applicant_id: String,
}

#[test]
fn every_route_has_a_request() {
    let template = Template::load().expect("the templates are YAML");
    let mut findings = Findings::new();
    let routes: BTreeSet<Route> = template.functions().iter().flat_map(|function| function.routes("Api")).collect();
    let sampled = REQUESTS.iter().map(|(_, method, path, _)| Route { method: (*method).to_owned(), path: (*path).to_owned() });
    findings.same(
        &routes,
        &sampled.collect(),
        |route| format!("no file of events/api-gateway is for {} {}: add one", route.method, route.path),
        |route| {
            format!("a file of events/api-gateway is for {} {}, which no function serves: remove it", route.method, route.path)
        },
    );
    findings.conclude();
}

#[test]
fn requests_bring_a_token_where_their_function_wants_one() {
    let template = Template::load().expect("the templates are YAML");
    let mut findings = Findings::new();
    for (name, method, path, case) in REQUESTS {
        let route = Route { method: (*method).to_owned(), path: (*path).to_owned() };
        let function = template.functions().into_iter().find(|function| function.routes("Api").contains(&route));
        let wants = function.is_some_and(|function| Wiring::of(function.folder()).is_ok_and(|wiring| wiring.checks_tokens));
        let has = !load("api-gateway", name)["headers"]["Authorization"].is_null();
        let left_out = matches!(case, Case::Without("Authorization"));
        findings.check(has == (wants && !left_out), || {
            format!("events/api-gateway/{name}.json: {} the header Authorization", if has { "remove" } else { "add" })
        });
    }
    findings.conclude();
}

#[test]
fn every_batch_is_what_its_name_says() {
    let mut findings = Findings::new();
    owned(&mut findings, "sqs", BATCHES.iter().map(|(name, _)| *name));
    for (name, batch) in BATCHES {
        let event = load("sqs", name);
        let records = event["Records"].as_array().cloned().unwrap_or_default();
        findings.check(!records.is_empty(), || format!("{name}: it must have Records"));
        for record in &records {
            let queue = record["eventSourceARN"].as_str().and_then(|arn| arn.rsplit(':').next()).unwrap_or_default();
            let expected = match batch {
                Batch::Callback(..) => "sandbox",
                Batch::Legacy => "legacy-orders.fifo",
                Batch::Applicant => "applicants",
                Batch::Sample => "samples",
                Batch::Orders(_) | Batch::Malformed => "orders",
            };
            findings.check(queue == expected, || format!("{name}: {queue} is the wrong queue"));
            let body = record["body"].as_str().unwrap_or_default();
            let right = match batch {
                Batch::Legacy => legacy(body, &record["attributes"]),
                Batch::Sample => sample(body),
                Batch::Applicant => parse::<Nudged>(body).map(drop),
                Batch::Orders(direction) => order(body, *direction),
                Batch::Malformed => match parse::<OrderSubmitted>(body) {
                    Ok(_) => Err("it must not be an order".to_owned()),
                    Err(_) => Ok(()),
                },
                Batch::Callback(kind, name) => callback(body, kind, name),
            };
            if let Err(wrong) = right {
                findings.add(format!("{name}: {wrong}"));
            }
        }
    }
    findings.conclude();
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn order(body: &str, direction: Direction) -> Result<(), String> {
    let order: OrderSubmitted = parse(body)?;
    let known = order.failure.as_ref().is_none_or(|failure| codes::STEP_CODES.iter().any(|code| code.name == failure.code));
    let turned = order.failure.is_some() == (direction == Direction::Undo);
    let routed = workflows::orchestrator().pick(&order.country, &order.market_type).is_ok();
    if order.direction == direction && known && turned && routed {
        Ok(())
    } else {
        Err(format!("it is no order that goes {direction:?}: {body}"))
    }
}

fn callback(body: &str, kind: &str, name: &str) -> Result<(), String> {
    const PATH: &str = "functions/partner-sandbox/src/callbacks.rs";
    let types = Types::load([PATH])?;
    let body: Value = parse(body)?;
    let mut expected: BTreeSet<String> = types.members(PATH, name, Way::Request)?.into_keys().collect();
    expected.insert("kind".to_owned());
    if !types.variants(PATH, "Callback")?.contains(kind) || body["kind"] != kind {
        return Err(format!("its kind must be {kind}"));
    }
    if keys(&body) == expected { Ok(()) } else { Err(format!("its members must be {expected:?}")) }
}

/// Every workflow of every orchestrator.
fn all_workflows() -> Vec<Workflow> {
    workflows::orchestrators().iter().flat_map(Orchestrator::workflows).cloned().collect()
}

/// The step, the action and the variant in a name: `create-delivery-undo-timeout` is the undo of `create-delivery`.
fn step_and_action(name: &str) -> Option<(String, StepAction)> {
    let workflows = all_workflows();
    let mut steps: Vec<&str> = workflows.iter().flat_map(|workflow| workflow.steps().map(|spec| spec.step.as_str())).collect();
    steps.sort_by_key(|step| std::cmp::Reverse(step.len()));
    let step = steps.into_iter().find(|step| name == *step || name.starts_with(&format!("{step}-")))?;
    let action = match name.strip_prefix(step)?.trim_start_matches('-').split('-').next()? {
        "" => StepAction::Process,
        "undo" => StepAction::Undo,
        "fail" => StepAction::Fail,
        "park" => StepAction::Park,
        _ => return None,
    };
    Some((step.to_owned(), action))
}

/// The members that the state machines give to a step for an action, in each of their tasks.
fn given(step: &str, action: StepAction) -> Vec<BTreeSet<String>> {
    let function = carryout_workflow::function_resource(step);
    let asked = serde_json::to_value(action).unwrap_or_default();
    let mut found = Vec::new();
    for workflow in all_workflows() {
        let machine: Value = parse(&files::read(&format!("statemachines/{}.asl.json", workflow.name))).unwrap_or_default();
        let mut open = vec![&machine];
        while let Some(level) = open.pop() {
            for (_, state) in level["States"].as_object().into_iter().flatten() {
                open.extend(state["Branches"].as_array().into_iter().flatten());
                let parameters = &state["Parameters"];
                let waits = parameters["FunctionName"] == function.as_str();
                let payload = if waits { &parameters["Payload"] } else { parameters };
                if (waits || state["Resource"] == function.as_str()) && payload["action"] == asked {
                    found.push(keys(payload).into_iter().map(|key| key.trim_end_matches(".$").to_owned()).collect());
                }
            }
        }
    }
    found
}

/// A message of a FIFO queue is in the group of its order, and known by its version.
fn legacy(body: &str, attributes: &Value) -> Result<(), String> {
    let order: LegacyOrder = parse(body)?;
    let said = (attributes["MessageGroupId"].as_str(), attributes["MessageDeduplicationId"].as_str());
    let deduplication_id = order.deduplication_id();
    if said == (Some(&*order.id), Some(&*deduplication_id)) {
        Ok(())
    } else {
        Err(format!("its group must be {} and its deduplication id {deduplication_id}", order.id))
    }
}

/// A sample has our own figures of its context.
fn sample(body: &str) -> Result<(), String> {
    let sample: PriceSample = parse(body)?;
    let price = carryout_pricing::price(&sample.request.context).map_err(|error| error.to_string())?;
    let figures = PriceMeasure::all_of(&price);
    if sample.ours == figures { Ok(()) } else { Err(format!("its figures must be {figures:?}")) }
}

#[test]
fn a_streams_batch_is_one_of_new_images() {
    let mut findings = Findings::new();
    let names = ["orders-written", "quotes-made"];
    owned(&mut findings, "dynamodb", names);
    for name in names {
        let event = load("dynamodb", name);
        let records = event["Records"].as_array().cloned().unwrap_or_default();
        findings.check(!records.is_empty(), || format!("events/dynamodb/{name}.json must have Records"));
        for record in &records {
            let image = &record["dynamodb"]["NewImage"];
            let is_new_image = record["dynamodb"]["StreamViewType"] == "NEW_IMAGE";
            findings.check(is_new_image && image["id"] == record["dynamodb"]["Keys"]["id"], || {
                format!("events/dynamodb/{name}.json: each record needs the new image of its key")
            });
        }
    }
    findings.conclude();
}

#[test]
fn every_task_is_what_the_state_machines_send() {
    let mut findings = Findings::new();
    let mut seen = BTreeSet::new();
    let mut with_token = false;
    for name in names("step-functions") {
        let event = load("step-functions", &name);
        let Some((step, action)) = step_and_action(&name) else {
            findings.add(format!("events/step-functions/{name}.json: name it after a step, and an action unless it is process"));
            continue;
        };
        let payloads = given(&step, action);
        findings.check(payloads.contains(&keys(&event)), || {
            format!(
                "events/step-functions/{name}.json must have the members {:?}, as the state machines send them",
                payloads.first()
            )
        });
        match StepInput::deserialize(&event) {
            Err(error) => findings.add(format!("events/step-functions/{name}.json is no input of a step: {error}")),
            Ok(input) => {
                seen.insert(format!("{:?}", input.action));
                with_token |= input.task_token.is_some();
                findings.check(input.action == action, || {
                    format!("events/step-functions/{name}.json: the action must be {action:?}")
                });
                let known = if name.contains("refund") { &["amount", "order_id"] } else { &["quote_id", "total"] };
                findings.check(keys(&input.facts) == set(known.map(str::to_owned)), || {
                    format!("events/step-functions/{name}.json: the facts must be {known:?}")
                });
                let reason = input.reason();
                let own = codes::STEP_CODES.iter().chain(run::CODES).chain(steps::codes_of(&step));
                let known = reason
                    .as_ref()
                    .is_some_and(|reason| own.clone().any(|code| code.name == reason.code) || reason.code.starts_with("States."));
                findings.check(known == (action != StepAction::Process), || {
                    format!("events/step-functions/{name}.json: every action but process has a failure with a known code, not {reason:?}")
                });
            }
        }
    }
    findings.same(
        &seen,
        &set(["Process", "Undo", "Fail", "Park"]),
        |action| format!("tests/contract/tests/events.rs does not know the action {action}"),
        |action| format!("events/step-functions has no file for the action {action}: add one"),
    );
    findings.check(with_token, || "events/step-functions has no file with a task token: add one".to_owned());
    let all: BTreeSet<String> =
        all_workflows().iter().flat_map(|workflow| workflow.steps().map(|spec| spec.step.clone())).collect();
    let sampled: BTreeSet<String> =
        names("step-functions").iter().filter_map(|name| step_and_action(name)).map(|(step, _)| step).collect();
    for step in all.difference(&sampled) {
        findings.add(format!("events/step-functions has no file for the step {step}: add {step}.json"));
    }
    findings.conclude();
}

#[test]
fn what_the_waiting_machine_asks_is_what_it_sends() {
    let mut findings = Findings::new();
    owned(&mut findings, "onboarding-wait", ["expire", "register", "remind"]);
    let machine = carryout_onboarding::wait::wait_machine();
    for (state, action) in [("await-answer", "register"), ("remind", "remind"), ("expire", "expire")] {
        let parameters = &machine["States"][state]["Parameters"];
        let payload = if parameters["Payload"].is_null() { parameters } else { &parameters["Payload"] };
        let sent: BTreeSet<String> = keys(payload).iter().map(|member| member.trim_end_matches(".$").to_owned()).collect();
        let event = load("onboarding-wait", action);
        findings.check(payload["action"] == action && event["action"] == action && keys(&event) == sent, || {
            format!("events/onboarding-wait/{action}.json must have the members {sent:?}")
        });
        let awaited = Awaited::deserialize(&event["awaited"]);
        findings.check(awaited.is_ok(), || format!("events/onboarding-wait/{action}.json: {awaited:?}"));
    }
    findings.conclude();
}

#[test]
fn a_schedules_event_is_one_of_eventbridge() {
    let mut findings = Findings::new();
    let names = ["five-minutes", "minute"];
    owned(&mut findings, "schedule", names);
    for name in names {
        let event = load("schedule", name);
        findings.check(event["detail-type"] == "Scheduled Event" && event["source"] == "aws.events", || {
            format!("events/schedule/{name}.json must be a Scheduled Event of aws.events")
        });
        findings.check(event["id"].as_str().is_some_and(|id| id.len() == 36), || {
            format!("events/schedule/{name}.json needs the id of an event")
        });
        findings.check(event["time"].as_str().is_some_and(|time| time.ends_with(":00Z")), || {
            format!("events/schedule/{name}.json needs the time that it was due")
        });
    }
    findings.conclude();
}

/// A ledger and what it comes to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LedgerCase {
    about: String,
    events: Vec<LedgerEvent>,
    balance: Balance,
}

#[test]
fn every_ledger_folds_to_the_balance_in_its_file() {
    let mut findings = Findings::new();
    for name in names("ledger") {
        match serde_json::from_value::<LedgerCase>(load("ledger", &name)) {
            Err(error) => findings.add(format!("events/ledger/{name}.json is no case: {error}")),
            Ok(case) => {
                findings.check(!case.about.is_empty(), || format!("events/ledger/{name}.json must say what it is about"));
                let folded = ledger::fold(&case.events);
                findings.check(folded == Ok(case.balance), || {
                    format!("events/ledger/{name}.json folds to {folded:?}, not to {:?}", case.balance)
                });
            }
        }
    }
    findings.conclude();
}
