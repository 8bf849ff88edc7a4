//! The adapters of `shared/aws`: which SDK operations each method calls, and on what.

use crate::source;
use std::collections::{BTreeMap, BTreeSet};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprCall, ExprMethodCall, FnArg, ImplItem, Item, Pat, Token, Visibility};

/// SDK calls, and the action that each needs.
const CALLS: &[(&str, &str)] = &[
    ("get_item", "dynamodb:GetItem"),
    ("put_item", "dynamodb:PutItem"),
    ("update_item", "dynamodb:UpdateItem"),
    ("delete_item", "dynamodb:DeleteItem"),
    ("query", "dynamodb:Query"),
    ("scan", "dynamodb:Scan"),
    ("batch_get_item", "dynamodb:BatchGetItem"),
    ("batch_write_item", "dynamodb:BatchWriteItem"),
    ("send_message", "sqs:SendMessage"),
    ("send_message_batch", "sqs:SendMessage"),
    ("receive_message", "sqs:ReceiveMessage"),
    ("delete_message", "sqs:DeleteMessage"),
    ("start_execution", "states:StartExecution"),
    ("stop_execution", "states:StopExecution"),
    ("redrive_execution", "states:RedriveExecution"),
    ("describe_execution", "states:DescribeExecution"),
    ("send_task_success", "states:SendTaskSuccess"),
    ("send_task_failure", "states:SendTaskFailure"),
    ("send_task_heartbeat", "states:SendTaskHeartbeat"),
    ("get_secret_value", "secretsmanager:GetSecretValue"),
    ("put_secret_value", "secretsmanager:PutSecretValue"),
    ("generate_data_key", "kms:GenerateDataKey"),
    ("decrypt", "kms:Decrypt"),
    ("put_object", "s3:PutObject"),
    ("delete_objects", "s3:DeleteObject"),
    ("list_objects_v2", "s3:ListBucket"),
    ("get_metric_data", "cloudwatch:GetMetricData"),
    ("get_provisioned_concurrency_config", "lambda:GetProvisionedConcurrencyConfig"),
    ("put_provisioned_concurrency_config", "lambda:PutProvisionedConcurrencyConfig"),
    ("delete_provisioned_concurrency_config", "lambda:DeleteProvisionedConcurrencyConfig"),
    ("list_event_source_mappings", "lambda:ListEventSourceMappings"),
    ("update_event_source_mapping", "lambda:UpdateEventSourceMapping"),
];

/// Parts of a transaction, and the action that each needs. The transaction itself needs none.
const PARTS: &[(&str, &str)] = &[
    ("Put", "dynamodb:PutItem"),
    ("Update", "dynamodb:UpdateItem"),
    ("Delete", "dynamodb:DeleteItem"),
    ("Get", "dynamodb:GetItem"),
    ("ConditionCheck", "dynamodb:ConditionCheckItem"),
];

/// Builder methods that say what an operation is on.
const TARGETS: &[&str] = &["table_name", "queue_url", "secret_id", "key_id", "bucket"];

/// What an operation is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// What this parameter of the adapter's `new` names.
    Given(String),
    /// An index of the table that this parameter names.
    Index(String, String),
    /// The objects of the bucket that this parameter names.
    Objects(String),
    /// State machines.
    StateMachine,
    /// Executions of state machines.
    Execution,
    /// The alias of each function that is scaled.
    Alias,
    /// The event source mappings of functions.
    Mapping,
    /// What has no name in policies.
    Unnamed,
}

/// An action on something.
pub type Use = (String, Target);

/// An adapter.
#[derive(Debug, Clone, Default)]
pub struct Adapter {
    /// The parameters of `new` after `aws`.
    pub parameters: Vec<String>,
    /// The public methods with the uses of each, those of what they call included.
    pub methods: BTreeMap<String, BTreeSet<Use>>,
    /// The constants whose name ends with `ACTIONS`.
    pub constants: BTreeMap<String, BTreeSet<String>>,
}

impl Adapter {
    /// What all methods together use.
    pub fn uses(&self) -> BTreeSet<Use> {
        self.methods.values().flatten().cloned().collect()
    }

    /// The constants that it should have.
    pub fn expected_constants(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut expected: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (action, target) in self.uses() {
            let name = match &target {
                Target::Given(_) if self.parameters.len() == 1 => "ACTIONS".to_owned(),
                Target::Given(parameter) => format!("{}_ACTIONS", parameter.to_ascii_uppercase()),
                Target::Index(..) => "INDEX_ACTIONS".to_owned(),
                Target::Objects(_) => "OBJECT_ACTIONS".to_owned(),
                Target::StateMachine => "ACTIONS".to_owned(),
                Target::Execution => "STATE_ACTIONS".to_owned(),
                Target::Alias => "ALIAS_ACTIONS".to_owned(),
                Target::Mapping => "MAPPING_ACTIONS".to_owned(),
                Target::Unnamed => "ACTIONS".to_owned(),
            };
            expected.entry(name).or_default().insert(action);
        }
        expected
    }
}

/// What one function body does itself, before what it calls is followed.
#[derive(Default)]
struct Body {
    /// Actions with the field that they are on, and the index.
    operations: Vec<Operation>,
    /// Fields that are named as targets apart from any operation, such as of a builder in a variable.
    loose: BTreeSet<String>,
    /// Every own field that is mentioned.
    fields: BTreeSet<String>,
    /// Own methods and free functions that are called.
    calls: BTreeSet<String>,
    /// Methods of fields that are called.
    of_fields: BTreeSet<(String, String)>,
}

#[derive(Clone)]
struct Operation {
    at: usize,
    action: &'static str,
    field: Option<String>,
    index: Option<String>,
}

#[derive(Default)]
struct Parsed {
    fields: BTreeMap<String, String>,
    field_parameters: BTreeMap<String, String>,
    parameters: Vec<String>,
    bodies: BTreeMap<String, Body>,
    public: BTreeSet<String>,
    constants: BTreeMap<String, BTreeSet<String>>,
}

/// Every adapter by its name.
///
/// # Errors
///
/// Where a source can't be read, or it can't be told what an operation is on.
pub fn load() -> Result<BTreeMap<String, Adapter>, String> {
    let mut parsed: BTreeMap<String, Parsed> = BTreeMap::new();
    let mut free: BTreeMap<String, Body> = BTreeMap::new();
    for path in crate::files::below("shared/aws/src", ".rs") {
        let file = source::parse(&path)?;
        for item in &file.items {
            match item {
                Item::Struct(item) => {
                    let named =
                        item.fields.iter().filter_map(|field| Some((field.ident.as_ref()?.to_string(), type_name(&field.ty))));
                    parsed.entry(item.ident.to_string()).or_default().fields.extend(named);
                }
                Item::Fn(function) => {
                    free.insert(function.sig.ident.to_string(), body(&function.block));
                }
                _ => {}
            }
        }
        for (owner, of, block) in source::impls(&file) {
            let adapter = parsed.entry(owner).or_default();
            for item in &block.items {
                match item {
                    ImplItem::Const(constant) if constant.ident.to_string().ends_with("ACTIONS") => {
                        adapter.constants.insert(constant.ident.to_string(), texts(&constant.expr));
                    }
                    ImplItem::Fn(function) if function.sig.ident == "new" => read_new(adapter, function),
                    ImplItem::Fn(function) => {
                        let name = function.sig.ident.to_string();
                        if of.is_some() || matches!(function.vis, Visibility::Public(_)) {
                            adapter.public.insert(name.clone());
                        }
                        adapter.bodies.insert(name, body(&function.block));
                    }
                    _ => {}
                }
            }
        }
    }
    let is_adapter =
        |parsed: &Parsed| !parsed.constants.is_empty() || parsed.bodies.values().any(|body| !body.operations.is_empty());
    let names: Vec<String> = parsed.iter().filter(|(_, parsed)| is_adapter(parsed)).map(|(name, _)| name.clone()).collect();
    names.into_iter().map(|name| Ok((name.clone(), adapter(&name, &parsed, &free)?))).collect()
}

fn adapter(name: &str, all: &BTreeMap<String, Parsed>, free: &BTreeMap<String, Body>) -> Result<Adapter, String> {
    let own = &all[name];
    let methods: Result<BTreeMap<String, BTreeSet<Use>>, String> =
        own.public.iter().map(|method| Ok((method.clone(), uses(name, method, all, free, &mut BTreeSet::new())?))).collect();
    Ok(Adapter { parameters: own.parameters.clone(), methods: methods?, constants: own.constants.clone() })
}

/// What a method of an adapter uses, with what it calls.
fn uses(
    adapter: &str,
    method: &str,
    all: &BTreeMap<String, Parsed>,
    free: &BTreeMap<String, Body>,
    seen: &mut BTreeSet<String>,
) -> Result<BTreeSet<Use>, String> {
    let mut found = BTreeSet::new();
    let own = &all[adapter];
    let Some(body) = own.bodies.get(method).or_else(|| free.get(method)) else { return Ok(found) };
    if !seen.insert(method.to_owned()) {
        return Ok(found);
    }
    for operation in &body.operations {
        if operation.action.starts_with("dynamodb:Batch") {
            // A batch names its tables in a map: every table that the method mentions counts.
            let tables = body.fields.iter().filter_map(|field| own.field_parameters.get(field));
            found.extend(tables.map(|table| (operation.action.to_owned(), Target::Given(table.clone()))));
        } else {
            found.insert((operation.action.to_owned(), target(adapter, method, operation, body, own)?));
        }
    }
    for called in &body.calls {
        found.extend(uses(adapter, called, all, free, seen)?);
    }
    for (field, called) in &body.of_fields {
        let Some(nested) =
            own.fields.get(field).filter(|kind| all.get(*kind).is_some_and(|nested| nested.bodies.contains_key(called)))
        else {
            continue;
        };
        let parameter = own.field_parameters.get(field).cloned().unwrap_or_default();
        for (action, target) in uses(nested, called, all, free, &mut BTreeSet::new())? {
            found.insert((
                action,
                match target {
                    Target::Given(_) => Target::Given(parameter.clone()),
                    Target::Index(_, index) => Target::Index(parameter.clone(), index),
                    Target::Objects(_) => Target::Objects(parameter.clone()),
                    other => other,
                },
            ));
        }
    }
    Ok(found)
}

fn target(adapter: &str, method: &str, operation: &Operation, body: &Body, own: &Parsed) -> Result<Target, String> {
    match operation.action {
        "states:DescribeExecution" | "states:StopExecution" | "states:RedriveExecution" => return Ok(Target::Execution),
        action if action.starts_with("states:") => return Ok(Target::StateMachine),
        action if action.ends_with("ProvisionedConcurrencyConfig") => return Ok(Target::Alias),
        action if action.contains("EventSourceMapping") => return Ok(Target::Mapping),
        action if action.starts_with("cloudwatch:") => return Ok(Target::Unnamed),
        _ => {}
    }
    let only_loose = || if body.loose.len() == 1 { body.loose.first().cloned() } else { None };
    let field = operation.field.clone().or_else(only_loose);
    let parameter = field.as_ref().and_then(|field| own.field_parameters.get(field)).cloned().ok_or_else(|| {
        format!(
            "shared/aws: {adapter}::{method} calls {} and it can't be told on what: name the table, queue, secret, key or \
             bucket by `.table_name(&self.…)`, `.queue_url(&self.…)`, `.secret_id(&self.…)`, `.key_id(&self.…)` or `.bucket(&self.…)` \
             in the same method",
            operation.action
        )
    })?;
    Ok(match &operation.index {
        Some(index) => Target::Index(parameter, index.clone()),
        None if matches!(operation.action, "s3:PutObject" | "s3:DeleteObject") => Target::Objects(parameter),
        None => Target::Given(parameter),
    })
}

fn read_new(adapter: &mut Parsed, function: &syn::ImplItemFn) {
    let parameters = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(typed) => match &*typed.pat {
            Pat::Ident(name) => Some(name.ident.to_string()),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    });
    adapter.parameters = parameters.filter(|name| name != "aws").collect();
    struct Fields<'a>(&'a [String], BTreeMap<String, String>);
    impl<'ast> Visit<'ast> for Fields<'_> {
        fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
            struct Names(Vec<String>);
            impl Visit<'_> for Names {
                fn visit_expr_path(&mut self, path: &syn::ExprPath) {
                    self.0.extend(path.path.get_ident().map(ToString::to_string));
                }
            }
            let mut names = Names(Vec::new());
            names.visit_expr(&field.expr);
            let parameter = names.0.into_iter().find(|name| self.0.contains(name));
            if let (syn::Member::Named(field), Some(parameter)) = (&field.member, parameter) {
                self.1.insert(field.to_string(), parameter);
            }
        }
    }
    let mut fields = Fields(&adapter.parameters, BTreeMap::new());
    fields.visit_block(&function.block);
    adapter.field_parameters = fields.1;
}

fn body(block: &Block) -> Body {
    let mut body = Body::default();
    body.visit_block(block);
    body
}

impl<'ast> Visit<'ast> for Body {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        // Inner calls first, so that an operation is known before the chain behind it says what it is on.
        visit::visit_expr_method_call(self, call);
        let name = call.method.to_string();
        if let Some((_, action)) = CALLS.iter().find(|(method, _)| *method == name) {
            self.operations.push(Operation { at: std::ptr::from_ref(call) as usize, action, field: None, index: None });
        }
        match source::own_field(&call.receiver) {
            Some(field) => {
                self.of_fields.insert((field, name.clone()));
            }
            None if source::ends_with(&call.receiver, &["self"]) => {
                self.calls.insert(name.clone());
            }
            None => {}
        }
        let is_index = name == "index_name";
        if !is_index && !TARGETS.contains(&name.as_str()) {
            return;
        }
        let behind = places(&call.receiver);
        let field = call.args.first().and_then(source::own_field);
        let index = call.args.first().and_then(source::text);
        let mut named = false;
        for operation in self.operations.iter_mut().filter(|operation| behind.contains(&operation.at)) {
            if is_index {
                operation.index.clone_from(&index)
            } else {
                operation.field.clone_from(&field)
            }
            named = true;
        }
        if !named && !is_index {
            self.loose.extend(field);
        }
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        self.fields.extend(source::own_field(&Expr::Field(field.clone())));
        visit::visit_expr_field(self, field);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        visit::visit_expr_call(self, call);
        for (part, action) in PARTS {
            if source::ends_with(&call.func, &[part, "builder"]) {
                self.operations.push(Operation { at: std::ptr::from_ref(call) as usize, action, field: None, index: None });
            }
        }
        if let Expr::Path(path) = &*call.func {
            self.calls.extend(path.path.get_ident().map(ToString::to_string));
        }
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        // The arguments of macros such as `try_join!` are calls, too. They are kept for ever, because calls are told apart by
        // where they are in memory.
        if let Ok(arguments) = called.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated) {
            Box::leak(Box::new(arguments)).iter().for_each(|argument| self.visit_expr(argument));
        }
    }
}

/// Where the calls inside an expression are.
fn places(expression: &Expr) -> BTreeSet<usize> {
    struct Places(BTreeSet<usize>);
    impl<'ast> Visit<'ast> for Places {
        fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
            self.0.insert(std::ptr::from_ref(call) as usize);
            visit::visit_expr_method_call(self, call);
        }

        fn visit_expr_call(&mut self, call: &'ast ExprCall) {
            self.0.insert(std::ptr::from_ref(call) as usize);
            visit::visit_expr_call(self, call);
        }
    }
    let mut places = Places(BTreeSet::new());
    places.visit_expr(expression);
    places.0
}

fn texts(expression: &Expr) -> BTreeSet<String> {
    struct Texts(BTreeSet<String>);
    impl Visit<'_> for Texts {
        fn visit_lit_str(&mut self, text: &syn::LitStr) {
            self.0.insert(text.value());
        }
    }
    let mut texts = Texts(BTreeSet::new());
    texts.visit_expr(expression);
    texts.0
}

fn type_name(kind: &syn::Type) -> String {
    match kind {
        syn::Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default(),
        _ => String::new(),
    }
}
