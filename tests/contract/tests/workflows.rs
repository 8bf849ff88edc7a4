//! `docs/workflow.schema.json` says what the definitions' types read, and every market is what it says.
#![expect(clippy::expect_used, reason = "a file that can't be read fails the test, and says why")]

use carryout_checkout::workflows;
use contract::files;
use contract::findings::Findings;
use contract::openapi::OpenApi;
use contract::schema::violations;
use contract::types::{Types, Way};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SCHEMA: &str = "docs/workflow.schema.json";
const DEFINITION: &str = "shared/workflow/src/definition.rs";
const FORM: &str = "shared/workflow/src/form.rs";
const SAGA: &str = "shared/workflow/src/saga.rs";
const MARKET: &str = "shared/onboarding/src/definition.rs";

fn schema() -> OpenApi {
    OpenApi(serde_json::from_str(&files::read(SCHEMA)).expect("the schema is JSON"))
}

#[test]
fn the_schema_has_the_members_of_the_types() {
    let schema = schema();
    let types = Types::load([DEFINITION, FORM, SAGA, MARKET]).expect("the sources are Rust");
    let mut findings = Findings::new();
    let held = [
        (MARKET, "Market", &schema.0),
        (DEFINITION, "Workflow", &schema.0["$defs"]["FormWorkflow"]),
        (FORM, "PublishedFormStep", &schema.0["$defs"]["FormStep"]),
        (FORM, "Composite", &schema.0["$defs"]["Composite"]),
        (FORM, "FormWait", &schema.0["$defs"]["FormWait"]),
        (DEFINITION, "Workflow", &schema.0["$defs"]["SagaWorkflow"]),
        (SAGA, "SagaStep", &schema.0["$defs"]["SagaStep"]),
        (SAGA, "SagaWait", &schema.0["$defs"]["SagaWait"]),
    ];
    for (path, name, documented) in held {
        let members: BTreeSet<_> = types.members(path, name, Way::Request).expect("the type is there").into_iter().collect();
        findings.same(
            &members,
            &schema.members(documented).into_iter().collect(),
            |(member, needed)| format!("{name} reads {member} (needed: {needed}): make {SCHEMA} say so"),
            |(member, needed)| format!("{SCHEMA}, {name}: {member} (required: {needed}) is not what is read: correct it"),
        );
    }
    findings.conclude();
}

#[test]
fn every_market_and_every_checkout_is_what_the_schema_says() {
    let schema = schema();
    let mut findings = Findings::new();
    let mut check = |name: &str, schema_of: &Value, value: &Value| {
        for violation in violations(&schema, schema_of, value) {
            findings.add(format!("{name} {violation}"));
        }
    };
    for path in files::below("shared/onboarding/markets", ".json") {
        check(&path, &schema.0, &serde_json::from_str(&files::read(&path)).expect("the market is JSON"));
    }
    for workflow in workflows::orchestrators().iter().flat_map(|orchestrator| orchestrator.workflows()) {
        check(&workflow.name, &schema.0["$defs"]["SagaWorkflow"], &json!(workflow));
    }
    findings.conclude();
}
