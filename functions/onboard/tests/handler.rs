//! The routes of applicants and operators over in-memory ports.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use carryout_lambda::http::{Problem, Request, Response};
use carryout_lambda::testing::{FixedJwks, TestIssuer};
use carryout_onboarding::{
    applicant::Datum,
    markets::{Markets, Settings},
    ports::Applicants as _,
    vendor::{VendorAnswer, VendorKind},
};
use carryout_testing::onboarding::{InMemory, MemoryApplicants, MemoryDocuments, SandboxVendors, Script, in_memory};
use carryout_workflow::StepState;
use onboard::Onboard;
use serde_json::{Value, json};

/// 2026-03-01T12:00:00Z.
const NOON: i64 = 1_772_366_400_000;

struct World {
    applicants: MemoryApplicants,
    vendors: SandboxVendors,
    documents: MemoryDocuments,
    issuer: TestIssuer,
    function: Onboard<InMemory, FixedJwks>,
}

impl World {
    fn new(settings: Settings) -> Self {
        let (onboarding, issuer) = (in_memory(Markets::with(settings).unwrap(), NOON), TestIssuer::at(NOON));
        let (applicants, vendors) = (onboarding.applicants.clone(), onboarding.vendors.clone());
        let documents = onboarding.documents.clone();
        let function = Onboard { onboarding, new_id: |prefix| format!("{prefix}_1"), tokens: issuer.verifier() };
        Self { applicants, vendors, documents, issuer, function }
    }

    async fn ask(&self, who: &str, method: &str, route: &str, params: &[(&str, &str)], body: Value) -> Result<Response, Problem> {
        let roles: &[&str] = if who.starts_with("op_") { &["operator"] } else { &[] };
        let request = Request {
            method: method.to_owned(),
            route: route.to_owned(),
            path_params: params.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
            ..Request::default()
        };
        self.function.handle(&self.issuer.signed(request, who, roles, 600)).await
    }

    async fn begin(&self, who: &str, country: &str) -> Result<Response, Problem> {
        self.ask(who, "POST", "/v1/applicants", &[], json!({ "country": country, "market_type": "courier" })).await
    }

    async fn submit(&self, who: &str, id: &str, step: &str, body: Value) -> Result<Response, Problem> {
        self.ask(who, "PUT", "/v1/applicants/{id}/steps/{step}", &[("id", id), ("step", step)], body).await
    }

    async fn look(&self, who: &str, id: &str) -> Result<Response, Problem> {
        self.ask(who, "GET", "/v1/applicants/{id}", &[("id", id)], Value::Null).await
    }
}

fn id_of(response: &Response) -> String {
    response.json_body()["applicant_id"].as_str().unwrap().to_owned()
}

fn profile() -> Value {
    json!({ "form": { "legal_name": "Jo Example", "birth_date": "1990-02-28", "email": "jo@example.com", "phone": "+1 212 555 0100" } })
}

#[tokio::test]
async fn a_person_has_one_application_in_a_market_and_sees_no_other() {
    let world = World::new(Settings::default());
    let first = world.begin("jo", "AU").await.unwrap();
    let id = id_of(&first);
    assert_eq!((first.status(), first.header_value("location")), (201, Some(&*format!("/v1/applicants/{id}"))));
    let again = world.begin("jo", "AU").await.unwrap();
    assert_eq!((again.status(), id_of(&again)), (200, id.clone()));
    assert_ne!(id_of(&world.begin("jo", "NZ").await.unwrap()), id);
    assert_eq!(world.look("sam", &id).await.unwrap_err().code(), "Applicant.Unknown");
    assert_eq!(world.submit("sam", &id, "collect-profile", profile()).await.unwrap_err().code(), "Applicant.Unknown");
    assert_eq!(world.begin("jo", "FR").await.unwrap_err().code(), "Market.NotOpen");
    let before = world.applicants.requests();
    let shown = world.look("jo", &id).await.unwrap().json_body();
    assert_eq!(world.applicants.requests() - before, 1);
    assert_eq!(shown["next"][0]["form"]["properties"]["birth_date"]["format"], "date");
    assert!(shown.get("audit").is_none());
}

#[tokio::test]
async fn a_form_is_accepted_once_and_a_wrong_one_names_its_field() {
    let world = World::new(Settings::default());
    let id = id_of(&world.begin("jo", "AU").await.unwrap());
    let wrong = world.submit("jo", &id, "collect-profile", json!({ "form": { "legal_name": "Jo" } })).await.unwrap_err();
    assert_eq!((wrong.status(), wrong.wrong_field()), (400, Some("form.birth_date")));
    let neither = world.submit("jo", &id, "collect-profile", json!({})).await.unwrap_err();
    assert_eq!((neither.status(), neither.wrong_field()), (400, Some("form")));
    let early = world.submit("jo", &id, "sign-agreement", json!({ "form": {} })).await.unwrap_err();
    assert_eq!((early.status(), early.code()), (409, "ApplicantStep.NotReady"));
    for _ in 0..2 {
        let taken = world.submit("jo", &id, "collect-profile", profile()).await.unwrap().json_body();
        assert_eq!((&taken["complete"], &taken["next"][0]["step"]), (&json!(1), &json!("validate-address")));
    }
    let stored = serde_json::to_string(&world.applicants.all()).unwrap();
    assert!(!stored.contains("jo@example.com"));
    let exported = world.ask("jo", "GET", "/v1/applicants/{id}/data", &[("id", &id)], Value::Null).await.unwrap().json_body();
    assert_eq!(exported["collected"]["email"], "jo@example.com");
}

#[tokio::test]
async fn an_unreachable_vendor_is_a_retryable_problem() {
    let world = World::new(Settings::default());
    let id = id_of(&world.begin("jo", "CA").await.unwrap());
    let outage = Script::Unreachable(1, Box::new(Script::Now(VendorAnswer::Approved { findings: serde_json::Map::new() })));
    world.vendors.script(VendorKind::Address, &format!("{id}/validate-address"), outage);
    world.submit("jo", &id, "collect-profile", profile()).await.unwrap();
    let details = json!({ "form": { "emergency_contact": "Sam", "language": "fr" } });
    world.submit("jo", &id, "collect-details", details).await.unwrap();
    world.submit("jo", &id, "register-vehicle", json!({ "form": { "vehicle_type": "bicycle" } })).await.unwrap();
    let address = json!({ "form": {
        "address_line": "1 Main Street", "address_city": "Ottawa", "address_region": "ON", "address_postal_code": "K1A 0B1",
    } });
    let busy = world.submit("jo", &id, "validate-address", address.clone()).await.unwrap_err();
    assert_eq!((busy.status(), busy.code(), busy.is_retryable()), (503, "ApplicantStep.Busy", true));
    let taken = world.submit("jo", &id, "validate-address", address).await.unwrap().json_body();
    assert_eq!(taken["complete"], 4);
    assert!(world.vendors.effects().values().all(|times| *times == 1));
}

#[tokio::test]
async fn a_document_is_uploaded_before_its_form_is_submitted() {
    let world = World::new(Settings::default());
    let id = id_of(&world.begin("jo", "US").await.unwrap());
    let route = "/v1/applicants/{id}/steps/{step}/uploads";
    let document = json!({ "content_type": "image/jpeg", "content_length": 1_000 });
    let ask = async |who: &str, step: &str, body: &Value| {
        world.ask(who, "POST", route, &[("id", &id), ("step", step)], body.clone()).await
    };
    assert_eq!(ask("sam", "collect-profile", &document).await.unwrap_err().code(), "Applicant.Unknown");
    assert_eq!(ask("jo", "collect-profile", &document).await.unwrap_err().code(), "ApplicantStep.TakesNoDocument");
    assert_eq!(ask("jo", "sign-agreement", &document).await.unwrap_err().code(), "ApplicantStep.NotReady");
    assert_eq!(ask("jo", "nothing", &document).await.unwrap_err().code(), "ApplicantStep.Unknown");
    let mut applicant = world.applicants.get(&id).unwrap();
    for (name, entry) in &mut applicant.steps.0 {
        entry.state = if name == "upload-insurance" { StepState::Pending } else { StepState::Done };
    }
    let findings = json!({ "vehicle_type": "car" });
    applicant.data.extend(findings.as_object().unwrap().iter().map(|(name, value)| (name.clone(), Datum::Plain(value.clone()))));
    applicant.version += 1;
    world.applicants.replace(&applicant).await.unwrap();
    let wrong = ask("jo", "upload-insurance", &json!({ "content_type": "text/html", "content_length": 1 })).await.unwrap_err();
    assert_eq!((wrong.status(), wrong.wrong_field()), (400, Some("content_type")));
    let allowed = ask("jo", "upload-insurance", &document).await.unwrap();
    assert_eq!(allowed.status(), 201);
    let object = allowed.json_body()["object"].clone();
    assert_eq!(object, format!("{id}/upload-insurance/doc_1"));
    let form = |object: &Value| json!({ "form": { "insurance_object": object } });
    let foreign = world.submit("jo", &id, "upload-insurance", form(&json!("apl_2/upload-insurance/doc_1"))).await.unwrap_err();
    assert_eq!(foreign.wrong_field(), Some("form.insurance_object"));
    world.submit("jo", &id, "upload-insurance", form(&object)).await.unwrap();
}

#[tokio::test]
async fn only_operators_act_and_only_with_a_reason() {
    let world = World::new(Settings::default());
    let id = id_of(&world.begin("jo", "US").await.unwrap());
    let params = [("id", id.as_str()), ("step", "collect-details")];
    let route = "/v1/ops/applicants/{id}/steps/{step}";
    let skip = json!({ "action": "skip", "reason": "a test" });
    assert_eq!(world.ask("jo", "POST", route, &params, skip.clone()).await.unwrap_err().code(), "Token.RoleMissing");
    let without = world.ask("op_1", "POST", route, &params, json!({ "action": "skip", "reason": " " })).await.unwrap_err();
    assert_eq!(without.wrong_field(), Some("reason"));
    let done = world.ask("op_1", "POST", route, &params, skip.clone()).await.unwrap().json_body();
    assert_eq!((&done["audit"][0]["operator"], &done["audit"][0]["action"]), (&json!("op_1"), &json!("skip")));
    assert_eq!(world.ask("op_1", "POST", route, &params, skip).await.unwrap_err().code(), "ApplicantStep.Moved");
}

#[tokio::test]
async fn an_erased_application_is_gone() {
    let world = World::new(Settings::default());
    let id = id_of(&world.begin("jo", "US").await.unwrap());
    world.submit("jo", &id, "collect-profile", profile()).await.unwrap();
    world
        .documents
        .objects
        .lock()
        .unwrap()
        .extend([format!("{id}/upload-insurance/doc_1"), "apl_2/upload-menu/doc_1".to_owned()]);
    let erased = world.ask("jo", "DELETE", "/v1/applicants/{id}", &[("id", &id)], Value::Null).await.unwrap();
    assert_eq!(erased.status(), 204);
    assert_eq!(*world.documents.objects.lock().unwrap(), ["apl_2/upload-menu/doc_1".to_owned()].into());
    assert_eq!(world.look("jo", &id).await.unwrap_err().code(), "Applicant.Unknown");
    assert_eq!(world.begin("jo", "US").await.unwrap_err().code(), "Applicant.Closed");
}

#[tokio::test]
async fn a_market_that_is_not_rolled_out_sends_applicants_to_the_older_system() {
    let settings: Settings = serde_json::from_value(json!({ "rollout": { "US/courier": { "percent": 0 } } })).unwrap();
    let world = World::new(settings);
    assert_eq!(world.begin("jo", "US").await.unwrap_err().code(), "Market.Legacy");
    assert_eq!(world.begin("jo", "AU").await.unwrap().status(), 201);
}
