//! One set of features for the dependencies of every development build.
//!
//! Cargo unites features over the packages that a command selects. `cargo run -p carryout`, the build of the functions and
//! `cargo nextest run --workspace` select different packages; without this crate each would compile its own copy of tokio, and
//! with it of the AWS SDK. Every selection for the dev profile contains this crate: the command line tool depends on it,
//! `carryout dev build` names it, and it is a member of the workspace. A release build leaves it out, so that functions are
//! shipped with the features that they asked for.
