//! Which local cloud a command starts.

use clap::Args;
use local_cloud::{Emulator, Wanted};

/// Which local cloud, and how.
#[derive(Debug, Args)]
pub(super) struct Cloud {
    /// The emulator that plays AWS
    #[arg(long, env = "EMULATOR", default_value = "ministack")]
    emulator: Emulator,
    /// The loopback port to listen on
    #[arg(long, env = "CARRYOUT_PORT", default_value_t = 4566, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Refuse what IAM policies do not allow, as AWS does (MiniStack only)
    #[arg(long, env = "ENFORCE_IAM", value_parser = clap::builder::FalseyValueParser::new(), default_missing_value = "1", num_args = 0..=1, require_equals = true, default_value = "0")]
    enforce_iam: bool,
    /// Run LocalStack on the host even where Docker answers
    #[arg(long)]
    without_docker: bool,
}

impl Cloud {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted { emulator: self.emulator, port: self.port, enforce_iam: self.enforce_iam, docker: !self.without_docker }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        cloud: Cloud,
    }

    #[test]
    fn iam_is_enforced_only_when_asked() {
        let enforce = |arguments: &[&str]| Command::try_parse_from(arguments).unwrap().cloud.enforce_iam;
        assert!(!enforce(&["up"]));
        assert!(enforce(&["up", "--enforce-iam"]));
        assert!(!enforce(&["up", "--enforce-iam=0"]));
    }
}
