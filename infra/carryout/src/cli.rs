//! The command line: what can be asked, and how the answer is printed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use jiff::{SignedDuration, Timestamp};

use crate::client::Client;
use crate::demo::shopping;
use crate::local_cloud::{self, Condition, Emulator, Record};
use crate::predicate::Predicate;
use crate::price::PriceContext;
use crate::project::Project;
use crate::sandbox::{Sandbox, Versions};
use crate::stack::Stack;
use crate::terminal::Terminal;
use crate::token::Issuer;
use crate::tools::{self, Target, Tools};
use crate::with_cloud::with_cloud;
use crate::{demo, deploy, functions, ledger, order, reconciliation, routing, seed, soak, statemachines};
use carryout_checkout::ledger::LedgerPhase;
use carryout_checkout::market::{Country, MarketType};
use carryout_checkout::order::OrderStatus;
use carryout_checkout::request_refund::RefundBody;
use carryout_checkout::routing::Percent;
use carryout_marketplace::Marketplace;
use carryout_pricing::RefundLine;

/// Runs Carryout on one machine: a local cloud, the functions, the stack, tokens.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "A first round:\n  carryout up && carryout build && carryout deploy\n  carryout token --consumer alice\n  carryout down"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(Up),
    Down(Down),
    Status(Status),
    Build(Build),
    Deploy(Deploy),
    Seed(Seed),
    Demo(Demo),
    Soak(Soak),
    Route(Route),
    Sandbox(SandboxCommand),
    Statemachines(Statemachines),
    Order(OrderCommand),
    #[command(subcommand)]
    Ledger(Ledger),
    Reconcile(Reconcile),
    Token(Token),
    Tool(Tool),
    Predicate(Predicate),
    Price(PriceContext),
    WithCloud(WithCloud),
}

/// Which local cloud, and how.
#[derive(Debug, Args)]
struct Cloud {
    /// What plays AWS
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
    fn wanted(&self) -> local_cloud::Wanted {
        local_cloud::Wanted {
            emulator: self.emulator,
            port: self.port,
            enforce_iam: self.enforce_iam,
            docker: !self.without_docker,
        }
    }
}

/// Start the local cloud, or find that it runs already.
///
/// The first start downloads the emulator into the cache (110 MB for MiniStack, 560 MB for LocalStack).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout up\n  carryout up --emulator localstack --port 4600\n  carryout up --endpoint http://127.0.0.1:4566    use one that runs already"
)]
struct Up {
    #[command(flatten)]
    cloud: Cloud,
    /// Use the local cloud at this URL, which `carryout down` will leave alone
    #[arg(long, env = "ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// Print the cloud as JSON
    #[arg(long)]
    json: bool,
}

/// Build, start a local cloud, deploy, seed, run a command, and stop the cloud again.
///
/// A cloud that runs already is used and left running. The command's exit code is the result.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  carryout with-cloud -- cargo nextest run --package e2e")]
struct WithCloud {
    #[command(flatten)]
    cloud: Cloud,
    /// The command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

/// Stop the local cloud and every function that it runs.
///
/// Succeeds when nothing runs. A cloud that was given by --endpoint is left to whoever started it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  carryout down")]
struct Down {}

/// Tell whether the local cloud runs. Exits with 0 when it is healthy, with 1 otherwise.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout status\n  carryout status --json | jq -r .endpoint")]
struct Status {
    /// Print the status as JSON
    #[arg(long)]
    json: bool,
}

/// Build the functions and place them where the template looks for them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout build              for the local cloud, quick to build\n  carryout build --release    for AWS, small and quick to start"
)]
struct Build {
    /// Optimise: slow to build
    #[arg(long)]
    release: bool,
}

/// Package the template and deploy it to the local cloud or to AWS.
///
/// Writes the outputs to .carryout/stack.json. A local cloud also gets the issuer's public keys, and the parameters Stage,
/// LocalEndpoint, JwksUrl, Issuer and TokenAlgorithm where the template has them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout deploy\n  carryout deploy --param PaymentTimeoutMs=800\n  AWS_PROFILE=dev carryout deploy --aws --stage dev --param JwksUrl=https://…"
)]
struct Deploy {
    /// The stack's name
    #[arg(long, default_value = deploy::STACK)]
    stack: String,
    /// The template's Stage parameter [default: local on a local cloud; required with --aws]
    #[arg(long)]
    stage: Option<String>,
    /// A template parameter; may be given many times
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<String>,
    /// The SAM template [default: infra/template.yaml]
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Deploy to AWS with your own credentials, whether or not a local cloud runs
    #[arg(long)]
    aws: bool,
    /// Print the stack as JSON
    #[arg(long)]
    json: bool,
}

/// Write a believable marketplace into the deployed stack: stores, menus, stock, consumers.
///
/// The same number gives the same marketplace. What is there already is replaced; orders are left alone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout seed\n  carryout seed --number 7")]
struct Seed {
    /// The seed number
    #[arg(long, default_value_t = seed::DEFAULT, value_name = "N")]
    number: u64,
}

/// Send a round of orders of many kinds to the deployed stack, follow them, and compare the books.
///
/// Fails where an order was lost or charged twice, or did not end as it should.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout demo\n  carryout demo --json | jq .books")]
struct Demo {
    /// The seed number that the stack was seeded with
    #[arg(long, default_value_t = seed::DEFAULT, value_name = "N")]
    number: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Send many orders with many faults to the deployed stack, and compare orders, ledgers and books to the cent.
///
/// Fails where an order did not end, was lost, charged twice or parked, or where a sum differs.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout soak\n  carryout soak --orders 200 --faulty 80 --seed 7\n  carryout soak --json | jq .ends"
)]
struct Soak {
    /// Orders to send
    #[arg(long, env = "ORDERS", default_value_t = 2_000, value_name = "N")]
    orders: usize,
    /// Orders under way at the same time
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    at_once: u16,
    /// Of how many orders in a hundred something goes wrong
    #[arg(long, default_value_t = 40, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    faulty: u8,
    /// Chooses who orders what, and what goes wrong
    #[arg(long, env = "SEED", default_value_t = 1, value_name = "N")]
    seed: u64,
    /// The seed number that the stack was seeded with
    #[arg(long, default_value_t = seed::DEFAULT, value_name = "N")]
    number: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Show or set which checkouts take the sandbox lane: the step functions' versions that are tried in production.
///
/// Functions notice a change within seconds. An order stays in the lane in which it began.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout route set --consumer con_1w2vmf5f --employees=true\n  carryout route set --percent 10\n  carryout route list --json\n  carryout route clear"
)]
struct Route {
    #[command(subcommand)]
    action: RouteAction,
}

#[derive(Debug, Subcommand)]
enum RouteAction {
    /// Show the rules
    List {
        /// Print the rules as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change the rules; what is not given stays
    Set {
        /// A consumer to send there; may be given many times
        #[arg(long = "consumer", value_name = "ID")]
        consumers: Vec<String>,
        /// A consumer not to send there by name any more; may be given many times
        #[arg(long = "without-consumer", value_name = "ID")]
        without: Vec<String>,
        /// The share of all consumers; who is in stays in while it grows
        #[arg(long, value_name = "0-100", value_parser = percent)]
        percent: Option<Percent>,
        /// Whether to send whoever works here
        #[arg(long, value_name = "BOOL")]
        employees: Option<bool>,
        /// Print the rules as JSON
        #[arg(long)]
        json: bool,
    },
    /// Take every rule back
    Clear {
        /// Print the rules as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Show or change which versions of the step functions the sandbox lane uses.
#[derive(Debug, Args)]
#[command(
    name = "sandbox",
    after_help = "Examples:\n  carryout sandbox deploy authorize-payment\n  carryout sandbox list\n  carryout sandbox reset authorize-payment"
)]
struct SandboxCommand {
    #[command(subcommand)]
    action: SandboxAction,
}

#[derive(Debug, Subcommand)]
enum SandboxAction {
    /// Show the live and the sandbox version of each step function
    List {
        /// Print the versions as JSON
        #[arg(long)]
        json: bool,
    },
    /// Build a step function, publish it, and point its alias sandbox there; everybody else stays where they are
    Deploy {
        /// The function, such as authorize-payment
        function: String,
        /// Print its versions as JSON
        #[arg(long)]
        json: bool,
    },
    /// Point a step function's alias sandbox back to what is live
    Reset {
        /// The function, such as authorize-payment
        function: String,
        /// Print its versions as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Compile the workflows into statemachines/*.asl.json.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout statemachines\n  carryout statemachines --check    only tell whether the files are current"
)]
struct Statemachines {
    /// Write nothing; fail where a file is not current
    #[arg(long)]
    check: bool,
}

/// Look at orders, redrive parked ones, and give back what was paid, as an operator.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout order show ord_…\n  carryout order parked\n  carryout order redrive ord_…\n  carryout order refund ord_… --lines 0:1,2:2 --reason \"arrived cold\"\n\nOn AWS, give your issuer's token by --token or CARRYOUT_TOKEN."
)]
struct OrderCommand {
    #[command(subcommand)]
    action: OrderAction,
    /// An operator's bearer token [default: one of the local issuer]
    #[arg(long, env = "CARRYOUT_TOKEN", global = true, hide_env_values = true, value_name = "JWT")]
    token: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum OrderAction {
    /// Where an order stands, with its timeline
    Show {
        /// The order's id
        id: String,
    },
    /// Orders whose undo could not be finished, what remains of them, and where
    Parked,
    /// Take the undo of a parked order up again, and follow it. Exits with 1 where it parks again
    Redrive {
        /// The order's id
        id: String,
    },
    /// Give back what was paid for a placed order, or a part of it, and follow it. Exits with 1 where it fails
    #[command(group = clap::ArgGroup::new("what").required(true).args(["lines", "everything", "amount"]))]
    Refund {
        /// The order's id
        id: String,
        /// Units of lines by their place in the order, from 0
        #[arg(long, value_name = "LINE:QUANTITY", value_delimiter = ',', value_parser = order::refund_line)]
        lines: Vec<RefundLine>,
        /// With --lines: also their share of fees and tip
        #[arg(long, requires = "lines")]
        with_fees: bool,
        /// All that is left
        #[arg(long)]
        everything: bool,
        /// An amount in minor units
        #[arg(long)]
        amount: Option<i64>,
        /// Why, in 1 to 500 characters
        #[arg(long)]
        reason: String,
    },
}

/// Read an order's payment ledger.
#[derive(Debug, Subcommand)]
enum Ledger {
    /// Tell what is authorized, charged, refunded and voided, and what of it is pending.
    ///
    /// Reads JSON from standard input: an array of events, an object with `events` (as in events/ledger), or an order with
    /// its `ledger`. docs/api.md describes an event. Amounts in --json are in minor units.
    #[command(
        after_help = "Examples:\n  carryout ledger fold < events/ledger/refunded-in-part.json\n  curl -s \"$API/v1/orders/ord_…\" -H \"authorization: Bearer $TOKEN\" | carryout ledger fold --json"
    )]
    Fold {
        /// Print the balance as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Tell what the last reconciliation of payments found: processor against orders and ledgers.
///
/// reconcile-payments makes one every five minutes. Exits with 1 where something is left for a person.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  carryout reconcile\n  carryout reconcile --now\n  carryout reconcile --json | jq '.findings[] | select(.remedy == \"reported\")'"
)]
struct Reconcile {
    /// Make one now and tell what it found
    #[arg(long)]
    now: bool,
    /// With --now: leave payments alone that are younger, since their orders may still be at them
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = duration, requires = "now")]
    settled_after: SignedDuration,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Sign a bearer token that the local cloud accepts.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  curl -H \"Authorization: Bearer $(carryout token --consumer alice)\" …\n  carryout token --consumer ops --role operator --ttl 8h\n  carryout token --jwks"
)]
struct Token {
    /// Who the token is for
    #[arg(long, value_name = "ID", required_unless_present = "jwks", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    consumer: Option<String>,
    /// A role that it carries; may be given many times
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// How long it is valid
    #[arg(long, default_value = "1h", value_parser = duration)]
    ttl: SignedDuration,
    /// Print the issuer's public keys instead
    #[arg(long, conflicts_with_all = ["consumer", "roles"])]
    jwks: bool,
}

/// Run a pinned tool (aws or cfn-lint); aws talks to the local cloud where one runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout tool aws dynamodb list-tables\n  carryout tool cfn-lint infra/template.yaml")]
struct Tool {
    /// The tool's name
    #[arg(value_parser = ["aws", "cfn-lint"])]
    name: String,
    /// What it is given
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

impl Cli {
    /// Does what was asked.
    pub async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let project = Project::find()?;
        match self.command {
            Command::Up(up) => up.run(&project, terminal).await,
            Command::Down(Down {}) => {
                local_cloud::down(&project, terminal).await?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Status(status) => status.run(&project).await,
            Command::Build(build) => {
                functions::build(&project, terminal, build.release)?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Deploy(deploy) => deploy.run(&project, terminal).await,
            Command::Seed(Seed { number }) => {
                seed::seed(&Stack::deployed(&project)?, terminal, number).await?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Demo(demo) => demo.run(&project, terminal).await,
            Command::Soak(soak) => soak.run(&project, terminal).await,
            Command::Route(route) => route.run(&project).await,
            Command::Sandbox(sandbox) => sandbox.run(&project, terminal).await,
            Command::Statemachines(Statemachines { check }) => {
                statemachines::generate(&project, terminal, check)?;
                Ok(ExitCode::SUCCESS)
            }
            Command::Order(order) => order.run(&project, terminal).await,
            Command::Ledger(ledger) => ledger.run(),
            Command::Reconcile(reconcile) => reconcile.run(&project).await,
            Command::Token(token) => token.run(&project),
            Command::Tool(tool) => tool.run(&project, terminal).await,
            Command::Predicate(predicate) => predicate.run(),
            Command::Price(price) => price.run(),
            Command::WithCloud(with) => with_cloud(&project, terminal, &with.cloud.wanted(), &with.command).await,
        }
    }
}

impl Up {
    async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let record = match self.endpoint {
            Some(endpoint) => local_cloud::attach(project, terminal, &endpoint).await?,
            None => local_cloud::up(project, terminal, &self.cloud.wanted()).await?,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&record)?);
        } else {
            print_cloud(project, &record);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Status {
    async fn run(self, project: &Project) -> Result<ExitCode> {
        let status = local_cloud::status(project).await?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&status)?);
        } else {
            println!(
                "{}",
                match status.condition {
                    Condition::Healthy => format!("healthy, {} processes", status.processes),
                    Condition::Unhealthy => "runs but does not answer; `carryout up` starts it again".to_owned(),
                    Condition::Dead => "ended without `carryout down`; `carryout up` cleans up and starts it again".to_owned(),
                    Condition::None => "no local cloud; `carryout up` starts one".to_owned(),
                }
            );
            if let Some(record) = &status.record {
                print_cloud(project, record);
            }
        }
        Ok(if status.condition == Condition::Healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Deploy {
    async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let wanted = deploy::Wanted {
            stack: self.stack,
            stage: self.stage,
            template: self.template.unwrap_or_else(|| project.root().join("infra/template.yaml")),
            parameters: self.parameters,
            aws: self.aws,
        };
        let stack = deploy::deploy(project, terminal, &wanted).await?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&stack)?);
        } else {
            for (name, value) in &stack.outputs {
                println!("{name:<24} {value}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Demo {
    async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let client = Client::new(project, &stack)?;
        let marketplace = seed::marketplace(self.number);
        let url = client.url().to_owned();
        let report = demo::run(client, &marketplace, terminal).await?;
        if self.json {
            println!("{:#}", report.json());
        } else {
            print!("{}", report.print());
            println!("{}", try_it(&url, &marketplace, &report)?);
            println!("{}", report.last_line());
        }
        Ok(if report.is_wrong() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

impl Soak {
    async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let client = Client::new(project, &Stack::deployed(project)?)?;
        let wanted = soak::Wanted { orders: self.orders, at_once: self.at_once.into(), faulty: self.faulty, seed: self.seed };
        let report = soak::run(&client, &seed::marketplace(self.number), terminal, wanted).await?;
        if self.json {
            println!("{:#}", report.json());
        } else {
            print!("{}", report.print());
        }
        Ok(if report.is_wrong() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// How to go on by hand: commands that work as they stand.
fn try_it(url: &str, marketplace: &Marketplace, report: &demo::Report) -> Result<String> {
    let mut shopper = shopping::Shopper::new(marketplace, Timestamp::now().as_millisecond());
    let (consumer, store) = shopper.pick(Country::US, MarketType::Restaurant, shopping::Wanted::Open)?;
    let cart = serde_json::to_string(&shopping::delivery(&consumer, &store, 2))?;
    let point = store.store.location;
    let mut text = format!(
        "try it by hand; the stack stays up:\n  \
         curl -s '{url}/v1/stores?lat={}&lng={}&limit=3'\n  \
         TOKEN=$(cargo run -q -p carryout -- token --consumer {})    # {}\n  \
         curl -s '{url}/v1/quotes' -H \"authorization: Bearer $TOKEN\" -d '{cart}'\n",
        point.lat, point.lng, consumer.id, consumer.name
    );
    if let Some(order) = report.first_placed() {
        text.push_str(&format!(
            "  OPERATOR=$(cargo run -q -p carryout -- token --consumer ops --role operator)\n  \
             curl -s '{url}/v1/orders/{order}' -H \"authorization: Bearer $OPERATOR\"\n  \
             curl -s '{url}/v1/ops/sandbox/books/{order}' -H \"authorization: Bearer $OPERATOR\"\n"
        ));
    }
    text.push_str("docs/api.md goes on from the quote to an order. Stop everything: make down\n");
    Ok(text)
}

impl OrderCommand {
    async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let client = Client::new(project, &Stack::deployed(project)?)?.with_operator_token(self.token);
        let shown = match self.action {
            OrderAction::Parked => {
                let parked = order::parked(&client).await?;
                print!("{}", if self.json { format!("{:#}\n", serde_json::to_value(&parked)?) } else { order::table(&parked) });
                return Ok(ExitCode::SUCCESS);
            }
            OrderAction::Show { id } => order::show(&client, &id).await?,
            OrderAction::Redrive { id } => {
                let step = terminal.step(format!("Redriving {id}"));
                let ended = order::redrive(&client, &id, |_| {}).await?;
                step.done(&format!("Redrove {id}"));
                ended
            }
            OrderAction::Refund { id, lines, with_fees, everything, amount, reason } => {
                let body = RefundBody {
                    with_fees: with_fees.then_some(true),
                    lines: (!lines.is_empty()).then_some(lines),
                    everything: everything.then_some(true),
                    amount,
                    reason,
                };
                let step = terminal.step(format!("Refunding {id}"));
                let (taken, ended) = order::refund(&client, &id, &body).await?;
                let is_back =
                    ended.ledger.iter().any(|event| event.effect == taken.refund_id && event.phase == LedgerPhase::Success);
                step.done(&format!("{} {} of {id}", if is_back { "Gave back" } else { "Could not give back" }, taken.amount));
                if self.json {
                    println!("{:#}", serde_json::to_value(&ended)?);
                }
                return Ok(if is_back { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
        };
        if self.json {
            println!("{:#}", serde_json::to_value(&shown)?);
        } else {
            let why = shown.failure.as_ref().map(|failure| format!(": {failure}")).unwrap_or_default();
            println!("{} is {}{why}", shown.id, shown.status);
            print!("{}", order::timeline(&shown));
        }
        Ok(if shown.status == OrderStatus::Parked { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

impl Ledger {
    fn run(self) -> Result<ExitCode> {
        let Self::Fold { json } = self;
        let told = std::io::read_to_string(std::io::stdin()).context("cannot read the events from standard input")?;
        let balance = ledger::balance(&told)?;
        if json {
            println!("{}", serde_json::to_string_pretty(&balance)?);
        } else {
            print!("{}", ledger::table(&balance));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Reconcile {
    async fn run(self, project: &Project) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let report = if self.now {
            Some(reconciliation::now(&stack, self.settled_after).await?)
        } else {
            reconciliation::latest(&stack).await?
        };
        let report =
            report.context("there is no report yet; wait for the first one, or make one by `carryout reconcile --now`")?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{}", reconciliation::summary(&report));
        }
        Ok(if report.reported == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

impl Route {
    async fn run(self, project: &Project) -> Result<ExitCode> {
        let stack = Stack::deployed(project)?;
        let (rules, json) = match self.action {
            RouteAction::List { json } => (routing::read(&stack).await?, json),
            RouteAction::Set { consumers, without, percent, employees, json } => {
                let change = routing::Change { add: consumers, remove: without, percent, employees };
                (routing::change(&stack, &change).await?, json)
            }
            RouteAction::Clear { json } => (routing::clear(&stack).await?, json),
        };
        println!("{}", if json { serde_json::to_string_pretty(&rules)? } else { routing::describe(&rules) });
        Ok(ExitCode::SUCCESS)
    }
}

impl SandboxCommand {
    async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let sandbox = Sandbox::of(project, terminal).await?;
        let (versions, json) = match self.action {
            SandboxAction::List { json } => (sandbox.list()?, json),
            SandboxAction::Deploy { function, json } => (vec![sandbox.deploy(&function).await?], json),
            SandboxAction::Reset { function, json } => (vec![sandbox.reset(&function)?], json),
        };
        if json {
            println!("{}", serde_json::to_string_pretty(&versions)?);
        } else {
            println!("{:<20} {:>8} {:>8}", "function", "live", "sandbox");
            for Versions { function, live, sandbox } in versions {
                println!("{function:<20} {live:>8} {sandbox:>8}");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Token {
    fn run(self, project: &Project) -> Result<ExitCode> {
        let issuer = Issuer::ensure(&project.issuer_key()?)?;
        match self.consumer {
            Some(consumer) => println!("{}", issuer.sign(&consumer, &self.roles, Timestamp::now(), self.ttl)?),
            None => println!("{}", serde_json::to_string_pretty(&issuer.jwks()?)?),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Tool {
    async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
        let target = if self.name == "aws" { local_cloud::current(project).await?.map(Target::Local) } else { None };
        let tools = Tools::ensure(project, terminal, target)?;
        let directory = std::env::current_dir().context("cannot read the current directory")?;
        Ok(ExitCode::from(tools::run_as_is(&tools, &self.name, &self.arguments, &directory)?))
    }
}

fn print_cloud(project: &Project, record: &Record) {
    println!("endpoint  {}", record.endpoint);
    if let Some(emulator) = record.emulator {
        let enforced = if record.enforce_iam { ", IAM policies enforced" } else { "" };
        println!("emulator  {emulator}{enforced}");
    }
    match &record.home {
        local_cloud::Home::Process { leader } => println!("pid       {}", leader.pid),
        local_cloud::Home::Container { name } => println!("container {name}"),
        local_cloud::Home::Elsewhere => {
            println!("home      elsewhere; `carryout down` leaves it alone")
        }
        local_cloud::Home::Starting => {}
    }
    if let Some(log) = record.log_for(project) {
        println!("log       {log}");
    }
}

fn parameter(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()) => Ok(text.to_owned()),
        _ => Err("write NAME=VALUE, for example Stage=dev".to_owned()),
    }
}

fn percent(text: &str) -> Result<Percent, String> {
    let share: u8 = text.parse().map_err(|_| "write a whole number, 0 to 100".to_owned())?;
    Percent::try_from(share).map_err(|error| error.to_string())
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    text.parse().map_err(|error| format!("{error}; write for example 1h, 30m or 45s"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn iam_is_enforced_only_when_asked() {
        let enforce = |arguments: &[&str]| match Cli::try_parse_from(arguments).unwrap().command {
            Command::Up(up) => up.cloud.enforce_iam,
            other => panic!("{other:?}"),
        };
        assert!(!enforce(&["carryout", "up"]));
        assert!(enforce(&["carryout", "up", "--enforce-iam"]));
        assert!(!enforce(&["carryout", "up", "--enforce-iam=0"]));
    }

    #[test]
    fn a_token_needs_a_consumer_or_asks_for_the_keys() {
        assert!(Cli::try_parse_from(["carryout", "token"]).is_err());
        assert!(Cli::try_parse_from(["carryout", "token", "--jwks"]).is_ok());
        assert!(Cli::try_parse_from(["carryout", "token", "--consumer", ""]).is_err());
        assert!(Cli::try_parse_from(["carryout", "token", "--consumer", "a", "--ttl", "90m"]).is_ok());
        assert!(Cli::try_parse_from(["carryout", "token", "--consumer", "a", "--ttl", "soon"]).is_err());
    }

    #[test]
    fn parameters_are_named() {
        assert!(parameter("Stage=dev").is_ok());
        assert!(parameter("Url=http://x?a=b").is_ok());
        assert!(parameter("dev").is_err());
        assert!(parameter("=dev").is_err());
    }
}
