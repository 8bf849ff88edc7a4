//! `docs/openapi.yaml` and `docs/api.md` say what the code does.
#![expect(clippy::expect_used, reason = "a file that can't be read fails the test, and says why")]

use carryout_checkout::{cart, codes, request_refund, steps, workflows};
use carryout_environment::{Class, HasErrorCode as _};
use carryout_lambda::http::{MAX_BODY_BYTES, Problem};
use carryout_lambda::signature;
use carryout_market::Markets;
use carryout_onboarding::{codes::STEP_REJECTED, execution::StepError};
use carryout_workflow::run;
use contract::codes::{Codes, is_code};
use contract::files;
use contract::findings::{Findings, set};
use contract::openapi::{self, OpenApi};
use contract::problems::{NEVER_OVER_HTTP, Shared};
use contract::schema;
use contract::source::{self, Wiring};
use contract::template::{Function, Route, Template};
use contract::types::{Types, Way};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit as _;
use syn::{Expr, Pat};

const API_MD: &str = "docs/api.md";

/// Codes that only operators see, in logs and in what a queue gives back.
const IN_LOGS_ONLY: &[&str] = &[
    "Event.NotABatch",
    "Message.Malformed",
    "Merchant.AnswerLost",
    "Payment.EventLost",
    "Sandbox.NotACall",
    "Vendor.AnswerLost",
];

fn load() -> (OpenApi, Template) {
    (OpenApi::load().expect("the document is YAML"), Template::load().expect("the templates are YAML"))
}

/// Whether a route of the template serves a route of the document.
fn serves(of_template: &Route, route: &Route) -> bool {
    let fits = match of_template.path.strip_suffix("{proxy+}") {
        Some(prefix) => route.path.starts_with(prefix),
        None => route.path == of_template.path,
    };
    fits && of_template.method == route.method
}

/// The function behind each route of the main API.
fn routes(template: &Template) -> Vec<(Route, Function<'_>)> {
    template
        .functions()
        .into_iter()
        .flat_map(|function| function.routes("Api").into_iter().map(move |route| (route, function)))
        .collect()
}

#[test]
fn routes_of_the_template_and_of_openapi_are_the_same() {
    let (openapi, template) = load();
    let mut findings = Findings::new();
    let operations = openapi.operations();
    for (route, function) in routes(&template) {
        findings.check(operations.keys().any(|documented| serves(&route, documented)), || {
            format!("{} of {} is not documented: add it to {}", show(&route), function.id, openapi::PATH)
        });
    }
    for documented in operations.keys() {
        findings.check(routes(&template).iter().any(|(route, _)| serves(route, documented)), || {
            format!(
                "{} is documented and no function serves it: add it to a function's Events, or remove it from {}",
                show(documented),
                openapi::PATH
            )
        });
    }
    findings.conclude();
}

fn show(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

#[test]
fn the_sandboxs_own_routes_are_documented() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let file = source::parse("functions/partner-sandbox/src/dispatch.rs").expect("it is Rust");
    struct Arms(BTreeSet<String>);
    impl<'ast> syn::visit::Visit<'ast> for Arms {
        fn visit_arm(&mut self, arm: &'ast syn::Arm) {
            if let Pat::Tuple(pattern) = &arm.pat
                && let (Some(Pat::Lit(method)), Some(Pat::Slice(path))) = (pattern.elems.first(), pattern.elems.last())
                && let Some(method) = source::text(&Expr::Lit(method.clone()))
            {
                let parts = path.elems.iter().map(|part| match part {
                    Pat::Lit(text) => source::text(&Expr::Lit(text.clone())).unwrap_or_default(),
                    Pat::Ident(name) => format!("{{{}}}", name.ident),
                    _ => "?".to_owned(),
                });
                self.0.insert(format!("{method} /v1/ops/sandbox/{}", parts.collect::<Vec<_>>().join("/")));
            }
        }
    }
    let mut arms = Arms(BTreeSet::new());
    arms.visit_file(&file);
    let documented =
        openapi.operations().into_keys().filter(|route| route.path.starts_with("/v1/ops/sandbox/")).map(|route| show(&route));
    findings.same(
        &arms.0,
        &set(documented),
        |route| format!("the sandbox answers {route}: add it to {}", openapi::PATH),
        |route| format!("the sandbox knows no {route}: remove it from {}", openapi::PATH),
    );
    findings.conclude();
}

#[test]
fn each_function_answers_with_the_documented_problems_and_no_others() {
    let (openapi, template) = load();
    let mut findings = Findings::new();
    let shared = Shared::load().unwrap_or_else(|problem| panic!("{problem}"));
    let mut documented: BTreeMap<&str, BTreeSet<(u64, String)>> = BTreeMap::new();
    for (route, operation) in openapi.operations() {
        if let Some((_, function)) = routes(&template).into_iter().find(|(served, _)| serves(served, &route)) {
            documented.entry(function.folder()).or_default().extend(openapi.problems(operation));
        }
    }
    for (folder, documented) in documented {
        let made = shared.of(folder).expect("the sources are Rust");
        findings.same(
            &made,
            &documented,
            |(status, code)| {
                format!("functions/{folder} can answer {status} {code}: add it to a route of that function in {}", openapi::PATH)
            },
            |(status, code)| {
                format!("functions/{folder} never answers {status} {code}: remove it from its routes in {}", openapi::PATH)
            },
        );
    }
    findings.conclude();
}

#[test]
fn every_code_is_documented_somewhere_and_every_documented_code_exists() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let sources = Codes::load().expect("the sources are Rust");
    let mut documented: BTreeSet<String> =
        openapi.operations().values().flat_map(|operation| openapi.problems(operation)).map(|(_, code)| code).collect();
    documented.extend(openapi.enumerated(openapi.schema("Failure"), "code"));
    documented.extend(openapi.enumerated(openapi.schema("ApplicationFailure"), "code"));
    documented.extend(IN_LOGS_ONLY.iter().map(|code| (*code).to_owned()));
    documented.extend(NEVER_OVER_HTTP.iter().map(|(code, _)| (*code).to_owned()));
    findings.same(
        &set(sources.by_name.keys().cloned()),
        &documented,
        |code| {
            format!(
                "{code} is named in {:?}: add it to the route that answers it, or to Failure, in {}",
                sources.by_name[code].files,
                openapi::PATH
            )
        },
        |code| {
            format!(
                "{code} is named nowhere in the sources: remove it from {} or from the lists of tests/contract",
                openapi::PATH
            )
        },
    );
    findings.conclude();
}

#[test]
fn an_orders_failure_has_the_codes_of_its_steps() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    findings.same(
        &set(codes::STEP_CODES.iter().chain(run::CODES).map(|code| code.name)),
        &openapi.enumerated(openapi.schema("Failure"), "code"),
        |code| format!("a step can end with {code}: add it to Failure in {}", openapi::PATH),
        |code| format!("no step ends with {code}: remove it from Failure in {}", openapi::PATH),
    );
    findings.conclude();
}

/// The codes that a step of an application can fail with.
fn on_applications() -> BTreeSet<String> {
    set(StepError::CODES.iter().chain([&STEP_REJECTED]).map(|code| code.name))
}

#[test]
fn an_applications_failure_has_the_codes_of_its_steps() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    findings.same(
        &on_applications(),
        &openapi.enumerated(openapi.schema("ApplicationFailure"), "code"),
        |code| format!("a step can end with {code}: add it to ApplicationFailure in {}", openapi::PATH),
        |code| format!("no step ends with {code}: remove it from ApplicationFailure in {}", openapi::PATH),
    );
    findings.conclude();
}

#[test]
fn routes_that_check_tokens_say_so() {
    let (openapi, template) = load();
    let mut findings = Findings::new();
    for (route, operation) in openapi.operations() {
        let Some((_, function)) = routes(&template).into_iter().find(|(served, _)| serves(served, &route)) else { continue };
        let checks = Wiring::of(function.folder()).is_ok_and(|wiring| wiring.checks_tokens);
        let security = if operation["security"].is_null() { &openapi.0["security"] } else { &operation["security"] };
        let schemes: BTreeSet<String> = security.as_array().into_iter().flatten().flat_map(contract::template::keys).collect();
        let bearer = schemes.iter().any(|scheme| openapi.0["components"]["securitySchemes"][scheme]["scheme"] == "bearer");
        findings.check(bearer == checks, || {
            format!(
                "{}: functions/{} {} tokens: correct its security in {}",
                show(&route),
                function.folder(),
                if checks { "checks" } else { "checks no" },
                openapi::PATH
            )
        });
        for scheme in schemes.iter().filter(|scheme| openapi.0["components"]["securitySchemes"][scheme.as_str()].is_null()) {
            findings.add(format!(
                "{}: there is no security scheme {scheme}: add it to the components of {}",
                show(&route),
                openapi::PATH
            ));
        }
        let keyed = openapi.problems(operation).contains(&(400, "Idempotency.KeyMissing".to_owned()));
        let parameter =
            operation["parameters"].as_array().into_iter().flatten().any(|one| openapi.resolve(one)["name"] == "Idempotency-Key");
        findings.check(keyed == parameter, || {
            format!("{}: the parameter Idempotency-Key and the code Idempotency.KeyMissing belong together", show(&route))
        });
    }
    for (name, header) in
        [("signature", signature::WEBHOOK_SIGNATURE_HEADER), ("paymentSignature", signature::PAYMENT_SIGNATURE_HEADER)]
    {
        let scheme = &openapi.0["components"]["securitySchemes"][name];
        findings.check(scheme["name"] == header, || format!("the scheme {name} must name the header {header}"));
    }
    findings.conclude();
}

#[test]
fn replies_that_ask_for_patience_say_how_long() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    for (route, operation) in openapi.operations() {
        for (status, response) in openapi.responses(operation) {
            let patience = matches!(status, 429 | 503);
            findings.check(patience != response["headers"]["Retry-After"].is_null(), || {
                format!("{} {status}: 429 and 503, and only they, carry Retry-After: correct {}", show(&route), openapi::PATH)
            });
        }
    }
    findings.conclude();
}

const MONEY: &str = "shared/money/src/lib.rs";
const STORE: &str = "shared/checkout/src/store.rs";
const CART: &str = "shared/checkout/src/cart.rs";
const SUBMIT: &str = "shared/checkout/src/submit.rs";
const TRACK: &str = "shared/checkout/src/track.rs";
const REDRIVE: &str = "shared/checkout/src/redrive.rs";
const REQUEST_REFUND: &str = "shared/checkout/src/request_refund.rs";
const REFUND: &str = "shared/pricing/src/refund.rs";
const LEDGER: &str = "shared/checkout/src/ledger.rs";
const PRICE: &str = "shared/pricing/src/price.rs";
const FLAG: &str = "shared/pricing/src/flag.rs";
const QUOTE: &str = "shared/pricing/src/quote.rs";
const REPRICE: &str = "shared/checkout/src/reprice.rs";
const LIMITS: &str = "shared/pricing/src/limits.rs";
const AUDIT: &str = "shared/checkout/src/audit.rs";
const FAILURE: &str = "shared/environment/src/error.rs";
const LIST: &str = "functions/list-stores/src/lib.rs";
const FAULTS: &str = "functions/partner-sandbox/src/faults.rs";
const ONBOARD: &str = "functions/onboard/src/lib.rs";
const VIEW: &str = "shared/onboarding/src/view.rs";
const BOOKS: &str = "functions/partner-sandbox/src/books.rs";
const CALL: &str = "functions/partner-sandbox/src/call.rs";

/// The struct behind each schema.
const STRUCTS: &[(&str, &str, &str, Way)] = &[
    ("Money", MONEY, "Money", Way::Answer),
    ("Location", STORE, "Location", Way::Answer),
    ("Opening", STORE, "Opening", Way::Answer),
    ("Store", STORE, "Store", Way::Answer),
    ("Item", STORE, "Item", Way::Answer),
    ("ListedStore", LIST, "Listed", Way::Answer),
    ("StoreWithMenu", LIST, "Opened", Way::Answer),
    ("StoreList", LIST, "List", Way::Answer),
    ("Cart", CART, "Cart", Way::Request),
    ("CartLine", CART, "CartLine", Way::Request),
    ("Price", PRICE, "PriceJson", Way::Answer),
    ("PricedLine", PRICE, "PricedLine", Way::Answer),
    ("Charge", PRICE, "Charge", Way::Answer),
    ("Shares", PRICE, "Shares", Way::Answer),
    ("Flag", FLAG, "Flag", Way::Answer),
    ("Quote", QUOTE, "Quote", Way::Answer),
    ("Difference", QUOTE, "PriceDifference", Way::Answer),
    ("RepriceBody", REPRICE, "RepriceBody", Way::Request),
    ("LineChange", REPRICE, "LineChange", Way::Request),
    ("Substitute", REPRICE, "Substitute", Way::Request),
    ("Repriced", REPRICE, "Repriced", Way::Answer),
    ("Limited", LIMITS, "LimitedComponent", Way::Answer),
    ("Limits", LIMITS, "Limits", Way::Answer),
    ("Allowance", LIMITS, "Allowance", Way::Answer),
    ("QuoteRecord", AUDIT, "QuoteRecord", Way::Answer),
    ("Replay", AUDIT, "Replay", Way::Answer),
    ("FirstDifference", "shared/pricing/src/audit.rs", "FirstDifference", Way::Answer),
    ("CheckoutRequest", SUBMIT, "CheckoutRequest", Way::Request),
    ("CheckoutAnswer", SUBMIT, "CheckoutAnswer", Way::Answer),
    ("OrderView", TRACK, "OrderView", Way::Answer),
    ("ParkedList", REDRIVE, "ParkedList", Way::Answer),
    ("ParkedView", REDRIVE, "ParkedView", Way::Answer),
    ("RemainingEffect", REDRIVE, "RemainingEffect", Way::Answer),
    ("RefundBody", REQUEST_REFUND, "RefundBody", Way::Request),
    ("RefundLine", REFUND, "RefundLine", Way::Request),
    ("RefundAnswer", REQUEST_REFUND, "RefundAnswer", Way::Answer),
    ("StepView", TRACK, "StepView", Way::Answer),
    ("LedgerEvent", LEDGER, "LedgerEvent", Way::Answer),
    ("Balance", LEDGER, "Balance", Way::Answer),
    ("Standing", LEDGER, "BalanceAmount", Way::Answer),
    ("Failure", FAILURE, "Failure", Way::Answer),
    ("Received", "functions/receive-webhooks/src/lib.rs", "Received", Way::Answer),
    ("FaultRequest", FAULTS, "FaultRequest", Way::Request),
    ("CallRecord", BOOKS, "CallRecord", Way::Answer),
    ("BeginApplication", ONBOARD, "StartBody", Way::Request),
    ("StepSubmission", ONBOARD, "StepBody", Way::Request),
    ("UploadRequest", ONBOARD, "UploadBody", Way::Request),
    ("Upload", "shared/onboarding/src/ports.rs", "Upload", Way::Answer),
    ("StepOperation", ONBOARD, "OperationBody", Way::Request),
    ("Application", VIEW, "ApplicantView", Way::Answer),
    ("NextStep", VIEW, "NextView", Way::Answer),
    ("ApplicationStep", VIEW, "StepView", Way::Answer),
    ("AuditEntry", "shared/onboarding/src/applicant.rs", "AuditEntry", Way::Answer),
];

/// The enum behind each schema of names.
const ENUMS: &[(&str, &str, &str)] = &[
    ("MarketType", "shared/market/src/market_type.rs", "MarketType"),
    ("CartFulfilment", CART, "CartFulfilment"),
    ("OrderStatus", "shared/checkout/src/order.rs", "OrderStatus"),
    ("RefundStatus", "shared/checkout/src/refund.rs", "RefundStatus"),
    ("StepState", "shared/workflow/src/status.rs", "StepState"),
    ("UndoState", "shared/workflow/src/status.rs", "UndoState"),
    ("LedgerKind", LEDGER, "LedgerKind"),
    ("LedgerPhase", LEDGER, "LedgerPhase"),
    ("Fallback", FLAG, "Fallback"),
    ("Partner", CALL, "Partner"),
    ("FaultKind", CALL, "FaultKind"),
    ("CallOutcome", CALL, "CallOutcome"),
    ("ApplicantStatus", "shared/onboarding/src/applicant.rs", "ApplicantStatus"),
    ("WaitsFor", VIEW, "WaitsFor"),
    ("StepAction", "shared/onboarding/src/applicant.rs", "OperatorAction"),
];

/// Schemas with no type of their own: parts of others, texts, and what is put together by hand.
const BY_HAND: &[&str] = &[
    "VendorWebhook",
    "VendorWebhookAnswer",
    "ApplicationFailure",
    "ExportedApplication",
    "Problem",
    "Rate",
    "Currency",
    "MarketId",
    "Openness",
    "MerchantWebhook",
    "PaymentWebhook",
    "WebhookAnswer",
    "Fault",
    "Books",
    "Health",
];

#[test]
fn schemas_have_the_members_of_their_types() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let paths: BTreeSet<&str> = STRUCTS.iter().map(|(_, path, ..)| *path).chain(ENUMS.iter().map(|(_, path, _)| *path)).collect();
    let types = Types::load(paths).expect("the sources are Rust");
    for (schema, path, name, way) in STRUCTS {
        match types.members(path, name, *way) {
            Err(problem) => findings.add(format!("{problem}: correct the list STRUCTS in tests/contract/tests/api.rs")),
            Ok(members) => findings.same(
                &members.into_iter().collect::<BTreeSet<_>>(),
                &openapi.members(openapi.schema(schema)).into_iter().collect::<BTreeSet<_>>(),
                |(member, always)| {
                    format!("{name} in {path} has {member} (required: {always}): make {schema} in {} say so", openapi::PATH)
                },
                |(member, always)| {
                    format!(
                        "{schema} in {} has {member} (required: {always}), which is not so in {name} of {path}: correct it",
                        openapi::PATH
                    )
                },
            ),
        }
    }
    for (schema, path, name) in ENUMS {
        match types.variants(path, name) {
            Err(problem) => findings.add(format!("{problem}: correct the list ENUMS in tests/contract/tests/api.rs")),
            Ok(variants) => findings.same(
                &variants,
                &openapi::values(openapi.schema(schema)),
                |value| format!("{name} in {path} can be {value}: add it to {schema} in {}", openapi::PATH),
                |value| format!("{name} in {path} is never {value}: remove it from {schema} in {}", openapi::PATH),
            ),
        }
    }
    let held =
        STRUCTS.iter().map(|(schema, ..)| *schema).chain(ENUMS.iter().map(|(schema, ..)| *schema)).chain(BY_HAND.iter().copied());
    findings.same(
        &contract::template::keys(&openapi.0["components"]["schemas"]),
        &set(held),
        |schema| {
            format!("the schema {schema} is held to no type: add it to STRUCTS, ENUMS or BY_HAND in tests/contract/tests/api.rs")
        },
        |schema| format!("{} has no schema {schema}: remove it from the lists in tests/contract/tests/api.rs", openapi::PATH),
    );
    findings.conclude();
}

#[test]
fn limits_are_the_codes() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let (cart, line) = (openapi.schema("Cart"), openapi.schema("CartLine"));
    let tip = cart["properties"]["tip"]["maximum"].as_i64();
    let highest = Markets::embedded().expect("the markets are valid").iter().map(|market| market.limits.tip).max();
    findings.check(tip == highest, || format!("Cart.tip: the maximum of all markets is {highest:?}, not {tip:?}"));
    let quantity = line["properties"]["quantity"]["maximum"].as_u64();
    findings.check(quantity == Some(cart::MAX_QUANTITY.into()), || {
        format!("CartLine.quantity: the maximum is {}", cart::MAX_QUANTITY)
    });
    let lines = cart["properties"]["lines"]["description"].as_str().unwrap_or_default();
    findings.check(lines.contains(&format!("at most {} different items", cart::MAX_LINES)), || {
        format!("Cart.lines: say \"at most {} different items\"", cart::MAX_LINES)
    });
    let reason = openapi.schema("RefundBody")["properties"]["reason"]["maxLength"].as_u64();
    findings.check(reason == Some(request_refund::MAX_REASON as u64), || {
        format!("RefundBody.reason: the maxLength is {}", request_refund::MAX_REASON)
    });
    let list = source::parse(LIST).expect("it is Rust");
    let operations = openapi.operations();
    let stores = operations.iter().find(|(route, _)| show(route) == "GET /v1/stores").map(|(_, operation)| *operation);
    for (name, field, constant) in [
        ("radius", "default", "RADIUS"),
        ("radius", "maximum", "MAX_RADIUS"),
        ("limit", "default", "LIMIT"),
        ("limit", "maximum", "MAX_LIMIT"),
    ] {
        let parameter =
            stores.and_then(|stores| stores["parameters"].as_array()?.iter().find(|parameter| parameter["name"] == name));
        let documented = parameter.and_then(|parameter| parameter["schema"][field].as_u64());
        let real = constant_of(&list, constant);
        findings.check(real.is_some() && documented == real, || {
            format!("GET /v1/stores: {field} of {name} is {real:?}, not {documented:?}")
        });
    }
    let text = files::read(API_MD);
    for number in [
        MAX_BODY_BYTES as u64 / 1_024,
        cart::MAX_LINES as u64,
        cart::MAX_QUANTITY.into(),
        signature::WEBHOOK_TOLERANCE_SECONDS.unsigned_abs(),
        request_refund::MAX_REASON as u64,
    ] {
        let limits = section(&text, "Limits");
        findings.check(limits.contains(&number.to_string()), || format!("{API_MD}, Limits: {number} is not mentioned"));
    }
    findings.conclude();
}

fn constant_of(file: &syn::File, name: &str) -> Option<u64> {
    file.items.iter().find_map(|item| match item {
        syn::Item::Const(constant) if constant.ident == name => source::integer(&constant.expr),
        _ => None,
    })
}

/// The texts in an expression.
struct Texts(Vec<String>);

impl<'ast> syn::visit::Visit<'ast> for Texts {
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.0.push(text.value());
    }
}

#[test]
fn operations_of_the_sandbox_are_documented() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let mut real = set(["*"]);
    for path in files::below("functions/partner-sandbox/src", ".rs").into_iter().filter(|path| !path.contains("/tests/")) {
        let file = source::parse(&path).expect("it is Rust");
        for item in &file.items {
            // const CHECK: &Operation = &Operation::read("check");
            if let syn::Item::Const(constant) = item
                && let syn::Type::Reference(kind) = &*constant.ty
                && let syn::Type::Path(kind) = &*kind.elem
                && kind.path.is_ident("Operation")
            {
                let mut names = Texts(Vec::new());
                names.visit_expr(&constant.expr);
                real.extend(names.0);
            }
        }
    }
    findings.same(
        &real,
        &openapi::values(&openapi.schema("FaultRequest")["properties"]["operation"]),
        |operation| format!("the sandbox knows the operation {operation}: add it to FaultRequest in {}", openapi::PATH),
        |operation| format!("no partner of the sandbox knows {operation}: remove it from FaultRequest in {}", openapi::PATH),
    );
    findings.conclude();
}

/// The text of a section of Markdown, up to the next heading of its level.
fn section<'a>(text: &'a str, title: &str) -> &'a str {
    let start = format!("\n## {title}\n");
    let Some((_, rest)) = text.split_once(&start) else { return "" };
    rest.split("\n## ").next().unwrap_or(rest)
}

/// A row of the table of codes: who ends with it, status or place, retryable, what to do.
struct Row {
    from: BTreeSet<String>,
    places: BTreeSet<String>,
    retryable: String,
    advice: String,
}

fn table() -> BTreeMap<String, Row> {
    let text = files::read(API_MD);
    let rows = section(&text, "Errors").lines().filter(|line| line.starts_with("| `"));
    rows.filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [code, _, from, places, retryable, advice] = cells.as_slice() else { return None };
        let members = |cell: &str| set(cell.split(',').map(|member| member.trim().trim_matches('`')));
        let (from, places) = (members(from), members(places));
        Some((
            code.trim_matches('`').to_owned(),
            Row { from, places, retryable: (*retryable).to_owned(), advice: (*advice).to_owned() },
        ))
    })
    .collect()
}

#[test]
fn the_table_of_codes_is_complete_and_true() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let (sources, table) = (Codes::load().expect("the sources are Rust"), table());
    findings.same(
        &set(sources.by_name.keys().cloned()),
        &set(table.keys().cloned()),
        |code| format!("{code} is named in {:?}: add a row for it to the table in {API_MD}, Errors", sources.by_name[code].files),
        |code| format!("{code} is named nowhere in the sources: remove its row from {API_MD}, Errors"),
    );
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (status, code) in openapi.operations().values().flat_map(|operation| openapi.problems(operation)) {
        places.entry(code).or_default().insert(status.to_string());
    }
    for code in codes::STEP_CODES.iter().chain(run::CODES) {
        places.entry(code.name.to_owned()).or_default().insert("on the order".to_owned());
    }
    for code in on_applications() {
        places.entry(code).or_default().insert("on the application".to_owned());
    }
    let origins = origins(&openapi);
    for (code, row) in &table {
        if let Some(from) = origins.get(code) {
            findings.check(row.from == *from, || format!("{API_MD}, Errors, {code}: the third column must be {}", list(from)));
        }
        let expected = places.remove(code).unwrap_or_else(|| set(["log"]));
        findings
            .check(row.places == expected, || format!("{API_MD}, Errors, {code}: the fourth column must be {}", list(&expected)));
        let Some(known) = sources.by_name.get(code) else { continue };
        let retryable = match known.class {
            Some(class) => class != Class::Permanent,
            // As Problem::new has it.
            None => expected.iter().any(|place| place.parse::<u64>().is_ok_and(|status| matches!(status, 408 | 429 | 500..))),
        };
        let word = if retryable { "yes" } else { "no" };
        let of_log = expected.contains("log") && known.class.is_none();
        findings.check(row.retryable == word || of_log, || format!("{API_MD}, Errors, {code}: retryable must be {word}"));
        findings.check(!row.advice.is_empty(), || format!("{API_MD}, Errors, {code}: say what to do"));
    }
    findings.conclude();
}

/// The functions and steps that end with each code.
fn origins(openapi: &OpenApi) -> BTreeMap<String, BTreeSet<String>> {
    let template = Template::load().expect("the templates are YAML");
    let mut origins: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for (route, operation) in openapi.operations() {
        let Some((_, function)) = routes(&template).into_iter().find(|(served, _)| serves(served, &route)) else { continue };
        all.insert(function.folder().to_owned());
        for (_, code) in openapi.problems(operation) {
            origins.entry(code).or_default().insert(function.folder().to_owned());
        }
    }
    for functions in origins.values_mut().filter(|functions| **functions == all) {
        *functions = set(["every route"]);
    }
    for workflow in workflows::orchestrators().iter().flat_map(|orchestrator| orchestrator.workflows()) {
        for spec in workflow.steps() {
            for code in steps::codes_of(&spec.step) {
                origins.entry(code.name.to_owned()).or_default().insert(spec.step.clone());
            }
        }
    }
    for code in run::CODES {
        origins.entry(code.name.to_owned()).or_default().insert("every step".to_owned());
    }
    origins
}

fn list(places: &BTreeSet<String>) -> String {
    places.iter().cloned().collect::<Vec<_>>().join(", ")
}

#[test]
fn every_route_and_every_code_in_the_text_exists() {
    let (openapi, template) = load();
    let mut findings = Findings::new();
    let text = files::read(API_MD);
    for route in openapi.operations().into_keys().map(|route| show(&route)) {
        findings.check(text.contains(&format!("`{route}`")), || format!("{API_MD}: describe `{route}`"));
    }
    let known = Codes::load().expect("the sources are Rust");
    let quoted = text.split('`').skip(1).step_by(2);
    let of_aws =
        |word: &str| word == "Sandbox.Timedout" || ["States.", "Lambda.", "Runtime."].iter().any(|area| word.starts_with(area));
    for word in quoted.clone().filter(|word| is_code(word) && !of_aws(word) && !known.by_name.contains_key(*word)) {
        findings.add(format!("{API_MD} mentions {word}, which is no code: correct it"));
    }
    for route in quoted
        .filter_map(|word| word.split_once(' '))
        .filter(|(method, path)| path.starts_with('/') && method.bytes().all(|letter| letter.is_ascii_uppercase()))
    {
        let route = Route { method: route.0.to_owned(), path: route.1.split('?').next().unwrap_or_default().to_owned() };
        let exists = routes(&template).iter().any(|(served, _)| serves(served, &route));
        findings.check(exists, || format!("{API_MD} mentions {}, which no function serves: correct it", show(&route)));
    }
    findings.conclude();
}

#[test]
fn every_operation_is_described() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let mut ids = BTreeSet::new();
    for (route, operation) in openapi.operations() {
        let id = operation["operationId"].as_str().unwrap_or_default();
        findings.check(!id.is_empty() && ids.insert(id), || format!("{}: give it an operationId of its own", show(&route)));
        findings.check(operation["summary"].is_string() && operation["tags"][0].is_string(), || {
            format!("{}: add a summary and a tag", show(&route))
        });
        for (status, response) in openapi.responses(operation) {
            let json = &response["content"]["application/json"];
            let example = json.get("example").or_else(|| json.get("examples"));
            findings.check(!(200..300).contains(&status) || json.is_null() || example.is_some(), || {
                format!("{} {status}: add an example from a real reply", show(&route))
            });
            findings.check(status == 204 || response["content"] != Value::Null, || {
                format!("{} {status}: say what the body is", show(&route))
            });
        }
    }
    findings.conclude();
}

/// Every example of a part of the document, with the schema beside it.
fn examples<'a>(part: &'a Value, path: String, found: &mut Vec<(String, &'a Value, &'a Value)>) {
    if let Some(schema) = part.get("schema") {
        found.extend(part.get("example").map(|example| (path.clone(), schema, example)));
        let several = part["examples"].as_object().into_iter().flatten();
        found.extend(several.map(|(name, example)| (format!("{path}/{name}"), schema, &example["value"])));
        return;
    }
    for (key, member) in part.as_object().into_iter().flatten() {
        examples(member, format!("{path}/{key}"), found);
    }
    for (index, member) in part.as_array().into_iter().flatten().enumerate() {
        examples(member, format!("{path}/{index}"), found);
    }
}

#[test]
fn examples_are_what_their_schemas_say() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let mut found = Vec::new();
    examples(&openapi.0, String::new(), &mut found);
    findings.check(found.len() > 20, || format!("{} has hardly any examples: is this test still right?", openapi::PATH));
    for (path, schema, example) in found {
        for violation in schema::violations(&openapi, schema, example) {
            findings.add(format!("{}, example at {path}, {violation}: correct the example or the schema", openapi::PATH));
        }
    }
    findings.conclude();
}

#[test]
fn a_problem_is_what_its_schema_says() {
    let (openapi, _) = load();
    let mut findings = Findings::new();
    let least = Problem::new(400, "Request.InvalidField", "no").into_response("trace-1").json_body();
    let most = Problem::invalid_field("tip", "no").advice("Correct it.").into_response("trace-1").json_body();
    for problem in [&least, &most] {
        for violation in schema::violations(&openapi, openapi.schema("Problem"), problem) {
            findings.add(format!("{}, Problem: {violation}: make the schema say what shared/lambda answers", openapi::PATH));
        }
    }
    let required = openapi.members(openapi.schema("Problem")).into_iter().filter(|(_, required)| *required).map(|(name, _)| name);
    findings.same(
        &contract::template::keys(&least),
        &required.collect(),
        |member| format!("{}, Problem: {member} is in every problem: make it required", openapi::PATH),
        |member| format!("{}, Problem: {member} is not in every problem: make it optional", openapi::PATH),
    );
    findings.conclude();
}
