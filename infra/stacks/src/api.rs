//! REST APIs. A route calls its function by name, under a role that may call exactly the functions behind the API.

use crate::StackError;
use crate::description::Api;
use crate::expression::{arn, quoted, sub};
use crate::page::Page;
use crate::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};

/// The API of routes that name none.
const MAIN: &str = "Api";

/// A route of an API.
struct Route<'a> {
    method: String,
    function: &'a str,
    when: Option<&'a str>,
}

/// Writes an API with its role.
pub fn api(page: &mut Page, registry: &Registry, stack: &str, id: &str, api: &Api) -> Result<(), StackError> {
    let routes = routes(registry, stack, id)?;
    let name = api.name.as_ref().map_or_else(|| "${Prefix}".to_owned(), |name| format!("${{Prefix}}-{name}"));
    role(page, id, &routes);
    page.comment(1, &api.purpose);
    page.resource(id, "AWS::Serverless::Api", None);
    page.line(2, "Properties:");
    page.line(3, format!("Name: {}", sub(&name)));
    page.line(3, "StageName: live");
    page.line(3, "OpenApiVersion: 3.0.1");
    page.line(3, "EndpointConfiguration: { Type: REGIONAL }");
    if let Some(throttle) = &api.throttle {
        let limits = format!("ThrottlingBurstLimit: {}, ThrottlingRateLimit: {}", throttle.burst, throttle.rate);
        page.line(3, "MethodSettings:");
        page.line(4, format!("- {{ ResourcePath: \"/*\", HttpMethod: \"*\", {limits} }}"));
    }
    page.line(3, "DefinitionBody:");
    page.line(4, "openapi: 3.0.1");
    page.line(4, format!("info: {{ title: {}, version: \"1\" }}", sub(&name)));
    page.line(4, "paths:");
    for (path, routes) in routes {
        page.line(5, format!("{}:", quoted(&path)));
        match routes.first().and_then(|route| route.when) {
            Some(condition) => {
                page.line(6, "Fn::If:");
                page.line(7, format!("- {condition}"));
                for (index, route) in routes.iter().enumerate() {
                    integration(page, 8, if index == 0 { "- " } else { "" }, id, route);
                }
                page.line(7, "- !Ref AWS::NoValue");
            }
            None => routes.iter().for_each(|route| integration(page, 6, "", id, route)),
        }
    }
    page.gap();
    Ok(())
}

fn integration(page: &mut Page, depth: usize, item: &str, api: &str, route: &Route<'_>) {
    let called = format!(
        "arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{Prefix}}-{}:live",
        route.function
    );
    let uri =
        format!("arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/{called}/invocations");
    page.line(depth - usize::from(!item.is_empty()), format!("{item}{}:", route.method));
    page.line(depth + 1, "responses: {}");
    page.line(depth + 1, "x-amazon-apigateway-integration:");
    page.line(depth + 2, "type: aws_proxy");
    page.line(depth + 2, "httpMethod: POST");
    page.line(depth + 2, format!("credentials: !GetAtt {api}Role.Arn"));
    page.line(depth + 2, format!("uri: {}", sub(&uri)));
}

fn role(page: &mut Page, api: &str, routes: &BTreeMap<String, Vec<Route<'_>>>) {
    let functions: BTreeSet<&str> = routes.values().flatten().map(|route| route.function).collect();
    page.comment(1, "With a role, the functions need no permission of their own that names this API.");
    page.resource(&format!("{api}Role"), "AWS::IAM::Role", None);
    page.line(2, "Properties:");
    page.line(3, "AssumeRolePolicyDocument:");
    page.line(4, "Version: \"2012-10-17\"");
    page.line(4, "Statement:");
    page.line(5, "- { Effect: Allow, Principal: { Service: apigateway.amazonaws.com }, Action: sts:AssumeRole }");
    page.line(3, "Policies:");
    page.line(4, "- PolicyName: call-functions");
    page.line(5, "PolicyDocument:");
    page.line(6, "Version: \"2012-10-17\"");
    page.line(6, "Statement:");
    page.line(7, "- Effect: Allow");
    page.line(8, "Action: [lambda:InvokeFunction]");
    page.line(8, "Resource:");
    functions.iter().for_each(|name| page.line(9, format!("- {}", arn("lambda", &format!("function:${{Prefix}}-{name}:live")))));
    page.gap();
}

/// The routes of an API by path.
fn routes<'a>(registry: &'a Registry, stack: &str, api: &str) -> Result<BTreeMap<String, Vec<Route<'a>>>, StackError> {
    let mut by_path: BTreeMap<String, Vec<Route<'a>>> = BTreeMap::new();
    for (function, entry) in registry.functions() {
        for written in &entry.routes {
            let words: Vec<&str> = written.split(' ').collect();
            let (of, method, path) = match words.as_slice() {
                [method, path] => (MAIN, *method, *path),
                [api, method, path] => (*api, *method, *path),
                _ => {
                    return Err(StackError::Unknown {
                        stack: stack.to_owned(),
                        place: function.to_owned(),
                        name: written.clone(),
                        expected: "no route: write METHOD /path",
                    });
                }
            };
            if of == api {
                let when = entry.routes_when.as_deref().filter(|_| of == MAIN);
                by_path.entry(path.to_owned()).or_default().push(Route { method: method.to_lowercase(), function, when });
            }
        }
    }
    by_path.values_mut().for_each(|routes| routes.sort_by(|one, other| one.method.cmp(&other.method)));
    Ok(by_path)
}
