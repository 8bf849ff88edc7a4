//! Rounds of orders: a demonstration, and a long one with faults.

use anyhow::Result;
use carryout_checkout::market::{Country, MarketType};
use carryout_marketplace::Marketplace;
use clap::Args;
use jiff::Timestamp;
use std::process::ExitCode;

use crate::client::Client;
use crate::demo::shopping;
use crate::project::Project;
use crate::stack::Stack;
use crate::terminal::Terminal;
use crate::{demo, seed, soak};

/// Send a round of orders of many kinds to the deployed stack, follow them, and compare the books.
///
/// Fails where an order was lost or charged twice, or did not end as it should.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout demo\n  carryout demo --json | jq .books")]
pub(super) struct Demo {
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
pub(super) struct Soak {
    /// Orders to send
    #[arg(long, env = "ORDERS", default_value_t = 2_000, value_name = "N")]
    orders: usize,
    /// Orders under way at the same time
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
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

impl Demo {
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
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
    pub(super) async fn run(self, project: &Project, terminal: &Terminal) -> Result<ExitCode> {
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
