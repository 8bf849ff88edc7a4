//! Policies allow what the code does, and nothing else.
#![expect(clippy::expect_used, reason = "a file that can't be read fails the test, and says why")]

use carryout_checkout::workflows;
use carryout_onboarding::wait::WAIT_MACHINE;
use carryout_workflow::{Orchestrator, Workflow};
use contract::adapters::{self, Adapter, Target, Use};
use contract::files;
use contract::findings::{Findings, set};
use contract::source::{self, Wiring};
use contract::template::state_machines;
use contract::template::{self, Function, Template};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit as _;

/// Functions that use a part of an adapter only: the files from which they call it. What is called there, and nothing else
/// of the adapter, counts.
const CALLED_FROM: &[(&str, &str, &[&str])] = &[
    ("quote-price", "DynamoCatalog", &["shared/checkout/src/providers.rs", "shared/checkout/src/reprice.rs"]),
    ("quote-price", "DynamoQuotes", &["shared/checkout/src/quoting.rs"]),
    ("submit-checkout", "DynamoCatalog", &["shared/checkout/src/submit.rs", "shared/checkout/src/providers.rs"]),
    ("submit-checkout", "DynamoQuotes", &["shared/checkout/src/submit.rs", "shared/checkout/src/quoting.rs"]),
    ("start-checkout", "SfnExecutions", &["shared/checkout/src/start.rs"]),
    ("redrive-orders", "SfnExecutions", &["shared/checkout/src/start.rs"]),
    ("refund-order", "SfnExecutions", &["shared/checkout/src/start.rs"]),
    ("compare-quotes", "DynamoComparisons", &["functions/compare-quotes/src/lib.rs"]),
    ("aggregate-trends", "DynamoTrends", &["functions/aggregate-trends/src/lib.rs"]),
    ("watch-prices", "DynamoTrends", &["shared/price-monitoring/src/trends.rs"]),
    ("watch-prices", "DynamoReports", &["shared/price-monitoring/src/trends.rs"]),
    ("cancel-order", "SfnCallbacks", &["shared/checkout/src/cancel.rs"]),
    ("onboard", "SfnWaits", &["shared/onboarding/src/operate.rs"]),
    ("receive-webhooks", "SfnWaits", &["shared/onboarding/src/answer.rs"]),
    ("receive-webhooks", "DynamoApplicants", &["shared/onboarding/src/answer.rs"]),
    ("advance-applicants", "S3Documents", &["shared/onboarding/src/privacy.rs"]),
    ("advance-applicants", "SfnWaits", &["shared/onboarding/src/advance.rs"]),
    ("await-vendor", "SfnWaits", &["shared/onboarding/src/wait.rs"]),
    ("await-vendor", "DynamoApplicants", &["shared/onboarding/src/wait.rs"]),
    ("sweep-applicants", "DynamoApplicants", &["functions/sweep-applicants/src/lib.rs"]),
    ("sweep-applicants", "DynamoStuckOrders", &["functions/sweep-applicants/src/lib.rs"]),
];

/// Actions whose resources policies can't name.
const UNNAMED: &[&str] = &["cloudwatch:GetMetricData", "lambda:ListEventSourceMappings"];
/// Event source mappings: their names are made when they are, so a condition says of which functions.
const MAPPINGS: &str = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:event-source-mapping:*";

/// The objects of a bucket: whoever may write one may write each.
const OBJECTS: &str = "/*";

fn load() -> (Template, BTreeMap<String, Adapter>) {
    (Template::load().expect("the templates are YAML"), adapters::load().expect("shared/aws can be read"))
}

/// What a function uses of an adapter.
fn used(folder: &str, name: &str, adapter: &Adapter) -> BTreeSet<Use> {
    let Some((_, _, files)) = CALLED_FROM.iter().find(|(function, narrowed, _)| (*function, *narrowed) == (folder, name)) else {
        return adapter.uses();
    };
    called_from(files, adapter).into_iter().filter_map(|method| adapter.methods.get(&method)).flatten().cloned().collect()
}

/// The methods of an adapter that are called on something other than `self` in these files.
fn called_from(files: &[&str], adapter: &Adapter) -> BTreeSet<String> {
    let mut called = BTreeSet::new();
    for path in files {
        let file = source::parse(path).expect("the file is Rust");
        let calls = source::calls(|calls| calls.visit_file(&file));
        let on_others =
            calls.iter().filter(|call| call.is_method && call.receiver.as_deref().is_some_and(|receiver| receiver != "self"));
        called.extend(on_others.map(|call| call.name().to_owned()).filter(|name| adapter.methods.contains_key(name)));
    }
    called
}

/// What a function's policy must allow: pairs of action and resource.
fn needed(
    template: &Template,
    function: &Function<'_>,
    adapters: &BTreeMap<String, Adapter>,
    findings: &mut Findings,
) -> BTreeSet<(String, String)> {
    let folder = function.folder();
    let mut needed = BTreeSet::new();
    let Ok(wiring) = Wiring::of(folder) else { return needed };
    let environment = function.environment();
    for (name, given) in &wiring.constructions {
        let Some(adapter) = adapters.get(name) else { continue };
        findings.check(!adapter.constants.is_empty(), || {
            format!("functions/{folder} makes a {name}, which has no ACTIONS: add them in shared/aws, or use an adapter that has")
        });
        let resource = |parameter: &str| -> Option<String> {
            let position = adapter.parameters.iter().position(|own| own == parameter)?;
            let key = wiring.variables.get(given.get(position)?)?;
            Some(template::resource_name(environment.get(key.as_str())?)).filter(|id| template.0["Resources"].get(id).is_some())
        };
        for (action, target) in used(folder, name, adapter) {
            match &target {
                Target::Given(parameter) | Target::Index(parameter, _) | Target::Objects(parameter) => match resource(parameter) {
                    None => findings.add(format!(
                        "functions/{folder}/src/main.rs: it can't be told what {name} is given as {parameter}: give it a variable that \
                         config reads, whose value in the template is !Ref to a resource"
                    )),
                    Some(id) => {
                        let part = match &target {
                            Target::Index(_, index) => format!("/index/{index}"),
                            Target::Objects(_) => OBJECTS.to_owned(),
                            _ => String::new(),
                        };
                        needed.insert((action, format!("{id}{part}")));
                    }
                },
                Target::StateMachine if name == "SfnWaits" => {
                    needed.insert((action, template::state_machine_arn(WAIT_MACHINE)));
                }
                Target::StateMachine => {
                    let answers = action.starts_with("states:SendTask");
                    needed.extend(state_machine_names(folder, |workflow| !answers || waits(workflow)).map(|name| (action.clone(), template::state_machine_arn(&name))));
                }
                Target::Alias => {
                    needed.extend(scaled(function, template, findings).into_iter().map(|id| (action.clone(), format!("{id}:live"))));
                }
                Target::Mapping if UNNAMED.contains(&action.as_str()) => {
                    needed.insert((action, "*".to_owned()));
                }
                Target::Mapping => {
                    needed.insert((action, MAPPINGS.to_owned()));
                }
                Target::Unnamed => {
                    needed.insert((action, "*".to_owned()));
                }
                Target::Execution => {
                    needed.extend(state_machine_names(folder, |_| true).map(|name| (action.clone(), template::execution_arn(&name))));
                }
            }
        }
    }
    needed
}

/// The logical ids of the functions that a function scales.
fn scaled(function: &Function<'_>, template: &Template, findings: &mut Findings) -> Vec<String> {
    let names = function.environment().get("SCALED_FUNCTIONS").and_then(|names| names.as_str()).unwrap_or_default().to_owned();
    let id = |name: &str| {
        let scaled = template.function(name).map(|scaled| scaled.id.to_owned());
        findings.check(scaled.is_some(), || format!("{}: SCALED_FUNCTIONS has {name}, which is no function", function.id));
        scaled
    };
    names.split(',').filter_map(id).collect()
}

fn waits(workflow: &Workflow) -> bool {
    workflow.steps().any(|spec| spec.wait.is_some())
}

/// The state machines of the workflows of the orchestrators that a function asks, in every track; of all, where it asks none.
fn state_machine_names(folder: &str, wanted: impl Fn(&Workflow) -> bool) -> impl Iterator<Item = String> {
    let mut asked = BTreeSet::new();
    for path in files::below(&format!("functions/{folder}/src"), ".rs") {
        let file = source::parse(&path).expect("the file is Rust");
        asked.extend(source::calls(|calls| calls.visit_file(&file)).iter().map(|call| call.name().to_owned()));
    }
    let of = |name: &str, orchestrator: fn() -> Orchestrator| asked.contains(name).then(orchestrator);
    let own: Vec<Orchestrator> =
        [of("orchestrator", workflows::orchestrator), of("refund_orchestrator", workflows::refund_orchestrator)]
            .into_iter()
            .flatten()
            .collect();
    let asked = if own.is_empty() { workflows::orchestrators().to_vec() } else { own };
    let workflows = asked.iter().flat_map(|orchestrator| orchestrator.workflows());
    workflows.filter(|one| wanted(one)).flat_map(state_machines).collect::<Vec<_>>().into_iter()
}

#[test]
fn each_adapter_lists_the_actions_that_it_calls() {
    let (_, adapters) = load();
    let mut findings = Findings::new();
    for (name, adapter) in adapters.iter().filter(|(_, adapter)| !adapter.constants.is_empty()) {
        let expected = adapter.expected_constants();
        findings.same(
            &set(adapter.constants.keys().cloned()),
            &set(expected.keys().cloned()),
            |constant| format!("{name}::{constant}: nothing in {name} is called on that: remove it"),
            |constant| format!("{name}: add {constant} with {:?}", expected[constant]),
        );
        for (constant, actions) in &adapter.constants {
            findings.same(
                actions,
                expected.get(constant).unwrap_or(&BTreeSet::new()),
                |action| format!("{name}::{constant} has {action}, which {name} never calls on that: remove it"),
                |action| format!("{name} calls {action}: add it to {name}::{constant}"),
            );
        }
    }
    findings.check(adapters.len() >= 10, || {
        "shared/aws has hardly any adapters: is tests/contract/src/adapters.rs still right?".to_owned()
    });
    findings.conclude();
}

#[test]
fn each_policy_allows_what_its_function_calls() {
    let (template, adapters) = load();
    let mut findings = Findings::new();
    for function in template.functions() {
        let needed = needed(&template, &function, &adapters, &mut findings);
        let (id, folder) = (function.id, function.folder());
        findings.same(
            &function.allowed(),
            &needed,
            |(action, resource)| {
                format!("{id}: {action} on {resource} is allowed and functions/{folder} never calls it: remove it from Policies")
            },
            |(action, resource)| format!("{id}: functions/{folder} calls {action} on {resource}: add it to Policies"),
        );
    }
    findings.conclude();
}

#[test]
fn what_is_known_of_partial_use_is_true() {
    let (template, adapters) = load();
    let mut findings = Findings::new();
    for (folder, name, files) in CALLED_FROM {
        let Some(adapter) = adapters.get(*name) else {
            findings.add(format!("CALLED_FROM names {name}, which is no adapter: remove the line"));
            continue;
        };
        let made = Wiring::of(folder).is_ok_and(|wiring| wiring.constructions.iter().any(|(made, _)| made == name));
        findings.check(template.function(folder).is_some() && made, || {
            format!("CALLED_FROM: functions/{folder} makes no {name}: remove the line")
        });
        let called = called_from(files, adapter);
        findings
            .check(!called.is_empty(), || format!("CALLED_FROM: nothing of {name} is called from {files:?}: correct the files"));
        let all = set(adapter.methods.keys().cloned());
        findings.check(called != all, || format!("CALLED_FROM: {folder} calls all of {name}: remove the line"));
    }
    findings.conclude();
}

#[test]
fn no_policy_has_a_wildcard() {
    let template = Template::load().expect("the templates are YAML");
    let mut findings = Findings::new();
    for (id, resource) in template.resources() {
        for statement in template::statements(&resource["Properties"]) {
            let actions: Vec<&str> =
                template::one_or_many(&statement["Action"]).into_iter().filter_map(|one| one.as_str()).collect();
            let is_unnamed = actions.iter().all(|action| UNNAMED.contains(action));
            let of_functions = statement["Condition"].to_string().contains("lambda:FunctionArn");
            for action in actions {
                findings.check(!action.contains('*'), || format!("{id}: name the actions that {action} stands for"));
            }
            for resource in template::one_or_many(&statement["Resource"]) {
                let name = template::resource_name(resource);
                // The name of an execution is not known before it starts; its state machine's is.
                let execution = name.strip_suffix(":*").filter(|arn| arn.contains(":execution:"));
                let known = execution.or_else(|| name.strip_suffix(OBJECTS)).unwrap_or(&name);
                let is_named = !known.is_empty() && !known.contains('*');
                findings.check(is_named || is_unnamed || (of_functions && name == MAPPINGS), || {
                    format!("{id}: {name} is a wildcard: name the resource")
                });
            }
            findings.check(statement["NotAction"].is_null() && statement["NotResource"].is_null(), || {
                format!("{id}: say what is allowed, not what is not")
            });
        }
        for policy in template::policies(&resource["Properties"]).filter(|policy| policy["Statement"].is_null()) {
            findings.add(format!("{id}: {policy} is a managed policy or a SAM template: write its statements out"));
        }
    }
    findings.conclude();
}
