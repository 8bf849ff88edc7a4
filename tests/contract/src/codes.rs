//! Every error code that the sources name.

use crate::source;
use carryout_environment::Class;
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::{self, Visit};
use syn::{Expr, ItemConst};

/// A code, and what the sources say about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Code {
    /// The files that name it.
    pub files: BTreeSet<String>,
    /// Its class, where it is an `ErrorCode`.
    pub class: Option<Class>,
}

/// All codes: by name, and by the constant that holds them.
#[derive(Debug, Default)]
pub struct Codes {
    /// By name.
    pub by_name: BTreeMap<String, Code>,
    /// The name behind each constant.
    pub by_constant: BTreeMap<String, String>,
}

/// Calls whose first text argument is a code.
const NAMED_BY_TEXT: &[&[&str]] =
    &[&["Problem", "new"], &["TaskError", "new"], &["BatchItemError", "new"], &["Self", "new"], &["refused"]];

impl Codes {
    /// Reads every source of the product.
    ///
    /// # Errors
    ///
    /// Where one is no Rust.
    pub fn load() -> Result<Self, String> {
        let mut codes = Self::default();
        for path in source::product() {
            let file = source::parse(&path)?;
            Scan { codes: &mut codes, path: &path }.visit_file(&file);
        }
        Ok(codes)
    }

    fn add(&mut self, name: String, path: &str, class: Option<Class>) {
        let code = self.by_name.entry(name).or_default();
        code.files.insert(path.to_owned());
        code.class = class.or(code.class);
    }
}

/// Whether a text has the form of a code: `Area.Reason`, or `Internal`.
pub fn is_code(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_uppercase()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    text == "Internal" || text.split_once('.').is_some_and(|(area, reason)| word(area) && word(reason))
}

struct Scan<'a> {
    codes: &'a mut Codes,
    path: &'a str,
}

impl<'ast> Visit<'ast> for Scan<'_> {
    fn visit_item_const(&mut self, constant: &'ast ItemConst) {
        if let Expr::Call(call) = &*constant.expr
            && let Some(class) = class(&call.func)
            && let Some(name) = call.args.first().and_then(source::text)
        {
            self.codes.by_constant.insert(constant.ident.to_string(), name.clone());
            self.codes.add(name, self.path, Some(class));
        }
        visit::visit_item_const(self, constant);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if NAMED_BY_TEXT.iter().any(|names| source::ends_with(&call.func, names)) {
            let named = call.args.iter().take(2).filter_map(source::text).find(|text| is_code(text));
            if let Some(name) = named {
                self.codes.add(name, self.path, None);
            }
        }
        visit::visit_expr_call(self, call);
    }
}

fn class(constructor: &Expr) -> Option<Class> {
    [("permanent", Class::Permanent), ("retryable", Class::Retryable), ("unknown", Class::Unknown)]
        .into_iter()
        .find(|(name, _)| source::ends_with(constructor, &["ErrorCode", name]))
        .map(|(_, class)| class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_two_words() {
        for (text, is) in
            [("Payment.Declined", true), ("Internal", true), ("payment.declined", false), ("Payment", false), ("A.B c", false)]
        {
            assert_eq!(is_code(text), is, "{text}");
        }
    }
}
