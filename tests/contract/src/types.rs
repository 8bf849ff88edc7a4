//! What serde makes of the product's types: the members of structs and the names of variants.

use crate::source;
use std::collections::{BTreeMap, BTreeSet};
use syn::{Attribute, Fields, Item, Type};

/// Which way a type goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is written: a member is always there unless it may be skipped.
    Answer,
    /// It is read: a member is needed unless it has a default.
    Request,
}

/// The types of some files.
#[derive(Default)]
pub struct Types(BTreeMap<String, Vec<Item>>);

impl Types {
    /// Reads these files.
    ///
    /// # Errors
    ///
    /// Where one is no Rust.
    pub fn load(paths: impl IntoIterator<Item = &'static str>) -> Result<Self, String> {
        let mut types = Self::default();
        for path in paths {
            types.0.insert(path.to_owned(), source::parse(path)?.items);
        }
        Ok(types)
    }

    /// The members that a struct has in JSON, and whether each is always there. Those of flattened structs are included.
    ///
    /// # Errors
    ///
    /// Where the file has no such struct.
    pub fn members(&self, path: &str, name: &str, way: Way) -> Result<BTreeMap<String, bool>, String> {
        let items = self.0.get(path).into_iter().flatten();
        let found = items.clone().find_map(|item| match item {
            Item::Struct(item) if item.ident == name => Some(&item.fields),
            _ => None,
        });
        let Some(Fields::Named(fields)) = found else { return Err(format!("{path} has no struct {name}")) };
        let mut members = BTreeMap::new();
        for field in &fields.named {
            let serde = serde(&field.attrs);
            let renamed = serde.split_once("rename = \"").and_then(|(_, rest)| rest.split_once('"')).map(|(name, _)| name.to_owned());
            let own = renamed.or_else(|| field.ident.as_ref().map(ToString::to_string)).unwrap_or_default();
            if serde.contains("flatten") {
                let inner = type_name(&field.ty);
                let elsewhere = self.0.keys().find(|other| self.members(other, &inner, way).is_ok());
                if let Some(other) = elsewhere {
                    members.extend(self.members(other, &inner, way)?);
                }
                continue;
            }
            let optional = matches!(type_name(&field.ty).as_str(), "Option");
            let always = match way {
                Way::Answer => !serde.contains("skip_serializing_if"),
                Way::Request => !serde.contains("default") && !optional,
            };
            members.insert(own, always);
        }
        Ok(members)
    }

    /// The names that an enum's variants have in JSON.
    ///
    /// # Errors
    ///
    /// Where the file has no such enum.
    pub fn variants(&self, path: &str, name: &str) -> Result<BTreeSet<String>, String> {
        let items = self.0.get(path).into_iter().flatten();
        let found = items.clone().find_map(|item| match item {
            Item::Enum(item) if item.ident == name => Some(item),
            _ => None,
        });
        let found = found.ok_or_else(|| format!("{path} has no enum {name}"))?;
        let serde = serde(&found.attrs);
        let renamed = |variant: String| match () {
            () if serde.contains("SCREAMING_SNAKE_CASE") => snake(&variant).to_ascii_uppercase(),
            () if serde.contains("snake_case") => snake(&variant),
            () => variant,
        };
        Ok(found.variants.iter().map(|variant| renamed(variant.ident.to_string())).collect())
    }
}

/// What stands in the `serde` attributes.
fn serde(attributes: &[Attribute]) -> String {
    let serde = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
    let lists = serde.filter_map(|attribute| attribute.meta.require_list().ok());
    lists.map(|list| list.tokens.to_string()).collect::<Vec<_>>().join(", ")
}

fn type_name(kind: &Type) -> String {
    match kind {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default(),
        Type::Reference(reference) => type_name(&reference.elem),
        _ => String::new(),
    }
}

/// `LoseAnswer` → `lose_answer`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_named_as_serde_names_them() {
        assert_eq!((snake("LoseAnswer"), snake("Done")), ("lose_answer".to_owned(), "done".to_owned()));
    }
}
