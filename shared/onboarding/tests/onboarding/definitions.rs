//! The analysis of definitions without running them.

use crate::world::{World, markets_with_supply};
use carryout_onboarding::{
    applicant::ApplicantStatus,
    definition::Market,
    diff::diff,
    funnel::funnel,
    graph,
    lint::{Rule, lint, lint_workflow},
    markets::{Markets, Settings, embedded_files},
    migrate::{migrate, plan},
    submit::Submission,
    what_if::what_if,
};
use carryout_workflow::{FormStage, FormWorkflow, Stage as _, StepState};
use futures::executor::block_on;
use serde_json::{Map, Value, json};

fn courier(country: &str) -> FormWorkflow {
    Markets::embedded().unwrap().orchestrator().pick(country, "courier").unwrap().clone()
}

fn step(value: Value) -> FormStage {
    FormStage::Step(serde_json::from_value(value).unwrap())
}

#[test]
fn the_embedded_markets_are_clean() {
    assert_eq!(lint(&embedded_files().unwrap()), []);
}

#[test]
fn the_lint_finds_each_kind_of_mistake() {
    type Change = fn(&mut FormWorkflow);
    let cases: [(Change, Rule, &str); 12] = [
        (|w| w.stages.push(step(json!({ "step": "read-palm" }))), Rule::UnknownStep, "there is no step read-palm"),
        (
            |w| w.stages.insert(0, step(json!({ "step": "join-waitlist", "name": "early", "version": 7 }))),
            Rule::UnknownVersion,
            "no version 7",
        ),
        (
            |w| w.stages.push(step(json!({ "step": "take-quiz", "name": "again", "settings": { "pas": 1 } }))),
            Rule::WrongSettings,
            "pas",
        ),
        (|w| drop(w.stages.remove(0)), Rule::MissingData, "needs legal_name"),
        (
            |w| w.stages.push(step(json!({ "step": "join-waitlist", "name": "late", "when": { "horoscope": "lion" } }))),
            Rule::UnknownCondition,
            "no earlier step provides",
        ),
        (
            |w| w.stages.push(step(json!({ "step": "join-waitlist", "name": "late", "when": { "legal_name": "Jo" } }))),
            Rule::UnknownCondition,
            "personal",
        ),
        (
            |w| w.stages.push(step(json!({ "step": "join-waitlist", "name": "late", "when": { "vehicle_type": "rocket" } }))),
            Rule::Unreachable,
            "never holds",
        ),
        (|w| w.stages.push(step(json!({ "step": "activate-account", "name": "early" }))), Rule::Endless, "only the finish"),
        (
            |w| w.finish = serde_json::from_value(json!({ "step": "join-waitlist", "name": "ending" })).unwrap(),
            Rule::Endless,
            "does not close",
        ),
        (
            |w| w.stages.push(step(json!({ "step": "check-risk", "name": "again", "optional": true }))),
            Rule::Endless,
            "not complete when it is skipped",
        ),
        (|w| w.stages.push(step(json!({ "step": "collect-profile", "name": "again" }))), Rule::CollectedTwice, "already"),
        (|w| w.stages.push(step(json!({ "step": "collect-profile" }))), Rule::Malformed, "occurs twice"),
    ];
    for (change, rule, text) in cases {
        let mut workflow = courier("AU");
        change(&mut workflow);
        let findings = lint_workflow(&workflow);
        assert!(findings.iter().any(|finding| finding.rule == rule && finding.message.contains(text)), "{rule:?}: {findings:?}");
    }
    let without_workflow = Market { workflow: "gone".to_owned(), ..embedded_files().unwrap().remove(0) };
    assert!(lint(&[without_workflow]).iter().any(|finding| finding.rule == Rule::NoRoute));
}

#[test]
fn data_of_a_conditional_step_does_not_satisfy_a_need() {
    let mut workflow = courier("AU");
    if let FormStage::Step(address) = &mut workflow.stages[1] {
        address.when = Some(serde_json::from_value(json!({ "supply": { "$lt": 0.5 } })).unwrap());
    }
    let findings = lint_workflow(&workflow);
    assert!(
        findings.iter().any(|finding| finding.rule == Rule::MissingData && finding.step.as_deref() == Some("check-risk")),
        "{findings:?}"
    );
}

#[test]
fn a_workflow_is_drawn_as_a_chart_and_as_text() {
    let chart = graph::mermaid(&courier("US"));
    for line in [
        "flowchart TD",
        "subgraph stage0 [personal-details]",
        "verify_identity[/verify-identity/]",
        "activate_account([activate-account])",
        "|{'supply':{'$gte':0.9}}|",
    ] {
        assert!(chart.contains(line), "{line} is not in\n{chart}");
    }
    let text = graph::text(&courier("US"));
    assert!(text.contains("personal-details, on one screen") && text.contains("* activate-account"), "{text}");
}

#[test]
fn differences_name_what_moved() {
    let lines: Vec<String> = diff(&courier("US"), &courier("AU")).iter().map(ToString::to_string).collect();
    assert!(lines.iter().any(|line| line.starts_with("- upload-insurance")), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("+ upload-work-rights")), "{lines:?}");
    assert_eq!(diff(&courier("AU"), &courier("NZ")), []);
}

/// Australia with its second version: a quiz is new, the details are gone.
fn second() -> (FormWorkflow, Markets) {
    let mut market = embedded_files().unwrap().into_iter().find(|market| market.workflow == "onboard-courier-au").unwrap();
    let mut second = market.definitions[0].clone();
    second.version = 2;
    second.stages.retain(|stage| stage.steps()[0].step != "collect-details");
    second.stages.push(step(json!({ "step": "take-quiz", "settings": { "quiz": "heat", "questions": [{ "text": "It is hot.", "choices": ["drink", "run"], "answer": "drink" }], "pass": 1 } })));
    market.definitions.push(second.clone());
    (second, Markets::with(Settings { markets: vec![market], ..Settings::default() }).unwrap())
}

#[test]
fn applicants_in_progress_stay_at_their_version_until_they_are_migrated() {
    let first = courier("AU");
    let mut world = World::new(markets_with_supply(0.0));
    block_on(world.start("early", "AU", "courier")).unwrap();
    block_on(world.start("waiting", "AU", "courier")).unwrap();
    world.complete_forms("waiting", &Map::new());
    block_on(world.start("half", "AU", "courier")).unwrap();
    let form = world.filled_in("half", "collect-profile", &Map::new());
    block_on(world.submit("half", "collect-profile", Submission::Form(form))).unwrap();
    let (second, markets) = second();
    world.set_markets(markets);
    assert_eq!(block_on(world.start("late", "AU", "courier")).unwrap().workflow_version, 2);
    assert_eq!(world.view("early").workflow_version, 1);

    let result = what_if(&second, &world.applicants.all());
    assert_eq!((result.applicants, result.asked["take-quiz"], result.next["validate-address"]), (4, 3, 1));

    let planned = plan(&first, &second, &world.applicants.all());
    assert_eq!((planned.moves.len(), planned.unaffected, planned.ambiguous.len()), (2, 2, 0));
    let half = planned.moves.iter().find(|step| step.id == "half").unwrap();
    assert_eq!(
        (half.added.as_slice(), half.dropped.as_slice()),
        (["take-quiz".to_owned()].as_slice(), ["collect-details".to_owned()].as_slice())
    );
    for step in &planned.moves {
        assert!(block_on(migrate(&world.applicants, &second, step, world.now)).unwrap());
        assert!(!block_on(migrate(&world.applicants, &second, step, world.now)).unwrap(), "a plan applies once");
    }
    world.drain();
    world.complete_forms("half", &Map::new());
    assert_eq!(world.applicant("half").status, ApplicantStatus::Active);
    assert_eq!(world.applicant("half").steps.entry("take-quiz").unwrap().state, StepState::Done);
}

#[test]
fn ambiguous_migrations_are_listed_and_not_guessed() {
    let first = courier("AU");
    let world = World::new(markets_with_supply(0.0));
    block_on(world.start("a", "AU", "courier")).unwrap();
    let form = world.filled_in("a", "collect-profile", &Map::new());
    block_on(world.submit("a", "collect-profile", Submission::Form(form))).unwrap();
    let mut renamed = first.clone();
    renamed.version = 2;
    if let FormStage::Step(profile) = &mut renamed.stages[0] {
        profile.name = Some("about-you".to_owned());
    }
    let planned = plan(&first, &renamed, &world.applicants.all());
    assert_eq!(planned.moves, []);
    assert!(planned.ambiguous[0].reasons[0].contains("another instance of collect-profile"), "{planned:?}");
}

#[test]
fn a_funnel_counts_the_applicants_who_reached_each_step() {
    let mut world = World::new(markets_with_supply(0.0));
    for id in ["one", "two", "three"] {
        block_on(world.start(id, "AU", "courier")).unwrap();
    }
    world.pass(60_000);
    let form = world.filled_in("one", "collect-profile", &Map::new());
    block_on(world.submit("one", "collect-profile", Submission::Form(form))).unwrap();
    let counts = funnel(&world.markets, &world.applicants.all(), world.now + 30 * 24 * 3_600_000);
    let of = |step: &str| counts.iter().find(|(found, _)| found.step == step).map(|(_, counts)| counts.clone()).unwrap();
    let profile = of("collect-profile");
    assert_eq!((profile.entered, profile.finished, profile.dropped, profile.median_ms()), (3, 1, 2, Some(60_000)));
    assert_eq!((of("validate-address").entered, of("validate-address").finished), (1, 0));
}

#[test]
fn a_definition_in_the_control_table_is_linted_before_it_takes_effect() {
    let mut market = embedded_files().unwrap().remove(0);
    market.definitions[0].stages.clear();
    let refused = Markets::with(Settings { markets: vec![market], ..Settings::default() }).unwrap_err();
    assert!(refused.to_string().contains("it has no stage"), "{refused}");
}
