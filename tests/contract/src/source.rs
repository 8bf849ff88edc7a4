//! Rust sources as syntax trees, without their tests.

use crate::files;
use std::collections::{BTreeMap, BTreeSet};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Expr, ExprCall, ExprMethodCall, File, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Lit, Local, Pat, Token,
};

/// A parsed file, without what is compiled for tests only.
///
/// # Errors
///
/// Where it is no Rust.
pub fn parse(path: &str) -> Result<File, String> {
    let mut file = syn::parse_file(&files::read(path)).map_err(|error| format!("{path} is no Rust: {error}"))?;
    drop_tests(&mut file.items);
    Ok(file)
}

/// Every source of the product: domain crates, adapters, functions. Tools and tests are not part of it.
pub fn product() -> Vec<String> {
    let mut paths = files::below("shared", ".rs");
    paths.extend(files::below("functions", ".rs"));
    paths.retain(|path| path.contains("/src/") && !path.contains("/tests") && !path.starts_with("shared/testing/"));
    paths
}

fn drop_tests(items: &mut Vec<Item>) {
    items.retain(|item| {
        let attributes: &[Attribute] = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            _ => &[],
        };
        !attributes.iter().any(is_test_only)
    });
    for item in items {
        if let Item::Mod(module) = item
            && let Some((_, items)) = &mut module.content
        {
            drop_tests(items);
        }
    }
}

fn is_test_only(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
}

/// The last names of a path: `carryout_lambda::http::Problem::new` ends with `["Problem", "new"]`.
pub fn ends_with(expression: &Expr, names: &[&str]) -> bool {
    let Expr::Path(path) = expression else { return false };
    let segments: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    segments.len() >= names.len() && segments[segments.len() - names.len()..].iter().eq(names.iter())
}

/// The last name of a path.
pub fn last_name(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Expr::Reference(reference) => last_name(&reference.expr),
        Expr::Field(field) => match &field.member {
            syn::Member::Named(name) => Some(name.to_string()),
            syn::Member::Unnamed(_) => None,
        },
        _ => None,
    }
}

/// The text of a string literal.
pub fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The value of an integer literal.
pub fn integer(expression: &Expr) -> Option<u64> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The field in `self.field` or `&self.field`.
pub fn own_field(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Reference(reference) => own_field(&reference.expr),
        Expr::Field(field) if ends_with(&field.base, &["self"]) => last_name(expression),
        _ => None,
    }
}

/// Every function of a file, free or in an `impl`, by its name; several of one name are together.
pub fn functions(file: &File) -> BTreeMap<String, Vec<syn::Block>> {
    struct Collect(BTreeMap<String, Vec<syn::Block>>);
    impl Visit<'_> for Collect {
        fn visit_item_fn(&mut self, function: &ItemFn) {
            self.0.entry(function.sig.ident.to_string()).or_default().push((*function.block).clone());
        }

        fn visit_impl_item_fn(&mut self, function: &ImplItemFn) {
            self.0.entry(function.sig.ident.to_string()).or_default().push(function.block.clone());
        }
    }
    let mut collect = Collect(BTreeMap::new());
    collect.visit_file(file);
    collect.0
}

/// The `impl` blocks of a file with the name of their type and of their trait, if any.
pub fn impls(file: &File) -> impl Iterator<Item = (String, Option<String>, &ItemImpl)> {
    file.items.iter().filter_map(|item| {
        let Item::Impl(block) = item else { return None };
        let syn::Type::Path(own) = &*block.self_ty else { return None };
        let own = own.path.segments.last()?.ident.to_string();
        let of = block.trait_.as_ref().and_then(|(_, path, _)| path.segments.last()).map(|segment| segment.ident.to_string());
        Some((own, of, block))
    })
}

/// The methods of an `impl` block.
pub fn methods(block: &ItemImpl) -> impl Iterator<Item = &ImplItemFn> {
    block.items.iter().filter_map(|item| match item {
        ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

/// What a call is: the function or method's name, the receiver's last name (`None` for functions), the arguments.
pub struct Call {
    /// The names of the path, or the method's name alone.
    pub path: Vec<String>,
    /// The receiver's last name; `self` for the type's own methods. `None` for functions and for receivers without one.
    pub receiver: Option<String>,
    /// Whether it is a method call.
    pub is_method: bool,
    /// The arguments.
    pub arguments: Punctuated<Expr, Token![,]>,
}

impl Call {
    /// The name of what is called.
    pub fn name(&self) -> &str {
        self.path.last().map(String::as_str).unwrap_or_default()
    }
}

/// Every call in a syntax tree.
pub fn calls(visit: impl FnOnce(&mut Calls)) -> Vec<Call> {
    let mut calls = Calls(Vec::new());
    visit(&mut calls);
    calls.0
}

/// Collects [`Call`]s.
pub struct Calls(Vec<Call>);

impl<'ast> Visit<'ast> for Calls {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.0.push(Call {
            path: vec![call.method.to_string()],
            receiver: last_name(&call.receiver),
            is_method: true,
            arguments: call.args.clone(),
        });
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let path = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            self.0.push(Call { path, receiver: None, is_method: false, arguments: call.args.clone() });
        }
        visit::visit_expr_call(self, call);
    }
}

/// What a `main.rs` wires: which environment keys it reads into which variables, and what it makes of them.
#[derive(Debug, Default)]
pub struct Wiring {
    /// Every key that is read.
    pub keys: BTreeSet<String>,
    /// Whether a token verifier reads its own keys.
    pub checks_tokens: bool,
    /// The key behind each variable.
    pub variables: BTreeMap<String, String>,
    /// `Type::new(&aws, …)`: the type, and the variables that it is given after `aws`.
    pub constructions: Vec<(String, Vec<String>)>,
}

impl Wiring {
    /// Reads `functions/<folder>/src/main.rs`.
    ///
    /// # Errors
    ///
    /// Where it is no Rust.
    pub fn of(folder: &str) -> Result<Self, String> {
        let file = parse(&format!("functions/{folder}/src/main.rs"))?;
        let mut wiring = Self::default();
        wiring.visit_file(&file);
        Ok(wiring)
    }

    fn bind(&mut self, pattern: &Pat, value: &Expr) {
        match (pattern, value) {
            (Pat::Type(typed), value) => self.bind(&typed.pat, value),
            (Pat::Tuple(names), Expr::Tuple(values)) => {
                names.elems.iter().zip(&values.elems).for_each(|(name, value)| self.bind(name, value));
            }
            (Pat::Ident(name), Expr::MethodCall(call)) => {
                if let Some(key) = environment_key(call) {
                    self.variables.insert(name.ident.to_string(), key);
                }
            }
            _ => {}
        }
    }
}

/// The key in `config.required("KEY")`.
pub fn environment_key(call: &ExprMethodCall) -> Option<String> {
    let reads = ["required", "optional", "parsed", "parsed_or"].iter().any(|name| call.method == name);
    let from_config = last_name(&call.receiver).is_some_and(|name| name == "config");
    if reads && from_config { text(call.args.first()?) } else { None }
}

impl<'ast> Visit<'ast> for Wiring {
    fn visit_local(&mut self, local: &'ast Local) {
        if let Some(init) = &local.init {
            self.bind(&local.pat, &init.expr);
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.keys.extend(environment_key(call));
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        self.checks_tokens |= ends_with(&call.func, &["TokenVerifier", "from_config"]);
        if let Expr::Path(path) = &*call.func
            && ends_with(&call.func, &["new"])
            && call.args.first().and_then(last_name).is_some_and(|first| first == "aws")
        {
            let owner = path.path.segments.iter().rev().nth(1).map(|segment| segment.ident.to_string()).unwrap_or_default();
            let given = call.args.iter().skip(1).map(|argument| last_name(argument).unwrap_or_default()).collect();
            self.constructions.push((owner, given));
        }
        visit::visit_expr_call(self, call);
    }
}
