//! Operators, vendors that answer late or never, privacy, and applicants from the older system.

use crate::world::{LEASE_MS, NOON, World, findings, legacy_of, markets_with_supply, owner};
use carryout_onboarding::{
    advance::{Advance, AdvanceError},
    answer::Answered,
    applicant::{ApplicantStatus, Datum, LegacyShape, OperatorAction},
    legacy::{LegacyRecord, LegacyStatus, LegacyStep, merge},
    markets::{Markets, Settings},
    operate::OperateError,
    submit::Submission,
    uploads::{LARGEST_BYTES, UPLOAD_LASTS_MS, UploadRequest},
    vendor::{VendorAnswer, VendorKind},
    view::WaitsFor,
    wait::Look,
};
use carryout_testing::onboarding::Script;
use carryout_workflow::StepState;
use futures::executor::block_on;
use serde_json::{Map, json};

fn refused(reason: &str) -> VendorAnswer {
    VendorAnswer::Refused { reason: reason.to_owned() }
}

fn approved() -> VendorAnswer {
    VendorAnswer::Approved { findings: Map::new() }
}

/// A courier in Australia who has filled in every form, with a scripted vendor of `verify-identity`.
fn at_identity(script: Script) -> World {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "AU", "courier")).unwrap();
    world.vendors.script(VendorKind::Identity, "a/verify-identity", script);
    world.complete_forms("a", &Map::new());
    world
}

#[test]
fn a_refused_step_waits_for_an_operator_who_can_retry_it_under_another_key() {
    let world = at_identity(Script::Now(refused("the picture does not match")));
    let next = world.view("a").next.into_iter().find(|next| next.step == "verify-identity").unwrap();
    assert_eq!((next.waits_for, next.failure.unwrap().code), (WaitsFor::Operator, "Identity.Refused".to_owned()));
    world.operate("a", "verify-identity", OperatorAction::Retry).unwrap();
    world.complete_forms("a", &Map::new());
    assert_eq!(world.applicant("a").status, ApplicantStatus::Active);
    let keys: Vec<String> = world.vendors.effects().into_keys().filter(|key| key.contains("identity")).collect();
    // Keys begin with the day, since vendors may remember those of an earlier application.
    let day = NOON / 86_400_000;
    assert_eq!(keys, [format!("a/verify-identity/{day}"), format!("a/verify-identity/{}", day + 1)]);
    let audit = &world.applicant("a").audit;
    assert_eq!(
        (audit[0].operator.as_str(), audit[0].action, audit[0].reason.as_str()),
        ("op_1", OperatorAction::Retry, "reviewed")
    );
}

#[test]
fn an_unreachable_vendor_holds_up_only_its_own_step_which_an_operator_can_reject() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "US", "courier")).unwrap();
    let outage = Script::Unreachable(u32::MAX, Box::new(Script::Now(approved())));
    world.vendors.script(VendorKind::Identity, "a/verify-identity", outage);
    to_step(&world, "a", "validate-address");
    let address = world.filled_in("a", "validate-address", &Map::new());
    block_on(world.submit("a", "validate-address", Submission::Form(address))).unwrap();
    // Both steps of the next stage are open: one stuck with its vendor, the other one not begun.
    let identity = world.filled_in("a", "verify-identity", &Map::new());
    let unreachable = block_on(world.submit("a", "verify-identity", Submission::Form(identity))).unwrap_err();
    assert_eq!(unreachable.failure().code, "Vendor.Unavailable");
    let state = |step: &str| world.applicant("a").steps.entry(step).unwrap().state;
    assert_eq!((state("verify-identity"), state("check-risk")), (StepState::Running, StepState::Pending));

    let advanced = block_on(world.advance(Advance { id: "a", lease_until: world.now + LEASE_MS }));
    assert!(matches!(advanced, Err(AdvanceError::Step { step, .. }) if step == "verify-identity"));
    assert_eq!((state("verify-identity"), state("check-risk")), (StepState::Running, StepState::Done));

    world.operate("a", "verify-identity", OperatorAction::Reject).unwrap();
    let entry = world.applicant("a").steps.entry("verify-identity").cloned().unwrap();
    assert_eq!((entry.state, entry.failure.unwrap().code.as_str()), (StepState::Failed, "ApplicantStep.Rejected"));
    world.drain();
    assert_eq!(state("verify-identity"), StepState::Failed, "a rejected step is not run again");
}

#[test]
fn a_required_step_can_not_be_skipped_by_an_operator_either() {
    let world = at_identity(Script::Now(refused("")));
    assert!(matches!(world.operate("a", "verify-identity", OperatorAction::Skip), Err(OperateError::NotSkippable(_))));
    assert!(matches!(world.operate("a", "verify-identity", OperatorAction::Approve), Err(OperateError::Moved { .. })));
    assert!(world.applicant("a").audit.is_empty());
}

#[test]
fn a_late_answer_is_recorded_once() {
    let world = at_identity(Script::Later(approved()));
    assert_eq!(world.next("a"), ["verify-identity"]);
    let awaited = world.waits.begun();
    assert_eq!((awaited.len(), awaited[0].step.as_str(), awaited[0].reminders), (1, "verify-identity", 8));
    let (key, answer) = world.vendors.answers_due().remove(0);
    assert_eq!(block_on(world.answer(key.clone(), answer.clone())), Answered::Recorded);
    assert_eq!(block_on(world.answer(key.clone(), answer)), Answered::Repeated);
    assert_eq!(block_on(world.answer(key.clone(), refused("no"))), Answered::Contradicts);
    assert_eq!(block_on(world.answer(format!("{key}9"), refused("no"))), Answered::TooLate);
    assert_eq!(block_on(world.answer("unknown/verify-identity/1".to_owned(), approved())), Answered::Unknown);
    world.complete_forms("a", &Map::new());
    assert_eq!(world.applicant("a").status, ApplicantStatus::Active);
}

#[test]
fn a_lost_callback_is_found_by_a_poll_and_a_silence_is_put_before_an_operator() {
    let world = at_identity(Script::Later(approved()));
    let awaited = world.waits.begun().remove(0);
    let look = |look| block_on(world.look(&awaited, look)).unwrap();
    assert!(look(Look::Remind), "the vendor has not answered");
    assert!(!look(Look::Expire));
    let next = world.view("a").next.remove(0);
    assert_eq!(next.waits_for, WaitsFor::Operator);
    assert!(!look(Look::Remind), "the operator's review ends the wait");
    // The vendor answers late.
    let (key, answer) = world.vendors.answers_due().remove(0);
    assert_eq!(block_on(world.answer(key, answer)), Answered::Recorded);
    world.complete_forms("a", &Map::new());
    assert_eq!(world.applicant("a").status, ApplicantStatus::Active);

    let world = at_identity(Script::Later(approved()));
    world.vendors.answers_due();
    let awaited = world.waits.begun().remove(0);
    let is_waiting = block_on(world.look(&awaited, Look::Remind)).unwrap();
    assert!(!is_waiting, "the poll finds the answer whose callback was lost");
    world.complete_forms("a", &Map::new());
    assert_eq!(world.applicant("a").status, ApplicantStatus::Active);
}

#[test]
fn a_form_that_a_vendor_refuses_can_be_corrected() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "CA", "courier")).unwrap();
    world.vendors.script(VendorKind::Address, "a/validate-address", Script::Now(refused("there is no such street")));
    world.complete_forms("a", &Map::new());
    let next = world.view("a").next.remove(0);
    assert_eq!((next.waits_for, next.failure.unwrap().message.as_str()), (WaitsFor::Applicant, "there is no such street"));
    let form = world.filled_in("a", "validate-address", &Map::new());
    block_on(world.submit("a", "validate-address", Submission::Form(form))).unwrap();
    world.complete_forms("a", &Map::new());
    assert_eq!(world.applicant("a").status, ApplicantStatus::Active);
}

#[test]
fn a_quiz_can_be_taken_again_until_it_is_passed() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "US", "merchant")).unwrap();
    let wrong = json!({ "food_safety_1": "Let it reach room temperature first", "food_safety_2": "Putting on an apron" });
    let wrong = wrong.as_object().unwrap().clone();
    world.complete_forms("a", &wrong);
    let next = world.view("a").next.remove(0);
    assert_eq!((next.step.as_str(), next.failure.unwrap().code.as_str()), ("take-quiz", "Quiz.NotPassed"));
    let right = world.filled_in("a", "take-quiz", &Map::new());
    block_on(world.submit("a", "take-quiz", Submission::Form(right))).unwrap();
    world.drain();
    assert_eq!(world.applicant("a").status, ApplicantStatus::Active);
}

#[test]
fn forms_are_checked_against_their_fields() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "AU", "courier")).unwrap();
    let form = world.filled_in("a", "collect-profile", &Map::new());
    let wrong = |field: &str, value: serde_json::Value| {
        let mut form = form.clone();
        form.insert(field.to_owned(), value);
        let error = block_on(world.submit("a", "collect-profile", Submission::Form(form))).unwrap_err();
        assert_eq!(error.failure().code, "Request.InvalidField");
        error.to_string()
    };
    assert!(wrong("email", json!("no address")).starts_with("email must look like"));
    assert!(wrong("birth_date", json!("2010-01-01")).contains("at least 18 years"));
    assert!(wrong("birth_date", json!("yesterday")).contains("must be a date"));
    assert!(wrong("shoe_size", json!(43)).contains("is not part of this form"));
    assert_eq!(world.applicant("a").version, 1, "nothing was written");
    let too_early = block_on(world.submit("a", "sign-agreement", Submission::Form(Map::new()))).unwrap_err();
    assert_eq!(too_early.failure().code, "ApplicantStep.NotReady");
    let foreign = world.submit_as("other-account", "a", "collect-profile", Submission::Form(Map::new()));
    assert_eq!(block_on(foreign).unwrap_err().failure().code, "Applicant.Unknown");
}

#[test]
fn personal_data_is_encrypted_exported_to_its_owner_and_erased_on_request() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "US", "courier")).unwrap();
    world.complete_forms("a", &Map::new());
    let applicant = world.applicant("a");
    let stored = serde_json::to_string(&applicant).unwrap() + &format!("{applicant:?}");
    for personal in ["Jo Example", "jo@example.com", "1990-02-28", "123-45-6789", "021000021"] {
        assert!(!stored.contains(personal), "{personal} can be read");
    }
    assert!(matches!(applicant.data["vehicle_type"], Datum::Plain(_)), "conditions may read it");
    assert!(!format!("{:?}", world.vendors.requests()).contains("Jo Example"));
    let exported = block_on(world.export(&applicant)).unwrap();
    assert_eq!(exported["collected"]["legal_name"], "Jo Example");
    assert!(block_on(world.erase("a")).unwrap());
    let erased = world.applicant("a");
    assert_eq!((erased.status, erased.data.len(), erased.owner.as_str()), (ApplicantStatus::Erased, 0, ""));
    assert!(erased.ttl < applicant.ttl);
}

#[test]
fn documents_of_an_erased_applicant_are_removed_even_if_they_are_uploaded_late() {
    let mut world = World::new(markets_with_supply(0.0));
    for id in ["a", "b"] {
        block_on(world.start(id, "US", "courier")).unwrap();
        world.complete_forms(id, &Map::new());
    }
    let objects = || world.documents.objects.lock().unwrap().clone();
    let own = objects().iter().find(|object| object.starts_with("a/upload-")).cloned().unwrap();
    assert!(block_on(world.erase("a")).unwrap());
    assert!(objects().iter().all(|object| object.starts_with("b/")) && !objects().is_empty());
    // An upload that was allowed before the erasure is made after it.
    world.documents.objects.lock().unwrap().insert(own);
    world.pass(UPLOAD_LASTS_MS - 1);
    let remove = |world: &World| block_on(world.remove_documents(&world.applicant("a")));
    remove(&world).unwrap();
    assert!(world.applicant("a").sweep_at.is_some(), "another upload may still be made");
    world.pass(1);
    remove(&world).unwrap();
    assert_eq!(world.applicant("a").sweep_at, None);
    assert!(world.documents.objects.lock().unwrap().iter().all(|object| object.starts_with("b/")));
}

#[test]
fn only_the_applicants_own_document_of_the_same_step_can_be_submitted() {
    let world = World::new(markets_with_supply(0.0));
    let [mine, other] = ["a", "b"].map(|id| {
        block_on(world.start(id, "US", "merchant")).unwrap();
        world.drain();
        id
    });
    let allowed = |id: &str, step: &str, content_type: &str, bytes: u64| {
        let owner = owner(id);
        let request = UploadRequest { id, owner: &owner, step, name: "doc_1", content_type, content_length: bytes };
        block_on(world.upload(request)).map_err(|error| error.to_string())
    };
    let early = allowed(mine, "upload-menu", "image/png", 1).unwrap_err();
    assert!(early.contains("comes later"), "{early}");
    to_step(&world, mine, "upload-menu");
    to_step(&world, other, "upload-menu");
    assert!(allowed(mine, "upload-menu", "text/html", 1).unwrap_err().starts_with("content_type"));
    for bytes in [0, LARGEST_BYTES + 1] {
        assert!(allowed(mine, "upload-menu", "image/png", bytes).unwrap_err().starts_with("content_length"));
    }
    assert!(allowed(mine, "collect-profile", "image/png", 1).is_err());
    let theirs = allowed(other, "upload-menu", "image/png", 1).unwrap().object;
    let of_another_step = theirs.replace("b/upload-menu/", "a/upload-food-licence/");
    for wrong in [theirs.as_str(), &of_another_step, "a/upload-menu/", "a/upload-menu/../x", "menu.png"] {
        let form = [("menu_object".to_owned(), json!(wrong))].into_iter().collect();
        let refused = block_on(world.submit(mine, "upload-menu", Submission::Form(form))).unwrap_err();
        assert_eq!(refused.failure().code, "Request.InvalidField", "{wrong}");
    }
    let form =
        [("menu_object".to_owned(), json!(allowed(mine, "upload-menu", "image/png", 1).unwrap().object))].into_iter().collect();
    block_on(world.submit(mine, "upload-menu", Submission::Form(form))).unwrap();
}

#[test]
fn an_operator_can_approve_an_activation_under_review() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "NZ", "courier")).unwrap();
    world.vendors.script(
        VendorKind::Activation,
        "a/activate-account",
        Script::Now(VendorAnswer::Review { reason: "twice?".to_owned() }),
    );
    world.complete_forms("a", &Map::new());
    world.drain();
    assert_eq!(world.applicant("a").steps.entry("activate-account").unwrap().state, StepState::Waiting);
    let approved = world.operate("a", "activate-account", OperatorAction::Approve).unwrap();
    assert_eq!((approved.status, approved.audit.len(), approved.sweep_at), (ApplicantStatus::Active, 1, None));
    world.drain();
    assert_eq!(world.applicant("a").status, ApplicantStatus::Active);
}

#[test]
fn a_form_that_a_vendor_may_have_seen_is_not_replaced() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "NZ", "courier")).unwrap();
    to_step(&world, "a", "set-up-payout");
    let answer_lost = Script::AnswerLost(Box::new(Script::Now(approved())));
    world.vendors.script(VendorKind::Payout, "a/set-up-payout", answer_lost);
    let account = |number: &str| {
        world.filled_in("a", "set-up-payout", &[("account_number".to_owned(), json!(number))].into_iter().collect())
    };
    let (first, second) = (account("062-000 12345678"), account("062-000 87654321"));
    assert!(block_on(world.submit("a", "set-up-payout", Submission::Form(first))).is_err());
    block_on(world.submit("a", "set-up-payout", Submission::Form(second))).unwrap();
    let kept = block_on(world.export(&world.applicant("a"))).unwrap();
    assert_eq!(kept["collected"]["account_number"], "062-000 12345678");
}

#[test]
fn an_unknown_finding_is_put_before_an_operator() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "US", "courier")).unwrap();
    world.vendors.script(VendorKind::Risk, "a/check-risk", Script::Now(findings("risk_level", json!("high"))));
    world.complete_forms("a", &Map::new());
    let entry = world.applicant("a").steps.entry("check-risk").cloned().unwrap();
    assert_eq!(entry.state, StepState::Waiting, "{entry:?}");
    let waits = world.view("a").next.into_iter().find(|next| next.step == "check-risk").unwrap();
    assert_eq!(waits.waits_for, WaitsFor::Operator);
}

/// Fills in forms until `step` is next.
fn to_step(world: &World, id: &str, step: &str) {
    for _ in 0..40 {
        world.drain();
        let next = world.next(id);
        if next.iter().any(|name| name == step) {
            return;
        }
        let form = world.filled_in(id, &next[0], &Map::new());
        block_on(world.submit(id, &next[0], Submission::Form(form))).unwrap();
    }
    panic!("{id} never comes to {step}");
}

#[test]
fn an_applicant_of_the_older_system_continues_without_repeating_a_step() {
    let data = json!({ "legal_name": "Jo Example", "birth_date": "1990-02-28", "email": "jo@example.com", "phone": "+1 212 555 0100", "vehicle_type": "bicycle", "emergency_contact": "Sam", "language": "en" });
    let data = data.as_object().unwrap().clone();
    let flags =
        [("profile_complete", true), ("details_complete", true), ("vehicle_complete", true), ("documents_uploaded", false)];
    let v2 = LegacyRecord::V2 { flags: flags.map(|(flag, set)| (flag.to_owned(), set)).into(), data: data.clone() };
    let complete = LegacyStep { status: LegacyStatus::Complete, updated_at: 7 };
    let steps = ["PROFILE", "ADDITIONAL_INFO", "VEHICLE"].map(|step| (step.to_owned(), complete.clone())).into();
    let v3 = LegacyRecord::V3 { steps, data };
    for record in [v2, v3] {
        let world = World::new(Markets::with(Settings { mirror: true, ..Settings::default() }).unwrap());
        world.legacy.records.lock().unwrap().insert(owner("a"), (1, record.clone()));
        block_on(world.start("a", "US", "courier")).unwrap();
        assert_eq!(world.next("a"), ["validate-address"]);
        world.complete_forms("a", &Map::new());
        let applicant = world.applicant("a");
        assert_eq!((applicant.status, applicant.legacy), (ApplicantStatus::Active, Some(record.shape())));
        let mirrored = LegacyRecord::of(&applicant, world.markets.of(&applicant).unwrap(), LegacyShape::V2);
        assert_eq!(mirrored.step("sign-agreement").0, StepState::Done);
        assert_eq!(legacy_of(&world, "a"), Some(record));
    }
}

#[test]
fn progress_is_never_reverted_and_conflicts_are_counted() {
    let world = at_identity(Script::Now(refused("no")));
    let mut applicant = world.applicant("a");
    let workflow = world.markets.of(&applicant).unwrap().clone();
    let step = |status| LegacyStep { status, updated_at: 5 };
    let steps = [("IDV", LegacyStatus::Complete), ("PROFILE", LegacyStatus::Failed), ("TAX", LegacyStatus::Complete)];
    let record = LegacyRecord::V3 { steps: steps.map(|(name, status)| (name.to_owned(), step(status))).into(), data: Map::new() };
    let without = merge(&mut applicant.clone(), &workflow, &record, &Map::new(), world.now);
    assert_eq!((without.adopted, without.conflicts), (0, 2), "the tax number is not known yet");
    let collected = json!({ "tax_number": "123456789", "tax_certified": true }).as_object().unwrap().clone();
    let merged = merge(&mut applicant, &workflow, &record, &collected, world.now);
    let state = |name: &str| applicant.steps.entry(name).unwrap().state;
    assert_eq!(
        (state("verify-identity"), state("collect-profile"), state("submit-tax-form")),
        (StepState::Failed, StepState::Done, StepState::Done)
    );
    assert_eq!((merged.adopted, merged.conflicts), (1, 2));
    assert_eq!(merge(&mut applicant, &workflow, &record, &collected, world.now).adopted, 0, "a second merge adopts nothing");
}
