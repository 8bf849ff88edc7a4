//! Onboarding workflows: what definitions mean, before and while somebody is in them.

use anyhow::{Context as _, Result, bail};
use carryout_aws::{DynamoApplicantPages, DynamoApplicants};
use carryout_onboarding::{
    applicant::Applicant,
    definition::Market,
    diff::diff,
    funnel::funnel,
    graph,
    lint::lint,
    markets::{Markets, SETTINGS_KEY, Settings, embedded_files, parse},
    migrate::{self, migrate},
    ports::ApplicantPages as _,
    what_if::what_if,
};
use carryout_predicate::cohort::Percent;
use carryout_workflow::FormWorkflow;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::control::Setting;
use crate::stack::Stack;
use local_cloud::Project;

/// Look at onboarding workflows: check, draw and compare definitions, try them on stored applicants, move those on their way.
#[derive(Debug, Args)]
#[command(
    after_help = "A market is a country and a type (US/courier; US alone means its couriers) or a file with a definition.\n\nExamples:\n  carryout workflow lint\n  carryout workflow graph US --mermaid\n  carryout workflow diff US AU\n  carryout workflow what-if my-us-courier.json\n  carryout workflow migrate AU --from 1 --to 2 --plan"
)]
pub(super) struct WorkflowCommand {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check every definition. Exits with 1 where something is wrong
    Lint {
        /// Market files that are checked together with the embedded ones, in place of those of their market
        files: Vec<PathBuf>,
    },
    /// Draw a workflow
    Graph {
        /// The market
        market: String,
        /// As a flowchart in Mermaid's language
        #[arg(long)]
        mermaid: bool,
    },
    /// What the second does otherwise than the first
    Diff {
        /// The first market
        first: String,
        /// The second market
        second: String,
    },
    /// Where stored applicants of a market would stand in this definition. Changes nothing
    WhatIf {
        /// The market, or a file with a candidate
        market: String,
        #[command(flatten)]
        stored: Stored,
    },
    /// Move applicants who are on their way to another version. Whom the plan can't decide about is listed and stays
    Migrate {
        /// The market
        market: String,
        /// The version that they are at
        #[arg(long, value_name = "VERSION")]
        from: u32,
        /// The version that they come to
        #[arg(long, value_name = "VERSION")]
        to: u32,
        /// Only say what would be done
        #[arg(long)]
        plan: bool,
        #[command(flatten)]
        stored: Stored,
    },
    /// How many come how far, by market, version and step
    Funnel {
        #[command(flatten)]
        stored: Stored,
    },
    /// Put a market file into the control table, where it counts in place of the embedded one within seconds
    Publish {
        /// The market file
        file: PathBuf,
    },
    /// Choose who begins here and who in the system before this one, and whether progress is mirrored between both
    Rollout {
        /// The market
        market: Option<String>,
        /// This share of its new applicants begins here
        #[arg(long, requires = "market", value_name = "0..100", value_parser = percent)]
        percent: Option<Percent>,
        /// Whether progress is mirrored
        #[arg(long, value_name = "BOOL")]
        mirror: Option<bool>,
    },
}

/// Where applicants come from.
#[derive(Debug, Args)]
struct Stored {
    /// A JSON file with a list of applicants [default: those of the deployed stack]
    #[arg(long, value_name = "FILE")]
    applicants: Option<PathBuf>,
}

impl Stored {
    async fn read(&self) -> Result<Vec<Applicant>> {
        match &self.applicants {
            Some(file) => {
                serde_json::from_str(&read(file)?).with_context(|| format!("{} is no list of applicants", file.display()))
            }
            None => {
                let stack = Stack::deployed(&Project::find()?)?;
                let pages = DynamoApplicantPages::new(&stack.aws().await, stack.output("ApplicantsTable")?);
                let mut found = Vec::new();
                pages.each(|applicant| found.push(applicant)).await.context("the applicants can't be read")?;
                Ok(found)
            }
        }
    }
}

impl WorkflowCommand {
    pub(super) async fn run(self) -> Result<ExitCode> {
        match &self.action {
            Action::Lint { files } => return self.lint(files),
            Action::Graph { market, mermaid } => {
                let workflow = workflow(&markets().await?, market)?;
                if self.json {
                    println!("{:#}", serde_json::to_value(&workflow)?);
                } else {
                    print!("{}", if *mermaid { graph::mermaid(&workflow) } else { graph::text(&workflow) });
                }
            }
            Action::Diff { first, second } => {
                let markets = markets().await?;
                let differences = diff(&workflow(&markets, first)?, &workflow(&markets, second)?);
                if self.json {
                    println!("{:#}", serde_json::to_value(&differences)?);
                } else if differences.is_empty() {
                    println!("no difference");
                } else {
                    differences.iter().for_each(|difference| println!("{difference}"));
                }
            }
            Action::WhatIf { market, stored } => self.what_if(market, stored).await?,
            Action::Migrate { market, from, to, plan, stored } => {
                let versions = (*from, *to);
                return self.migrate(market, versions, *plan, stored).await;
            }
            Action::Funnel { stored } => self.funnel(stored).await?,
            Action::Publish { file } => {
                let market = market_file(file)?;
                let place = format!("{}/{}", market.country, market.market_type);
                change(|settings| {
                    settings
                        .markets
                        .retain(|other| (&other.country, &other.market_type) != (&market.country, &market.market_type));
                    settings.markets.push(market);
                })
                .await?;
                println!("{place} is what {} says", file.display());
            }
            Action::Rollout { market, percent, mirror } => {
                let settings = change(|settings| {
                    if let (Some(market), Some(percent)) = (market, percent) {
                        settings.rollout.entry(place(market)).or_default().percent = *percent;
                    }
                    settings.mirror = mirror.unwrap_or(settings.mirror);
                })
                .await?;
                for (market, cohort) in &settings.rollout {
                    println!("{market:<14} {} % begin here", u8::from(cohort.percent));
                }
                println!("mirror         {}", if settings.mirror { "on" } else { "off" });
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn lint(&self, files: &[PathBuf]) -> Result<ExitCode> {
        let mut markets = embedded_files()?;
        for file in files {
            let market = market_file(file)?;
            markets.retain(|other| (&other.country, &other.market_type) != (&market.country, &market.market_type));
            markets.push(market);
        }
        let findings = lint(&markets);
        if self.json {
            println!("{:#}", serde_json::to_value(&findings)?);
        } else {
            findings.iter().for_each(|finding| println!("{finding}"));
            let definitions = markets.iter().map(|market| market.definitions.len()).sum::<usize>();
            println!("{} markets, {definitions} definitions, {} findings", markets.len(), findings.len());
        }
        Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn what_if(&self, market: &str, stored: &Stored) -> Result<()> {
        let markets = markets().await?;
        let candidate = workflow(&markets, market)?;
        let applicants: Vec<Applicant> =
            stored.read().await?.into_iter().filter(|applicant| applicant.workflow == candidate.name).collect();
        let told = what_if(&candidate, &applicants);
        if self.json {
            println!("{:#}", serde_json::to_value(&told)?);
            return Ok(());
        }
        println!("{} applicants of {}, {} would be done", told.applicants, candidate.name, told.finished);
        for (title, steps) in [("next", &told.next), ("newly asked", &told.asked), ("no longer asked", &told.spared)] {
            steps.iter().for_each(|(step, count)| println!("{title:<16} {step:<28} {count:>6}"));
        }
        Ok(())
    }

    async fn migrate(&self, market: &str, (from, to): (u32, u32), only_plan: bool, stored: &Stored) -> Result<ExitCode> {
        let markets = markets().await?;
        let name = workflow(&markets, market)?.name;
        let version =
            |version| markets.orchestrator().version(&name, version).with_context(|| format!("{name} has no version {version}"));
        let (from, to) = (version(from)?, version(to)?);
        let plan = migrate::plan(from, to, &stored.read().await?);
        if self.json {
            println!("{:#}", serde_json::to_value(&plan)?);
        } else {
            for step in &plan.moves {
                println!("move      {}  + {}  - {}", step.id, step.added.join(", "), step.dropped.join(", "));
            }
            for ambiguity in &plan.ambiguous {
                println!("ambiguous {}  {}", ambiguity.id, ambiguity.reasons.join("; "));
            }
            println!(
                "{} can be moved, {} are ambiguous, {} are not affected",
                plan.moves.len(),
                plan.ambiguous.len(),
                plan.unaffected
            );
        }
        if only_plan {
            return Ok(ExitCode::SUCCESS);
        }
        if stored.applicants.is_some() {
            bail!("applicants of a file can't be moved; add --plan");
        }
        let stack = Stack::deployed(&Project::find()?)?;
        let applicants = DynamoApplicants::new(&stack.aws().await, stack.output("ApplicantsTable")?);
        let mut moved = 0;
        for step in &plan.moves {
            moved += usize::from(migrate(&applicants, to, step, Timestamp::now().as_millisecond()).await?);
        }
        eprintln!("{moved} moved; {} have moved on since and need another plan", plan.moves.len() - moved);
        Ok(if moved == plan.moves.len() && plan.ambiguous.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn funnel(&self, stored: &Stored) -> Result<()> {
        let figures = funnel(&markets().await?, &stored.read().await?, Timestamp::now().as_millisecond());
        if self.json {
            let rows: Vec<_> = figures.iter().map(|(place, figures)| json!({ "place": place, "figures": figures })).collect();
            println!("{:#}", serde_json::Value::from(rows));
            return Ok(());
        }
        println!(
            "{:<14} {:>3} {:<28} {:>8} {:>9} {:>8} {:>8} {:>12}",
            "market", "ver", "step", "entered", "finished", "dropped", "waiting", "median"
        );
        for (place, of) in &figures {
            let median = of.median_ms().map_or_else(|| "-".to_owned(), |ms| format!("{:.1} min", ms as f64 / 60_000.0));
            println!(
                "{:<14} {:>3} {:<28} {:>8} {:>9} {:>8} {:>8} {median:>12}",
                place.market, place.version, place.step, of.entered, of.finished, of.dropped, of.waiting
            );
        }
        Ok(())
    }
}

/// The embedded markets, with what is set in the deployed stack where there is one.
async fn markets() -> Result<Markets> {
    match Project::find().and_then(|project| Stack::deployed(&project)) {
        Ok(stack) => {
            let (settings, _) = setting(&stack).await?.read().await?;
            Ok(Markets::with(settings)?)
        }
        Err(_) => Ok(Markets::embedded()?),
    }
}

/// Changes what is set, if the markets can be used then.
async fn change(change: impl FnOnce(&mut Settings)) -> Result<Settings> {
    let setting = setting(&Stack::deployed(&Project::find()?)?).await?;
    let (mut settings, version): (Settings, _) = setting.read().await?;
    change(&mut settings);
    Markets::with(settings.clone()).context("nothing was changed")?;
    setting.write(&settings, version).await?;
    Ok(settings)
}

async fn setting(stack: &Stack) -> Result<Setting> {
    Setting::of(stack, SETTINGS_KEY, "the onboarding settings", "carryout workflow publish").await
}

/// The newest workflow of a market, or the one in a file.
fn workflow(markets: &Markets, market: &str) -> Result<FormWorkflow> {
    if market.ends_with(".json") {
        let definitions = market_file(Path::new(market))?.definitions;
        let newest = definitions.into_iter().max_by_key(|definition| definition.version);
        return newest.with_context(|| format!("{market} defines no workflow"));
    }
    let place = place(market);
    let (country, market_type) = place.split_once('/').context("a market is a country and a type: US/courier")?;
    Ok(markets.orchestrator().pick(country, market_type)?.clone())
}

/// `US` → `US/courier`
fn place(market: &str) -> String {
    if market.contains('/') { market.to_owned() } else { format!("{market}/courier") }
}

fn market_file(file: &Path) -> Result<Market> {
    Ok(parse(&file.display().to_string(), &read(file)?)?)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn percent(text: &str) -> Result<Percent, String> {
    let share: u8 = text.parse().map_err(|_| "give 0 to 100".to_owned())?;
    share.try_into().map_err(|error: carryout_predicate::cohort::TooMuch| error.to_string())
}
