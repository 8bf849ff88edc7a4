//! Couriers and merchants apply in every market, while functions are killed and vendors answer later, are away, or answer without
//! being heard: nothing is done twice.

use crate::harness::{Harness, PATIENCE, eventually};
use anyhow::{Context as _, Result, bail, ensure};
use carryout_aws::{DynamoApplicants, DynamoDocuments, SfnWaits};
use carryout_environment::StorageError;
use carryout_lambda::{clock::SystemClock, ids::new_id};
use carryout_onboarding::{
    Onboarding, Ports,
    applicant::{Collected, Datum},
    definition::Market,
    legacy::{LegacyKey, LegacyRecord, LegacyStatus, LegacyStep, LegacySystem as _},
    markets::{Markets, SETTINGS_KEY, embedded_files},
    ports::{Applicants as _, Awaited, Upload, Waits as _},
    start::{NewApplication, Started},
    submit::{Submission, SubmitRequest},
    view::view,
    wait::WAIT_MACHINE,
};
use carryout_partners::{Http, HttpLegacyApplicants};
use carryout_testing::onboarding::{MemoryLegacy, MemoryQueue, ReversingVault, SandboxVendors};
use carryout_workflow::{Claim, Progress, StatusStore as _, StepEntry, StepState};
use futures::future::{try_join, try_join_all};
use local_cloud::{Emulator, Record};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Applicants, unless the environment's `APPLICANTS` says how many: a courier and a merchant in each market.
const APPLICANTS: usize = 10;
/// How many applicants there are for each kill.
const APPLICANTS_PER_KILL: usize = 4;
/// Of these, how many act at the same moment.
const AT_ONCE: usize = 16;
/// How long somebody waits before looking again.
const BETWEEN_TURNS: Duration = Duration::from_millis(300);
/// Functions that nobody but applicants use.
const VICTIMS: [&str; 3] = ["onboard", "advance-applicants", "await-vendor"];

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
        quiz if quiz.starts_with("food_safety_") || quiz.starts_with("long_distance_") => right_answer(&field["title"]),
        _ => field.get("const").or_else(|| field["enum"].get(0)).cloned().unwrap_or_else(|| json!("Jo")),
    }
}

/// The right answer to a question of a quiz, as the definitions have it.
fn right_answer(question: &Value) -> Value {
    let Ok(markets) = Markets::embedded() else { return Value::Null };
    let steps = markets.orchestrator().workflows().iter().flat_map(|workflow| workflow.steps());
    let mut questions = steps.filter_map(|spec| spec.settings.get("questions")?.as_array()).flatten();
    questions.find(|known| known["text"] == *question).map_or(Value::Null, |known| known["answer"].clone())
}

/// Where a client put a document, and the object that it is.
struct Uploaded {
    url: String,
    object: String,
}

/// Uploads a document for a step, as a client does: asks where to, and puts it there. Nothing where the function was killed, or the
/// step has moved on.
async fn uploaded(harness: &Harness, who: &str, step_path: &str) -> Result<Option<Uploaded>> {
    const PICTURE: &[u8] = b"a picture of a document";
    let document = json!({ "content_type": "image/jpeg", "content_length": PICTURE.len() });
    let reply = harness.client.as_consumer(who, Method::POST, &format!("{step_path}/uploads"), Some(&document)).await?;
    if reply.status >= 500 || reply.code() == "ApplicantStep.NotReady" {
        return Ok(None);
    }
    let upload: Upload = reply.expect(201)?;
    let put = async || -> Result<reqwest::Response> {
        let put = reqwest::Client::builder().no_proxy().build()?.request(upload.method.parse()?, &upload.url);
        let put = upload.headers.iter().fold(put, |put, (name, value)| put.header(name, value));
        Ok(put.body(PICTURE).send().await?)
    };
    let answer = put().await?;
    ensure!(answer.status().is_success(), "{}: {}", upload.object, answer.text().await?);
    ensure!(put().await?.status().is_client_error(), "{} was written twice", upload.object);
    let url = upload.url.split('?').next().unwrap_or_default().to_owned();
    Ok(Some(Uploaded { url, object: upload.object }))
}

/// Somebody who applies, and fills in whatever is next until the account works.
struct Candidate<'a> {
    harness: &'a Harness,
    who: String,
    market: &'a Market,
    id: String,
    documents: Vec<Uploaded>,
}

impl<'a> Candidate<'a> {
    async fn begin(harness: &'a Harness, market: &'a Market, number: usize) -> Result<Self> {
        let who = new_id("con");
        let body = json!({ "country": market.country, "market_type": market.market_type });
        let id = eventually("an application", async || {
            let reply = harness.client.as_consumer(&who, Method::POST, "/v1/applicants", Some(&body)).await?;
            if reply.status >= 500 {
                return Ok(None);
            }
            ensure!(matches!(reply.status, 200 | 201), "{}", reply.body);
            Ok(reply.body["applicant_id"].as_str().map(str::to_owned))
        });
        let id = id.await?;
        if number.is_multiple_of(4) {
            let kind = ["fail_before", "fail_after", "lose_answer"][number / 4 % 3];
            let mut fault = json!({ "partner": "vendor", "operation": "ask", "kind": kind, "order_id": id, "times": 1 });
            if kind == "lose_answer" {
                fault["milliseconds"] = json!(3_500);
            }
            harness.fault(&fault).await?;
        }
        Ok(Self { harness, who, market, id, documents: Vec::new() })
    }

    async fn view(&self) -> Result<Option<Value>> {
        let path = format!("/v1/applicants/{}", self.id);
        let reply = self.harness.client.as_consumer(&self.who, Method::GET, &path, None).await?;
        if reply.status >= 500 { Ok(None) } else { reply.expect(200).map(Some) }
    }

    /// Fills in the forms that are next. Functions may be killed meanwhile, and the same form is sent again then.
    async fn turn(&mut self) -> Result<bool> {
        let Some(view) = self.view().await? else { return Ok(false) };
        for next in view["next"].as_array().into_iter().flatten().filter(|next| !next["form"].is_null()) {
            let path = format!("/v1/applicants/{}/steps/{}", self.id, next["step"].as_str().unwrap_or_default());
            let mut form = Map::new();
            for (name, field) in next["form"]["properties"].as_object().into_iter().flatten() {
                if field["x-upload"].is_null() {
                    form.insert(name.clone(), answer(name, field, &self.market.country, &self.market.market_type));
                } else if let Some(uploaded) = uploaded(self.harness, &self.who, &path).await? {
                    form.insert(name.clone(), json!(uploaded.object));
                    self.documents.push(uploaded);
                } else {
                    return Ok(false);
                }
            }
            let reply = self.harness.client.as_consumer(&self.who, Method::PUT, &path, Some(&json!({ "form": form }))).await?;
            let passes = reply.status >= 500 || matches!(reply.code(), "ApplicantStep.Busy" | "ApplicantStep.NotReady");
            ensure!(reply.status == 200 || passes, "{path}: {}", reply.body);
        }
        Ok(view["status"] == "ACTIVE")
    }

    /// Every vendor has one request for each step, and the account was made.
    async fn assert_asked_once(&self) -> Result<()> {
        let path = format!("/v1/ops/sandbox/books/{}", self.id);
        let books: Value = self.harness.client.as_operator(Method::GET, &path, None).await?.expect(200)?;
        let mut requests: BTreeMap<&str, usize> = BTreeMap::new();
        for request in books["vendor_requests"].as_array().into_iter().flatten() {
            let (step, _) = request["key"].as_str().and_then(|key| key.rsplit_once('/')).context("a request without a key")?;
            *requests.entry(step).or_default() += 1;
        }
        ensure!(requests.values().all(|count| *count == 1), "{}: {requests:?}", self.id);
        ensure!(requests.keys().any(|step| step.ends_with("/activate-account")), "{} was never activated: {requests:?}", self.id);
        Ok(())
    }
}

/// Kills the processes of one function after the other, so many times, while they work or not.
async fn kill_functions(harness: &Harness, kills: usize) -> Result<()> {
    for function in VICTIMS.iter().cycle().take(kills) {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(2_000..6_000))).await;
        harness.processes_of(function)?.into_iter().flatten().for_each(|process| process.kill());
    }
    Ok(())
}

#[tokio::test]
async fn applicants_of_every_market_come_to_an_account_and_no_vendor_acts_twice() -> Result<()> {
    let harness = Harness::set().await?;
    let count = std::env::var("APPLICANTS").map_or(Ok(APPLICANTS), |text| text.parse())?;
    let patience = PATIENCE * u32::try_from(count.div_ceil(APPLICANTS))?;
    let markets = embedded_files()?;
    let (hands, started) = (Semaphore::new(AT_ONCE), Instant::now());
    let apply = async |number| -> Result<Candidate<'_>> {
        let mut candidate = {
            let _hand = hands.acquire().await?;
            Candidate::begin(&harness, &markets[number % markets.len()], number).await?
        };
        loop {
            let hand = hands.acquire().await?;
            if candidate.turn().await? {
                return Ok(candidate);
            }
            drop(hand);
            if started.elapsed() > patience {
                bail!("no account within {} s: {:?}", patience.as_secs(), candidate.view().await?);
            }
            tokio::time::sleep(BETWEEN_TURNS).await;
        }
    };
    let kills = kill_functions(&harness, count.div_ceil(APPLICANTS_PER_KILL));
    let (all, ()) = try_join(try_join_all((0..count).map(apply)), kills).await?;
    for candidate in &all {
        candidate.assert_asked_once().await?;
    }
    if let Some(measured) = harness.invoke("measure-funnel", &json!({})).await? {
        ensure!(measured["applicants"].as_u64() >= u64::try_from(count).ok(), "not everybody is in the funnel: {measured}");
    }
    let candidate = all.iter().find(|candidate| !candidate.documents.is_empty()).context("nobody has uploaded anything")?;
    let there = async || -> Result<bool> {
        let answer = reqwest::Client::builder().no_proxy().build()?.get(&candidate.documents[0].url).send().await?;
        Ok(answer.status().is_success())
    };
    ensure!(there().await?, "the document is not where it was put");
    let path = format!("/v1/applicants/{}", candidate.id);
    harness.client.as_consumer(&candidate.who, Method::DELETE, &path, None).await?.expect::<Value>(204)?;
    ensure!(!there().await?, "the document of an erased applicant is still there");
    Ok(())
}

/// A new application of a courier.
fn application(country: &str, owner: &str) -> NewApplication {
    NewApplication {
        id: new_id("apl"),
        owner: owner.to_owned(),
        country: country.to_owned(),
        market_type: "courier".to_owned(),
        correlation_id: "e2e".to_owned(),
    }
}

/// Applicants in DynamoDB, everything else in memory.
struct StoredInDynamo;

impl Ports for StoredInDynamo {
    type Applicants = DynamoApplicants;
    type Vendors = SandboxVendors;
    type Vault = ReversingVault;
    type Documents = ();
    type Queue = MemoryQueue;
    type Waits = ();
    type Legacy = MemoryLegacy;
    type Markets = Arc<Markets>;
    type Clock = SystemClock;
}

#[tokio::test]
async fn a_view_is_one_read_and_a_submission_three_requests() -> Result<()> {
    let harness = Harness::set().await?;
    let aws = harness.aws.clone();
    let applicants = DynamoApplicants::new(&aws, harness.output("ApplicantsTable")?);
    let onboarding = Onboarding::<StoredInDynamo> {
        applicants,
        vendors: SandboxVendors::default(),
        vault: ReversingVault,
        documents: (),
        queue: MemoryQueue::default(),
        waits: (),
        legacy: MemoryLegacy::default(),
        markets: Arc::new(Markets::embedded()?),
        clock: SystemClock,
    };
    let owner = new_id("con");
    let Started { applicant, .. } = onboarding.start(application("NZ", &owner)).await?;
    let before = aws.requests().total();
    let stored = onboarding.applicants.applicant(&applicant.id).await?.context("it is gone")?;
    view(&stored, &onboarding.markets)?;
    ensure!(aws.requests().total() - before == 1, "a view is one read");
    let form = json!({ "legal_name": "Jo", "birth_date": "1990-02-28", "email": "jo@example.com", "phone": "+1 212 555 0100" });
    let request = SubmitRequest {
        id: &applicant.id,
        owner: &owner,
        step: "collect-profile",
        submission: Submission::Form(form.as_object().cloned().unwrap_or_default()),
        callback_api: None,
        lease_until: SystemClock.now_ms() + 10_000,
    };
    let before = aws.requests().total();
    onboarding.submit(request).await?;
    ensure!(aws.requests().total() - before <= 3, "{:?}", aws.requests().by_operation());
    Ok(())
}

#[tokio::test]
async fn concurrent_steps_never_overwrite_each_other() -> Result<()> {
    let harness = Harness::set().await?;
    let applicants = DynamoApplicants::new(&harness.aws, harness.output("ApplicantsTable")?);
    let markets = Markets::embedded()?;
    for _ in 0..10 {
        let application = application("US", "owner");
        let applicant = application.applicant(markets.orchestrator().pick("US", "courier")?, Map::new(), SystemClock.now_ms());
        ensure!(applicants.create(&applicant).await?.is_none(), "the id was new");
        let run = async |step: String| -> Result<(), StorageError> {
            let now = SystemClock.now_ms();
            let claim = Claim { id: applicant.id.clone(), step: step.clone(), run: 1, now, lease_until: now + 10_000 };
            let note = Collected { data: [(step.clone(), Datum::Plain(json!(step)))].into(), ..Collected::default() };
            let busy = |_| StorageError::Unavailable("the claim was refused".to_owned());
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

/// The waiting machine looks after a vendor that nobody hears of, and has a person look when the silence lasts.
#[tokio::test]
async fn a_vendor_that_stays_silent_is_looked_after_and_then_a_person_looks() -> Result<()> {
    let harness = Harness::set().await?;
    if Record::read(&harness.project)?.is_some_and(|cloud| cloud.emulator == Some(Emulator::Ministack)) {
        eprintln!("skipped: MiniStack knows no TimeoutSecondsPath, so no wait there ends by a silence");
        return Ok(());
    }
    let applicants = DynamoApplicants::new(&harness.aws, harness.output("ApplicantsTable")?);
    let (markets, now) = (Markets::embedded()?, SystemClock.now_ms());
    let step = "verify-identity";
    let application = application("US", "owner");
    let applicant = application.applicant(markets.orchestrator().pick("US", "courier")?, Map::new(), now);
    ensure!(applicants.create(&applicant).await?.is_none(), "the id was new");
    let claim = Claim { id: applicant.id.clone(), step: step.to_owned(), run: 1, now, lease_until: now + 10_000 };
    let busy = |_| StorageError::Unavailable("the claim was refused".to_owned());
    applicants.claim(&claim, &Collected::default()).await.map_err(busy)?;
    let waits = Progress { reference: None, response: None, note: Collected::default() };
    applicants.complete(&claim, StepState::Waiting, &waits).await?;
    let entry = async || -> Result<StepEntry> {
        let stored = applicants.applicant(&applicant.id).await?.context("it is gone")?;
        stored.steps.entry(step).cloned().context("there is no such step")
    };
    let awaited = Awaited {
        id: applicant.id.clone(),
        step: step.to_owned(),
        key_version: entry().await?.key_version,
        reminder_seconds: 2,
        reminders: 2,
        correlation_id: "e2e".to_owned(),
    };
    let machine = format!("{}{WAIT_MACHINE}", harness.output("StateMachinePrefix")?);
    let started = Instant::now();
    // A second beginning of the same wait does nothing.
    for _ in 0..2 {
        SfnWaits::new(&harness.aws, &machine).begin(&awaited).await?;
    }
    let reviewed = eventually("a person looks", async || {
        let entry = entry().await?;
        Ok(entry.response.clone().filter(|response| !response["review"].is_null()).map(|_| entry))
    });
    let reviewed = reviewed.await?;
    ensure!(reviewed.state == StepState::Waiting && reviewed.task_token.is_some(), "{reviewed:?}");
    ensure!(started.elapsed() >= Duration::from_secs(4), "the silence was too short: {:?}", started.elapsed());
    Ok(())
}

/// Switches the mirror, and waits until every function has noticed.
async fn mirror(harness: &Harness, is_on: bool) -> Result<()> {
    let (pk, sk) = SETTINGS_KEY;
    let documents = DynamoDocuments::new(&harness.aws, harness.output("ControlTable")?);
    let held = documents.read(pk, sk).await?;
    let mut settings = held.as_ref().map_or_else(|| json!({}), |held| held.value.clone());
    settings["mirror"] = json!(is_on);
    let written = documents.write(pk, sk, &settings, held.map(|held| held.version)).await;
    ensure!(written.is_ok(), "the settings could not be written: {written:?}");
    tokio::time::sleep(Duration::from_secs(6)).await;
    Ok(())
}

/// Nobody else began in the older system, so the mirror changes nothing for other tests' applicants.
#[tokio::test]
async fn whoever_began_in_an_older_system_goes_on_here_and_is_known_there() -> Result<()> {
    let harness = Harness::set().await?;
    let older = HttpLegacyApplicants::new(Http::default(), harness.output("PaymentUrl")?.replace("/payment", "/legacy"));
    let known = json!({
        "legal_name": "Jo Example", "birth_date": "1990-02-28", "email": "jo@example.com", "phone": "+1 212 555 0100",
        "vehicle_type": "bicycle", "emergency_contact": "Sam", "language": "en",
    });
    let data = known.as_object().cloned().unwrap_or_default();
    let flags = ["profile_complete", "details_complete", "vehicle_complete"].map(|flag| (flag.to_owned(), true));
    let complete = LegacyStep { status: LegacyStatus::Complete, updated_at: SystemClock.now_ms() };
    let steps = ["PROFILE", "ADDITIONAL_INFO", "VEHICLE"].map(|step| (step.to_owned(), complete.clone()));
    let records = [
        LegacyRecord::V2 { flags: flags.into(), data: data.clone() },
        LegacyRecord::V3 { steps: steps.into(), data: data.clone() },
    ];
    mirror(&harness, true).await?;
    for record in records {
        let who = new_id("con");
        let key = LegacyKey { owner: &who, country: "US", market_type: "courier" };
        older.mirror(key, 0, &record).await?;
        let body = json!({ "country": "US", "market_type": "courier" });
        let begun: Value = harness.client.as_consumer(&who, Method::POST, "/v1/applicants", Some(&body)).await?.expect(201)?;
        ensure!(begun["complete"] == 3 && begun["next"][0]["step"] == "validate-address", "a step is asked again: {begun}");
        let path = format!("/v1/applicants/{}/steps/validate-address", begun["applicant_id"].as_str().unwrap_or_default());
        let fields = begun["next"][0]["form"]["properties"].as_object().cloned().unwrap_or_default();
        let form: Map<String, Value> =
            fields.iter().map(|(name, field)| (name.clone(), answer(name, field, "US", "courier"))).collect();
        harness.client.as_consumer(&who, Method::PUT, &path, Some(&json!({ "form": form }))).await?.expect::<Value>(200)?;
        let told = eventually("the older system knows", async || {
            let told = older.record(key).await?;
            Ok(told.filter(|told| told.step("validate-address").0 == StepState::Done))
        });
        let told = told.await?;
        let keeps = data.iter().all(|(field, value)| told.data().get(field) == Some(value));
        ensure!(told.shape() == record.shape() && keeps, "what it knew of the person is gone: {told:?}");
    }
    mirror(&harness, false).await
}
