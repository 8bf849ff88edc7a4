//! What a test finds, all of it at once.

use std::collections::BTreeSet;
use std::fmt::{self, Display};

/// What is wrong, one sentence each, that says what to do.
#[derive(Debug, Default)]
pub struct Findings(Vec<String>);

impl Findings {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Something is wrong.
    pub fn add(&mut self, what_to_do: impl Into<String>) {
        self.0.push(what_to_do.into());
    }

    /// Something is wrong unless `right`.
    pub fn check(&mut self, right: bool, what_to_do: impl FnOnce() -> String) {
        if !right {
            self.add(what_to_do());
        }
    }

    /// Two sets that must be the same: what to do about each member that only `left` has, and that only `right` has.
    pub fn same<T: Ord>(
        &mut self,
        left: &BTreeSet<T>,
        right: &BTreeSet<T>,
        only_left: impl Fn(&T) -> String,
        only_right: impl Fn(&T) -> String,
    ) {
        self.0.extend(left.difference(right).map(only_left));
        self.0.extend(right.difference(left).map(only_right));
    }

    /// Fails the test if anything was found.
    ///
    /// # Panics
    ///
    /// Where something was found; the message has all of it.
    #[track_caller]
    pub fn conclude(self) {
        assert!(self.0.is_empty(), "{self}");
    }
}

impl Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} to mend:", self.0.len())?;
        self.0.iter().try_for_each(|finding| writeln!(f, "  - {finding}"))
    }
}

/// A set of owned texts.
pub fn set<T: Into<String>>(items: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    items.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_reported_at_once() {
        let mut findings = Findings::new();
        findings.same(
            &set(["a", "b"]),
            &set(["b", "c"]),
            |item| format!("add {item} to the right"),
            |item| format!("add {item} to the left"),
        );
        assert_eq!(findings.to_string(), "2 to mend:\n  - add a to the right\n  - add c to the left\n");
    }
}
