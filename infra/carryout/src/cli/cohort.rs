//! A change of a cohort of consumers, as options.

use carryout_predicate::cohort::Percent;
use clap::Args;

use crate::control::Change;

/// What changes in a cohort of consumers.
#[derive(Debug, Args)]
pub(super) struct CohortChange {
    /// Add a consumer; repeatable
    #[arg(long = "consumer", value_name = "ID")]
    consumers: Vec<String>,
    /// Remove a consumer who was added by id; repeatable
    #[arg(long = "without-consumer", value_name = "ID")]
    without: Vec<String>,
    /// The percentage of all consumers; a member stays a member while it grows
    #[arg(long, value_name = "0-100", value_parser = percent)]
    percent: Option<Percent>,
    /// Include employees
    #[arg(long, value_name = "BOOL")]
    employees: Option<bool>,
}

impl From<CohortChange> for Change {
    fn from(CohortChange { consumers, without, percent, employees }: CohortChange) -> Self {
        Self { add: consumers, remove: without, percent, employees }
    }
}

pub(super) fn percent(text: &str) -> Result<Percent, String> {
    let share: u8 = text.parse().map_err(|_| "write a whole number, 0 to 100".to_owned())?;
    Percent::try_from(share).map_err(|error| error.to_string())
}
