//! `carryout dev token`

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use local_cloud::Project;

use crate::cli::duration;
use crate::token::Issuer;

/// Sign a bearer token that the local cloud accepts.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  curl -H \"Authorization: Bearer $(carryout dev token --consumer alice)\" …\n  carryout dev token --consumer ops --role operator --ttl 8h\n  carryout dev token --jwks"
)]
pub(super) struct Token {
    /// The subject of the token
    #[arg(long, value_name = "ID", required_unless_present = "jwks", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    consumer: Option<String>,
    /// A role that it carries; repeatable
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// How long it is valid
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: SignedDuration,
    /// Print the issuer's public keys instead
    #[arg(long, conflicts_with_all = ["consumer", "roles"])]
    jwks: bool,
}

impl Token {
    pub(super) fn run(self) -> Result<ExitCode> {
        let issuer = Issuer::ensure(&Project::find()?.issuer_key()?)?;
        match self.consumer {
            Some(consumer) => println!("{}", issuer.sign(&consumer, &self.roles, Timestamp::now(), self.ttl)?),
            None => println!("{}", serde_json::to_string_pretty(&issuer.jwks()?)?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        _token: Token,
    }

    #[test]
    fn a_token_needs_a_consumer_or_asks_for_the_keys() {
        assert!(Command::try_parse_from(["token"]).is_err());
        assert!(Command::try_parse_from(["token", "--jwks"]).is_ok());
        assert!(Command::try_parse_from(["token", "--consumer", ""]).is_err());
        assert!(Command::try_parse_from(["token", "--consumer", "a", "--ttl", "90m"]).is_ok());
        assert!(Command::try_parse_from(["token", "--consumer", "a", "--ttl", "soon"]).is_err());
    }
}
