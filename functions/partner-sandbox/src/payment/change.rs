use crate::call::Operation;
use crate::payment::form::Form;

/// A request to change an intent.
pub(super) struct Change<'a> {
    pub(super) operation: &'a Operation,
    pub(super) form: &'a Form,
    pub(super) key: Option<&'a str>,
}
