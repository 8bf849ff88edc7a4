//! Couriers and merchants apply in every market, and vendors that answer later, are away, or answer without being heard do nothing
//! twice.

use crate::stage::{Stage, eventually};
use anyhow::{Context as _, Result, ensure};
use carryout_aws::DynamoApplicants;
use carryout_lambda::{clock::SystemClock, ids::new_id};
use carryout_onboarding::{
    applicant::{Applicant, ApplicantStatus, Collected, Datum},
    markets::Markets,
    ports::Applicants as _,
};
use carryout_workflow::{Claim, Direction, Progress, StatusMap, StatusStore as _, StepState, StoreError};
use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const MARKETS: [(&str, &str); 10] = [
    ("US", "courier"),
    ("US", "merchant"),
    ("CA", "courier"),
    ("CA", "merchant"),
    ("AU", "courier"),
    ("AU", "merchant"),
    ("NZ", "courier"),
    ("NZ", "merchant"),
    ("PR", "courier"),
    ("PR", "merchant"),
];
/// Applicants, unless the environment's `APPLICANTS` says how many: two in each market.
const APPLICANTS: usize = 2 * MARKETS.len();
/// Of these, how many act at the same time.
const AT_ONCE: usize = 16;

/// What somebody in this market writes into a field.
fn answer(name: &str, field: &Value, country: &str, market_type: &str) -> Value {
    let courier = market_type == "courier";
    match name {
        "birth_date" => json!("1990-02-28"),
        "email" => json!("jo@example.com"),
        "phone" => json!("+1 212 555 0100"),
        "vehicle_type" => json!("car"),
        "address_postal_code" => json!(match country {
            "CA" => "K1A 0B1",
            "AU" | "NZ" => "2000",
            _ => "10001",
        }),
        "tax_number" => json!(match (country, courier) {
            ("CA", true) => "123 456 789",
            ("CA", false) => "123456789RT0001",
            ("AU" | "NZ", true) => "123456789",
            ("AU" | "NZ", false) => "53 004 085 616",
            (_, true) => "123-45-6789",
            (_, false) => "12-3456789",
        }),
        "account_number" => json!(match country {
            "CA" => "12345-678 1234567",
            "AU" | "NZ" => "062-000 12345678",
            _ => "021000021 123456789",
        }),
        "criminal_record_certificate" => json!("CERT-2026"),
        "merchant_registry" => json!("1234567-1234"),
        "food_safety_answers" => json!(["keep cold food cold", "wash your hands", "tell support"]),
        "long_distance_answers" => json!(["plan the way", "charge the telephone"]),
        object if object.ends_with("_object") => json!("uploads/document.jpg"),
        _ => field.get("const").or_else(|| field["enum"].get(0)).cloned().unwrap_or_else(|| json!("Jo")),
    }
}

/// Applies, and fills in whatever is next until the account works.
async fn apply(stage: &Stage, number: usize) -> Result<String> {
    let (country, market_type) = MARKETS[number % MARKETS.len()];
    let who = new_id("con");
    let body = json!({ "country": country, "market_type": market_type });
    let begun: Value = stage.client.as_consumer(&who, Method::POST, "/v1/applicants", Some(&body)).await?.expect(201)?;
    let id = begun["applicant_id"].as_str().context("no id")?.to_owned();
    if number.is_multiple_of(4) {
        let kind = ["fail_before", "fail_after", "lose_answer"][number / 4 % 3];
        let fault =
            json!({ "partner": "vendor", "operation": "ask", "kind": kind, "order_id": id, "times": 1, "milliseconds": 3_500 });
        let fault = if kind == "lose_answer" { fault } else { without(fault, "milliseconds") };
        stage.fault(&fault).await?;
    }
    let done = eventually("the account works", async || {
        let path = format!("/v1/applicants/{id}");
        let Ok(view) = stage.client.as_consumer(&who, Method::GET, &path, None).await?.or_unavailable()?.expect::<Value>(200)
        else {
            return Ok(None);
        };
        for next in view["next"].as_array().into_iter().flatten().filter(|next| !next["form"].is_null()) {
            let fields = next["form"]["properties"].as_object().into_iter().flatten();
            let form: Map<String, Value> =
                fields.map(|(name, field)| (name.clone(), answer(name, field, country, market_type))).collect();
            let path = format!("{path}/steps/{}", next["step"].as_str().unwrap_or_default());
            let reply = stage.client.as_consumer(&who, Method::PUT, &path, Some(&json!({ "form": form }))).await?;
            let passes = matches!(reply.code(), "ApplicantStep.Busy" | "ApplicantStep.NotReady");
            ensure!(reply.status == 200 || passes, "{path}: {}", reply.body);
        }
        Ok((view["status"] == "ACTIVE").then_some(()))
    });
    done.await?;
    Ok(id)
}

fn without(mut value: Value, member: &str) -> Value {
    value.as_object_mut().map(|members| members.remove(member));
    value
}

#[tokio::test]
async fn applicants_of_every_market_come_to_an_account_and_no_vendor_acts_twice() -> Result<()> {
    let stage = Stage::set().await?;
    let applicants = std::env::var("APPLICANTS").map_or(Ok(APPLICANTS), |text| text.parse())?;
    let applied = stream::iter(0..applicants).map(|number| apply(&stage, number)).buffer_unordered(AT_ONCE);
    let ids: Vec<String> = applied.try_collect().await?;
    for id in ids {
        let path = format!("/v1/ops/sandbox/books/{id}");
        let books: Value = stage.client.as_operator(Method::GET, &path, None).await?.expect(200)?;
        let mut requests: BTreeMap<&str, usize> = BTreeMap::new();
        for request in books["vendor_requests"].as_array().into_iter().flatten() {
            let (step, _) = request["key"].as_str().and_then(|key| key.rsplit_once('/')).context("a request without a key")?;
            *requests.entry(step).or_default() += 1;
        }
        ensure!(requests.values().all(|count| *count == 1), "{id}: {requests:?}");
        ensure!(requests.keys().any(|step| step.ends_with("/activate-account")), "{id} was never activated: {requests:?}");
    }
    Ok(())
}

/// An applicant with a pending entry for each step of its workflow, and nobody behind them.
fn nobody() -> Result<Applicant> {
    let markets = Markets::embedded()?;
    let workflow = markets.orchestrator().pick("US", "courier")?;
    let now = SystemClock.now_ms();
    Ok(Applicant {
        id: new_id("apl"),
        owner: "nobody".to_owned(),
        country: "US".to_owned(),
        market_type: "courier".to_owned(),
        workflow: workflow.name.clone(),
        workflow_version: workflow.version,
        status: ApplicantStatus::Processing,
        direction: Direction::Forward,
        run: 1,
        version: 1,
        steps: StatusMap::pending(workflow.steps().map(|spec| spec.entry_name())),
        data: BTreeMap::new(),
        facts: Map::new(),
        audit: Vec::new(),
        legacy: None,
        correlation_id: "e2e".to_owned(),
        created_at: now,
        updated_at: now,
        sweep_shard: None,
        sweep_at: None,
        ttl: now / 1_000 + 3_600,
    })
}

#[tokio::test]
async fn concurrent_steps_never_overwrite_each_other() -> Result<()> {
    let stage = Stage::set().await?;
    let applicants = DynamoApplicants::new(&stage.aws, stage.output("ApplicantsTable")?);
    for _ in 0..10 {
        let applicant = nobody()?;
        ensure!(applicants.create(&applicant).await?.is_none(), "the id was new");
        let run = async |step: String| -> Result<(), StoreError> {
            let now = SystemClock.now_ms();
            let claim = Claim { id: applicant.id.clone(), step: step.clone(), run: 1, now, lease_until: now + 10_000 };
            let note = Collected { data: [(step.clone(), Datum::Plain(json!(step)))].into(), ..Collected::default() };
            let busy = |_| StoreError::Unavailable("the claim was refused".to_owned());
            applicants.claim(&claim, &note).await.map_err(busy)?;
            let progress = Progress { reference: None, response: Some(json!({ "step": step })), note: Collected::default() };
            applicants.complete(&claim, StepState::Done, &progress).await
        };
        let steps: Vec<String> = applicant.steps.0.keys().cloned().collect();
        try_join_all(steps.iter().map(|step| run(step.clone()))).await?;
        let stored = applicants.applicant(&applicant.id).await?.context("it is gone")?;
        for step in &steps {
            let entry = stored.steps.entry(step).context("an entry is gone")?;
            ensure!((entry.state, entry.attempts) == (StepState::Done, 1), "{step}: {entry:?}");
            ensure!(entry.response == Some(json!({ "step": step })) && stored.data[step] == Datum::Plain(json!(step)), "{step}");
        }
        ensure!(stored.version == 1 + 2 * steps.len() as u64, "a write was lost: {}", stored.version);
    }
    Ok(())
}
