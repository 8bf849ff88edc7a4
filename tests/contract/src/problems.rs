//! Which problems each HTTP function can answer with, read off its source.

use crate::codes::Codes;
use crate::{files, source};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprMatch, File, Pat};

/// Status and code.
pub type Problem = (u64, String);

/// Problems that the sources make and that no client can get: why.
pub const NEVER_OVER_HTTP: &[(&str, &str)] = &[
    ("Request.NotHttp", "API Gateway sends proxy requests only; whoever invokes the function by hand sees it"),
    ("Request.NoSuchRoute", "API Gateway matches the route, with its parameters, before the function runs"),
    ("Step.InProgress", "only claims are lost, and no HTTP function makes one"),
];

/// What the functions share: the problems that each part of `shared/lambda` makes.
pub struct Shared {
    codes: Codes,
    /// Every function of `shared/lambda` that makes problems, by name.
    makes: BTreeMap<&'static str, BTreeSet<Problem>>,
    /// What an error of a store is answered with.
    store: BTreeSet<String>,
}

/// Calls into `shared/lambda`, and where the problems are made that they end with.
const MADE_BY: &[(&str, &str, &[&str])] = &[
    ("verify", "shared/lambda/src/token/mod.rs", &["verify", "invalid"]),
    ("require_role", "shared/lambda/src/token/mod.rs", &["require_role"]),
    ("json", "shared/lambda/src/http/body.rs", &["parse", "malformed", "invalid_field"]),
    ("path_param", "shared/lambda/src/http/request.rs", &["path_param"]),
    ("idempotency_key", "shared/lambda/src/idempotency.rs", &["idempotency_key"]),
    ("query_as", "shared/lambda/src/http/problem.rs", &["invalid_field"]),
    ("invalid_field", "shared/lambda/src/http/problem.rs", &["invalid_field"]),
    ("verify_webhook", "shared/lambda/src/signature.rs", &["verify_signature"]),
    ("verify_payment_webhook", "shared/lambda/src/signature.rs", &["verify_signature"]),
];

/// What every request may be answered with, before and around the function's own code.
const ALWAYS: &[(&str, &[&str])] = &[
    ("shared/lambda/src/http/proxy_event.rs", &["from_event"]),
    ("shared/lambda/src/http/body.rs", &["decode"]),
    ("shared/lambda/src/http/problem.rs", &["internal", "from"]),
];

impl Shared {
    /// Reads `shared/lambda`.
    ///
    /// # Errors
    ///
    /// Where a source is no Rust, or a function that is looked for is gone.
    pub fn load() -> Result<Self, String> {
        let mut shared = Self { codes: Codes::load()?, makes: BTreeMap::new(), store: BTreeSet::new() };
        shared.store = constants(&source::parse("shared/environment/src/storage.rs")?, "StorageError", &shared.codes);
        let always = ALWAYS.iter().map(|(path, functions)| ("always", *path, *functions));
        for (name, path, functions) in MADE_BY.iter().copied().chain(always) {
            let file = source::parse(path)?;
            let bodies = source::functions(&file);
            for function in functions {
                let found = bodies.get(*function).ok_or_else(|| {
                    format!("{path} has no function {function} any more: correct tests/contract/src/problems.rs")
                })?;
                let made: BTreeSet<Problem> = found.iter().flat_map(|body| shared.made_in(&file, body)).collect();
                shared.makes.entry(name).or_default().extend(made);
            }
        }
        Ok(shared)
    }

    /// What `functions/<folder>` can answer with.
    ///
    /// # Errors
    ///
    /// Where a source is no Rust.
    pub fn of(&self, folder: &str) -> Result<BTreeSet<Problem>, String> {
        let mut found = self.makes.get("always").cloned().unwrap_or_default();
        let mut paths = files::below(&format!("functions/{folder}/src"), ".rs");
        paths.retain(|path| !path.ends_with("/main.rs") && !path.contains("/tests"));
        for path in paths {
            let file = source::parse(&path)?;
            for call in source::calls(|calls| calls.visit_file(&file)) {
                // Messages of queues are read, and responses written, by something of the same name.
                let of_others =
                    call.receiver.as_deref() == Some("message") || call.path.first().is_some_and(|owner| owner == "Response");
                let made_by = self.makes.get(call.name()).filter(|_| !of_others && call.name() != "always");
                found.extend(made_by.into_iter().flatten().cloned());
            }
            for bodies in source::functions(&file).values() {
                for body in bodies {
                    found.extend(self.made_in(&file, body));
                    found.extend(self.mapped(body)?);
                }
            }
        }
        found.retain(|(_, code)| !NEVER_OVER_HTTP.iter().any(|(never, _)| never == code));
        Ok(found)
    }

    /// Problems with a status and a code that are written out.
    fn made_in(&self, file: &File, body: &Block) -> BTreeSet<Problem> {
        let mut found = BTreeSet::new();
        let refuses = source::functions(file).get("refused").and_then(|bodies| bodies.first()).and_then(first_integer);
        for call in source::calls(|calls| calls.visit_block(body)) {
            let status = call.arguments.first().and_then(source::integer);
            let second = call.arguments.iter().nth(1);
            match call.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [.., "Problem" | "Self", "new"] => {
                    found.extend(status.zip(second.and_then(source::text)));
                }
                [.., "Problem", "from_code"] => {
                    let Some((status, code)) = status.zip(second) else { continue };
                    match source::last_name(code).and_then(|constant| self.codes.by_constant.get(&constant)) {
                        Some(code) => {
                            found.insert((status, code.clone()));
                        }
                        // `error.code()` of a store's error.
                        None => found.extend(self.store.iter().map(|code| (status, code.clone()))),
                    }
                }
                ["refused"] => found.extend(refuses.zip(call.arguments.first().and_then(source::text))),
                [.., "Problem", "internal"] => {
                    found.insert((500, "Internal".to_owned()));
                }
                _ => {}
            }
        }
        found
    }

    /// Problems whose status depends on the error's variant: `match error { QuoteError::NoStore(_) => 404, … }`, joined with
    /// the code that the error's own `code` gives to each variant.
    fn mapped(&self, body: &Block) -> Result<BTreeSet<Problem>, String> {
        let mut found = BTreeSet::new();
        for (error, variants) in status_by_variant(body) {
            let file = source::product().into_iter().find(|path| {
                path.starts_with("shared/") && files::read(path).contains(&format!("impl HasErrorCode for {error}"))
            });
            let Some(path) = file else { continue };
            let codes = code_by_variant(&source::parse(&path)?, &error);
            for (variant, status) in variants {
                match codes.get(&variant).and_then(|constant| self.codes.by_constant.get(constant)) {
                    Some(code) => {
                        found.insert((status, code.clone()));
                    }
                    None => found.extend(self.store.iter().map(|code| (status, code.clone()))),
                }
            }
        }
        Ok(found)
    }
}

/// The codes that `code` of a type gives.
fn constants(file: &File, owner: &str, codes: &Codes) -> BTreeSet<String> {
    let given = code_by_variant(file, owner);
    given.values().filter_map(|constant| codes.by_constant.get(constant)).cloned().collect()
}

/// What `fn code(&self)` of a type says: the constant for each variant.
fn code_by_variant(file: &File, owner: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (_, _, block) in source::impls(file).filter(|(own, _, _)| own == owner) {
        for method in source::methods(block).filter(|method| method.sig.ident == "code") {
            for matched in matches_in(&method.block) {
                for arm in &matched.arms {
                    if let Some(constant) = source::last_name(&arm.body) {
                        found.extend(variants(&arm.pat).into_iter().map(|(_, variant)| (variant, constant.clone())));
                    }
                }
            }
        }
    }
    found
}

/// For each error type, the status of each variant.
fn status_by_variant(body: &Block) -> BTreeMap<String, Vec<(String, u64)>> {
    let mut found: BTreeMap<String, Vec<(String, u64)>> = BTreeMap::new();
    for matched in matches_in(body) {
        for arm in &matched.arms {
            if let Some(status) = source::integer(&arm.body) {
                for (error, variant) in variants(&arm.pat) {
                    found.entry(error).or_default().push((variant, status));
                }
            }
        }
    }
    found
}

fn matches_in(body: &Block) -> Vec<ExprMatch> {
    struct Matches(Vec<ExprMatch>);
    impl<'ast> Visit<'ast> for Matches {
        fn visit_expr_match(&mut self, matched: &'ast ExprMatch) {
            self.0.push(matched.clone());
            visit::visit_expr_match(self, matched);
        }
    }
    let mut matches = Matches(Vec::new());
    matches.visit_block(body);
    matches.0
}

/// The variants of a pattern with their type: `QuoteError::NoStore(_)` is `("QuoteError", "NoStore")`.
fn variants(pattern: &Pat) -> Vec<(String, String)> {
    let path = match pattern {
        Pat::Or(either) => return either.cases.iter().flat_map(variants).collect(),
        Pat::TupleStruct(pattern) => &pattern.path,
        Pat::Struct(pattern) => &pattern.path,
        Pat::Path(pattern) => &pattern.path,
        _ => return Vec::new(),
    };
    let mut names = path.segments.iter().rev().map(|segment| segment.ident.to_string());
    names.next().zip(names.next()).map(|(variant, owner)| vec![(owner, variant)]).unwrap_or_default()
}

fn first_integer(body: &Block) -> Option<u64> {
    struct First(Option<u64>);
    impl Visit<'_> for First {
        fn visit_expr(&mut self, expression: &Expr) {
            self.0 = self.0.or_else(|| source::integer(expression));
            visit::visit_expr(self, expression);
        }
    }
    let mut first = First(None);
    first.visit_block(body);
    first.0
}
