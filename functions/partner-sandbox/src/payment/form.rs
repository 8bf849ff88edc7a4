//! Form-encoded request bodies.

use crate::call::Reply;
use crate::payment::errors::{invalid, not_an_integer};
use carryout_lambda::http::Request;
use std::collections::BTreeMap;

/// A form's fields; the last value of a repeated one.
pub(super) type Form = BTreeMap<String, String>;

/// Reads the request's form.
pub(super) fn form(request: &Request) -> Result<Form, Reply> {
    let content_type = request.header("content-type").unwrap_or_default();
    if !request.body.is_empty() && !content_type.starts_with("application/x-www-form-urlencoded") {
        return Err(invalid("", "Invalid request (check that your POST content type is application/x-www-form-urlencoded).", ""));
    }
    Ok(form_urlencoded::parse(&request.body).into_owned().collect())
}

/// The members of a form's `metadata`.
pub(super) fn metadata(form: &Form) -> BTreeMap<String, String> {
    let name = |field: &str| Some(field.strip_prefix("metadata[")?.strip_suffix(']')?.to_owned());
    form.iter().filter_map(|(field, value)| Some((name(field)?, value.clone()))).collect()
}

/// An amount of a form, in minor units; `None` if absent.
pub(super) fn amount(form: &Form, field: &str) -> Result<Option<i64>, Reply> {
    let Some(text) = form.get(field) else { return Ok(None) };
    let amount: i64 = text.parse().map_err(|_| not_an_integer(field))?;
    if !(1..=99_999_999).contains(&amount) {
        return Err(invalid("parameter_invalid_integer", &format!("{field} must be from 1 to 99999999"), field));
    }
    Ok(Some(amount))
}
