//! What each stack is given: settings of the deployer, and outputs of the stacks before it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use carryout_stacks::{Plan, Template};

/// Settings and outputs by name.
pub type Values = BTreeMap<String, String>;

/// The settings that the deployer gave, after a look whether the plan has them.
pub fn settings(plan: &Plan, defaults: &[(&str, String)], given: &[String]) -> Result<Values> {
    let known: Vec<&str> = plan.templates().iter().flat_map(own_settings).collect();
    let mut settings: Values = defaults.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    for parameter in given {
        let (name, value) = parameter.split_once('=').with_context(|| format!("{parameter} is not NAME=VALUE"))?;
        if !known.contains(&name) {
            bail!("there is no setting {name}; there are {}", known.join(", "));
        }
        settings.insert(name.to_owned(), value.to_owned());
    }
    Ok(settings)
}

/// The parameters of a template that the deployer sets: those that it hands on as outputs.
pub fn own_settings(template: &Template) -> Vec<&str> {
    let outputs: Vec<&str> = template.outputs().collect();
    template.parameters().into_keys().filter(|parameter| outputs.contains(parameter)).collect()
}

/// The values of a template's parameters. One that is absent keeps its value, which only the deployer's own settings may.
pub fn parameters(template: &Template, settings: &Values, outputs: &Values) -> Result<Values> {
    let own = own_settings(template);
    let mut given = Values::new();
    let mut missing = Vec::new();
    for (name, default) in template.parameters() {
        let source = if own.contains(&name) { settings } else { outputs };
        match (source.get(name), default) {
            (Some(value), _) => {
                given.insert(name.to_owned(), value.clone());
            }
            (None, _) if own.contains(&name) => {}
            // Said explicitly: CloudFormation would keep the value of an output that is gone.
            (None, Some(default)) => {
                given.insert(name.to_owned(), default);
            }
            (None, None) => missing.push(name),
        }
    }
    if !missing.is_empty() {
        bail!(
            "the stack {} needs {}, which no deployed stack has as an output; deploy the stacks before it, or give a setting with \
             --param NAME=VALUE",
            template.stack,
            missing.join(", ")
        );
    }
    Ok(given)
}

/// Whether a template is part of this deployment: one of the inputs that it is deployed with is given and not `false`.
pub fn is_wanted(template: &Template, outputs: &Values) -> bool {
    let inputs = template.deployed_with();
    inputs.is_empty() || inputs.iter().any(|input| outputs.get(*input).is_some_and(|value| !value.is_empty() && value != "false"))
}

/// Adds outputs to those of the stacks before: the first stack that has one counts, so that a partner's own address, which is
/// a setting, comes before the sandbox's.
pub fn add(outputs: &mut Values, of_stack: &Values) {
    for (name, value) in of_stack {
        outputs.entry(name.clone()).or_insert_with(|| value.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(parameters: serde_json::Value, outputs: serde_json::Value) -> Template {
        Template { stack: "checkout".to_owned(), content: json!({ "Parameters": parameters, "Outputs": outputs }) }
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn inputs_come_from_outputs_and_settings_from_the_deployer() {
        let template = template(
            json!({ "Stage": { "Type": "String" }, "OrdersTable": { "Type": "String" }, "LegacyUrl": { "Type": "String", "Default": "" } }),
            json!({ "Stage": {} }),
        );
        let given = parameters(&template, &values(&[("Stage", "dev")]), &values(&[("OrdersTable", "t"), ("Stage", "other")]));
        assert_eq!(given.unwrap(), values(&[("LegacyUrl", ""), ("OrdersTable", "t"), ("Stage", "dev")]));
    }

    #[test]
    fn a_setting_that_is_not_given_keeps_its_value() {
        let template = template(json!({ "Stage": { "Default": "dev" } }), json!({ "Stage": {} }));
        assert_eq!(parameters(&template, &Values::new(), &Values::new()).unwrap(), Values::new());
    }

    #[test]
    fn a_missing_input_is_named() {
        let template = template(json!({ "PaymentUrl": {} }), json!({}));
        let error = parameters(&template, &Values::new(), &Values::new()).unwrap_err().to_string();
        assert!(error.contains("checkout needs PaymentUrl"), "{error}");
    }

    #[test]
    fn a_partner_of_its_own_comes_before_the_sandbox() {
        let mut outputs = values(&[("PaymentUrl", "https://payments.example")]);
        add(
            &mut outputs,
            &values(&[("PaymentUrl", "https://sandbox.example/payment"), ("FraudUrl", "https://sandbox.example/fraud")]),
        );
        assert_eq!(outputs["PaymentUrl"], "https://payments.example");
        assert_eq!(outputs["FraudUrl"], "https://sandbox.example/fraud");
    }

    #[test]
    fn a_stack_is_left_out_without_the_inputs_that_it_is_deployed_with() {
        let sandbox = Template {
            stack: "sandbox".to_owned(),
            content: json!({ "Metadata": { "Carryout": { "DeployedWith": ["WithSandbox"] } } }),
        };
        assert!(is_wanted(&sandbox, &values(&[("WithSandbox", "true")])));
        assert!(!is_wanted(&sandbox, &values(&[("WithSandbox", "false")])));
        assert!(!is_wanted(&sandbox, &Values::new()));
    }
}
