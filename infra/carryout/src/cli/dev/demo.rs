//! `carryout dev demo`

use carryout_market::{MarketType, ids};
use std::process::ExitCode;

use anyhow::Result;
use carryout_marketplace::Marketplace;
use clap::Args;
use jiff::Timestamp;
use local_cloud::{Project, Terminal};

use crate::client::Client;
use crate::demo::{self, shopping};
use crate::seed;
use crate::stack::Stack;

/// Send a round of orders of many kinds to the deployed stack, follow them, and compare the books.
///
/// Fails if an order was lost, charged twice, or ended in the wrong state.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  carryout dev demo\n  carryout dev demo --json | jq .books")]
pub(super) struct Demo {
    /// The seed number that the stack was seeded with
    #[arg(long, default_value_t = seed::DEFAULT, value_name = "N")]
    number: u64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

impl Demo {
    pub(super) async fn run(self, terminal: &Terminal) -> Result<ExitCode> {
        let project = Project::find()?;
        let client = Client::new(&project, &Stack::deployed(&project)?)?;
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

/// Commands to continue by hand, ready to paste.
fn try_it(url: &str, marketplace: &Marketplace, report: &demo::Report) -> Result<String> {
    let mut shopper = shopping::Shopper::new(marketplace, Timestamp::now().as_millisecond());
    let (consumer, store) = shopper.pick(ids::US, MarketType::Restaurant, shopping::Wanted::Open)?;
    let cart = serde_json::to_string(&shopping::delivery(&consumer, &store, 2))?;
    let point = store.store.location;
    let mut text = format!(
        "try it by hand; the stack stays up:\n  \
         curl -s '{url}/v1/stores?lat={}&lng={}&limit=3'\n  \
         TOKEN=$(cargo run -q -p carryout -- dev token --consumer {})    # {}\n  \
         curl -s '{url}/v1/quotes' -H \"authorization: Bearer $TOKEN\" -d '{cart}'\n",
        point.lat, point.lng, consumer.id, consumer.name
    );
    if let Some(order) = report.first_placed() {
        text.push_str(&format!(
            "  OPERATOR=$(cargo run -q -p carryout -- dev token --consumer ops --role operator)\n  \
             curl -s '{url}/v1/orders/{order}' -H \"authorization: Bearer $OPERATOR\"\n  \
             curl -s '{url}/v1/ops/sandbox/books/{order}' -H \"authorization: Bearer $OPERATOR\"\n"
        ));
    }
    text.push_str("docs/api.md goes on from the quote to an order. Stop everything: make down\n");
    Ok(text)
}
