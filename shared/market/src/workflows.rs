//! The workflows that markets choose from: one file each in `workflows/`.

use carryout_workflow::Workflow;

/// Embedded files: name of the workflow and text.
pub(crate) type Files = &'static [(&'static str, &'static str)];

/// Workflows of orders.
pub(crate) const ORDERS: Files = include!(concat!(env!("OUT_DIR"), "/orders.rs"));
/// Workflows of refunds.
pub(crate) const REFUNDS: Files = include!(concat!(env!("OUT_DIR"), "/refunds.rs"));

pub(crate) fn names(files: Files) -> Vec<&'static str> {
    files.iter().map(|(name, _)| *name).collect()
}

/// The workflows of orders, by name.
///
/// # Errors
///
/// A file that is not a workflow: a test ensures that there is none.
pub fn of_orders() -> Result<Vec<Workflow>, serde_json::Error> {
    read(ORDERS)
}

/// The workflows of refunds, by name.
///
/// # Errors
///
/// A file that is not a workflow: a test ensures that there is none.
pub fn of_refunds() -> Result<Vec<Workflow>, serde_json::Error> {
    read(REFUNDS)
}

fn read(files: Files) -> Result<Vec<Workflow>, serde_json::Error> {
    files.iter().map(|(_, text)| serde_json::from_str(text)).collect()
}
