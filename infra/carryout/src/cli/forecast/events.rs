//! `carryout forecast events`

use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use super::input::Input;
use crate::forecast;

/// Show the effect of each calendar event on the load, as given or as learned from the file.
#[derive(Debug, Args)]
pub(super) struct EventsArguments {
    #[command(flatten)]
    input: Input,
    /// Print {event, effect} for each, as JSON
    #[arg(long)]
    json: bool,
}

impl EventsArguments {
    pub(super) fn run(self) -> Result<ExitCode> {
        let series = self.input.read()?;
        ensure!(self.input.reading.events.is_some(), "give the calendar by --events");
        let effects = self.input.calendar()?.effects(&series);
        if self.json {
            let effects = effects.iter().map(|(event, effect)| json!({ "event": event, "effect": effect }));
            println!("{:#}", effects.collect::<Value>());
        } else {
            print!("{}", forecast::event_table(&effects));
        }
        Ok(ExitCode::SUCCESS)
    }
}
