//! Configuration: read once at start, through one door that names everything that is wrong at once.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

/// Reads a function's environment and remembers each key that is missing or malformed.
///
/// ```
/// use carryout_lambda::config::Reader;
///
/// # fn main() -> Result<(), carryout_lambda::config::ConfigError> {
/// # let environment = [("ORDERS_TABLE", "orders"), ("QUOTE_SECONDS", "600")];
/// # let environment = environment.map(|(key, value)| (key.to_owned(), value.to_owned()));
/// let mut config = Reader::from_map(environment);
/// let orders = config.required("ORDERS_TABLE");
/// let seconds: u64 = config.parsed("QUOTE_SECONDS");
/// let algorithm = config.optional("TOKEN_ALGORITHM");
/// config.finish()?;
/// # assert_eq!((orders.as_str(), seconds, algorithm), ("orders", 600, None));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "call `finish`, or nobody learns what is missing"]
pub struct Reader {
    values: BTreeMap<String, String>,
    problems: Vec<String>,
}

/// What is wrong with a function's environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration is not complete: {}; add it to the function's entry in infra/stacks", problems.join("; "))]
pub struct ConfigError {
    /// One sentence per key.
    pub problems: Vec<String>,
}

impl Reader {
    /// Reads the process's environment. Values that are not Unicode count as missing.
    pub fn from_env() -> Self {
        Self::from_map(std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))))
    }

    /// Reads what is given.
    pub fn from_map(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { values: values.into_iter().collect(), problems: Vec::new() }
    }

    /// The value of `key`. Empty counts as missing; then an empty string, and [`Self::finish`] fails.
    pub fn required(&mut self, key: &str) -> String {
        self.optional(key).unwrap_or_else(|| {
            self.problems.push(format!("{key} is missing"));
            String::new()
        })
    }

    /// The value of `key`, if it is set and not empty.
    pub fn optional(&self, key: &str) -> Option<String> {
        self.values.get(key).filter(|value| !value.is_empty()).cloned()
    }

    /// The value of `key` as a `T`. Where it is missing or malformed, the default, and [`Self::finish`] fails.
    pub fn parsed<T>(&mut self, key: &str) -> T
    where
        T: FromStr<Err: Display> + Default,
    {
        match self.optional(key) {
            Some(value) => self.parse(key, &value).unwrap_or_default(),
            None => {
                self.problems.push(format!("{key} is missing"));
                T::default()
            }
        }
    }

    /// The value of `key` as a `T`, or `default` where it is missing. Where it is malformed, [`Self::finish`] fails.
    pub fn parsed_or<T>(&mut self, key: &str, default: T) -> T
    where
        T: FromStr<Err: Display>,
    {
        match self.optional(key) {
            Some(value) => self.parse(key, &value).unwrap_or(default),
            None => default,
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// Where a key was missing or malformed; names all of them.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.problems.is_empty() { Ok(()) } else { Err(ConfigError { problems: self.problems }) }
    }

    // The value itself is not repeated: it may be a secret.
    fn parse<T: FromStr<Err: Display>>(&mut self, key: &str, value: &str) -> Option<T> {
        value.parse().map_err(|reason| self.problems.push(format!("{key} is malformed ({reason})"))).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(values: &[(&str, &str)]) -> Reader {
        Reader::from_map(values.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())))
    }

    #[test]
    fn reports_every_problem_at_once_and_says_where_to_mend_it() {
        let mut config = reader(&[("SECONDS", "soon"), ("EMPTY", ""), ("RATE", "x")]);
        assert_eq!(config.required("ORDERS_TABLE"), "");
        assert_eq!(config.parsed::<u64>("SECONDS"), 0);
        assert_eq!(config.required("EMPTY"), "");
        assert_eq!(config.parsed_or("RATE", 7_u32), 7);
        let error = config.finish().unwrap_err();
        assert_eq!(error.problems.len(), 4);
        let text = error.to_string();
        for part in
            ["ORDERS_TABLE is missing", "SECONDS is malformed", "EMPTY is missing", "RATE is malformed", "infra/stacks"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert!(!text.contains("soon"), "a value may be a secret");
    }

    #[test]
    fn a_complete_environment_is_accepted() {
        let mut config = reader(&[("ORDERS_TABLE", "orders"), ("SECONDS", "60")]);
        assert_eq!(config.required("ORDERS_TABLE"), "orders");
        assert_eq!(config.parsed::<u64>("SECONDS"), 60);
        assert_eq!(config.parsed_or("RATE", 7_u32), 7);
        assert_eq!(config.optional("NOTHING"), None);
        assert_eq!(config.finish(), Ok(()));
    }
}
