//! Every path through every market leads to an account, and a new market is one file.

use crate::world::{World, findings, markets_with_supply};
use carryout_onboarding::{
    applicant::{ApplicantStatus, OperatorAction},
    definition::{Market, market_key},
    diff::diff,
    markets::{Markets, Settings, embedded_files, parse},
    paths::paths,
    submit::Submission,
    vendor::VendorKind,
};
use carryout_testing::onboarding::Script;
use carryout_workflow::{FormStage, FormWorkflow, Orchestrator, StepSpec as _, StepState};
use futures::executor::block_on;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Sends one applicant along each path through a market's workflow, and returns the number of paths.
fn take_all_paths(markets: &Markets, country: &str, market_type: &str) -> usize {
    let workflow = markets.orchestrator().pick(country, market_type).unwrap().clone();
    let paths = paths(&workflow).unwrap();
    for (index, path) in paths.iter().enumerate() {
        let supply = path.attributes.get("supply").and_then(Value::as_f64).unwrap_or_default();
        let mut world = World::new(with_supply(markets, country, market_type, supply));
        let id = format!("{country}-{market_type}-{index}");
        if let Some(area) = path.attributes.get("service_area") {
            world.vendors.script(
                VendorKind::Address,
                &format!("{id}/validate-address"),
                Script::Now(findings("service_area", area.clone())),
            );
        }
        block_on(world.start(&id, country, market_type)).unwrap();
        world.complete_forms(&id, &path.attributes);
        if world.next(&id) == ["join-waitlist"] {
            world.pass(1_000);
            world.operate(&id, "join-waitlist", OperatorAction::Approve).unwrap();
            world.drain();
        }
        let applicant = world.applicant(&id);
        assert_eq!(applicant.status, ApplicantStatus::Active, "{id}: {:?}", world.view(&id));
        let done: BTreeSet<&str> =
            applicant.steps.0.iter().filter(|(_, entry)| entry.state == StepState::Done).map(|(name, _)| name.as_str()).collect();
        let expected: BTreeSet<&str> = path.steps.iter().map(|spec| spec.entry_name()).collect();
        assert_eq!(done, expected, "{id}");
        assert!(world.vendors.effects().values().all(|times| *times == 1), "{id}");
        assert_eq!(applicant.sweep_at, None, "{id} still has a sweep scheduled");
    }
    paths.len()
}

fn with_supply(markets: &Markets, country: &str, market_type: &str, supply: f64) -> Markets {
    let mut settings = markets.settings().clone();
    let facts: Map<String, Value> = [("supply".to_owned(), json!(supply))].into_iter().collect();
    settings.facts.insert(market_key(country, market_type), facts);
    Markets::with(settings).unwrap()
}

#[test]
fn every_path_through_every_market_ends_with_an_account() {
    let markets = Markets::embedded().unwrap();
    let mut count = 0;
    for Market { country, market_type, .. } in embedded_files().unwrap() {
        count += take_all_paths(&markets, &country, &market_type);
    }
    assert!(count >= 20, "only {count} paths");
}

#[test]
fn a_sixth_market_is_one_file() {
    let file = parse("fr-courier.json", include_str!("fr-courier.json")).unwrap();
    let markets = Markets::with(Settings { markets: vec![file], ..Settings::default() }).unwrap();
    assert!(take_all_paths(&markets, "FR", "courier") >= 2);
}

#[test]
fn every_file_is_embedded() {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/markets")).unwrap();
    assert_eq!(files.count(), embedded_files().unwrap().len());
    let markets = Markets::embedded().unwrap();
    for country in ["US", "CA", "AU", "NZ", "PR"] {
        for market_type in ["courier", "merchant"] {
            assert!(markets.orchestrator().pick(country, market_type).is_ok(), "{country} {market_type}");
        }
    }
}

fn position(workflow: &FormWorkflow, step: &str) -> usize {
    workflow.steps().position(|spec| spec.step == step).unwrap()
}

fn courier<'m>(orchestrator: &'m Orchestrator<FormStage>, country: &str) -> &'m FormWorkflow {
    orchestrator.pick(country, "courier").unwrap()
}

#[test]
fn markets_order_and_configure_their_steps_differently() {
    let markets = Markets::embedded().unwrap();
    let all = markets.orchestrator();
    let (us, au, ca) = (courier(all, "US"), courier(all, "AU"), courier(all, "CA"));
    assert!(position(au, "validate-address") < position(au, "check-risk"), "address before compliance");
    assert_eq!(au, courier(all, "NZ"), "New Zealand uses Australia's workflow");
    assert_eq!(ca.step("validate-address").unwrap().settings["service_area"], true);
    let differences = diff(us, courier(all, "PR"));
    let structural: Vec<String> =
        differences.iter().map(ToString::to_string).filter(|line| line.starts_with(['+', '-'])).collect();
    assert_eq!(structural, ["+ collect-regional"], "Puerto Rico has one step of its own");
}

#[test]
fn a_composite_shows_several_steps_on_one_screen() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("us", "US", "courier")).unwrap();
    block_on(world.start("au", "AU", "courier")).unwrap();
    assert_eq!(world.next("us"), ["collect-profile", "collect-details", "register-vehicle"]);
    assert!(world.view("us").next.iter().all(|next| next.screen.as_deref() == Some("personal-details")));
    assert_eq!(world.next("au"), ["collect-profile"]);
    assert_eq!(
        world.view("au").next[0].form.as_ref().unwrap()["required"],
        json!(["legal_name", "birth_date", "email", "phone"])
    );
}

#[test]
fn only_an_optional_step_can_be_skipped() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("m", "US", "merchant")).unwrap();
    block_on(world.submit("m", "collect-details", Submission::Skip)).unwrap();
    assert_eq!(world.applicant("m").steps.entry("collect-details").unwrap().state, StepState::Skipped);
    let refused = block_on(world.submit("m", "collect-profile", Submission::Skip)).unwrap_err();
    assert_eq!(refused.failure().code, "ApplicantStep.NotOptional");
    assert_eq!(world.next("m"), ["collect-profile"]);
}

#[test]
fn a_submission_takes_three_requests() {
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "CA", "courier")).unwrap();
    for step in ["collect-profile", "collect-details", "register-vehicle", "validate-address"] {
        let form = world.filled_in("a", step, &Map::new());
        let before = world.applicants.requests();
        block_on(world.submit("a", step, Submission::Form(form))).unwrap();
        assert_eq!(world.applicants.requests() - before, 3, "{step}");
    }
}
