//! The stacks agree with the functions, the state machines and the timeouts.
#![expect(clippy::expect_used, reason = "a file that can't be read fails the test, and says why")]

use carryout_checkout::{partners::POLICIES, routing::ReleaseTrack, workflows};
use carryout_onboarding::wait::WAIT_MACHINE;
use carryout_stacks::{Plan, RESOURCE_LIMIT, generate, template_path};
use contract::files;
use contract::findings::{Findings, set};
use contract::source::{self, Wiring};
use contract::template::{self, Function, Template, keys};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit as _;

fn load() -> Template {
    Template::load().expect("the templates are YAML")
}

/// The value of an attribute of every package, such as `name` in `Cargo.toml`.
fn package_name(folder: &str) -> Option<String> {
    let manifest = files::read(&format!("functions/{folder}/Cargo.toml"));
    let line = manifest.lines().find(|line| line.starts_with("name = "))?;
    line.split('"').nth(1).map(str::to_owned)
}

#[test]
fn the_checked_in_templates_are_current() {
    let mut findings = Findings::new();
    let generated = generate(&files::root()).expect("the descriptions can be read");
    for (stack, text) in &generated {
        let path = template_path(stack);
        findings.check(files::read(&path) == *text, || format!("{path} is not current: run `make stacks`"));
    }
    findings.same(
        &set(files::list(carryout_stacks::TEMPLATES)),
        &set(generated.keys().map(|stack| format!("{stack}.yaml"))),
        |file| format!("{}/{file} belongs to no description: remove it, or add the description", carryout_stacks::TEMPLATES),
        |file| format!("{}/{file} is missing: run `make stacks`", carryout_stacks::TEMPLATES),
    );
    findings.conclude();
}

#[test]
fn each_stack_is_small_enough_to_review() {
    let mut findings = Findings::new();
    let plan = Plan::load(&files::root()).expect("the templates can be read");
    for template in plan.templates() {
        let count = template.resources_after_transform();
        findings.check(count < RESOURCE_LIMIT, || {
            format!(
                "{} has {count} resources after the SAM transform, of {RESOURCE_LIMIT}: split it",
                template_path(&template.stack)
            )
        });
    }
    findings.conclude();
}

#[test]
fn an_input_has_one_source() {
    let plan = Plan::load(&files::root()).expect("the templates can be read");
    let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for template in plan.templates() {
        for output in template.outputs() {
            sources.entry(output).or_default().push(&template.stack);
        }
    }
    let mut findings = Findings::new();
    for template in plan.templates() {
        for (input, default) in template.parameters() {
            let stacks = sources.get(input).cloned().unwrap_or_default();
            findings.check(!stacks.is_empty(), || {
                format!("{}: {input} is no output of any stack: CloudFormation can't be told it", template_path(&template.stack))
            });
            // The address of a partner is a setting, or else the sandbox's.
            let may_be_two = stacks == ["foundation", "sandbox"] && (default.is_none() || default.as_deref() == Some(""));
            findings.check(stacks.len() < 2 || may_be_two, || {
                format!("{input} is an output of {}: rename one", stacks.join(" and "))
            });
        }
    }
    findings.conclude();
}

#[test]
fn an_api_may_call_the_functions_behind_it_and_no_others() {
    let template = load();
    let mut findings = Findings::new();
    for (api, properties) in template.of_type("AWS::Serverless::Api") {
        let routes = template.routes(api);
        let functions = set(routes.iter().map(|(_, function)| function.clone()));
        for name in functions.iter().filter(|name| template.function(name).is_none()) {
            findings.add(format!("{api} has a route to {name}, which is no function"));
        }
        let role = &template.0["Resources"][format!("{api}Role")]["Properties"];
        let statement = &role["Policies"][0]["PolicyDocument"]["Statement"][0];
        let allowed = template::one_or_many(&statement["Resource"]).into_iter().map(template::resource_name);
        let called = functions.iter().filter_map(|name| template.function(name)).map(|function| format!("{}:live", function.id));
        findings.same(
            &allowed.collect(),
            &called.collect(),
            |name| format!("{api}Role may call {name}, which is behind no route: remove it"),
            |name| format!("{api}Role may not call {name}, which is behind a route: add it"),
        );
        findings.check(statement["Action"] == serde_json::json!(["lambda:InvokeFunction"]), || {
            format!("{api}Role: allow lambda:InvokeFunction only")
        });
        findings.check(properties["OpenApiVersion"] == "3.0.1", || {
            format!("{api}: set OpenApiVersion, or SAM makes a second stage named Stage")
        });
    }
    findings.conclude();
}

#[test]
fn every_folder_below_functions_is_a_function_and_the_other_way_round() {
    let template = load();
    let mut findings = Findings::new();
    findings.same(
        &set(files::functions()),
        &set(template.functions().iter().map(Function::folder)),
        |folder| {
            format!("functions/{folder} is in no stack: add an entry {folder} to the functions of one in {}", template::PATH)
        },
        |folder| {
            format!(
                "a stack in {} has a function {folder}, and functions/{folder}/ does not exist: remove it, or add the folder",
                template::PATH
            )
        },
    );
    for folder in files::functions() {
        findings.check(package_name(&folder).as_deref() == Some(&*folder), || {
            format!("functions/{folder}/Cargo.toml: name the package {folder}, as its folder")
        });
    }
    findings.conclude();
}

#[test]
fn every_function_has_its_name_service_alias_and_log_group() {
    let template = load();
    let mut findings = Findings::new();
    let groups: Vec<(&str, &Value)> = template.of_type("AWS::Logs::LogGroup").collect();
    for function in template.functions() {
        let (id, folder) = (function.id, function.folder());
        let name = format!("${{Prefix}}-{folder}");
        findings.check(function.property("FunctionName")["Fn::Sub"] == name.as_str(), || {
            format!("{id}: set FunctionName to !Sub \"{name}\"")
        });
        findings.check(function.environment().get("POWERTOOLS_SERVICE_NAME").is_some_and(|service| *service == folder), || {
            format!("{id}: set POWERTOOLS_SERVICE_NAME to {folder}")
        });
        findings.check(function.property("AutoPublishAlias") == "live", || format!("{id}: set AutoPublishAlias to live"));
        let group = function.property("LoggingConfig")["LogGroup"]["Ref"].as_str().unwrap_or_default();
        let properties = groups.iter().find(|(id, _)| *id == group).map(|(_, properties)| *properties);
        let group_name = format!("/aws/lambda/${{Prefix}}-{folder}");
        findings.check(
            properties.is_some_and(|group| {
                group["LogGroupName"]["Fn::Sub"] == group_name.as_str() && !group["RetentionInDays"].is_null()
            }),
            || format!("{id}: add a log group named !Sub \"{group_name}\" with RetentionInDays, and name it in LoggingConfig"),
        );
        let condition = |id: &str| template.0["Resources"][id]["Condition"].clone();
        findings.check(condition(id) == condition(group), || format!("{id}: give {group} the same Condition"));
    }
    let used: BTreeSet<&str> =
        template.functions().iter().filter_map(|f| f.property("LoggingConfig")["LogGroup"]["Ref"].as_str()).collect();
    for (id, _) in groups.iter().filter(|(id, _)| !used.contains(id)) {
        findings.add(format!("{id} is no function's log group: remove it, or name it in a LoggingConfig"));
    }
    findings.conclude();
}

#[test]
fn every_function_is_given_the_environment_that_it_reads() {
    let template = load();
    let mut findings = Findings::new();
    let verifier = source::parse("shared/lambda/src/token/mod.rs").expect("token/mod.rs is Rust");
    let mut tokens = Wiring::default();
    tokens.visit_file(&verifier);
    for function in template.functions() {
        let folder = function.folder();
        let Ok(wiring) = Wiring::of(folder) else { continue };
        let mut read = wiring.keys.clone();
        if wiring.checks_tokens {
            read.extend(tokens.keys.iter().cloned());
        }
        let mut given = set(function.environment().into_keys());
        given.remove("POWERTOOLS_SERVICE_NAME");
        findings.same(
            &given,
            &read,
            |key| format!("{}: {key} is set and functions/{folder} never reads it: remove it from the template", function.id),
            |key| format!("{}: functions/{folder}/src/main.rs reads {key}: add it to the function's Environment", function.id),
        );
        for (key, value) in function.environment() {
            findings
                .check(value.as_str() != Some(""), || format!("{}: {key} is empty, and empty counts as missing", function.id));
        }
    }
    findings.conclude();
}

/// Keys that Lambda sets, and the fallback for those who set the log level otherwise.
const SET_BY_OTHERS: &[&str] =
    &["AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "LOG_LEVEL"];

#[test]
fn every_function_is_given_what_shared_lambda_reads_by_itself() {
    let template = load();
    let mut findings = Findings::new();
    let mut read = BTreeSet::new();
    for path in files::below("shared/lambda/src", ".rs") {
        let file = source::parse(&path).expect("it is Rust");
        let calls = source::calls(|calls| calls.visit_file(&file));
        read.extend(
            calls.iter().filter(|call| call.name() == "variable").filter_map(|call| source::text(call.arguments.first()?)),
        );
    }
    let mut given = template.global_environment();
    given.insert("POWERTOOLS_SERVICE_NAME".to_owned());
    findings.same(
        &given,
        &read.into_iter().filter(|key| !SET_BY_OTHERS.contains(&key.as_str())).collect(),
        |key| {
            format!("{key} is set for every function and nothing in shared/lambda reads it: remove it from Globals, or read it")
        },
        |key| format!("shared/lambda reads {key}: add it to Globals in {}", template::PATH),
    );
    findings.conclude();
}

/// The ARN of this deployment's functions up to their own names.
const FUNCTIONS: &str = "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${Prefix}";

fn substitutions_used(workflow: &str) -> BTreeSet<String> {
    let text = files::read(&format!("statemachines/{workflow}.asl.json"));
    set(text.split("${").skip(1).filter_map(|rest| rest.split('}').next()))
}

#[test]
fn every_workflow_has_a_state_machine_with_exactly_its_functions() {
    let template = load();
    let mut findings = Findings::new();
    let orchestrators = workflows::orchestrators();
    let machines: BTreeSet<String> = template.of_type("AWS::Serverless::StateMachine").map(|(id, _)| id.to_owned()).collect();
    let mut found = BTreeSet::new();
    let workflows = orchestrators.iter().flat_map(|orchestrator| orchestrator.workflows());
    let tracks = workflows.flat_map(|workflow| template::tracks(workflow).iter().map(move |track| (workflow, *track)));
    for (workflow, track) in tracks {
        let (name, machine) = (&workflow.name, track.state_machine(&workflow.name));
        let Some((id, properties)) = template.state_machine(&machine) else {
            findings.add(format!(
                "{}: add {name} to the machines of a stack: its state machine {machine} is missing",
                template::PATH
            ));
            continue;
        };
        found.insert(id.to_owned());
        let uri = format!("../../statemachines/{name}.asl.json");
        findings.check(properties["DefinitionUri"] == uri.as_str(), || format!("{id}: set DefinitionUri to {uri}"));
        findings.check(properties["Type"] == "STANDARD", || {
            format!("{id}: a checkout takes minutes and may be redriven: set Type to STANDARD")
        });
        let substitutions = &properties["DefinitionSubstitutions"];
        findings.same(
            &keys(substitutions),
            &substitutions_used(name),
            |key| format!("{id}: no state of {name} has ${{{key}}}: remove it from DefinitionSubstitutions"),
            |key| format!("{id}: {name}.asl.json has ${{{key}}}: add it to DefinitionSubstitutions"),
        );
        findings.check(substitutions["FunctionPrefix"]["Fn::Sub"] == FUNCTIONS, || {
            format!("{id}: set FunctionPrefix to !Sub \"{FUNCTIONS}\"")
        });
        findings.check(substitutions["Alias"] == track.name(), || format!("{id}: set Alias to {track}"));
        let mut called = BTreeSet::new();
        for spec in workflow.steps() {
            let step = &spec.step;
            let Some(function) = template.function(step) else {
                findings.add(format!("{name} has the step {step}: add functions/{step} and its entry in a stack"));
                continue;
            };
            let expected = format!("{}:{track}", function.id);
            findings.check(track == ReleaseTrack::Live || has_sandbox(&template, function.id), || {
                format!(
                    "{}: add an AWS::Lambda::Alias sandbox of {} at !GetAtt {}.Version.Version",
                    template::PATH,
                    function.id,
                    function.id
                )
            });
            called.insert(("lambda:InvokeFunction".to_owned(), expected));
        }
        findings.same(
            &template::allowed(properties),
            &called,
            |(action, resource)| format!("{id}: its policy allows {action} on {resource}, which no step calls: remove it"),
            |(action, resource)| format!("{id}: allow {action} on {resource}: a step calls it"),
        );
    }
    if let Some((id, properties)) = template.state_machine(WAIT_MACHINE) {
        found.insert(id.to_owned());
        let uri = format!("../../statemachines/{WAIT_MACHINE}.asl.json");
        findings.check(properties["DefinitionUri"] == uri.as_str(), || format!("{id}: set DefinitionUri to {uri}"));
        let substitutions = &properties["DefinitionSubstitutions"];
        findings.check(substitutions["FunctionPrefix"]["Fn::Sub"] == FUNCTIONS && substitutions["Alias"] == "live", || {
            format!("{id}: set FunctionPrefix to !Sub \"{FUNCTIONS}\" and Alias to live")
        });
        let called = BTreeSet::from([("lambda:InvokeFunction".to_owned(), "AwaitVendor:live".to_owned())]);
        findings.check(template::allowed(properties) == called, || {
            format!("{id}: allow lambda:InvokeFunction on AwaitVendor:live only")
        });
    }
    for id in machines.difference(&found) {
        findings.add(format!("{id} is the state machine of no workflow: remove it, or add the workflow to an orchestrator"));
    }
    findings.conclude();
}

/// Whether the function has an alias `sandbox` that equals `live` at first.
fn has_sandbox(template: &Template, function: &str) -> bool {
    template.of_type("AWS::Lambda::Alias").any(|(_, alias)| {
        let version = &alias["FunctionVersion"]["Fn::GetAtt"];
        alias["FunctionName"]["Ref"] == function
            && alias["Name"] == ReleaseTrack::Canary.name()
            && (version[0] == format!("{function}.Version") && version[1] == "Version"
                || version[0] == function && version[1] == "Version.Version")
    })
}

fn seconds(function: &Function<'_>) -> u64 {
    function.property("Timeout").as_u64().unwrap_or_default()
}

/// Calls to partners that one function makes one after another in one attempt, at most: a payment's undo retrieves the
/// intent, lists its refunds and refunds.
const CALLS_IN_A_ROW: u64 = 3;

#[test]
fn each_timeout_is_longer_than_what_it_waits_for() {
    let template = load();
    let mut findings = Findings::new();
    for workflow in workflows::orchestrators().iter().flat_map(|orchestrator| orchestrator.workflows()) {
        for spec in workflow.steps() {
            let Some(function) = template.function(&spec.step) else { continue };
            let limit = seconds(&function);
            findings.check(limit < u64::from(spec.timeout_seconds), || {
                format!(
                    "{}: the task {} ends after {} s, so its Timeout must be less than that, not {limit} s",
                    function.id, spec.step, spec.timeout_seconds
                )
            });
            for wait in spec.wait.iter() {
                findings.check(limit < u64::from(wait.timeout_seconds), || {
                    format!(
                        "{}: {} waits {} s, so the function's Timeout of {limit} s must be less",
                        function.id, spec.step, wait.timeout_seconds
                    )
                });
            }
        }
    }
    for function in template.functions().iter().filter(|function| {
        function.environment().keys().any(|key| key.ends_with("_URL") && !key.contains("QUEUE") && !key.starts_with("JWKS"))
    }) {
        for policy in POLICIES.iter().chain(&carryout_migration::partners::POLICIES) {
            findings.check(policy.timeout_ms < seconds(function) * 1_000, || {
                format!("{}: {} is given {} ms, so the Timeout must be longer", function.id, policy.name, policy.timeout_ms)
            });
            findings.check(policy.timeout_ms * CALLS_IN_A_ROW < seconds(function) * 1_000, || {
                format!(
                    "{}: {CALLS_IN_A_ROW} calls to {} in a row take up to {} ms: raise the Timeout, or lower the policy's timeout",
                    function.id,
                    policy.name,
                    policy.timeout_ms * CALLS_IN_A_ROW
                )
            });
        }
    }
    for function in template.functions().iter().filter(|function| !function.routes("Api").is_empty()) {
        findings.check(seconds(function) < 29, || format!("{}: API Gateway gives up after 29 s: lower the Timeout", function.id));
    }
    findings.conclude();
}

#[test]
fn a_schedule_is_slower_than_its_function() {
    let template = load();
    let mut findings = Findings::new();
    for function in template.functions() {
        for (name, event) in function.events().filter(|(_, event)| event["Type"] == "Schedule") {
            let rate = event["Properties"]["Schedule"].as_str().unwrap_or_default();
            let minutes =
                rate.strip_prefix("rate(").and_then(|rest| rest.split(' ').next()).and_then(|count| count.parse::<u64>().ok());
            findings.check(minutes.is_some_and(|minutes| seconds(&function) < minutes * 60), || {
                format!(
                    "{}: {name} is {rate:?}: the Timeout of {} s must be less, or two runs overlap",
                    function.id,
                    seconds(&function)
                )
            });
        }
    }
    findings.conclude();
}

#[test]
fn nothing_but_the_scaler_sets_capacity() {
    let template = load();
    let mut findings = Findings::new();
    for function in template.functions() {
        let own = ["ProvisionedConcurrencyConfig", "ReservedConcurrentExecutions"];
        for property in own.into_iter().filter(|property| !function.property(property).is_null()) {
            findings.add(format!("{}: remove {property}: a deployment would fight the scaler", function.id));
        }
        for (name, event) in function.events().filter(|(_, event)| !event["Properties"]["ScalingConfig"].is_null()) {
            findings
                .add(format!("{}: remove ScalingConfig from {name}: a deployment would fight the scaler: {event}", function.id));
        }
    }
    let Some(scaler) = template.function("scale-ahead") else { return findings.conclude() };
    let names = |key: &str| {
        let list = scaler.environment().get(key).and_then(|list| list.as_str()).unwrap_or_default().to_owned();
        set(list.split(',').map(str::to_owned))
    };
    let scaled = names("SCALED_FUNCTIONS");
    let is_fed = |name: &&String| {
        template.function(name).is_some_and(|function| function.events().any(|(_, event)| event["Type"] == "SQS"))
    };
    findings.same(
        &names("QUEUED_FUNCTIONS"),
        &scaled.iter().filter(is_fed).cloned().collect(),
        |name| format!("QUEUED_FUNCTIONS has {name}, which is not scaled or which no queue feeds: remove it"),
        |name| format!("a queue feeds {name}, which is scaled: add it to QUEUED_FUNCTIONS"),
    );
    findings.conclude();
}

#[test]
fn queues_wait_longer_than_their_functions_and_have_dead_letter_queues() {
    let template = load();
    let mut findings = Findings::new();
    let mut fed = BTreeSet::new();
    for function in template.functions() {
        for (name, event) in function.events().filter(|(_, event)| event["Type"] == "SQS") {
            let properties = &event["Properties"];
            let queue = template::resource_name(&properties["Queue"]);
            let of_queue = &template.0["Resources"][&queue]["Properties"];
            let (visible, needed) = (of_queue["VisibilityTimeout"].as_u64().unwrap_or(30), 6 * seconds(&function));
            findings.check(visible >= needed, || {
                format!(
                    "{queue}: VisibilityTimeout is {visible} s: raise it to {needed} s, six times the Timeout of {}",
                    function.id
                )
            });
            let letters = template::resource_name(&of_queue["RedrivePolicy"]["deadLetterTargetArn"]);
            let exists = template.of_type("AWS::SQS::Queue").any(|(id, _)| id == letters && id != queue);
            let times = of_queue["RedrivePolicy"]["maxReceiveCount"].as_u64();
            findings.check(exists && times > Some(1), || {
                format!(
                    "{queue}: it feeds {}: add a RedrivePolicy to a dead-letter queue with a maxReceiveCount above 1",
                    function.id
                )
            });
            let partial = properties["FunctionResponseTypes"]
                .as_array()
                .is_some_and(|types| types.iter().any(|kind| kind == "ReportBatchItemFailures"));
            findings.check(partial, || format!("{}: {name} needs FunctionResponseTypes: [ReportBatchItemFailures]", function.id));
            fed.extend([queue, letters]);
        }
    }
    for (id, properties) in template.of_type("AWS::SQS::Queue") {
        let kept = properties["MessageRetentionPeriod"].as_u64().unwrap_or(345_600);
        let for_people = properties["RedrivePolicy"].is_null();
        findings.check(!for_people || kept == 1_209_600, || {
            format!("{id}: people empty it: set MessageRetentionPeriod to 1209600, the longest there is")
        });
        findings.check(properties["SqsManagedSseEnabled"] == true, || format!("{id}: set SqsManagedSseEnabled to true"));
    }
    findings.conclude();
}
